/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer and its table of tasks. Waiting for them is in tracer-loop.c, what a stop means in
 * tracer-stops.c, how tasks come under it and leave it in tracer-launch.c.
 */
#include "process/tracer-private.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean
save_signals(GaitTracer *tracer)
{
	struct sigaction action;

	if (pthread_sigmask(SIG_SETMASK, NULL, &tracer->saved_mask) != 0)
		return FALSE;
	for (int signo = 1; signo < 65; signo++)
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			tracer->saved_ignored |= G_GUINT64_CONSTANT(1) << (signo - 1);
	return TRUE;
}

GaitTracer *
gait_tracer_new(GaitModules *modules, GaitTraceSyscalls syscalls,
                const GaitTracerCallbacks *callbacks, gpointer data)
{
	GaitTracer *tracer = g_new0(GaitTracer, 1);

	tracer->modules = modules;
	tracer->syscalls = syscalls;
	tracer->callbacks = *callbacks;
	tracer->data = data;
	tracer->tasks = g_hash_table_new(NULL, NULL);
	tracer->orphans = g_array_new(FALSE, FALSE, sizeof(TracerOrphan));
	tracer->held = g_array_new(FALSE, FALSE, sizeof(TracerHeld));
	tracer->root_status = -1;
	tracer->child_signals = -1;
	save_signals(tracer);
	/* With SIGCHLD ignored, as some launchers leave it, the kernel would reap for us. */
	signal(SIGCHLD, SIG_DFL);
	gait_tracer_set_up_waking(tracer);
	return tracer;
}

void
gait_tracer_set_mask(GaitTracer *tracer, const sigset_t *mask)
{
	tracer->saved_mask = *mask;
}

static void
free_task(TracerTask *task)
{
	gait_space_unref(task->task.space);
	g_free(task);
}

void
gait_tracer_free(GaitTracer *tracer)
{
	GHashTableIter iterator;
	gpointer task;

	if (!tracer)
		return;
	g_hash_table_iter_init(&iterator, tracer->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &task))
		free_task(task);
	g_hash_table_unref(tracer->tasks);
	g_array_unref(tracer->orphans);
	g_array_unref(tracer->held);
	if (tracer->has_timer)
		timer_delete(tracer->timer);
	if (tracer->child_signals >= 0)
		close(tracer->child_signals);
	g_free(tracer);
}

TracerTask *
gait_tracer_add(GaitTracer *tracer, pid_t tid, pid_t pid)
{
	TracerTask *task = g_new0(TracerTask, 1);

	task->task.tid = tid;
	task->task.pid = pid;
	task->stops_at_entry = tracer->syscalls == GAIT_TRACE_SYSCALLS_PTRACE;
	task->is_letting_go = tracer->is_letting_go;
	task->turn.data = task;
	g_queue_push_tail_link(&tracer->turns, &task->turn);
	g_hash_table_insert(tracer->tasks, GINT_TO_POINTER(tid), task);
	return task;
}

void
gait_tracer_announce(GaitTracer *tracer, TracerTask *task, TracerTask *parent)
{
	if (task->is_announced)
		return;
	task->is_announced = TRUE;
	if (tracer->callbacks.created)
		tracer->callbacks.created(tracer, &task->task, parent ? &parent->task : NULL,
		                          tracer->data);
}

void
gait_tracer_remove(GaitTracer *tracer, TracerTask *task, int status)
{
	g_hash_table_remove(tracer->tasks, GINT_TO_POINTER(task->task.tid));
	g_queue_unlink(&tracer->turns, &task->turn);
	if (task->task.space)
		gait_space_note_exit(task->task.space, task->task.tid);
	if (task->is_announced && tracer->callbacks.exited)
		tracer->callbacks.exited(tracer, &task->task, status, tracer->data);
	free_task(task);
}

long
gait_tracer_get_options(const GaitTracer *tracer, gboolean is_launched)
{
	return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	       (is_launched || tracer->has_exit_kill ? PTRACE_O_EXITKILL : 0) |
	       (tracer->syscalls == GAIT_TRACE_SYSCALLS_SECCOMP ||
	                (tracer->syscalls == GAIT_TRACE_SYSCALLS_PTRACE && is_launched)
	            ? PTRACE_O_TRACESECCOMP
	            : 0);
}

void
gait_tracer_stop_at_calls(GaitTracer *tracer, GaitTask *task)
{
	((TracerTask *)task)->stops_at_entry = TRUE;
}

GaitTask *
gait_tracer_find(GaitTracer *tracer, pid_t tid)
{
	return g_hash_table_lookup(tracer->tasks, GINT_TO_POINTER(tid));
}

guint
gait_tracer_get_n_tasks(const GaitTracer *tracer)
{
	return g_hash_table_size(tracer->tasks);
}

gboolean
gait_tracer_is_settled(const GaitTracer *tracer)
{
	GHashTableIter iterator;
	gpointer value;

	g_hash_table_iter_init(&iterator, tracer->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		if (!((const TracerTask *)value)->is_announced)
			return FALSE;
	return TRUE;
}

void
gait_tracer_set_exit_kill(GaitTracer *tracer)
{
	tracer->has_exit_kill = TRUE;
}

int
gait_tracer_get_root_status(const GaitTracer *tracer)
{
	return tracer->root_status;
}

pid_t
gait_tracer_get_root(const GaitTracer *tracer)
{
	return tracer->root;
}

int
gait_tracer_get_exec_status(const GaitTracer *tracer)
{
	return tracer->exec_errno == ENOENT ? 127 : 126;
}

/*
 * The `syscall` instruction leaves its return address in rcx; int 0x80 and sysenter do not, so the
 * kernel is only asked where rcx says something else.
 */
guint32
gait_tracer_get_arch(GaitTracer *tracer, const GaitTask *task,
                     const struct user_regs_struct *registers)
{
	struct __ptrace_syscall_info info;

	if (((const TracerTask *)task)->arch != 0)
		return ((const TracerTask *)task)->arch;
	if (G_LIKELY(registers->cs == 0x33 && registers->rcx == registers->rip))
		return AUDIT_ARCH_X86_64;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) <= 0)
		return registers->cs == 0x33 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386;
	return info.arch;
}

gboolean
gait_tracer_set_registers(GaitTracer *tracer, GaitTask *task,
                          const struct user_regs_struct *registers)
{
	return ptrace(PTRACE_SETREGS, task->tid, NULL, registers) == 0;
}

gboolean
gait_tracer_interrupt(GaitTracer *tracer, GaitTask *task)
{
	if (ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL) != 0)
		return FALSE;
	((TracerTask *)task)->is_interrupted = TRUE;
	return TRUE;
}

void
gait_tracer_kill_all(GaitTracer *tracer)
{
	GHashTableIter iterator;
	gpointer value;

	tracer->is_killing = TRUE;
	g_hash_table_iter_init(&iterator, tracer->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &value))
		syscall(SYS_tgkill, ((TracerTask *)value)->task.pid,
		        ((TracerTask *)value)->task.tid, SIGKILL);
	for (guint i = 0; i < tracer->orphans->len; i++)
		syscall(SYS_tkill, g_array_index(tracer->orphans, TracerOrphan, i).tid, SIGKILL);
}

void
gait_tracer_signal_all(GaitTracer *tracer, int signo)
{
	GHashTableIter iterator;
	gpointer value;

	g_hash_table_iter_init(&iterator, tracer->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		const GaitTask *task = value;

		/* Not reaped, because traced: the number is still its own. */
		if (task->tid == task->pid)
			kill(task->pid, signo);
	}
}
