/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a role lives: its phases side by side, as wide as they last and as high as they are exposed;
 * and which library makes which call in which of them.
 */
#include "model/report-html-private.h"

#include "model/life.h"
#include "sysgait/palette.h"
#include "sysgait/summary.h"
#include "sysgait/syscall.h"

/* Units of the strips' view box. */
#define STRIP_WIDTH  1000
#define STRIP_HEIGHT 120
#define STRIP_BAR    96
#define MIN_WIDTH    4 /* a phase that is shorter is drawn so wide: start-up is rich and short */

/* Libraries, the busiest first; the others are in the JSON. */
#define MAX_COLUMNS 14

/* --- life ---------------------------------------------------------------------------------------
 */

/* The part of its role's life that a phase takes. */
static double
share_of(const GaitRole *role, const GaitPhase *phase)
{
	return role->time_ns ? phase->time_share : phase->event_share;
}

/* Widths of a role's phases in units; they sum up to STRIP_WIDTH. */
static double *
find_widths(const GaitRole *role)
{
	double *widths = g_new0(double, role->phases->len);
	double sum = 0;

	for (guint i = 0; i < role->phases->len; i++) {
		double share = share_of(role, g_ptr_array_index(role->phases, i));

		widths[i] = MAX(share * STRIP_WIDTH, MIN_WIDTH);
		sum += widths[i];
	}
	for (guint i = 0; i < role->phases->len; i++)
		widths[i] *= STRIP_WIDTH / sum;
	return widths;
}

static void
append_acts(GString *out, guint64 acts)
{
	const char *separator = "";

	for (GaitAct act = 0; act < GAIT_ACT_N_; act++) {
		if (!(acts >> act & 1))
			continue;
		g_string_append(out, separator);
		g_string_append(out, gait_act_text(act));
		separator = ", ";
	}
	if (!*separator)
		g_string_append(out, "nothing of consequence");
}

static void
add_bar(GaitPage *page, const GaitReportPhase *phase, double x, double width)
{
	const GaitRole *role = gait_program_get_role(page->program->program, phase->role);
	const GaitGraphColor *color = gait_graph_phase_color(phase->phase);
	g_autofree char *name = gait_model_dup_phase_name(
	    page->report->model, page->program->program, role, phase->phase);
	double height = MAX(phase->surface / page->most * STRIP_BAR, 1);

	g_string_append_printf(
	    page->out,
	    "<g><rect x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"%d\" class=\"slot\"/>"
	    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>"
	    "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"24\" fill=\"%s\"/>",
	    x, width, STRIP_BAR, x, STRIP_BAR - height, width, height, color->line, x, STRIP_BAR,
	    width, color->node);
	if (width > 18)
		g_string_append_printf(page->out,
		                       "<text x=\"%.1f\" y=\"%d\" class=\"num\">%u</text>",
		                       x + width / 2, STRIP_BAR + 17, phase->phase + 1);
	g_string_append_printf(page->out, "<title>phase %u, from ", phase->phase + 1);
	gait_page_text(page->out, name);
	g_string_append_printf(page->out, "\n%u syscalls allowed, %u may still come\nexposed: ",
	                       phase->n_allowed, phase->n_retained);
	append_acts(page->out, phase->acts);
	g_string_append(page->out, "</title></g>\n");
}

static void
add_strip(GaitPage *page, guint32 role_index)
{
	const GaitRole *role = gait_program_get_role(page->program->program, role_index);
	g_autofree double *widths = find_widths(role);
	double flat = page->program->filtered[GAIT_FILTER_PROGRAM].surface, x = 0;

	g_string_append_printf(page->out,
	                       "<svg class=\"strip\" viewBox=\"0 0 %d %d\" role=\"img\" "
	                       "preserveAspectRatio=\"none\">\n",
	                       STRIP_WIDTH, STRIP_HEIGHT);
	for (guint i = 0; i < page->program->phases->len; i++) {
		const GaitReportPhase *phase = gait_page_get_phase(page, i);

		if (phase->role != role_index)
			continue;
		add_bar(page, phase, x, widths[phase->phase]);
		x += widths[phase->phase];
	}
	if (flat <= page->most)
		g_string_append_printf(
		    page->out,
		    "<path class=\"flat\" d=\"M0 %.1fH%d\"><title>one set for the whole program: "
		    "%.1f, all the time</title></path>",
		    STRIP_BAR - flat / page->most * STRIP_BAR, STRIP_WIDTH, flat);
	g_string_append(page->out, "</svg>\n");
}

