/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner's pass over a trace: follows every task through its calls, handlers, forks and execs,
 * and counts. What a task does to its states is contexts.h's and walk-step.h's, which the walker
 * uses as well; so a trace is accepted by the model that was learned from it.
 *
 * The common case of an event is a few loads and increments: the symbol of a shape is cached per
 * program, the edge taken to a symbol last is cached in the symbol. Nothing is allocated for an
 * event that was seen before, and what a task needed is freed when it ends.
 */
#include "learn/learner-private.h"
#include "model/model-private.h"
#include "model/walk-step.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <signal.h>
#include <sys/wait.h>

#define PROGRESS_EVENTS (1u << 18) /* between two reports */

static void
task_free(gpointer data)
{
	LearnTask *task = data;

	if (!task)
		return;
	gait_contexts_clear(&task->contexts);
	g_free(task->occurrences);
	g_free(task->round);
	g_free(task);
}

static void
learner_clear(Learner *learner)
{
	g_clear_pointer(&learner->tasks, g_ptr_array_unref);
	g_clear_pointer(&learner->programs, g_ptr_array_unref);
	g_clear_pointer(&learner->by_path, g_hash_table_unref);
	g_clear_pointer(&learner->module_keys, g_hash_table_unref);
	g_clear_pointer(&learner->modules, g_array_unref);
	g_clear_pointer(&learner->model, gait_model_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Learner, learner_clear)

static void
learner_init(Learner *learner, GaitTraceReader *reader, const char *name,
             const GaitLearnOptions *options)
{
	const GaitTraceInfo *info = gait_trace_reader_get_info(reader);

	learner->reader = reader;
	learner->name = name;
	learner->options = options;
	learner->model = gait_model_new();
	g_free(learner->model->kernel);
	learner->model->kernel = g_strdup(info->kernel ? info->kernel : "");
	g_free(learner->model->arch);
	learner->model->arch = g_strdup(info->arch ? info->arch : "");
	learner->model->is_stackless = !info->has_stacks;
	learner->programs = g_ptr_array_new_with_free_func((GDestroyNotify)gait_learn_program_free);
	learner->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	learner->module_keys =
	    g_hash_table_new((GHashFunc)gait_module_hash, (GEqualFunc)gait_module_equal);
	learner->modules = g_array_new(FALSE, FALSE, sizeof(guint32));
	learner->tasks = g_ptr_array_new_with_free_func(task_free);
}

static gboolean
fail(const Learner *learner, const GaitEvent *event, const char *what, GError **error)
{
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
	            "%s: event %" G_GUINT64_FORMAT " (task %u): %s", learner->name,
	            learner->n_events, event->task, what);
	return FALSE;
}

/* --- system calls ---------------------------------------------------------------------------- */

/* Counts the edge that a task walks to a symbol of another state than it was before. */
static inline void
learn_edge(LearnTask *task, LearnSymbol *symbol, guint32 from)
{
	LearnArc *arc = symbol->arc;

	if (G_UNLIKELY(!arc || arc->from != from || arc->role != task->role->index)) {
		const LearnArc key = {symbol->library, from, symbol->state, task->role->index, 0};

		arc = symbol->arc = gait_learn_arc(task->program, &key);
	}
	arc->count++;
}

/* Where the task keeps a symbol's positions; NULL where the role has too many symbols. */
static inline LearnOccurrence *
find_occurrence(LearnTask *task, LearnSymbol *symbol)
{
	LearnRole *role = task->role;
	guint32 index = symbol->id < role->n_local ? role->local[symbol->id] : GAIT_NONE;

	if (G_UNLIKELY(index == GAIT_NONE)) {
		index = gait_learn_role_add(role, symbol);
		if (index == GAIT_NONE)
			return NULL;
	}
	if (G_UNLIKELY(index >= task->n_occurrences)) {
		guint32 n = MAX(role->members->len, task->n_occurrences * 2);

		task->occurrences = g_renew(LearnOccurrence, task->occurrences, n);
		for (guint32 i = task->n_occurrences; i < n; i++)
			task->occurrences[i] = (LearnOccurrence){0};
		task->n_occurrences = n;
	}
	return &task->occurrences[index];
}

