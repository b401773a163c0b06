/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a library's drawing, and what keeps them legible. A line belongs to the phase of its
 * later end; an end in an earlier phase is stood for by an echo, a grey box at the top, so that
 * hardly a line leaves its phase. Within a phase all lines that are not rare hold their ends in the
 * sketch's order: drawn the other way round where they lead back. So what is at the bottom of a
 * phase is known, and invisible lines hang the next phase below it.
 */
#include "graph-library-private.h"

#include <math.h>

static void
describe_line(const GaitGraphDrawing *drawing, const GaitSketchLine *line, GaitDotItem *edge)
{
	const GaitUnion *both = drawing->sketch->options.both;
	g_autoptr(GString) tip = g_string_new(NULL);

	if (both) {
		gait_dot_setf(edge, "edgetooltip",
		              "%" G_GUINT64_FORMAT " times, then %" G_GUINT64_FORMAT " times",
		              line->in_side[0], line->in_side[1]);
		return;
	}
	g_string_append_printf(tip, "%" G_GUINT64_FORMAT " times", line->count);
	if (line->back_count)
		g_string_append_printf(tip, ", back %" G_GUINT64_FORMAT " times", line->back_count);
	g_string_append_printf(tip, ", in %u of %u runs", line->n_runs,
	                       drawing->sketch->model->runs->len);
	if (line->is_amended)
		g_string_append(tip, ", accepted by hand");
	gait_dot_set(edge, "edgetooltip", tip->str);
	gait_dot_set(edge, "labeltooltip", tip->str);
}

static void
label_line(const GaitSketchLine *line, GaitGraphChange change, gboolean is_back, GaitDotItem *edge)
{
	g_autoptr(GString) label = g_string_new(gait_graph_change_sign(change));
	gboolean is_swapped = line->back_count && is_back;

	gait_graph_append_count(label, is_swapped ? line->back_count : line->count);
	if (line->back_count) {
		g_string_append(label, " / ");
		gait_graph_append_count(label, is_swapped ? line->count : line->back_count);
	}
	/*
	 * Beside the line, placed when all else is: a label proper takes part in the layout, which
	 * takes dot ten times as long with clusters, and often makes it give up ("trouble in
	 * init_rank", graphviz 2.42).
	 */
	gait_dot_set(edge, "xlabel", label->str);
}

/* In a diff: only what changed has a label, and a colour. */
static void
show_change(const GaitSketchLine *line, GaitGraphChange change, gboolean is_back, GaitDotItem *edge)
{
	const char *color = gait_graph_change_color(change)->line;

	gait_dot_set(edge, "color", color);
	gait_dot_set(edge, "fontcolor", color);
	gait_dot_set(edge, "penwidth", change == GAIT_GRAPH_SAME ? "0.8" : "2");
	if (change == GAIT_GRAPH_GONE)
		gait_dot_set(edge, "style", "dashed");
	if (change == GAIT_GRAPH_WEIGHT)
		gait_dot_setf(edge, "xlabel", "%.0f%% → %.0f%%", 100 * line->share[0],
		              100 * line->share[1]);
	else if (change != GAIT_GRAPH_SAME)
		label_line(line, change, is_back, edge);
}

static gboolean
is_side_way(const GaitGraphDrawing *drawing, const GaitSketchLine *line)
{
	const GaitSketchState *from = gait_sketch_get_state(drawing->sketch, line->from);
	const GaitSketchState *to = gait_sketch_get_state(drawing->sketch, line->to);

	return (double)line->count < 0.1 * (double)from->out_count &&
	       (double)line->back_count < 0.1 * (double)MAX(to->out_count, 1);
}

static void
style_line(const GaitGraphDrawing *drawing, const GaitSketchLine *line, const char *color,
           GaitDotItem *edge)
{
	/* One more point of width for each factor of ten. */
	double magnitude = log10((double)MAX(MAX(line->count, line->back_count), 1));

	gait_dot_setf(edge, "penwidth", "%.2f", 0.8 + 0.9 * magnitude);
	gait_dot_set(edge, "fontcolor", color);
	/* What is seldom chosen where it leaves is paler: the main way shows. */
	gait_dot_setf(edge, "color", "%s%s", color, is_side_way(drawing, line) ? "80" : "");
	if (gait_sketch_is_rare(drawing->sketch, line->n_runs))
		gait_dot_set(edge, "style", "dashed");
	else
		gait_dot_setf(edge, "weight", "%d", 1 + (int)(4 * magnitude));
}

/* --- ends ---------------------------------------------------------------------------------------
 */

