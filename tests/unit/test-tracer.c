/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer on this very binary, started again with the name of an act. What an act does is known
 * call by call, so the reports can be compared with it.
 */
#include "learn/trace-filter.h"
#include "sysgait/error.h"
#include "sysgait/tracer.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- acts: run in the target; the exit status is 0 where all went as it must ---------------------
 */

#define N_CALLS 500

static int
call_n_times(void)
{
	for (int i = 0; i < N_CALLS; i++)
		syscall(SYS_getppid);
	return 0;
}

static void *
call_in_thread(void *data)
{
	call_n_times();
	return NULL;
}

static int
act_threads(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, call_in_thread, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int
reap(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, __WALL) == pid && status == 0 ? 0 : 1;
}

static int
act_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(call_n_times());
	return reap(pid);
}

static int
act_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_getppid);
		_exit(0);
	}
	return reap(pid);
}

static int
call_once(void *data)
{
	syscall(SYS_getppid);
	return 0;
}

static int
act_clone(void)
{
	static char stack[65536];

	/* Shares memory, is no thread, and tells nobody when it ends. */
	return reap(clone(call_once, stack + sizeof(stack), CLONE_VM, NULL));
}

static int
clone3_with(guint64 flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(call_n_times());
	/* The flags must be as they were. */
	return args.flags == flags ? reap(pid) : 1;
}

static int
act_clone3(void)
{
	return clone3_with(0);
}

static int
act_untraced(void)
{
	register long r8 __asm__("r8") = 0;
	register long r10 __asm__("r10") = 0;
	guint64 flags = CLONE_UNTRACED | SIGCHLD;
	pid_t pid;
	guint64 flags_after = flags;

	__asm__ volatile("syscall"
	                 : "=a"(pid), "+D"(flags_after)
	                 : "0"(SYS_clone), "S"(0L), "d"(0L), "r"(r8), "r"(r10)
	                 : "rcx", "r11", "memory");
	if (pid == 0)
		_exit(call_n_times());
	return reap(pid) || flags_after != flags || clone3_with(CLONE_UNTRACED);
}

static int
act_spawn(void)
{
	char *argv[] = {(char *)"/proc/self/exe", (char *)"--act", (char *)"calls", NULL};
	pid_t pid;

	return posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0 || reap(pid);
}

static void *
pause_in_thread(void *data)
{
	pause();
	return NULL;
}

static void *
exec_in_thread(void *data)
{
	execl("/proc/self/exe", "exe", "--act", "calls", NULL);
	_exit(1);
}

static int
act_exec_in_thread(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, i == 2 ? exec_in_thread : pause_in_thread, NULL);
	pause();
	return 1;
}

static int
act_daemon(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		if (fork() == 0) {
			g_usleep(20000); /* outlives both */
			call_n_times();
		}
		_exit(0);
	}
	return reap(pid);
}

static volatile int n_handled;

static void
on_signal(int signo)
{
	n_handled++;
	syscall(SYS_getppid); /* NOLINT(bugprone-signal-handler): it is nothing but the call */
}

static int
act_signals(void)
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, SIG_IGN);
	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &action, NULL);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGCHLD); /* default: nothing */
	kill(getpid(), SIGALRM);
	return n_handled == 2 ? 0 : 1;
}

static int
act_siginfo(void)
{
	union sigval value = {.sival_int = 4711};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, on_signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigqueue(getpid(), SIGUSR1, value);
	return sigwaitinfo(&set, &info) == SIGUSR1 && info.si_value.sival_int == 4711 &&
	               info.si_pid == getpid() && info.si_code == SI_QUEUE
	           ? 0
	           : 1;
}

/* A parent sees its child stop, go on, and be killed, as without a tracer. */
static int
act_group_stop(void)
{
	int status, go[2];
	pid_t pid;

	if (pipe(go) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		/* In an orphaned process group, as ours may be, SIGTSTP does nothing. */
		setpgid(0, 0);
		raise(SIGSTOP);
		/* Its parent has seen it go on: a new stop takes back that it did. */
		if (read(go[0], &status, 1) != 1)
			_exit(1);
		raise(SIGTSTP);
		for (;;)
			pause();
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGSTOP)
		return 2;
	g_usleep(20000);
	if (waitpid(pid, &status, WUNTRACED | WNOHANG) != 0)
		return 3;
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
		return 4;
	if (write(go[1], "", 1) != 1 || waitpid(pid, &status, WUNTRACED) != pid ||
	    WSTOPSIG(status) != SIGTSTP)
		return 5;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL ? 0 : 6;
}

