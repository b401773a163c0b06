/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining: what a violation log says, in the words of a model: who did what where, why it was
 * wrong, what was allowed, and how near the nearest thing is that was learned. Pure; what source
 * code stands at a place is asked of the caller.
 */
#pragma once

#include "sysgait/violation-log.h"

typedef struct {
	const char *model_path; /* as given, for the commands that are proposed */
	char **log_paths;       /* NULL-terminated */
	/* "loadext.c:512" at a place, to free, or NULL. May be NULL itself. */
	char *(*source)(const GaitLogPlace *place, gpointer data);
	gpointer data;
	/* Only these groups (of log's), under their numbers; NULL: all. */
	const GPtrArray *chosen;
} GaitExplainOptions;

/* Appends pages of text, at most 100 columns wide unless a word is longer. */
void gait_explain_print(const GaitModel *model, GaitViolationLog *log,
                        const GaitExplainOptions *options, GString *out);
/* The same as one JSON object and a newline. */
void gait_explain_print_json(const GaitModel *model, GaitViolationLog *log,
                             const GaitExplainOptions *options, GString *out);
