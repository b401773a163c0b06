/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descendants. Every process's parent is read once, then the tree is gathered level by level. A
 * process whose parent has died belongs to somebody else by then and is not found.
 */
#include "sysgait/process-tree.h"

#include "sysgait/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	pid_t pid, parent;
} Process;

/* FALSE: it is gone, or a zombie. */
static gboolean
read_process(pid_t pid, Process *process)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	const char *rest;
	char state;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return FALSE;
	/* The name may have parentheses, too. */
	rest = strrchr(text, ')');
	process->pid = pid;
	return rest && sscanf(rest, ") %c %d", &state, &process->parent) == 2 && state != 'Z' &&
	       state != 'X';
}

static GArray *
read_all(void)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(Process));
	g_autoptr(GDir) directory = g_dir_open("/proc", 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		Process process;

		if (g_ascii_isdigit(name[0]) && read_process(atoi(name), &process))
			g_array_append_val(all, process);
	}
	return all;
}

GArray *
gait_process_tree_look(pid_t pid)
{
	g_autoptr(GArray) all = read_all();
	GArray *tree = g_array_new(FALSE, FALSE, sizeof(pid_t));
	Process root;

	if (read_process(pid, &root))
		g_array_append_val(tree, pid);
	for (guint i = 0; i < tree->len; i++)
		for (guint k = 0; k < all->len; k++) {
			const Process *process = &g_array_index(all, Process, k);

			/* Numbers may be reused while we read: never in a circle. */
			if (process->parent == g_array_index(tree, pid_t, i) &&
			    tree->len <= all->len)
				g_array_append_val(tree, process->pid);
		}
	return tree;
}

gboolean
gait_process_ids_take(char **texts, GArray *pids, GError **error)
{
	for (char **text = texts; text && *text; text++) {
		gint64 value = 0;
		pid_t pid;

		if (!g_ascii_string_to_signed(*text, 10, 1, G_MAXINT32, &value, NULL))
			return gait_error_usage(error, "-p %s: not a process id", *text);
		pid = (pid_t)value;
		if (pid == getpid())
			return gait_error_usage(error, "-p %s: that is this very process", *text);
		g_array_append_val(pids, pid);
	}
	return TRUE;
}
