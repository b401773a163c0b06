/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads traces: a chunk at a time, a record at a time, so that memory is bounded by what is
 * interned.
 *
 * A trace may be hostile, and its checksums prove nothing about intent: every index is checked
 * against what was defined before, tasks live from START or FORK to EXIT and not beyond, and COUNT
 * records must agree with what was read. Consumers rely on it. Where the file merely ends early
 * everything up to there is good, and the trace is partial.
 */
#include "learn/trace-chunks.h"
#include "learn/trace-tables.h"
#include "learn/trace.h"

#include "sysgait/error.h"

#include <string.h>

typedef struct {
	guint64 seq; /* of its next event */
	gboolean is_gone;
} Task;

struct _GaitTraceReader {
	GaitTraceChunks *chunks;
	GaitTraceInfo info;
	GaitTraceTables *tables;
	GaitTraceChunk chunk;
	GaitCursor cursor; /* in chunk */
	guint32 n_shapes;  /* of tables, for the hot path */
	GArray *tasks;     /* Task */
	guint32 task;      /* of the last event */
	guint32 n_counted; /* tasks whose COUNT was read */
	guint64 time_ns;
	guint64 n_events, n_lost;
	GaitRead state; /* EVENT while there is more to read */
	gboolean is_complete;
	GError *error;
};

void
gait_trace_info_clear(GaitTraceInfo *info)
{
	g_clear_pointer(&info->kernel, g_free);
	g_clear_pointer(&info->arch, g_free);
	g_clear_pointer(&info->backend, g_free);
	g_clear_pointer(&info->command, g_strfreev);
	g_clear_pointer(&info->runtime, g_strfreev);
}

/* --- errors -------------------------------------------------------------------------------------
 */

static GaitRead
fail(GaitTraceReader *reader, GError *failure, GError **error)
{
	reader->state = GAIT_READ_ERROR;
	g_clear_error(&reader->error);
	reader->error = failure;
	if (error)
		*error = g_error_copy(failure);
	return GAIT_READ_ERROR;
}

static GaitRead
damaged(GaitTraceReader *reader, const char *what, GError **error)
{
	const GaitTraceChunk *chunk = &reader->chunk;
	guint64 offset = chunk->offset + (guint64)(reader->cursor.at - chunk->data);

	return fail(reader,
	            g_error_new(GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
	                        "%s: offset %" G_GUINT64_FORMAT ": chunk %u: %s",
	                        gait_trace_chunks_get_name(reader->chunks), offset, chunk->index,
	                        what),
	            error);
}

/* --- beginning ----------------------------------------------------------------------------------
 */

static char **
get_strings(GaitCursor *cursor)
{
	g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
	guint32 n;

	if (!gait_cursor_get_bounded(cursor, GAIT_TRACE_MAX_ARGUMENTS + 1, &n))
		return NULL;
	for (guint32 i = 0; i < n; i++) {
		char *text = gait_cursor_dup_string(cursor);

		if (!text)
			return NULL;
		g_ptr_array_add(strings, text);
	}
	g_ptr_array_add(strings, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
}

static gboolean
decode_info(GaitTraceReader *reader)
{
	GaitTraceInfo *info = &reader->info;
	GaitCursor *cursor = &reader->cursor;
	guint32 flags;
	guint64 start;

	if (!gait_cursor_get_bounded(cursor, GAIT_INFO_ALL + 1, &flags) ||
	    !gait_cursor_get_number(cursor, &start))
		return FALSE;
	info->has_stacks = (flags & GAIT_INFO_HAS_STACKS) != 0;
	info->has_times = (flags & GAIT_INFO_HAS_TIMES) != 0;
	info->start_us = gait_unzigzag(start);
	info->kernel = gait_cursor_dup_string(cursor);
	info->arch = gait_cursor_dup_string(cursor);
	info->backend = gait_cursor_dup_string(cursor);
	info->command = get_strings(cursor);
	info->runtime = get_strings(cursor);
	return info->kernel && info->arch && info->backend && info->command && info->runtime &&
	       cursor->at == cursor->end;
}

static gboolean
read_info(GaitTraceReader *reader, GError **error)
{
	GaitChunks result = gait_trace_chunks_next(reader->chunks, &reader->chunk, error);

	if (result == GAIT_CHUNKS_ERROR)
		return FALSE;
	if (result != GAIT_CHUNKS_NEXT) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
		            "%s: the file ends within its header; nothing was recorded",
		            gait_trace_chunks_get_name(reader->chunks));
		return FALSE;
	}
	reader->cursor.at = reader->chunk.data;
	reader->cursor.end = reader->chunk.data + reader->chunk.size;
	if (reader->chunk.type != GAIT_CHUNK_INFO || !decode_info(reader)) {
		damaged(reader, "the description of the trace is damaged", error);
		return FALSE;
	}
	return TRUE;
}

