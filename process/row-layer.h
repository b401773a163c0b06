/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of rows, of which an unwind table is made: what one source says of a module's code, in
 * pieces that may come in any order, and what a better one says over it.
 */
#pragma once

#include "sysgait/unwind-table.h"

#include <glib.h>

typedef struct _GaitRowLayer GaitRowLayer;

GaitRowLayer *gait_row_layer_new(void);
void gait_row_layer_free(GaitRowLayer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitRowLayer, gait_row_layer_free)

/* row (its start does not matter) holds in [start, end). What lies beyond 4 GiB is left out. */
void gait_row_layer_add(GaitRowLayer *layer, guint64 start, guint64 end,
                        const struct gait_unwind_row *row);
/* Whether there were more pieces than a table may have rows, so that some were left out. */
gboolean gait_row_layer_is_full(const GaitRowLayer *layer);
/* Where pieces overlap, the one that starts last holds up to the next; of two that start at one
 * place, the one that was added last. */
void gait_row_layer_settle(GaitRowLayer *layer);
/*
 * The settled layer that says what `over` says, and where that says nothing, or no more than flags,
 * what `under` says.
 */
GaitRowLayer *gait_row_layer_cover(const GaitRowLayer *under, const GaitRowLayer *over);

typedef void (*GaitGapFunc)(guint64 start, guint64 end, const struct gait_unwind_row *before,
                            gpointer data);
/* For each stretch after a piece where a settled layer says nothing; before: what it says last. */
void gait_row_layer_foreach_gap(const GaitRowLayer *layer, GaitGapFunc function, gpointer data);

/* As a table: sorted rows without gaps from the first on, equal neighbours merged. NULL where there
 * are none, or too many. */
struct gait_unwind_row *gait_row_layer_dup_rows(const GaitRowLayer *layer, guint32 *n_rows);
