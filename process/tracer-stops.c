/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a wait status means, and what is done about it: the protocol of PTRACE_SEIZE. It does not
 * wait and does not know what its owner does.
 *
 * A task may be killed at any moment, so every request may fail with ESRCH; the death is reported
 * by a later wait status, and nothing needs doing before. ptrace(2) says nothing of these:
 *
 *   - Any ptrace stop eats a pending PTRACE_INTERRUPT, so the stop that was asked for may look like
 *     any other.
 *   - PTRACE_INTERRUPT during a signal-delivery-stop takes effect after the kernel has pushed the
 *     handler's frame and before the handler's first instruction. So a moved stack pointer tells
 *     exactly that a handler runs, and where its frame is, without reading the signal's disposition
 *     (which another thread may change meanwhile). An ignored signal leaves the registers alone.
 */
#include "process/tracer-private.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static gboolean
is_stopping_signal(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

void
gait_tracer_resume(TracerTask *task, int signo)
{
	if (task->is_letting_go)
		return;
	ptrace(task->stops_at_entry ? PTRACE_SYSCALL : PTRACE_CONT, task->task.tid, NULL,
	       (void *)(gintptr)signo);
}

static gboolean
get_registers(TracerTask *task, struct user_regs_struct *registers)
{
	return ptrace(PTRACE_GETREGS, task->task.tid, NULL, registers) == 0;
}

/* --- exec ----------------------------------------------------------------------------------------
 */

/*
 * The thread that called execve has become the leader, whatever its number was. The kernel had the
 * other threads reaped by us before; only a leader that did not call it vanishes without a word.
 */
static TracerTask *
handle_change_of_leader(GaitTracer *tracer, TracerTask *leader)
{
	unsigned long former_tid = 0;
	TracerTask *former;
	pid_t tid = leader->task.tid;

	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former_tid) != 0 || (pid_t)former_tid == tid)
		return leader;
	former = (TracerTask *)gait_tracer_find(tracer, former_tid);
	if (!former || former->task.pid != tid)
		return leader;
	gait_tracer_remove(tracer, leader, -1);
	g_hash_table_remove(tracer->tasks, GINT_TO_POINTER(former->task.tid));
	former->task.tid = tid;
	g_hash_table_insert(tracer->tasks, GINT_TO_POINTER(tid), former);
	return former;
}

static void
handle_exec(GaitTracer *tracer, TracerTask *leader)
{
	TracerTask *task = handle_change_of_leader(tracer, leader);

	if (task->task.space)
		gait_space_note_exit(task->task.space, task->task.tid);
	gait_space_unref(task->task.space);
	task->task.space = gait_space_new(tracer->modules, task->task.pid);
	task->delivered = 0;
	if (tracer->callbacks.executed)
		tracer->callbacks.executed(tracer, &task->task, tracer->data);
	gait_tracer_resume(task, 0);
}

/* --- signals -------------------------------------------------------------------------------------
 */

/*
 * A SIGSTOP that the kernel itself sends comes from a BPF program of the tracer's owner, on the way
 * back from a call, so that the task waits until the owner's callbacks have seen to it. It is
 * nobody's signal: the program must not get it.
 */
static gboolean
is_wait(const siginfo_t *info)
{
	return info->si_signo == SIGSTOP && info->si_code == SI_KERNEL;
}

static gboolean
is_at_wait(pid_t tid, int signo)
{
	siginfo_t info;

	return signo == SIGSTOP && ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 &&
	       is_wait(&info);
}

/* One that has not come yet; who is let go with it would stop for good. */
static gboolean
is_about_to_wait(pid_t tid)
{
	struct __ptrace_peeksiginfo_args what = {.nr = 32};
	siginfo_t infos[32];
	long n;

	do {
		n = ptrace(PTRACE_PEEKSIGINFO, tid, &what, infos);
		for (long i = 0; i < n; i++)
			if (is_wait(&infos[i]))
				return TRUE;
		what.off += 32;
	} while (n == 32);
	return FALSE;
}

static void
handle_signal(GaitTracer *tracer, TracerTask *task, int signo)
{
	gboolean is_watched = !task->is_letting_go &&
	                      (tracer->callbacks.delivering || tracer->callbacks.signalled) &&
	                      get_registers(task, &task->before);

	if (is_watched && !is_stopping_signal(signo))
		gait_tracer_hide_stop(task, &task->before);
	if (is_watched && tracer->callbacks.delivering)
		tracer->callbacks.delivering(tracer, &task->task, signo, &task->before,
		                             tracer->data);
	if (is_watched && tracer->callbacks.signalled &&
	    ptrace(PTRACE_INTERRUPT, task->task.tid, NULL, NULL) == 0)
		task->delivered = signo;
	/* The same number goes on with the siginfo that it came with. */
	gait_tracer_resume(task, signo);
}

/* The kernel wrote the alternate stack's bounds into the frame (x86-64's struct rt_sigframe: the
 * return address, then the ucontext). */
