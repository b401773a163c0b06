/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offline verdicts. The events are those that the learner takes, the step is the one that
 * enforcement takes. Like the learner it resolves each shape once, and frees what a task needed
 * when it ends.
 *
 * A program that the model does not know is one violation (exec), and is not judged any further:
 * there is nothing to judge it by.
 */
#include "learn/checker.h"

#include "learn/site.h"
#include "learn/stepper.h"
#include "sysgait/error.h"

#define PROGRESS_EVENTS (1u << 18) /* between two reports */

typedef struct {
	GaitWalker *walker; /* NULL: of a program that the model does not know */
	gint32 pid, tid;
	guint32 shape; /* of its last call; GAIT_NONE: none yet */
} Task;

/* An edge that the model does not have: what a task did, and the state it did it in. */
typedef struct {
	guint32 program, module, state, nr, klass;
	guint64 site;
} Unseen;

typedef struct {
	GaitTraceReader *reader;
	const char *name;
	const GaitWalkTable *table;
	const GaitModel *model;
	const GaitCheckOptions *options;
	GaitCheckStats *stats;
	GPtrArray *tasks; /* Task, by index; NULL once gone */
	GaitStepper stepper;
	GHashTable *unseen; /* Unseen */
	guint64 n_read;
	GaitVerdict verdict; /* on the event at hand */
} Checker;

static void
task_free(gpointer data)
{
	Task *task = data;

	if (!task)
		return;
	gait_walker_free(task->walker);
	g_free(task);
}

static guint
unseen_hash(gconstpointer key)
{
	const Unseen *k = key;
	guint64 hash = k->site * 0x9e3779b97f4a7c15ull;

	hash ^= ((guint64)k->module << 32 | k->state) * 0xc2b2ae3d27d4eb4full;
	hash ^= ((guint64)k->nr << 32 | (k->klass ^ k->program)) * 0x165667b19e3779f9ull;
	return (guint)(hash ^ hash >> 29);
}

static gboolean
unseen_equal(gconstpointer a, gconstpointer b)
{
	const Unseen *x = a, *y = b;

	return x->program == y->program && x->module == y->module && x->state == y->state &&
	       x->nr == y->nr && x->klass == y->klass && x->site == y->site;
}

static void
checker_clear(Checker *checker)
{
	g_clear_pointer(&checker->tasks, g_ptr_array_unref);
	gait_stepper_clear(&checker->stepper);
	g_clear_pointer(&checker->unseen, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Checker, checker_clear)

/* --- violations ------------------------------------------------------------------------------ */

static void
count_unseen(Checker *checker, const GaitWalker *walker, const struct gait_walk_event *event)
{
	Unseen key = {
	    .program = gait_walker_get_program(walker),
	    .module = event->module,
	    .state = event->module == GAIT_NONE ? GAIT_NONE
	                                        : gait_walker_get_state(walker, event->module),
	    .nr = event->nr,
	    .klass = event->klass,
	    .site = event->site,
	};

	if (gait_walker_knows_edge(walker, event))
		return;
	if (!g_hash_table_contains(checker->unseen, &key))
		g_hash_table_add(checker->unseen, g_memdup2(&key, sizeof key));
}

static void
report(Checker *checker, const Task *task, const GaitEvent *event, GaitVerdict verdict,
       const char *exec_path)
{
	GaitViolation violation = {
	    .time_s = (double)event->time_ns / 1e9,
	    .pid = task->pid,
	    .tid = task->tid,
	    .verdict = verdict,
	    .exec_path = exec_path,
	};
	const GaitShape *shape = NULL;
	GaitSite site = {.module = G_MAXUINT32, .issuer_module = G_MAXUINT32};

	checker->stats->n_violations[verdict]++;
	checker->verdict = verdict;
	if (!checker->options->violation)
		return;
	if (task->shape != GAIT_NONE) {
		const GaitStep *known = gait_stepper_get(&checker->stepper, task->shape);

		shape = gait_trace_reader_get_shape(checker->reader, task->shape);
		violation.event = known->event;
		violation.arch = known->arch;
		violation.args = shape->args;
		gait_site_from_shape(&site, checker->reader, shape, checker->options->runtime);
	}
	if (site.module != G_MAXUINT32) {
		const GaitTraceModule *module =
		    gait_trace_reader_get_module(checker->reader, site.module);

		violation.library = module->path;
		violation.library_build_id = module->build_id;
		violation.function = site.function;
		violation.delta = site.delta;
	}
	if (site.issuer_module != G_MAXUINT32) {
		const GaitTraceModule *module =
		    gait_trace_reader_get_module(checker->reader, site.issuer_module);

		violation.issuer = module->path;
		violation.issuer_build_id = module->build_id;
		violation.issuer_function = site.issuer_function;
		violation.issuer_delta = site.issuer_delta;
	}
	checker->options->violation(&violation, task->walker, checker->options->data);
}

/* --- events ---------------------------------------------------------------------------------- */

static gboolean
fail(const Checker *checker, const GaitEvent *event, const char *what, GError **error)
{
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
	            "%s: event %" G_GUINT64_FORMAT " (task %u): %s", checker->name, checker->n_read,
	            event->task, what);
	return FALSE;
}

