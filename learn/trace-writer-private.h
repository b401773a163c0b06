/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's state, and the encoding of events. */
#pragma once

#include "learn/trace-format.h"
#include "learn/trace.h"

typedef struct {
	guint64 seq; /* of its next event */
	gboolean is_gone;
} GaitWriterTask;

/* Where a chunk can be cut when the disk is full. */
#define GAIT_WRITER_MARKS 64

struct _GaitTraceWriter {
	char *name; /* for messages */
	int fd;
	gboolean has_stacks;
	GByteArray *records;
	guint marks[GAIT_WRITER_MARKS]; /* sizes of records after some whole events */
	guint n_marks;
	GHashTable *strings; /* name → 1 + index */
	GArray *tasks;       /* GaitWriterTask */
	guint32 n_modules, n_stacks, n_shapes, n_chunks;
	guint32 task; /* of the last event */
	guint64 time_ns, flushed_ns;
	guint64 n_events, n_bytes;
	GError *error; /* the first one, until it is reported */
	gboolean is_failed, is_finished;
};

/* Pieces of records; strings are cut at the format's bound. */
void gait_put_number(GByteArray *out, guint64 value);
void gait_put_string(GByteArray *out, const char *text);
void gait_put_record(GByteArray *out, GaitRecordType type);

/* Appends an event to the records. Where it says what cannot be, that is a bug of the caller. */
void gait_writer_encode(GaitTraceWriter *writer, const GaitEvent *event);
