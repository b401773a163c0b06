/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed between two models, in a drawing: colours with signs (for those who cannot tell the
 * colours, and for paper), the legend, a phase's box, and the table of libraries. What counts as a
 * change is unite's and diff's to say.
 */
#include "graph-private.h"
#include "model/diff-private.h"
#include "sysgait/syscall.h"

enum { MAX_CHANGES = 24 };

GaitGraphChange
gait_graph_change_of_sides(guint sides)
{
	if (sides == GAIT_SIDE_NEW)
		return GAIT_GRAPH_NEW;
	return sides == GAIT_SIDE_OLD ? GAIT_GRAPH_GONE : GAIT_GRAPH_SAME;
}

GaitGraphChange
gait_graph_change(const GaitUnionMark *mark)
{
	if (!mark)
		return GAIT_GRAPH_SAME;
	return mark->has_weight ? GAIT_GRAPH_WEIGHT : gait_graph_change_of_sides(mark->sides);
}

const char *
gait_graph_change_sign(GaitGraphChange change)
{
	static const char *const signs[GAIT_GRAPH_CHANGE_N_] = {
	    [GAIT_GRAPH_SAME] = "",
	    [GAIT_GRAPH_NEW] = "+ ",
	    [GAIT_GRAPH_GONE] = "− ",
	    [GAIT_GRAPH_WEIGHT] = "~ ",
	};

	return signs[change];
}

void
gait_graph_append_legend(GString *title, const GaitUnion *both)
{
	g_string_append(title, "<TR><TD ALIGN=\"LEFT\">what changed from <B>");
	gait_graph_append_html(title, both->names[0], GAIT_GRAPH_MAX_TEXT);
	g_string_append(title, "</B> to <B>");
	gait_graph_append_html(title, both->names[1], GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(
	    title,
	    "</B></TD></TR><TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\"><FONT "
	    "COLOR=\"%s\"><B>+ green: new</B></FONT>  <FONT COLOR=\"%s\"><B>− brown, dashed: "
	    "gone</B></FONT>  <FONT COLOR=\"%s\"><B>blue, 10%% → 40%%: taken more or less often "
	    "there</B></FONT>  grey: as it was  <FONT COLOR=\"" GAIT_GRAPH_DANGER
	    "\"><B>red: dangerous</B></FONT></FONT></TD></TR>",
	    gait_graph_change_color(GAIT_GRAPH_NEW)->line,
	    gait_graph_change_color(GAIT_GRAPH_GONE)->line,
	    gait_graph_change_color(GAIT_GRAPH_WEIGHT)->line);
}

void
gait_graph_append_phase(GString *label, const GaitUnion *both, const GaitPhase *phase, guint index)
{
	const GaitUnionPhase *numbers = both && phase ? gait_union_get_phase(both, phase) : NULL;

	if (!numbers)
		g_string_append_printf(label, "<B>phase %u</B>", index + 1);
	else if (numbers->last == numbers->first + 1)
		g_string_append_printf(label, "<B>phase %u</B>", numbers->last);
	else
		g_string_append_printf(label, "<B>phase %u–%u</B>", numbers->first + 1,
		                       numbers->last);
}

/* --- a phase ------------------------------------------------------------------------------------
 */

/* Distinct system calls that a side makes from one of the role's phases on, up to before last. */
static guint
count_calls(const GaitUnion *both, const GaitProgram *program, const GaitRole *role, guint side,
            guint32 first, guint32 last)
{
	guint32 last_nr = GAIT_NONE;
	guint n = 0;

	for (guint32 c = 0; c < program->calls->len; c++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, c);

		for (guint32 p = first; p < last && call->nr != last_nr; p++) {
			const GaitPhase *phase = g_ptr_array_index(role->phases, p);

			if (!(gait_union_find_call(gait_union_get_phase(both, phase), call->nr,
			                           call->klass) &
			      side))
				continue;
			last_nr = call->nr;
			n++;
		}
	}
	return n;
}

/* "18", or "18 → 20". */
static void
append_counts(GString *label, const guint counts[2], guint sides)
{
	if (sides == GAIT_SIDE_BOTH && counts[0] != counts[1])
		g_string_append_printf(label, "<B>%u → %u</B>", counts[0], counts[1]);
	else
		g_string_append_printf(label, "<B>%u</B>", counts[sides != GAIT_SIDE_OLD]);
}

