/* SPDX-License-Identifier: Apache-2.0 */
/* What the walker's files, walk-table.c and violation.c share. */
#pragma once

#include "model/model-private.h"

#include "sysgait/contexts.h"
#include "sysgait/walker.h"

struct _GaitWalkTable {
	gatomicrefcount refs;
	const GaitModel *model;
	struct gait_walk_header *header; /* the flat block */
	char *digest;                    /* NULL until asked for */
};

struct _GaitWalker {
	GaitWalkTable *table;
	struct gait_walk_position position;
	GaitContexts contexts;
	/* walker-unsure.c: role or phase are not known. */
	gboolean is_unsure;
	guint8 *roles; /* by role: it may be the task's; NULL once the role is known */
};

/* --- walker.c */
/* At the program's start, but without contexts. */
GaitWalker *gait_walker_new_blank(const GaitWalkTable *table, guint32 program);
guint32 gait_walker_count_libraries(const GaitWalker *walker);

/* --- walker-unsure.c */
struct gait_walk_found;
/* From now on the role is not known, and may be any, or none yet. */
void gait_walker_unsure_roles(GaitWalker *walker, gboolean is_possible);
/* Of the possible roles only those of threads, if there are any. */
void gait_walker_keep_threads(GaitWalker *walker);
/* A child of one whose role is not known, and whose own is not told by its creation. */
void gait_walker_copy_unsure(GaitWalker *child, const GaitWalker *parent);
/* The verdict, without a move. */
GaitVerdict gait_walker_judge_unsure(const GaitWalker *walker, const struct gait_walk_event *event,
                                     struct gait_walk_found *found);
/* After the move, of an allowed call and of one that was let through. */
void gait_walker_narrow(GaitWalker *walker, const struct gait_walk_found *found);
void gait_walker_resync_unsure(GaitWalker *walker, const struct gait_walk_found *found);

/* The flat block of a valid model, to be freed with g_free(). */
struct gait_walk_header *gait_walk_compile(const GaitModel *model, GError **error);
