/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lanes of a timeline: which tasks have one of their own, and what a lane shows. Tasks that are
 * too many are drawn together, by kind.
 */
#include "learn/timeline-private.h"

#include "sysgait/palette.h"
#include "sysgait/summary.h"
#include "sysgait/text.h"

#include <math.h>

static double
height_of(const Drawing *drawing, guint64 count)
{
	double height = log1p((double)count) * drawing->scale * (LANE_BAND - 4);

	return CLAMP(height, 1, LANE_BAND);
}

/* In an open path. */
static void
append_bar(Drawing *drawing, guint32 bin, guint64 count)
{
	double height = height_of(drawing, count);

	g_string_append_printf(drawing->out, "M%.1f %dv-%.1fh%.2fv%.1fz",
	                       gait_drawing_x_of_bin(drawing, bin), drawing->y + LANE_BAND, height,
	                       MAX((double)PLOT_WIDTH / drawing->n_bins, 0.6), height);
}

static const GaitRole *
find_role(const Drawing *drawing, const GaitTimelinePhase *phase)
{
	const GaitProgram *program;

	if (!drawing->model || phase->program == GAIT_NONE || phase->role == GAIT_NONE)
		return NULL;
	program = gait_model_get_program(drawing->model, phase->program);
	return gait_program_get_role(program, phase->role);
}

static void
note_role(Drawing *drawing, const GaitTimelinePhase *phase)
{
	guint64 key = (guint64)phase->program << 32 | phase->role;

	for (guint i = 0; i < drawing->roles->len; i++)
		if (g_array_index(drawing->roles, guint64, i) == key)
			return;
	g_array_append_val(drawing->roles, key);
}

/* Where phase i of a lane ends. */
static guint64
phase_end(const Drawing *drawing, const GaitTimelineLane *lane, guint i)
{
	if (i + 1 < lane->phases->len)
		return g_array_index(lane->phases, GaitTimelinePhase, i + 1).at;
	return MIN(lane->gone, drawing->timeline->end);
}

static void
draw_phase(Drawing *drawing, const GaitTimelineLane *lane, guint i)
{
	const GaitTimelinePhase *phase = &g_array_index(lane->phases, GaitTimelinePhase, i);
	const GaitRole *role = find_role(drawing, phase);
	guint64 end = phase_end(drawing, lane, i);
	double from = gait_drawing_x_of(drawing, phase->at),
	       to = gait_drawing_x_of(drawing, MAX(end, phase->at));

	if (!role)
		return;
	note_role(drawing, phase);
	g_string_append_printf(
	    drawing->out,
	    "<g><rect class=\"band\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" "
	    "fill=\"%s\"/><title>",
	    from, drawing->y, MAX(to - from, 0.5), LANE_BAND,
	    phase->phase == GAIT_NONE ? "none" : gait_graph_phase_color(phase->phase)->node);
	gait_drawing_append_text(drawing->out, role->name, 0);
	if (phase->phase == GAIT_NONE) {
		g_string_append(drawing->out, ", phase not known");
	} else {
		g_autofree char *name = gait_model_dup_phase_name(
		    drawing->model, gait_model_get_program(drawing->model, phase->program), role,
		    phase->phase);

		g_string_append_printf(drawing->out, ", phase %u of %u: ", phase->phase + 1,
		                       role->phases->len);
		gait_drawing_append_text(drawing->out, name, 0);
	}
	g_string_append(drawing->out, ", from ");
	gait_drawing_append_position(drawing->out, drawing, (double)phase->at);
	g_string_append(drawing->out, " on</title></g>\n");
}