static gboolean
check_syscall(Checker *checker, Task *task, const GaitEvent *event, GError **error)
{
	const GaitStep *shape = gait_stepper_get(&checker->stepper, event->shape);
	GaitVerdict verdict;

	if (!shape)
		return fail(checker, event, "is of a shape that the trace does not have", error);
	task->shape = event->shape;
	checker->stats->n_events++;
	if (!task->walker) {
		checker->stats->n_unjudged++;
		return TRUE;
	}
	checker->stats->n_stale += (shape->event.flags & GAIT_WALK_STALE_SITES) != 0;
	if (shape->arch) {
		report(checker, task, event, GAIT_VERDICT_SYSCALL, NULL);
		return TRUE;
	}
	verdict = gait_walker_step(task->walker, &shape->event);
	if (G_LIKELY(verdict == GAIT_VERDICT_ALLOW))
		return TRUE;
	count_unseen(checker, task->walker, &shape->event);
	report(checker, task, event, verdict, NULL);
	gait_walker_resync(task->walker, &shape->event);
	return TRUE;
}

static Task *
add_task(Checker *checker, const GaitEvent *event, guint32 index, GError **error)
{
	Task *task;

	if (index >= gait_trace_reader_get_n_tasks(checker->reader) ||
	    (index < checker->tasks->len && g_ptr_array_index(checker->tasks, index))) {
		fail(checker, event, "starts a task that there is already, or never will be",
		     error);
		return NULL;
	}
	if (index >= checker->tasks->len)
		g_ptr_array_set_size(checker->tasks, (gint)index + 1);
	task = g_new0(Task, 1);
	task->pid = event->pid;
	task->tid = event->tid;
	task->shape = GAIT_NONE;
	g_ptr_array_index(checker->tasks, index) = task;
	return task;
}

/* The path of a program of the trace, and its index in the model, or GAIT_NONE. */
static const char *
find_program(const Checker *checker, guint32 module, guint32 *program)
{
	const GaitTraceModule *found;

	*program = GAIT_NONE;
	if (module >= gait_trace_reader_get_n_modules(checker->reader))
		return NULL;
	found = gait_trace_reader_get_module(checker->reader, module);
	*program = gait_model_find_program(checker->model, found->path);
	return found->path;
}

static gboolean
check_start(Checker *checker, const GaitEvent *event, GError **error)
{
	Task *task = add_task(checker, event, event->task, error);
	const char *path;
	guint32 program;

	if (!task)
		return FALSE;
	path = find_program(checker, event->program, &program);
	if (program == GAIT_NONE) {
		g_set_error(
		    error, GAIT_LEARN_ERROR, GAIT_ERROR_CONFLICT,
		    "%s is a trace of %s, which the model does not know; it was learned from "
		    "%s%s",
		    checker->name, path ? path : "nothing",
		    checker->model->programs->len ? gait_model_get_program(checker->model, 0)->path
		                                  : "nothing",
		    checker->model->programs->len > 1 ? " and others" : "");
		return FALSE;
	}
	task->walker = event->flags & GAIT_TASK_JOINED
	                   ? gait_walker_new_joined(checker->table, program,
	                                            event->pid != event->tid ? GAIT_TASK_THREAD : 0)
	                   : gait_walker_new(checker->table, program);
	return TRUE;
}

static gboolean
check_fork(Checker *checker, const Task *parent, const GaitEvent *event, GError **error)
{
	Task *task = add_task(checker, event, event->child, error);

	if (!task)
		return FALSE;
	if (parent->walker)
		task->walker = gait_walker_fork(parent->walker, event->flags);
	return TRUE;
}

