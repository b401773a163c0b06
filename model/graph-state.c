/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boxes of a library's drawing: a state (several sites of it where they are folded), a straight
 * run of states with a row for each, a task's start, and the list of those outside the sequence.
 * Where they stand is graph-library.c's.
 */
#include "sketch-private.h"
#include "sysgait/syscall.h"

enum { MAX_TIP_SITES = 12 };

/* How a state got into the model where that was not by learning. */
static const char *
describe_origin(const GaitSketch *sketch, const GaitSketchState *state, const GaitSketchSite *site)
{
	GaitSymbolRef ref = {sketch->library_index, site->state - GAIT_STATE_FIRST};
	const GaitRole *role = gait_program_get_role(sketch->program, state->role);
	guint32 index = gait_graph_find_in_role(role, ref);

	if (gait_sketch_site_symbol(sketch, site)->is_amended)
		return ", accepted by hand";
	if (index != GAIT_NONE && gait_bit_test(role->amended, index))
		return ", accepted by hand in this role";
	return "";
}

static void
describe_site(const GaitSketch *sketch, const GaitSketchState *state, const GaitSketchSite *site,
              GString *tip)
{
	const GaitSymbol *symbol = gait_sketch_site_symbol(sketch, site);
	g_autofree char *call = gait_syscall_dup(symbol->nr, symbol->klass);
	g_autofree char *place = gait_graph_dup_site(symbol);

	gait_graph_append_escaped(tip, call, GAIT_GRAPH_MAX_TIP);
	g_string_append(tip, " in ");
	gait_graph_append_escaped(tip, place, GAIT_GRAPH_MAX_TIP);
	if (sketch->options.both) {
		static const char *const words[GAIT_GRAPH_CHANGE_N_] = {"as it was", "new", "gone",
		                                                        "as it was"};
		GaitGraphChange change =
		    gait_graph_change(gait_union_get_mark(sketch->options.both, symbol));

		g_string_append_printf(tip, ": %s\\n", words[change]);
		return;
	}
	g_string_append_printf(tip,
	                       " (file offset 0x%" G_GINT64_MODIFIER "x): %" G_GUINT64_FORMAT
	                       " times in %u of %u runs%s\\n",
	                       symbol->site, symbol->count, symbol->n_runs,
	                       sketch->model->runs->len, describe_origin(sketch, state, site));
}

static void
describe_state(const GaitSketch *sketch, const GaitSketchState *state, GString *tip)
{
	guint n = 0;

	for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state);
	     site && n < MAX_TIP_SITES; site = gait_sketch_next_site(sketch, site), n++)
		describe_site(sketch, state, site, tip);
	if (state->n_sites > n)
		g_string_append_printf(tip, "and %u more sites\\n", state->n_sites - n);
}

static gboolean
has_amended_site(const GaitSketch *sketch, const GaitSketchState *state)
{
	for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state); site;
	     site = gait_sketch_next_site(sketch, site))
		if (describe_origin(sketch, state, site)[0] != '\0')
			return TRUE;
	return FALSE;
}

static void
append_call(GString *label, const GaitSketch *sketch, const GaitSketchState *state)
{
	const GaitSymbol *symbol = gait_sketch_get_symbol(sketch, state);
	g_autofree char *call = gait_syscall_dup(symbol->nr, symbol->klass);
	gboolean is_dangerous = gait_graph_is_dangerous(symbol->nr);
	GaitGraphChange change = gait_sketch_state_change(sketch, state);

	g_string_append(label, gait_graph_change_sign(change));
	if (is_dangerous)
		g_string_append(label, "<FONT COLOR=\"" GAIT_GRAPH_DANGER "\">");
	g_string_append(label, change == GAIT_GRAPH_GONE ? "<B><S>" : "<B>");
	gait_graph_append_html(label, call, GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, change == GAIT_GRAPH_GONE ? "</S></B>" : "</B>");
	if (is_dangerous)
		g_string_append(label, "</FONT>");
}

