/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Its number alone does not say who it is: it may be dead, and the number another's. The time of
 * its birth does, and a descriptor that was opened before that was looked at.
 */
#include "enforce/stranger.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As proc(5) gives it, in ticks; 0 where it is gone. */
static guint64
get_birth(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	unsigned long long birth = 0;
	const char *rest;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	/* The name may have parentheses, too. The 22nd field; the one behind the name is the 3rd.
	 */
	rest = strrchr(text, ')');
	for (guint i = 2; rest && i < 22; i++)
		rest = strchr(rest + 1, ' ');
	return rest && sscanf(rest, " %llu", &birth) == 1 ? birth : 0;
}

void
gait_stranger_kill(pid_t pid, guint64 born_ns)
{
	guint64 tick_ns = G_GUINT64_CONSTANT(1000000000) / (guint64)sysconf(_SC_CLK_TCK);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return;
	if (get_birth(pid) == born_ns / tick_ns)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}
