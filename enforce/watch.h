/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a run while it lasts: the status line, and all walkers when they ask. */
#pragma once

#include "enforce/enforcer.h"

/*
 * From now on USR1 prints the walkers of all tasks to stderr (not one that comes from the tree
 * itself), and the status line is drawn twice a second where the enforcer's log has a terminal. One
 * run at a time.
 */
void gait_watch_start(GaitEnforcer *enforcer, GaitTracer *tracer);
gboolean gait_watch_is_due(void);
/* Does what is due. To be called in the tracer's loop, when no other thread moves walkers; costs
 * nothing where nothing is. */
void gait_watch_attend(void);
/* USR1 is ignored from then on. */
void gait_watch_stop(void);
