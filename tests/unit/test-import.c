/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strace importer: logs by hand, and the events they must become. An event is written as
 * task:what, calls with their class and, where there are stacks, library and site.
 */
#include "unit.h"

#include "learn/import-strace.h"
#include "learn/trace.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <glib/gstdio.h>
#include <linux/audit.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	const char *name, *log, *events;
	const char *error; /* part of the message; events is then not looked at */
	gboolean is_partial;
} Case;

#define START "1 execve(\"/bin/x\", [\"x\", \"-v\"], 0x7ffd /* 3 vars */) = 0\n"
#define END   "1 +++ exited with 0 +++\n"
#define CLONE "clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f"

static const Case cases[] = {
    {.name = "one task",
     .log = START "1 brk(NULL) = 0x55\n"
                  "1 openat(AT_FDCWD, \"/x\", O_RDWR|O_CLOEXEC) = -1 ENOENT (No such file)\n" END,
     .events = "0:start(/bin/x) 0:brk 0:openat(O_RDWR) 0:exit(0)"},
    {.name = "CRLF",
     .log = "1 execve(\"/bin/x\", [\"x\"], 0x7) = 0\r\n1 brk(NULL) = 0x55\r\n"
            "1 +++ exited with 3 +++\r\n",
     .events = "0:start(/bin/x) 0:brk 0:exit(768)"},
    {.name = "Latin-1",
     .log = "1 execve(\"/bin/\xfc\\344\", [\"\xfc\"], 0x7) = 0\n1 stat(\"\xe4(\", {}) = 0\n" END,
     .events = "0:start(/bin/\\xfc\\xe4) 0:stat 0:exit(0)"},
    {.name = "without pid",
     .log = "execve(\"/bin/x\", [\"x\"], 0x7 /* 3 vars */) = 0\nbrk(NULL) = 0x55\n"
            "exit_group(2)                           = ?\n+++ exited with 2 +++\n",
     .events = "0:start(/bin/x) 0:brk 0:exit_group 0:exit(512)"},
    {.name = "killed",
     .log = START "1 pause( <unfinished ...>\n1 <... pause resumed>) = ?\n"
                  "1 +++ killed by SIGSEGV (core dumped) +++\n",
     .events = "0:start(/bin/x) 0:pause 0:exit(139)"},
    {.name = "clock and number and address",
     .log = "1 05:46:13.591939 [  59] [00007f94843d0ad7] execve(\"/bin/x\", [\"x\"], 0x7) = 0\n"
            "1 05:46:13.591940 [  12] [00007f94843d0ad7] brk(NULL) = 0x55 <0.000005>\n"
            "1 05:46:13.591941 [????????????????] +++ exited with 0 +++\n",
     .events = "0:start(/bin/x) 0:brk 0:exit(0)"},
    {.name = "entry order of unfinished calls",
     .log = START "1 " CLONE ") = 2\n"
                  "2 read(3,  <unfinished ...>\n1 write(4, \"x\", 1) = 1\n"
                  "2 <... read resumed>\"x\", 1) = 1\n2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:clone(CLONE_CHILD_SETTID) 0:fork(1,2/2) 1:read 0:write 1:exit(0) "
               "0:exit(0)"},
    {.name = "child before its creation returns",
     .log = START "1 " CLONE " <unfinished ...>\n2 getpid() = 2\n2 getppid( <unfinished ...>\n"
                  "1 <... clone resumed>) = 2\n2 <... getppid resumed>) = 1\n"
                  "2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:clone(CLONE_CHILD_SETTID) 0:fork(1,2/2) 1:getpid 1:getppid "
               "1:exit(0) 0:exit(0)"},
    {.name = "child gone before its creation returns",
     .log = START "1 " CLONE " <unfinished ...>\n2 getpid() = 2\n2 +++ exited with 0 +++\n"
                  "1 <... clone resumed>) = 2\n" END,
     .events = "0:start(/bin/x) 0:clone(CLONE_CHILD_SETTID) 0:fork(1,2/2) 1:getpid 1:exit(0) "
               "0:exit(0)"},
    {.name = "thread gone before its creation returns",
     .log = START "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD}, 88 <unfinished ...>\n"
                  "2 gettid() = 2\n2 +++ exited with 0 +++\n1 <... clone3 resumed>) = 2\n"
                  "1 execve(\"/bin/y\", [\"y\"], 0x7) = 0\n" END,
     .events = "0:start(/bin/x) 0:clone3 0:thread(1,1/2) 1:gettid 1:exit(0) 0:execve "
               "0:exec(/bin/y) 0:exit(0)"},
    {.name = "grandchild before both",
     .log = START "1 " CLONE " <unfinished ...>\n2 fork( <unfinished ...>\n3 getpid() = 3\n"
                  "2 <... fork resumed>) = 3\n3 +++ exited with 0 +++\n"
                  "1 <... clone resumed>) = 2\n2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:clone(CLONE_CHILD_SETTID) 0:fork(1,2/2) 1:fork 1:fork(2,3/3) "
               "2:getpid 2:exit(0) 1:exit(0) 0:exit(0)"},
    {.name = "thread",
     .log = START "1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, child_tid=0x7f}"
                  " => {parent_tid=[2]}, 88) = 2\n2 gettid() = 2\n2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:clone3 0:thread(1,1/2) 1:gettid 1:exit(0) 0:exit(0)"},
    {.name = "vfork and exec",
     .log = START "1 vfork( <unfinished ...>\n"
                  "2 execve(\"/bin/none\", [\"y\"], 0x7) = -1 ENOENT (No such file)\n"
                  "2 execve(\"/bin/y\", [\"y\"], 0x7 <unfinished ...>\n"
                  "1 <... vfork resumed>) = 2\n2 <... execve resumed>) = 0\n2 brk(NULL) = 0x5\n"
                  "2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:vfork 0:vfork(1,2/2) 1:execve 1:execve 1:exec(/bin/y) 1:brk "
               "1:exit(0) 0:exit(0)"},
    {.name = "pid as in a namespace",
     .log = START "1 " CLONE ") = 2 /* 70 in strace's PID NS */\n70 getpid() = 2\n"
                  "70 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:clone(CLONE_CHILD_SETTID) 0:fork(1,70/70) 1:getpid 1:exit(0) "
               "0:exit(0)"},
    {.name = "exec in a thread",
     .log = START "1 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 2\n1 futex(0x7, FUTEX_WAIT, 1 "
                  "<unfinished ...>\n2 execve(\"/bin/y\", [\"y\"], 0x7 <unfinished ...>\n"
                  "1 <... futex resumed>) = ?\n1 +++ superseded by execve in pid 2 +++\n"
                  "1 <... execve resumed>) = 0\n1 brk(NULL) = 0x5\n" END,
     .events = "0:start(/bin/x) 0:clone3 0:thread(1,1/2) 0:futex(FUTEX_WAIT) 1:execve 0:exit(-1) "
               "1:exec(/bin/y) 1:brk 1:exit(0)"},
    {.name = "exec ends the other threads",
     .log = START "1 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 2\n2 gettid() = 2\n"
                  "1 execve(\"/bin/y\", [\"y\"], 0x7) = 0\n" END,
     .events =
         "0:start(/bin/x) 0:clone3 0:thread(1,1/2) 1:gettid 0:execve 1:exit(-1) 0:exec(/bin/y) "
         "0:exit(0)"},
    {.name = "handlers only",
     .log = START "1 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
                  "1 rt_sigaction(SIGCHLD, {sa_handler=0x55, sa_mask=[]}, NULL, 8) = 0\n"
                  "1 rt_sigaction(SIGUSR1, NULL, {sa_handler=0x55}, 8) = 0\n"
                  "1 rt_sigaction(SIGKILL, {sa_handler=0x55}, NULL, 8) = -1 EINVAL (Invalid)\n"
                  "1 --- SIGCHLD {si_signo=SIGCHLD} ---\n1 rt_sigreturn({mask=[]}) = 0\n"
                  "1 --- SIGUSR1 {} ---\n1 --- stopped by SIGSTOP ---\n"
                  "1 rt_sigaction(SIGCHLD, {sa_handler=SIG_IGN}, {sa_handler=0x55}, 8) = 0\n"
                  "1 --- SIGCHLD {} ---\n" END,
     .events = "0:start(/bin/x) 0:rt_sigaction 0:rt_sigaction 0:rt_sigaction 0:signal(17) "
               "0:rt_sigreturn 0:rt_sigaction 0:exit(0)"},
    {.name = "handlers that were there before",
     .log = "1 pause() = ? ERESTARTNOHAND (To be restarted)\n1 --- SIGUSR1 {} ---\n"
            "1 rt_sigreturn({mask=[]}) = -1 EINTR (Interrupted)\n1 --- SIGUSR1 {} ---\n" END,
     .events = "0:joined([unknown]) 0:pause 0:rt_sigreturn 0:signal(10) 0:exit(0)"},
    {.name = "joined, and left again",
     .log = "7 <... poll resumed>) = 1\n"
            "7 read(3, \"\", 1) = 0\n7 poll([{fd=3}], 1, -1 <detached ...>\n",
     .events = "0:joined([unknown]) 0:read 0:poll"},
    {.name = "threads that were let go",
     .log = "7 read(3, \"\", 1 <unfinished ...>\n8 poll([{fd=3}], 1, -1 <detached ...>\n",
     .events = "0:joined([unknown]) 0:read 1:joined([unknown]) 1:poll"},
    {.name = "a program without a name",
     .log = "1 execve(\"\", [], 0x7) = 0\n1 execve(\" (deleted)\", [], 0x7) = 0\n" END,
     .events = "0:start([unknown]) 0:execve 0:exec([unknown]) 0:exit(0)"},
    {.name = "output like a stack",
     .log = "execve(\"/bin/x\", [\"x\"], 0x7) = 0\n > quoted\nbrk(NULL) = 0\n"
            "+++ exited with 0 +++\n",
     .events = "0:start(/bin/x) 0:brk 0:exit(0)"},
    {.name = "never ends",
     .log = START "1 brk(NULL) = 0x55\n",
     .events = "0:start(/bin/x) 0:brk",
     .is_partial = TRUE},
    {.name = "last line cut",
     .log = START "1 brk(NULL) = 0x55\n1 openat(AT_FDCWD, \"/et",
     .events = "0:start(/bin/x) 0:brk",
     .is_partial = TRUE},
    {.name = "terminal",
     .log = "execve(\"/bin/x\", [\"x\"], 0x7) = 0\n"
            "hello from the program\n"
            "write(1, \"a\\nb\\n\", 4a\nb\n)                   = 4\n" CLONE
            "strace: Process 2 attached\n) = 2\n"
            "[pid     2] getpid() = 2\n[pid     1] getppid() = 0\n"
            "[pid     2] +++ exited with 0 +++\n+++ exited with 0 +++\n",
     .events =
         "0:start(/bin/x) 0:write 0:clone(CLONE_CHILD_SETTID) 0:fork(1,2/2) 1:getpid 0:getppid "
         "1:exit(0) 0:exit(0)"},
    {.name = "torn and given up",
     .log = "execve(\"/bin/x\", [\"x\"], 0x7) = 0\nopenat(AT_FDCWD, \"/x\nbrk(NULL) = 0x5\n"
            "+++ exited with 0 +++\n",
     .events = "0:start(/bin/x) 0:lost(1) 0:brk 0:exit(0)"},
    {.name = "unknown call",
     .log = START "1 frobnicate(1, 2) = 0\n1 syscall_0x1f3(1, 2) = -1 ENOSYS (Not there)\n" END,
     .events = "0:start(/bin/x) 0:lost(1) 0:syscall_499 0:exit(0)"},
    {.name = "strings that look like the end",
     .log = START "1 write(1, \") = 5 <unfinished ...>\", 22) = 22\n"
                  "1 read(3</a) = b, \">, \"x\", 1) = 1\n"
                  "1 openat(AT_FDCWD, \"a\\\\\", O_RDONLY) = 3</a> <0.1>\n" END,
     .events = "0:start(/bin/x) 0:write 0:read 0:openat(O_RDONLY) 0:exit(0)"},
    {.name = "32 bit",
     .log = START "strace: [ Process PID=1 runs in 32 bit mode. ]\n1 mmap2(NULL, 1) = 0\n" END,
     .events = "0:start(/bin/x) 0:foreign(192) 0:exit(0)"},
    {.name = "names of programs",
     .log = "1<x> 05:46:13 (+     0.000028) execve(\"/bin/x\", [\"x\"], 0x7) = 0\n"
            "1<x> 05:46:13 (+     0.000005) kill(1<x>, SIGTERM) = 0\n"
            "1<x> 05:46:13 (+     0.000005) +++ exited with 0 +++\n",
     .events = "0:start(/bin/x) 0:kill(SIGTERM) 0:exit(0)"},
    {.name = "stacks",
     .log = START " > /lib/ld-linux-x86-64.so.2(_start+0x3) [0x10]\n"
                  "1 brk(NULL) = 0x55\n"
                  " > /lib/ld-linux-x86-64.so.2(_dl_x+0x3) [0x20]\n"
                  "1 write(1, \"x\", 1) = 1\n"
                  " > /lib/libc.so.6(__write+0x4d) [0xf7190]\n"
                  " > /opt/a (b)/libq.so(void q::f<int (*)()>(int)+0x4) [0x1234]\n"
                  " > /bin/x(main+0x5) [0x99]\n"
                  "1 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 2\n"
                  " > /lib/libc.so.6(clone3+0x4d) [0xf0000]\n"
                  "2 futex(0x7, FUTEX_WAIT, 1) = 0\n"
                  " > unexpected_backtracing_error [0x7f123]\n"
                  "2 exit(0) = ?\n2 +++ exited with 0 +++\n"
                  " > /lib/libc.so.6(exit+0x4d) [0xf0010]\n > /bin/x() [0x70]\n" END,
     .events = "0:start(/bin/x) 0:brk@ld-linux-x86-64.so.2+20 0:write@libq.so+1234 "
               "0:clone3@[unknown]+0 0:thread(1,1/2) 1:futex(FUTEX_WAIT)@[unknown]+0 1:exit@x+70 "
               "1:exit(0) 0:exit(0)"},
    {.name = "stacks of unfinished calls",
     .log = START " > /lib/libc.so.6(a+0x1) [0x1]\n"
                  "1 vfork( <unfinished ...>\n2 getpid() = 2\n > /lib/libc.so.6(getpid+0x1) [0x2]\n"
                  " > /bin/x(f+0x1) [0x3]\n1 <... vfork resumed>) = 2\n"
                  " > /lib/libc.so.6(vfork+0x1) [0x4]\n > /bin/x(g+0x1) [0x5]\n"
                  "2 +++ exited with 0 +++\n" END,
     .events = "0:start(/bin/x) 0:vfork@x+5 0:vfork(1,2/2) 1:getpid@x+3 1:exit(0) 0:exit(0)"},
    {.name = "stack after a handler",
     .log = START " > /lib/libc.so.6(a+0x1) [0x1]\n1 rt_sigreturn({mask=[]}) = 0\n"
                  " > /lib/libc.so.6(b+0x1) [0x2]\n > /bin/x(f+0x1) [0x3]\n" END,
     .events = "0:start(/bin/x) 0:rt_sigreturn@[unknown]+0 0:exit(0)"},
    {.name = "static program",
     .log = START "1 write(1, \"x\", 1) = 1\n > /bin/x(__write+0x10) [0x10]\n"
                  " > /bin/x(__write+0x30) [0x30]\n > /bin/x(main+0x5) [0x99]\n" END,
     .events = "0:start(/bin/x) 0:write@x+99 0:exit(0)"},
    {.name = "damaged",
     .log = START "1 this is not strace\n" END,
     .error = "log:2: not understood"},
    {.name = "torn file",
     .log = START "1 openat(AT_FDCWD, \"/x\n1 brk(NULL) = 0\n" END,
     .error = "log:2: 'openat' has no end"},
    {.name = "goes on without beginning",
     .log = START "1 brk(NULL) = 0\n1 <... read resumed>) = 0\n",
     .error = "log:3: 'read' of pid 1 goes on, but it never began"},
    {.name = "nothing", .log = "", .error = "not an strace log"},
    {.name = "something else", .log = "{\"version\": 1}\nhello\n", .error = "not an strace log"},
};

