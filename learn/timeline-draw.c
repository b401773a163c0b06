/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of a timeline, as SVG text. A lane is a task: the colour behind it is its phase, the
 * bars are its calls, as high as the logarithm of their number, so that a lone call is seen beside
 * a burst of thousands. Below, a row for each library, the darker the more. What is alike and side
 * by side is one stroke, so that the picture is as large as it is wide, however long the trace.
 *
 * Names come from a target: they are escaped for terminals and then for XML.
 */
#include "learn/timeline-private.h"

#include "sysgait/palette.h"
#include "sysgait/summary.h"
#include "sysgait/text.h"

#include <math.h>
#include <string.h>

static const char style[] =
    "<style>"
    "svg{background:#fff;font-family:Helvetica,Arial,sans-serif;font-size:11px}"
    "text{fill:#1f2937}.title{font-size:17px;font-weight:bold}.head{font-size:13px;font-weight:"
    "bold}"
    ".muted{fill:#6b7280}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".lane{fill:#eef0f3}.bars{fill:#4b5563}.grid{stroke:#d1d5db;stroke-width:.5;fill:none}"
    ".heat{fill:#1f2937}.bad{fill:#c62828}.on{fill:#fff;font-size:9px;font-weight:bold}"
    "@media (prefers-color-scheme:dark){svg{background:#14171c}text{fill:#e5e7eb}"
    ".muted{fill:#9ca3af}.lane{fill:#252a32}.bars{fill:#9ca3af}.grid{stroke:#3b424d}"
    ".heat{fill:#e5e7eb}.bad{fill:#ff6b6b}.band{opacity:.28}.on{fill:#fff}}"
    "</style>\n";

/* --- text ---------------------------------------------------------------------------------------
 */

/* Escaped for XML; cut in the middle where it is longer than max characters (0: as long as it is).
 */
void
gait_drawing_append_text(GString *out, const char *text, guint max)
{
	g_autoptr(GString) safe = g_string_new(NULL);
	g_autofree char *escaped = NULL;
	glong length;

	gait_text_append(safe, text);
	length = g_utf8_strlen(safe->str, -1);
	if (max && length > (glong)max) {
		const char *head = g_utf8_offset_to_pointer(safe->str, max / 2);
		const char *tail = g_utf8_offset_to_pointer(safe->str, length - max / 2 + 1);

		g_string_erase(safe, head - safe->str, tail - head);
		g_string_insert(safe, head - safe->str, "…");
	}
	escaped = g_markup_escape_text(safe->str, (gssize)safe->len);
	g_string_append(out, escaped);
}

void
gait_drawing_begin_text(Drawing *drawing, const char *klass, double x, double y)
{
	g_string_append_printf(drawing->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", klass, x,
	                       y);
}

void
gait_drawing_end_text(Drawing *drawing)
{
	g_string_append(drawing->out, "</text>\n");
}

/* "1.5 ms", "12 s"; or a number of calls. */
void
gait_drawing_append_position(GString *out, const Drawing *drawing, double at)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
	guint i = 0;

	if (at <= 0) {
		g_string_append_c(out, '0');
		return;
	}
	if (drawing->timeline->by_events) {
		g_string_append_printf(out, "%.0f", at);
		return;
	}
	while (i + 1 < G_N_ELEMENTS(units) && at < units[i].unit)
		i++;
	g_string_append_printf(out, "%.4g %s", at / units[i].unit, units[i].name);
}

/* --- geometry -----------------------------------------------------------------------------------
 */

double
gait_drawing_x_of_bin(const Drawing *drawing, double bin)
{
	return MARGIN + LABEL_WIDTH + PLOT_WIDTH * bin / drawing->n_bins;
}

double
gait_drawing_x_of(const Drawing *drawing, guint64 at)
{
	guint shift = drawing->timeline->shift;

	return gait_drawing_x_of_bin(drawing,
	                             (double)at / (double)(G_GUINT64_CONSTANT(1) << shift));
}

