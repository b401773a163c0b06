/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that merge models share: a model that grows, with tables to find its parts. */
#pragma once

#include "model/model-private.h"

typedef struct {
	guint32 index; /* in the program */
	GaitLibrary *library;
	GHashTable *symbols; /* GaitSymbol* → index + 1 */
	GHashTable *edges;   /* GaitEdge* → itself */
} GaitMergeLibrary;

typedef struct {
	GaitProgram *program;
	GHashTable *libraries; /* module + 1 → GaitMergeLibrary* */
	GHashTable *issuers;   /* GaitIssuer, as a key of 3 numbers → index + 1 */
} GaitMergeProgram;

typedef struct {
	GaitModel *model;
	GHashTable *modules;    /* GaitModelModule* → index + 1 */
	GHashTable *programs;   /* path → index + 1 */
	GHashTable *runs;       /* id → GaitRun* */
	GHashTable *amendments; /* id → GaitAmendment* */
	GPtrArray *parts;       /* GaitMergeProgram*, one per program */
	/*
	 * While a model is added whose runs are all there already. Its content is, too, but for
	 * what was amended: so counters take the larger one and nothing is summed.
	 */
	gboolean is_known;
	/* Maps from the model that is being added: index there → index here. */
	const GaitModel *from;
	guint32 *module_map;
	guint32 *program_map;
} GaitMerger;

/* How the references of one program's parts translate. */
typedef struct {
	const GaitProgram *from;
	guint32 *libraries;
	guint32 **states; /* per library of from: its states */
	guint32 *roles;
} GaitMergeMaps;

static inline guint64
gait_merger_count(const GaitMerger *merger, guint64 a, guint64 b)
{
	return merger->is_known ? MAX(a, b) : gait_counter_add(a, b);
}

static inline guint32
gait_merger_runs(const GaitMerger *merger, guint32 a, guint32 b)
{
	return merger->is_known ? MAX(a, b) : a + b;
}

/*
 * Which of the models (GaitModel*), pairwise disjoint, have all runs together: sets their bytes in
 * is_chosen. FALSE where there is no such choice.
 */
gboolean gait_merge_find_cover(const GPtrArray *models, guint8 *is_chosen);
/* Adds a program of merger->from. */
void gait_merger_add_program(GaitMerger *merger, const GaitProgram *from);
/* Adds all roles of maps->from, filling maps->roles. */
void gait_merger_add_roles(GaitMerger *merger, GaitProgram *program, GaitMergeMaps *maps);
void gait_merge_program_free(GaitMergeProgram *part);