/* "7 sites in 3 functions": of those whose function is not known, each counts as one. */
static char *
dup_sites(const GaitSketch *sketch, const GaitSketchState *state)
{
	g_autoptr(GHashTable) functions = g_hash_table_new(g_str_hash, g_str_equal);
	const char *name = NULL;
	guint n_functions = 0;

	for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state); site;
	     site = gait_sketch_next_site(sketch, site)) {
		name = gait_sketch_site_symbol(sketch, site)->function;
		if (!name || g_hash_table_add(functions, (gpointer)name))
			n_functions++;
	}
	if (name && n_functions == 1)
		return g_strdup_printf("%s, %u sites", name, state->n_sites);
	if (g_hash_table_size(functions) < n_functions)
		return g_strdup_printf("%u sites", state->n_sites);
	return g_strdup_printf("%u sites in %u functions", state->n_sites, n_functions);
}

static void
append_site(GString *label, const GaitSketch *sketch, const GaitSketchState *state)
{
	g_autofree char *site = state->n_sites > 1
	                            ? dup_sites(sketch, state)
	                            : gait_graph_dup_site(gait_sketch_get_symbol(sketch, state));

	g_string_append(label, "<FONT POINT-SIZE=\"9\" COLOR=\"#374151\">");
	gait_graph_append_html(label, site, GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "</FONT>");
}

static void
append_loops(GString *label, const GaitSketchState *state)
{
	if (state->n_loops == 0)
		return;
	g_string_append(label, "<FONT POINT-SIZE=\"9\" COLOR=\"" GAIT_GRAPH_MUTED "\">  ↻ ");
	gait_graph_append_count(label, state->n_loops);
	g_string_append(label, "</FONT>");
}