/* Takes chunks, NULL with error set where there are none. */
static GaitTraceReader *
start(GaitTraceChunks *chunks, GError **error)
{
	g_autoptr(GaitTraceReader) reader = NULL;

	if (!chunks)
		return NULL;
	reader = g_new0(GaitTraceReader, 1);
	reader->chunks = chunks;
	reader->tasks = g_array_new(FALSE, TRUE, sizeof(Task));
	if (!read_info(reader, error))
		return NULL;
	reader->tables = gait_trace_tables_new(reader->info.has_stacks);
	return g_steal_pointer(&reader);
}

GaitTraceReader *
gait_trace_reader_new(const char *path, GError **error)
{
	return start(gait_trace_chunks_new(path, error), error);
}

GaitTraceReader *
gait_trace_reader_new_for_data(const char *name, const guint8 *data, gsize size, GError **error)
{
	return start(gait_trace_chunks_new_for_data(name, data, size, error), error);
}

void
gait_trace_reader_free(GaitTraceReader *reader)
{
	if (!reader)
		return;
	gait_trace_chunks_free(reader->chunks);
	gait_trace_tables_free(reader->tables);
	gait_trace_info_clear(&reader->info);
	g_array_unref(reader->tasks);
	g_clear_error(&reader->error);
	g_free(reader);
}

/* --- end ----------------------------------------------------------------------------------------
 */

static GaitRead
finish(GaitTraceReader *reader, gboolean is_complete)
{
	reader->is_complete = is_complete;
	reader->state = GAIT_READ_END;
	return GAIT_READ_END;
}

/* The last chunk has been read: its claims must be true and nothing may follow. */
static GaitRead
decode_end(GaitTraceReader *reader, GError **error)
{
	GaitCursor *cursor = &reader->cursor;
	guint32 flags;
	guint64 n_tasks, n_events;
	GaitTraceChunk chunk;
	GaitChunks result;
	GError *failure = NULL;

	if (!gait_cursor_get_bounded(cursor, GAIT_END_ALL + 1, &flags) ||
	    !gait_cursor_get_number(cursor, &reader->n_lost) ||
	    !gait_cursor_get_number(cursor, &n_tasks) ||
	    !gait_cursor_get_number(cursor, &n_events) || cursor->at != cursor->end)
		return damaged(reader, "the last chunk is damaged", error);
	if (n_tasks != reader->tasks->len || n_tasks != reader->n_counted ||
	    n_events != reader->n_events)
		return damaged(reader, "the counts of tasks or events are not what was read",
		               error);
	result = gait_trace_chunks_next(reader->chunks, &chunk, &failure);
	if (result == GAIT_CHUNKS_ERROR)
		return fail(reader, failure, error);
	if (result != GAIT_CHUNKS_END)
		return damaged(reader, "something follows the last chunk", error);
	return finish(reader, (flags & GAIT_END_IS_COMPLETE) != 0);
}

