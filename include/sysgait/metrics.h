/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a model: size, branching, maturity. */
#pragma once

#include "sysgait/model.h"

typedef struct {
	guint n_symbols, n_sites, n_edges;
	guint n_syscalls; /* distinct numbers */
	guint64 n_events;
	double branching; /* mean number of next symbols allowed, weighted by how often each state
	                     was left */
	double branching_p95;
	guint n_singletons;    /* f1: edges seen in exactly one run */
	double unseen_per_run; /* f1 / n: Good-Turing estimate of the unseen edges that the next run
	                          brings */
} GaitMetrics;

/* Of one library's automaton; of one role over all libraries (its own edge counts); of a whole
 * program. */
void gait_metrics_library(const GaitModel *model, const GaitProgram *program, guint32 library,
                          GaitMetrics *out);
void gait_metrics_role(const GaitModel *model, const GaitProgram *program, guint32 role,
                       GaitMetrics *out);
void gait_metrics_program(const GaitModel *model, const GaitProgram *program, GaitMetrics *out);

/*
 * Expected violations of each kind in the next run, by the same estimate: symbols, calls, libraries
 * … seen in exactly one run. Indexed by GaitVerdict (see walker.h); n_verdicts entries are written.
 */
void gait_metrics_expected(const GaitModel *model, double *per_run, guint n_verdicts);
