/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles and phases: each role is a lane, its phases are boxes down the lane as it lives, and the
 * arrow between two says which call enters the next. A dashed line leads from the phase that
 * creates a task to the task's own lane. What is in a box is graph-phase.c's.
 */
#include "graph-private.h"
#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"

enum { MAX_TRIGGER = 32, ROW_PROGRAMS = 3 };

#define INDENT "\xc2\xa0\xc2\xa0\xc2\xa0" /* that no layout drops */

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	guint32 program_index;
	guint n_programs;      /* that are drawn */
	const GaitUnion *both; /* NULL: no diff */
	GaitDot *dot;
	GPtrArray *ends;   /* the last box of each lane in this row of programs */
	GaitDotItem *hook; /* what this row hangs from, or NULL */
	GPtrArray *nodes;  /* per role: GPtrArray of the nodes of its phases; NULL: not drawn */
} Lanes;

/* --- a phase ------------------------------------------------------------------------------------
 */

/* "listen" above "ngx_open_listening_sockets+0x3f": what enters the next phase. */
static void
add_milestone(const Lanes *lanes, const GaitRole *role, guint32 p, GaitDotItem *from,
              GaitDotItem *to)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, p);
	GaitDotItem *edge = gait_dot_add_edge(lanes->dot, from, to);
	const GaitSymbol *symbol = NULL;

	gait_dot_set(
	    edge, "color",
	    (lanes->both ? gait_graph_change_color(GAIT_GRAPH_SAME) : gait_graph_phase_color(p))
	        ->line);
	gait_dot_set(edge, "penwidth", "1.8");
	gait_dot_set(edge, "weight", "20");
	if (phase->milestone < role->symbols->len)
		symbol = gait_program_get_symbol(
		    lanes->program, g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
	if (!symbol)
		return;
	g_autofree char *call = gait_syscall_dup(symbol->nr, symbol->klass);
	g_autofree char *place =
	    gait_graph_dup_place(lanes->model, lanes->program,
	                         g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
	/* At some distance from the arrow, whatever font there is. */
	g_autoptr(GString) label = g_string_new(INDENT "<B>");

	gait_graph_append_html(label, call, MAX_TRIGGER);
	g_string_append(label, "</B><BR ALIGN=\"LEFT\"/>" INDENT);
	gait_graph_append_html(label, place, GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "<BR ALIGN=\"LEFT\"/>");
	gait_dot_set_html(edge, "label", label->str);
}

/* --- a role -------------------------------------------------------------------------------------
 */

static void
label_role_change(const GaitRole *role, GaitGraphChange change, GaitDotItem *cluster)
{
	g_autoptr(GString) label = g_string_new("<B>");

	g_string_append(label, gait_graph_change_sign(change));
	gait_graph_append_html(label, role->name, GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "</B><FONT POINT-SIZE=\"10\">  %s</FONT>",
	                       role->is_thread ? "thread" : "process");
	gait_dot_set_html(cluster, "label", label->str);
}

static void
label_role(const GaitRole *role, GaitDotItem *cluster)
{
	g_autoptr(GString) label = g_string_new("<B>");

	gait_graph_append_html(label, role->name, GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "</B><FONT POINT-SIZE=\"10\">  %s, ",
	                       role->is_thread ? "thread" : "process");
	gait_graph_append_count(label, role->n_instances);
	g_string_append_printf(label, " %s in %u %s, ", role->n_instances == 1 ? "task" : "tasks",
	                       role->n_runs, role->n_runs == 1 ? "run" : "runs");
	gait_graph_append_count(label, role->n_events);
	g_string_append(label, " events</FONT>");
	gait_dot_set_html(cluster, "label", label->str);
}

static GPtrArray *
add_lane(const Lanes *lanes, GaitDotItem *parent, guint32 r)
{
	const GaitRole *role = gait_program_get_role(lanes->program, r);
	g_autofree char *name = g_strdup_printf("p%ur%u", lanes->program_index, r);
	GaitDotItem *cluster = gait_dot_add_cluster(lanes->dot, parent, name);
	GPtrArray *nodes = g_ptr_array_new();
	GaitGraphChange change =
	    gait_graph_change(lanes->both ? gait_union_get_mark(lanes->both, role) : NULL);

	if (lanes->both)
		label_role_change(role, change, cluster);
	else
		label_role(role, cluster);
	gait_dot_set(cluster, "labelloc", "t");
	gait_dot_set(cluster, "peripheries", "1");
	gait_dot_set(cluster, "style", "rounded");
	gait_dot_set(cluster, "color", gait_graph_change_color(change)->line);
	gait_dot_set(cluster, "bgcolor", gait_graph_change_color(change)->cluster);
	for (guint32 p = 0; p < role->phases->len; p++) {
		g_autofree char *id = g_strdup_printf("%sp%u", name, p);
		GaitDotItem *node = gait_dot_add_node(lanes->dot, cluster, id);

		gait_graph_draw_phase(lanes->program, role, p, lanes->both, node);
		g_ptr_array_add(nodes, node);
		if (p > 0)
			add_milestone(lanes, role, p, g_ptr_array_index(nodes, p - 1), node);
	}
	return nodes;
}

/* The node of the phase of role r in which it may first issue ref; NULL where not drawn. */
static GaitDotItem *
find_phase_node(const Lanes *lanes, guint32 r, GaitSymbolRef ref)
{
	GPtrArray *nodes = g_ptr_array_index(lanes->nodes, r);
	const GaitRole *role = gait_program_get_role(lanes->program, r);
	guint32 symbol = gait_graph_find_in_role(role, ref);

	if (!nodes || symbol == GAIT_NONE)
		return NULL;
	return g_ptr_array_index(nodes, gait_graph_first_phase(role, symbol));
}

static void
add_creation(const Lanes *lanes, guint32 r)
{
	const GaitRole *role = gait_program_get_role(lanes->program, r);
	GPtrArray *nodes = g_ptr_array_index(lanes->nodes, r);
	GaitDotItem *from;

	if (role->parent == GAIT_NONE || !nodes)
		return;
	from = find_phase_node(lanes, role->parent, role->creation);
	if (!from)
		return;
	const GaitSymbol *symbol = gait_program_get_symbol(lanes->program, role->creation);
	g_autofree char *place = gait_graph_dup_place(lanes->model, lanes->program, role->creation);
	g_autoptr(GString) label = g_string_new(gait_syscall_name(symbol->nr));
	GaitDotItem *edge = gait_dot_add_edge(lanes->dot, from, g_ptr_array_index(nodes, 0));

	g_string_append(label, "<BR/>");
	gait_graph_append_html(label, place, GAIT_GRAPH_MAX_TEXT);
	gait_dot_set_html(edge, "label", label->str);
	gait_dot_set(edge, "style", "dashed");
	gait_dot_set(edge, "color", GAIT_GRAPH_MUTED);
	gait_dot_set(edge, "fontcolor", GAIT_GRAPH_MUTED);
}

static char *
dup_table(const Lanes *lanes)
{
	if (lanes->both)
		return gait_graph_dup_change_table(lanes->both, lanes->program);
	if (lanes->program->libraries->len == 0)
		return NULL;
	return gait_graph_dup_library_table(lanes->model, lanes->program);
}

/*
 * Two frames: what stands above the lanes is the inner one's label, what stands below the outer
 * one's. Where programs stand side by side the table goes above, too: below, it would tear apart
 * its longer neighbours, for equal ranks have equal heights.
 */
static GaitDotItem *
add_frame(const Lanes *lanes, gboolean has_libraries)
{
	const GaitProgram *program = lanes->program;
	gboolean is_above = lanes->n_programs > 1;
	g_autofree char *outer_name = g_strdup_printf("p%ulibraries", lanes->program_index);
	g_autofree char *inner_name = g_strdup_printf("p%u", lanes->program_index);
	g_autoptr(GString) label = g_string_new("<FONT POINT-SIZE=\"15\"><B>");
	g_autofree char *table = has_libraries ? dup_table(lanes) : NULL;
	GaitDotItem *outer =
	    gait_dot_add_cluster(lanes->dot, gait_dot_get_root(lanes->dot), outer_name);
	GaitDotItem *inner = gait_dot_add_cluster(lanes->dot, outer, inner_name);

	gait_dot_set(outer, "color", "#D1D5DB");
	gait_dot_set(outer, "labelloc", "b");
	if (table && !is_above)
		gait_dot_set_html(outer, "label", table);
	else
		gait_dot_set(outer, "label", "");
	g_string_append(label,
	                gait_graph_change_sign(gait_graph_change(
	                    lanes->both ? gait_union_get_mark(lanes->both, program) : NULL)));
	gait_graph_append_html(label, program->path, 2 * GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "</B>  %u syscalls</FONT>",
	                       gait_graph_count_syscalls(program->calls));
	if (table && is_above) {
		g_string_prepend(label, "<TABLE BORDER=\"0\"><TR><TD ALIGN=\"LEFT\">");
		g_string_append_printf(label, "</TD></TR><TR><TD>%s</TD></TR></TABLE>", table);
	}
	gait_dot_set_html(inner, "label", label->str);
	gait_dot_set(inner, "labelloc", "t");
	gait_dot_set(inner, "peripheries", "0");
	return inner;
}

static void
hang(const Lanes *lanes, GaitDotItem *above, GaitDotItem *below, const char *weight)
{
	GaitDotItem *edge = gait_dot_add_edge(lanes->dot, above, below);

	gait_dot_set(edge, "style", "invis");
	gait_dot_set(edge, "weight", weight);
}

static void
hang_lane(const Lanes *lanes, guint32 r)
{
	const GPtrArray *nodes = g_ptr_array_index(lanes->nodes, r);

	if (!nodes || nodes->len == 0)
		return;
	if (lanes->hook && r == 0)
		hang(lanes, lanes->hook, g_ptr_array_index(nodes, 0), "50");
	g_ptr_array_add(lanes->ends, g_ptr_array_index(nodes, nodes->len - 1));
}

/* What all that was drawn so far stands above: a dozen programs side by side fit no screen. */
static void
begin_row(Lanes *lanes, guint row)
{
	g_autofree char *name = g_strdup_printf("row%u", row);

	lanes->hook = gait_dot_add_node(lanes->dot, gait_dot_get_root(lanes->dot), name);
	gait_dot_set(lanes->hook, "shape", "point");
	gait_dot_set(lanes->hook, "style", "invis");
	for (guint i = 0; i < lanes->ends->len; i++)
		hang(lanes, g_ptr_array_index(lanes->ends, i), lanes->hook, "0");
	g_ptr_array_set_size(lanes->ends, 0);
}

static void
add_program(Lanes *lanes, guint32 role, gboolean has_libraries)
{
	const GaitProgram *program = lanes->program;
	GaitDotItem *frame = add_frame(lanes, has_libraries);

	lanes->nodes = g_ptr_array_new();
	for (guint32 r = 0; r < program->roles->len; r++)
		g_ptr_array_add(lanes->nodes,
		                role == GAIT_NONE || role == r ? add_lane(lanes, frame, r) : NULL);
	for (guint32 r = 0; r < program->roles->len; r++)
		add_creation(lanes, r);
	for (guint32 r = 0; r < program->roles->len; r++)
		hang_lane(lanes, r);
	for (guint32 r = 0; r < program->roles->len; r++)
		if (g_ptr_array_index(lanes->nodes, r))
			g_ptr_array_unref(g_ptr_array_index(lanes->nodes, r));
	g_ptr_array_unref(lanes->nodes);
}

static guint64
count_events(const GaitProgram *program)
{
	guint64 n = 0;

	for (guint32 r = 0; r < program->roles->len; r++)
		n = gait_counter_add(n, gait_program_get_role(program, r)->n_events);
	return n;
}

static gint
compare_programs(gconstpointer a, gconstpointer b, gpointer model)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
	guint64 n_x = count_events(gait_model_get_program(model, x));
	guint64 n_y = count_events(gait_model_get_program(model, y));

	if (n_x != n_y)
		return n_x > n_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The busiest first: what a reader came for stands at the left. */
static GArray *
order_programs(const GaitModel *model, guint32 program)
{
	GArray *order = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (guint32 i = 0; i < model->programs->len; i++)
		if (program == GAIT_NONE || program == i)
			g_array_append_val(order, i);
	g_array_sort_with_data(order, compare_programs, (gpointer)model);
	return order;
}

static char *
dup_title(const GaitModel *model, const GaitUnion *both)
{
	GString *title = g_string_new(
	    "<TABLE BORDER=\"0\" CELLSPACING=\"0\"><TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"18\">"
	    "<B>Roles and phases</B></FONT></TD></TR>");

	if (both)
		gait_graph_append_legend(title, both);
	else
		g_string_append_printf(
		    title,
		    "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED
		    "\">lane: a kind of task · box: a phase of its life, and the syscalls allowed "
		    "in "
		    "it · bar: allowed now, may still come, never again</FONT></TD></TR><TR><TD "
		    "ALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED
		    "\"><FONT COLOR=\"" GAIT_GRAPH_DANGER
		    "\"><B>red: dangerous</B></FONT> · arrow: the call that enters the next phase "
		    "· "
		    "learned from %u %s</FONT></TD></TR>",
		    model->runs->len, model->runs->len == 1 ? "run" : "runs");
	g_string_append(title, "</TABLE>");
	return g_string_free(title, FALSE);
}

GaitDot *
gait_graph_draw_phases(const GaitModel *model, guint32 program, guint32 role,
                       gboolean has_libraries, const GaitUnion *both)
{
	g_autofree char *title = dup_title(model, both);
	Lanes lanes = {.model = model, .both = both, .dot = gait_graph_new_dot("phases", title)};
	g_autoptr(GArray) order = order_programs(model, program);

	gait_dot_set_default(lanes.dot, GAIT_DOT_GRAPH, "ranksep", "0.3");
	lanes.n_programs = order->len;
	lanes.ends = g_ptr_array_new();
	for (guint i = 0; i < order->len; i++) {
		if (order->len > ROW_PROGRAMS && i % ROW_PROGRAMS == 0)
			begin_row(&lanes, i / ROW_PROGRAMS);
		lanes.program_index = g_array_index(order, guint32, i);
		lanes.program = gait_model_get_program(model, lanes.program_index);
		add_program(&lanes, role, has_libraries);
	}
	g_ptr_array_unref(lanes.ends);
	return lanes.dot;
}
