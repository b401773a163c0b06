/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One library's automaton (a sketch) as a drawing. A state is a box: the call, and the function it
 * is made from; it stands in the phase (cluster) of its role that first reaches it, so that the
 * drawing reads from top to bottom as a task lives. A run of calls is one box with a row for each.
 * What was seen in one run only is dashed and does not pull at the layout.
 */
#include "graph-library-private.h"

#include "sysgait/syscall.h"

enum { MAX_FREE_LAYOUT = 800 };

/* --- states -------------------------------------------------------------------------------------
 */

static void
add_state(const GaitGraphDrawing *drawing, GaitDotItem *parent, GaitSketchState *state)
{
	g_autofree char *name = g_strdup_printf("r%us%u", state->role, state->state);

	if (state->previous != GAIT_NONE || gait_sketch_is_unsequenced(state))
		return;
	state->node = gait_dot_add_node(drawing->dot, parent, name);
	gait_sketch_draw_state(drawing->sketch, state, state->node);
}

/* --- clusters -----------------------------------------------------------------------------------
 */

static gint
compare_order(gconstpointer a, gconstpointer b, gpointer data)
{
	const GaitSketch *sketch = data;
	const GaitSketchState *x = gait_sketch_get_state(sketch, *(const guint32 *)a);
	const GaitSketchState *y = gait_sketch_get_state(sketch, *(const guint32 *)b);

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (gait_sketch_has_phase(x) != gait_sketch_has_phase(y))
		return gait_sketch_has_phase(y) ? -1 : 1;
	if (x->phase != y->phase)
		return x->phase < y->phase ? -1 : 1;
	/* The layout begins with what comes first: so it finds the task's own direction. */
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
panel_free(gpointer data)
{
	GaitGraphPanel *panel = data;

	g_hash_table_unref(panel->echoes);
	g_free(panel);
}

static GaitDotItem *
add_phase(const GaitGraphDrawing *drawing, GaitDotItem *parent, guint32 r, guint32 p)
{
	const GaitRole *role = gait_program_get_role(drawing->sketch->program, r);
	const GaitPhase *phase = p < role->phases->len ? g_ptr_array_index(role->phases, p) : NULL;
	const GaitUnion *both = drawing->sketch->options.both;
	const GaitGraphColor *color =
	    both ? gait_graph_change_color(GAIT_GRAPH_SAME) : gait_graph_phase_color(p);
	g_autofree char *name = g_strdup_printf("r%up%u", r, p);
	g_autoptr(GString) label = g_string_new(NULL);
	GaitDotItem *cluster = gait_dot_add_cluster(drawing->dot, parent, name);

	gait_graph_append_phase(label, both, phase, p);
	/* Never empty: graphviz takes that for a mistake. */
	g_string_append(label, "<FONT POINT-SIZE=\"10\"> ");
	if (phase && !both) {
		g_string_append(label, " ");
		gait_graph_append_share(label, phase->time_share);
		g_string_append(label, " of the time");
	}
	if (phase && phase->milestone < role->symbols->len) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, phase->milestone);
		const GaitSymbol *symbol = gait_program_get_symbol(drawing->sketch->program, ref);
		g_autofree char *place =
		    gait_graph_dup_place(drawing->sketch->model, drawing->sketch->program, ref);

		g_string_append_printf(label, "%s from %s in ", both ? "" : ",",
		                       gait_syscall_name(symbol->nr));
		gait_graph_append_html(label, place, GAIT_GRAPH_MAX_TEXT);
	}
	g_string_append(label, "</FONT>");
	gait_dot_set_html(cluster, "label", label->str);
	gait_dot_set(cluster, "fontcolor", both ? GAIT_GRAPH_MUTED : color->line);
	gait_dot_set(cluster, "color", color->line);
	gait_dot_set(cluster, "bgcolor", color->cluster);
	GaitGraphPanel *panel = g_new(GaitGraphPanel, 1);
	*panel = (GaitGraphPanel){r, p, parent, cluster, g_hash_table_new(NULL, NULL)};
	g_ptr_array_add(drawing->panels, panel);
	return cluster;
}

static GaitDotItem *
add_role(const GaitGraphDrawing *drawing, guint32 r)
{
	const GaitRole *role = gait_program_get_role(drawing->sketch->program, r);
	g_autofree char *name = g_strdup_printf("r%u", r);
	g_autoptr(GString) label = g_string_new("<FONT POINT-SIZE=\"15\"><B>");
	GaitGraphChange change =
	    drawing->sketch->options.both
	        ? gait_graph_change(gait_union_get_mark(drawing->sketch->options.both, role))
	        : GAIT_GRAPH_SAME;
	GaitDotItem *cluster =
	    gait_dot_add_cluster(drawing->dot, gait_dot_get_root(drawing->dot), name);

	g_string_append(label, gait_graph_change_sign(change));
	gait_graph_append_html(label, role->name, GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "</B></FONT>");
	gait_dot_set_html(cluster, "label", label->str);
	gait_dot_set(cluster, "color", gait_graph_change_color(change)->line);
	gait_dot_set(cluster, "fontcolor",
	             change == GAIT_GRAPH_SAME ? "#111827" : gait_graph_change_color(change)->line);
	gait_dot_set(cluster, "bgcolor", "white");
	return cluster;
}