static guint64
get_alternate_stack(const TracerTask *task, const struct user_regs_struct *registers)
{
	stack_t stack = {0};
	struct iovec local = {&stack, sizeof(stack)};
	struct iovec remote = {(void *)(registers->rsp + 8 + offsetof(ucontext_t, uc_stack)),
	                       sizeof(stack)};
	guint64 base;

	if (registers->cs != 0x33 ||
	    process_vm_readv(task->task.tid, &local, 1, &remote, 1, 0) != sizeof(stack))
		return 0;
	base = (guint64)(guintptr)stack.ss_sp;
	return registers->rsp >= base && registers->rsp - base < stack.ss_size ? base : 0;
}

/* The stop after a signal was let through: a handler runs if the stack pointer has moved. */
static void
handle_delivery(GaitTracer *tracer, TracerTask *task, const struct user_regs_struct *registers)
{
	int signo = task->delivered;

	task->delivered = 0;
	if (registers->rsp == task->before.rsp)
		return;
	task->task.signal_frame = (GaitSignalFrame){
	    .interrupted_sp = task->before.rsp,
	    .sp = registers->rsp,
	    .stack_base = get_alternate_stack(task, registers),
	};
	tracer->callbacks.signalled(tracer, &task->task, signo, &task->before, tracer->data);
}

/* Reports what the stop says beside its own kind. */
static void
handle_pending(GaitTracer *tracer, TracerTask *task)
{
	struct user_regs_struct registers;

	if (!get_registers(task, &registers))
		return;
	if (task->delivered)
		handle_delivery(tracer, task, &registers);
	if (task->is_interrupted) {
		task->is_interrupted = FALSE;
		if (tracer->callbacks.interrupted)
			tracer->callbacks.interrupted(tracer, &task->task, &registers,
			                              tracer->data);
	}
}

/* --- system calls --------------------------------------------------------------------------------
 */

/*
 * A filter of the target's own may refuse calls before ours has them stop, so from here on the task
 * stops at every entry, which comes before any filter. (Threads that SECCOMP_FILTER_FLAG_TSYNC
 * takes along are not known to have one: what such a filter refuses them is not seen.)
 */
static gboolean
installs_filter(const struct user_regs_struct *registers)
{
	return (guint32)registers->orig_rax == SYS_seccomp ||
	       ((guint32)registers->orig_rax == SYS_prctl &&
	        (guint32)registers->rdi == PR_SET_SECCOMP);
}

void
gait_tracer_resume_syscall(TracerTask *task)
{
	if (G_UNLIKELY(task->stops_at_exit))
		ptrace(PTRACE_SYSCALL, task->task.tid, NULL, NULL);
	else
		gait_tracer_resume(task, 0);
}

static void
report_syscall(GaitTracer *tracer, TracerTask *task)
{
	struct user_regs_struct registers;

	if (G_UNLIKELY(!get_registers(task, &registers)))
		return;
	task->refused = 0;
	if (tracer->callbacks.syscall)
		tracer->callbacks.syscall(tracer, &task->task, &registers, tracer->data);
	task->stops_at_exit = task->is_creating = FALSE;
	if (task->refused == 0) {
		task->is_creating = (guint32)registers.orig_rax == SYS_clone3;
		if (tracer->syscalls != GAIT_TRACE_SYSCALLS_NONE && installs_filter(&registers))
			task->stops_at_entry = TRUE;
		task->stops_at_exit = gait_tracer_keep_hold(task, &registers);
	}
	if (G_LIKELY(!task->is_held))
		gait_tracer_resume_syscall(task);
}

/* PTRACE_SYSCALL stops at entry and exit; which of them this is, the kernel knows. */
static void
handle_syscall_stop(GaitTracer *tracer, TracerTask *task)
{
	struct __ptrace_syscall_info info = {0};

	ptrace(PTRACE_GET_SYSCALL_INFO, task->task.tid, sizeof(info), &info);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		task->is_at_entry = TRUE;
		task->arch = info.arch;
		report_syscall(tracer, task);
		task->is_at_entry = FALSE;
		return;
	}
	gait_tracer_end_refused(task);
	gait_tracer_restore(task);
	if (G_UNLIKELY(task->is_creating))
		gait_tracer_check_creation(tracer, task);
	gait_tracer_resume(task, 0);
}

/* Where it stops at entries the call has been reported there. */
static void
handle_filter_stop(GaitTracer *tracer, TracerTask *task)
{
	if (G_UNLIKELY(task->stops_at_entry)) {
		gait_tracer_skip_refused(task);
		gait_tracer_resume(task, 0);
		return;
	}
	task->arch = 0;
	report_syscall(tracer, task);
	task->refused = 0;
}

/* --- dispatch ------------------------------------------------------------------------------------
 */

static gboolean
is_left_behind(gpointer key, gpointer value, gpointer leader)
{
	return value != leader &&
	       ((TracerTask *)value)->task.pid == ((TracerTask *)leader)->task.tid;
}

