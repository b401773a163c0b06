/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outer layer of a trace: whole chunks, checked, from a file, a pipe or memory. Private to the
 * reader. Knows checksums and order, nothing of what is inside.
 */
#pragma once

#include "learn/trace-format.h"

typedef struct _GaitTraceChunks GaitTraceChunks;

typedef struct {
	guint32 index;
	guint32 type;       /* GaitChunkType, not checked */
	guint64 offset;     /* of the payload in the file */
	const guint8 *data; /* valid until the next chunk is read */
	gsize size;
} GaitTraceChunk;

typedef enum {
	GAIT_CHUNKS_NEXT,
	GAIT_CHUNKS_END,       /* exactly at the end of a chunk */
	GAIT_CHUNKS_TRUNCATED, /* the file ends within a chunk */
	GAIT_CHUNKS_ERROR,
	GAIT_CHUNKS_N_,
} GaitChunks;

/* Reads the file header. "-" is stdin. */
GaitTraceChunks *gait_trace_chunks_new(const char *path, GError **error);
/* data is borrowed. */
GaitTraceChunks *gait_trace_chunks_new_for_data(const char *name, const guint8 *data, gsize size,
                                                GError **error);
void gait_trace_chunks_free(GaitTraceChunks *chunks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTraceChunks, gait_trace_chunks_free)

GaitChunks gait_trace_chunks_next(GaitTraceChunks *chunks, GaitTraceChunk *chunk, GError **error);
const char *gait_trace_chunks_get_name(const GaitTraceChunks *chunks);
guint64 gait_trace_chunks_get_offset(const GaitTraceChunks *chunks);
/* 0 where it is not known. */
guint64 gait_trace_chunks_get_size(const GaitTraceChunks *chunks);
/* Hex SHA-256 of file header and all chunks returned. Ends the reading. Borrowed. */
const char *gait_trace_chunks_get_digest(GaitTraceChunks *chunks);