/* --- axis ---------------------------------------------------------------------------------------
 */

/* The least of 1, 2, 5, 10 … that gives at most ten ticks. */
static double
choose_tick(double range)
{
	double tick = pow(10, floor(log10(MAX(range, 1) / 10)));

	if (tick * 10 >= range)
		return MAX(tick, 1);
	if (tick * 20 >= range)
		return tick * 2;
	return tick * 50 >= range ? tick * 5 : tick * 10;
}

static void
draw_axis(Drawing *drawing, int bottom)
{
	double range = (double)drawing->timeline->end, tick = choose_tick(range);

	for (double at = 0; at <= range; at += tick) {
		double x = gait_drawing_x_of(drawing, (guint64)at);

		g_string_append_printf(drawing->out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x,
		                       drawing->y + AXIS_HEIGHT - 6, bottom);
		gait_drawing_begin_text(drawing, "muted mid", x, drawing->y + 12);
		gait_drawing_append_position(drawing->out, drawing, at);
		gait_drawing_end_text(drawing);
	}
	drawing->y += AXIS_HEIGHT;
}

/* --- libraries ----------------------------------------------------------------------------------
 */

static int
compare_libraries(gconstpointer a, gconstpointer b)
{
	const GaitTimelineLibrary *x = *(const GaitTimelineLibrary *const *)a;
	const GaitTimelineLibrary *y = *(const GaitTimelineLibrary *const *)b;

	if (x->n_events != y->n_events)
		return x->n_events > y->n_events ? -1 : 1;
	return strcmp(x->path, y->path);
}

static guint
shade_of(guint32 count, guint32 most)
{
	if (!count)
		return 0;
	return 1 + (guint)((N_SHADES - 1) * log1p(count) / log1p(most) + 0.5);
}

/* A stroke for each shade, of all the stretches that have it. */
static void
draw_shade(Drawing *drawing, const GaitTimelineLibrary *library, guint shade, guint32 most)
{
	gsize before = drawing->out->len;
	gboolean is_any = FALSE;

	g_string_append_printf(drawing->out, "<path class=\"heat\" opacity=\"%.2f\" d=\"",
	                       (double)shade / N_SHADES);
	for (guint i = 0; i < drawing->n_bins;) {
		guint from = i;

		if (shade_of(library->bins[i], most) != shade) {
			i++;
			continue;
		}
		while (i < drawing->n_bins && shade_of(library->bins[i], most) == shade)
			i++;
		g_string_append_printf(drawing->out, "M%.1f %dh%.2fv%dH%.1fz",
		                       gait_drawing_x_of_bin(drawing, from), drawing->y,
		                       MAX((double)PLOT_WIDTH * (i - from) / drawing->n_bins, 0.6),
		                       LIBRARY_BAND, gait_drawing_x_of_bin(drawing, from));
		is_any = TRUE;
	}
	g_string_append(drawing->out, "\"/>\n");
	if (!is_any)
		g_string_truncate(drawing->out, before);
}

static void
draw_library(Drawing *drawing, const GaitTimelineLibrary *library)
{
	guint32 most = 1;

	for (guint i = 0; i < drawing->n_bins; i++)
		most = MAX(most, library->bins[i]);
	gait_drawing_begin_text(drawing, "end", MARGIN + LABEL_WIDTH - 8, drawing->y + 11);
	gait_drawing_append_text(drawing->out, gait_text_basename(library->path), MAX_NAME);
	gait_drawing_end_text(drawing);
	g_string_append_printf(drawing->out,
	                       "<rect class=\"lane\" x=\"%d\" y=\"%d\" width=\"%d\" "
	                       "height=\"%d\"><title>",
	                       MARGIN + LABEL_WIDTH, drawing->y, PLOT_WIDTH, LIBRARY_BAND);
	gait_drawing_append_text(drawing->out, library->path, 0);
	g_string_append_printf(drawing->out, ": %" G_GUINT64_FORMAT " calls</title></rect>\n",
	                       library->n_events);
	for (guint shade = 1; shade <= N_SHADES; shade++)
		draw_shade(drawing, library, shade, most);
	drawing->y += LIBRARY_HEIGHT;
}

