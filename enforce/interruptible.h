/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls a signal can interrupt once they have begun. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * FALSE only where it cannot: the call never sleeps for long, or its descriptor is of a file that
 * never makes it sleep so. The task is stopped.
 */
gboolean gait_call_is_interruptible(pid_t task, guint32 nr, guint64 first_arg);