static gint
compare_panels(gconstpointer a, gconstpointer b)
{
	const GaitGraphPanel *x = *(GaitGraphPanel *const *)a, *y = *(GaitGraphPanel *const *)b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	return x->phase < y->phase ? -1 : x->phase > y->phase;
}

static const GaitGraphPanel *
find_panel(const GaitGraphDrawing *drawing, guint32 role, guint32 phase)
{
	guint low = 0, high = drawing->panels->len;
	GaitGraphPanel key = {.role = role, .phase = phase}, *wanted = &key;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (compare_panels(&g_ptr_array_index(drawing->panels, middle), &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* A phase has a panel where a state of it is drawn, and lines lead to no others. */
	return g_ptr_array_index(drawing->panels, low);
}

static GaitDotItem *
get_echo(const GaitGraphDrawing *drawing, const GaitSketchState *state, guint32 phase)
{
	const GaitGraphPanel *panel = find_panel(drawing, state->role, phase);
	GaitDotItem *node = g_hash_table_lookup(panel->echoes, GUINT_TO_POINTER(state->state));

	if (node)
		return node;
	g_autofree char *name = g_strdup_printf("r%up%us%u", state->role, phase, state->state);
	node = gait_dot_add_node(drawing->dot, panel->cluster, name);
	gait_sketch_draw_echo(drawing->sketch, state, node);
	g_hash_table_insert(panel->echoes, GUINT_TO_POINTER(state->state), node);
	return node;
}

typedef struct {
	GaitDotItem *from, *to;
	guint32 phase;
	gboolean is_within; /* both in that phase: to be held in order */
	gboolean is_back;   /* against the order */
} Ends;

static Ends
find_ends(const GaitGraphDrawing *drawing, const GaitSketchLine *line)
{
	const GaitSketchState *a = gait_sketch_get_state(drawing->sketch, line->from);
	const GaitSketchState *b = gait_sketch_get_state(drawing->sketch, line->to);
	const GaitSketchState *first_a = gait_sketch_get_first(drawing->sketch, a);
	const GaitSketchState *first_b = gait_sketch_get_first(drawing->sketch, b);
	Ends ends = {first_a->node, first_b->node, MAX(a->phase, b->phase), TRUE, FALSE};

	if (a->role != b->role || !gait_sketch_has_phase(a) || !gait_sketch_has_phase(b)) {
		ends.phase = b->phase;
		ends.is_within = FALSE;
	} else if (a->phase == b->phase) {
		ends.is_back = first_a->order > first_b->order;
	} else if (a->phase > b->phase) {
		ends.to = get_echo(drawing, b, ends.phase);
		ends.is_back = TRUE;
	} else if (gait_sketch_is_milestone(drawing->sketch, b)) {
		ends.is_within = FALSE;
	} else {
		ends.from = get_echo(drawing, a, ends.phase);
	}
	return ends;
}

/* --- lines --------------------------------------------------------------------------------------
 */

static void
add_line(const GaitGraphDrawing *drawing, const GaitSketchLine *line)
{
	const GaitSketchState *a = gait_sketch_get_state(drawing->sketch, line->from);
	const GaitSketchState *b = gait_sketch_get_state(drawing->sketch, line->to);
	gboolean is_rare = gait_sketch_is_rare(drawing->sketch, line->n_runs);
	Ends ends = find_ends(drawing, line);
	GaitDotItem *upper = ends.is_back ? ends.to : ends.from;
	GaitDotItem *lower = ends.is_back ? ends.from : ends.to;
	GaitDotItem *edge = gait_dot_add_edge(drawing->dot, upper, lower);

	/*
	 * Roles stand side by side: the step into a created task must not push it down. A rare step
	 * must not pull states about that common ones put in place.
	 */
	if (a->role != b->role ||
	    (is_rare && a->is_common && b->is_common && a->phase == b->phase)) {
		gait_dot_set(edge, "constraint", "false");
	} else if (ends.is_within && upper != lower) {
		g_hash_table_add(drawing->upper, upper);
		g_hash_table_add(drawing->lower, lower);
	}
	if (line->back_count)
		gait_dot_set(edge, "dir", "both");
	else if (ends.is_back)
		gait_dot_set(edge, "dir", "back");
	if (drawing->sketch->options.both) {
		show_change(line, gait_sketch_line_change(drawing->sketch, line), ends.is_back,
		            edge);
	} else {
		style_line(drawing, line,
		           a->role == b->role ? gait_graph_phase_color(ends.phase)->line
		                              : GAIT_GRAPH_MUTED,
		           edge);
		label_line(line, GAIT_GRAPH_SAME, ends.is_back, edge);
	}
	describe_line(drawing, line, edge);
}

static gint
compare_counts(gconstpointer a, gconstpointer b, gpointer data)
{
	guint32 i = *(const guint32 *)a, j = *(const guint32 *)b;
	guint64 x = gait_sketch_get_line(data, i)->count, y = gait_sketch_get_line(data, j)->count;

	if (x != y)
		return x > y ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* The most frequent first: where there are cycles, the layout lets what comes first point down. */
static void
add_lines(const GaitGraphDrawing *drawing)
{
	const GaitSketch *sketch = drawing->sketch;
	g_autoptr(GArray) order =
	    g_array_sized_new(FALSE, FALSE, sizeof(guint32), sketch->lines->len);

	for (guint32 i = 0; i < sketch->lines->len; i++)
		if (!gait_sketch_get_line(sketch, i)->is_hidden)
			g_array_append_val(order, i);
	g_array_sort_with_data(order, compare_counts, (gpointer)sketch);
	for (guint i = 0; i < order->len; i++)
		add_line(drawing, gait_sketch_get_line(sketch, g_array_index(order, guint32, i)));
}

/* --- phases below each other --------------------------------------------------------------------
 */

static void
hang(const GaitGraphDrawing *drawing, GaitDotItem *above, GaitDotItem *below)
{
	GaitDotItem *edge = gait_dot_add_edge(drawing->dot, above, below);

	gait_dot_set(edge, "style", "invis");
	gait_dot_set(edge, "weight", "0");
}

static GaitDotItem *
add_hook(const GaitGraphDrawing *drawing, const GaitGraphPanel *panel)
{
	g_autofree char *name = g_strdup_printf("r%up%uend", panel->role, panel->phase);
	GaitDotItem *hook = gait_dot_add_node(drawing->dot, panel->parent, name);

	gait_dot_set(hook, "label", "");
	gait_dot_set(hook, "shape", "point");
	gait_dot_set(hook, "style", "invis");
	return hook;
}

static void
hang_echoes(const GaitGraphDrawing *drawing, const GaitGraphPanel *panel, GaitDotItem *hook)
{
	GHashTableIter iter;
	gpointer node;

	g_hash_table_iter_init(&iter, panel->echoes);
	while (hook && g_hash_table_iter_next(&iter, NULL, &node))
		hang(drawing, hook, node);
}

/* Whether no phase of the same role follows the n-th panel, counted from 1. */
static gboolean
is_last_panel(const GaitGraphDrawing *drawing, guint n)
{
	const GaitGraphPanel *panel = g_ptr_array_index(drawing->panels, n - 1), *next;

	if (n >= drawing->panels->len)
		return TRUE;
	next = g_ptr_array_index(drawing->panels, n);
	return next->role != panel->role;
}

/* Whether something is to stand below the n-th panel, counted from 1. */
static gboolean
needs_hook(const GaitGraphDrawing *drawing, guint n)
{
	const GaitGraphPanel *panel = g_ptr_array_index(drawing->panels, n - 1);
	const GaitGraphPanel *first = g_ptr_array_index(drawing->panels, 0);

	return !is_last_panel(drawing, n) || (drawing->outside && panel->role == first->role);
}

/* What is at the bottom of each phase holds a hook, and what is at the top of the next hangs from
 * it; from the first role's last one what is outside the sequence, where it costs no width. */
static void
stack_panels(const GaitGraphDrawing *drawing)
{
	const GaitGraphPanel *panel = NULL;
	GaitDotItem *hook = NULL, *last_hook = NULL;
	guint n_panels = 0;

	for (guint i = 0; i < drawing->order->len; i++) {
		const GaitSketchState *state = gait_sketch_get_state(
		    drawing->sketch, g_array_index(drawing->order, guint32, i));

		if (!state->node || !gait_sketch_has_phase(state))
			continue;
		if (!panel || panel->role != state->role || panel->phase != state->phase) {
			const GaitGraphPanel *next = g_ptr_array_index(drawing->panels, n_panels++);

			if (hook && panel->role != next->role)
				hang(drawing, hook, drawing->outside);
			last_hook = panel && panel->role == next->role ? hook : NULL;
			panel = next;
			hook = NULL;
			hang_echoes(drawing, panel, last_hook);
		}
		if (last_hook && !g_hash_table_contains(drawing->lower, state->node))
			hang(drawing, last_hook, state->node);
		if (!needs_hook(drawing, n_panels) ||
		    g_hash_table_contains(drawing->upper, state->node))
			continue;
		if (!hook)
			hook = add_hook(drawing, panel);
		hang(drawing, state->node, hook);
	}
	if (hook)
		hang(drawing, hook, drawing->outside);
}

void
gait_graph_draw_lines(const GaitGraphDrawing *drawing)
{
	add_lines(drawing);
	stack_panels(drawing);
}