static void
draw_libraries(Drawing *drawing)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_copy(drawing->timeline->libraries, NULL, NULL);
	guint n;

	g_ptr_array_set_free_func(sorted, NULL);
	g_ptr_array_sort(sorted, compare_libraries);
	n = MIN(sorted->len, MAX_LIBRARIES);
	for (guint i = 0; i < n; i++)
		draw_library(drawing, g_ptr_array_index(sorted, i));
	if (n == sorted->len)
		return;
	gait_drawing_begin_text(drawing, "muted", MARGIN + LABEL_WIDTH, drawing->y + 12);
	g_string_append_printf(drawing->out, "and %u more", sorted->len - n);
	gait_drawing_end_text(drawing);
	drawing->y += LIBRARY_HEIGHT;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static void
draw_heading(Drawing *drawing, const char *text, const char *explanation)
{
	gait_drawing_begin_text(drawing, "head", MARGIN, drawing->y + 18);
	g_string_append_printf(drawing->out,
	                       "%s <tspan class=\"muted\" font-size=\"11\" "
	                       "font-weight=\"normal\">%s</tspan>",
	                       text, explanation);
	gait_drawing_end_text(drawing);
	drawing->y += HEADING_HEIGHT;
}

/* Phases of the roles that were drawn, with what enters each. */
static void
draw_legend(Drawing *drawing)
{
	for (guint i = 0; i < MIN(drawing->roles->len, MAX_ROLES); i++) {
		guint64 key = g_array_index(drawing->roles, guint64, i);
		const GaitProgram *program =
		    gait_model_get_program(drawing->model, (guint32)(key >> 32));
		const GaitRole *role = gait_program_get_role(program, (guint32)key);

		gait_drawing_begin_text(drawing, "head", MARGIN, drawing->y + 13);
		if (drawing->model->programs->len > 1) {
			gait_drawing_append_text(drawing->out, gait_text_basename(program->path),
			                         0);
			g_string_append(drawing->out, ": ");
		}
		gait_drawing_append_text(drawing->out, role->name, 0);
		gait_drawing_end_text(drawing);
		drawing->y += LEGEND_HEIGHT + 2;
		for (guint32 p = 0; p < role->phases->len; p++) {
			g_autofree char *name =
			    gait_model_dup_phase_name(drawing->model, program, role, p);

			g_string_append_printf(drawing->out,
			                       "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" "
			                       "fill=\"%s\"/>",
			                       MARGIN + 8, drawing->y + 2,
			                       gait_graph_phase_color(p)->line);
			gait_drawing_begin_text(drawing, "on mid", MARGIN + 15, drawing->y + 11);
			g_string_append_printf(drawing->out, "%u", p + 1);
			gait_drawing_end_text(drawing);
			gait_drawing_begin_text(drawing, "", MARGIN + 30, drawing->y + 12);
			gait_drawing_append_text(drawing->out, name, 0);
			gait_drawing_end_text(drawing);
			drawing->y += LEGEND_HEIGHT;
		}
	}
	if (drawing->roles->len <= MAX_ROLES)
		return;
	gait_drawing_begin_text(drawing, "muted", MARGIN, drawing->y + 12);
	g_string_append_printf(drawing->out, "and %u more roles", drawing->roles->len - MAX_ROLES);
	gait_drawing_end_text(drawing);
	drawing->y += LEGEND_HEIGHT;
}

static void
append_command(GString *out, const GaitTraceInfo *info)
{
	g_autofree char *command = g_strjoinv(" ", info->command);

	gait_drawing_append_text(out, *command ? command : "a process that was joined", 100);
}

static guint64
count_violations(const GaitTimeline *timeline)
{
	guint64 n = 0;

	for (guint i = 0; i < GAIT_VERDICT_N_; i++)
		n += timeline->n_violations[i];
	return n;
}