/* EVENT where there is a chunk of records to read on in. */
static GaitRead
next_chunk(GaitTraceReader *reader, GError **error)
{
	GError *failure = NULL;
	GaitChunks result = gait_trace_chunks_next(reader->chunks, &reader->chunk, &failure);

	if (result == GAIT_CHUNKS_ERROR)
		return fail(reader, failure, error);
	if (result != GAIT_CHUNKS_NEXT)
		return finish(reader, FALSE);
	reader->cursor.at = reader->chunk.data;
	reader->cursor.end = reader->chunk.data + reader->chunk.size;
	if (reader->chunk.type == GAIT_CHUNK_END)
		return decode_end(reader, error);
	if (reader->chunk.type != GAIT_CHUNK_RECORDS)
		return damaged(reader, "it is of an unknown type", error);
	return GAIT_READ_EVENT;
}

/* --- events -------------------------------------------------------------------------------------
 */

static inline gboolean
get_time(GaitTraceReader *reader, GaitEvent *event)
{
	guint64 delta;

	if (!gait_cursor_get_number(&reader->cursor, &delta))
		return FALSE;
	/* Modular, so that a time before 0 is a very large one. */
	event->time_ns = reader->time_ns += (guint64)gait_unzigzag(delta);
	return event->time_ns <= GAIT_TRACE_MAX_TIME_NS;
}

/* Makes task the event's, and counts the event. NULL, or what is wrong. */
static inline const char *
enter_task(GaitTraceReader *reader, guint32 task_index, GaitEvent *event)
{
	Task *task;

	if (G_UNLIKELY(task_index >= reader->tasks->len))
		return "an event of a task that was never created";
	task = &g_array_index(reader->tasks, Task, task_index);
	if (G_UNLIKELY(task->is_gone))
		return "an event of a task that is gone";
	event->task = reader->task = task_index;
	event->seq = task->seq++;
	reader->n_events++;
	return NULL;
}

/* A task comes into being: its index, or GAIT_TRACE_MAX_TASKS. */
static guint32
add_task(GaitTraceReader *reader)
{
	guint32 n = reader->tasks->len;

	if (n < GAIT_TRACE_MAX_TASKS)
		g_array_set_size(reader->tasks, n + 1);
	return n;
}

static gboolean
get_ids(GaitCursor *cursor, GaitEvent *event)
{
	guint32 pid, tid;

	if (!gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &pid) ||
	    !gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &tid))
		return FALSE;
	event->pid = (gint32)pid;
	event->tid = (gint32)tid;
	return TRUE;
}

static const char *
decode_start(GaitTraceReader *reader, GaitEvent *event)
{
	GaitCursor *cursor = &reader->cursor;
	guint32 n_modules = gait_trace_tables_get_n_modules(reader->tables);
	guint32 task = add_task(reader);

	event->kind = GAIT_EVENT_START;
	if (task == GAIT_TRACE_MAX_TASKS)
		return "too many tasks";
	if (!get_time(reader, event) || !get_ids(cursor, event) ||
	    !gait_cursor_get_bounded(cursor, n_modules, &event->program) ||
	    !gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &event->flags))
		return "the start of a task is damaged";
	return enter_task(reader, task, event);
}

static const char *
decode_fork(GaitTraceReader *reader, GaitEvent *event)
{
	GaitCursor *cursor = &reader->cursor;

	if (!get_ids(cursor, event) ||
	    !gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &event->flags))
		return "the creation of a task is damaged";
	event->child = add_task(reader);
	return event->child == GAIT_TRACE_MAX_TASKS ? "too many tasks" : NULL;
}

static const char *
decode_exec(GaitTraceReader *reader, GaitEvent *event)
{
	guint32 n_modules = gait_trace_tables_get_n_modules(reader->tables);

	return gait_cursor_get_bounded(&reader->cursor, n_modules, &event->program)
	           ? NULL
	           : "an exec is damaged";
}

static const char *
decode_signal(GaitTraceReader *reader, GaitEvent *event)
{
	guint32 signo;

	if (!gait_cursor_get_bounded(&reader->cursor, 128, &signo))
		return "a signal is damaged";
	event->signo = (gint32)signo;
	return NULL;
}

