/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model leaves to an attacker: the surface of each phase and library, beside what coarser
 * filters learned from the same runs would leave, and the payloads that pass.
 */
#pragma once

#include "model/payload.h"
#include "sysgait/metrics.h"

/* Filters to compare with, from the coarsest on. */
#define GAIT_FILTERS(X)                                                                            \
	X(NONE, "no filter")                                                                       \
	X(PROGRAM, "one set for the program")                                                      \
	X(LIBRARY, "a set for each library")                                                       \
	X(PHASE, "a set for each phase")                                                           \
	X(GAIT, "sysgait: sequences in phases")

typedef enum {
#define X(name, text) GAIT_FILTER_##name,
	GAIT_FILTERS(X)
#undef X
	    GAIT_FILTER_N_,
} GaitFilter;

const char *gait_filter_text(GaitFilter filter);

/*
 * What a filter leaves at a time, as means over the life of all tasks (PHASE) or over their calls
 * (LIBRARY, GAIT): there the code that was taken over is one library's.
 */
typedef struct {
	double n_syscalls; /* distinct ones that may come next */
	double n_p95;      /* the same, its 95th percentile */
	double surface;    /* danger-weighted acts that may come next: the exposure */
	guint n_payloads;  /* of the catalogue, that pass somewhere */
	guint n_padded;    /* more of them that pass with harmless calls in between; GAIT only */
} GaitFiltered;

typedef struct {
	guint32 role, phase;         /* indices */
	double share;                /* of the life of all tasks of the program, in [0, 1] */
	guint n_allowed, n_retained; /* distinct syscalls; allowed outside interludes */
	guint64 acts, retained_acts;
	guint n_all; /* allowed, interludes among them */
	guint64 all_acts;
	double surface, retained_surface;
	GaitBranching branching;
	GaitCover *covers; /* by payload */
	guint n_plain, n_padded;
} GaitReportPhase;

typedef struct {
	guint32 library; /* index */
	GaitMetrics metrics;
	double share; /* of the program's calls */
	guint64 acts;
	double surface;
} GaitReportLibrary;

typedef struct {
	const GaitProgram *program;
	guint32 index;
	GaitMetrics metrics;
	GaitFiltered filtered[GAIT_FILTER_N_];
	GArray *phases;    /* GaitReportPhase, by role and phase */
	GArray *libraries; /* GaitReportLibrary, the busiest first */
	GaitCover *covers; /* by payload: the best over all phases */
} GaitReportProgram;

typedef struct {
	const GaitModel *model;
	GPtrArray *programs; /* GaitReportProgram*, as the model's */
} GaitReport;

/* model is borrowed. */
GaitReport *gait_report_new(const GaitModel *model);
/* The programs, borrowed, the busiest first: the order in which people read. */
GPtrArray *gait_report_dup_busiest(const GaitReport *report);
void gait_report_free(GaitReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitReport, gait_report_free)

/* For a terminal, within 100 columns; as one JSON object; as a page that needs nothing else. */
void gait_report_print(const GaitReport *report, GString *out);
void gait_report_print_json(const GaitReport *report, GString *out);
/* NULL with error where graphviz cannot draw. */
GString *gait_report_print_html(const GaitReport *report, GError **error);

/* Shared by these: "42.3", "4.0"; what of a payload's chances is said. */
const char *gait_cover_text(GaitCover cover);
