/* SPDX-License-Identifier: Apache-2.0 */
/* Signals sent to the supervisor go on to the target. */
#pragma once

#include "sysgait/tracer.h"

/*
 * From now on HUP, INT, QUIT, TERM and USR2 go on to the tracer's first process; not those that the
 * terminal sends, because it sends them to that process too, nor those that the tree sends to its
 * own process group, which is the supervisor's as well. Once that process is gone, and only daemons
 * of it are left, which no terminal reaches, they are for all of them, wherever they come from.
 * gait_forward_deliver() sends them, which the tracer is woken for. The supervisor itself ends by
 * none of them, only when its tree has ended. PIPE is ignored, and so is TTOU, so that messages
 * come through from the background, and XFSZ, so that a log that has become too large is an error
 * like another. One tracer at a time.
 */
gboolean gait_forward_start(GaitTracer *tracer, GError **error);
/* Sends what has come. To be called in the tracer's loop; costs nothing where nothing has. */
void gait_forward_deliver(void);
/* Restores what was before. */
void gait_forward_stop(void);