static void
add_states(GaitGraphDrawing *drawing)
{
	const GaitSketchState *last = NULL;
	GaitDotItem *role = NULL, *phase = NULL;

	g_array_sort_with_data(drawing->order, compare_order, (gpointer)drawing->sketch);
	for (guint i = 0; i < drawing->order->len; i++) {
		GaitSketchState *state = gait_sketch_get_state(
		    drawing->sketch, g_array_index(drawing->order, guint32, i));

		if (gait_sketch_is_unsequenced(state))
			continue;
		if (!last || last->role != state->role) {
			role = add_role(drawing, state->role);
			phase = NULL;
		}
		if (gait_sketch_has_phase(state) && (!phase || last->phase != state->phase))
			phase = add_phase(drawing, role, state->role, state->phase);
		add_state(drawing, gait_sketch_has_phase(state) ? phase : role, state);
		last = state;
	}
}

static void
add_unsequenced(GaitGraphDrawing *drawing)
{
	g_autofree char *label = gait_sketch_dup_unsequenced(drawing->sketch);

	if (!label)
		return;
	GaitDotItem *node =
	    gait_dot_add_node(drawing->dot, gait_dot_get_root(drawing->dot), "unsequenced");
	gait_dot_set_html(node, "label", label);
	gait_dot_set(node, "fillcolor", "#F9FAFB");
	gait_dot_set(node, "color", "#9CA3AF");
	drawing->outside = node;
}

/*
 * dot looks for the best places for as long as it takes, which is minutes where there are thousands
 * of lines. Some seconds' search is hardly worse to look at.
 */
