/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: what a recorder, or an enforcer, sees, on its way into a trace. It interns modules,
 * stacks and shapes and numbers tasks, so that they only say what happened.
 */
#pragma once

#include "sysgait/attribute.h"

typedef struct _GaitRecording GaitRecording;

/* Read by another process while they change: each is right, together they may be a moment apart. */
typedef struct {
	guint64 n_events;    /* system calls */
	guint64 n_unknown;   /* of them, those whose library is not known */
	guint64 n_lost;      /* that are missing */
	guint64 n_bytes;     /* of the trace */
	guint32 n_tasks;     /* so far */
	guint32 n_live;      /* now */
	guint32 n_libraries; /* that were responsible for a call */
} GaitRecordingStats;

/*
 * backend: who sees it. command: NULL-terminated, what was launched; NULL where processes were
 * joined. modules is borrowed. stats too, which may be NULL: it is kept up to date, and may lie in
 * memory that another process reads.
 */
GaitRecording *gait_recording_new(const char *path, const char *backend, const char *const *command,
                                  GaitModules *modules, GaitRecordingStats *stats, GError **error);
/* Without finish() the trace stays partial. */
void gait_recording_free(GaitRecording *recording);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitRecording, gait_recording_free)

/*
 * What happened. The first failure is kept for gait_recording_finish(), and what comes after it is
 * not looked at: a target must not suffer from a full disk.
 */
guint32 gait_recording_start(GaitRecording *recording, pid_t pid, pid_t tid, GaitModule *program,
                             guint32 flags); /* returns the task's index */
guint32 gait_recording_fork(GaitRecording *recording, guint32 parent, pid_t pid, pid_t tid,
                            guint32 flags); /* returns the child's index */
void gait_recording_exec(GaitRecording *recording, guint32 task, GaitModule *program);
void gait_recording_signal(GaitRecording *recording, guint32 task, int signo);
void gait_recording_unwind(GaitRecording *recording, guint32 task, guint64 n_handlers);
void gait_recording_exit(GaitRecording *recording, guint32 task, int status);
/* When what comes next happened: CLOCK_MONOTONIC, in nanoseconds; 0, as at first: when it comes. */
void gait_recording_set_time(GaitRecording *recording, guint64 time_ns);
/* n events of the task were seen but could not be recorded: the trace will be partial. */
void gait_recording_lost(GaitRecording *recording, guint32 task, guint64 n);
/* arch: AUDIT_ARCH_…; nr and args mean what they mean there. The hot path. */
void gait_recording_syscall(GaitRecording *recording, guint32 task, guint32 arch, guint32 nr,
                            const guint64 args[6], const GaitStack *stack);

gboolean gait_recording_has_failed(const GaitRecording *recording);
/* Puts on disk what has gathered. */
void gait_recording_flush(GaitRecording *recording);
/*
 * Ends the file. Complete unless something was lost, also where tasks live on: what they did up to
 * now is all there. Reports the first failure, whenever it was.
 */
gboolean gait_recording_finish(GaitRecording *recording, GError **error);
