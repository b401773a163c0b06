/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder, as its files know each other. */
#pragma once

#include "kernel/tier.h"
#include "learn/cgroup.h"
#include "learn/perturb.h"
#include "learn/recorder.h"

#include "sysgait/interrupted.h"
#include "sysgait/tracer.h"

/* Processes that ended but may still be named as a signal's sender. */
#define N_REMEMBERED 64

typedef struct _GaitKernelRecorder GaitKernelRecorder;

struct _GaitRecorder {
	GaitRecorderOptions options;
	GaitRecorderEvents events;
	GaitModules *modules;
	GaitAttributor *attributor;
	GaitRecording *recording; /* NULL once it is finished */
	GaitTracer *tracer;
	GaitPerturb *perturb; /* NULL: all run as they like */
	pid_t remembered[N_REMEMBERED];
	guint n_remembered;
	GaitKernelRecorder *kernel; /* NULL: every call stops */
	char *fallback;             /* why it is NULL all the same */
	gboolean is_unforeseen;     /* that, by the tier's probe */
	GaitCgroup *cgroup;         /* NULL: none is watched */
	gint64 next_look_us;        /* when it is looked at again */
};

/* A task's. */
typedef struct {
	guint32 index;
	GaitSignalContext context;
	GaitInterruptedCalls interrupted;
	GaitPerturbTask mood;
	guint32 slot;   /* in the tier; GAIT_TIER_NONE: it has none */
	guint64 n_lost; /* that were told of */
} GaitRecordedTask;

/* The kernel makes an interrupted call again; the program made it once. */
gboolean gait_recorder_is_again(GaitRecordedTask *own, const GaitIssuedCall *call);
void gait_recorder_note_unwinding(GaitRecorder *recorder, GaitRecordedTask *own, guint64 n_left);

/*
 * Calls from the in-kernel tier (recorder-kernel.c); lifecycle stays the tracer's. Each function
 * but the first does nothing where recorder->kernel is NULL.
 */
gboolean gait_recorder_kernel_start(GaitRecorder *recorder, GError **error);
void gait_recorder_kernel_free(GaitKernelRecorder *kernel);
/* A filter that stops only what the kernel cannot tell of; as gait_trace_filter_install(). */
int gait_recorder_kernel_filter(gpointer data);
void gait_recorder_kernel_created(GaitRecorder *recorder, GaitTask *task, const GaitTask *parent);
void gait_recorder_kernel_executed(GaitRecorder *recorder, GaitTask *task);
/* A handler is about to run in the task. */
void gait_recorder_kernel_signalled(GaitRecorder *recorder, GaitTask *task);
/* A call that stopped for the tracer: it was told of. */
void gait_recorder_kernel_stopped(GaitRecorder *recorder, GaitTask *task, guint32 nr,
                                  const guint64 args[6]);
void gait_recorder_kernel_exited(GaitRecorder *recorder, GaitTask *task);
/* Notes what of a task's calls, up to where it is stopped now, found no room. */
void gait_recorder_kernel_note_lost(GaitRecorder *recorder, GaitTask *task);
/* No more calls are seen; what has come is taken over. */
void gait_recorder_kernel_finish(GaitRecorder *recorder);
/* Takes over what has happened up to now. */
void gait_recorder_kernel_drain(GaitRecorder *recorder);
int gait_recorder_kernel_get_fd(const GaitRecorder *recorder);
