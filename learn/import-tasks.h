/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks of an imported log, and their events on the way into the trace. A log says some things
 * late: who created a task, which stack a call had. Events wait in their task's queue until all
 * before them is known; between tasks only FORK orders them.
 */
#pragma once

#include "learn/import-sink.h"

typedef struct _GaitImportTask GaitImportTask;
typedef struct _GaitImportTasks GaitImportTasks;

/* What the threads of a process share. */
typedef struct {
	gint n_refs;
	gint32 pid;
	guint64 handled;      /* bit n: a handler is set for signal n */
	guint n_tasks;        /* that live */
	gboolean has_runtime; /* a stack showed a module of the runtime set since exec */
} GaitImportProcess;

typedef struct {
	GaitEvent event;
	GaitShape shape;       /* SYSCALL */
	GaitImportTask *child; /* FORK */
	gboolean is_open;      /* the stack is yet to come */
} GaitImportItem;

typedef enum {
	GAIT_IMPORT_NEW,     /* where it comes from is not known yet */
	GAIT_IMPORT_CHILD,   /* its FORK is on the way */
	GAIT_IMPORT_STARTED, /* START or FORK has been queued for good */
} GaitImportOrigin;

struct _GaitImportTask {
	gint32 tid;
	GaitImportProcess *process;
	GaitImportOrigin origin;
	guint32 index; /* in the trace; G_MAXUINT32 before START or FORK is written */
	GQueue items;  /* GaitImportItem* */
	gboolean is_seen, is_gone, is_32bit;
	gboolean is_starting; /* about to execute its first program */
	/* The call it is in, or was in last. */
	gboolean is_in_call;
	gint32 nr; /* -1: not known */
	char *name;
	GaitImportItem *call; /* while its stack is to come; in items */
	guint32 fork_flags;
	char *exec_path;
	guint64 handler_bit; /* rt_sigaction: what it is about, 0: nothing */
	gboolean sets_handler;
	guint n_handlers; /* that run */
	gint32 last_signal;
};

/* sink is borrowed. */
GaitImportTasks *gait_import_tasks_new(GaitImportSink *sink);
void gait_import_tasks_free(GaitImportTasks *tasks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitImportTasks, gait_import_tasks_free)

GaitImportTask *gait_import_tasks_find(const GaitImportTasks *tasks, gint32 tid);
/* One of origin NEW, which may be gone already: a busy strace looks at the child first. */
GaitImportTask *gait_import_tasks_find_new(const GaitImportTasks *tasks, gint32 tid);
/* The only one that lives; NULL where there is none or more than one. */
GaitImportTask *gait_import_tasks_find_only(const GaitImportTasks *tasks);
/* A task with a process of its own; origin NEW. */
GaitImportTask *gait_import_tasks_add(GaitImportTasks *tasks, gint32 tid);
/* Gives the task another number. Who had it before is no longer found. */
void gait_import_tasks_rename(GaitImportTasks *tasks, GaitImportTask *task, gint32 tid);
/* child was created by parent: FORK is queued. */
void gait_import_tasks_adopt(GaitImportTasks *tasks, GaitImportTask *parent, GaitImportTask *child,
                             guint32 flags, guint64 time_ns);
/* START is queued, before all else. program: module index. */
void gait_import_tasks_start(GaitImportTask *task, guint32 program, guint32 flags, guint64 time_ns);
/* START as joined for all that are still NEW: nobody will claim them. At the end of the log, for
 * those that are starting, too. */
void gait_import_tasks_start_rest(GaitImportTasks *tasks, guint32 program, gboolean at_end);
/* EXIT is queued; the task is no longer found. */
void gait_import_tasks_exit(GaitImportTasks *tasks, GaitImportTask *task, gint32 status,
                            guint64 time_ns);
/* The other living threads of the task's process; to free. */
GPtrArray *gait_import_tasks_dup_others(const GaitImportTasks *tasks, const GaitImportTask *task);
/* All that are not written yet; to free. */
GPtrArray *gait_import_tasks_dup_all(const GaitImportTasks *tasks);

/* Queues an event; the item is valid until it is written. */
GaitImportItem *gait_import_task_push(GaitImportTask *task, GaitEventKind kind, guint64 time_ns);
/* Writes what waits for nothing, of the task and of those that waited for it. */
gboolean gait_import_tasks_flush(GaitImportTasks *tasks, GaitImportTask *task, GError **error);
/* At the end of the log, when no stack is to come any more: everything that is still there. */
gboolean gait_import_tasks_flush_all(GaitImportTasks *tasks, GError **error);
/* Whether every task that was seen has ended. */
gboolean gait_import_tasks_have_ended(const GaitImportTasks *tasks);