static void
append_call(GString *out, const GaitTraceReader *reader, const GaitShape *shape)
{
	const GaitTraceStack *stack;

	if (shape->arch == AUDIT_ARCH_X86_64)
		gait_syscall_format(out, shape->nr, shape->klass);
	else
		g_string_append_printf(out, "foreign(%u)", shape->nr);
	if (shape->stack == G_MAXUINT32)
		return;
	stack = gait_trace_reader_get_stack(reader, shape->stack);
	g_string_append_printf(
	    out, "@%s+%" G_GINT64_MODIFIER "x",
	    gait_text_basename(
	        gait_trace_reader_get_module(reader, stack->frames[stack->site].module)->path),
	    stack->frames[stack->site].offset);
}

static void
append_program(GString *out, const GaitTraceReader *reader, const char *what, guint32 program)
{
	g_string_append_printf(out, "%s(", what);
	gait_text_append(out, gait_trace_reader_get_module(reader, program)->path);
	g_string_append_c(out, ')');
}

static void
append_event(GString *out, const GaitTraceReader *reader, const GaitEvent *event)
{
	g_string_append_printf(out, "%s%u:", out->len ? " " : "", event->task);
	switch (event->kind) {
	case GAIT_EVENT_SYSCALL:
		append_call(out, reader, gait_trace_reader_get_shape(reader, event->shape));
		break;
	case GAIT_EVENT_START:
		append_program(out, reader, event->flags & GAIT_TASK_JOINED ? "joined" : "start",
		               event->program);
		break;
	case GAIT_EVENT_FORK:
		g_string_append_printf(out, "%s(%u,%d/%d)",
		                       event->flags & GAIT_TASK_THREAD  ? "thread"
		                       : event->flags & GAIT_TASK_VFORK ? "vfork"
		                                                        : "fork",
		                       event->child, event->pid, event->tid);
		break;
	case GAIT_EVENT_EXEC:
		append_program(out, reader, "exec", event->program);
		break;
	case GAIT_EVENT_SIGNAL:
		g_string_append_printf(out, "signal(%d)", event->signo);
		break;
	case GAIT_EVENT_EXIT:
		g_string_append_printf(out, "exit(%d)", event->status);
		break;
	case GAIT_EVENT_LOST:
		g_string_append_printf(out, "lost(%u)", (guint)event->count);
		break;
	case GAIT_EVENT_UNWIND:
	case GAIT_EVENT_N_:
		g_assert_not_reached();
	}
}

