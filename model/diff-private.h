/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the diff share: a model's parts under names that mean the same in both models.
 */
#pragma once

#include "model/diff.h"

/* A library. Labels name a symbol in both models; see diff-index.c. */
typedef struct {
	const GaitLibrary *library;
	const char *name;     /* file name */
	GPtrArray *labels;    /* char*: of each symbol */
	GHashTable *symbols;  /* label → index + 1 */
	GHashTable *edges;    /* "from\nto" → GaitEdge* */
	GHashTable *calls;    /* GaitCall → itself */
	guint64 *state_count; /* how often each state was left */
} GaitDiffLibrary;

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	GPtrArray *libraries;  /* GaitDiffLibrary*, as the program's */
	GHashTable *by_module; /* module key → GaitDiffLibrary* */
	GHashTable *calls;     /* GaitCall → itself */
	GHashTable *issuers;   /* key → GaitIssuer* */
	GPtrArray *roles;      /* char*: key of each role */
	GHashTable *by_role;   /* key → index + 1 */
} GaitDiffProgram;

typedef struct {
	const GaitModel *model;
	GPtrArray *module_keys; /* char*: of each module */
	GHashTable *rebuilt; /* module key → itself: where sites are not to be compared by number */
	GPtrArray *programs; /* GaitDiffProgram* */
	GHashTable *by_path;
} GaitDiffIndex;

/* other: the model that it will be compared with. */
GaitDiffIndex *gait_diff_index_new(const GaitModel *model, const GaitModel *other);
void gait_diff_index_free(GaitDiffIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitDiffIndex, gait_diff_index_free)

/* NULL where the label is not there. */
const GaitSymbol *gait_diff_library_find(const GaitDiffLibrary *library, const char *label);
/* Names a state in both models: a label, "start" or "signal". */
const char *gait_diff_library_state(const GaitDiffLibrary *library, guint32 state);
/* For people: "openat(O_RDONLY) at ngx_open_file+0x1b", "start". */
char *gait_diff_library_dup_state(const GaitDiffLibrary *library, guint32 state);
char *gait_diff_dup_symbol(const GaitSymbol *symbol);
/* The label of a symbol of the program, with its library's key. */
char *gait_diff_program_dup_label(const GaitDiffIndex *index, const GaitDiffProgram *program,
                                  GaitSymbolRef ref);

/* Appends an empty difference, which diff keeps. */
GaitDifference *gait_diff_add(GaitDiff *diff, GaitChange change, GaitVerdict kind,
                              const GaitDiffProgram *program, const char *where, char *what);

/* --- diff-phases.c: calls that the phases of one role, as a cuts them, allow in one model alone.
 */

/* A role in one of the models. */
typedef struct {
	const GaitDiffIndex *index;
	const GaitDiffProgram *program;
	const GaitRole *role;
} GaitDiffRole;

/* A stretch of the first model's cut that both know: its phases from first to before last, and its
 * ends as candidates of each side's role, GAIT_NONE at the ends of life. */
typedef struct {
	guint first, last;
	guint32 from[2], to[2];
} GaitDiffStretch;

/*
 * GaitDiffStretch, from the beginning of life to its end. Where the tasks of b do not all reach a
 * milestone, it does not cut them, and the stretches on both its sides are one. b may be NULL: then
 * there is one for each phase of a.
 */
GArray *gait_diff_role_stretches(const GaitDiffRole *a, const GaitDiffRole *b);
/* The calls that a role makes in a stretch, gint64: number and class. A difference in incidental
 * ones is none. */
GHashTable *gait_diff_role_calls(const GaitDiffRole *role, guint32 from, guint32 to,
                                 gboolean with_incidental);

/* A call that a allows in a stretch only in rounds that begin with another one, and that b makes
 * without. */
typedef struct {
	GaitCall call;
	const GaitSymbol *entry;
} GaitDiffUntied;

/*
 * GaitDiffUntied. None where b does not tell several phases apart: a call may be tied in one and
 * free in the next, and that they are not told apart is a difference already.
 */
GArray *gait_diff_role_untied(const GaitDiffRole *a, const GaitDiffRole *b,
                              const GaitDiffStretch *stretch);

static inline gint64
gait_diff_pack_call(guint32 nr, guint32 klass)
{
	return (gint64)((guint64)nr << 32 | klass);
}

void gait_diff_phases(GaitDiff *diff, const GaitDiffIndex *a, const GaitDiffProgram *in_a,
                      guint32 role_a, const GaitDiffIndex *b, const GaitDiffProgram *in_b,
                      guint32 role_b);