/* The number of the phase where it begins, if it is wide enough to be read. */
static void
draw_trigger(Drawing *drawing, const GaitTimelineLane *lane, guint i)
{
	const GaitTimelinePhase *phase = &g_array_index(lane->phases, GaitTimelinePhase, i);
	double x = gait_drawing_x_of(drawing, phase->at);
	const char *color;

	if (phase->phase == GAIT_NONE || !find_role(drawing, phase))
		return;
	color = gait_graph_phase_color(phase->phase)->line;
	g_string_append_printf(drawing->out,
	                       "<path d=\"M%.2f %dv%d\" stroke=\"%s\" stroke-width=\"1\"/>", x,
	                       drawing->y - 2, LANE_BAND + 2, color);
	if (gait_drawing_x_of(drawing, phase_end(drawing, lane, i)) - x < 13)
		return;
	g_string_append_printf(drawing->out,
	                       "<rect x=\"%.2f\" y=\"%d\" width=\"12\" height=\"11\" fill=\"%s\"/>",
	                       x, drawing->y - 2, color);
	gait_drawing_begin_text(drawing, "on mid", x + 6, drawing->y + 7);
	g_string_append_printf(drawing->out, "%u", phase->phase + 1);
	gait_drawing_end_text(drawing);
}

/* The phase that a bin's beginning lies in, and colours it; cells and phases go forward together.
 */
static const char *
color_at(const Drawing *drawing, const GaitTimelineLane *lane, guint32 bin, guint *phase)
{
	guint64 end = (guint64)(bin + 1) << drawing->timeline->shift;
	const GaitTimelinePhase *now;

	while (*phase + 1 < lane->phases->len &&
	       g_array_index(lane->phases, GaitTimelinePhase, *phase + 1).at < end)
		(*phase)++;
	if (*phase >= lane->phases->len)
		return NULL;
	now = &g_array_index(lane->phases, GaitTimelinePhase, *phase);
	return now->phase == GAIT_NONE ? NULL : gait_graph_phase_color(now->phase)->line;
}

static void
draw_bars(Drawing *drawing, const GaitTimelineLane *lane)
{
	const char *color = NULL;
	gboolean is_open = FALSE;
	guint phase = 0;

	for (guint i = 0; i < lane->cells->len; i++) {
		const GaitTimelineCell *cell = &g_array_index(lane->cells, GaitTimelineCell, i);
		const char *own = color_at(drawing, lane, cell->bin, &phase);

		if (!is_open || own != color) {
			g_string_append(drawing->out, is_open ? "\"/>\n<path" : "<path");
			if (own)
				g_string_append_printf(drawing->out, " fill=\"%s\" d=\"", own);
			else
				g_string_append(drawing->out, " class=\"bars\" d=\"");
			color = own;
			is_open = TRUE;
		}
		append_bar(drawing, cell->bin, cell->count);
	}
	if (is_open)
		g_string_append(drawing->out, "\"/>\n");
}

static void
draw_violations(Drawing *drawing, const GaitTimelineLane *lane)
{
	for (guint i = 0; i < lane->violations->len; i++) {
		const GaitTimelineCell *cell =
		    &g_array_index(lane->violations, GaitTimelineCell, i);

		g_string_append_printf(drawing->out,
		                       "<path class=\"bad\" d=\"M%.1f %dl-4 -7h8z\"><title>%u "
		                       "violation%s</title></path>\n",
		                       gait_drawing_x_of_bin(drawing, cell->bin + 0.5),
		                       drawing->y + 7, cell->count, cell->count == 1 ? "" : "s");
	}
}

/* n: how many tasks like this one the lane stands for. */
static void
label_lane(Drawing *drawing, const GaitTimelineLane *lane, guint n)
{
	const GaitTimelinePhase *last =
	    lane->phases->len
	        ? &g_array_index(lane->phases, GaitTimelinePhase, lane->phases->len - 1)
	        : NULL;
	const GaitRole *role = last ? find_role(drawing, last) : NULL;
	const char *path = lane->program == G_MAXUINT32
	                       ? "?"
	                       : gait_trace_reader_get_module(drawing->reader, lane->program)->path;

	gait_drawing_begin_text(drawing, "end", MARGIN + LABEL_WIDTH - 8,
	                        drawing->y + (role ? 10 : 16));
	if (lane->tid)
		gait_drawing_append_text(drawing->out, gait_text_basename(path), MAX_NAME);
	else
		g_string_append(drawing->out, "tasks that came later");
	if (n > 1)
		g_string_append_printf(drawing->out, " (%u more)", n);
	else if (lane->tid)
		g_string_append_printf(drawing->out, lane->is_thread ? " thread %d" : " %d",
		                       lane->tid);
	gait_drawing_end_text(drawing);
	if (!role)
		return;
	gait_drawing_begin_text(drawing, "muted end", MARGIN + LABEL_WIDTH - 8, drawing->y + 22);
	gait_drawing_append_text(drawing->out, role->name, MAX_NAME + 8);
	gait_drawing_end_text(drawing);
}

