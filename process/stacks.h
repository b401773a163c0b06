/* SPDX-License-Identifier: Apache-2.0 */
/* Interned call stacks. */
#pragma once

#include "sysgait/attribute.h"

typedef struct _GaitStacks GaitStacks;

GaitStacks *gait_stacks_new(void);
void gait_stacks_free(GaitStacks *stacks);
/* The stack of these frames, the one there is or a new one. NULL where there are too many. */
const GaitStack *gait_stacks_intern(GaitStacks *stacks, GaitStackStatus status,
                                    const GaitStackFrame *frames, guint32 n_frames, guint32 site);
/* By its id, which has to be one. */
const GaitStack *gait_stacks_get(const GaitStacks *stacks, guint32 id);
