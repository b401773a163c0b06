/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer's view of lifecycle: a walker for each task, born, moved to another program and
 * freed with it. What arrives here is exact, because the tracer has the task stopped; a task that
 * cannot be placed is not supervised loosely but killed.
 */
#include "enforce/enforcer-private.h"
#include "enforce/in-kernel.h"
#include "enforce/judged.h"
#include "kernel/shared.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <signal.h>
#include <sys/syscall.h>

/* The index in the model of the program that a process runs; GAIT_NONE where it is not there. */
static guint32
find_running_program(GaitEnforcer *enforcer, pid_t pid, const char **path)
{
	GaitModule *module = gait_modules_get_program(enforcer->modules, pid, NULL);

	*path = module ? gait_module_get_path(module) : "[gone]";
	return module ? gait_model_find_program(enforcer->model, *path) : GAIT_NONE;
}

static GaitSupervised *
supervise(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent)
{
	GaitSupervised *supervised = g_new0(GaitSupervised, 1);

	supervised->slot = GAIT_TIER_NONE;
	task->data = supervised;
	g_hash_table_add(enforcer->tasks, task);
	enforcer->n_tasks++;
	gait_judged_created(enforcer, task, parent);
	return supervised;
}

static gboolean
start_root(GaitEnforcer *enforcer, GaitTask *task)
{
	GaitSupervised *supervised = supervise(enforcer, task, NULL);
	const char *path;
	guint32 program = find_running_program(enforcer, task->pid, &path);

	if (program == GAIT_NONE) {
		g_autoptr(GString) text = g_string_new(NULL);

		gait_text_append(text, path);
		gait_log_message(enforcer->log, "the model does not know the program %s",
		                 text->str);
		return FALSE;
	}
	supervised->walker = gait_walker_new(enforcer->table, program);
	return TRUE;
}

/*
 * A violation that only shows when it has happened. FALSE: the process must be killed, since it is
 * too late for an errno.
 */
static gboolean
let_be(GaitEnforcer *enforcer, const GaitTask *task, GaitViolation *violation, gboolean is_logged)
{
	GaitSupervised *supervised = task->data;
	gboolean is_kill = enforcer->policy.actions[violation->verdict].kind != GAIT_ACTION_LOG;

	violation->time_s = (double)g_get_real_time() / G_USEC_PER_SEC;
	violation->pid = task->pid;
	violation->tid = task->tid;
	violation->action = is_kill ? "kill" : "log";
	if (is_kill || !is_logged) {
		supervised->n_violations++;
		gait_log_violation(enforcer->log, violation, supervised->walker);
	}
	enforcer->n_killed += is_kill;
	return !is_kill;
}

/* Whether a task may be there, which its creation could not tell: see gait_walker_check_fork(). */
static gboolean
may_be(GaitEnforcer *enforcer, const GaitTask *task, const GaitTask *parent)
{
	const GaitSupervised *creator = parent->data;
	GaitViolation violation = {
	    .verdict = GAIT_VERDICT_ROLE,
	    .event = creator->creation,
	};

	if (gait_walker_check_fork(creator->walker, task->flags) == GAIT_VERDICT_ALLOW)
		return TRUE;
	if (creator->creation_stack)
		gait_enforcer_describe(creator->creation_stack, &violation);
	else
		violation.event.issuer_module = violation.event.module = GAIT_NONE;
	return let_be(enforcer, parent, &violation, FALSE);
}

gboolean
gait_enforcer_check_joined(GaitEnforcer *enforcer, pid_t pid, GError **error)
{
	GaitModule *module = gait_modules_get_program(enforcer->modules, pid, NULL);
	g_autoptr(GString) text = NULL;

	if (!module || enforcer->policy.actions[GAIT_VERDICT_EXEC].kind == GAIT_ACTION_LOG ||
	    gait_model_find_program(enforcer->model, gait_module_get_path(module)) != GAIT_NONE)
		return TRUE;
	text = g_string_new(NULL);
	gait_text_append(text, gait_module_get_path(module));
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_CONFLICT,
	            "process %d runs %s, which the model does not know; --on-violation exec=log "
	            "joins it nevertheless, held by the floor only",
	            pid, text->str);
	return FALSE;
}

static gboolean
start_joined(GaitEnforcer *enforcer, GaitTask *task)
{
	GaitSupervised *supervised = supervise(enforcer, task, NULL);
	const char *path;
	guint32 program = find_running_program(enforcer, task->pid, &path);
	g_autoptr(GString) text = g_string_new(NULL);

	if (program != GAIT_NONE) {
		supervised->walker = gait_walker_new_joined(
		    enforcer->table, program, task->tid != task->pid ? GAIT_TASK_THREAD : 0);
		return TRUE;
	}
	gait_text_append(text, path);
	gait_log_message(enforcer->log, "process %d runs %s, which the model does not know%s",
	                 task->pid, text->str,
	                 enforcer->policy.actions[GAIT_VERDICT_EXEC].kind == GAIT_ACTION_LOG
	                     ? ": only the floor holds it"
	                     : "");
	return enforcer->policy.actions[GAIT_VERDICT_EXEC].kind == GAIT_ACTION_LOG;
}

