/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as the JSON that Perfetto and chrome://tracing read ("Trace Event Format"). */
#pragma once

#include "learn/trace.h"
#include "sysgait/walker.h"

/*
 * Writes each system call of a trace as an instant of its task and, where table is not NULL, each
 * phase as a slice and each violation as an instant. input "-" is standard input, output NULL or
 * "-" standard output. As it is read, so it is written: memory does not grow with the trace. What
 * was written before a failure stays.
 */
gboolean gait_perfetto_write(const char *input, const char *output, const GaitWalkTable *table,
                             const char *const *runtime, GError **error);
