/* SPDX-License-Identifier: Apache-2.0 */
/* Signals sent to the supervisor go on to the target. */
#pragma once

#include "sysgait/tracer.h"

/*
 * From now on HUP, INT, QUIT, TERM and USR2 go on to the tracer's first process; not those that the
 * terminal sends, because it sends them to that process too, nor those that the tree sends to its
 * own process group, which is the supervisor's as well. Once that process is gone, and only daemons
 * of it are left, which no terminal reaches, they are for all of them, wherever they come from:
 * gait_forward_take(). The supervisor itself ends by none of them, only when its tree has ended.
 * PIPE is ignored, and so is TTOU, so that messages come through from the background. One tracer at
 * a time.
 */
gboolean gait_forward_start(GaitTracer *tracer, GError **error);
/* Signals that are still to be sent, to every process that is left: bit n - 1 for signal n. The
 * tracer is woken when there are some. */
guint64 gait_forward_take(void);
/* Restores what was before. */
void gait_forward_stop(void);