static void
bound_layout(const GaitGraphDrawing *drawing)
{
	GaitDotItem *root = gait_dot_get_root(drawing->dot);
	guint n_lines = 0;

	for (guint32 i = 0; i < drawing->sketch->lines->len; i++)
		n_lines += !gait_sketch_get_line(drawing->sketch, i)->is_hidden;
	if (n_lines < MAX_FREE_LAYOUT)
		return;
	gait_dot_set(root, "nslimit", "0.5");
	gait_dot_set(root, "nslimit1", "0.5");
	gait_dot_set(root, "mclimit", "0.2");
	gait_dot_set(root, "splines", "line");
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* What is drawn, which with --role is less than what there is. */
static void
append_size(GString *title, const GaitSketch *sketch)
{
	const GPtrArray *symbols = sketch->library->symbols;
	guint64 n_events = 0;
	guint n_states = 0, n_edges = sketch->lines->len, n_sites = 0;

	for (guint i = 0; i < symbols->len; i++)
		n_events += ((GaitSymbol *)g_ptr_array_index(symbols, i))->count;
	for (guint32 i = 0; i < sketch->states->len; i++) {
		const GaitSketchState *state = gait_sketch_get_state(sketch, i);

		n_states += gait_sketch_has_phase(state);
		n_sites += gait_sketch_has_phase(state) ? state->n_sites : 0;
		n_edges += state->n_loops > 0;
	}
	if (sketch->options.fold != GAIT_GRAPH_FOLD_NONE)
		g_string_append_printf(
		    title, "<B>folded by %s: %u states stand for %u%s</B>, with %u edges · ",
		    gait_graph_fold_name(sketch->options.fold), n_states, n_sites,
		    sketch->options.role == GAIT_NONE ? ", by role" : "", n_edges);
	else if (sketch->options.role != GAIT_NONE)
		g_string_append_printf(title, "this role: %u states, %u edges · ", n_states,
		                       n_edges);
	if (sketch->options.role != GAIT_NONE)
		g_string_append(title, "all roles: ");
	g_string_append_printf(title, "%u states, %u edges, ", symbols->len,
	                       sketch->library->edges->len);
	gait_graph_append_count(title, n_events);
	g_string_append_printf(title, " events in %u %s", sketch->model->runs->len,
	                       sketch->model->runs->len == 1 ? "run" : "runs");
}

/* How much of what is drawn changed. */
static void
append_change_size(GString *title, const GaitSketch *sketch)
{
	guint n_states[GAIT_GRAPH_CHANGE_N_] = {0}, n_lines[GAIT_GRAPH_CHANGE_N_] = {0};

	for (guint32 i = 0; i < sketch->states->len; i++) {
		const GaitSketchState *state = gait_sketch_get_state(sketch, i);

		if (gait_sketch_has_phase(state))
			n_states[gait_sketch_state_change(sketch, state)]++;
	}
	for (guint32 i = 0; i < sketch->lines->len; i++)
		n_lines[gait_sketch_line_change(sketch, gait_sketch_get_line(sketch, i))]++;
	g_string_append_printf(title,
	                       "%u new and %u gone states, %u as they were · %u new and %u gone "
	                       "edges, %u of another weight, %u as they were",
	                       n_states[GAIT_GRAPH_NEW], n_states[GAIT_GRAPH_GONE],
	                       n_states[GAIT_GRAPH_SAME], n_lines[GAIT_GRAPH_NEW],
	                       n_lines[GAIT_GRAPH_GONE], n_lines[GAIT_GRAPH_WEIGHT],
	                       n_lines[GAIT_GRAPH_SAME]);
	if (sketch->options.fold != GAIT_GRAPH_FOLD_NONE)
		g_string_append_printf(title, " · <B>folded by %s</B>",
		                       gait_graph_fold_name(sketch->options.fold));
}

static void
append_legend(GString *title, const GaitSketch *sketch)
{
	static const char text[] =
	    "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED
	    "\">box: a system call and where it is made, in the phase that first reaches it "
	    "(several: in this order)</FONT></TD></TR><TR><TD ALIGN=\"LEFT\"><FONT "
	    "POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED
	    "\">line: is followed by, so many times (down / up); pale: seldom chosen there; "
	    "dashed: "
	    "seen in one run only · ↻: follows itself</FONT></TD></TR><TR><TD ALIGN=\"LEFT\"><FONT "
	    "POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED "\"><FONT COLOR=\"" GAIT_GRAPH_DANGER
	    "\"><B>red: dangerous</B></FONT> · grey box: a state of an earlier phase, where a line "
	    "leads on from it, or back to it</FONT></TD></TR>";

	if (sketch->options.both)
		gait_graph_append_legend(title, sketch->options.both);
	else
		g_string_append(title, text);
}

static char *
dup_title(const GaitSketch *sketch)
{
	g_autoptr(GString) title =
	    g_string_new("<TABLE BORDER=\"0\" CELLSPACING=\"0\"><TR><TD ALIGN=\"LEFT\"><FONT "
	                 "POINT-SIZE=\"18\"><B>");

	gait_graph_append_html(title,
	                       gait_model_module_name(sketch->model, sketch->library->module),
	                       GAIT_GRAPH_MAX_TEXT);
	g_string_append(title, "</B> in ");
	gait_graph_append_html(title, sketch->program->path, 2 * GAIT_GRAPH_MAX_TEXT);
	g_string_append(title, "</FONT></TD></TR><TR><TD ALIGN=\"LEFT\">");
	if (sketch->options.both)
		append_change_size(title, sketch);
	else
		append_size(title, sketch);
	g_string_append(title, "</TD></TR>");
	append_legend(title, sketch);
	g_string_append(title, "</TABLE>");
	return g_string_free(g_steal_pointer(&title), FALSE);
}
static GaitDot *
new_dot(const GaitSketch *sketch)
{
	g_autofree char *title = dup_title(sketch);
	GaitDot *dot = gait_graph_new_dot("library", title);

	gait_dot_set_default(dot, GAIT_DOT_NODE, "shape", "box");
	gait_dot_set_default(dot, GAIT_DOT_NODE, "style", "rounded,filled");
	gait_dot_set_default(dot, GAIT_DOT_NODE, "margin", "0.1,0.04");
	gait_dot_set_default(dot, GAIT_DOT_NODE, "height", "0.3");
	/* Ranks over the whole drawing, not per cluster: a phase that follows stands below. */
	gait_dot_set_default(dot, GAIT_DOT_GRAPH, "newrank", "true");
	gait_dot_set_default(dot, GAIT_DOT_GRAPH, "ranksep", "0.42");
	gait_dot_set_default(dot, GAIT_DOT_GRAPH, "nodesep", "0.2");
	return dot;
}

GaitDot *
gait_graph_draw_library(const GaitModel *model, const GaitProgram *program, guint32 library,
                        const GaitGraphLibraryOptions *options)
{
	g_autoptr(GaitSketch) sketch = gait_sketch_new(model, program, library, options);
	GaitGraphDrawing drawing = {.sketch = sketch, .dot = new_dot(sketch)};

	drawing.panels = g_ptr_array_new_with_free_func(panel_free);
	drawing.lower = g_hash_table_new(NULL, NULL);
	drawing.upper = g_hash_table_new(NULL, NULL);
	drawing.order = g_array_sized_new(FALSE, FALSE, sizeof(guint32), sketch->states->len);
	for (guint32 i = 0; i < sketch->states->len; i++)
		g_array_append_val(drawing.order, i);
	add_states(&drawing);
	add_unsequenced(&drawing);
	gait_graph_draw_lines(&drawing);
	bound_layout(&drawing);
	g_array_unref(drawing.order);
	g_hash_table_unref(drawing.lower);
	g_hash_table_unref(drawing.upper);
	g_ptr_array_unref(drawing.panels);
	return drawing.dot;
}