static void
draw_lane(Drawing *drawing, const GaitTimelineLane *lane)
{
	double from = gait_drawing_x_of(drawing, lane->born);
	double to = gait_drawing_x_of(drawing, MIN(lane->gone, drawing->timeline->end));

	label_lane(drawing, lane, 1);
	g_string_append_printf(drawing->out,
	                       "<rect class=\"lane\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" "
	                       "height=\"%d\"><title>%" G_GUINT64_FORMAT
	                       " calls, %" G_GUINT64_FORMAT " violations</title></rect>\n",
	                       from, drawing->y, MAX(to - from, 1), LANE_BAND, lane->n_events,
	                       lane->n_violations);
	for (guint i = 0; i < lane->phases->len; i++)
		draw_phase(drawing, lane, i);
	draw_bars(drawing, lane);
	for (guint i = 0; i < lane->phases->len; i++)
		draw_trigger(drawing, lane, i);
	draw_violations(drawing, lane);
	drawing->y += LANE_HEIGHT;
}

static int
compare_lanes(gconstpointer a, gconstpointer b)
{
	const GaitTimelineLane *x = *(const GaitTimelineLane *const *)a;
	const GaitTimelineLane *y = *(const GaitTimelineLane *const *)b;

	/* One that left its gait is worth seeing, however little it did. */
	if ((x->n_violations > 0) != (y->n_violations > 0))
		return x->n_violations > 0 ? -1 : 1;
	if (x->n_events != y->n_events)
		return x->n_events > y->n_events ? -1 : 1;
	return x->born < y->born ? -1 : x->born > y->born;
}

/* What a task is, for putting those together that are alike: its role, or the program it runs. */
static gpointer
kind_of(const GaitTimelineLane *lane)
{
	const GaitTimelinePhase *last =
	    lane->phases->len
	        ? &g_array_index(lane->phases, GaitTimelinePhase, lane->phases->len - 1)
	        : NULL;

	if (!lane->tid)
		return GSIZE_TO_POINTER(G_MAXSIZE);
	if (!last)
		return GSIZE_TO_POINTER((gsize)lane->program + 1);
	return GSIZE_TO_POINTER(((gsize)last->program + 1) << 32 | (last->role + 1));
}

/*
 * The busiest, in order of appearance. Where there are more than are drawn, a few of each kind: a
 * thousand tasks that are alike have their say as one lane.
 */
GPtrArray *
gait_drawing_choose_lanes(const Drawing *drawing, GPtrArray *left_out)
{
	const GPtrArray *all = drawing->timeline->lanes;
	g_autoptr(GPtrArray) sorted = g_ptr_array_sized_new(all->len);
	g_autoptr(GHashTable) chosen = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) kinds = g_hash_table_new(NULL, NULL);
	GPtrArray *lanes = g_ptr_array_new();

	for (guint i = 0; i < all->len; i++)
		g_ptr_array_add(sorted, g_ptr_array_index(all, i));
	g_ptr_array_sort(sorted, compare_lanes);
	for (guint i = 0; i < sorted->len && g_hash_table_size(chosen) < MAX_LANES; i++) {
		GaitTimelineLane *lane = g_ptr_array_index(sorted, i);
		gpointer kind = kind_of(lane);
		guint n = GPOINTER_TO_UINT(g_hash_table_lookup(kinds, kind));

		if (all->len > MAX_LANES && n == MAX_ALIKE)
			continue;
		g_hash_table_insert(kinds, kind, GUINT_TO_POINTER(n + 1));
		g_hash_table_add(chosen, lane);
	}
	for (guint i = 0; i < all->len; i++) {
		GaitTimelineLane *lane = g_ptr_array_index(all, i);

		g_ptr_array_add(g_hash_table_contains(chosen, lane) ? lanes : left_out, lane);
	}
	return lanes;
}

