/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who creates and executes whom: programs as clusters, roles as boxes, the creating call on each
 * line between roles, thick lines for execve from one program into the next, or into itself.
 */
#include "graph-private.h"
#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/metrics.h"
#include "sysgait/syscall.h"

typedef struct {
	const GaitModel *model;
	GaitDot *dot;
	GPtrArray **nodes; /* per program: the nodes of its roles; NULL: not drawn */
} Tree;

static void
append_row(GString *label, const char *what, guint64 n)
{
	g_string_append_printf(label, "<TR><TD ALIGN=\"LEFT\">%s</TD><TD ALIGN=\"RIGHT\">", what);
	gait_graph_append_count(label, n);
	g_string_append(label, "</TD></TR>");
}

static void
label_role(const Tree *tree, const GaitProgram *program, guint32 r, GaitDotItem *node)
{
	const GaitRole *role = gait_program_get_role(program, r);
	/* Processes blue, threads orange. */
	const GaitGraphColor *color = gait_graph_phase_color(role->is_thread ? 1 : 0);
	g_autoptr(GString) label = g_string_new(NULL);
	GaitMetrics metrics;

	gait_metrics_role(tree->model, program, r, &metrics);
	g_string_append_printf(
	    label,
	    "<TABLE BORDER=\"1\" COLOR=\"%s\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"3\" "
	    "BGCOLOR=\"white\"><TR><TD COLSPAN=\"2\" BGCOLOR=\"%s\" ALIGN=\"LEFT\"><B>",
	    color->line, color->node);
	gait_graph_append_html(label, role->name, GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "</B>  %s</TD></TR>", role->is_thread ? "thread" : "process");
	append_row(label, "tasks", role->n_instances);
	append_row(label, "seen in runs", role->n_runs);
	append_row(label, "events", role->n_events);
	append_row(label, "distinct syscalls", metrics.n_syscalls);
	append_row(label, "phases", role->phases->len);
	g_string_append_printf(label,
	                       "<TR><TD ALIGN=\"LEFT\">new edges expected a run  </TD>"
	                       "<TD ALIGN=\"RIGHT\">%.1f</TD></TR></TABLE>",
	                       metrics.unseen_per_run);
	gait_dot_set_html(node, "label", label->str);
}

static void
set_exec(GaitDotItem *edge)
{
	gait_dot_set(edge, "penwidth", "2.5");
	gait_dot_set(edge, "color", GAIT_GRAPH_DANGER);
	gait_dot_set(edge, "fontcolor", GAIT_GRAPH_DANGER);
}

static void
add_creation(const Tree *tree, const GaitProgram *program, guint32 r, GPtrArray *nodes)
{
	const GaitRole *role = gait_program_get_role(program, r);
	const GaitSymbol *symbol = gait_program_get_symbol(program, role->creation);
	GaitDotItem *edge = gait_dot_add_edge(tree->dot, g_ptr_array_index(nodes, role->parent),
	                                      g_ptr_array_index(nodes, r));

	gait_dot_set(edge, "color", "#374151");
	if (!symbol)
		return;
	if (!gait_role_is_created(program, role))
		set_exec(edge);
	g_autofree char *place = gait_graph_dup_place(tree->model, program, role->creation);
	g_autoptr(GString) label = g_string_new(NULL);

	g_string_append_printf(label, "<B>%s</B><BR/>", gait_syscall_name(symbol->nr));
	gait_graph_append_html(label, place, GAIT_GRAPH_MAX_TEXT);
	gait_dot_set_html(edge, "label", label->str);
}