static int
act_int80(void)
{
	long pid;

	__asm__ volatile("int $0x80" : "=a"(pid) : "0"(64) : "memory", "r8", "r9", "r10", "r11");
	return pid == getppid() || pid == -ENOSYS ? 0 : 1;
}

static int
act_own_filter(void)
{
	/* Refused by the program's own filter, and yet an entry. */
	struct {
		unsigned short len;
		const void *filter;
	} program;
	const struct {
		guint16 code;
		guint8 jt, jf;
		guint32 k;
	} filter[] = {
	    {0x20, 0, 0, 0},                  /* A = nr */
	    {0x15, 0, 1, SYS_getppid},        /* getppid? */
	    {0x06, 0, 0, 0x00050000 | EPERM}, /* errno */
	    {0x06, 0, 0, 0x7fff0000},         /* allow */
	};

	program.len = G_N_ELEMENTS(filter);
	program.filter = filter;
	syscall(SYS_prctl, 38 /* NO_NEW_PRIVS */, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, 1, 0, &program) != 0)
		return 1;
	return syscall(SYS_getppid) == -1 && errno == EPERM ? 0 : 1;
}

static int
act_wait(void)
{
	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, pause_in_thread, NULL);
	}
	signal(SIGUSR1, on_signal);
	while (n_handled == 0)
		syscall(SYS_getppid), g_usleep(1000);
	return 42;
}

static const struct {
	const char *name;
	int (*run)(void);
} acts[] = {
    {"calls", call_n_times},
    {"threads", act_threads},
    {"fork", act_fork},
    {"vfork", act_vfork},
    {"clone", act_clone},
    {"clone3", act_clone3},
    {"untraced", act_untraced},
    {"spawn", act_spawn},
    {"exec-in-thread", act_exec_in_thread},
    {"daemon", act_daemon},
    {"signals", act_signals},
    {"siginfo", act_siginfo},
    {"group-stop", act_group_stop},
    {"int80", act_int80},
    {"own-filter", act_own_filter},
    {"wait", act_wait},
};

static int
run_act(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(acts); i++)
		if (strcmp(acts[i].name, name) == 0)
			return acts[i].run();
	return 99;
}

/* --- what the tracer said ------------------------------------------------------------------------
 */

typedef struct {
	GString *log;  /* lifecycle, a letter each */
	guint n_calls; /* getppid, native */
	guint n_foreign;
	guint n_tasks;
	guint n_sigreturn;
	guint64 alternate;
	GaitTracer *tracer;
} Report;

static void
on_created(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data)
{
	Report *report = data;

	report->n_tasks++;
	g_assert_null(task->data);
	task->data = report;
	g_assert_true(!parent || parent->data == report);
	if (!parent)
		g_string_append_c(report->log, task->flags & GAIT_TASK_JOINED ? 'J' : 'R');
	else if (task->flags & GAIT_TASK_THREAD)
		g_string_append_c(report->log, 't');
	else
		g_string_append_c(report->log, task->flags & GAIT_TASK_VFORK ? 'v' : 'f');
	if (parent) {
		g_assert_cmpint(task->pid == parent->pid, ==,
		                (task->flags & GAIT_TASK_THREAD) != 0);
		g_assert_true((task->space == parent->space) ==
		              ((task->flags & (GAIT_TASK_THREAD | GAIT_TASK_VFORK)) != 0));
	}
}

static void
on_syscall(GaitTracer *tracer, GaitTask *task, const struct user_regs_struct *registers,
           gpointer data)
{
	Report *report = data;
	guint32 arch = gait_tracer_get_arch(tracer, task, registers);

	g_assert_true(task->data == report);
	if (arch != AUDIT_ARCH_X86_64)
		report->n_foreign++;
	else if (registers->orig_rax == SYS_getppid)
		report->n_calls++;
}

static void
on_executed(GaitTracer *tracer, GaitTask *task, gpointer data)
{
	g_assert_true(task->tid == task->pid);
	g_string_append_c(((Report *)data)->log, 'x');
}

static void
on_signalled(GaitTracer *tracer, GaitTask *task, int signo,
             const struct user_regs_struct *registers, gpointer data)
{
	Report *report = data;

	g_string_append_printf(report->log, "<%d>", signo);
	g_assert_cmpuint(task->signal_frame.interrupted_sp, ==, registers->rsp);
	if (task->signal_frame.stack_base != 0)
		report->alternate = task->signal_frame.stack_base;
	else
		g_assert_cmpuint(task->signal_frame.sp, <, registers->rsp);
}

static void
on_exited(GaitTracer *tracer, GaitTask *task, int status, gpointer data)
{
	Report *report = data;

	g_assert_true(task->data == report);
	report->n_tasks--;
	g_string_append_c(report->log, status == -1 ? '?' : '.');
}

