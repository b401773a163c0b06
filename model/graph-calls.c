/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of system calls in a drawing's box: as a list of names, as a bar. */
#include "graph-private.h"
#include "sysgait/syscall.h"

#include <string.h>

enum {
	BAR_WIDTH = 240,
	MAX_LISTED = 40, /* of a longer set the first are listed, and all that is dangerous */
	N_LISTED = 16,
	LINE_CHARS = 44,
};

GArray *
gait_graph_distinct_syscalls(const GaitProgram *program, const GArray *indices)
{
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint32 last = GAIT_NONE;

	for (guint i = 0; i < indices->len; i++) {
		guint32 index = g_array_index(indices, guint32, i);
		guint32 nr = g_array_index(program->calls, GaitCall, index).nr;

		/* Calls are sorted by number first. */
		if (nr != last)
			g_array_append_val(numbers, nr);
		last = nr;
	}
	return numbers;
}

guint
gait_graph_count_syscalls(const GArray *calls)
{
	guint n = 0;

	for (guint i = 0; i < calls->len; i++)
		n += i == 0 || g_array_index(calls, GaitCall, i).nr !=
		                   g_array_index(calls, GaitCall, i - 1).nr;
	return n;
}

static gint
compare_by_danger(gconstpointer a, gconstpointer b)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
	double dx = gait_syscall_danger(x), dy = gait_syscall_danger(y);
	gboolean x_first = gait_graph_is_dangerous(x), y_first = gait_graph_is_dangerous(y);

	if (x_first != y_first)
		return x_first ? -1 : 1;
	if (x_first && dx != dy)
		return dx > dy ? -1 : 1;
	return g_strcmp0(gait_syscall_name(x), gait_syscall_name(y));
}

void
gait_graph_append_syscalls(GString *label, GArray *numbers, const char *color)
{
	guint n_left = numbers->len, n_chars = 0;
	guint n_max = numbers->len <= MAX_LISTED ? MAX_LISTED : N_LISTED;

	g_array_sort(numbers, compare_by_danger);
	for (guint i = 0; i < numbers->len; i++) {
		guint32 nr = g_array_index(numbers, guint32, i);
		const char *name = gait_syscall_name(nr);
		gboolean is_dangerous = gait_graph_is_dangerous(nr);

		if (i >= n_max && !is_dangerous)
			break;
		n_chars += strlen(name) + 2;
		if (n_chars > LINE_CHARS && i > 0) {
			g_string_append(label, "<BR ALIGN=\"LEFT\"/>");
			n_chars = strlen(name) + 2;
		}
		if (is_dangerous)
			g_string_append_printf(
			    label, "<FONT COLOR=\"" GAIT_GRAPH_DANGER "\"><B>%s</B></FONT>  ",
			    name);
		else if (color)
			g_string_append_printf(label, "<FONT COLOR=\"%s\">%s</FONT>  ", color,
			                       name);
		else
			g_string_append_printf(label, "%s  ", name);
		n_left--;
	}
	if (n_left > 0)
		g_string_append_printf(label, "<BR ALIGN=\"LEFT\"/><I>and %u more</I>", n_left);
	g_string_append(label, "<BR ALIGN=\"LEFT\"/>");
}

void
gait_graph_append_bar(GString *label, guint n_allowed, guint n_retained, guint n_all,
                      const GaitGraphColor *color)
{
	const char *const colors[] = {color->line, color->node, "#E5E7EB"};
	/* Where each part ends. */
	const guint ends[] = {n_allowed, MAX(n_allowed, n_retained), n_all};
	guint begin = 0;

	g_string_append_printf(label,
	                       "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
	                       "CELLPADDING=\"0\" ALIGN=\"LEFT\" FIXEDSIZE=\"TRUE\" WIDTH=\"%d\" "
	                       "HEIGHT=\"7\"><TR>",
	                       BAR_WIDTH);
	for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
		guint end = BAR_WIDTH * (guint64)ends[i] / MAX(n_all, 1);

		if (end > begin)
			g_string_append_printf(label,
			                       "<TD FIXEDSIZE=\"TRUE\" WIDTH=\"%u\" "
			                       "HEIGHT=\"7\" BGCOLOR=\"%s\"></TD>",
			                       end - begin, colors[i]);
		begin = MAX(begin, end);
	}
	g_string_append(label, begin ? "</TR></TABLE>" : "<TD></TD></TR></TABLE>");
}
