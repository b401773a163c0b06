/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor may do to the machine, beside what it does to its target. */
#pragma once

#include <glib.h>

/*
 * For good, gives up every capability but those by which targets of other users are looked at and
 * killed. For the calling thread and those that it starts from then on; what was started before,
 * the target, keeps its own. FALSE with error where something keeps us from it.
 */
gboolean gait_privileges_drop(GError **error);
/* The same with every capability there is, for who only waits. 0, or an errno. Async-signal-safe.
 */
int gait_privileges_drop_all(void);