static const GaitTracerCallbacks callbacks = {
    .created = on_created,
    .syscall = on_syscall,
    .executed = on_executed,
    .signalled = on_signalled,
    .exited = on_exited,
};

/* Runs an act; returns its wait status. */
static int
trace(const char *act, GaitTraceSyscalls syscalls, gboolean with_poll, Report *report)
{
	const char *argv[] = {"/proc/self/exe", "--act", act, NULL};
	g_autoptr(GaitModules) modules = gait_modules_new(NULL);
	g_autoptr(GaitTracer) tracer = gait_tracer_new(modules, syscalls, &callbacks, report);
	GError *error = NULL;

	*report = (Report){.log = g_string_new(NULL), .tracer = tracer};
	gait_tracer_launch(tracer, argv,
	                   syscalls == GAIT_TRACE_SYSCALLS_SECCOMP ? gait_trace_filter_install
	                                                           : NULL,
	                   NULL, &error);
	g_assert_no_error(error);
	while (gait_tracer_iterate(tracer, NULL, 0, with_poll ? 1000 : -1, &error))
		;
	g_assert_no_error(error);
	g_assert_cmpuint(report->n_tasks, ==, 0);
	return gait_tracer_get_root_status(tracer);
}

typedef struct {
	const char *act;
	guint n_calls;
	const char *log;
	gboolean is_unordered; /* threads: the log is compared as a set */
} Expected;

static const Expected expected[] = {
    {"calls", N_CALLS, "R.", FALSE},
    {"threads", 8 * N_CALLS, "Rtttttttt.........", TRUE},
    {"fork", N_CALLS, "Rf..", FALSE},
    {"vfork", 1, "Rv..", FALSE},
    {"clone", 1, "Rv..", FALSE},
    {"clone3", N_CALLS, "Rf..", FALSE},
    {"untraced", 2 * N_CALLS, "Rf.f..", FALSE},
    {"spawn", N_CALLS, "Rvx..", FALSE},
    {"exec-in-thread", N_CALLS, "Rttt..?x.", TRUE},
    {"daemon", N_CALLS, "Rff...", TRUE},
    {"signals", 2, "R<10><14>.", FALSE},
    {"siginfo", 0, "R.", FALSE},
    {"group-stop", 0, "Rf..", FALSE},
    {"own-filter", 1, "R.", FALSE},
};

static int
compare_chars(gconstpointer a, gconstpointer b)
{
	return *(const char *)a - *(const char *)b;
}

static char *
sort_chars(const char *text)
{
	char *sorted = g_strdup(text);

	qsort(sorted, strlen(sorted), 1, compare_chars);
	return sorted;
}

static void
check_expected(const Expected *test, const Report *report)
{
	g_autofree char *sorted = sort_chars(report->log->str);
	g_autofree char *wanted = sort_chars(test->log);

	g_assert_cmpuint(report->n_calls, ==, test->n_calls);
	if (test->is_unordered)
		g_assert_cmpstr(sorted, ==, wanted);
	else
		g_assert_cmpstr(report->log->str, ==, test->log);
}

static void
test_expected(gconstpointer data)
{
	const Expected *test = data;

	for (int i = 0; i < 3; i++) {
		/* SIGCHLD of children with nothing to handle it makes no event, so logs are exact.
		 */
		GaitTraceSyscalls syscalls =
		    i == 2 ? GAIT_TRACE_SYSCALLS_PTRACE : GAIT_TRACE_SYSCALLS_SECCOMP;
		Report report;

		g_assert_cmpint(trace(test->act, syscalls, i == 1, &report), ==, 0);
		check_expected(test, &report);
		if (strcmp(test->act, "signals") == 0)
			g_assert_cmpuint(report.alternate, !=, 0);
		g_string_free(report.log, TRUE);
	}
}

static void
test_lifecycle_only(void)
{
	Report report;

	g_assert_cmpint(trace("spawn", GAIT_TRACE_SYSCALLS_NONE, FALSE, &report), ==, 0);
	g_assert_cmpstr(report.log->str, ==, "Rvx..");
	g_assert_cmpuint(report.n_calls, ==, 0);
	g_string_free(report.log, TRUE);
}

static void
test_foreign(void)
{
	Report report;

	g_assert_cmpint(trace("int80", GAIT_TRACE_SYSCALLS_SECCOMP, FALSE, &report), ==, 0);
	g_assert_cmpuint(report.n_foreign, ==, 1);
	g_string_free(report.log, TRUE);
}

