/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets that do not let themselves be looked at: where the supervisor is an ordinary user, a
 * process that is not dumpable shows it neither its mappings nor its stack. All of its calls are
 * then [unknown], which may be what the model has learned of it; so it is said, once.
 */
#include "enforce/enforcer-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Other causes of [unknown] are harmless and many: so many of them are looked into. */
#define MAX_LOOKS 64

static gboolean
is_unreadable(pid_t tid)
{
	char path[64];
	int fd;

	g_snprintf(path, sizeof path, "/proc/%d/maps", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == EPERM;
	close(fd);
	return FALSE;
}

void
gait_enforcer_note_unknown(GaitEnforcer *enforcer, const GaitTask *task)
{
	if (__atomic_load_n(&enforcer->n_unknown_looks, __ATOMIC_RELAXED) >= MAX_LOOKS)
		return;
	__atomic_fetch_add(&enforcer->n_unknown_looks, 1, __ATOMIC_RELAXED);
	if (!is_unreadable(task->tid) ||
	    __atomic_exchange_n(&enforcer->has_told_unreadable, TRUE, __ATOMIC_RELAXED))
		return;
	gait_log_message(enforcer->log,
	                 "warning: process %d does not let you look at it (PR_SET_DUMPABLE, or a "
	                 "program that you may not read): its calls are of the library [unknown], "
	                 "so it is held to much less than others; root may look",
	                 task->pid);
}