static inline void
walk_to(LearnTask *task, LearnSymbol *symbol)
{
	GaitContexts *contexts = &task->contexts;
	guint32 *state;
	guint32 from;

	if (G_UNLIKELY(symbol->library + 1 >= contexts->stride))
		gait_contexts_reserve(contexts, symbol->library + 1);
	state = &gait_contexts_row(contexts)[1 + symbol->library];
	from = gait_walk_from(*state, contexts->depth, symbol->flags);
	if (from != GAIT_NONE)
		learn_edge(task, symbol, from);
	*state = symbol->state;
	if (!(symbol->flags & GAIT_WALK_RETURNS))
		return;
	if (contexts->depth > 0)
		gait_contexts_pop(contexts, 1);
	else
		gait_contexts_lose(contexts);
}

static inline gboolean
learn_syscall(Learner *learner, LearnTask *task, const GaitEvent *event, GError **error)
{
	LearnProgram *program = task->program;
	LearnSymbol *symbol =
	    event->shape < program->n_by_shape ? program->by_shape[event->shape] : NULL;
	LearnOccurrence *at;

	if (G_UNLIKELY(!symbol)) {
		symbol = gait_learn_symbol(program, event->shape, error);
		if (!symbol)
			return FALSE;
	}
	learner->n_syscalls++;
	task->last_ns = event->time_ns;
	if (G_UNLIKELY(symbol->flags & GAIT_WALK_CONTINUES)) {
		learner->n_foreign += gait_learn_symbol_is_foreign(symbol);
		return TRUE;
	}
	task->n_events++;
	if (symbol->flags & (GAIT_WALK_CREATES | GAIT_WALK_EXECS))
		task->last_creation = symbol;
	symbol->count++;
	at = find_occurrence(task, symbol);
	if (G_UNLIKELY(!at)) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_TOO_LARGE,
		            "%s: a role of %s has more than %d symbols", learner->name,
		            program->program->path, GAIT_LEARN_MAX_SYMBOLS);
		return FALSE;
	}
	at->last = task->n_events;
	if (at->first == 0) {
		at->first = task->n_events;
		at->time_ns = event->time_ns - MIN(event->time_ns, task->start_ns);
	}
	if (!(symbol->flags & GAIT_WALK_STAYS)) {
		walk_to(task, symbol);
		gait_learn_round(task, (guint32)(at - task->occurrences));
	}
	if (symbol->flags & GAIT_WALK_WAITS)
		gait_learn_round_end(task);
	return TRUE;
}

/* --- lifecycle ------------------------------------------------------------------------------- */

static LearnTask *
add_task(Learner *learner, const GaitEvent *event, guint32 index, GError **error)
{
	LearnTask *task;

	if (index >= gait_trace_reader_get_n_tasks(learner->reader) ||
	    (index < learner->tasks->len && g_ptr_array_index(learner->tasks, index))) {
		fail(learner, event, "starts a task that there is already, or never will be",
		     error);
		return NULL;
	}
	if (index >= learner->tasks->len)
		g_ptr_array_set_size(learner->tasks, (gint)index + 1);
	task = g_new0(LearnTask, 1);
	g_ptr_array_index(learner->tasks, index) = task;
	return task;
}

static gboolean
learn_start(Learner *learner, const GaitEvent *event, GError **error)
{
	gboolean is_joined = (event->flags & GAIT_TASK_JOINED) != 0;
	LearnProgram *program = gait_learn_program(learner, event->program, error);
	LearnTask *task = program ? add_task(learner, event, event->task, error) : NULL;

	if (!task)
		return FALSE;
	gait_contexts_init(&task->contexts, program->program->libraries->len,
	                   is_joined ? GAIT_NONE : GAIT_STATE_START);
	gait_learn_instance_start(task, g_ptr_array_index(program->roles, 0), event->time_ns,
	                          !is_joined);
	return TRUE;
}

