/* SPDX-License-Identifier: Apache-2.0 */
/* Signals sent to the supervisor go on to the target's first process. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * From now on HUP, INT, QUIT, TERM and USR2 that some process sends are sent on to pid; those that
 * the terminal sends are not, because it sends them to the target too. The supervisor itself ends
 * by none of them, only when its tree has ended. PIPE is ignored. One target at a time.
 */
gboolean gait_forward_start(pid_t pid, GError **error);
/* Restores what was before. */
void gait_forward_stop(void);
