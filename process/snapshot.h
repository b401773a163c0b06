/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of a stopped task from its stack pointer upward, read in few big pieces. */
#pragma once

#include "sysgait/space.h"

enum { GAIT_SNAPSHOT_MAX = 1024 * 1024 };

typedef struct {
	GaitSpace *space; /* borrowed */
	pid_t task;
	guint64 base; /* the stack pointer */
	gsize size;   /* how much is there */
	gboolean is_gone, is_whole;
	gboolean is_past; /* of a call that is over: other stacks have gone on since */
	guint8 *bytes;
} GaitSnapshot;

void gait_snapshot_init(GaitSnapshot *snapshot);
void gait_snapshot_clear(GaitSnapshot *snapshot);
/* Nothing is read yet. */
void gait_snapshot_begin(GaitSnapshot *snapshot, GaitSpace *space, pid_t task, guint64 base);
/* The first bytes, known already. */
void gait_snapshot_put(GaitSnapshot *snapshot, const guint8 *bytes, gsize size);
/* Sees to it that n_bytes are there. FALSE where they cannot be had: beyond the stack or the bound,
 * or the task is gone. */
gboolean gait_snapshot_need(GaitSnapshot *snapshot, gsize n_bytes);
/* The word at base + offset. */
gboolean gait_snapshot_get(GaitSnapshot *snapshot, guint64 offset, guint64 *word);
/* Memory that is elsewhere: code, another stack. Returns how many bytes were read. */
gsize gait_snapshot_read(GaitSnapshot *snapshot, guint64 address, gsize size, void *buffer);
