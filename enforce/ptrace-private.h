/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the ptrace backend share. */
#pragma once

#include "enforce/enforcer.h"

/* Processes that ended last. */
#define GAIT_PTRACE_N_GONE 64

typedef struct {
	GaitEnforcer *enforcer;
	const GaitFloor *floor;
	GaitTracer *tracer;
	gboolean is_started;
	gboolean is_letting_go;
	pid_t root; /* whose wait status is kept: joined, or launched */
	int root_status;
	pid_t gone[GAIT_PTRACE_N_GONE];
	guint n_gone;
	GError *error; /* of a callback */
} GaitPtraceRun;

/* --- ptrace.c */
extern const GaitTracerCallbacks gait_ptrace_callbacks;
/* Until the last task is gone, or the run is letting go. Where it fails, the tree has been killed.
 */
gboolean gait_ptrace_supervise(GaitPtraceRun *run, void (*turn)(GaitPtraceRun *run),
                               GError **error);

/* --- ptrace-join.c: GaitBackend.join. */
gboolean gait_ptrace_join(GaitEnforcer *enforcer, const pid_t *pids, guint n_pids, int *status,
                          GError **error);
