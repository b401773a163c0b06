/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of a ruling. Walker, policy and floor each know their part; here they meet. Every
 * way out of this file that is not a verdict of the model falls on the closed side: where libraries
 * cannot be told apart no call passes, and one that cannot be attributed goes to the walker as
 * [unknown], which no model allows unless it learned it so. Only a program outside the model whose
 * exec was let through answers to the floor alone.
 */
#include "enforce/enforcer-private.h"

#include "enforce/in-kernel.h"
#include "enforce/itself.h"
#include "enforce/judged.h"
#include "sysgait/syscall.h"

#include <errno.h>
#include <string.h>

static void
log_violation(GaitEnforcer *enforcer, const GaitEntry *entry, const struct gait_walk_event *event,
              GaitVerdict verdict, const GaitAction *action)
{
	GaitSupervised *supervised = entry->task->data;
	g_autoptr(GString) text = g_string_new(NULL);
	GaitViolation violation = {
	    .time_s = (double)g_get_real_time() / G_USEC_PER_SEC,
	    .pid = entry->task->pid,
	    .tid = entry->task->tid,
	    .verdict = verdict,
	    .event = *event,
	    .args = entry->args,
	    .exec_path = entry->exec_path,
	};

	supervised->n_violations++;
	gait_action_format(action, text);
	violation.action = text->str;
	pthread_mutex_lock(&enforcer->logging);
	gait_enforcer_describe(entry->stack, &violation);
	gait_log_violation(enforcer->log, &violation, supervised->walker);
	pthread_mutex_unlock(&enforcer->logging);
}

/* The ruling that an action comes to; a call that is let through moves the walker. */
static GaitRuling
carry_out(GaitJudge *judge, GaitWalker *walker, const struct gait_walk_event *event,
          const GaitAction *action)
{
	switch (action->kind) {
	case GAIT_ACTION_LOG:
		if (!action->stands_still)
			gait_walker_resync(walker, event);
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	case GAIT_ACTION_ERRNO:
		gait_judge_count(&judge->n_refused);
		return (GaitRuling){GAIT_RULING_ERRNO, action->error};
	case GAIT_ACTION_KILL:
		gait_judge_count(&judge->n_killed);
		return (GaitRuling){GAIT_RULING_KILL, 0};
	case GAIT_ACTION_N_:
		break;
	}
	g_assert_not_reached();
}

/* What the floor refuses is refused in every mode but one: kill is more. */
static GaitAction
floor_action(GaitEnforcer *enforcer, GaitVerdict verdict, int refusal)
{
	GaitAction action = gait_policy_decide(&enforcer->policy, verdict, G_MAXUINT32, 0);

	if (action.kind != GAIT_ACTION_KILL)
		action = (GaitAction){.kind = GAIT_ACTION_ERRNO, .error = refusal};
	return action;
}

static GaitAction
decide(const GaitEnforcer *enforcer, GaitVerdict verdict, const GaitEntry *entry, guint32 klass)
{
	if (G_UNLIKELY(gait_policy_is_abort(entry->nr, klass)) &&
	    gait_signals_itself(entry->task->tid, entry->nr, entry->args))
		return gait_policy_decide_own_signal(&enforcer->policy, verdict, entry->nr, klass);
	return gait_policy_decide(&enforcer->policy, verdict, entry->nr, klass);
}

/*
 * An exec is judged first as the call that it is, then by what it would run: also where the kernel
 * makes it again, since the path may be another one by then. The walker is asked without being
 * moved, since it must not have moved if the exec is refused.
 */
static GaitVerdict
judge_exec(const GaitWalker *walker, const struct gait_walk_event *event, const GaitEntry *entry,
           gboolean is_again)
{
	GaitVerdict verdict = is_again ? GAIT_VERDICT_ALLOW : gait_walker_judge(walker, event);

	if (verdict != GAIT_VERDICT_ALLOW || !entry->exec_path)
		return verdict;
	return gait_walker_check_exec(walker, entry->exec_program);
}

static GaitVerdict
judge_call(GaitSupervised *supervised, const struct gait_walk_event *event, const GaitEntry *entry,
           gboolean is_again)
{
	GaitWalker *walker = supervised->walker;
	GaitVerdict verdict;

	if (G_UNLIKELY(gait_syscall_is_exec(entry->nr))) {
		supervised->announced = entry->exec_program;
		verdict = judge_exec(walker, event, entry, is_again);
		supervised->is_told = FALSE;
		if (verdict != GAIT_VERDICT_ALLOW || is_again)
			return verdict;
	}
	return gait_walker_step(walker, event);
}

/*
 * The kernel makes an interrupted call again; the program made it once, and was allowed to. Same
 * number, arguments, instruction and stack pointer: nothing is new that a verdict could rest on.
 */
static gboolean
take_again(GaitSupervised *supervised, const GaitEntry *entry)
{
	GaitIssuedCall call = {
	    .ip = entry->registers.value[GAIT_REGISTER_RIP],
	    .sp = entry->registers.value[GAIT_REGISTER_RSP],
	    .nr = entry->nr,
	};

	memcpy(call.args, entry->args, sizeof call.args);
	return gait_interrupted_calls_take(
	    &supervised->interrupted, gait_signal_context_get_depth(&supervised->signals), &call);
}

/*
 * Closed: without descriptors or memory libraries cannot be told apart, and a call that would be
 * refused might pass for one that is allowed. So no call passes any more.
 */
