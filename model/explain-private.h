/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that explain violations share: an explanation before it is text or JSON. */
#pragma once

#include "model/resolve.h"
#include "sysgait/explain.h"

/* All strings are raw: who prints them escapes them. */
typedef struct {
	guint number;
	const GaitLogGroup *group;
	const GaitLogRecord *record; /* of group */
	char *call;                  /* "openat(O_RDONLY)" */
	char *who;
	GPtrArray *phases;  /* char*: one for each phase that it came in */
	GPtrArray *states;  /* char*: where its library stood */
	char *where;        /* NULL: not known */
	char *source;       /* NULL: no debug information */
	char *instruction;  /* ISSUER: where the system call instruction is; else NULL */
	char *why;          /* a sentence */
	GPtrArray *allowed; /* char* */
	guint n_allowed;
	GPtrArray *nearest;  /* char*: sentences, what helps most first */
	char *accept;        /* what would make it allowed */
	guint cause;         /* number of what may be the reason for it; 0: none */
	GPtrArray *cautions; /* char* */
} GaitExplanation;

void gait_explanation_free(GaitExplanation *explanation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitExplanation, gait_explanation_free)

/* Calls print for each group that is meant. */
void gait_explain_each(const GaitModel *model, GaitViolationLog *log,
                       const GaitExplainOptions *options,
                       void (*print)(const GaitExplanation *explanation, gpointer data),
                       gpointer data);

/* Adds sentences about what was learned that comes nearest. */
void gait_explain_nearest(const GaitModel *model, const GaitLogRecord *record,
                          const GaitResolved *at, GPtrArray *nearest);

/* "in all 3 training runs", "in 1 of 3 training runs", "accepted by hand". To free. */
char *gait_explain_dup_runs(const GaitModel *model, guint32 n_runs);
/* "read at gzread+0x12"; ref of a symbol of program. To free. */
char *gait_explain_dup_symbol(const GaitModel *model, const GaitProgram *program,
                              GaitSymbolRef ref);

/*
 * The shortest way along learned edges from a state to one of the symbols for which is_target is
 * set (a byte for each symbol of the library): its edges, in order; NULL where there is none.
 */
GPtrArray *gait_explain_find_path(const GaitLibrary *library, guint32 from,
                                  const guint8 *is_target);

/* --- what comes nearest (explain-near.c by kind, explain-sites.c by place) -----------------------
 */

#define GAIT_NEAR_MAX_LISTED 4 /* of anything */

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	const GaitLibrary *library; /* NULL: none of the program's */
	const GaitLogRecord *record;
	const GaitResolved *at;
	GPtrArray *out;
} GaitNear;

/* Adds a sentence. */
void gait_near_say(const GaitNear *search, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The shortest way from where the library stood to one of the targets (a byte for each symbol of
 * the library); whether there is one. */
gboolean gait_near_say_way(const GaitNear *search, const guint8 *is_target);
/* What the call at the site was seen to follow. */
void gait_near_say_predecessors(const GaitNear *search);
/* The way to the nearest place of the library that makes the call, with these arguments or others.
 */
gboolean gait_near_say_nearest_place(const GaitNear *search, gboolean is_same_class);
/* Other calls that the function at the site makes. */
void gait_near_say_neighbours(const GaitNear *search);
/* Where this library, and where others of the program make the call; whether they do. */
gboolean gait_near_in_library(const GaitNear *search);
gboolean gait_near_in_program(const GaitNear *search, gboolean is_same_class);
