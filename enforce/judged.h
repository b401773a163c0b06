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
/* A call that was judged in the kernel. stack: NULL where it is not known any more. */
void gait_judged_walked(GaitEnforcer *enforcer, const GaitTask *task, guint64 time_ns, guint32 nr,
                        const guint64 args[6], const GaitStack *stack);
/* Calls that were judged, and found no room for being told of. */
void gait_judged_lost(GaitEnforcer *enforcer, const GaitTask *task, guint64 n_calls);
void gait_judged_exited(GaitEnforcer *enforcer, const GaitTask *task, int status);
