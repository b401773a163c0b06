/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the in-kernel tier sends: violations, for the log; calls, for a recording; and who hides.
 *
 * Which way it falls: whoever violates what is to be acted on and cannot be refused was killed by
 * the program itself; a violation whose record found no room is counted, and told of with the next
 * one or at the end.
 */
#include "enforce/in-kernel-private.h"

#include "enforce/judged.h"
#include "enforce/stranger.h"
#include "sysgait/contexts.h"

#include <linux/audit.h>
#include <string.h>

/* --- violations ---------------------------------------------------------------------------------
 */

static const GaitStack *
attribute(GaitEnforcer *enforcer, GaitTask *task, const struct gait_tier_raw *raw)
{
	GaitJudge *judge = g_ptr_array_index(enforcer->judges, 0);

	return gait_tier_attribute(enforcer->in_kernel->tier, judge->attributor, task->space,
	                           task->tid, raw);
}

/* The walker as it was. */
static void
go_back(GaitEnforcer *enforcer, const GaitSupervised *supervised, const struct gait_tier_raw *raw)
{
	g_autofree guint32 *rows = NULL;
	guint32 stride, depth = MIN(raw->depth, GAIT_TIER_MAX_CONTEXTS - 1);
	const guint32 *states =
	    gait_tier_get_states(enforcer->in_kernel->tier, supervised->slot, &stride);

	rows = g_memdup2(states, (gsize)stride * GAIT_TIER_MAX_CONTEXTS * sizeof(*rows));
	if (raw->library < stride - 1)
		rows[depth * stride + 1 + raw->library] = raw->from;
	gait_walker_take(supervised->walker, &raw->position, rows, stride, GAIT_TIER_MAX_CONTEXTS,
	                 depth);
}

static void
on_violation(const struct gait_tier_raw *raw, gpointer data)
{
	GaitEnforcer *enforcer = data;
	GaitTask *task = raw->call.slot < GAIT_TIER_MAX_TASKS
	                     ? enforcer->in_kernel->tasks[raw->call.slot]
	                     : NULL;
	GaitSupervised *supervised = task ? task->data : NULL;
	GaitJudge *judge = g_ptr_array_index(enforcer->judges, 0);
	guint64 args[6];
	GaitViolation violation = {
	    .time_s = (double)g_get_real_time() / G_USEC_PER_SEC,
	    .verdict = raw->verdict,
	    .args = args,
	    .n_repeats = raw->n_repeats,
	};
	g_autoptr(GString) action = g_string_new(NULL);

	if (!supervised || !supervised->walker) {
		enforcer->in_kernel->n_lost++;
		return;
	}
	memcpy(args, raw->call.args, sizeof(args));
	violation.pid = task->pid;
	violation.tid = task->tid;
	supervised->n_violations += 1 + raw->n_repeats;
	enforcer->n_killed += raw->is_killed;
	enforcer->n_denied += raw->action == GAIT_TIER_DENY ? 1 + raw->n_repeats : 0;
	gait_action_format(&(GaitAction){.kind = raw->is_killed                  ? GAIT_ACTION_KILL
	                                         : raw->action == GAIT_TIER_DENY ? GAIT_ACTION_ERRNO
	                                                                         : GAIT_ACTION_LOG,
	                                 .error = (int)raw->error},
	                   action);
	violation.action = action->str;
	go_back(enforcer, supervised, raw);
	{
		const GaitStack *stack = attribute(enforcer, task, raw);

		gait_event_cache_fill(judge->events, stack, raw->call.nr, args, &violation.event);
		pthread_mutex_lock(&enforcer->logging);
		gait_enforcer_describe(stack, &violation);
		gait_log_violation(enforcer->log, &violation, supervised->walker);
		pthread_mutex_unlock(&enforcer->logging);
	}
}

/* --- a recording --------------------------------------------------------------------------------
 */

static const GaitStack *
find_stack(GaitEnforcer *enforcer, GaitTask *task, const struct gait_tier_call *call,
           const struct gait_tier_raw *raw)
{
	GPtrArray *stacks = enforcer->in_kernel->stacks;
	const GaitStack *stack;

	if (!raw)
		return call->stack < stacks->len ? stacks->pdata[call->stack] : NULL;
	stack = attribute(enforcer, task, raw);
	if (call->stack == 0 || call->stack > 4 * GAIT_TIER_MAX_STACKS)
		return stack;
	if (call->stack >= stacks->len)
		g_ptr_array_set_size(stacks, (gint)call->stack + 1);
	stacks->pdata[call->stack] = (gpointer)stack;
	return stack;
}

/* What surrounds a step is done here as the program did it: see rule() in ruling.c. */
static void
on_call(const struct gait_tier_call *call, const struct gait_tier_raw *raw, gpointer data)
{
	GaitEnforcer *enforcer = data;
	GaitTask *task =
	    call->slot < GAIT_TIER_MAX_TASKS ? enforcer->in_kernel->tasks[call->slot] : NULL;
	GaitSupervised *supervised = task ? task->data : NULL;
	GaitIssuedCall issued = {.ip = call->ip, .sp = call->sp, .nr = call->nr};
	const GaitStack *stack;
	guint64 n_left;

	if (!supervised || !supervised->walker)
		return;
	memcpy(issued.args, call->args, sizeof(issued.args));
	stack = find_stack(enforcer, task, call, raw);
	n_left = gait_signal_context_note_syscall(&supervised->signals, call->nr, call->sp);
	if (n_left > 0)
		gait_judged_unwound(enforcer, task, n_left);
	if (!gait_interrupted_calls_take(&supervised->interrupted,
	                                 gait_signal_context_get_depth(&supervised->signals),
	                                 &issued))
		gait_judged_walked(enforcer, task, call->time_ns, call->nr, issued.args, stack);
}

/* Closed: who makes no call at all, until nobody walks calls any more, does not live that long. */
static void
on_stranger(pid_t tid, guint64 born_ns, gpointer data)
{
	const GaitEnforcer *enforcer = data;

	gait_stranger_kill(tid, born_ns);

	gait_log_message(enforcer->log,
	                 "task %d was created in a way that hides its creator: killing it",
	                 (int)tid);
}

/* Who of the calls that are walked in the kernel are of another build is seen here only. */
static void
on_file(GaitModule *module, gpointer data)
{
	const GaitEnforcer *enforcer = data;
	const GaitJudge *judge = g_ptr_array_index(enforcer->judges, 0);

	gait_event_cache_note_module(judge->events, module);
}

const GaitTierCallbacks gait_in_kernel_callbacks = {
    .call = on_call, .violation = on_violation, .stranger = on_stranger, .file = on_file};

void
gait_enforcer_drain(GaitEnforcer *enforcer)
{
	if (enforcer->in_kernel)
		gait_tier_drain(enforcer->in_kernel->tier);
}

gboolean
gait_enforcer_is_behind(const GaitEnforcer *enforcer, const GaitTask *task)
{
	const GaitSupervised *supervised = task->data;
	const struct gait_tier_slot *slot = gait_in_kernel_get_slot(enforcer, task);

	return slot && slot->n_violations != supervised->n_taken;
}

void
gait_enforcer_catch_up(GaitEnforcer *enforcer, GaitTask *task)
{
	GaitSupervised *supervised = task->data;

	gait_enforcer_drain(enforcer);
	supervised->n_taken = gait_in_kernel_get_slot(enforcer, task)->n_violations;
}

int
gait_enforcer_get_ring_fd(const GaitEnforcer *enforcer)
{
	return enforcer->in_kernel ? gait_tier_get_fd(enforcer->in_kernel->tier) : -1;
}
