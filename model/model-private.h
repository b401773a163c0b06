/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the model share: the canonical order, what is derived from it, bounds. */
#pragma once

#include "sysgait/model.h"

#define GAIT_MAX_ROLES      4096       /* in a program */
#define GAIT_MAX_ROLE_DEPTH 64         /* creations from main to a role */
#define GAIT_MAX_COUNTER    G_MAXINT64 /* what a JSON integer carries; sums stop there */

/* The order of things, as qsort functions over pointers to the structs. Equal means identical. */
int gait_run_compare(const GaitRun *a, const GaitRun *b);
int gait_amendment_compare(const GaitAmendment *a, const GaitAmendment *b);
int gait_module_compare(const GaitModelModule *a, const GaitModelModule *b);
int gait_symbol_compare(const GaitSymbol *a, const GaitSymbol *b);
int gait_edge_compare(const GaitEdge *a, const GaitEdge *b);
int gait_symbol_ref_compare(const GaitSymbolRef *a, const GaitSymbolRef *b);
int gait_issuer_compare(const GaitIssuer *a, const GaitIssuer *b);
int gait_call_compare(const GaitCall *a, const GaitCall *b);

/* Whether two modules are the same one (see GaitModelModule). */
gboolean gait_module_equal(const GaitModelModule *a, const GaitModelModule *b);
guint gait_module_hash(const GaitModelModule *module);

/* The counts that an edge has in a role, or NULL. */
const GaitRoleCount *gait_edge_find_role(const GaitEdge *edge, guint32 role);

/* Index of a call in a sorted array of GaitCall, or GAIT_NONE. */
guint32 gait_calls_find(const GArray *calls, guint32 nr, guint32 klass);

/* Derivations, each for a program that is in canonical order. */
void gait_program_derive_calls(GaitProgram *program);
void gait_program_derive_names(GaitProgram *program);
/* The phases of one role; calls have to be there already. */
void gait_program_derive_phases(const GaitProgram *program, guint32 role);
/* Fills in each phase's retained set from the allowed ones. */
void gait_role_derive_retained(GaitRole *role);

/* numbers: guint32, sorted or not. */
static inline gboolean
gait_numbers_contain(const GArray *numbers, guint32 number)
{
	for (guint32 i = 0; i < numbers->len; i++)
		if (g_array_index(numbers, guint32, i) == number)
			return TRUE;
	return FALSE;
}

static inline guint64
gait_counter_add(guint64 a, guint64 b)
{
	return a > GAIT_MAX_COUNTER - MIN(b, GAIT_MAX_COUNTER) ? GAIT_MAX_COUNTER : a + b;
}

/* Row of a relation; that of what was never reached is the last, n_candidates. */
static inline guint64 *
gait_role_row(const GaitRole *role, guint64 *matrix, guint32 candidate)
{
	return matrix + (gsize)candidate * role->row_words;
}
