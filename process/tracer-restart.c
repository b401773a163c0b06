/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that would show that somebody looks on. A few end with EINTR whenever their task wakes to
 * stop for us, and also for a signal that is ignored, which reaches only a task that is traced. So
 * their result is made the one by which the kernel makes a call again unless a handler runs
 * (ERESTARTNOHAND, include/linux/errno.h); then it becomes EINTR all the same. What stops a program
 * interrupts them without a tracer, too (signal(7)), and is left alone.
 */
#include "process/tracer-private.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define ERESTARTNOHAND 514

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* They wait before they do anything, so they can be begun again; their time is counted anew. */
static gboolean
is_shy(guint32 nr)
{
	switch (nr) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_rt_sigtimedwait:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		return TRUE;
	}
	return FALSE;
}

void
gait_tracer_hide_stop(TracerTask *task, struct user_regs_struct *registers)
{
	if (G_LIKELY((gint64)registers->rax != -EINTR) || (gint64)registers->orig_rax < 0 ||
	    !is_shy((guint32)registers->orig_rax))
		return;
	registers->rax = -ERESTARTNOHAND;
	ptrace(PTRACE_POKEUSER, task->task.tid, (void *)offsetof(struct user_regs_struct, rax),
	       (void *)registers->rax);
}