static void
test_not_found(void)
{
	static const struct {
		const char *program;
		int status;
	} programs[] = {
	    {"/nonexistent/program", 127}, {"no-such-program-anywhere", 127}, {"/", 126}};

	for (guint i = 0; i < G_N_ELEMENTS(programs); i++) {
		const char *argv[] = {programs[i].program, NULL};
		g_autoptr(GaitModules) modules = gait_modules_new(NULL);
		g_autoptr(GaitTracer) tracer =
		    gait_tracer_new(modules, GAIT_TRACE_SYSCALLS_SECCOMP, &callbacks, NULL);
		g_autoptr(GError) error = NULL;

		g_assert_false(
		    gait_tracer_launch(tracer, argv, gait_trace_filter_install, NULL, &error));
		g_assert_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_EXEC);
		g_assert_nonnull(strstr(error->message, programs[i].program));
		g_assert_cmpint(gait_tracer_get_exec_status(tracer), ==, programs[i].status);
	}
}

/* Joining a process with threads, and letting go of it: it goes on and ends as it would. */
static void
test_attach(void)
{
	const char *argv[] = {"/proc/self/exe", "--act", "wait", NULL};
	g_autoptr(GaitModules) modules = gait_modules_new(NULL);
	g_autoptr(GaitTracer) tracer = NULL;
	Report report = {.log = g_string_new(NULL)};
	GError *error = NULL;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(98);
	}
	g_usleep(100000);
	tracer = gait_tracer_new(modules, GAIT_TRACE_SYSCALLS_PTRACE, &callbacks, &report);
	gait_tracer_attach(tracer, pid, &error);
	g_assert_no_error(error);
	while (report.n_calls < 20 && gait_tracer_iterate(tracer, NULL, 0, 1000, &error))
		;
	g_assert_cmpstr(report.log->str, ==, "JJJJ");
	gait_tracer_detach_all(tracer);
	g_assert_cmpuint(report.n_tasks, ==, 0);
	g_assert_cmpstr(report.log->str, ==, "JJJJ????");
	g_usleep(20000);
	g_assert_cmpint(waitpid(pid, &status, WNOHANG), ==, 0);
	kill(pid, SIGUSR1);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(WEXITSTATUS(status), ==, 42);
	g_string_free(report.log, TRUE);
}

static gint n_woken;

static gpointer
wake_later(gpointer tracer)
{
	g_usleep(g_random_int_range(0, 2000));
	g_atomic_int_inc(&n_woken);
	gait_tracer_wake(tracer);
	return NULL;
}

static void
test_wake(void)
{
	const char *argv[] = {"/bin/sleep", "1000", NULL};
	g_autoptr(GaitModules) modules = gait_modules_new(NULL);
	Report report = {.log = g_string_new(NULL)};
	g_autoptr(GaitTracer) tracer =
	    gait_tracer_new(modules, GAIT_TRACE_SYSCALLS_SECCOMP, &callbacks, &report);
	GError *error = NULL;

	gait_tracer_launch(tracer, argv, gait_trace_filter_install, NULL, &error);
	g_assert_no_error(error);
	/* Each iteration that finds nothing to do sleeps until it is woken. */
	for (int i = 0; i < 20; i++) {
		GThread *thread = g_thread_new("wake", wake_later, tracer);

		while (g_atomic_int_get(&n_woken) <= i)
			g_assert_true(gait_tracer_iterate(tracer, NULL, 0, -1, &error));
		g_thread_join(thread);
	}
	gait_tracer_kill_all(tracer);
	while (gait_tracer_iterate(tracer, NULL, 0, -1, &error))
		;
	g_assert_cmpint(WTERMSIG(gait_tracer_get_root_status(tracer)), ==, SIGKILL);
	g_string_free(report.log, TRUE);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--act") == 0)
		return run_act(argv[2]);
	unit_init(argc, argv);
	/* For acts: LeakSanitizer traces by itself, which a traced program cannot. */
	g_setenv("ASAN_OPTIONS", "detect_leaks=0", TRUE);
	/* A directory that may not be searched makes "not found" into "not permitted". */
	g_setenv("PATH", "/usr/bin:/bin", TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		g_autofree char *path = g_strdup_printf("/tracer/%s", expected[i].act);

		g_test_add_data_func(path, &expected[i], test_expected);
	}
	g_test_add_func("/tracer/lifecycle-only", test_lifecycle_only);
	g_test_add_func("/tracer/int80", test_foreign);
	g_test_add_func("/tracer/not-found", test_not_found);
	g_test_add_func("/tracer/attach", test_attach);
	g_test_add_func("/tracer/wake", test_wake);
	return g_test_run();
}
