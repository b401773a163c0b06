/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a signal goes to, as far as that is its sender. The numbers in a call are those of the
 * sender's own PID namespace, which /proc/TID/status lists last.
 */
#include "enforce/itself.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* The last number of a line such as "NSpid:\t4711\t5"; 0 where there is none. */
static pid_t
find_number(const char *status, const char *name)
{
	const char *line = strstr(status, name), *end, *last;

	if (!line)
		return 0;
	end = strchrnul(line + 1, '\n');
	last = memrchr(line, '\t', (gsize)(end - line));
	return last ? atoi(last + 1) : 0;
}

gboolean
gait_signals_itself(pid_t task, guint32 nr, const guint64 args[6])
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", task);
	g_autofree char *status = NULL;
	pid_t own;

	/* Closed: who cannot be asked is not known to mean itself. */
	if (!g_file_get_contents(path, &status, NULL, NULL))
		return FALSE;
	own = find_number(status, nr == SYS_tkill ? "\nNSpid:" : "\nNStgid:");
	return own > 0 && (pid_t)args[0] == own;
}
