/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and walkers of tasks that the in-kernel tier walks.
 *
 * Which way it falls: a task that has no slot, or whose walker does not fit into one, is killed.
 */
#include "enforce/in-kernel-private.h"

#include "enforce/judged.h"
#include "sysgait/contexts.h"

#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- a task's walker ----------------------------------------------------------------------------
 */

static void
take_handlers(GaitSupervised *supervised, const struct gait_tier_slot *slot)
{
	GaitSignalFrame frames[GAIT_TIER_MAX_CONTEXTS];
	GaitInterruptedCall calls[GAIT_TIER_MAX_CONTEXTS];
	guint depth = MIN(slot->depth, GAIT_TIER_MAX_CONTEXTS);
	guint n_again = MIN(slot->n_again, GAIT_TIER_MAX_CONTEXTS);

	for (guint i = 0; i < depth; i++)
		frames[i] = (GaitSignalFrame){.sp = slot->handlers[i].sp,
		                              .stack_base = slot->handlers[i].stack_base};
	for (guint i = 0; i < n_again; i++) {
		calls[i] = (GaitInterruptedCall){
		    .call = {.ip = slot->again[i].ip,
		             .sp = slot->again[i].sp,
		             .nr = slot->again[i].nr},
		    .depth = slot->again[i].depth,
		};
		memcpy(calls[i].call.args, slot->again[i].args, sizeof(calls[i].call.args));
	}
	gait_signal_context_set_frames(&supervised->signals, frames, depth);
	gait_interrupted_calls_set(&supervised->interrupted, calls, n_again);
}

static gboolean
put_handlers(const GaitSupervised *supervised, struct gait_tier_slot *slot)
{
	guint depth, n_again;
	const GaitSignalFrame *frames =
	    gait_signal_context_get_frames(&supervised->signals, &depth);
	const GaitInterruptedCall *calls =
	    gait_interrupted_calls_get(&supervised->interrupted, &n_again);

	if (depth >= GAIT_TIER_MAX_CONTEXTS || n_again >= GAIT_TIER_MAX_CONTEXTS)
		return FALSE;
	for (guint i = 0; i < depth; i++)
		slot->handlers[i] = (struct gait_tier_handler){frames[i].sp, frames[i].stack_base};
	for (guint i = 0; i < n_again; i++) {
		slot->again[i] = (struct gait_tier_again){.ip = calls[i].call.ip,
		                                          .sp = calls[i].call.sp,
		                                          .nr = calls[i].call.nr,
		                                          .depth = calls[i].depth};
		memcpy(slot->again[i].args, calls[i].call.args, sizeof(slot->again[i].args));
	}
	slot->n_again = n_again;
	return TRUE;
}

void
gait_in_kernel_take(GaitEnforcer *enforcer, const GaitTask *task)
{
	GaitSupervised *supervised = task->data;
	const struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);
	const guint32 *states;
	guint32 stride;

	if (!slot || !supervised->walker)
		return;
	states = gait_tier_get_states(enforcer->in_kernel->tier, supervised->slot, &stride);
	gait_walker_take(supervised->walker, &slot->position, states, stride,
	                 GAIT_TIER_MAX_CONTEXTS, slot->depth);
	take_handlers(supervised, slot);
}

gboolean
gait_in_kernel_put(GaitEnforcer *enforcer, const GaitTask *task, gboolean is_ruled)
{
	const GaitSupervised *supervised = task->data;
	struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);
	guint32 stride, *states;

	if (!enforcer->in_kernel)
		return TRUE;
	if (!slot)
		return FALSE;
	slot->flags &= ~(__u32)(GAIT_TIER_TASK_ENFORCED | GAIT_TIER_TASK_MUTE);
	if (!supervised->walker)
		return TRUE;
	states = gait_tier_get_states(enforcer->in_kernel->tier, supervised->slot, &stride);
	if (!put_handlers(supervised, slot) ||
	    !gait_walker_put(supervised->walker, &slot->position, states, stride,
	                     GAIT_TIER_MAX_CONTEXTS, &slot->depth)) {
		gait_log_message(enforcer->log,
		                 "task %d is inside of more signal handlers than the kernel can "
		                 "follow: killing it",
		                 task->tid);
		return FALSE;
	}
	slot->flags |= GAIT_TIER_TASK_ENFORCED | (is_ruled ? GAIT_TIER_TASK_MUTE : 0);
	return TRUE;
}

/* --- lifecycle ----------------------------------------------------------------------------------
 */