static const char *
decode_unwind(GaitTraceReader *reader, GaitEvent *event)
{
	return gait_cursor_get_number(&reader->cursor, &event->count) ? NULL
	                                                              : "an unwinding is damaged";
}

static const char *
decode_exit(GaitTraceReader *reader, GaitEvent *event)
{
	guint32 status;

	if (!gait_cursor_get_bounded(&reader->cursor, GAIT_U32_LIMIT, &status))
		return "an exit is damaged";
	event->status = (gint32)gait_unzigzag(status);
	g_array_index(reader->tasks, Task, event->task).is_gone = TRUE;
	return NULL;
}

static const char *
decode_lost(GaitTraceReader *reader, GaitEvent *event)
{
	guint64 *seq = &g_array_index(reader->tasks, Task, event->task).seq;

	if (!gait_cursor_get_number(&reader->cursor, &event->count) || event->count == 0 ||
	    event->count > GAIT_TRACE_MAX_SEQ - *seq)
		return "a count of lost events is damaged";
	/* The LOST event itself has the number of the first one missing. */
	*seq = event->seq + event->count;
	return NULL;
}

static const char *
decode_count(GaitTraceReader *reader)
{
	guint64 count;

	if (!gait_cursor_get_number(&reader->cursor, &count) ||
	    reader->n_counted >= reader->tasks->len)
		return "a count of events is damaged";
	if (count != g_array_index(reader->tasks, Task, reader->n_counted).seq)
		return "a task has another number of events than was recorded";
	reader->n_counted++;
	return NULL;
}

/* Everything but system calls. *is_event: event is set. NULL, or what is wrong. */
static const char *
decode_other(GaitTraceReader *reader, guint64 type, GaitEvent *event, gboolean *is_event)
{
	static const struct {
		GaitEventKind kind;
		const char *(*decode)(GaitTraceReader *reader, GaitEvent *event);
	} lifecycle[GAIT_RECORD_N_] = {
	    [GAIT_RECORD_FORK] = {GAIT_EVENT_FORK, decode_fork},
	    [GAIT_RECORD_EXEC] = {GAIT_EVENT_EXEC, decode_exec},
	    [GAIT_RECORD_SIGNAL] = {GAIT_EVENT_SIGNAL, decode_signal},
	    [GAIT_RECORD_UNWIND] = {GAIT_EVENT_UNWIND, decode_unwind},
	    [GAIT_RECORD_EXIT] = {GAIT_EVENT_EXIT, decode_exit},
	    [GAIT_RECORD_LOST] = {GAIT_EVENT_LOST, decode_lost},
	};
	const char *problem;
	guint32 task;

	if (type == GAIT_RECORD_COUNT)
		return decode_count(reader);
	if (type <= GAIT_RECORD_SHAPE) {
		problem =
		    gait_trace_tables_decode(reader->tables, (GaitRecordType)type, &reader->cursor);
		reader->n_shapes = gait_trace_tables_get_n_shapes(reader->tables);
		return problem;
	}
	if (reader->n_counted > 0)
		return "an event after the counts";
	*is_event = TRUE;
	if (type == GAIT_RECORD_START)
		return decode_start(reader, event);
	if (type >= GAIT_RECORD_N_)
		return "a record of unknown type";
	if (!gait_cursor_get_bounded(&reader->cursor, GAIT_U32_LIMIT, &task) ||
	    !get_time(reader, event))
		return "an event is damaged";
	problem = enter_task(reader, task, event);
	if (problem)
		return problem;
	event->kind = lifecycle[type].kind;
	return lifecycle[type].decode(reader, event);
}

