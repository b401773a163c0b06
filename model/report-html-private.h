/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the page share. */
#pragma once

#include "model/report.h"

/* One program's part of the page, under construction. */
typedef struct {
	const GaitReport *report;
	const GaitReportProgram *program;
	GString *out;
	double most; /* the greatest surface of a phase of the program, and at least a little */
} GaitPage;

/* Escapes for a terminal, then for HTML. */
void gait_page_text(GString *out, const char *text);
const GaitReportPhase *gait_page_get_phase(const GaitPage *page, guint i);

/* --- report-html-life.c: exposure over each role's life; libraries × calls. */
void gait_page_add_life(GaitPage *page);
void gait_page_add_matrix(GaitPage *page);
/* --- report-html-automata.c: pictures by graphviz. */
gboolean gait_page_add_automata(GaitPage *page, GError **error);
