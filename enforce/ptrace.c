/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ptrace backend: a call stops its task at SECCOMP_RET_TRACE, is judged with all registers at
 * hand, and goes on, fails or never happens. Slower than notify and simpler: what was read while a
 * task is stopped is its own, and nothing has to be asked twice. For where notify cannot be had.
 *
 * A filter that wants a listener's answer is heard before one that wants a tracer's. So where
 * somebody has put us under a listener, that may let calls run which we would never see; then every
 * task stops at its entries by PTRACE_SYSCALL, ahead of all filters. (The target itself gets no
 * listener: the floor. The tracer takes the same way for a task with other filters of its own.)
 *
 * Which way it falls: the kernel kills the tree of a supervisor that dies (PTRACE_O_EXITKILL); were
 * there no tracer, SECCOMP_RET_TRACE means ENOSYS. An error in here kills the tree.
 */
#include "enforce/backend.h"
#include "enforce/forward.h"
#include "enforce/listener.h"
#include "enforce/ptrace-private.h"
#include "enforce/watch.h"
#include "sysgait/error.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the tracer's callbacks ---------------------------------------------------------------------
 */

/* Before it goes on: a stopped task that is killed does not make its call; nor would it otherwise.
 */
static void
kill_process(GaitTracer *tracer, GaitTask *task)
{
	/* A task that we trace is not reaped, so its number is still its own. */
	kill(task->pid, SIGKILL);
}

static void
carry_out(GaitPtraceRun *run, GaitTask *task, GaitRuling ruling)
{
	switch (ruling.kind) {
	case GAIT_RULING_CONTINUE:
		return;
	case GAIT_RULING_ERRNO:
		gait_tracer_refuse(run->tracer, task, ruling.error);
		return;
	case GAIT_RULING_KILL:
		kill_process(run->tracer, task);
		return;
	case GAIT_RULING_N_:
		break;
	}
	g_assert_not_reached();
}

static void
judge(GaitPtraceRun *run, GaitEntry *entry)
{
	switch (gait_enforcer_attribute(run->enforcer, entry)) {
	case GAIT_ATTRIBUTION_DONE:
		carry_out(run, entry->task, gait_enforcer_rule(run->enforcer, entry));
		return;
	case GAIT_ATTRIBUTION_GONE:
	case GAIT_ATTRIBUTION_NEEDS_REGISTERS:
		/* Closed. The first is killed already, and the second has all there are. */
		gait_tracer_refuse(run->tracer, entry->task, EPERM);
		return;
	case GAIT_ATTRIBUTION_N_:
		break;
	}
	g_assert_not_reached();
}

/*
 * uretprobe and uprobe (Linux 6.11, 6.18): by these the kernel's own trampolines come back to it,
 * where somebody probes the target. No filter is asked about them either; a program that calls them
 * by itself is killed by the kernel. Newer than libseccomp's names.
 */
static gboolean
is_trampoline(guint32 nr)
{
	return nr == 335 || nr == 336;
}

static void
on_syscall(GaitTracer *tracer, GaitTask *task, const struct user_regs_struct *user, gpointer data)
{
	GaitPtraceRun *run = data;
	/* The kernel looks at the low half of the number only. */
	g_auto(GaitEntry) entry = {
	    .task = task,
	    .nr = (guint32)user->orig_rax,
	    .args = {user->rdi, user->rsi, user->rdx, user->r10, user->r8, user->r9},
	};
	GaitFloorDecision decision =
	    gait_floor_decide(run->floor, gait_tracer_get_arch(tracer, task, user), entry.nr);

	if (G_UNLIKELY(decision != GAIT_FLOOR_KILL && is_trampoline(entry.nr)))
		return;
	switch (decision) {
	case GAIT_FLOOR_HAND_OVER:
		gait_registers_from_user(&entry.registers, user);
		judge(run, &entry);
		return;
	case GAIT_FLOOR_ENOSYS:
		gait_tracer_refuse(tracer, task, ENOSYS);
		return;
	case GAIT_FLOOR_KILL:
		gait_log_message(gait_enforcer_get_log(run->enforcer),
		                 "process %d makes a call of another architecture or of x32: "
		                 "killing it",
		                 task->pid);
		kill_process(tracer, task);
		return;
	case GAIT_FLOOR_DECISION_N_:
		break;
	}
	g_assert_not_reached();
}

static void
on_created(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data)
{
	GaitPtraceRun *run = data;

	if (run->is_letting_go)
		return;
	if (!run->is_started) {
		run->is_started = TRUE;
		run->root = task->pid;
		if (!gait_forward_start(tracer, &run->error)) {
			gait_tracer_stop(tracer);
			kill_process(tracer, task);
			return;
		}
		gait_watch_start(run->enforcer, tracer);
		/* Nobody of our own user reads or writes the supervisor's memory. */
		prctl(PR_SET_DUMPABLE, 0);
	}
	if (!gait_enforcer_created(run->enforcer, task, parent))
		kill_process(tracer, task);
}

static void
on_executed(GaitTracer *tracer, GaitTask *task, gpointer data)
{
	GaitPtraceRun *run = data;

	if (!gait_enforcer_executed(run->enforcer, task))
		kill_process(tracer, task);
}

static void
on_delivering(GaitTracer *tracer, GaitTask *task, int signo,
              const struct user_regs_struct *registers, gpointer data)
{
	GaitPtraceRun *run = data;

	gait_enforcer_interrupted(run->enforcer, task, registers);
}

