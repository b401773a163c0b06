/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repetitions: a server that is refused a call and tries again at once makes the same violation a
 * hundred thousand times a second. Each kind of it is worth its first lines, then one a second that
 * counts.
 */
#pragma once

#include "sysgait/violation.h"

#define GAIT_REPEATS_BURST 10 /* lines, before one a second */

typedef struct _GaitRepeats GaitRepeats;

GaitRepeats *gait_repeats_new(void);
void gait_repeats_free(GaitRepeats *repeats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitRepeats, gait_repeats_free)

/*
 * Whether the violation is to be written at now_us (monotonic). If so, *n_withheld is how many like
 * it were not since the last one that was, violation->n_repeats that were not told of included.
 * "Like it": same task, kind, call, place and state.
 */
gboolean gait_repeats_is_due(GaitRepeats *repeats, const GaitViolation *violation,
                             const GaitWalker *walker, gint64 now_us, guint64 *n_withheld);
/* Violations of which nothing more will be known. */
void gait_repeats_withhold(GaitRepeats *repeats, guint64 n);
/* In total, that no line written so far counts. */
guint64 gait_repeats_get_n_withheld(const GaitRepeats *repeats);
