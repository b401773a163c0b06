/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what a run is made of. A trace is a sequence of them; recorders and backends make them,
 * the learner and `check` consume them.
 */
#pragma once

#include <glib.h>

typedef enum {
	GAIT_EVENT_SYSCALL, /* a system call entry: shape */
	GAIT_EVENT_START,   /* a task nobody in the trace created (the root, or one joined with -p):
	                       program, pid,   tid, flags */
	GAIT_EVENT_FORK, /* the task's last SYSCALL event created a task: child, pid, tid, flags */
	GAIT_EVENT_EXEC, /* the task now runs another program: program. Its threads are gone (EXIT
	                    each) */
	GAIT_EVENT_SIGNAL, /* a handler for signo starts running in the task */
	GAIT_EVENT_UNWIND, /* count handlers were left without rt_sigreturn (siglongjmp,
	                      swapcontext) */
	GAIT_EVENT_EXIT,   /* the task is gone: status as from waitpid, -1 if unknown */
	GAIT_EVENT_LOST,   /* count events of this task are missing here; seq is the first one's */
	GAIT_EVENT_N_,
} GaitEventKind;

enum {
	GAIT_TASK_THREAD =
	    1 << 0, /* FORK: child is a thread of the parent's process (CLONE_THREAD) */
	GAIT_TASK_VFORK =
	    1 << 1, /* FORK: child shares the parent's memory without being a thread */
	GAIT_TASK_JOINED = 1 << 2, /* START: was running already; what it did before is not known */
};

typedef struct {
	GaitEventKind kind;
	guint32 task; /* dense index in order of appearance, never reused, even where a tid is */
	guint64 seq;  /* position among the task's events, from 0 and without holes unless LOST */
	guint64 time_ns; /* since the start of the trace */
	guint32 shape;   /* SYSCALL: index of an interned GaitShape */
	guint32 child;   /* FORK: task index of the child */
	gint32 pid;      /* START, FORK: thread group id of the (new) task */
	gint32 tid;      /* START, FORK */
	guint32 program; /* START, EXEC: module index of the executable */
	guint32 flags;   /* START, FORK: GAIT_TASK_… */
	gint32 signo;    /* SIGNAL */
	gint32 status;   /* EXIT */
	guint64 count;   /* UNWIND, LOST */
} GaitEvent;
