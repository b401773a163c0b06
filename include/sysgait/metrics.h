/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a model: size, branching, maturity. */
#pragma once

#include "sysgait/model.h"

typedef struct {
	guint n_symbols, n_sites, n_edges;
	guint n_syscalls; /* distinct numbers */
	guint64 n_events;
	/*
	 * Number of next symbols that the library's automaton allows where an execution stands:
	 * mean and 95th percentile, states weighted by how often each was left. 0 without edges.
	 */
	double branching;
	double branching_p95;
	guint n_singletons;    /* f1: edges seen in exactly one run */
	double unseen_per_run; /* f1 / n: Good-Turing estimate of the unseen edges that the next run
	                          brings. n are the runs of the model; 0 without any. One run says
	                          nothing: then it is all edges */
} GaitMetrics;

/*
 * Of one library's automaton; of one role over all libraries (its own edges with its own counts,
 * each weighing how many next symbols the automaton allows there); of a whole program.
 */
void gait_metrics_library(const GaitModel *model, const GaitProgram *program, guint32 library,
                          GaitMetrics *out);
void gait_metrics_role(const GaitModel *model, const GaitProgram *program, guint32 role,
                       GaitMetrics *out);
/*
 * Branching in one phase of a role: of the role's edges those to calls that the phase allows (when
 * an edge was taken is not known, only by which role), each weighing how many next symbols both the
 * automaton and the phase allow where it begins.
 */
typedef struct {
	double mean, p95;
} GaitBranching;
GaitBranching gait_metrics_phase_branching(const GaitProgram *program, guint32 role, guint32 phase);
void gait_metrics_program(const GaitModel *model, const GaitProgram *program, GaitMetrics *out);

/*
 * Expected violations of each kind in the next run, by the same estimate: calls, issuers, symbols …
 * seen in exactly one run, over the number of runs. Each is counted once, as the outermost kind
 * that its absence would have given: an edge to a symbol of one run is no `sequence`, for the
 * symbol is a `site`, and what a phase lacks is one `phase`, however many calls it is. So the sums
 * over kinds are what a log of that run would hold. Indexed by GaitVerdict (see walker.h);
 * n_verdicts entries are written.
 */
void gait_metrics_expected(const GaitModel *model, double *per_run, guint n_verdicts);