static void
append_call(GString *label, const GaitCall *call, GaitGraphChange change)
{
	g_autofree char *text = gait_syscall_dup(call->nr, call->klass);
	gboolean is_gone = change == GAIT_GRAPH_GONE;

	g_string_append_printf(
	    label, "<FONT COLOR=\"%s\"><B>%s</B></FONT><FONT COLOR=\"%s\"><B>%s",
	    gait_graph_change_color(change)->line, gait_graph_change_sign(change),
	    !is_gone && gait_graph_is_dangerous(call->nr) ? GAIT_GRAPH_DANGER
	                                                  : gait_graph_change_color(change)->line,
	    is_gone ? "<S>" : "");
	gait_graph_append_html(label, text, GAIT_GRAPH_MAX_TEXT);
	g_string_append_printf(label, "%s</B></FONT><BR ALIGN=\"LEFT\"/>", is_gone ? "</S>" : "");
}

/* "+ unlink, without openat in ngx_reopen_files+0x86 before". */
static void
append_untied(GString *label, const GaitUnionPhase *phase)
{
	for (guint i = 0; i < MIN(phase->untied->len, MAX_CHANGES); i++) {
		const GaitDiffUntied *untied = &g_array_index(phase->untied, GaitDiffUntied, i);
		g_autofree char *entry = gait_syscall_dup(untied->entry->nr, untied->entry->klass);
		g_autofree char *site = gait_graph_dup_site(untied->entry);

		append_call(label, &untied->call, GAIT_GRAPH_NEW);
		g_string_append(label, "   without ");
		gait_graph_append_html(label, entry, GAIT_GRAPH_MAX_TEXT);
		g_string_append(label, " in ");
		gait_graph_append_html(label, site, GAIT_GRAPH_MAX_TEXT);
		g_string_append(label, " before<BR ALIGN=\"LEFT\"/>");
	}
	if (phase->untied->len > MAX_CHANGES)
		g_string_append_printf(label, "<I>and %u more of these</I><BR ALIGN=\"LEFT\"/>",
		                       phase->untied->len - MAX_CHANGES);
}

/* What changed; the numbers of what did not are added to same. */
static guint
append_changed_calls(GString *label, const GaitUnionPhase *phase, const GaitProgram *program,
                     GArray *same)
{
	guint n = 0;

	for (guint32 c = 0; c < program->calls->len; c++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, c);
		guint sides = gait_union_find_call(phase, call->nr, call->klass);
		gboolean is_known =
		    same->len > 0 && g_array_index(same, guint32, same->len - 1) == call->nr;

		if (sides == GAIT_SIDE_BOTH && !is_known)
			g_array_append_val(same, call->nr);
		if (sides == 0 || sides == GAIT_SIDE_BOTH)
			continue;
		if (n++ < MAX_CHANGES)
			append_call(label, call, gait_graph_change_of_sides(sides));
	}
	if (n > MAX_CHANGES)
		g_string_append_printf(label, "<I>and %u more changes</I><BR ALIGN=\"LEFT\"/>",
		                       n - MAX_CHANGES);
	return n;
}

void
gait_graph_append_changes(GString *label, const GaitUnion *both, const GaitProgram *program,
                          const GaitRole *role, guint32 p)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, p);
	const GaitUnionPhase *marks = gait_union_get_phase(both, phase);
	guint sides = gait_union_get_mark(both, role)->sides;
	g_autoptr(GArray) same = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint now[2], later[2];

	for (guint i = 0; i < 2; i++) {
		now[i] = count_calls(both, program, role, 1u << i, p, p + 1);
		later[i] = count_calls(both, program, role, 1u << i, p, role->phases->len);
	}
	g_string_append(label, "<TR><TD ALIGN=\"LEFT\">allows ");
	append_counts(label, now, sides);
	g_string_append(label, " syscalls, ");
	append_counts(label, later, sides);
	g_string_append(label, " may still come</TD></TR>"
	                       "<TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\"><FONT POINT-SIZE=\"9\">");
	append_untied(label, marks);
	if (append_changed_calls(label, marks, program, same) == 0 && marks->untied->len == 0)
		g_string_append(label, "<I>nothing new, nothing gone</I><BR ALIGN=\"LEFT\"/>");
	if (same->len > 0)
		gait_graph_append_syscalls(label, same, GAIT_GRAPH_MUTED);
	g_string_append(label, "</FONT></TD></TR>");
}

