/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a walk table before they are one block. Private to model/. */
#pragma once

#include "sysgait/model.h"
#include "sysgait/walk-table.h"

#define GAIT_WALK_MAX_SIZE                                                                         \
	(1u << 30) /* bytes of a table: what a hostile model can make of itself */

typedef struct {
	GArray *programs, *roles, *phases, *symbols; /* gait_walk_… */
	GArray *sets; /* guint32; the offsets in phases are still indices of its words */
	GArray *keys; /* gait_walk_key */
} GaitWalkParts;

/*
 * One block, to be freed with g_free(); n_slots is a power of two. NULL where the block would be
 * too large or a probe too long. The offsets in phases are rewritten where it is not NULL.
 */
struct gait_walk_header *gait_walk_lay_out(const GaitWalkParts *parts, const GaitModel *model,
                                           guint32 n_slots);
