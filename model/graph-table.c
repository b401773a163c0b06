/* SPDX-License-Identifier: Apache-2.0 */
/* A program's libraries as a table in a drawing: how large each automaton is, how mature, how
 * dangerous. */
#include "graph-private.h"
#include "sysgait/metrics.h"
#include "sysgait/syscall.h"

enum { MAX_DANGERS = 5 };

typedef struct {
	const GaitLibrary *library;
	GaitMetrics metrics;
} Row;

static gint
compare_rows(gconstpointer a, gconstpointer b)
{
	const Row *x = a, *y = b;

	if (x->metrics.n_events != y->metrics.n_events)
		return x->metrics.n_events > y->metrics.n_events ? -1 : 1;
	return x->library->module < y->library->module ? -1 : 1;
}

void
gait_graph_append_dangers(GString *label, const GaitLibrary *library, const GaitUnion *both)
{
	guint32 last = GAIT_NONE;
	guint n = 0;

	for (guint i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		/* Symbols are sorted by number. */
		if (symbol->nr == last || !gait_graph_is_dangerous(symbol->nr))
			continue;
		if (both && gait_graph_change(gait_union_get_mark(both, symbol)) != GAIT_GRAPH_NEW)
			continue;
		last = symbol->nr;
		if (n++ < MAX_DANGERS)
			g_string_append_printf(label, "%s ", gait_syscall_name(symbol->nr));
	}
	if (n > MAX_DANGERS)
		g_string_append_printf(label, "and %u more", n - MAX_DANGERS);
}

static void
append_row(GString *label, const GaitModel *model, const Row *row)
{
	const GaitMetrics *metrics = &row->metrics;

	g_string_append(label, "<TR><TD ALIGN=\"LEFT\"><B>");
	gait_graph_append_html(label, gait_model_module_name(model, row->library->module),
	                       GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "</B></TD><TD ALIGN=\"RIGHT\">");
	gait_graph_append_count(label, metrics->n_events);
	g_string_append_printf(
	    label,
	    "</TD><TD ALIGN=\"RIGHT\">%u</TD><TD ALIGN=\"RIGHT\">%u</TD>"
	    "<TD ALIGN=\"RIGHT\">%u</TD><TD ALIGN=\"RIGHT\">%.1f</TD>"
	    "<TD ALIGN=\"RIGHT\">%.1f</TD><TD ALIGN=\"LEFT\"><FONT COLOR=\"%s\">",
	    metrics->n_syscalls, metrics->n_symbols, metrics->n_edges, metrics->branching,
	    metrics->unseen_per_run, GAIT_GRAPH_DANGER);
	gait_graph_append_dangers(label, row->library, NULL);
	g_string_append(label, " </FONT></TD></TR>");
}

char *
gait_graph_dup_library_table(const GaitModel *model, const GaitProgram *program)
{
	static const char *const headings[] = {
	    "library", "events",    "syscalls",        "states",
	    "edges",   "branching", "new edges a run", "dangerous",
	};
	g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Row));
	g_autoptr(GString) label = g_string_new("<TABLE BORDER=\"1\" COLOR=\"#9CA3AF\" "
	                                        "CELLBORDER=\"0\" CELLSPACING=\"0\" "
	                                        "CELLPADDING=\"4\" BGCOLOR=\"white\"><TR>");

	for (guint i = 0; i < G_N_ELEMENTS(headings); i++)
		g_string_append_printf(label, "<TD BGCOLOR=\"#E5E7EB\" ALIGN=\"%s\">%s</TD>",
		                       i == 0 || i + 1 == G_N_ELEMENTS(headings) ? "LEFT" : "RIGHT",
		                       headings[i]);
	g_string_append(label, "</TR>");
	for (guint32 i = 0; i < program->libraries->len; i++) {
		Row row = {.library = gait_program_get_library(program, i)};

		gait_metrics_library(model, program, i, &row.metrics);
		g_array_append_val(rows, row);
	}
	g_array_sort(rows, compare_rows);
	for (guint i = 0; i < rows->len; i++)
		append_row(label, model, &g_array_index(rows, Row, i));
	g_string_append(label, "</TABLE>");
	return g_string_free(g_steal_pointer(&label), FALSE);
}