/*
 * Whether a process has its descriptors in common with its creator. What is killed for in the
 * kernel takes effect in its process's descriptors, which are gone with it only where nobody else
 * has them. Where the kernel cannot tell there are few who could make use of it.
 */
static gboolean
shares_descriptors(const GaitTask *task, const GaitTask *creator)
{
	return !(task->flags & GAIT_TASK_THREAD) &&
	       syscall(SYS_kcmp, creator->pid, task->pid, KCMP_FILES, 0, 0) == 0;
}

static gboolean
acts(const GaitPolicy *policy)
{
	for (guint v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++)
		if (policy->actions[v].kind != GAIT_ACTION_LOG)
			return TRUE;
	return FALSE;
}

gboolean
gait_in_kernel_created(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	GaitSupervised *supervised = task->data;
	const struct gait_tier_slot *creator =
	    parent ? gait_in_kernel_get_slot(enforcer, parent) : NULL;
	g_autoptr(GError) error = NULL;
	struct gait_tier_slot *slot;

	if (!in_kernel)
		return TRUE;
	/* Closed. */
	if (parent && acts(&enforcer->policy) && shares_descriptors(task, parent)) {
		gait_log_message(enforcer->log,
		                 "process %d shares its descriptors with the one that made it, so "
		                 "that what is killed for in the kernel would last: killing it; "
		                 "--backend notify can hold it",
		                 task->pid);
		return FALSE;
	}
	slot = gait_tier_add(in_kernel->tier, task->tid, &supervised->slot, &error);
	if (!slot) {
		supervised->slot = GAIT_TIER_NONE;
		gait_log_message(enforcer->log, "task %d cannot be supervised (%s): killing it",
		                 task->tid, error->message);
		return FALSE;
	}
	in_kernel->tasks[supervised->slot] = task;
	if (!creator)
		return gait_in_kernel_executed(enforcer, task);
	gait_tier_note_parent(in_kernel->tier, supervised->slot,
	                      ((const GaitSupervised *)parent->data)->slot);
	if (task->flags & GAIT_TASK_THREAD)
		gait_in_kernel_tell_code(in_kernel, task);
	return gait_in_kernel_put(enforcer, task, FALSE);
}

gboolean
gait_in_kernel_executed(GaitEnforcer *enforcer, GaitTask *task)
{
	const GaitSupervised *supervised = task->data;
	struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);

	if (!enforcer->in_kernel)
		return TRUE;
	if (!slot)
		return FALSE;
	if (!gait_tier_note_exec(enforcer->in_kernel->tier, supervised->slot, task->tid, NULL))
		return FALSE;
	slot->flags = gait_tier_learn_process(enforcer->in_kernel->tier, task->pid)
	                  ? GAIT_TIER_TASK_STATIC
	                  : 0;
	return gait_in_kernel_put(enforcer, task, FALSE);
}

void
gait_in_kernel_exited(GaitEnforcer *enforcer, GaitTask *task)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	GaitSupervised *supervised = task->data;
	const struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);

	if (!slot)
		return;
	/* What it did last may have come after all that had been taken over. */
	gait_tier_drain(in_kernel->tier);
	in_kernel->n_events += slot->n_events;
	in_kernel->n_lost += slot->n_lost;
	enforcer->n_denied += slot->n_withheld_denied;
	for (guint v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++)
		gait_log_withhold(enforcer->log, v, slot->n_withheld[v]);
	gait_judged_lost(enforcer, task, slot->n_lost);
	in_kernel->tasks[supervised->slot] = NULL;
	gait_tier_remove(in_kernel->tier, supervised->slot);
	supervised->slot = GAIT_TIER_NONE;
}

guint64
gait_enforcer_count_walked(const GaitEnforcer *enforcer, const GaitTask *task)
{
	const struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);

	return slot ? __atomic_load_n(&slot->n_events, __ATOMIC_RELAXED) : 0;
}

guint64
gait_in_kernel_count_events(const GaitEnforcer *enforcer)
{
	const GaitInKernel *in_kernel = enforcer->in_kernel;
	guint64 n = in_kernel ? in_kernel->n_events : 0;

	for (guint i = 0; in_kernel && i < GAIT_TIER_MAX_TASKS; i++)
		if (in_kernel->tasks[i])
			n += __atomic_load_n(&gait_tier_get_slot(in_kernel->tier, i)->n_events,
			                     __ATOMIC_RELAXED);
	return n;
}
