/* SPDX-License-Identifier: Apache-2.0 */
/* What walker.c, walk-table.c and violation.c share. */
#pragma once

#include "sysgait/contexts.h"
#include "sysgait/walker.h"

struct _GaitWalkTable {
	gatomicrefcount refs;
	const GaitModel *model;
	struct gait_walk_header *header; /* the flat block */
};

struct _GaitWalker {
	GaitWalkTable *table;
	struct gait_walk_position position;
	GaitContexts contexts;
};

/* The flat block of a valid model, to be freed with g_free(). */
struct gait_walk_header *gait_walk_compile(const GaitModel *model, GError **error);
