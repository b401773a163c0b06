/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and walkers of tasks that the in-kernel tier walks, and the violations that it reports.
 *
 * Which way it falls: a task that has no slot, or whose walker does not fit into one, is killed; so
 * is, by the program itself, whoever violates what is to be acted on and cannot be refused; a
 * violation whose record found no room is counted, and said at the end.
 */
#include "enforce/in-kernel.h"

#include "enforce/judged.h"
#include "enforce/stranger.h"
#include "kernel/tier.h"
#include "sysgait/contexts.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/user.h>

struct _GaitInKernel {
	GaitTier *tier;
	GaitDenial *denial;                   /* NULL: what is to be refused is killed for */
	GaitTask *tasks[GAIT_TIER_MAX_TASKS]; /* by slot */
	guint64 n_events, n_lost;             /* of tasks that are gone */
	GPtrArray *stacks;                    /* recording: GaitStack by the kernel's number */
};

/* --- policy -------------------------------------------------------------------------------------
 */

static guint8
choose_action(const GaitAction *action, guint32 nr, gboolean is_deniable)
{
	switch (action->kind) {
	case GAIT_ACTION_LOG:
		return action->stands_still || (gait_walk_call_flags(nr) & GAIT_WALK_INCIDENTAL)
		           ? GAIT_TIER_STAND_STILL
		           : GAIT_TIER_LOG;
	case GAIT_ACTION_ERRNO:
		return is_deniable ? GAIT_TIER_DENY : GAIT_TIER_KILL;
	case GAIT_ACTION_KILL:
		return GAIT_TIER_KILL;
	case GAIT_ACTION_N_:
		break;
	}
	g_assert_not_reached();
}

/* Of classes beyond the first few none only waits. */
static void
fill_policy(const GaitPolicy *policy, const GaitDenial *denial,
            struct gait_tier_syscall calls[GAIT_TIER_N_SYSCALLS])
{
	const guint32 other = G_MAXUINT32;

	for (guint32 nr = 0; nr < GAIT_TIER_N_SYSCALLS; nr++) {
		calls[nr].is_deniable = denial && gait_denial_covers(denial, (int)nr);
		for (guint v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++) {
			GaitAction action = gait_policy_decide(policy, v, nr, other);

			calls[nr].action[v] = choose_action(&action, nr, calls[nr].is_deniable);
			calls[nr].error[v] = (guint16)action.error;
		}
		for (guint32 klass = 0; klass < 32; klass++) {
			GaitAction action =
			    gait_policy_decide(policy, GAIT_VERDICT_SEQUENCE, nr, klass);

			if (action.kind == GAIT_ACTION_LOG && action.stands_still)
				calls[nr].waiting |= 1u << klass;
		}
	}
}

/* --- a task's walker ----------------------------------------------------------------------------
 */

static struct gait_tier_slot *
get_slot(const GaitEnforcer *enforcer, const GaitTask *task)
{
	const GaitSupervised *supervised = task->data;

	return enforcer->in_kernel && supervised && supervised->slot != GAIT_TIER_NONE
	           ? gait_tier_get_slot(enforcer->in_kernel->tier, supervised->slot)
	           : NULL;
}

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
	const struct gait_tier_slot *slot = get_slot(enforcer, task);
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
	struct gait_tier_slot *slot = get_slot(enforcer, task);
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

gboolean
gait_in_kernel_created(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	GaitSupervised *supervised = task->data;
	const struct gait_tier_slot *creator = parent ? get_slot(enforcer, parent) : NULL;
	g_autoptr(GError) error = NULL;
	struct gait_tier_slot *slot;

	if (!in_kernel)
		return TRUE;
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
	slot->flags = creator->flags & GAIT_TIER_TASK_STATIC;
	slot->space = creator->space;
	return gait_in_kernel_put(enforcer, task, FALSE);
}