static char *
describe(const char *path, gboolean *is_complete)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, &error);
	GString *out = g_string_new(NULL);
	GaitEvent event;

	g_assert_no_error(error);
	while (gait_trace_reader_next(reader, &event, &error) == GAIT_READ_EVENT)
		append_event(out, reader, &event);
	g_assert_no_error(error);
	*is_complete = gait_trace_reader_is_complete(reader);
	return g_string_free(out, FALSE);
}

static char *
temporary_path(void)
{
	char *path = NULL;
	int fd = g_file_open_tmp("gait-import-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	return path;
}

static void
test_case(gconstpointer data)
{
	const Case *test = data;
	g_autofree char *path = temporary_path(), *events = NULL;
	g_autoptr(GaitStraceInput) input =
	    gait_strace_input_new_for_data("log", test->log, strlen(test->log));
	GaitImportOptions options = {.output = path, .is_foreign = TRUE};
	GaitImportReport report = {0};
	g_autoptr(GError) error = NULL;
	gboolean is_complete;

	if (test->error) {
		g_assert_false(gait_import_strace(input, &options, &report, &error));
		g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED);
		g_assert_nonnull(strstr(error->message, test->error));
	} else {
		gait_import_strace(input, &options, &report, &error);
		g_assert_no_error(error);
		events = describe(path, &is_complete);
		g_assert_cmpstr(events, ==, test->events);
		g_assert_cmpint(is_complete, ==, !test->is_partial);
		g_assert_cmpint(report.is_complete, ==, !test->is_partial);
	}
	gait_import_report_clear(&report);
	g_unlink(path);
}

