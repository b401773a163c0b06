/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's state, and what its hot path and the decoding of rare records share. */
#pragma once

#include "learn/trace-chunks.h"
#include "learn/trace-tables.h"
#include "learn/trace.h"

typedef struct {
	guint64 seq; /* of its next event */
	gboolean is_gone;
} GaitReaderTask;

struct _GaitTraceReader {
	GaitTraceChunks *chunks;
	GaitTraceInfo info;
	GaitTraceTables *tables;
	GaitTraceChunk chunk;
	GaitCursor cursor; /* in chunk */
	guint32 n_shapes;  /* of tables, for the hot path */
	GArray *tasks;     /* GaitReaderTask */
	guint32 task;      /* of the last event */
	guint32 n_counted; /* tasks whose COUNT was read */
	guint64 time_ns;
	guint64 n_events, n_lost;
	GaitRead state; /* EVENT while there is more to read */
	gboolean is_complete;
	GError *error;
};

static inline gboolean
gait_reader_get_time(GaitTraceReader *reader, GaitEvent *event)
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
gait_reader_enter_task(GaitTraceReader *reader, guint32 task_index, GaitEvent *event)
{
	GaitReaderTask *task;

	if (G_UNLIKELY(task_index >= reader->tasks->len))
		return "an event of a task that was never created";
	task = &g_array_index(reader->tasks, GaitReaderTask, task_index);
	if (G_UNLIKELY(task->is_gone))
		return "an event of a task that is gone";
	event->task = reader->task = task_index;
	event->seq = task->seq++;
	reader->n_events++;
	return NULL;
}

/*
 * Decodes a record of kind OTHER, whose type has been read. *is_event: event is set. NULL, or what
 * is wrong.
 */
const char *gait_reader_decode_other(GaitTraceReader *reader, guint64 type, GaitEvent *event,
                                     gboolean *is_event);
