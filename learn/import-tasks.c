/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task table and queues of an import. A task is freed once it has exited and its queue is written;
 * the queue of one whose creation is not known yet is all that can grow, and only as long as the
 * creating call is unfinished.
 */
#include "learn/import-tasks.h"

#include <string.h>

struct _GaitImportTasks {
	GaitImportSink *sink;
	GHashTable *by_tid; /* living tasks, borrowed */
	GHashTable *all;    /* set of GaitImportTask*, owned */
	GHashTable *fresh;  /* set: origin NEW */
	guint32 n_written;  /* tasks that have an index */
};

/* --- processes and tasks ------------------------------------------------------------------------
 */

static GaitImportProcess *
process_ref(GaitImportProcess *process)
{
	process->n_refs++;
	return process;
}

static void
process_unref(GaitImportProcess *process)
{
	if (--process->n_refs == 0)
		g_free(process);
}

static void
free_task(gpointer data)
{
	GaitImportTask *task = data;

	g_queue_clear_full(&task->items, g_free);
	process_unref(task->process);
	g_free(task->name);
	g_free(task->exec_path);
	g_free(task);
}

GaitImportTasks *
gait_import_tasks_new(GaitImportSink *sink)
{
	GaitImportTasks *tasks = g_new0(GaitImportTasks, 1);

	tasks->sink = sink;
	tasks->by_tid = g_hash_table_new(NULL, NULL);
	tasks->all = g_hash_table_new_full(NULL, NULL, free_task, NULL);
	tasks->fresh = g_hash_table_new(NULL, NULL);
	return tasks;
}

void
gait_import_tasks_free(GaitImportTasks *tasks)
{
	if (!tasks)
		return;
	g_hash_table_unref(tasks->by_tid);
	g_hash_table_unref(tasks->fresh);
	g_hash_table_unref(tasks->all);
	g_free(tasks);
}

GaitImportTask *
gait_import_tasks_find(const GaitImportTasks *tasks, gint32 tid)
{
	return g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(tid));
}

GaitImportTask *
gait_import_tasks_find_new(const GaitImportTasks *tasks, gint32 tid)
{
	GaitImportTask *task = gait_import_tasks_find(tasks, tid);
	GHashTableIter iter;
	gpointer key;

	if (task)
		return task->origin == GAIT_IMPORT_NEW ? task : NULL;
	g_hash_table_iter_init(&iter, tasks->fresh);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		task = key;
		if (task->tid == tid && task->origin == GAIT_IMPORT_NEW)
			return task;
	}
	return NULL;
}

GaitImportTask *
gait_import_tasks_find_only(const GaitImportTasks *tasks)
{
	GHashTableIter iter;
	gpointer task = NULL;

	if (g_hash_table_size(tasks->by_tid) != 1)
		return NULL;
	g_hash_table_iter_init(&iter, tasks->by_tid);
	g_hash_table_iter_next(&iter, NULL, &task);
	return task;
}

GaitImportTask *
gait_import_tasks_add(GaitImportTasks *tasks, gint32 tid)
{
	GaitImportTask *task = g_new0(GaitImportTask, 1);

	task->tid = tid;
	task->index = G_MAXUINT32;
	task->process = g_new0(GaitImportProcess, 1);
	task->process->n_refs = 1;
	task->process->pid = tid;
	task->process->n_tasks = 1;
	g_queue_init(&task->items);
	g_hash_table_add(tasks->all, task);
	g_hash_table_add(tasks->fresh, task);
	g_hash_table_insert(tasks->by_tid, GINT_TO_POINTER(tid), task);
	return task;
}

void
gait_import_tasks_rename(GaitImportTasks *tasks, GaitImportTask *task, gint32 tid)
{
	if (gait_import_tasks_find(tasks, task->tid) == task)
		g_hash_table_remove(tasks->by_tid, GINT_TO_POINTER(task->tid));
	if (task->process->pid == task->tid)
		task->process->pid = tid;
	task->tid = tid;
	g_hash_table_insert(tasks->by_tid, GINT_TO_POINTER(tid), task);
}

/* --- queues -------------------------------------------------------------------------------------
 */

static GaitImportItem *
new_item(GaitEventKind kind, guint64 time_ns)
{
	GaitImportItem *item = g_new0(GaitImportItem, 1);

	item->event.kind = kind;
	item->event.time_ns = time_ns;
	return item;
}

GaitImportItem *
gait_import_task_push(GaitImportTask *task, GaitEventKind kind, guint64 time_ns)
{
	GaitImportItem *item = new_item(kind, time_ns);

	g_queue_push_tail(&task->items, item);
	return item;
}

/* What the child did so far it did with a process that nobody knew: it keeps what it learned there.
 */
static void
inherit(GaitImportTask *parent, GaitImportTask *child, guint32 flags)
{
	GaitImportProcess *own = child->process;

	if (flags & GAIT_TASK_THREAD) {
		child->process = process_ref(parent->process);
		child->process->handled |= own->handled;
		child->process->n_tasks += !child->is_gone;
		process_unref(own);
		return;
	}
	own->handled |= parent->process->handled;
	own->has_runtime |= parent->process->has_runtime;
}

void
gait_import_tasks_adopt(GaitImportTasks *tasks, GaitImportTask *parent, GaitImportTask *child,
                        guint32 flags, guint64 time_ns)
{
	GaitImportItem *item = gait_import_task_push(parent, GAIT_EVENT_FORK, time_ns);

	inherit(parent, child, flags);
	child->origin = GAIT_IMPORT_CHILD;
	child->is_32bit |= parent->is_32bit;
	g_hash_table_remove(tasks->fresh, child);
	item->child = child;
	item->event.pid = child->process->pid;
	item->event.tid = child->tid;
	item->event.flags = flags;
}

