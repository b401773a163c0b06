/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a trace other than system calls: lifecycle events, interned entries, counts. Every
 * field is checked before it is used.
 */
#include "learn/trace-reader-private.h"

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
	if (!gait_reader_get_time(reader, event) || !get_ids(cursor, event) ||
	    !gait_cursor_get_bounded(cursor, n_modules, &event->program) ||
	    !gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &event->flags))
		return "the start of a task is damaged";
	return gait_reader_enter_task(reader, task, event);
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
	g_array_index(reader->tasks, GaitReaderTask, event->task).is_gone = TRUE;
	return NULL;
}

static const char *
decode_lost(GaitTraceReader *reader, GaitEvent *event)
{
	guint64 *seq = &g_array_index(reader->tasks, GaitReaderTask, event->task).seq;

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
	if (count != g_array_index(reader->tasks, GaitReaderTask, reader->n_counted).seq)
		return "a task has another number of events than was recorded";
	reader->n_counted++;
	return NULL;
}

const char *
gait_reader_decode_other(GaitTraceReader *reader, guint64 type, GaitEvent *event,
                         gboolean *is_event)
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
	    !gait_reader_get_time(reader, event))
		return "an event is damaged";
	problem = gait_reader_enter_task(reader, task, event);
	if (problem)
		return problem;
	event->kind = lifecycle[type].kind;
	return lifecycle[type].decode(reader, event);
}