static gboolean
check_exec(Checker *checker, Task *task, const GaitEvent *event, GError **error)
{
	guint32 program;
	const char *path = find_program(checker, event->program, &program);

	if (!path)
		return fail(checker, event, "runs a program that the trace does not name", error);
	if (task->walker && gait_walker_check_exec(task->walker, program) != GAIT_VERDICT_ALLOW)
		report(checker, task, event, GAIT_VERDICT_EXEC, path);
	if (program == GAIT_NONE)
		g_clear_pointer(&task->walker, gait_walker_free);
	else if (task->walker)
		gait_walker_exec(task->walker, program);
	else
		task->walker = gait_walker_new(checker->table, program);
	task->shape = GAIT_NONE;
	return TRUE;
}

static gboolean
check_event(Checker *checker, const GaitEvent *event, GError **error)
{
	Task *task = event->task < checker->tasks->len
	                 ? g_ptr_array_index(checker->tasks, event->task)
	                 : NULL;

	if (event->kind == GAIT_EVENT_START)
		return check_start(checker, event, error);
	if (!task)
		return fail(checker, event, "there is no such task (any more)", error);
	switch (event->kind) {
	case GAIT_EVENT_START:
		break;
	case GAIT_EVENT_SYSCALL:
		return check_syscall(checker, task, event, error);
	case GAIT_EVENT_FORK:
		return check_fork(checker, task, event, error);
	case GAIT_EVENT_EXEC:
		return check_exec(checker, task, event, error);
	case GAIT_EVENT_SIGNAL:
		if (task->walker)
			gait_walker_signal(task->walker);
		return TRUE;
	case GAIT_EVENT_UNWIND:
		if (task->walker)
			gait_walker_unwind(task->walker, event->count);
		return TRUE;
	case GAIT_EVENT_EXIT:
		g_ptr_array_index(checker->tasks, event->task) = NULL;
		task_free(task);
		return TRUE;
	case GAIT_EVENT_LOST:
		if (task->walker)
			gait_walker_lost(task->walker);
		return TRUE;
	case GAIT_EVENT_N_:
		break;
	}
	return fail(checker, event, "is of a kind that does not exist", error);
}

static void
report_progress(GaitTraceReader *reader, const GaitCheckOptions *options)
{
	guint64 n_read = 0, n_total = 0;

	if (!options->progress)
		return;
	gait_trace_reader_get_position(reader, &n_read, &n_total);
	options->progress(n_read, n_total, options->data);
}

/* Before a task's end is forgotten, its last event is reported without a walker. */
static void
report_event(Checker *checker, const GaitEvent *event)
{
	const Task *task;

	if (!checker->options->event)
		return;
	task = event->task < checker->tasks->len ? g_ptr_array_index(checker->tasks, event->task)
	                                         : NULL;
	checker->options->event(event, task ? task->walker : NULL, checker->verdict,
	                        checker->options->data);
}

gboolean
gait_check_trace(GaitTraceReader *reader, const char *name, const GaitWalkTable *table,
                 const GaitCheckOptions *options, GaitCheckStats *stats, GError **error)
{
	g_auto(Checker) checker = {
	    .reader = reader,
	    .name = name,
	    .table = table,
	    .model = gait_walk_table_get_model(table),
	    .options = options,
	    .stats = stats,
	    .tasks = g_ptr_array_new_with_free_func(task_free),
	    .unseen = g_hash_table_new_full(unseen_hash, unseen_equal, g_free, NULL),
	};
	GaitEvent event;
	GaitRead read;

	gait_stepper_init(&checker.stepper, reader, table, options->runtime);
	*stats = (GaitCheckStats){
	    .has_no_stacks =
	        !gait_trace_reader_get_info(reader)->has_stacks && !checker.model->is_stackless,
	};
	while ((read = gait_trace_reader_next(reader, &event, error)) == GAIT_READ_EVENT) {
		checker.verdict = GAIT_VERDICT_ALLOW;
		if (G_UNLIKELY(!check_event(&checker, &event, error)))
			return FALSE;
		report_event(&checker, &event);
		if (G_UNLIKELY(++checker.n_read % PROGRESS_EVENTS == 0))
			report_progress(reader, options);
	}
	stats->n_unseen_edges = g_hash_table_size(checker.unseen);
	stats->is_partial = read == GAIT_READ_END && !gait_trace_reader_is_complete(reader);
	return read == GAIT_READ_END;
}

gboolean
gait_check_events(GaitTraceReader *reader, const GaitCheckOptions *options, GError **error)
{
	guint64 n_read = 0;
	GaitEvent event;
	GaitRead read;

	while ((read = gait_trace_reader_next(reader, &event, error)) == GAIT_READ_EVENT) {
		options->event(&event, NULL, GAIT_VERDICT_ALLOW, options->data);
		if (G_UNLIKELY(++n_read % PROGRESS_EVENTS == 0))
			report_progress(reader, options);
	}
	return read == GAIT_READ_END;
}
