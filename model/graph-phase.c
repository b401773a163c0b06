/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The box of a phase: how much of the program's vocabulary is allowed in it (dark bar), how much
 * more may still come (light bar), and which calls these are, the dangerous ones first; then what
 * is entered and left again. Of a union what changed takes their place (graph-change.c).
 */
#include "graph-private.h"
#include "model/life.h"
#include "sysgait/syscall.h"

enum { BOX_WIDTH = 250 };

static void
describe_phase(const GaitProgram *program, const GaitPhase *phase, GaitDotItem *node)
{
	g_autoptr(GString) tip = g_string_new("allowed:");

	for (guint i = 0; i < phase->allowed->len; i++) {
		guint32 index = g_array_index(phase->allowed, guint32, i);
		const GaitCall *call = &g_array_index(program->calls, GaitCall, index);
		g_autofree char *text = gait_syscall_dup(call->nr, call->klass);

		g_string_append(tip, " ");
		gait_graph_append_escaped(tip, text, GAIT_GRAPH_MAX_TEXT);
	}
	gait_dot_set(node, "tooltip", tip->str);
}

/* What is entered and left again. */
static void
append_interludes(GString *label, const GaitProgram *program, const GaitRole *role,
                  const GaitPhase *phase)
{
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		g_autoptr(GArray) calls = gait_graph_distinct_syscalls(program, interlude->calls);
		const GaitSymbol *entry = gait_program_get_symbol(
		    program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));
		g_autofree char *call = gait_syscall_dup(entry->nr, entry->klass);
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
label_changes(const GaitUnion *both, const GaitProgram *program, const GaitRole *role,
              const GaitPhase *phase, guint32 p, GaitDotItem *node)
{
	g_autoptr(GString) label = open_box(gait_graph_change_color(GAIT_GRAPH_SAME));

	gait_graph_append_phase(label, both, phase, p);
	g_string_append(label, "</TD></TR>");
	gait_graph_append_changes(label, both, program, role, p);
	g_string_append(label, "</TABLE>");
	gait_dot_set_html(node, "label", label->str);
}

static void
label_phase(const GaitProgram *program, const GaitRole *role, const GaitPhase *phase, guint32 p,
            GaitDotItem *node)
{
	const GaitGraphColor *color = gait_graph_phase_color(p);
	g_autoptr(GArray) steady = gait_phase_dup_steady(phase);
	g_autoptr(GArray) allowed = gait_graph_distinct_syscalls(program, steady);
	g_autoptr(GArray) retained = gait_graph_distinct_syscalls(program, phase->retained);
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
	                      gait_graph_count_syscalls(program->calls), color);
	g_string_append(label, "</TD></TR><TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\"><FONT "
	                       "POINT-SIZE=\"9\">");
	if (allowed->len > 0)
		gait_graph_append_syscalls(label, allowed, NULL);
	else
		g_string_append(label, "<I>no system call was seen here</I>");
	g_string_append(label, "</FONT></TD></TR>");
	append_interludes(label, program, role, phase);
	g_string_append(label, "</TABLE>");
	gait_dot_set_html(node, "label", label->str);
}

void
gait_graph_draw_phase(const GaitProgram *program, const GaitRole *role, guint32 p,
                      const GaitUnion *both, GaitDotItem *node)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, p);

	if (both)
		label_changes(both, program, role, phase, p, node);
	else
		label_phase(program, role, phase, p, node);
	describe_phase(program, phase, node);
}