/* --- lanes of many ------------------------------------------------------------------------------
 */

/* Tasks that are alike, in one lane. */
typedef struct {
	const GaitTimelineLane *first;
	guint n;
	guint64 n_events;
	guint64 *bins;
} Crowd;

static void
free_crowd(gpointer data)
{
	Crowd *crowd = data;

	g_free(crowd->bins);
	g_free(crowd);
}

static GPtrArray *
gather(const Drawing *drawing, const GPtrArray *lanes)
{
	GPtrArray *crowds = g_ptr_array_new_with_free_func(free_crowd);
	g_autoptr(GHashTable) by_kind = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < lanes->len; i++) {
		const GaitTimelineLane *lane = g_ptr_array_index(lanes, i);
		Crowd *crowd = g_hash_table_lookup(by_kind, kind_of(lane));

		if (!crowd) {
			crowd = g_new0(Crowd, 1);
			crowd->first = lane;
			crowd->bins = g_new0(guint64, drawing->n_bins);
			g_hash_table_insert(by_kind, kind_of(lane), crowd);
			g_ptr_array_add(crowds, crowd);
		}
		crowd->n++;
		crowd->n_events += lane->n_events;
		for (guint k = 0; k < lane->cells->len; k++) {
			const GaitTimelineCell *cell =
			    &g_array_index(lane->cells, GaitTimelineCell, k);

			crowd->bins[cell->bin] += cell->count;
		}
	}
	return crowds;
}

static int
compare_crowds(gconstpointer a, gconstpointer b)
{
	const Crowd *x = *(const Crowd *const *)a, *y = *(const Crowd *const *)b;

	if (x->n_events != y->n_events)
		return x->n_events > y->n_events ? -1 : 1;
	return x->first->born < y->first->born ? -1 : x->first->born > y->first->born;
}

static void
draw_crowd(Drawing *drawing, const Crowd *crowd)
{
	label_lane(drawing, crowd->first, crowd->n);
	g_string_append_printf(drawing->out,
	                       "<rect class=\"lane\" x=\"%d\" y=\"%d\" width=\"%d\" "
	                       "height=\"%d\"><title>%u tasks, %" G_GUINT64_FORMAT
	                       " calls</title></rect>\n<path class=\"bars\" d=\"",
	                       MARGIN + LABEL_WIDTH, drawing->y, PLOT_WIDTH, LANE_BAND, crowd->n,
	                       crowd->n_events);
	for (guint i = 0; i < drawing->n_bins; i++)
		if (crowd->bins[i])
			append_bar(drawing, i, crowd->bins[i]);
	g_string_append(drawing->out, "\"/>\n");
	drawing->y += LANE_HEIGHT;
}

static void
draw_crowds(Drawing *drawing, const GPtrArray *left_out)
{
	g_autoptr(GPtrArray) crowds = gather(drawing, left_out);
	guint n_more = 0;

	g_ptr_array_sort(crowds, compare_crowds);
	for (guint i = 0; i < crowds->len; i++) {
		const Crowd *crowd = g_ptr_array_index(crowds, i);

		if (i < MAX_CROWDS)
			draw_crowd(drawing, crowd);
		else
			n_more += crowd->n;
	}
	if (!n_more)
		return;
	gait_drawing_begin_text(drawing, "muted", MARGIN + LABEL_WIDTH, drawing->y + 12);
	g_string_append_printf(drawing->out, "and %u less busy tasks of %u other kinds", n_more,
	                       crowds->len - MAX_CROWDS);
	gait_drawing_end_text(drawing);
	drawing->y += LIBRARY_HEIGHT;
}

void
gait_drawing_draw_lanes(Drawing *drawing, const GPtrArray *lanes, const GPtrArray *left_out)
{
	for (guint i = 0; i < lanes->len; i++)
		draw_lane(drawing, g_ptr_array_index(lanes, i));
	if (left_out->len)
		draw_crowds(drawing, left_out);
}
