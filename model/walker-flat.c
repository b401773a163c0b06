/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walkers in flat memory. Slots of a row that the program has no automaton for are filled as new
 * ones are, so that a row is the same whoever looks at it.
 */
#include "model/walker-private.h"

#include <string.h>

gboolean
gait_walker_put(const GaitWalker *walker, struct gait_walk_position *position, guint32 *rows,
                guint32 stride, guint32 n_rows, guint32 *depth)
{
	const GaitContexts *contexts = &walker->contexts;

	if (contexts->depth >= n_rows || contexts->stride > stride)
		return FALSE;
	*position = walker->position;
	*depth = contexts->depth;
	for (guint32 d = 0; d <= contexts->depth; d++) {
		const guint32 *row = contexts->rows + (gsize)d * contexts->stride;
		guint32 *out = rows + (gsize)d * stride;

		memcpy(out, row, contexts->stride * sizeof(*row));
		for (guint32 i = contexts->stride; i < stride; i++)
			out[i] = row[0];
	}
	return TRUE;
}

void
gait_walker_take(GaitWalker *walker, const struct gait_walk_position *position, const guint32 *rows,
                 guint32 stride, guint32 n_rows, guint32 depth)
{
	GaitContexts *contexts = &walker->contexts;

	g_assert(position->program < walker->table->header->n_programs);
	walker->position = *position;
	/* For each call that somebody is asked about: without memory of its own. */
	contexts->depth = 0;
	if (contexts->stride != gait_walker_count_libraries(walker) + 1)
		gait_contexts_reset(contexts, gait_walker_count_libraries(walker),
		                    GAIT_STATE_START);
	for (guint32 d = 0; d <= MIN(depth, n_rows - 1); d++) {
		if (d > 0)
			gait_contexts_push(contexts);
		memcpy(gait_contexts_row(contexts), rows + (gsize)d * stride,
		       MIN(contexts->stride, stride) * sizeof(*rows));
	}
	if (walker->is_unsure && walker->position.role != GAIT_NONE) {
		walker->is_unsure = FALSE;
		g_clear_pointer(&walker->roles, g_free);
	}
}
