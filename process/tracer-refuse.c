/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusing a call, so that the target sees a call that failed and nothing else.
 *
 * At a filter's stop (SECCOMP_RET_TRACE) it is enough to set the number to -1: the kernel then goes
 * straight to the exit with the result that is in rax, and never restarts what was no call.
 *
 * At an entry's stop (PTRACE_SYSCALL) the filters are still to come, those of the target and of who
 * started us too, and they would be shown the number -1: most know nothing to say to that but
 * to kill, or an errno of their own. So they are shown getpid, which does nothing and which
 * practically all let pass, and at the exit its result is replaced by the errno.
 */
#include "process/tracer-private.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

static gboolean
put(const TracerTask *task, gsize offset, gint64 value)
{
	return ptrace(PTRACE_POKEUSER, task->task.tid, (void *)offset, (void *)value) == 0;
}

#define ORIG_RAX offsetof(struct user_regs_struct, orig_rax)
#define RAX      offsetof(struct user_regs_struct, rax)

gboolean
gait_tracer_refuse(GaitTracer *tracer, GaitTask *task, int error)
{
	TracerTask *own = (TracerTask *)task;

	g_assert(error > 0 && error < 512);
	own->refused = error;
	if (own->is_at_entry)
		return put(own, ORIG_RAX, SYS_getpid);
	return put(own, ORIG_RAX, -1) && put(own, RAX, -error);
}

void
gait_tracer_skip_refused(TracerTask *task)
{
	if (G_UNLIKELY(task->refused != 0) && put(task, ORIG_RAX, -1))
		put(task, RAX, -task->refused);
}

void
gait_tracer_end_refused(TracerTask *task)
{
	if (G_UNLIKELY(task->refused != 0))
		put(task, RAX, -task->refused);
	task->refused = 0;
}
