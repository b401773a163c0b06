/* SPDX-License-Identifier: Apache-2.0 */
/* Events, and the pieces they are made of, as bytes (trace-format.h). Knows nothing of files. */
#include "learn/trace-writer-private.h"

#include <string.h>

#define MAX_NUMBER 10 /* bytes */

/* Returns how many bytes it takes. */
static guint
encode(guint8 bytes[MAX_NUMBER], guint64 value)
{
	guint n = 0;

	while (value >= 0x80) {
		bytes[n++] = (guint8)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (guint8)value;
	return n;
}

void
gait_put_number(GByteArray *out, guint64 value)
{
	guint8 bytes[MAX_NUMBER];

	g_byte_array_append(out, bytes, encode(bytes, value));
}

void
gait_put_string(GByteArray *out, const char *text)
{
	gsize length = strnlen(text ? text : "", GAIT_TRACE_MAX_STRING);

	gait_put_number(out, length);
	g_byte_array_append(out, (const guint8 *)text, (guint)length);
}

void
gait_put_record(GByteArray *out, GaitRecordType type)
{
	gait_put_number(out, (guint64)type << GAIT_RECORD_KIND_BITS | GAIT_RECORD_OTHER);
}

/* The time since the event before, as it is written. */
static guint64
advance(GaitTraceWriter *writer, guint64 time_ns)
{
	gint64 delta;

	time_ns = MIN(time_ns, GAIT_TRACE_MAX_TIME_NS);
	delta = (gint64)(time_ns - writer->time_ns);
	writer->time_ns = time_ns;
	return gait_zigzag(delta);
}

/* Nearly all of a trace: appended at once. */
static void
put_syscall(GaitTraceWriter *writer, const GaitEvent *event)
{
	gboolean is_same = event->task == writer->task;
	guint8 bytes[3 * MAX_NUMBER];
	guint n;

	g_assert(event->shape < writer->n_shapes);
	n = encode(bytes, (guint64)event->shape << GAIT_RECORD_KIND_BITS |
	                      (is_same ? GAIT_RECORD_SAME : GAIT_RECORD_SWITCH));
	if (!is_same)
		n += encode(bytes + n, event->task);
	n += encode(bytes + n, advance(writer, event->time_ns));
	g_byte_array_append(writer->records, bytes, n);
}

static void
put_event(GaitTraceWriter *writer, GaitRecordType type, const GaitEvent *event)
{
	gait_put_record(writer->records, type);
	if (type != GAIT_RECORD_START)
		gait_put_number(writer->records, event->task);
	gait_put_number(writer->records, advance(writer, event->time_ns));
}

static void
put_program(GaitTraceWriter *writer, const GaitEvent *event)
{
	g_assert(event->program < writer->n_modules);
	gait_put_number(writer->records, event->program);
}

static void
put_new_task(GaitTraceWriter *writer, guint32 task, const GaitEvent *event)
{
	g_assert(task == writer->tasks->len);
	g_array_set_size(writer->tasks, task + 1);
	gait_put_number(writer->records, (guint32)event->pid);
	gait_put_number(writer->records, (guint32)event->tid);
	if (event->kind == GAIT_EVENT_START)
		put_program(writer, event);
	gait_put_number(writer->records, event->flags);
}

void
gait_writer_encode(GaitTraceWriter *writer, const GaitEvent *event)
{
	switch (event->kind) {
	case GAIT_EVENT_SYSCALL:
		put_syscall(writer, event);
		break;
	case GAIT_EVENT_START:
		put_event(writer, GAIT_RECORD_START, event);
		put_new_task(writer, event->task, event);
		break;
	case GAIT_EVENT_FORK:
		put_event(writer, GAIT_RECORD_FORK, event);
		put_new_task(writer, event->child, event);
		break;
	case GAIT_EVENT_EXEC:
		put_event(writer, GAIT_RECORD_EXEC, event);
		put_program(writer, event);
		break;
	case GAIT_EVENT_SIGNAL:
		put_event(writer, GAIT_RECORD_SIGNAL, event);
		gait_put_number(writer->records, (guint32)event->signo);
		break;
	case GAIT_EVENT_UNWIND:
		put_event(writer, GAIT_RECORD_UNWIND, event);
		gait_put_number(writer->records, event->count);
		break;
	case GAIT_EVENT_EXIT:
		put_event(writer, GAIT_RECORD_EXIT, event);
		gait_put_number(writer->records, gait_zigzag(event->status));
		break;
	case GAIT_EVENT_LOST:
		put_event(writer, GAIT_RECORD_LOST, event);
		gait_put_number(writer->records, event->count);
		break;
	case GAIT_EVENT_N_:
		g_assert_not_reached();
	}
}
