/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer: task ↔ walker, and the ruling on each call. Attribution, walker, policy and floor
 * each know their part; here they meet. Every way out of this file that is not a verdict of the
 * model falls on the closed side: a task without a walker is killed, a call that cannot be
 * attributed goes to the walker as [unknown], which no model allows unless it learned it so.
 */
#include "enforce/enforcer-private.h"
#include "enforce/judged.h"

#include "enforce/exec-target.h"
#include "enforce/itself.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

void
gait_entry_clear(GaitEntry *entry)
{
	g_clear_pointer(&entry->exec_path, g_free);
}

static void
warn_stale(const GaitModule *module, gboolean is_stale, gpointer data)
{
	GaitEnforcer *enforcer = data;
	g_autoptr(GString) path = g_string_new(NULL);
	gboolean is_new;

	pthread_mutex_lock(&enforcer->logging);
	is_new = g_hash_table_add(enforcer->stale, (gpointer)module);
	pthread_mutex_unlock(&enforcer->logging);
	if (!is_new)
		return;
	gait_text_append(path, gait_module_get_path(module));
	gait_log_message(enforcer->log,
	                 is_stale
	                     ? "%s was rebuilt since training: its call sites are not checked, "
	                       "only syscall, library and phase; train again to have them back"
	                     : "%s has the name of a module that the model knows, but is another "
	                       "build at another place: it is taken for a stranger",
	                 path->str);
}

static void
free_judge(gpointer data)
{
	GaitJudge *judge = data;

	gait_event_cache_free(judge->events);
	gait_attributor_free(judge->attributor);
	g_free(judge);
}

GaitJudge *
gait_enforcer_add_judge(GaitEnforcer *enforcer)
{
	GaitJudge *judge = g_new0(GaitJudge, 1);

	judge->attributor = gait_attributor_new(enforcer->modules, NULL);
	judge->events = gait_event_cache_new(enforcer->table, warn_stale, enforcer);
	g_ptr_array_add(enforcer->judges, judge);
	return judge;
}

GaitEnforcer *
gait_enforcer_new(const GaitModel *model, const GaitFloor *floor, const GaitPolicy *policy,
                  GaitLog *log, GError **error)
{
	g_autoptr(GaitEnforcer) enforcer = g_new0(GaitEnforcer, 1);

	enforcer->model = model;
	enforcer->floor = floor;
	enforcer->policy = *policy;
	enforcer->log = log;
	enforcer->terminal = gait_log_get_terminal(log);
	pthread_mutex_init(&enforcer->logging, NULL);
	enforcer->table = gait_walk_table_new(model, error);
	if (!enforcer->table)
		return NULL;
	enforcer->modules = gait_modules_new(NULL);
	enforcer->tasks = g_hash_table_new(NULL, NULL);
	enforcer->stale = g_hash_table_new(NULL, NULL);
	enforcer->judges = g_ptr_array_new_with_free_func(free_judge);
	gait_enforcer_add_judge(enforcer);
	return g_steal_pointer(&enforcer);
}

void
gait_enforcer_free(GaitEnforcer *enforcer)
{
	if (!enforcer)
		return;
	g_clear_pointer(&enforcer->judges, g_ptr_array_unref);
	g_clear_pointer(&enforcer->tasks, g_hash_table_unref);
	g_clear_pointer(&enforcer->stale, g_hash_table_unref);
	pthread_mutex_destroy(&enforcer->logging);
	gait_modules_free(enforcer->modules);
	g_clear_pointer(&enforcer->table, gait_walk_table_unref);
	g_free(enforcer);
}

void
gait_enforcer_set_recording(GaitEnforcer *enforcer, GaitRecording *recording)
{
	enforcer->recording = recording;
	/* It knows stacks by the numbers that one judge gives them. */
	if (recording)
		enforcer->n_workers = 1;
}

void
gait_enforcer_set_n_workers(GaitEnforcer *enforcer, guint n_workers)
{
	enforcer->n_workers = n_workers;
}

guint
gait_enforcer_get_n_workers(const GaitEnforcer *enforcer)
{
	return enforcer->n_workers;
}

