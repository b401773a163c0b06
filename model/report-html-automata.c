/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures of the page: roles with their phases, and the automata of the busiest libraries. */
#include "model/report-html-private.h"

#include "model/graph-private.h"

#include <string.h>

#define MAX_AUTOMATA 6
#define MAX_HEIGHT   900
#define MAX_EDGES    1500 /* graphviz takes seconds for more, and nobody can read it */

/* The height that graphviz drew it in, in pixels; never that of the longest ones. */
static double
find_height(const char *box)
{
	double height = 0;

	for (guint i = 0; i < 4 && *box; i++) {
		box += strcspn(box, "0123456789.-");
		height = g_ascii_strtod(box, (char **)&box);
	}
	return CLAMP(height * 4 / 3, 100, MAX_HEIGHT);
}

/* The <svg> element of what graphviz wrote, as wide as the page lets it but no larger than it is.
 */
static void
append_svg(GString *out, const GString *svg)
{
	const char *begin = strstr(svg->str, "<svg");
	const char *box = begin ? strstr(begin, "viewBox=") : NULL;

	if (!box)
		return;
	g_string_append_printf(out,
	                       "<div class=\"zoom\"><svg style=\"max-height:min(%.0fpx,90vh)\" ",
	                       find_height(box));
	g_string_append(out, box);
	g_string_append(out, "</div>\n");
}

static gboolean
add_picture(GaitPage *page, GaitDot *dot, GError **error)
{
	g_autoptr(GString) svg = gait_dot_render(dot, "svg", error);

	if (!svg)
		return FALSE;
	append_svg(page->out, svg);
	return TRUE;
}

static gboolean
add_automaton(GaitPage *page, const GaitReportLibrary *row, gboolean is_open, GError **error)
{
	const GaitProgram *program = page->program->program;
	const GaitLibrary *library = gait_program_get_library(program, row->library);
	const GaitGraphLibraryOptions options = {.role = GAIT_NONE, .has_runs = TRUE};
	g_autoptr(GaitDot) dot = NULL;

	g_string_append_printf(page->out, "<details%s><summary>", is_open ? " open" : "");
	gait_page_text(page->out, gait_model_module_name(page->report->model, library->module));
	g_string_append_printf(
	    page->out, " <span class=\"dim\">%u state%s, %u edges</span></summary>\n",
	    library->symbols->len, library->symbols->len == 1 ? "" : "s", library->edges->len);
	if (library->edges->len > MAX_EDGES) {
		g_string_append(
		    page->out, "<p>Too large for this page; <code>sysgait graph --library … --role "
		               "…</code> draws it role by role.</p></details>\n");
		return TRUE;
	}
	dot = gait_graph_draw_library(page->report->model, program, row->library, &options);
	if (!add_picture(page, dot, error))
		return FALSE;
	g_string_append(page->out, "</details>\n");
	return TRUE;
}

gboolean
gait_page_add_automata(GaitPage *page, GError **error)
{
	g_autoptr(GaitDot) overview = gait_graph_draw_phases(
	    page->report->model, page->program->index, GAIT_NONE, FALSE, NULL);
	guint n = MIN(page->program->libraries->len, MAX_AUTOMATA);

	g_string_append(page->out,
	                "<h3>Pictures</h3><p class=\"dim\">Wheel or pinch to zoom, drag to move, "
	                "double-click for the whole; what the pointer rests on says more.</p>\n"
	                "<details open><summary>Roles and phases</summary>\n");
	if (!add_picture(page, overview, error))
		return FALSE;
	g_string_append(page->out, "</details>\n");
	for (guint i = 0; i < n; i++) {
		const GaitReportLibrary *row =
		    &g_array_index(page->program->libraries, GaitReportLibrary, i);

		if (row->metrics.n_edges > 1 && !add_automaton(page, row, i == 0, error))
			return FALSE;
	}
	return TRUE;
}
