/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How tasks come under a tracer and leave it: launching a program, joining a running process, and
 * letting go of everything.
 *
 * A launched child waits on a pipe until it is seized, so that nothing of it is missed and a filter
 * that it installs finds its tracer in place. What it does before its execve has succeeded is ours
 * and is not reported.
 */
#include "process/tracer-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the child, between fork and exec: async-signal-safe calls only ------------------------------
 */

typedef struct {
	int go, report; /* ends of pipes */
	const char *const *argv;
	int (*in_child)(gpointer data);
	gpointer data;
} Launch;

/* What the child says where it does not get as far as its program. */
typedef struct {
	int error;
	int is_in_child; /* in_child failed, not execve */
} Failure;

static void
restore_signals(const GaitTracer *tracer)
{
	for (int signo = 1; signo < 65; signo++) {
		gboolean is_ignored = tracer->saved_ignored >> (signo - 1) & 1;

		/* Fails for SIGKILL, SIGSTOP and libc's own, as it should. */
		signal(signo, is_ignored ? SIG_IGN : SIG_DFL);
	}
	sigprocmask(SIG_SETMASK, &tracer->saved_mask, NULL);
}

G_GNUC_NORETURN static void
run_child(const GaitTracer *tracer, const Launch *launch)
{
	Failure failure = {0, FALSE};
	char go;

	restore_signals(tracer);
	/* End of file: the tracer could not seize us, or is gone. */
	if (read(launch->go, &go, 1) != 1)
		_exit(127);
	if (launch->in_child && (failure.error = launch->in_child(launch->data)) != 0) {
		failure.is_in_child = TRUE;
	} else {
		/* glibc's execvp works on the stack alone. */
		execvp(launch->argv[0], (char *const *)launch->argv);
		failure.error = errno;
	}
	if (write(launch->report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

/* --- launching -----------------------------------------------------------------------------------
 */

/* Until execve has succeeded. FALSE: the child is gone. */
static gboolean
wait_for_exec(pid_t pid)
{
	for (;;) {
		int status, signo;

		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return FALSE;
		}
		if (!WIFSTOPPED(status))
			return FALSE;
		if (status >> 16 == PTRACE_EVENT_EXEC)
			return TRUE;
		signo = WSTOPSIG(status);
		if (status >> 16 == PTRACE_EVENT_STOP && signo != SIGTRAP)
			ptrace(PTRACE_LISTEN, pid, NULL, NULL);
		else
			ptrace(PTRACE_CONT, pid, NULL,
			       (void *)(gintptr)(status >> 16 == 0 ? signo : 0));
	}
}

static gboolean
explain(GaitTracer *tracer, const Launch *launch, int report, GError **error)
{
	Failure failure;

	if (read(report, &failure, sizeof(failure)) != sizeof(failure)) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_GONE,
		            "%s: ended before it was started", launch->argv[0]);
		return FALSE;
	}
	if (failure.is_in_child)
		return gait_error_system(error, GAIT_PROCESS_ERROR, failure.error,
		                         "%s: cannot set up its seccomp filter", launch->argv[0]);
	tracer->exec_errno = failure.error;
	g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_EXEC, "%s: %s", launch->argv[0],
	            g_strerror(failure.error));
	return FALSE;
}

static gboolean
seize_child(GaitTracer *tracer, const Launch *launch, pid_t pid, int go, int report, GError **error)
{
	TracerTask *task;

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)gait_tracer_get_options(tracer, TRUE)) != 0) {
		int saved_errno = errno;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, __WALL);
		return gait_error_system(error, GAIT_PROCESS_ERROR, saved_errno,
		                         "ptrace(SEIZE, %d)", pid);
	}
	if (write(go, "", 1) != 1 || !wait_for_exec(pid))
		return explain(tracer, launch, report, error);
	task = gait_tracer_add(tracer, pid, pid);
	task->task.space = gait_space_new(tracer->modules, pid);
	tracer->root = pid;
	tracer->is_launched = TRUE;
	gait_tracer_announce(tracer, task, NULL);
	gait_tracer_resume(task, 0);
	return TRUE;
}

/* All that is known of processes is known from there; it may be missing, or another namespace's. */
static gboolean
check_proc(GError **error)
{
	char link[32] = "";

	if (readlink("/proc/self", link, sizeof link - 1) > 0 && atoi(link) == getpid())
		return TRUE;
	g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "/proc does not show this process (number %d): mount proc there, of this PID "
	            "namespace",
	            getpid());
	return FALSE;
}

