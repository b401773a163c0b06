/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the report's figures share. */
#pragma once

#include "model/report.h"

typedef struct {
	guint n; /* distinct syscalls */
	guint64 acts;
} GaitActs;

/* Of GaitCall, sorted by number. */
GaitActs gait_report_measure_calls(const GArray *calls);
/* Of indices into the program's calls. */
GaitActs gait_report_measure_indices(const GaitProgram *program, const GArray *indices);

/* --- report-filter.c: fills in filtered, from all the rest. */
void gait_report_filter(GaitReportProgram *report);
