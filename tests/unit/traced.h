/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tracer just good enough for tests and measurements of attribution: follows a program and what
 * it creates through PTRACE_SYSCALL and hands over each system call entry with its address space.
 */
#pragma once

#include "sysgait/attribute.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
	pid_t tid;
	GaitSpace *space;
	gboolean in_call;
	guint64 flags; /* of the clone under way */
} TracedTask;

typedef struct _Traced Traced;
typedef void (*TracedCall)(Traced *traced, TracedTask *task, const struct user_regs_struct *user);

struct _Traced {
	GaitModules *modules;
	GaitAttributor *attributor;
	GHashTable *tasks; /* by tid */
	TracedCall call;
	gpointer data;
	int status; /* of the program */
};

static inline void
traced_free_task(gpointer data)
{
	TracedTask *task = data;

	gait_space_unref(task->space);
	g_free(task);
}

static inline TracedTask *
traced_add_task(Traced *traced, pid_t tid, GaitSpace *space)
{
	TracedTask *task = g_new0(TracedTask, 1);

	task->tid = tid;
	task->space = space;
	g_hash_table_replace(traced->tasks, GINT_TO_POINTER(tid), task);
	return task;
}

static inline void
traced_create(Traced *traced, TracedTask *parent, int event)
{
	unsigned long child = 0;
	gboolean shares = event == PTRACE_EVENT_VFORK;
	struct user_regs_struct user;

	ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &child);
	ptrace(PTRACE_GETREGS, parent->tid, NULL, &user);
	if (event == PTRACE_EVENT_CLONE)
		shares = TRUE;
	/* A stop of the new task may have come first. */
	if (!g_hash_table_contains(traced->tasks, GINT_TO_POINTER(child)))
		traced_add_task(traced, (pid_t)child, NULL);
	((TracedTask *)g_hash_table_lookup(traced->tasks, GINT_TO_POINTER(child)))->space =
	    shares ? gait_space_ref(parent->space) : gait_space_copy(parent->space, (pid_t)child);
}

static inline void
traced_exec(Traced *traced, TracedTask *task)
{
	gait_space_unref(task->space);
	task->space = gait_space_new(traced->modules, task->tid);
}

static inline void
traced_entry(Traced *traced, TracedTask *task)
{
	struct user_regs_struct user;
	guint64 args[6];

	task->in_call = !task->in_call;
	if (!task->in_call || ptrace(PTRACE_GETREGS, task->tid, NULL, &user) != 0)
		return;
	args[0] = user.rdi, args[1] = user.rsi, args[2] = user.rdx;
	args[3] = user.r10, args[4] = user.r8, args[5] = user.r9;
	gait_space_note_syscall(task->space, task->tid, (guint32)user.orig_rax, args);
	traced->call(traced, task, &user);
}

static inline void
traced_stop(Traced *traced, TracedTask *task, int status)
{
	int signo = WSTOPSIG(status), event = status >> 16;

	if (signo == (SIGTRAP | 0x80)) {
		traced_entry(traced, task);
		signo = 0;
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	           event == PTRACE_EVENT_CLONE) {
		traced_create(traced, task, event);
		signo = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		traced_exec(traced, task);
		signo = 0;
	} else if (event != 0 || signo == SIGSTOP) {
		signo = 0;
	}
	ptrace(PTRACE_SYSCALL, task->tid, NULL, signo);
}

static inline pid_t
traced_launch(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

/* Runs a program to its end; call is called at each entry. Returns its wait status. */
static inline int
traced_run(Traced *traced, char **argv)
{
	pid_t root = traced_launch(argv), tid;
	int status;

	g_assert_cmpint(root, >, 0);
	g_assert_cmpint(waitpid(root, &status, __WALL), ==, root);
	ptrace(PTRACE_SETOPTIONS, root, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	           PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
	traced->tasks = g_hash_table_new_full(NULL, NULL, NULL, traced_free_task);
	traced_add_task(traced, root, gait_space_new(traced->modules, root));
	ptrace(PTRACE_SYSCALL, root, NULL, NULL);
	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		TracedTask *task = g_hash_table_lookup(traced->tasks, GINT_TO_POINTER(tid));

		if (!WIFSTOPPED(status)) {
			if (tid == root)
				traced->status = status;
			if (task && task->space)
				gait_space_note_exit(task->space, tid);
			g_hash_table_remove(traced->tasks, GINT_TO_POINTER(tid));
			continue;
		}
		if (!task)
			task = traced_add_task(traced, tid, NULL);
		/* A task seen before its creation was reported waits for that. */
		while (!task->space) {
			int other_status;
			pid_t other = waitpid(-1, &other_status, __WALL);

			g_assert_cmpint(other, >, 0);
			traced_stop(traced,
			            g_hash_table_lookup(traced->tasks, GINT_TO_POINTER(other)),
			            other_status);
		}
		traced_stop(traced, task, status);
	}
	g_clear_pointer(&traced->tasks, g_hash_table_unref);
	return traced->status;
}