static gboolean
start_task(GaitEnforcer *enforcer, GaitTask *task, GaitTask *parent)
{
	const GaitSupervised *creator;
	GaitSupervised *supervised;

	if (task->flags & GAIT_TASK_JOINED)
		return start_joined(enforcer, task);
	if (!parent && enforcer->n_tasks == 0)
		return start_root(enforcer, task);
	supervised = supervise(enforcer, task, parent);
	/* Closed: nobody knows whose child it is (its creator was killed meanwhile), so nobody can
	   say what it may do. */
	if (!parent)
		return FALSE;
	gait_in_kernel_take(enforcer, parent);
	creator = parent->data;
	if (!creator->walker)
		return TRUE;
	supervised->walker = gait_walker_fork(creator->walker, task->flags);
	if (!(task->flags & GAIT_TASK_THREAD))
		gait_signal_context_copy(&supervised->signals, &creator->signals);
	return may_be(enforcer, task, parent);
}

gboolean
gait_enforcer_created(GaitEnforcer *enforcer, GaitTask *task, GaitTask *parent)
{
	return start_task(enforcer, task, parent) && gait_in_kernel_created(enforcer, task, parent);
}

/* What runs now is judged whatever the entry promised: the file may have been another one by then.
 */
static gboolean
may_run(GaitEnforcer *enforcer, const GaitTask *task, guint32 program, const char *path)
{
	const GaitSupervised *supervised = task->data;
	GaitViolation violation = {
	    .verdict = GAIT_VERDICT_EXEC,
	    .event = {.nr = SYS_execve, .issuer_module = GAIT_NONE, .module = GAIT_NONE},
	    .exec_path = path,
	};

	if (gait_walker_check_exec(supervised->walker, program) == GAIT_VERDICT_ALLOW)
		return TRUE;
	if (supervised->creation_stack && gait_syscall_is_exec(supervised->creation.nr)) {
		violation.event = supervised->creation;
		gait_enforcer_describe(supervised->creation_stack, &violation);
	}
	/* What was announced may have been logged at the call. */
	return let_be(enforcer, task, &violation,
	              supervised->is_told && program == supervised->announced);
}

static gboolean
run_another(GaitEnforcer *enforcer, GaitTask *task)
{
	GaitSupervised *supervised = task->data;
	const char *path;
	guint32 program = find_running_program(enforcer, task->pid, &path);

	gait_in_kernel_take(enforcer, task);
	gait_judged_executed(enforcer, task);
	gait_signal_context_clear(&supervised->signals);
	gait_interrupted_calls_clear(&supervised->interrupted);
	if (supervised->walker && !may_run(enforcer, task, program, path))
		return FALSE;
	if (program == GAIT_NONE) {
		g_autoptr(GString) text = g_string_new(NULL);

		gait_text_append(text, path);
		gait_log_message(enforcer->log,
		                 "process %d runs %s, which the model does not know: from here on "
		                 "only the floor holds it",
		                 task->pid, text->str);
		g_clear_pointer(&supervised->walker, gait_walker_free);
	} else if (supervised->walker) {
		gait_walker_exec(supervised->walker, program);
	} else {
		supervised->walker = gait_walker_new(enforcer->table, program);
	}
	return TRUE;
}

gboolean
gait_enforcer_executed(GaitEnforcer *enforcer, GaitTask *task)
{
	return run_another(enforcer, task) && gait_in_kernel_executed(enforcer, task);
}

void
gait_enforcer_interrupted(GaitEnforcer *enforcer, GaitTask *task,
                          const struct user_regs_struct *registers)
{
	GaitSupervised *supervised = task->data;

	gait_in_kernel_take(enforcer, task);
	gait_interrupted_calls_note(&supervised->interrupted,
	                            gait_signal_context_get_depth(&supervised->signals), registers);
	/* Closed: what cannot be followed is killed. */
	if (!gait_in_kernel_put(enforcer, task, FALSE))
		kill(task->pid, SIGKILL);
}

void
gait_enforcer_signalled(GaitEnforcer *enforcer, GaitTask *task, int signo,
                        const struct user_regs_struct *registers)
{
	GaitSupervised *supervised = task->data;
	guint64 n_left;

	if (!supervised->walker)
		return;
	gait_in_kernel_take(enforcer, task);
	n_left = gait_signal_context_enter(&supervised->signals, &task->signal_frame);
	if (n_left > 0) {
		gait_walker_unwind(supervised->walker, n_left);
		gait_judged_unwound(enforcer, task, n_left);
	}
	gait_walker_signal(supervised->walker);
	gait_judged_signalled(enforcer, task, signo);
	/* Closed: what cannot be followed is killed. */
	if (!gait_in_kernel_put(enforcer, task, FALSE))
		kill(task->pid, SIGKILL);
}

void
gait_enforcer_exited(GaitEnforcer *enforcer, GaitTask *task, int status)
{
	GaitSupervised *supervised = task->data;

	if (!supervised)
		return;
	gait_in_kernel_exited(enforcer, task);
	g_hash_table_remove(enforcer->tasks, task);
	gait_judged_exited(enforcer, task, status);
	task->data = NULL;
	gait_walker_free(supervised->walker);
	gait_signal_context_clear(&supervised->signals);
	gait_interrupted_calls_clear(&supervised->interrupted);
	g_free(supervised);
}
