/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles and phases: each role is a lane, its phases are boxes down the lane as it lives, and the
 * arrow between two says which call enters the next. A box shows how much of the program's
 * vocabulary is allowed in it (dark bar), how much more may still come (light bar), and which calls
 * these are, the dangerous ones first. A dashed line leads from the phase that creates a task to
 * the task's own lane.
 */
#include "graph-private.h"
#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"

enum { BOX_WIDTH = 250, MAX_TRIGGER = 32 };

#define INDENT "\xc2\xa0\xc2\xa0\xc2\xa0" /* that no layout drops */

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	guint32 program_index;
	guint n_programs;      /* that are drawn */
	const GaitUnion *both; /* NULL: no diff */
	GaitDot *dot;
	GPtrArray *nodes; /* per role: GPtrArray of the nodes of its phases; NULL: not drawn */
} Lanes;

/* --- a phase ------------------------------------------------------------------------------------
 */

static void
describe_phase(const Lanes *lanes, const GaitPhase *phase, GaitDotItem *node)
{
	g_autoptr(GString) tip = g_string_new("allowed:");

	for (guint i = 0; i < phase->allowed->len; i++) {
		guint32 index = g_array_index(phase->allowed, guint32, i);
		const GaitCall *call = &g_array_index(lanes->program->calls, GaitCall, index);
		g_autofree char *text = gait_graph_dup_call(call->nr, call->klass);

		g_string_append(tip, " ");
		gait_graph_append_escaped(tip, text, GAIT_GRAPH_MAX_TEXT);
	}
	gait_dot_set(node, "tooltip", tip->str);
}

/* What is entered and left again. */
static void
append_interludes(GString *label, const Lanes *lanes, const GaitRole *role, const GaitPhase *phase)
{
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		g_autoptr(GArray) calls =
		    gait_graph_distinct_syscalls(lanes->program, interlude->calls);
		const GaitSymbol *entry = gait_program_get_symbol(
		    lanes->program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));
		g_autofree char *call = gait_graph_dup_call(entry->nr, entry->klass);
		g_autofree char *site = gait_graph_dup_site(entry);

		g_string_append(label, "<TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\" BGCOLOR=\"#F3F4F6\">"
		                       "<FONT POINT-SIZE=\"9\"><I>now and then, from ");
		gait_graph_append_html(label, call, GAIT_GRAPH_MAX_TEXT);
		g_string_append(label, "<BR ALIGN=\"LEFT\"/>in ");
		gait_graph_append_html(label, site, GAIT_GRAPH_MAX_TEXT);
		g_string_append(label, " until it waits:</I><BR ALIGN=\"LEFT\"/>");
		gait_graph_append_syscalls(label, calls, NULL);
		g_string_append(label, "</FONT></TD></TR>");
	}
}

/* A frame, a head in the phase's colour, and what was appended to it as rows. */
static GString *
open_box(const GaitGraphColor *color)
{
	GString *label = g_string_new(NULL);

	g_string_append_printf(label,
	                       "<TABLE BORDER=\"1\" COLOR=\"%s\" CELLBORDER=\"0\" "
	                       "CELLSPACING=\"0\" CELLPADDING=\"3\" BGCOLOR=\"white\"><TR>"
	                       "<TD BGCOLOR=\"%s\" WIDTH=\"%d\" ALIGN=\"LEFT\">",
	                       color->line, color->node, BOX_WIDTH);
	return label;
}

static void
label_changes(const Lanes *lanes, const GaitRole *role, const GaitPhase *phase, guint32 p,
              GaitDotItem *node)
{
	g_autoptr(GString) label = open_box(gait_graph_change_color(GAIT_GRAPH_SAME));

	gait_graph_append_phase(label, lanes->both, phase, p);
	g_string_append(label, "</TD></TR>");
	gait_graph_append_changes(label, lanes->both, lanes->program, role, p);
	g_string_append(label, "</TABLE>");
	gait_dot_set_html(node, "label", label->str);
}

static void
label_phase(const Lanes *lanes, const GaitRole *role, const GaitPhase *phase, guint32 p,
            GaitDotItem *node)
{
	const GaitGraphColor *color = gait_graph_phase_color(p);
	g_autoptr(GArray) steady = gait_phase_dup_steady(phase);
	g_autoptr(GArray) allowed = gait_graph_distinct_syscalls(lanes->program, steady);
	g_autoptr(GArray) retained = gait_graph_distinct_syscalls(lanes->program, phase->retained);
	g_autoptr(GString) label = open_box(color);

	gait_graph_append_phase(label, NULL, phase, p);
	g_string_append(label, "  ");
	gait_graph_append_share(label, phase->time_share);
	g_string_append(label, " of the time, ");
	gait_graph_append_share(label, phase->event_share);
	g_string_append_printf(label,
	                       " of the events</TD></TR><TR><TD ALIGN=\"LEFT\">allows <B>%u</B> "
	                       "syscalls, <B>%u</B> may still come</TD></TR><TR><TD "
	                       "ALIGN=\"LEFT\">",
	                       allowed->len, retained->len);
	gait_graph_append_bar(label, allowed->len, retained->len,
	                      gait_graph_count_syscalls(lanes->program->calls), color);
	g_string_append(label, "</TD></TR><TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\"><FONT "
	                       "POINT-SIZE=\"9\">");
	if (allowed->len > 0)
		gait_graph_append_syscalls(label, allowed, NULL);
	else
		g_string_append(label, "<I>no system call was seen here</I>");
	g_string_append(label, "</FONT></TD></TR>");
	append_interludes(label, lanes, role, phase);
	g_string_append(label, "</TABLE>");
	gait_dot_set_html(node, "label", label->str);
}

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
	g_autofree char *call = gait_graph_dup_call(symbol->nr, symbol->klass);
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
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);
		g_autofree char *id = g_strdup_printf("%sp%u", name, p);
		GaitDotItem *node = gait_dot_add_node(lanes->dot, cluster, id);

		if (lanes->both)
			label_changes(lanes, role, phase, p, node);
		else
			label_phase(lanes, role, phase, p, node);
		describe_phase(lanes, phase, node);
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
	for (guint i = 0; i < order->len; i++) {
		lanes.program_index = g_array_index(order, guint32, i);
		lanes.program = gait_model_get_program(model, lanes.program_index);
		add_program(&lanes, role, has_libraries);
	}
	return lanes.dot;
}