void
gait_enforcer_set_verbose(GaitEnforcer *enforcer, gboolean is_verbose)
{
	enforcer->is_verbose = is_verbose;
}

gboolean
gait_enforcer_is_verbose(const GaitEnforcer *enforcer)
{
	return enforcer->is_verbose;
}

GaitModules *
gait_enforcer_get_modules(GaitEnforcer *enforcer)
{
	return enforcer->modules;
}

GaitLog *
gait_enforcer_get_log(GaitEnforcer *enforcer)
{
	return enforcer->log;
}

const GaitFloor *
gait_enforcer_get_floor(const GaitEnforcer *enforcer)
{
	return enforcer->floor;
}

void
gait_enforcer_get_stats(const GaitEnforcer *enforcer, GaitEnforcerStats *stats)
{
	*stats = (GaitEnforcerStats){.n_tasks = enforcer->n_tasks, .n_killed = enforcer->n_killed};
	for (guint i = 0; i < enforcer->judges->len; i++) {
		const GaitJudge *judge = g_ptr_array_index(enforcer->judges, i);

		stats->n_events += __atomic_load_n(&judge->n_events, __ATOMIC_RELAXED);
		stats->n_refused += __atomic_load_n(&judge->n_refused, __ATOMIC_RELAXED);
		stats->n_killed += __atomic_load_n(&judge->n_killed, __ATOMIC_RELAXED);
	}
}

/* --- a call -------------------------------------------------------------------------------------
 */

static void
find_exec_program(GaitEnforcer *enforcer, GaitEntry *entry)
{
	entry->exec_program = GAIT_NONE;
	g_clear_pointer(&entry->exec_path, g_free);
	switch (
	    gait_exec_target_find(entry->task->tid, entry->nr, entry->args, &entry->exec_path)) {
	case GAIT_EXEC_TARGET_FOUND:
		entry->exec_program = gait_model_find_program(enforcer->model, entry->exec_path);
		return;
	case GAIT_EXEC_TARGET_UNREADABLE:
		/* Closed: a program that nobody can name is one outside the model. */
		entry->exec_path = g_strdup("[unreadable]");
		return;
	case GAIT_EXEC_TARGET_ABSENT:
		/* The kernel will refuse it. Should the file appear before it looks, then what runs
		   is judged by gait_enforcer_executed(). */
		return;
	case GAIT_EXEC_TARGET_N_:
		break;
	}
	g_assert_not_reached();
}

static GaitJudge *
get_judge(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	return entry->judge ? entry->judge : g_ptr_array_index(enforcer->judges, 0);
}

static void
watch_terminal(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	if (G_UNLIKELY(enforcer->terminal) && gait_terminal_may_concern(entry->nr, entry->args))
		gait_terminal_note_call(enforcer->terminal, entry->task->tid, entry->nr,
		                        entry->args);
}

GaitAttribution
gait_enforcer_attribute(GaitEnforcer *enforcer, GaitEntry *entry)
{
	GaitTask *task = entry->task;
	GaitAttribution result;

	watch_terminal(enforcer, entry);
	gait_space_note_syscall(task->space, task->tid, entry->nr, entry->args);
	result = gait_attributor_attribute(get_judge(enforcer, entry)->attributor, task->space,
	                                   task->tid, entry->nr, &entry->registers, &entry->stack);
	if (result == GAIT_ATTRIBUTION_DONE && gait_syscall_is_exec(entry->nr))
		find_exec_program(enforcer, entry);
	return result;
}

gboolean
gait_enforcer_recall(GaitEnforcer *enforcer, GaitEntry *entry)
{
	GaitTask *task = entry->task;

	if (gait_syscall_is_exec(entry->nr) ||
	    gait_space_needs_telling(task->space, task->tid, entry->nr, entry->args))
		return FALSE;
	watch_terminal(enforcer, entry);
	return gait_attributor_recall(get_judge(enforcer, entry)->attributor, task->space,
	                              task->tid, entry->nr, &entry->registers, &entry->top,
	                              &entry->stack);
}