static void
append_run(const GaitSketch *sketch, const GaitSketchState *state, GString *label)
{
	g_string_append(label, "<TABLE BORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">");
	for (;;) {
		g_string_append(label, "<TR><TD ALIGN=\"LEFT\">");
		append_call(label, sketch, state);
		g_string_append(label, "</TD><TD ALIGN=\"LEFT\">  ");
		append_site(label, sketch, state);
		append_loops(label, state);
		g_string_append(label, "</TD></TR>");
		if (state->next == GAIT_NONE)
			break;
		state = gait_sketch_get_state(sketch, state->next);
	}
	g_string_append(label, "</TABLE>");
}

static void
label_state(const GaitSketch *sketch, const GaitSketchState *state, GaitDotItem *node)
{
	g_autoptr(GString) label = g_string_new(NULL);

	if (state->next == GAIT_NONE) {
		append_call(label, sketch, state);
		append_loops(label, state);
		g_string_append(label, "<BR/>");
		append_site(label, sketch, state);
	} else {
		append_run(sketch, state, label);
	}
	gait_dot_set_html(node, "label", label->str);
}

static void
style_state(const GaitSketch *sketch, const GaitSketchState *first, GaitDotItem *node)
{
	const GaitGraphColor *color = gait_sketch_state_color(sketch, first);
	gboolean is_gone = gait_sketch_state_change(sketch, first) == GAIT_GRAPH_GONE;
	g_autoptr(GString) tip = g_string_new(NULL);
	const GaitSketchState *state = first;
	gboolean is_dangerous = FALSE, is_rare = FALSE, is_amended = FALSE;

	for (;; state = gait_sketch_get_state(sketch, state->next)) {
		const GaitSymbol *symbol = gait_sketch_get_symbol(sketch, state);

		is_dangerous |= gait_graph_is_dangerous(symbol->nr);
		is_rare |= gait_sketch_is_rare(sketch, gait_sketch_count_runs(sketch, state));
		is_amended |= has_amended_site(sketch, state);
		describe_state(sketch, state, tip);
		if (state->next == GAIT_NONE)
			break;
	}
	gait_dot_set(node, "tooltip", tip->str);
	gait_dot_set(node, "fillcolor", first->is_foreign ? "#F3F4F6" : color->node);
	/* In a diff a frame says what changed; what is dangerous is red in its text. */
	is_dangerous &= !sketch->options.both;
	gait_dot_set(node, "color", is_dangerous ? GAIT_GRAPH_DANGER : color->line);
	if (is_dangerous)
		gait_dot_set(node, "penwidth", "2");
	if (is_rare || first->is_foreign || is_gone)
		gait_dot_set(node, "style", "rounded,filled,dashed");
	if (is_amended)
		gait_dot_set(node, "peripheries", "2");
}

/* "start" and "signal": before the first event of a task, of a handler. */
static void
style_entry(const GaitSketchState *state, GaitDotItem *node)
{
	gboolean is_start = state->state == GAIT_STATE_START;

	gait_dot_set(node, "label", is_start ? "start" : "signal");
	gait_dot_set(node, "tooltip",
	             is_start ? "before the first call of a task"
	                      : "before the first call in a signal handler");
	gait_dot_set(node, "fillcolor", "#1F2937");
	gait_dot_set(node, "color", "#1F2937");
	gait_dot_set(node, "fontcolor", "white");
}

void
gait_sketch_draw_state(const GaitSketch *sketch, const GaitSketchState *state, GaitDotItem *node)
{
	if (state->state < GAIT_STATE_FIRST) {
		style_entry(state, node);
		return;
	}
	label_state(sketch, state, node);
	style_state(sketch, state, node);
}

void
gait_sketch_draw_echo(const GaitSketch *sketch, const GaitSketchState *state, GaitDotItem *node)
{
	const GaitSymbol *symbol = gait_sketch_get_symbol(sketch, state);
	g_autofree char *call = gait_syscall_dup(symbol->nr, symbol->klass);
	g_autofree char *site =
	    state->n_sites > 1 ? dup_sites(sketch, state) : gait_graph_dup_site(symbol);
	g_autoptr(GString) label = g_string_new(NULL), tip = g_string_new(NULL);

	gait_graph_append_html(label, call, GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "<BR/>");
	gait_graph_append_html(label, site, GAIT_GRAPH_MAX_TEXT);
	gait_dot_set_html(node, "label", label->str);
	g_string_append_printf(tip, "of phase %u: ", state->phase + 1);
	describe_state(sketch, state, tip);
	gait_dot_set(node, "tooltip", tip->str);
	gait_dot_set(node, "fillcolor", "#F3F4F6");
	gait_dot_set(node, "color", gait_sketch_state_color(sketch, state)->line);
	gait_dot_set(node, "fontcolor", GAIT_GRAPH_MUTED);
	gait_dot_set(node, "fontsize", "9");
}

char *
gait_sketch_dup_unsequenced(const GaitSketch *sketch)
{
	g_autoptr(GString) label = g_string_new(
	    "<TABLE BORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\"><TR><TD ALIGN=\"LEFT\" "
	    "COLSPAN=\"2\">outside the sequence: at any time, from these sites</TD></TR>");
	/* Roles may share a state. */
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < sketch->states->len; i++) {
		const GaitSketchState *state = gait_sketch_get_state(sketch, i);
		const GaitSymbol *symbol = gait_sketch_get_symbol(sketch, state);

		if (!gait_sketch_is_unsequenced(state) || !g_hash_table_add(seen, (gpointer)symbol))
			continue;
		g_string_append(label, "<TR><TD ALIGN=\"LEFT\">");
		append_call(label, sketch, state);
		g_string_append(label, "</TD><TD ALIGN=\"LEFT\">  ");
		append_site(label, sketch, state);
		g_string_append(label, "</TD></TR>");
	}
	g_string_append(label, "</TABLE>");
	return g_hash_table_size(seen) > 0 ? g_string_free(g_steal_pointer(&label), FALSE) : NULL;
}