/*
 * A thread that calls execve takes its leader's number before that is reported. Where it is killed
 * in between, its death comes under that number, and its own is never heard of again. A leader's
 * death is reported after those of all its threads: what is left then is such a one.
 */
static void
remove_left_behind(GaitTracer *tracer, TracerTask *leader)
{
	TracerTask *task;

	while ((task = g_hash_table_find(tracer->tasks, is_left_behind, leader)))
		gait_tracer_remove(tracer, task, -1);
}

static void
handle_end(GaitTracer *tracer, TracerTask *task, int status)
{
	if (task->task.tid == tracer->root)
		tracer->root_status = status;
	if (WIFSIGNALED(status) && task->task.tid == task->task.pid)
		remove_left_behind(tracer, task);
	gait_tracer_remove(tracer, task, status);
}

/* A stop that PTRACE_INTERRUPT asked for. */
static void
hide_interruption(TracerTask *task)
{
	struct user_regs_struct registers;

	if (get_registers(task, &registers))
		gait_tracer_hide_stop(task, &registers);
}

/* A stop of a task that is to be let go. */
static void
let_go(GaitTracer *tracer, TracerTask *task, int status)
{
	int event = status >> 16, signo = WSTOPSIG(status);

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE)
		gait_tracer_handle_creation(tracer, task);
	if (event == PTRACE_EVENT_EXEC)
		task = handle_change_of_leader(tracer, task);
	if (signo == (SIGTRAP | 0x80))
		gait_tracer_end_refused(task);
	if (event == PTRACE_EVENT_STOP && !is_stopping_signal(signo))
		hide_interruption(task);
	gait_tracer_restore(task);
	if (event == 0 && is_at_wait(task->task.tid, signo)) {
		signo = 0;
	} else if (is_about_to_wait(task->task.tid)) {
		ptrace(PTRACE_CONT, task->task.tid, NULL, (void *)(gintptr)(event ? 0 : signo));
		return;
	}
	/* A group stop outlasts the tracer: the kernel sees to that. */
	if (event != 0 || signo == (SIGTRAP | 0x80))
		signo = 0;
	/* Where it was killed meanwhile, its death is not for us to see either. */
	ptrace(PTRACE_DETACH, task->task.tid, NULL, (void *)(gintptr)signo);
	gait_tracer_remove(tracer, task, -1);
}

/* It stays stopped, and the end of the stop is reported. */
static void
enter_group_stop(GaitTracer *tracer, TracerTask *task, int signo)
{
	if (!task->is_in_group_stop && tracer->callbacks.stopped)
		tracer->callbacks.stopped(tracer, &task->task, signo, tracer->data);
	task->is_in_group_stop = TRUE;
	ptrace(PTRACE_LISTEN, task->task.tid, NULL, NULL);
}

static void
leave_group_stop(GaitTracer *tracer, TracerTask *task)
{
	if (task->is_in_group_stop && tracer->callbacks.stopped)
		tracer->callbacks.stopped(tracer, &task->task, 0, tracer->data);
	task->is_in_group_stop = FALSE;
}

static void
handle_stop(GaitTracer *tracer, TracerTask *task, int status)
{
	int signo = WSTOPSIG(status);

	switch (status >> 16) {
	case 0:
		if (signo == (SIGTRAP | 0x80))
			handle_syscall_stop(tracer, task);
		else if (is_at_wait(task->task.tid, signo))
			gait_tracer_resume(task, 0);
		else
			handle_signal(tracer, task, signo);
		return;
	case PTRACE_EVENT_SECCOMP:
		handle_filter_stop(tracer, task);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		gait_tracer_handle_creation(tracer, task);
		return;
	case PTRACE_EVENT_EXEC:
		handle_exec(tracer, task);
		return;
	case PTRACE_EVENT_STOP:
		if (is_stopping_signal(signo)) {
			enter_group_stop(tracer, task, signo);
			return;
		}
		leave_group_stop(tracer, task);
		hide_interruption(task);
		break;
	}
	gait_tracer_resume(task, 0);
}

void
gait_tracer_handle(GaitTracer *tracer, pid_t tid, int status)
{
	TracerTask *task = (TracerTask *)gait_tracer_find(tracer, tid);

	if (G_UNLIKELY(!task)) {
		gait_tracer_keep_orphan(tracer, tid, status);
		return;
	}
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		handle_end(tracer, task, status);
		return;
	}
	if (G_UNLIKELY(tracer->is_killing))
		syscall(SYS_tkill, tid, SIGKILL);
	if (G_UNLIKELY(task->is_letting_go)) {
		let_go(tracer, task, status);
		return;
	}
	if (G_UNLIKELY(!task->is_announced))
		gait_tracer_announce(tracer, task, NULL);
	if (G_UNLIKELY(task->delivered || task->is_interrupted))
		handle_pending(tracer, task);
	handle_stop(tracer, task, status);
}