static void
draw_title(Drawing *drawing)
{
	const GaitTimeline *timeline = drawing->timeline;

	gait_drawing_begin_text(drawing, "title", MARGIN, 26);
	append_command(drawing->out, gait_trace_reader_get_info(drawing->reader));
	gait_drawing_end_text(drawing);
	gait_drawing_begin_text(drawing, "muted", MARGIN, 44);
	g_string_append_printf(
	    drawing->out, "%" G_GUINT64_FORMAT " calls of %" G_GUINT64_FORMAT " task%s",
	    timeline->n_events, timeline->n_tasks, timeline->n_tasks == 1 ? "" : "s");
	if (!timeline->by_events) {
		g_string_append(drawing->out, " in ");
		gait_drawing_append_position(drawing->out, drawing, (double)timeline->end);
	}
	if (drawing->model)
		g_string_append_printf(drawing->out, ", %" G_GUINT64_FORMAT " violations",
		                       count_violations(timeline));
	if (!gait_trace_reader_is_complete(drawing->reader))
		g_string_append(drawing->out, "; the trace is partial");
	gait_drawing_end_text(drawing);
	drawing->y = TITLE_HEIGHT;
}

static void
draw_body(Drawing *drawing)
{
	g_autoptr(GPtrArray) left_out = g_ptr_array_new();
	g_autoptr(GPtrArray) lanes = gait_drawing_choose_lanes(drawing, left_out);
	int bottom;

	draw_title(drawing);
	draw_heading(drawing, "Tasks",
	             drawing->model
	                 ? "colour: the phase · bars: calls, logarithmic · red: a violation"
	                 : "bars: calls, logarithmic");
	bottom = drawing->y + AXIS_HEIGHT + (int)lanes->len * LANE_HEIGHT;
	draw_axis(drawing, bottom);
	gait_drawing_draw_lanes(drawing, lanes, left_out);
	draw_heading(drawing, "Libraries", "the darker, the more calls, each by its own most");
	draw_libraries(drawing);
	if (drawing->roles->len) {
		draw_heading(drawing, "Phases", "and the call that enters each");
		draw_legend(drawing);
	}
	drawing->y += MARGIN;
}

static double
find_scale(const GaitTimeline *timeline)
{
	guint32 most = 1;

	for (guint i = 0; i < timeline->lanes->len; i++) {
		const GaitTimelineLane *lane = g_ptr_array_index(timeline->lanes, i);

		for (guint k = 0; k < lane->cells->len; k++)
			most = MAX(most, g_array_index(lane->cells, GaitTimelineCell, k).count);
	}
	return 1 / log1p(most);
}

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>body{margin:0;background:#fff}main{overflow-x:auto}svg{display:block;min-width:900px}"
    "@media (prefers-color-scheme:dark){body{background:#14171c}}</style>\n<title>";

GString *
gait_timeline_draw(const GaitTimeline *timeline, GaitTraceReader *reader, const GaitModel *model,
                   gboolean is_page)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(GArray) roles = g_array_new(FALSE, FALSE, sizeof(guint64));
	Drawing drawing = {
	    .timeline = timeline,
	    .reader = reader,
	    .model = model,
	    .out = body,
	    .n_bins = gait_timeline_n_bins(timeline),
	    .scale = find_scale(timeline),
	    .roles = roles,
	};
	int width = 3 * MARGIN + LABEL_WIDTH + PLOT_WIDTH;

	draw_body(&drawing);
	if (is_page) {
		g_string_append(out, page_head);
		append_command(out, gait_trace_reader_get_info(reader));
		g_string_append(out, "</title></head><body><main>\n");
	}
	g_string_append_printf(out,
	                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	                       "width=\"%d\" height=\"%d\">\n",
	                       width, drawing.y, width, drawing.y);
	g_string_append(out, style);
	g_string_append_len(out, body->str, (gssize)body->len);
	g_string_append(out, is_page ? "</svg>\n</main></body></html>\n" : "</svg>\n");
	return out;
}