static GPtrArray *
add_program(const Tree *tree, guint32 index)
{
	const GaitProgram *program = gait_model_get_program(tree->model, index);
	g_autofree char *name = g_strdup_printf("p%u", index);
	GaitDotItem *cluster = gait_dot_add_cluster(tree->dot, gait_dot_get_root(tree->dot), name);
	g_autoptr(GString) label = g_string_new("<B>");
	GPtrArray *nodes = g_ptr_array_new();

	gait_graph_append_html(label, program->path, 2 * GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "</B>  in %u %s", program->n_runs,
	                       program->n_runs == 1 ? "run" : "runs");
	gait_dot_set_html(cluster, "label", label->str);
	gait_dot_set(cluster, "style", "rounded");
	gait_dot_set(cluster, "color", "#9CA3AF");
	gait_dot_set(cluster, "bgcolor", "#FAFAFA");
	for (guint32 r = 0; r < program->roles->len; r++) {
		g_autofree char *id = g_strdup_printf("p%ur%u", index, r);
		GaitDotItem *node = gait_dot_add_node(tree->dot, cluster, id);

		label_role(tree, program, r, node);
		g_ptr_array_add(nodes, node);
		if (gait_program_get_role(program, r)->parent != GAIT_NONE)
			add_creation(tree, program, r, nodes);
	}
	return nodes;
}

/* A role that the program is in because it executed itself. */
static gboolean
has_executed(const GaitProgram *program)
{
	for (guint32 r = 1; r < program->roles->len; r++)
		if (!gait_role_is_created(program, gait_program_get_role(program, r)))
			return TRUE;
	return FALSE;
}

/*
 * The model knows which programs a program executes, not which of its roles does: the line starts
 * at the role that issues execve where there is one such role, else at the first. Into itself, it
 * knows, and these lines are there.
 */
static void
add_execs(const Tree *tree, guint32 index)
{
	const GaitProgram *program = gait_model_get_program(tree->model, index);
	guint32 role = gait_graph_find_exec_role(program);

	for (guint i = 0; i < program->execs->len; i++) {
		guint32 target = g_array_index(program->execs, guint32, i);
		GaitDotItem *edge;

		if (!tree->nodes[target] || tree->nodes[target]->len == 0 ||
		    (target == index && has_executed(program)))
			continue;
		edge = gait_dot_add_edge(
		    tree->dot, g_ptr_array_index(tree->nodes[index], role == GAIT_NONE ? 0 : role),
		    g_ptr_array_index(tree->nodes[target], 0));
		gait_dot_set(edge, "label", "executes");
		set_exec(edge);
		if (gait_numbers_contain(program->amended_execs, target)) {
			gait_dot_set(edge, "label", "executes, accepted by hand");
			gait_dot_set(edge, "style", "dashed");
		}
	}
}

GaitDot *
gait_graph_draw_roles(const GaitModel *model, guint32 program)
{
	static const char title[] =
	    "<TABLE BORDER=\"0\" CELLSPACING=\"0\"><TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"18\">"
	    "<B>Programs and roles</B></FONT></TD></TR><TR><TD ALIGN=\"LEFT\"><FONT "
	    "POINT-SIZE=\"10\" COLOR=\"" GAIT_GRAPH_MUTED
	    "\">frame: a program · box: a kind of task (blue: process, orange: thread) · line: the "
	    "call that creates it · <FONT COLOR=\"" GAIT_GRAPH_DANGER
	    "\"><B>red: executes a program</B></FONT></FONT></TD></TR></TABLE>";
	guint n_programs = model->programs->len;
	Tree tree = {.model = model,
	             .dot = gait_graph_new_dot("roles", title),
	             .nodes = g_new0(GPtrArray *, n_programs)};

	for (guint32 i = 0; i < n_programs; i++)
		if (program == GAIT_NONE || program == i)
			tree.nodes[i] = add_program(&tree, i);
	for (guint32 i = 0; i < n_programs; i++)
		if (tree.nodes[i] && tree.nodes[i]->len > 0)
			add_execs(&tree, i);
	for (guint32 i = 0; i < n_programs; i++)
		if (tree.nodes[i])
			g_ptr_array_unref(tree.nodes[i]);
	g_free(tree.nodes);
	return tree.dot;
}