gboolean
gait_tracer_launch(GaitTracer *tracer, const char *const *argv, int (*in_child)(gpointer data),
                   gpointer data, GError **error)
{
	int go[2], report[2];
	Launch launch = {.argv = argv, .in_child = in_child, .data = data};
	gboolean is_launched;
	pid_t pid;

	if (!check_proc(error))
		return FALSE;
	if (pipe2(go, O_CLOEXEC) != 0)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "pipe");
	if (pipe2(report, O_CLOEXEC) != 0) {
		gait_error_system(error, GAIT_PROCESS_ERROR, errno, "pipe");
		close(go[0]);
		close(go[1]);
		return FALSE;
	}
	launch.go = go[0];
	launch.report = report[1];
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		run_child(tracer, &launch);
	}
	close(go[0]);
	close(report[1]);
	is_launched = pid < 0 ? gait_error_system(error, GAIT_PROCESS_ERROR, errno, "fork")
	                      : seize_child(tracer, &launch, pid, go[1], report[0], error);
	close(go[1]);
	close(report[0]);
	return is_launched;
}

/* --- joining -------------------------------------------------------------------------------------
 */

/*
 * Whether there is no need to seize it: this thread traces it already (then its creator's event is
 * on its way), or it is dead, as a leader may be while its threads live.
 */
static gboolean
is_ours_or_dead(GaitTracer *tracer, pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", tid);
	g_autofree char *status = NULL;
	const char *line;

	if (gait_tracer_find(tracer, tid))
		return TRUE;
	if (!g_file_get_contents(path, &status, NULL, NULL))
		return TRUE;
	if (strstr(status, "\nState:\tZ") || strstr(status, "\nState:\tX"))
		return TRUE;
	line = strstr(status, "\nTracerPid:");
	return line && atoi(line + strlen("\nTracerPid:")) == tracer->tid;
}

/* That of the process's threads which were joined before, if there are any. */
static GaitSpace *
get_space(GaitTracer *tracer, pid_t pid)
{
	const GaitTask *leader = gait_tracer_find(tracer, pid);

	return leader && leader->space ? gait_space_ref(leader->space)
	                               : gait_space_new(tracer->modules, pid);
}

/* Joins one thread, which n_new then counts. */
static gboolean
seize_thread(GaitTracer *tracer, pid_t pid, pid_t tid, GaitSpace **space, guint *n_new,
             GError **error)
{
	TracerTask *task;

	if (gait_tracer_find(tracer, tid))
		return TRUE;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)gait_tracer_get_options(tracer, FALSE)) != 0) {
		int saved_errno = errno;

		if (saved_errno == ESRCH || is_ours_or_dead(tracer, tid))
			return TRUE;
		return gait_error_system(
		    error, GAIT_PROCESS_ERROR, saved_errno,
		    "cannot join process %d%s: ptrace(SEIZE, %d)", pid,
		    saved_errno != EPERM ? ""
		                         : " (is it another user's, or traced by another already? "
		                           "kernel.yama.ptrace_scope may forbid it, too)",
		    tid);
	}
	if (!*space)
		*space = get_space(tracer, pid);
	task = gait_tracer_add(tracer, tid, pid);
	task->task.space = gait_space_ref(*space);
	task->task.flags = GAIT_TASK_JOINED;
	/* It is reported at its first stop, which may be this one or any other. */
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	(*n_new)++;
	return TRUE;
}

static gboolean
seize_threads(GaitTracer *tracer, pid_t pid, GaitSpace **space, guint *n_new, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	const char *name;

	*n_new = 0;
	if (!directory) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_GONE, "there is no process %d",
		            pid);
		return FALSE;
	}
	while ((name = g_dir_read_name(directory)))
		if (!seize_thread(tracer, pid, atoi(name), space, n_new, error))
			return FALSE;
	return TRUE;
}

gboolean
gait_tracer_attach(GaitTracer *tracer, pid_t pid, GError **error)
{
	g_autoptr(GaitSpace) space = NULL;
	guint n_new;

	if (!check_proc(error))
		return FALSE;
	/* A thread that is not seized yet may create another behind our back: until a look finds
	 * none. */
	do
		if (!seize_threads(tracer, pid, &space, &n_new, error))
			return FALSE;
	while (n_new > 0);
	if (!space && !gait_tracer_find(tracer, pid)) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_GONE,
		            "process %d has no live thread", pid);
		return FALSE;
	}
	return TRUE;
}

/* --- letting go ----------------------------------------------------------------------------------
 */

void
gait_tracer_detach_all(GaitTracer *tracer)
{
	GHashTableIter iterator;
	gpointer value;

	gait_tracer_release_held(tracer, TRUE);
	tracer->is_letting_go = TRUE;
	g_hash_table_iter_init(&iterator, tracer->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &value)) {
		TracerTask *task = value;

		task->is_letting_go = TRUE;
		ptrace(PTRACE_INTERRUPT, task->task.tid, NULL, NULL);
	}
	/* Each stops in a moment, or dies. */
	while (g_hash_table_size(tracer->tasks) > 0 || tracer->orphans->len > 0) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG);

		if (tid > 0) {
			gait_tracer_handle(tracer, tid, status);
			continue;
		}
		if (tid < 0 && errno != EINTR)
			return;
		gait_tracer_adopt_orphans(tracer);
		g_usleep(200);
	}
}
