/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLONE_UNTRACED: a flag by which a task creates one that its tracer does not get. Under a
 * SECCOMP_RET_TRACE filter such a child could not make a single call, so the flag is taken out of
 * the call and put back where it was once the call is over. Nothing that is known uses the flag; a
 * program that does must run as without a tracer nevertheless.
 *
 * Only native calls are looked at, and another thread may put clone3's flag back into memory in
 * between: the child then gets ENOSYS for everything, which is the safe side. Where there is no
 * such filter, because the process was joined, all that can be done is to notice it at the call's
 * exit.
 */
#include "process/tracer-private.h"

#include <linux/sched.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static gboolean
copy_flags(pid_t tid, guint64 address, guint64 *flags, gboolean to_target)
{
	struct iovec local = {flags, sizeof(*flags)};
	struct iovec remote = {(void *)address, sizeof(*flags)};

	return (to_target ? process_vm_writev(tid, &local, 1, &remote, 1, 0)
	                  : process_vm_readv(tid, &local, 1, &remote, 1, 0)) == sizeof(*flags);
}

static gboolean
put_flags(TracerTask *task, guint64 flags)
{
	if (task->flags_address != 0)
		return copy_flags(task->task.tid, task->flags_address, &flags, TRUE);
	return ptrace(PTRACE_POKEUSER, task->task.tid,
	              (void *)offsetof(struct user_regs_struct, rdi), (void *)flags) == 0;
}

gboolean
gait_tracer_keep_hold(TracerTask *task, const struct user_regs_struct *registers)
{
	guint64 flags;

	guint32 nr = (guint32)registers->orig_rax;

	if (G_LIKELY(nr != SYS_clone && nr != SYS_clone3))
		return FALSE;
	flags = registers->rdi;
	task->flags_address = nr == SYS_clone3 ? registers->rdi : 0;
	if (task->flags_address != 0 &&
	    !copy_flags(task->task.tid, task->flags_address, &flags, FALSE))
		return FALSE;
	if (!(flags & CLONE_UNTRACED))
		return FALSE;
	task->restored_flags = flags;
	task->is_restoring = put_flags(task, flags & ~(guint64)CLONE_UNTRACED);
	return task->is_restoring;
}

void
gait_tracer_restore(TracerTask *task)
{
	if (G_LIKELY(!task->is_restoring))
		return;
	task->is_restoring = FALSE;
	put_flags(task, task->restored_flags);
}

void
gait_tracer_check_creation(GaitTracer *tracer, TracerTask *task)
{
	struct user_regs_struct registers;

	task->is_creating = FALSE;
	if (!tracer->callbacks.escaped ||
	    ptrace(PTRACE_GETREGS, task->task.tid, NULL, &registers) != 0 ||
	    (gint64)registers.rax <= 0)
		return;
	tracer->callbacks.escaped(tracer, &task->task, (pid_t)registers.rax, tracer->data);
}
