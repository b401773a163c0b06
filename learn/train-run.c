/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A training run from outside: this process starts `sysgait record` (this very program) and the
 * driver, and waits for both through pidfds. The recorder never shows which of its descendants is
 * the server: those that are not this program are. They are asked to end when the driver is done,
 * and killed when they do not; a recorder is never killed, so that its trace is whole.
 *
 * Being a subreaper, this process also inherits daemons that double-fork away. It keeps its
 * capabilities, which the next recorder, driver and server need.
 */
#include "learn/train-run.h"

#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS        20 /* while the server is being started or stopped */
#define MAX_START_US   (30 * G_USEC_PER_SEC)
#define MAX_TREE_DEPTH 64

static int signals = -1; /* signalfd, for the life of the process */
static sigset_t saved_mask;

typedef struct {
	pid_t pid; /* 0: none, or reaped */
	int fd;    /* pidfd */
	int status;
} Child;

static void
child_clear(Child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Child, child_clear)

gboolean
gait_train_prepare(GError **error)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &saved_mask);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "signalfd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno,
		                         "prctl(PR_SET_CHILD_SUBREAPER)");
	return TRUE;
}

/*
 * Starts argv with our stderr as its stdout too: stdout is for the result. In a process group of
 * its own, what it sends to its group reaches neither the driver nor our caller; but it has no
 * terminal to read from then.
 */
static gboolean
spawn(Child *child, const char *path, char *const *argv, char *const *environment,
      gboolean in_own_group, GError **error)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failure, flags = POSIX_SPAWN_SETSIGMASK;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	if (in_own_group)
		flags |= POSIX_SPAWN_SETPGROUP;
	posix_spawnattr_setflags(&attributes, (short)flags);
	posix_spawnattr_setsigmask(&attributes, &saved_mask);
	failure = posix_spawn(&child->pid, path, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (failure)
		return gait_error_system(error, GAIT_LEARN_ERROR, failure, "posix_spawn %s", path);
	child->fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->fd < 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "pidfd_open(%d)",
		                         child->pid);
	return TRUE;
}

/* Whether the child is gone; reaps it. */
static gboolean
is_gone(Child *child)
{
	if (child->pid && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->pid = 0;
	return child->pid == 0;
}

/* The parent of a process, 0 where it is gone. */
static pid_t
get_parent(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid);
	g_autofree char *status = NULL;
	const char *line;

	if (!g_file_get_contents(path, &status, NULL, NULL))
		return 0;
	line = strstr(status, "\nPPid:");
	return line ? (pid_t)g_ascii_strtoll(line + strlen("\nPPid:"), NULL, 10) : 0;
}

static gboolean
is_descendant(pid_t pid)
{
	for (guint depth = 0; pid > 1 && depth < MAX_TREE_DEPTH; depth++) {
		pid = get_parent(pid);
		if (pid == getpid())
			return TRUE;
	}
	return FALSE;
}

/* A server that signals its whole process group, as some do to end, means itself and not us. */
static gboolean
is_interrupted(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof info) == sizeof info)
		if (info.ssi_code > 0 || !is_descendant((pid_t)info.ssi_pid))
			return TRUE;
	return FALSE;
}

/* Waits until one of the children ends, a signal comes, or timeout_ms is over (-1: never). */
static gboolean
wait_for_any(const Child *a, const Child *b, int timeout_ms)
{
	struct pollfd fds[] = {
	    {.fd = signals, .events = POLLIN},
	    {.fd = a && a->pid ? a->fd : -1, .events = POLLIN},
	    {.fd = b && b->pid ? b->fd : -1, .events = POLLIN},
	};

	poll(fds, G_N_ELEMENTS(fds), timeout_ms);
	return is_interrupted();
}

/* --- the server's processes ------------------------------------------------------------------ */