static GaitRuling
rule_shortage(GaitEnforcer *enforcer, GaitJudge *judge, int shortage)
{
	if (!__atomic_exchange_n(&enforcer->has_told_shortage, TRUE, __ATOMIC_RELAXED))
		gait_log_message(
		    enforcer->log,
		    "cannot look at the target's libraries (%s), so nothing can be judged: killing "
		    "each process at its next call%s",
		    g_strerror(shortage),
		    shortage == EMFILE ? "; raise the limit on open files (ulimit -n)" : "");
	gait_judge_count(&judge->n_killed);
	return (GaitRuling){GAIT_RULING_KILL, 0};
}

/* Its program is outside the model, and was let through. */
static GaitRuling
rule_by_floor(GaitJudge *judge, int refusal)
{
	if (refusal == 0)
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	gait_judge_count(&judge->n_refused);
	return (GaitRuling){GAIT_RULING_ERRNO, refusal};
}

/* Handlers that were left without rt_sigreturn leave the walker ahead of this call. */
static void
leave_handlers(GaitEnforcer *enforcer, GaitSupervised *supervised, const GaitEntry *entry)
{
	guint64 n_left = gait_signal_context_note_syscall(
	    &supervised->signals, entry->nr, entry->registers.value[GAIT_REGISTER_RSP]);

	if (G_LIKELY(n_left == 0))
		return;
	gait_walker_unwind(supervised->walker, n_left);
	gait_judged_unwound(enforcer, entry->task, n_left);
}

/* The call in the terms of the walk table. */
static void
describe_event(GaitEnforcer *enforcer, GaitJudge *judge, const GaitEntry *entry,
               struct gait_walk_event *event)
{
	GaitSupervised *supervised = entry->task->data;

	if (G_UNLIKELY(entry->stack->status == GAIT_STACK_UNKNOWN))
		gait_enforcer_note_unknown(enforcer, entry->task);
	gait_event_cache_fill(judge->events, entry->stack, entry->nr, entry->args, event);
	if (G_UNLIKELY(gait_syscall_is_creation(entry->nr) || gait_syscall_is_exec(entry->nr))) {
		supervised->creation = *event;
		supervised->creation_stack = entry->stack;
	}
}

/* A call that is not part of the gait. */
static GaitRuling
rule_violation(GaitEnforcer *enforcer, GaitJudge *judge, const GaitEntry *entry,
               const struct gait_walk_event *event, GaitVerdict verdict)
{
	GaitSupervised *supervised = entry->task->data;
	GaitAction action = decide(enforcer, verdict, entry, event->klass);

	/* An exec that may happen as far as the call goes may still not run what it would run. */
	if (action.kind == GAIT_ACTION_LOG && verdict != GAIT_VERDICT_EXEC && entry->exec_path &&
	    gait_walker_check_exec(supervised->walker, entry->exec_program) != GAIT_VERDICT_ALLOW) {
		log_violation(enforcer, entry, event, verdict, &action);
		verdict = GAIT_VERDICT_EXEC;
		action = decide(enforcer, verdict, entry, event->klass);
	}
	supervised->is_told = verdict == GAIT_VERDICT_EXEC;
	log_violation(enforcer, entry, event, verdict, &action);
	return carry_out(judge, supervised->walker, event, &action);
}

static GaitRuling
rule(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	GaitSupervised *supervised = entry->task->data;
	GaitJudge *judge = gait_enforcer_get_judge(enforcer, entry);
	int refusal = gait_floor_get_refusal(enforcer->floor, entry->nr, entry->args);
	int shortage = gait_modules_get_shortage(enforcer->modules);
	struct gait_walk_event event;
	GaitVerdict verdict;
	gboolean is_again;

	gait_judge_count(&judge->n_events);
	if (G_UNLIKELY(shortage != 0))
		return rule_shortage(enforcer, judge, shortage);
	if (!supervised->walker)
		return rule_by_floor(judge, refusal);
	leave_handlers(enforcer, supervised, entry);
	is_again = take_again(supervised, entry);
	if (G_UNLIKELY(is_again && !gait_syscall_is_exec(entry->nr)))
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	if (G_LIKELY(!is_again))
		gait_judged_call(enforcer, entry);
	describe_event(enforcer, judge, entry, &event);
	if (G_UNLIKELY(refusal != 0)) {
		GaitAction action = floor_action(enforcer, GAIT_VERDICT_SYSCALL, refusal);

		log_violation(enforcer, entry, &event, GAIT_VERDICT_SYSCALL, &action);
		return carry_out(judge, supervised->walker, &event, &action);
	}
	verdict = judge_call(supervised, &event, entry, is_again);
	if (G_LIKELY(verdict == GAIT_VERDICT_ALLOW))
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	return rule_violation(enforcer, judge, entry, &event, verdict);
}

GaitRuling
gait_enforcer_rule(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	GaitRuling ruling;

	if (G_LIKELY(!enforcer->in_kernel))
		return rule(enforcer, entry);
	/* What it did before comes before it in the recording; there is but one worker then. */
	if (G_UNLIKELY(enforcer->recording))
		gait_enforcer_drain(enforcer);
	gait_in_kernel_take(enforcer, entry->task);
	ruling = rule(enforcer, entry);
	/* A call that happens is seen by the program next, and has been walked by then. */
	if (!gait_in_kernel_put(enforcer, entry->task, ruling.kind == GAIT_RULING_CONTINUE))
		ruling = (GaitRuling){.kind = GAIT_RULING_KILL};
	return ruling;
}
