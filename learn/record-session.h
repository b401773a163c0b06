/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording session: the recorder in a process of its own, and this one standing in for the
 * target before whoever started it: it stops, goes on and ends as the target does, and returns at
 * once where the recording is broken off (SIGINT, SIGTERM, SIGHUP), while the target lives on.
 */
#pragma once

#include "learn/recorder.h"

typedef struct {
	GaitRecorderOptions recorder;
	/* Called a few times a second; may be NULL. */
	void (*progress)(const GaitRecordingStats *stats, gpointer data);
	/* The in-kernel tier was not to be had, and why; is_unforeseen: though it seemed so. */
	void (*fell_back)(const char *why, gboolean is_unforeseen, gpointer data);
	/* The recording has failed, while the target goes on. */
	void (*warn)(const char *message, gpointer data);
	gpointer data;
} GaitRecordSessionOptions;

typedef struct {
	GaitRecordingStats stats;
	GaitAttributorStats attribution;
	GaitKernelStats kernel;
	gboolean has_failed; /* warn() was called: the trace ends before the target did */
	int detach_signal;   /* that ended the recording while the target lived on; else 0 */
	pid_t root;          /* 0 where processes were joined */
	int status; /* of the root as from waitpid; -1 while it lives, and where there is none */
	int exec_status; /* 126 or 127 where the program could not be executed, else 0 */
} GaitRecordSessionResult;

/* FALSE with error set where something failed, but for what warn() was called for. */
gboolean gait_record_session_run(const GaitRecordSessionOptions *options,
                                 GaitRecordSessionResult *result, GError **error);
