/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer: what it is made of, and the first half of a ruling, which looks at the target: who
 * makes the call, and what an exec would run. The second half is in ruling.c.
 */
#include "enforce/enforcer-private.h"

#include "enforce/exec-target.h"
#include "enforce/in-kernel.h"
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
	gait_enforcer_stop_in_kernel(enforcer);
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
	*stats = (GaitEnforcerStats){
	    .n_tasks = enforcer->n_tasks,
	    .n_killed = enforcer->n_killed,
	    .n_refused = enforcer->n_denied,
	    .n_events = enforcer->n_walked + gait_in_kernel_count_events(enforcer),
	};
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
	gait_in_kernel_note_call(enforcer, entry);
	gait_space_note_syscall(task->space, task->tid, entry->nr, entry->args);
	result = gait_attributor_attribute(gait_enforcer_get_judge(enforcer, entry)->attributor,
	                                   task->space, task->tid, entry->nr, &entry->registers,
	                                   &entry->stack);
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
	return gait_attributor_recall(gait_enforcer_get_judge(enforcer, entry)->attributor,
	                              task->space, task->tid, entry->nr, &entry->registers,
	                              &entry->top, &entry->stack);
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