static void
add_interlude_rows(GaitPage *page, const GaitRole *role, const GaitPhase *phase)
{
	const GaitProgram *program = page->program->program;

	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		g_autofree char *entry = gait_model_dup_symbol_name(
		    page->report->model, program,
		    g_array_index(role->symbols, GaitSymbolRef, interlude->entry));
		guint64 acts = 0;

		for (guint32 k = 0; k < interlude->calls->len; k++) {
			const GaitCall *call = &g_array_index(
			    program->calls, GaitCall, g_array_index(interlude->calls, guint32, k));

			acts |= gait_act_mask(call->nr, call->klass);
		}
		g_string_append(page->out, "<tr class=\"dim\"><td style=\"padding-left:34px\">now "
		                           "and then, from ");
		gait_page_text(page->out, entry);
		g_string_append_printf(
		    page->out,
		    " until it waits</td><td></td><td>+%u</td><td></td><td></td><td></td>"
		    "<td></td><td class=\"left\">",
		    gait_interlude_count(program, phase, interlude));
		append_acts(page->out, acts);
		g_string_append(page->out, "</td></tr>\n");
	}
}

static void
add_phase_row(GaitPage *page, const GaitReportPhase *phase)
{
	const GaitRole *role = gait_program_get_role(page->program->program, phase->role);
	g_autofree char *name = gait_model_dup_phase_name(
	    page->report->model, page->program->program, role, phase->phase);
	double share = share_of(role, g_ptr_array_index(role->phases, phase->phase));

	g_string_append_printf(page->out,
	                       "<tr><td><b class=\"chip\" style=\"background:%s\">%u</b> ",
	                       gait_graph_phase_color(phase->phase)->line, phase->phase + 1);
	gait_page_text(page->out, name);
	g_string_append_printf(page->out,
	                       "</td><td>%.1f%%</td><td>%u</td><td>%u</td><td>%.1f</td>"
	                       "<td title=\"95th percentile: %.0f\">%.1f</td><td>%u",
	                       100 * share, phase->n_allowed, phase->n_retained, phase->surface,
	                       phase->branching.p95, phase->branching.mean, phase->n_plain);
	if (phase->n_padded)
		g_string_append_printf(page->out, " <span class=\"dim\">+%u</span>",
		                       phase->n_padded);
	g_string_append(page->out, "</td><td class=\"left dim\">");
	append_acts(page->out, phase->acts);
	g_string_append(page->out, "</td></tr>\n");
	add_interlude_rows(page, role, g_ptr_array_index(role->phases, phase->phase));
}

static void
add_role(GaitPage *page, guint32 role_index)
{
	const GaitRole *role = gait_program_get_role(page->program->program, role_index);

	g_string_append(page->out, "<h4>");
	gait_page_text(page->out, role->name);
	g_string_append_printf(
	    page->out, " <span class=\"dim\">%" G_GUINT64_FORMAT " %s%s in %u %s</span></h4>\n",
	    role->n_instances, role->is_thread ? "thread" : "task",
	    role->n_instances == 1 ? "" : "s", role->n_runs, role->n_runs == 1 ? "run" : "runs");
	add_strip(page, role_index);
	g_string_append(page->out,
	                "<div class=\"wide\"><table><tr><th>phase, entered at</th><th>of its "
	                "life</th><th>calls</th><th>kept</th><th>surface</th>"
	                "<th title=\"next symbols that sequence and phase allow, on average\">next"
	                "</th><th>payloads</th>"
	                "<th class=\"left\">an attacker could</th></tr>\n");
	for (guint i = 0; i < page->program->phases->len; i++)
		if (gait_page_get_phase(page, i)->role == role_index)
			add_phase_row(page, gait_page_get_phase(page, i));
	g_string_append(page->out, "</table></div>\n");
}

void
gait_page_add_life(GaitPage *page)
{
	g_string_append(
	    page->out,
	    "<h3>Life</h3><p class=\"dim\">Each kind of task from its start to its end: "
	    "as wide as a phase lasts (very short ones are widened to be seen), as high as "
	    "it is exposed.");
	if (page->program->filtered[GAIT_FILTER_PROGRAM].surface <= page->most)
		g_string_append(page->out, " Dashed: one set for the whole program.");
	g_string_append(page->out, "</p>\n");
	for (guint32 i = 0; i < page->program->program->roles->len; i++)
		add_role(page, i);
}

/* --- libraries × calls --------------------------------------------------------------------------
 */

/* Bit p: the role's phase p has the call, made by this library. */
static guint64
find_phases(const GaitProgram *program, const GaitRole *role, guint32 library, guint32 nr)
{
	guint64 phases = 0;

	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);

		if (ref.library != library || gait_program_get_symbol(program, ref)->nr != nr)
			continue;
		for (guint32 p = 0; p < MIN(role->phases->len, 64); p++) {
			guint32 from, to;

			gait_role_get_bounds(role, p, &from, &to);
			if (gait_role_is_between(role, i, from, to))
				phases |= G_GUINT64_CONSTANT(1) << p;
		}
	}
	return phases;
}