/* The call that led to what happened to the task; NULL where it is not known. */
static LearnSymbol *
get_creation(const LearnTask *task, guint32 flag)
{
	LearnSymbol *last = task->last_creation;

	return last && (last->flags & flag) ? last : NULL;
}

/*
 * A child is of the role that its parent's last creation makes. Where there was none (a lost event)
 * it is taken for one more of the parent's role, of which the start was not seen.
 */
static gboolean
learn_fork(Learner *learner, LearnTask *parent, const GaitEvent *event, GError **error)
{
	LearnSymbol *creation = get_creation(parent, GAIT_WALK_CREATES);
	LearnRole *role = parent->role;
	LearnTask *task;

	if (creation)
		role = gait_learn_role_child(role, creation, error);
	task = role ? add_task(learner, event, event->child, error) : NULL;
	if (!task)
		return FALSE;
	if (event->flags & GAIT_TASK_THREAD) {
		gait_contexts_init(&task->contexts, parent->program->program->libraries->len,
		                   GAIT_STATE_START);
		role->role->is_thread = TRUE;
	} else {
		gait_contexts_copy(&task->contexts, &parent->contexts);
	}
	gait_learn_instance_start(task, role, event->time_ns, creation != NULL);
	return TRUE;
}

/*
 * What executes its own program goes on in a role that its chain of creations tells; another
 * program is entered as main. Where the call is not known (a lost event) it is taken for one more
 * main, of which the start was not seen.
 */
static gboolean
learn_exec(Learner *learner, LearnTask *task, const GaitEvent *event, GError **error)
{
	LearnProgram *program = gait_learn_program(learner, event->program, error);
	LearnSymbol *creation = get_creation(task, GAIT_WALK_EXECS);
	gboolean is_again = program && program == task->program;
	LearnRole *role;

	if (!program)
		return FALSE;
	role = is_again && creation ? gait_learn_role_child(task->role, creation, error)
	                            : g_ptr_array_index(program->roles, 0);
	if (!role)
		return FALSE;
	gait_learn_instance_end(task, event->time_ns, TRUE);
	g_hash_table_add(task->program->execs, GUINT_TO_POINTER(program->index));
	gait_contexts_reset(&task->contexts, program->program->libraries->len, GAIT_STATE_START);
	gait_learn_instance_start(task, role, event->time_ns, !is_again || creation);
	return TRUE;
}

static gboolean
learn_lost(Learner *learner, LearnTask *task, const GaitEvent *event, GError **error)
{
	if (!learner->options->allow_partial) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_PARTIAL,
		            "%s: %" G_GUINT64_FORMAT
		            " events of task %u are missing; --allow-partial learns the rest",
		            learner->name, event->count, event->task);
		return FALSE;
	}
	gait_learn_round_lose(task);
	gait_contexts_lose(&task->contexts);
	task->last_creation = NULL;
	task->n_known = MIN(task->n_known, task->n_events);
	return TRUE;
}

/*
 * Killed outright or crashed: what a task of its role does at its end it would have done, and did
 * not get to. Signals that ask a program to end are another thing: to die of them is its way.
 */
static gboolean
is_cut_off(gint32 status)
{
	if (status == -1 || !WIFSIGNALED(status))
		return FALSE;
	switch (WTERMSIG(status)) {
	case SIGKILL:
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGABRT:
	case SIGSYS:
		return TRUE;
	default:
		return FALSE;
	}
}

static void
learn_exit(Learner *learner, LearnTask *task, const GaitEvent *event)
{
	gait_learn_instance_end(task, event->time_ns, !is_cut_off(event->status));
	g_ptr_array_index(learner->tasks, event->task) = NULL;
	task_free(task);
}