static gboolean
is_this_program(pid_t pid)
{
	char path[32];
	struct stat own, other;

	g_snprintf(path, sizeof path, "/proc/%d/exe", pid);
	return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static void find_servers(pid_t pid, pid_t driver, guint depth, GArray *servers);

static void
look_at_children(const char *path, pid_t driver, guint depth, GArray *servers)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) words = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	words = g_strsplit(text, " ", -1);
	for (char **word = words; *word; word++) {
		pid_t child = (pid_t)g_ascii_strtoll(*word, NULL, 10);

		if (child <= 0 || child == driver)
			continue;
		if (is_this_program(child))
			find_servers(child, driver, depth + 1, servers);
		else
			g_array_append_val(servers, child);
	}
}

/* The outermost descendants that are not this program. */
static void
find_servers(pid_t pid, pid_t driver, guint depth, GArray *servers)
{
	g_autofree char *tasks = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) dir = depth < MAX_TREE_DEPTH ? g_dir_open(tasks, 0, NULL) : NULL;
	const char *tid;

	while (dir && (tid = g_dir_read_name(dir))) {
		g_autofree char *path = g_strdup_printf("%s/%s/children", tasks, tid);

		look_at_children(path, driver, depth, servers);
	}
}

static guint
count_servers(void)
{
	g_autoptr(GArray) servers = g_array_new(FALSE, FALSE, sizeof(pid_t));

	find_servers(getpid(), 0, 0, servers);
	return servers->len;
}

static void
signal_servers(int signo)
{
	g_autoptr(GArray) servers = g_array_new(FALSE, FALSE, sizeof(pid_t));

	find_servers(getpid(), 0, 0, servers);
	for (guint i = 0; i < servers->len; i++)
		kill(g_array_index(servers, pid_t, i), signo);
}

static void
reap_orphans(const Child *recorder)
{
	siginfo_t info = {0};

	/* The recorder's status is taken by is_gone() alone. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       info.si_pid != recorder->pid) {
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

/*
 * Asks the server to end, and makes it. Returns when it and the recorder have. (Without a driver,
 * Ctrl-C reaches the recorder as well, which then ends before the server.)
 */
static void
stop(const GaitTrainRunOptions *options, Child *recorder, gboolean *is_killed)
{
	gint64 end_us = g_get_monotonic_time() + (gint64)options->grace_s * G_USEC_PER_SEC;

	*is_killed = FALSE;
	signal_servers(options->stop_signal);
	while (!is_gone(recorder) || count_servers() > 0) {
		if (wait_for_any(recorder, NULL, POLL_MS))
			end_us = 0; /* a second Ctrl-C: no more patience */
		reap_orphans(recorder);
		if (g_get_monotonic_time() < end_us || count_servers() == 0)
			continue;
		*is_killed = TRUE;
		signal_servers(SIGKILL);
	}
	reap_orphans(recorder);
}

/* --- the run --------------------------------------------------------------------------------- */

static gboolean
has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Without a driver somebody may want to talk to the server, so it stays in the terminal's
 * foreground. A signal that it then sends to its group reaches us too, and from a process that has
 * gone meanwhile nothing tells it from one that is meant for us: where there is no terminal, better
 * not.
 */
static gboolean
start_recorder(const GaitTrainRunOptions *options, Child *recorder, guint index, const char *trace,
               GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *backend = g_strdup_printf("--backend=%s", options->backend);

	g_ptr_array_add(argv, (char *)"sysgait");
	g_ptr_array_add(argv, (char *)"record");
	g_ptr_array_add(argv, (char *)"-q");
	if (!options->calm && index % 2 == 0)
		g_ptr_array_add(argv, (char *)"--perturb");
	else
		g_ptr_array_add(argv, backend);
	g_ptr_array_add(argv, (char *)"-o");
	g_ptr_array_add(argv, (char *)trace);
	g_ptr_array_add(argv, (char *)"--");
	for (char *const *argument = options->server; *argument; argument++)
		g_ptr_array_add(argv, *argument);
	g_ptr_array_add(argv, NULL);
	return spawn(recorder, "/proc/self/exe", (char *const *)argv->pdata, environ,
	             options->driver != NULL || !has_terminal(), error);
}

/* The server's pid once it runs; 0 where it is gone before or never comes. */
static pid_t
wait_for_server(Child *recorder, gboolean *is_broken_off)
{
	gint64 end_us = g_get_monotonic_time() + MAX_START_US;

	while (!is_gone(recorder) && g_get_monotonic_time() < end_us && !*is_broken_off) {
		g_autoptr(GArray) servers = g_array_new(FALSE, FALSE, sizeof(pid_t));

		find_servers(getpid(), 0, 0, servers);
		if (servers->len)
			return g_array_index(servers, pid_t, 0);
		*is_broken_off = wait_for_any(recorder, NULL, POLL_MS);
	}
	return 0;
}

static gboolean
start_driver(const GaitTrainRunOptions *options, Child *driver, guint index, pid_t server,
             GError **error)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)options->driver, NULL};
	g_auto(GStrv) environment = g_get_environ();
	char number[16];

	g_snprintf(number, sizeof number, "%u", index);
	environment = g_environ_setenv(environment, "SYSGAIT_RUN", number, TRUE);
	g_snprintf(number, sizeof number, "%d", server);
	environment = g_environ_setenv(environment, "SYSGAIT_PID", number, TRUE);
	return spawn(driver, "/bin/sh", argv, environment, FALSE, error);
}