static void
add_cell(GaitPage *page, guint64 phases)
{
	g_string_append(page->out, "<td class=\"cell\">");
	for (guint p = 0; p < 64; p++)
		if (phases >> p & 1)
			g_string_append_printf(
			    page->out, "<i style=\"background:%s\" title=\"phase %u\">%u</i>",
			    gait_graph_phase_color(p)->line, p + 1, p + 1);
	g_string_append(page->out, "</td>");
}

typedef struct {
	guint32 nr;
	double danger;
} Line;

static int
compare_lines(gconstpointer a, gconstpointer b)
{
	const Line *x = a, *y = b;

	if (x->danger != y->danger)
		return x->danger > y->danger ? -1 : 1;
	return g_strcmp0(gait_syscall_name(x->nr), gait_syscall_name(y->nr));
}

/* The role's system calls, the dangerous first. */
static GArray *
collect_lines(const GaitProgram *program, const GaitRole *role)
{
	GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);
		guint32 nr = gait_program_get_symbol(program, ref)->nr;
		Line line = {nr, gait_syscall_danger(nr)};

		if (g_hash_table_add(seen, GUINT_TO_POINTER(nr)))
			g_array_append_val(lines, line);
	}
	g_array_sort(lines, compare_lines);
	return lines;
}

static const GaitReportLibrary *
get_library(const GaitPage *page, guint i)
{
	return &g_array_index(page->program->libraries, GaitReportLibrary, i);
}

/* The libraries that make calls in the role, the busiest first. */
static GArray *
collect_columns(const GaitPage *page, const GaitRole *role)
{
	GArray *columns = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (guint i = 0; i < page->program->libraries->len && columns->len < MAX_COLUMNS; i++) {
		guint32 library = get_library(page, i)->library;
		gboolean has_calls = FALSE;

		for (guint32 k = 0; k < role->symbols->len && !has_calls; k++)
			has_calls =
			    g_array_index(role->symbols, GaitSymbolRef, k).library == library;
		if (has_calls)
			g_array_append_val(columns, library);
	}
	return columns;
}

static void
add_role_matrix(GaitPage *page, guint32 role_index, gboolean is_open)
{
	const GaitProgram *program = page->program->program;
	const GaitRole *role = gait_program_get_role(program, role_index);
	g_autoptr(GArray) lines = collect_lines(program, role);
	g_autoptr(GArray) columns = collect_columns(page, role);

	g_string_append_printf(page->out, "<details%s><summary>", is_open ? " open" : "");
	gait_page_text(page->out, role->name);
	g_string_append(page->out,
	                "</summary><div class=\"wide\"><table class=\"matrix\"><tr><th></th>");
	for (guint i = 0; i < columns->len; i++) {
		const GaitLibrary *library =
		    gait_program_get_library(program, g_array_index(columns, guint32, i));

		g_string_append(page->out, "<th>");
		gait_page_text(page->out,
		               gait_model_module_name(page->report->model, library->module));
		g_string_append(page->out, "</th>");
	}
	g_string_append(page->out, "</tr>\n");
	for (guint k = 0; k < lines->len; k++) {
		const Line *line = &g_array_index(lines, Line, k);

		g_string_append_printf(page->out, "<tr><td%s>%s</td>",
		                       line->danger > 0.5 ? " class=\"bad\"" : "",
		                       gait_syscall_name(line->nr));
		for (guint i = 0; i < columns->len; i++)
			add_cell(page, find_phases(program, role,
			                           g_array_index(columns, guint32, i), line->nr));
		g_string_append(page->out, "</tr>\n");
	}
	g_string_append(page->out, "</table></div></details>\n");
}

void
gait_page_add_matrix(GaitPage *page)
{
	const GaitProgram *program = page->program->program;
	guint32 busiest = 0;

	for (guint32 i = 1; i < program->roles->len; i++)
		if (gait_program_get_role(program, i)->n_events >
		    gait_program_get_role(program, busiest)->n_events)
			busiest = i;
	g_string_append(page->out,
	                "<h3>Libraries and calls</h3><p class=\"dim\">Who makes which call, "
	                "in which phases. Red: dangerous to leave allowed.</p>\n");
	for (guint32 i = 0; i < program->roles->len; i++)
		add_role_matrix(page, i, i == busiest);
	if (page->program->libraries->len > MAX_COLUMNS)
		g_string_append_printf(page->out,
		                       "<p class=\"dim\">and %u less busy libraries</p>\n",
		                       page->program->libraries->len - MAX_COLUMNS);
}
