/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter under which a launched program is recorded. */
#pragma once

#include <glib.h>

/* For gait_tracer_launch(): async-signal-safe; 0 or an errno. data: a struct sock_fprog; NULL:
 * every call stops. */
int gait_trace_filter_install(gpointer data);