/* Logs of -ff are merged by time, whatever order they are named in; without time by pid. */
static void
check_files(const char *const *logs, const char *expected)
{
	g_autofree char *directory = g_dir_make_tmp("gait-import-XXXXXX", NULL);
	g_autofree char *second = g_build_filename(directory, "log.2", NULL);
	g_autofree char *first = g_build_filename(directory, "log.1", NULL);
	g_autofree char *output = g_build_filename(directory, "out", NULL), *events = NULL;
	const char *const paths[] = {second, first};
	GaitImportOptions options = {.output = output, .is_foreign = TRUE};
	GaitImportReport report = {0};
	g_autoptr(GaitStraceInput) input = NULL;
	g_autoptr(GError) error = NULL;
	gboolean is_complete;

	g_assert_true(g_file_set_contents(first, logs[0], -1, NULL));
	g_assert_true(g_file_set_contents(second, logs[1], -1, NULL));
	input = gait_strace_input_new(paths, 2, &error);
	g_assert_no_error(error);
	gait_import_strace(input, &options, &report, &error);
	g_assert_no_error(error);
	events = describe(output, &is_complete);
	g_assert_cmpstr(events, ==, expected);
	g_assert_true(is_complete);
	gait_import_report_clear(&report);
	g_unlink(first);
	g_unlink(second);
	g_unlink(output);
	g_rmdir(directory);
}

