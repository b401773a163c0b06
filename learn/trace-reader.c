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
#include "learn/trace-reader-private.h"

#include "sysgait/error.h"

#include <string.h>

static void
clear_info(GaitTraceInfo *info)
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
	reader->tasks = g_array_new(FALSE, TRUE, sizeof(GaitReaderTask));
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
	clear_info(&reader->info);
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
	if (G_UNLIKELY(!gait_reader_get_time(reader, event)))
		return "the time of an event is damaged";
	if (G_UNLIKELY(reader->n_counted > 0))
		return "an event after the counts";
	event->kind = GAIT_EVENT_SYSCALL;
	event->shape = (guint32)shape;
	return gait_reader_enter_task(reader, task, event);
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
			problem = gait_reader_decode_other(reader, head >> GAIT_RECORD_KIND_BITS,
			                                   event, &is_event);
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
