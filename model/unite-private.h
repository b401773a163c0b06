/* SPDX-License-Identifier: Apache-2.0 */
/* A union while it is made: unite.c brings both models into the terms of the new one, unite-marks.c
 * says what is from where, unite-phases.c cuts the roles. */
#pragma once

#include "model/diff-private.h"
#include "model/unite.h"

typedef struct {
	GaitUnion *both;
	const GaitModel *models[2];
	GaitDiffIndex *indices[2];
	/* Of each side: what names a library or symbol in the united model → its index + 1 there.
	 */
	GHashTable *parts[2];
} GaitUniter;

/* A program of the union in the terms of one side. */
typedef struct {
	const GaitDiffProgram *program; /* NULL: not there, nor is anything else */
	guint32 *libraries; /* by library of the union: that of the side, or GAIT_NONE */
	guint32 **symbols;  /* by library and symbol of the union: the same */
	guint32 *roles;     /* by role of the union */
} GaitUnionSide;

/* Names that are the same in the union and in what was brought into its terms. */
char *gait_union_dup_library_key(const GaitModel *model, const GaitProgram *program,
                                 const GaitLibrary *library);
char *gait_union_dup_symbol_key(const char *library_key, const GaitSymbol *symbol);

void gait_uniter_mark(GaitUniter *uniter);
/* sides: of program, with all maps. */
void gait_uniter_cut(GaitUniter *uniter, const GaitProgram *program, const GaitUnionSide sides[2]);
/* The state or symbol of a side, or GAIT_NONE. */
GaitSymbolRef gait_union_side_symbol(const GaitUnionSide *side, GaitSymbolRef ref);
