/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: a tracer below, the attributor in the middle, a recording above. It runs in
 * a process of its own (record-session.h), because a program under its filter cannot live without a
 * tracer even when the recording is over.
 */
#pragma once

#include "kernel/shared.h"

#include "sysgait/recording.h"

#include <signal.h>

typedef struct {
	const char *const *argv; /* the program to launch; NULL: join pids */
	const pid_t *pids;
	guint n_pids;
	const char *cgroup; /* join who is in it, and who comes in; NULL: nobody */
	const char *output;
	const char *const *runtime; /* the runtime set; NULL for the default */
	gboolean full_stacks;
	gboolean perturb;       /* hold tasks back at random: perturb.h */
	gboolean in_kernel;     /* calls come from the in-kernel tier and do not stop; neither full
	                           stacks nor perturb then */
	gboolean may_fall_back; /* in_kernel: where it cannot be had every call stops instead */
	gboolean is_lossless;   /* in_kernel: tasks wait where there is little room */
	gsize ring_size;        /* in_kernel: bytes, a power of two; 0: as the tier likes */
	const sigset_t *mask;   /* the launched program's signal mask; NULL: that of now */
} GaitRecorderOptions;

/* What the user's terminal must know of the launched process; for joined ones nothing is called. */
typedef struct {
	void (*stopped)(int signo, gpointer data); /* job control: by signo, or going on (0) */
	void (*ended)(int status, gpointer data);  /* status as from waitpid */
	gpointer data;
} GaitRecorderEvents;

typedef struct _GaitRecorder GaitRecorder;

/*
 * Opens the file and starts or joins. The target gets the ignored signals of now.
 * options and stats are borrowed. Where a program could not be executed (GAIT_ERROR_EXEC) no file
 * is left, and *exec_status is 126 or 127.
 */
GaitRecorder *gait_recorder_new(const GaitRecorderOptions *options,
                                const GaitRecorderEvents *events, GaitRecordingStats *stats,
                                int *exec_status, GError **error);
void gait_recorder_free(GaitRecorder *recorder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitRecorder, gait_recorder_free)

/* Sleeps until something has happened; TRUE while there are tasks. Goes on after finish(). */
gboolean gait_recorder_iterate(GaitRecorder *recorder, GError **error);
/* Async-signal-safe. */
void gait_recorder_wake(GaitRecorder *recorder);
gboolean gait_recorder_has_failed(const GaitRecorder *recorder);
void gait_recorder_flush(GaitRecorder *recorder);
/*
 * Ends the file; launched tasks live on under a tracer that lets all pass, joined ones are let go.
 * Once.
 */
gboolean gait_recorder_finish(GaitRecorder *recorder, GError **error);

pid_t gait_recorder_get_root(const GaitRecorder *recorder);
/* Whether pid is, or was until a moment ago, a process of the target's. */
gboolean gait_recorder_is_target(const GaitRecorder *recorder, pid_t pid);
void gait_recorder_get_attribution(const GaitRecorder *recorder, GaitAttributorStats *stats);
/* All zero where calls do not come from the in-kernel tier. */
typedef struct {
	guint64 n_calls;                     /* from there */
	guint64 n_how[GAIT_TIER_UNKNOWN_N_]; /* of them, with how the kernel's walk ended */
	guint64 n_stopped;                   /* that stopped instead */
	gboolean reads_directly;             /* see gait_tier_reads_directly() */
} GaitKernelStats;
/* Why the in-kernel tier could not be had, where that was no failure; else NULL. *is_unforeseen:
 * all seemed to be there that it needs. */
const char *gait_recorder_get_fallback(const GaitRecorder *recorder, gboolean *is_unforeseen);
void gait_recorder_get_kernel_stats(const GaitRecorder *recorder, GaitKernelStats *stats);
