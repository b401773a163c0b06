/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was judged, as a trace: `sysgait check` comes to the same verdicts on it as the enforcer
 * did, as long as it refuses nothing. Each function does nothing where enforcer->recording is NULL.
 */
#pragma once

#include "enforce/enforcer-private.h"

/* parent: NULL where nobody has seen who created it. */
void gait_judged_created(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent);
void gait_judged_executed(GaitEnforcer *enforcer, const GaitTask *task);
void gait_judged_signalled(GaitEnforcer *enforcer, const GaitTask *task, int signo);
void gait_judged_unwound(GaitEnforcer *enforcer, const GaitTask *task, guint64 n_handlers);
void gait_judged_call(GaitEnforcer *enforcer, const GaitEntry *entry);
void gait_judged_exited(GaitEnforcer *enforcer, const GaitTask *task, int status);
