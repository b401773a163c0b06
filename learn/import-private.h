/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the strace importer: the log as a whole, its lines, its stacks. */
#pragma once

#include "learn/import-sink.h"
#include "learn/import-strace.h"
#include "learn/import-tasks.h"

typedef struct {
	GaitStraceInput *input;
	const GaitImportOptions *options;
	GaitImportReport *report;
	GaitImportSink *sink;    /* NULL before the first line of a task */
	GaitImportTasks *tasks;  /* the same */
	guint32 program;         /* module: of tasks whose start is not in the log */
	GaitStraceInputLine at;  /* where we are */
	guint n_creating;        /* tasks that are in fork and its like just now */
	gboolean is_following;   /* the log has children in it (-f) */
	GHashTable *announced;   /* set of tids: "Process … attached" */
	GaitImportTask *unnamed; /* whom lines without a pid are about */
	guint64 n_lost;
	gboolean is_cut;      /* the log ends within a line */
	gboolean is_detached; /* strace let go of the tasks that were left */
	/* The stack that is being read. */
	GaitImportTask *stack_task; /* whose it would be; NULL: nobody's */
	gboolean may_come_later;    /* it may come behind the task's end instead */
	GArray *frames;             /* GaitTraceFrame */
	GStringChunk *functions;
	gboolean is_torn; /* strace could not go on */
} GaitImport;

void gait_import_note(GaitImport *import, GaitImportNoteKind kind, const char *what);
/* Sets "FILE:LINE: …" and returns FALSE. */
gboolean gait_import_refuse(GaitImport *import, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

gboolean gait_import_line(GaitImport *import, const GaitStraceLine *line, GError **error);

/* The task enters, or leaves, a call. */
void gait_import_enter(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line);
gboolean gait_import_leave(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line,
                           GError **error);
/* The same where the call began on an earlier line. */
gboolean gait_import_resume(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line,
                            GError **error);
void gait_import_end_task(GaitImport *import, GaitImportTask *task, gint32 status);

/* The next line that is a task's needs a sink. */
gboolean gait_import_open(GaitImport *import, const GaitStraceLine *line, GError **error);

void gait_import_add_frame(GaitImport *import, const GaitStraceLine *line);
/* No more frames: what was read belongs to stack_task's call, which is written. */
gboolean gait_import_end_stack(GaitImport *import, GError **error);
/* The call's stack will not be known. */
void gait_import_close_unknown(GaitImport *import, GaitImportTask *task);
/* The same for all that are left at the end. */
void gait_import_close_all(GaitImport *import);
