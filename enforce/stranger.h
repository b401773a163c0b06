/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that were created around the tracer, and that nobody can stop: they can be killed. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Kills the process of this number if it was born at that time, in nanoseconds since the machine
 * was started. A thread, or who is gone, is left alone. */
void gait_stranger_kill(pid_t pid, guint64 born_ns);