/* --- libraries ----------------------------------------------------------------------------------
 */

typedef struct {
	guint states[GAIT_GRAPH_CHANGE_N_], edges[GAIT_GRAPH_CHANGE_N_];
	GaitGraphChange change; /* of the whole library */
} Counts;

static gboolean
count_changes(const GaitUnion *both, const GaitLibrary *library, Counts *counts)
{
	guint n = 0;

	*counts = (Counts){.change = gait_graph_change(gait_union_get_mark(both, library))};
	for (guint i = 0; i < library->symbols->len; i++) {
		GaitGraphChange change = gait_graph_change(
		    gait_union_get_mark(both, g_ptr_array_index(library->symbols, i)));

		counts->states[change]++;
		n += change != GAIT_GRAPH_SAME;
	}
	for (guint i = 0; i < library->edges->len; i++) {
		GaitGraphChange change = gait_graph_change(
		    gait_union_get_mark(both, g_ptr_array_index(library->edges, i)));

		counts->edges[change]++;
		n += change != GAIT_GRAPH_SAME;
	}
	return n > 0;
}

static void
append_number(GString *label, guint n, GaitGraphChange change)
{
	if (n == 0)
		g_string_append(label, "<TD></TD>");
	else
		g_string_append_printf(
		    label, "<TD ALIGN=\"RIGHT\"><FONT COLOR=\"%s\">%s%u</FONT></TD>",
		    gait_graph_change_color(change)->line, gait_graph_change_sign(change), n);
}

static void
append_row(GString *label, const GaitUnion *both, const GaitLibrary *library, const Counts *counts)
{
	g_string_append_printf(label, "<TR><TD ALIGN=\"LEFT\"><B>%s",
	                       gait_graph_change_sign(counts->change));
	gait_graph_append_html(label, gait_model_module_name(both->model, library->module),
	                       GAIT_GRAPH_MAX_TEXT);
	g_string_append(label, "</B></TD>");
	append_number(label, counts->states[GAIT_GRAPH_NEW], GAIT_GRAPH_NEW);
	append_number(label, counts->states[GAIT_GRAPH_GONE], GAIT_GRAPH_GONE);
	append_number(label, counts->edges[GAIT_GRAPH_NEW], GAIT_GRAPH_NEW);
	append_number(label, counts->edges[GAIT_GRAPH_GONE], GAIT_GRAPH_GONE);
	append_number(label, counts->edges[GAIT_GRAPH_WEIGHT], GAIT_GRAPH_WEIGHT);
	g_string_append(label, "<TD ALIGN=\"LEFT\"><FONT COLOR=\"" GAIT_GRAPH_DANGER "\">");
	gait_graph_append_dangers(label, library, both);
	g_string_append(label, " </FONT></TD></TR>");
}

char *
gait_graph_dup_change_table(const GaitUnion *both, const GaitProgram *program)
{
	g_autoptr(GString) label = g_string_new(
	    "<TABLE BORDER=\"1\" COLOR=\"#9CA3AF\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
	    "CELLPADDING=\"4\" BGCOLOR=\"white\"><TR><TD BGCOLOR=\"#E5E7EB\" "
	    "ALIGN=\"LEFT\">library</TD><TD BGCOLOR=\"#E5E7EB\" COLSPAN=\"2\">states</TD><TD "
	    "BGCOLOR=\"#E5E7EB\" COLSPAN=\"3\">edges</TD><TD BGCOLOR=\"#E5E7EB\" "
	    "ALIGN=\"LEFT\">dangerous from new places</TD></TR>");
	guint n_same = 0;

	for (guint32 i = 0; i < program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(program, i);
		Counts counts;

		if (count_changes(both, library, &counts))
			append_row(label, both, library, &counts);
		else
			n_same++;
	}
	if (n_same == program->libraries->len)
		return NULL;
	if (n_same > 0)
		g_string_append_printf(
		    label, "<TR><TD ALIGN=\"LEFT\" COLSPAN=\"7\"><I>%u %s as before</I></TD></TR>",
		    n_same, n_same == 1 ? "library is" : "libraries are");
	g_string_append(label, "</TABLE>");
	return g_string_free(g_steal_pointer(&label), FALSE);
}