static void
test_files(void)
{
	static const char *const timed[] = {
	    "1700000000.000001 execve(\"/bin/x\", [\"x\"], 0x7) = 0\n"
	    "1700000000.000002 fork() = 2\n1700000000.000004 brk(NULL) = 0\n"
	    "1700000000.000006 +++ exited with 0 +++\n",
	    "1700000000.000003 getpid() = 2\n1700000000.000005 +++ exited with 0 +++\n"};
	static const char *const untimed[] = {"execve(\"/bin/x\", [\"x\"], 0x7) = 0\nfork() = 2\n"
	                                      "brk(NULL) = 0\n+++ exited with 0 +++\n",
	                                      "getpid() = 2\n+++ exited with 0 +++\n"};

	check_files(timed,
	            "0:start(/bin/x) 0:fork 0:fork(1,2/2) 1:getpid 0:brk 1:exit(0) 0:exit(0)");
	check_files(untimed,
	            "0:start(/bin/x) 0:fork 0:fork(1,2/2) 0:brk 0:exit(0) 1:getpid 1:exit(0)");
}

/* Times are those of the entry, and go on past midnight. */
static void
test_times(void)
{
	static const char log[] = "1 23:59:59.500000 execve(\"/bin/x\", [\"x\"], 0x7) = 0\n"
	                          "1 23:59:59.750000 pause( <unfinished ...>\n"
	                          "1 00:00:01.000000 <... pause resumed>) = ?\n"
	                          "1 00:00:01.250000 +++ exited with 0 +++\n";
	static const guint64 times[] = {0, 250000000, 1750000000};
	g_autofree char *path = temporary_path();
	g_autoptr(GaitStraceInput) input = gait_strace_input_new_for_data("log", log, strlen(log));
	GaitImportOptions options = {.output = path, .is_foreign = TRUE};
	GaitImportReport report = {0};
	g_autoptr(GaitTraceReader) reader = NULL;
	GaitEvent event;

	g_assert_true(gait_import_strace(input, &options, &report, NULL));
	reader = gait_trace_reader_new(path, NULL);
	g_assert_true(gait_trace_reader_get_info(reader)->has_times);
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		g_assert_cmpint(gait_trace_reader_next(reader, &event, NULL), ==, GAIT_READ_EVENT);
		g_assert_cmpuint(event.time_ns, ==, times[i]);
	}
	gait_import_report_clear(&report);
	g_unlink(path);
}

static void
test_command(void)
{
	static const char log[] =
	    "1 execve(\"/bin/x\", [\"x\", \"-c\", \"a, \\\"b\\\"\"], 0x7 /* 3 vars */) = 0\n" END;
	g_autofree char *path = temporary_path(), *command = NULL;
	g_autoptr(GaitStraceInput) input = gait_strace_input_new_for_data("log", log, strlen(log));
	GaitImportOptions options = {.output = path, .is_foreign = TRUE};
	GaitImportReport report = {0};
	g_autoptr(GaitTraceReader) reader = NULL;

	g_assert_true(gait_import_strace(input, &options, &report, NULL));
	reader = gait_trace_reader_new(path, NULL);
	command = g_strjoinv("|", gait_trace_reader_get_info(reader)->command);
	g_assert_cmpstr(command, ==, "x|-c|a, \"b\"");
	gait_import_report_clear(&report);
	g_unlink(path);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/import/%s", cases[i].name);

		g_test_add_data_func(g_strdelimit(path, " ", '-'), &cases[i], test_case);
	}
	g_test_add_func("/import/files", test_files);
	g_test_add_func("/import/times", test_times);
	g_test_add_func("/import/command", test_command);
	return g_test_run();
}
