/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to tasks under the notify backend: the tracer's callbacks, on the main thread. The
 * tracer has the task stopped, and no worker is in the gate.
 */
#include "enforce/notify-private.h"

#include "enforce/forward.h"
#include "enforce/interruptible.h"
#include "enforce/watch.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The kernel's, for a call that a signal interrupted. */
#define ERESTARTSYS    512
#define ERESTARTNOINTR 513

static gboolean
is_call(const struct user_regs_struct *registers, const struct seccomp_data *call)
{
	return registers->rip == call->instruction_pointer &&
	       (int)registers->orig_rax == call->nr && registers->rdi == call->args[0] &&
	       registers->rsi == call->args[1] && registers->rdx == call->args[2] &&
	       registers->r10 == call->args[3] && registers->r8 == call->args[4] &&
	       registers->r9 == call->args[5];
}

/* The first task is stopped at its exec: from here on its calls are judged. */
static gboolean
take_over(GaitNotifyRun *notify, GaitTask *root)
{
	struct rlimit limit;

	if (!gait_usher_dismiss(g_steal_pointer(&notify->usher), &notify->error) ||
	    !gait_forward_start(notify->tracer, &notify->error))
		return FALSE;
	gait_watch_start(notify->enforcer, notify->tracer);
	/* A descriptor a task, for its registers. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* Nobody of our own user reads or writes the supervisor's memory. */
	prctl(PR_SET_DUMPABLE, 0);
	return TRUE;
}

/* Tasks, spaces and modules change: no worker looks at them meanwhile. */
static void
on_handling(GaitTracer *tracer, gboolean begins, gpointer data)
{
	GaitNotifyRun *notify = data;

	if (!begins) {
		gait_gate_leave_alone(notify->gate);
		return;
	}
	gait_gate_enter_alone(notify->gate);
	/* What happened before. */
	gait_enforcer_drain(notify->enforcer);
}

static void
on_created(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data)
{
	GaitNotifyRun *notify = data;
	GaitNotifyTask *own = g_new0(GaitNotifyTask, 1);

	own->serial = ++notify->n_tasks;
	gait_notify_registers_init(&own->registers, notify->asleep, task->tid);
	g_hash_table_insert(notify->tasks, task, own);
	if (notify->usher && !take_over(notify, task)) {
		gait_notify_kill(task);
		gait_tracer_stop(tracer);
		return;
	}
	if (!gait_enforcer_created(notify->enforcer, task, parent))
		gait_notify_kill(task);
}

static void
on_executed(GaitTracer *tracer, GaitTask *task, gpointer data)
{
	GaitNotifyRun *notify = data;
	GaitNotifyTask *own = gait_notify_find_own(notify, task);

	gait_notify_registers_renew(&own->registers, notify->asleep, task->tid);
	own->is_running = own->is_unheard = FALSE;
	if (!gait_enforcer_executed(notify->enforcer, task))
		gait_notify_kill(task);
}

/*
 * Whether the call that a task is in has begun: it was let through, or nobody had to be asked. The
 * one before it may have been the same.
 */
static gboolean
has_begun(const GaitNotifyRun *notify, const GaitTask *task, const GaitNotifyTask *own,
          const struct user_regs_struct *registers)
{
	const GaitFloor *floor = gait_enforcer_get_floor(notify->enforcer);
	const struct seccomp_data call = {
	    .nr = (int)registers->orig_rax,
	    .arch = AUDIT_ARCH_X86_64,
	    .instruction_pointer = registers->rip,
	    .args = {registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8,
	             registers->r9},
	};

	if ((gint64)registers->orig_rax < 0)
		return FALSE;
	if (notify->is_in_kernel && !gait_floor_asks(floor, &call))
		return TRUE;
	return own->is_running && is_call(registers, &own->running) &&
	       own->n_walked == gait_enforcer_count_walked(notify->enforcer, task);
}

/*
 * A signal that comes after a call was made but before its notification was received ends the wait
 * with ERESTARTSYS: a handler without SA_RESTART would make it EINTR, for calls too that never fail
 * so; and rt_sigreturn, whose caller expects no return, would run into whatever follows. Such a
 * call has not begun, so it can always be made again. One that is going on keeps its own result.
 * A task that repeats one call with the same arguments makes both look the same: EINTR is left from
 * a call that can last, where it is a true answer. (fork and its like, and a few that sleep, have
 * numbers of their own for it.)
 */
static void
on_delivering(GaitTracer *tracer, GaitTask *task, int signo,
              const struct user_regs_struct *registers, gpointer data)
{
	GaitNotifyRun *notify = data;
	GaitNotifyTask *own = gait_notify_find_own(notify, task);
	struct user_regs_struct changed = *registers;

	gait_notify_registers_drop(&own->registers);
	if (has_begun(notify, task, own, registers) &&
	    ((gint64)registers->rax != -ERESTARTSYS ||
	     gait_call_is_interruptible(task->tid, (int)registers->orig_rax, registers->rdi))) {
		gait_enforcer_interrupted(notify->enforcer, task, registers);
		return;
	}
	if ((gint64)registers->rax != -ERESTARTSYS || (gint64)registers->orig_rax < 0)
		return;
	changed.rax = -ERESTARTNOINTR;
	gait_tracer_set_registers(tracer, task, &changed);
}

static void
on_signalled(GaitTracer *tracer, GaitTask *task, int signo,
             const struct user_regs_struct *registers, gpointer data)
{
	GaitNotifyRun *notify = data;

	gait_enforcer_signalled(notify->enforcer, task, signo, registers);
}

static void
on_interrupted(GaitTracer *tracer, GaitTask *task, const struct user_regs_struct *registers,
               gpointer data)
{
	GaitNotifyRun *notify = data;

	gait_notify_registers_keep(&gait_notify_find_own(notify, task)->registers, registers);
	/* An interrupted call comes again, and is judged again. */
	if (gait_enforcer_is_mapping(task) && (gint64)registers->rax != -ERESTARTNOINTR &&
	    (gint64)registers->rax != -ERESTARTSYS)
		gait_enforcer_mapped(notify->enforcer, task);
}

static void
on_exited(GaitTracer *tracer, GaitTask *task, int status, gpointer data)
{
	GaitNotifyRun *notify = data;

	gait_notify_registers_clear(&gait_notify_find_own(notify, task)->registers, notify->asleep);
	gait_enforcer_exited(notify->enforcer, task, status);
	g_hash_table_remove(notify->tasks, task);
}

const GaitTracerCallbacks gait_notify_callbacks = {
    .created = on_created,
    .executed = on_executed,
    .delivering = on_delivering,
    .signalled = on_signalled,
    .interrupted = on_interrupted,
    .exited = on_exited,
    .handling = on_handling,
};
