/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer's part of the in-kernel tier. Where it is in use a task's walker is the tier's, in
 * the slot that both share; the GaitWalker here is what it is looked at and moved with while the
 * task is stopped or waits: taken before, put back afterwards. They do
 * nothing where enforcer->in_kernel is NULL.
 */
#pragma once

#include "enforce/enforcer-private.h"

void gait_in_kernel_take(GaitEnforcer *enforcer, const GaitTask *task);
/* is_ruled: the task's next call is the one that was judged just now. FALSE where it cannot be put,
 * and the task must be killed. */
gboolean gait_in_kernel_put(GaitEnforcer *enforcer, const GaitTask *task, gboolean is_ruled);
/* A new task, whose walker is there; FALSE where it must be killed. */
gboolean gait_in_kernel_created(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent);
gboolean gait_in_kernel_executed(GaitEnforcer *enforcer, GaitTask *task);
void gait_in_kernel_exited(GaitEnforcer *enforcer, GaitTask *task);
/* A call that changes where code lies is about to happen. */
void gait_in_kernel_note_call(GaitEnforcer *enforcer, const GaitEntry *entry);

/* Calls that were walked in the kernel, so far. */
guint64 gait_in_kernel_count_events(const GaitEnforcer *enforcer);
