/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a signal goes to its own sender. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Of kill, tkill and tgkill: whether the process that is meant is the task's own. The task is
 * stopped in the call. */
gboolean gait_signals_itself(pid_t task, guint32 nr, const guint64 args[6]);