static gboolean
learn_event(Learner *learner, const GaitEvent *event, GError **error)
{
	LearnTask *task = event->task < learner->tasks->len
	                      ? g_ptr_array_index(learner->tasks, event->task)
	                      : NULL;

	if (!task && event->kind != GAIT_EVENT_START)
		return fail(learner, event, "there is no such task (any more)", error);
	switch (event->kind) {
	case GAIT_EVENT_SYSCALL:
		return learn_syscall(learner, task, event, error);
	case GAIT_EVENT_START:
		return learn_start(learner, event, error);
	case GAIT_EVENT_FORK:
		return learn_fork(learner, task, event, error);
	case GAIT_EVENT_EXEC:
		return learn_exec(learner, task, event, error);
	case GAIT_EVENT_SIGNAL:
		gait_contexts_push(&task->contexts);
		return TRUE;
	case GAIT_EVENT_UNWIND:
		gait_contexts_pop(&task->contexts, event->count);
		return TRUE;
	case GAIT_EVENT_EXIT:
		learn_exit(learner, task, event);
		return TRUE;
	case GAIT_EVENT_LOST:
		return learn_lost(learner, task, event, error);
	case GAIT_EVENT_N_:
		break;
	}
	return fail(learner, event, "is of a kind that does not exist", error);
}

/* --- the whole trace ------------------------------------------------------------------------- */

static void
report_progress(const Learner *learner)
{
	guint64 n_read = 0, n_total = 0;

	if (!learner->options->progress)
		return;
	gait_trace_reader_get_position(learner->reader, &n_read, &n_total);
	learner->options->progress(n_read, n_total, learner->options->data);
}

static gboolean
learn_events(Learner *learner, GError **error)
{
	GaitEvent event;
	GaitRead read;

	while ((read = gait_trace_reader_next(learner->reader, &event, error)) == GAIT_READ_EVENT) {
		if (G_UNLIKELY(!learn_event(learner, &event, error)))
			return FALSE;
		if (G_UNLIKELY(++learner->n_events % PROGRESS_EVENTS == 0))
			report_progress(learner);
	}
	if (read == GAIT_READ_ERROR)
		return FALSE;
	report_progress(learner);
	if (gait_trace_reader_is_complete(learner->reader) || learner->options->allow_partial)
		return TRUE;
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_PARTIAL,
	            "%s: the trace is partial (the recorder did not finish it, or lost events); "
	            "--allow-partial learns what there is",
	            learner->name);
	return FALSE;
}

static void
warn_of_foreign(const Learner *learner)
{
	g_autofree char *message = NULL;

	if (!learner->n_foreign || !learner->options->warn)
		return;
	message = g_strdup_printf(
	    "%s: %" G_GUINT64_FORMAT
	    " system calls of another architecture than x86-64 were not learned; `check` and "
	    "`enforce` will refuse them",
	    learner->name, learner->n_foreign);
	learner->options->warn(message, learner->options->data);
}

static void
finish(Learner *learner)
{
	const GaitTraceInfo *info = gait_trace_reader_get_info(learner->reader);
	g_autofree char *command = info->command ? g_strjoinv(" ", info->command) : g_strdup("");

	for (guint i = 0; i < learner->tasks->len; i++) {
		LearnTask *task = g_ptr_array_index(learner->tasks, i);

		if (task)
			gait_learn_instance_end(task, task->last_ns, FALSE);
	}
	for (guint i = 0; i < learner->programs->len; i++)
		gait_learn_program_finish(g_ptr_array_index(learner->programs, i));
	learner->model->max_syscall = gait_syscall_get_max();
	gait_model_add_run(learner->model, gait_trace_reader_get_run_id(learner->reader), command,
	                   learner->n_syscalls, !gait_trace_reader_is_complete(learner->reader));
	gait_model_normalize(learner->model);
	warn_of_foreign(learner);
}

GaitModel *
gait_learn_trace(GaitTraceReader *reader, const char *name, const GaitLearnOptions *options,
                 GError **error)
{
	static const GaitLearnOptions no_options;
	g_auto(Learner) learner = {0};

	learner_init(&learner, reader, name, options ? options : &no_options);
	if (!learn_events(&learner, error))
		return NULL;
	finish(&learner);
	return g_steal_pointer(&learner.model);
}
