/* SPDX-License-Identifier: Apache-2.0 */
/* One training run: a server under `sysgait record`, its driver beside it, and its end. */
#pragma once

#include <glib.h>

typedef struct {
	char *const *server; /* argv */
	const char *driver;  /* for sh -c; NULL: the server ends by itself */
	int stop_signal;     /* that the server is asked to end with, once the driver is done */
	gboolean calm;       /* never perturb; else every second run is (see perturb.h) */
	const char *backend; /* of `record`, for calm runs: perturbed ones stop at each call */
	guint grace_s;       /* how long it may take, before it is killed */
} GaitTrainRunOptions;

typedef enum {
	GAIT_TRAIN_DONE,        /* the trace is there */
	GAIT_TRAIN_INTERRUPTED, /* by a signal: all is stopped, the trace is not to be used */
	GAIT_TRAIN_FAILED,      /* error says why; all is stopped */
	GAIT_TRAIN_N_,
} GaitTrainResult;

/*
 * To be called before the first run: from here on SIGINT, SIGTERM, SIGHUP and SIGQUIT end a run
 * instead of the process, and daemons that the server leaves behind are found.
 */
gboolean gait_train_prepare(GError **error);
/* index: counts from 1, for the driver (SYSGAIT_RUN; SYSGAIT_PID is the server's). */
GaitTrainResult gait_train_run(const GaitTrainRunOptions *options, guint index, const char *trace,
                               GError **error);