void
gait_import_tasks_start(GaitImportTask *task, guint32 program, guint32 flags, guint64 time_ns)
{
	GaitImportItem *item = new_item(GAIT_EVENT_START, time_ns);

	item->event.pid = task->process->pid;
	item->event.tid = task->tid;
	item->event.program = program;
	item->event.flags = flags;
	task->origin = GAIT_IMPORT_STARTED;
	g_queue_push_head(&task->items, item);
}

void
gait_import_tasks_start_rest(GaitImportTasks *tasks, guint32 program, gboolean at_end)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, tasks->fresh);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		GaitImportTask *task = key;
		const GaitImportItem *first = g_queue_peek_head(&task->items);

		if (task->origin == GAIT_IMPORT_NEW && (at_end || !task->is_starting))
			gait_import_tasks_start(task, program, GAIT_TASK_JOINED,
			                        first ? first->event.time_ns : 0);
	}
}

void
gait_import_tasks_exit(GaitImportTasks *tasks, GaitImportTask *task, gint32 status, guint64 time_ns)
{
	gait_import_task_push(task, GAIT_EVENT_EXIT, time_ns)->event.status = status;
	task->is_gone = TRUE;
	task->process->n_tasks--;
	if (gait_import_tasks_find(tasks, task->tid) == task)
		g_hash_table_remove(tasks->by_tid, GINT_TO_POINTER(task->tid));
}

GPtrArray *
gait_import_tasks_dup_others(const GaitImportTasks *tasks, const GaitImportTask *task)
{
	GPtrArray *others = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	if (task->process->n_tasks <= 1)
		return others;
	g_hash_table_iter_init(&iter, tasks->by_tid);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		GaitImportTask *other = value;

		if (other != task && other->process == task->process)
			g_ptr_array_add(others, other);
	}
	return others;
}

GPtrArray *
gait_import_tasks_dup_all(const GaitImportTasks *tasks)
{
	GPtrArray *all = g_ptr_array_new();
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, tasks->all);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(all, key);
	return all;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* An event whose turn it is. *ready: a task that may be written from now on. */
static gboolean
write_item(GaitImportTasks *tasks, GaitImportTask *task, GaitImportItem *item,
           GaitImportTask **ready, GError **error)
{
	if (item->event.kind == GAIT_EVENT_START)
		task->index = tasks->n_written++;
	if (item->event.kind == GAIT_EVENT_SYSCALL)
		item->event.shape = gait_import_sink_shape(tasks->sink, &item->shape);
	if (item->event.kind == GAIT_EVENT_FORK) {
		item->child->index = item->event.child = tasks->n_written++;
		item->child->origin = GAIT_IMPORT_STARTED;
		*ready = item->child;
	}
	item->event.task = task->index;
	return gait_import_sink_event(tasks->sink, &item->event, error);
}

static gboolean
is_ready(const GaitImportTask *task, const GaitImportItem *item)
{
	return item && !item->is_open &&
	       (task->index != G_MAXUINT32 || item->event.kind == GAIT_EVENT_START);
}

gboolean
gait_import_tasks_flush(GaitImportTasks *tasks, GaitImportTask *first, GError **error)
{
	/* A queue instead of recursion: children of children can be any number. */
	GQueue waiting = G_QUEUE_INIT;
	gboolean is_fine = TRUE;
	GaitImportTask *task;

	g_queue_push_tail(&waiting, first);
	while (is_fine && (task = g_queue_pop_head(&waiting))) {
		while (is_fine && is_ready(task, g_queue_peek_head(&task->items))) {
			g_autofree GaitImportItem *item = g_queue_pop_head(&task->items);
			GaitImportTask *ready = NULL;

			is_fine = write_item(tasks, task, item, &ready, error);
			if (ready)
				g_queue_push_tail(&waiting, ready);
		}
		if (task->origin == GAIT_IMPORT_STARTED)
			g_hash_table_remove(tasks->fresh, task);
		if (task->is_gone && g_queue_is_empty(&task->items))
			g_hash_table_remove(tasks->all, task);
	}
	g_queue_clear(&waiting);
	return is_fine;
}

static gint
compare_tasks(gconstpointer a, gconstpointer b)
{
	const GaitImportTask *one = *(const GaitImportTask *const *)a;
	const GaitImportTask *two = *(const GaitImportTask *const *)b;

	return (one->tid > two->tid) - (one->tid < two->tid);
}

gboolean
gait_import_tasks_flush_all(GaitImportTasks *tasks, GError **error)
{
	g_autoptr(GPtrArray) all = gait_import_tasks_dup_all(tasks);

	/* Children are written, and freed, with their parents. */
	for (guint i = all->len; i > 0; i--) {
		const GaitImportTask *task = g_ptr_array_index(all, i - 1);

		if (task->origin != GAIT_IMPORT_STARTED)
			g_ptr_array_remove_index_fast(all, i - 1);
	}
	/* The same log makes the same trace. */
	g_ptr_array_sort(all, compare_tasks);
	for (guint i = 0; i < all->len; i++)
		if (!gait_import_tasks_flush(tasks, g_ptr_array_index(all, i), error))
			return FALSE;
	return TRUE;
}

gboolean
gait_import_tasks_have_ended(const GaitImportTasks *tasks)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, tasks->by_tid);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const GaitImportTask *task = value;

		/* A child that never came into the log was not followed. */
		if (task->is_seen)
			return FALSE;
	}
	return TRUE;
}