static void
on_signalled(GaitTracer *tracer, GaitTask *task, int signo,
             const struct user_regs_struct *registers, gpointer data)
{
	GaitPtraceRun *run = data;

	gait_enforcer_signalled(run->enforcer, task, signo, registers);
}

static void
on_exited(GaitTracer *tracer, GaitTask *task, int status, gpointer data)
{
	GaitPtraceRun *run = data;

	if (task->tid == run->root)
		run->root_status = status;
	if (task->tid == task->pid)
		run->gone[run->n_gone++ % GAIT_PTRACE_N_GONE] = task->pid;
	gait_enforcer_exited(run->enforcer, task, status);
}

/* Of the same number space, the creator's and ours? */
static gboolean
has_our_numbers(pid_t pid)
{
	g_autofree char *name = g_strdup_printf("/proc/%d/ns/pid_for_children", pid);
	g_autofree char *theirs = g_file_read_link(name, NULL);
	g_autofree char *ours = g_file_read_link("/proc/self/ns/pid", NULL);

	return theirs && ours && strcmp(theirs, ours) == 0;
}

/* A thread is killed with its process; another process by its number. */
static void
on_escaped(GaitTracer *tracer, GaitTask *task, pid_t child, gpointer data)
{
	GaitPtraceRun *run = data;

	gait_log_message(gait_enforcer_get_log(run->enforcer),
	                 "process %d has created a task in a way that hides it: killing both",
	                 task->pid);
	if (has_our_numbers(task->pid))
		kill(child, SIGKILL);
	kill_process(tracer, task);
}

const GaitTracerCallbacks gait_ptrace_callbacks = {
    .created = on_created,
    .syscall = on_syscall,
    .executed = on_executed,
    .delivering = on_delivering,
    .signalled = on_signalled,
    .escaped = on_escaped,
    .exited = on_exited,
};

/* --- a run --------------------------------------------------------------------------------------
 */

/* In the child, between fork and exec: async-signal-safe. */
static int
install_filter(gpointer data)
{
	const struct sock_fprog *filter = gait_floor_get_filter(data);

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) == 0)
		return 0;
	/* Without CAP_SYS_ADMIN a filter is only for those who renounce setuid programs. */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) == 0 ? 0 : errno;
}

gboolean
gait_ptrace_supervise(GaitPtraceRun *run, void (*turn)(GaitPtraceRun *run), GError **error)
{
	g_autoptr(GError) failure = NULL;

	while (gait_tracer_iterate(run->tracer, NULL, 0, -1, &failure)) {
		gait_watch_attend();
		turn(run);
	}
	if (!failure && !run->error)
		return TRUE;
	/* Closed: without its supervisor nothing of the tree goes on. */
	gait_tracer_kill_all(run->tracer);
	while (gait_tracer_iterate(run->tracer, NULL, 0, -1, NULL))
		;
	g_propagate_error(error,
	                  run->error ? g_steal_pointer(&run->error) : g_steal_pointer(&failure));
	return FALSE;
}

static void
take_turn(GaitPtraceRun *run)
{
	gait_forward_deliver();
}

static gboolean
launch(GaitPtraceRun *run, const char *const *argv, int *status, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (gait_tracer_launch(run->tracer, argv, install_filter, (gpointer)run->floor, &failure))
		return TRUE;
	*status = gait_tracer_get_exec_status(run->tracer);
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

static gboolean
run(GaitEnforcer *enforcer, const char *const *argv, int *status, GError **error)
{
	GaitPtraceRun run = {
	    .enforcer = enforcer, .floor = gait_enforcer_get_floor(enforcer), .root_status = -1};
	/* Where it cannot be told (anything but EBUSY), be careful: it only costs time. */
	gboolean has_listener = gait_listener_try() != 0;
	gboolean is_good;

	run.tracer =
	    gait_tracer_new(gait_enforcer_get_modules(enforcer),
	                    has_listener ? GAIT_TRACE_SYSCALLS_PTRACE : GAIT_TRACE_SYSCALLS_SECCOMP,
	                    &gait_ptrace_callbacks, &run);
	is_good =
	    launch(&run, argv, status, error) && gait_ptrace_supervise(&run, take_turn, error);
	if (is_good)
		*status = run.root_status;
	gait_forward_stop();
	gait_watch_stop();
	gait_tracer_free(run.tracer);
	g_clear_error(&run.error);
	return is_good;
}

/* Whether a child can be traced, and its calls be stopped by a filter. */
static gboolean
probe(GError **error)
{
	pid_t parent = getpid(), pid = fork();
	int saved_errno = 0;

	if (pid < 0)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "fork");
	if (pid == 0) {
		/* Should we be killed before it is traced. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL,
	           (void *)(gintptr)(PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP)) != 0)
		saved_errno = errno;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (saved_errno == 0)
		return TRUE;
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "children cannot be traced here: %s%s", g_strerror(saved_errno),
	            saved_errno == EPERM ? " (is all of this traced by another already? "
	                                   "kernel.yama.ptrace_scope may forbid it, too)"
	                                 : "");
	return FALSE;
}

const GaitBackend gait_backend_ptrace = {
    .name = "ptrace",
    .summary = "ptrace, for where there can be no seccomp listener; slower",
    .promise = "every call is judged before it happens",
    .is_preexec = TRUE,
    .has_errno = TRUE,
    .handover = GAIT_FLOOR_TRACE,
    .probe = probe,
    .run = run,
    .join = gait_ptrace_join,
};