gboolean
gait_in_kernel_executed(GaitEnforcer *enforcer, GaitTask *task)
{
	const GaitSupervised *supervised = task->data;
	struct gait_tier_slot *slot = get_slot(enforcer, task);

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
	const struct gait_tier_slot *slot = get_slot(enforcer, task);

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

void
gait_in_kernel_note_call(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	const guint64 *args = entry->args;

	if (!enforcer->in_kernel || !(args[2] & PROT_EXEC))
		return;
	if (entry->nr == SYS_mmap && !(args[3] & MAP_ANONYMOUS))
		gait_tier_learn_descriptor(enforcer->in_kernel->tier, entry->task->tid,
		                           (int)args[4], args[5], args[1]);
	else if (entry->nr == SYS_mprotect || entry->nr == SYS_pkey_mprotect)
		gait_tier_learn_range(enforcer->in_kernel->tier, entry->task->pid, args[0],
		                      args[0] + args[1]);
}

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

void
gait_enforcer_drain(GaitEnforcer *enforcer)
{
	if (enforcer->in_kernel)
		gait_tier_drain(enforcer->in_kernel->tier);
}

int
gait_enforcer_get_ring_fd(const GaitEnforcer *enforcer)
{
	return enforcer->in_kernel ? gait_tier_get_fd(enforcer->in_kernel->tier) : -1;
}

guint64
gait_enforcer_count_walked(const GaitEnforcer *enforcer, const GaitTask *task)
{
	const struct gait_tier_slot *slot = get_slot(enforcer, task);

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

/* Calls that the floor asks about, or answers, need no hook. */
static gboolean
is_idle(int syscall, gpointer data)
{
	const GaitFloor *floor = data;

	return gait_floor_asks_always(floor, (guint32)syscall) ||
	       gait_floor_decide(floor, AUDIT_ARCH_X86_64, (guint32)syscall) !=
	           GAIT_FLOOR_HAND_OVER;
}

/* What the floor leaves to hooks has to meet them. */
static gboolean
has_all_hooks(const GaitDenial *denial, gpointer floor, GError **error)
{
	for (guint32 nr = 0; nr <= gait_syscall_get_max(); nr++)
		if (!is_idle((int)nr, floor) && gait_denial_has_hooks((int)nr) &&
		    !gait_denial_covers(denial, (int)nr)) {
			g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
			            "this kernel lacks a security hook by which %s is refused; try "
			            "--backend bpf-notify",
			            gait_syscall_name(nr));
			return FALSE;
		}
	return TRUE;
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

/* --- start --------------------------------------------------------------------------------------
 */

gboolean
gait_enforcer_start_in_kernel(GaitEnforcer *enforcer, GaitDenialMeans means, GError **error)
{
	static const GaitTierCallbacks callbacks = {
	    .call = on_call, .violation = on_violation, .stranger = on_stranger, .file = on_file};
	g_autofree struct gait_tier_syscall *calls =
	    g_new0(struct gait_tier_syscall, GAIT_TIER_N_SYSCALLS);
	GaitTierOptions options = {.table = enforcer->table,
	                           .syscalls = calls,
	                           .is_recording = enforcer->recording != NULL,
	                           .is_lossless = enforcer->recording != NULL};
	g_autoptr(GaitDenial) denial = NULL;
	GaitTier *tier;

	if (means != GAIT_DENIAL_NONE &&
	    !(denial = gait_denial_new(means, is_idle, (gpointer)enforcer->floor, error)))
		return FALSE;
	if (denial && !has_all_hooks(denial, (gpointer)enforcer->floor, error))
		return FALSE;
	options.denial = denial;
	fill_policy(&enforcer->policy, denial, calls);
	tier = gait_tier_new(&options, enforcer->modules, &callbacks, enforcer, error);
	if (!tier)
		return FALSE;
	/* Not all that the target does with the terminal passes by here, so nobody could say when
	   the status line has to give way. */
	gait_log_set_terminal(enforcer->log, NULL);
	enforcer->terminal = NULL;
	enforcer->in_kernel = g_new0(GaitInKernel, 1);
	enforcer->in_kernel->tier = tier;
	enforcer->in_kernel->denial = g_steal_pointer(&denial);
	enforcer->in_kernel->stacks = g_ptr_array_new();
	return TRUE;
}

void
gait_enforcer_stop_in_kernel(GaitEnforcer *enforcer)
{
	GaitInKernel *in_kernel = g_steal_pointer(&enforcer->in_kernel);

	if (!in_kernel)
		return;
	if (in_kernel->n_lost > 0)
		gait_log_message(enforcer->log,
		                 "%" G_GUINT64_FORMAT
		                 " violations in the kernel found no room for being told of",
		                 in_kernel->n_lost);
	enforcer->n_walked += in_kernel->n_events;
	gait_tier_free(in_kernel->tier);
	gait_denial_free(in_kernel->denial);
	g_ptr_array_unref(in_kernel->stacks);
	g_free(in_kernel);
}