static gboolean
check_driver(const Child *driver, guint index, GError **error)
{
	if (WIFEXITED(driver->status) && WEXITSTATUS(driver->status) == 0)
		return TRUE;
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_GONE,
	            "the driver ended with %s %d in run %u, which is not learned",
	            WIFEXITED(driver->status) ? "status" : "signal",
	            WIFEXITED(driver->status) ? WEXITSTATUS(driver->status)
	                                      : WTERMSIG(driver->status),
	            index);
	return FALSE;
}

/* Runs the driver to its end. */
static GaitTrainResult
drive(const GaitTrainRunOptions *options, Child *recorder, guint index, GError **error)
{
	g_auto(Child) driver = {.fd = -1};
	gboolean is_broken_off = FALSE;
	pid_t server = wait_for_server(recorder, &is_broken_off);

	if (is_broken_off)
		return GAIT_TRAIN_INTERRUPTED;
	if (!server) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_GONE,
		            "%s did not start, or ended before its driver began, in run %u",
		            options->server[0], index);
		return GAIT_TRAIN_FAILED;
	}
	if (!start_driver(options, &driver, index, server, error))
		return GAIT_TRAIN_FAILED;
	while (!is_gone(&driver))
		if (wait_for_any(&driver, NULL, -1)) {
			kill(driver.pid, SIGTERM);
			while (waitpid(driver.pid, NULL, 0) < 0 && errno == EINTR)
				continue;
			return GAIT_TRAIN_INTERRUPTED;
		}
	return check_driver(&driver, index, error) ? GAIT_TRAIN_DONE : GAIT_TRAIN_FAILED;
}

GaitTrainResult
gait_train_run(const GaitTrainRunOptions *options, guint index, const char *trace, GError **error)
{
	g_auto(Child) recorder = {.fd = -1};
	GaitTrainResult result = GAIT_TRAIN_DONE;
	gboolean is_killed;

	if (!start_recorder(options, &recorder, index, trace, error))
		return GAIT_TRAIN_FAILED;
	if (options->driver)
		result = drive(options, &recorder, index, error);
	while (!options->driver && result == GAIT_TRAIN_DONE && !is_gone(&recorder))
		if (wait_for_any(&recorder, NULL, -1))
			result = GAIT_TRAIN_INTERRUPTED;
	stop(options, &recorder, &is_killed);
	if (result != GAIT_TRAIN_DONE)
		return result;
	if (is_killed)
		fprintf(stderr,
		        "sysgait train: %s did not end within %u s and was killed: its shutdown is "
		        "not learned\n",
		        options->server[0], options->grace_s);
	if (access(trace, R_OK) == 0)
		return GAIT_TRAIN_DONE;
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_GONE, "run %u was not recorded", index);
	return GAIT_TRAIN_FAILED;
}