static inline const char *
decode_syscall(GaitTraceReader *reader, guint64 head, GaitEvent *event)
{
	guint64 shape = head >> GAIT_RECORD_KIND_BITS;
	guint32 task = reader->task;

	if (G_UNLIKELY(shape >= reader->n_shapes))
		return "a system call of a shape that was never defined";
	if ((head & GAIT_RECORD_KIND) == GAIT_RECORD_SWITCH &&
	    !gait_cursor_get_bounded(&reader->cursor, GAIT_U32_LIMIT, &task))
		return "the task of an event is damaged";
	if (G_UNLIKELY(!get_time(reader, event)))
		return "the time of an event is damaged";
	if (G_UNLIKELY(reader->n_counted > 0))
		return "an event after the counts";
	event->kind = GAIT_EVENT_SYSCALL;
	event->shape = (guint32)shape;
	return enter_task(reader, task, event);
}

GaitRead
gait_trace_reader_next(GaitTraceReader *reader, GaitEvent *event, GError **error)
{
	gboolean is_event = FALSE;
	const char *problem;
	guint64 head;

	memset(event, 0, sizeof(*event));
	if (reader->state == GAIT_READ_ERROR && error)
		*error = g_error_copy(reader->error);
	while (reader->state == GAIT_READ_EVENT) {
		if (reader->cursor.at == reader->cursor.end) {
			if (next_chunk(reader, error) != GAIT_READ_EVENT)
				break;
			continue;
		}
		if (!gait_cursor_get_number(&reader->cursor, &head))
			return damaged(reader, "a record is damaged", error);
		if ((head & GAIT_RECORD_KIND) <= GAIT_RECORD_SWITCH) {
			is_event = TRUE;
			problem = decode_syscall(reader, head, event);
		} else if ((head & GAIT_RECORD_KIND) == GAIT_RECORD_OTHER) {
			problem =
			    decode_other(reader, head >> GAIT_RECORD_KIND_BITS, event, &is_event);
		} else {
			problem = "a record of unknown kind";
		}
		if (problem)
			return damaged(reader, problem, error);
		if (is_event)
			return GAIT_READ_EVENT;
	}
	return reader->state;
}

/* --- what was read ------------------------------------------------------------------------------
 */

const GaitTraceInfo *
gait_trace_reader_get_info(const GaitTraceReader *reader)
{
	return &reader->info;
}

guint32
gait_trace_reader_get_n_modules(const GaitTraceReader *reader)
{
	return gait_trace_tables_get_n_modules(reader->tables);
}

const GaitTraceModule *
gait_trace_reader_get_module(const GaitTraceReader *reader, guint32 i)
{
	return gait_trace_tables_get_module(reader->tables, i);
}

guint32
gait_trace_reader_get_n_stacks(const GaitTraceReader *reader)
{
	return gait_trace_tables_get_n_stacks(reader->tables);
}

const GaitTraceStack *
gait_trace_reader_get_stack(const GaitTraceReader *reader, guint32 i)
{
	return gait_trace_tables_get_stack(reader->tables, i);
}

guint32
gait_trace_reader_get_n_shapes(const GaitTraceReader *reader)
{
	return reader->n_shapes;
}

const GaitShape *
gait_trace_reader_get_shape(const GaitTraceReader *reader, guint32 i)
{
	return gait_trace_tables_get_shape(reader->tables, i);
}

guint32
gait_trace_reader_get_n_tasks(const GaitTraceReader *reader)
{
	return reader->tasks->len;
}

gboolean
gait_trace_reader_is_complete(const GaitTraceReader *reader)
{
	return reader->is_complete;
}

guint64
gait_trace_reader_get_n_lost(const GaitTraceReader *reader)
{
	return reader->n_lost;
}

const char *
gait_trace_reader_get_run_id(const GaitTraceReader *reader)
{
	return gait_trace_chunks_get_digest(reader->chunks);
}

void
gait_trace_reader_get_position(const GaitTraceReader *reader, guint64 *n_read, guint64 *n_total)
{
	*n_read = gait_trace_chunks_get_offset(reader->chunks);
	*n_total = gait_trace_chunks_get_size(reader->chunks);
}