void
gait_enforcer_describe(const GaitStack *stack, GaitViolation *violation)
{
	const GaitStackFrame *issuer = &stack->frames[0];
	const GaitStackFrame *site = &stack->frames[stack->site];

	violation->library = gait_module_get_path(site->module);
	violation->library_build_id = gait_module_get_build_id(site->module);
	violation->issuer = gait_module_get_path(issuer->module);
	violation->issuer_build_id = gait_module_get_build_id(issuer->module);
	if (!gait_module_symbolize(site->module, site->offset, &violation->function,
	                           &violation->delta))
		violation->function = NULL;
	if (!gait_module_symbolize(issuer->module, issuer->offset, &violation->issuer_function,
	                           &violation->issuer_delta))
		violation->issuer_function = NULL;
}

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

GaitRuling
gait_enforcer_rule(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	GaitSupervised *supervised = entry->task->data;
	GaitJudge *judge = get_judge(enforcer, entry);
	int refusal = gait_floor_get_refusal(enforcer->floor, entry->nr, entry->args);
	struct gait_walk_event event;
	GaitVerdict verdict;
	GaitAction action;
	int shortage = gait_modules_get_shortage(enforcer->modules);
	gboolean is_again;
	guint64 n_left;

	gait_judge_count(&judge->n_events);
	if (G_UNLIKELY(shortage != 0))
		return rule_shortage(enforcer, judge, shortage);
	if (!supervised->walker) {
		if (refusal == 0)
			return (GaitRuling){GAIT_RULING_CONTINUE, 0};
		gait_judge_count(&judge->n_refused);
		return (GaitRuling){GAIT_RULING_ERRNO, refusal};
	}
	n_left = gait_signal_context_note_syscall(&supervised->signals, entry->nr,
	                                          entry->registers.value[GAIT_REGISTER_RSP]);
	if (G_UNLIKELY(n_left > 0)) {
		gait_walker_unwind(supervised->walker, n_left);
		gait_judged_unwound(enforcer, entry->task, n_left);
	}
	is_again = take_again(supervised, entry);
	if (G_UNLIKELY(is_again && !gait_syscall_is_exec(entry->nr)))
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	if (G_LIKELY(!is_again))
		gait_judged_call(enforcer, entry);
	if (G_UNLIKELY(entry->stack->status == GAIT_STACK_UNKNOWN))
		gait_enforcer_note_unknown(enforcer, entry->task);
	gait_event_cache_fill(judge->events, entry->stack, entry->nr, entry->args, &event);
	if (G_UNLIKELY(gait_syscall_is_creation(entry->nr) || gait_syscall_is_exec(entry->nr))) {
		supervised->creation = event;
		supervised->creation_stack = entry->stack;
	}
	if (G_UNLIKELY(refusal != 0)) {
		action = floor_action(enforcer, GAIT_VERDICT_SYSCALL, refusal);
		log_violation(enforcer, entry, &event, GAIT_VERDICT_SYSCALL, &action);
		return carry_out(judge, supervised->walker, &event, &action);
	}
	verdict = judge_call(supervised, &event, entry, is_again);
	if (G_LIKELY(verdict == GAIT_VERDICT_ALLOW))
		return (GaitRuling){GAIT_RULING_CONTINUE, 0};
	action = decide(enforcer, verdict, entry, event.klass);
	/* An exec that may happen as far as the call goes may still not run what it would run. */
	if (action.kind == GAIT_ACTION_LOG && verdict != GAIT_VERDICT_EXEC && entry->exec_path &&
	    gait_walker_check_exec(supervised->walker, entry->exec_program) != GAIT_VERDICT_ALLOW) {
		log_violation(enforcer, entry, &event, verdict, &action);
		verdict = GAIT_VERDICT_EXEC;
		action = decide(enforcer, verdict, entry, event.klass);
	}
	supervised->is_told = verdict == GAIT_VERDICT_EXEC;
	log_violation(enforcer, entry, &event, verdict, &action);
	return carry_out(judge, supervised->walker, &event, &action);
}
