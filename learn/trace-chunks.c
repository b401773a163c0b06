/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads whole chunks and checks them. A chunk is at most a megabyte, so one buffer holds it,
 * whatever the file's size; nothing is believed before its checksum agrees, and the length has one
 * of its own, so that a wrong one is not taken for the end of the file.
 */
#include "learn/trace-chunks.h"

#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct _GaitTraceChunks {
	char *name;
	int fd; /* -1: data */
	const guint8 *data;
	gsize data_size;
	guint8 *buffer; /* header and payload */
	guint64 offset; /* of what is read next */
	guint64 size;
	guint32 n_chunks;
	GChecksum *digest;
};

static guint32
get_u32(const guint8 *at)
{
	guint32 little;

	memcpy(&little, at, sizeof(little));
	return GUINT32_FROM_LE(little);
}

/* Fills target with size bytes, or fewer at the end of the file. -1 on error. */
static gssize
read_file(GaitTraceChunks *chunks, guint8 *target, gsize size, GError **error)
{
	gsize n_read = 0;

	while (n_read < size) {
		ssize_t n = read(chunks->fd, target + n_read, size - n_read);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			gait_error_system(error, GAIT_LEARN_ERROR, errno, "cannot read %s",
			                  chunks->name);
			return -1;
		}
		if (n == 0)
			break;
		n_read += (gsize)n;
	}
	chunks->offset += n_read;
	return (gssize)n_read;
}

/* The next size bytes, or as many as there are, at *bytes; into the buffer from position on. */
static gssize
take(GaitTraceChunks *chunks, gsize position, gsize size, const guint8 **bytes, GError **error)
{
	if (chunks->fd >= 0) {
		*bytes = chunks->buffer + position;
		return read_file(chunks, chunks->buffer + position, size, error);
	}
	*bytes = chunks->data + chunks->offset;
	size = MIN(size, chunks->data_size - chunks->offset);
	chunks->offset += size;
	return (gssize)size;
}

static gboolean
read_header(GaitTraceChunks *chunks, GError **error)
{
	const guint8 *header;
	gssize n = take(chunks, 0, GAIT_TRACE_FILE_HEADER, &header, error);
	guint32 version;

	if (n < 0)
		return FALSE;
	if (n < GAIT_TRACE_FILE_HEADER || memcmp(header, GAIT_TRACE_MAGIC, 8) != 0) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED, "%s: %s", chunks->name,
		            n == 0 ? "the file is empty" : "this is not a trace of sysgait");
		return FALSE;
	}
	version = get_u32(header + 8);
	if (version > GAIT_TRACE_VERSION) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_VERSION,
		            "%s: the trace is of format version %u, and this sysgait reads "
		            "versions up to %u; use a newer one",
		            chunks->name, version, GAIT_TRACE_VERSION);
		return FALSE;
	}
	if (version == 0 || get_u32(header + 12) != 0) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
		            "%s: offset 8: the file header is damaged", chunks->name);
		return FALSE;
	}
	g_checksum_update(chunks->digest, header, GAIT_TRACE_FILE_HEADER);
	return TRUE;
}

static GaitTraceChunks *
start(GaitTraceChunks *new_chunks, GError **error)
{
	g_autoptr(GaitTraceChunks) chunks = new_chunks;

	chunks->digest = g_checksum_new(G_CHECKSUM_SHA256);
	if (!read_header(chunks, error))
		return NULL;
	return g_steal_pointer(&chunks);
}

GaitTraceChunks *
gait_trace_chunks_new(const char *path, GError **error)
{
	gboolean is_stdin = strcmp(path, "-") == 0;
	struct stat status;
	GaitTraceChunks *chunks;
	int fd;

	fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	              : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		gait_error_system(error, GAIT_LEARN_ERROR, errno, "cannot read %s",
		                  is_stdin ? "standard input" : path);
		return NULL;
	}
	chunks = g_new0(GaitTraceChunks, 1);
	chunks->name = g_strdup(is_stdin ? "standard input" : path);
	chunks->fd = fd;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		chunks->size = (guint64)status.st_size;
	chunks->buffer = g_malloc(GAIT_TRACE_CHUNK_HEADER + GAIT_TRACE_MAX_CHUNK);
	return start(chunks, error);
}

GaitTraceChunks *
gait_trace_chunks_new_for_data(const char *name, const guint8 *data, gsize size, GError **error)
{
	GaitTraceChunks *chunks = g_new0(GaitTraceChunks, 1);

	chunks->name = g_strdup(name);
	chunks->fd = -1;
	chunks->data = data ? data : (const guint8 *)"";
	chunks->data_size = chunks->size = size;
	return start(chunks, error);
}

void
gait_trace_chunks_free(GaitTraceChunks *chunks)
{
	if (!chunks)
		return;
	if (chunks->fd >= 0)
		close(chunks->fd);
	g_clear_pointer(&chunks->digest, g_checksum_free);
	g_free(chunks->buffer);
	g_free(chunks->name);
	g_free(chunks);
}

static GaitChunks
damaged(const GaitTraceChunks *chunks, guint64 offset, const char *what, GError **error)
{
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
	            "%s: offset %" G_GUINT64_FORMAT ": chunk %u: %s", chunks->name, offset,
	            chunks->n_chunks, what);
	return GAIT_CHUNKS_ERROR;
}

static GaitChunks
check_header(const GaitTraceChunks *chunks, const guint8 *header, guint64 offset, GError **error)
{
	if ((guint32)crc32_z(0, header, 16) != get_u32(header + 16))
		return damaged(chunks, offset, "the checksum of its header is wrong", error);
	if (get_u32(header) != chunks->n_chunks)
		return damaged(chunks, offset, "another chunk was here", error);
	if (get_u32(header + 8) > GAIT_TRACE_MAX_CHUNK)
		return damaged(chunks, offset, "it is larger than a chunk can be", error);
	return GAIT_CHUNKS_NEXT;
}

GaitChunks
gait_trace_chunks_next(GaitTraceChunks *chunks, GaitTraceChunk *chunk, GError **error)
{
	guint64 offset = chunks->offset;
	const guint8 *header, *payload;
	gssize n = take(chunks, 0, GAIT_TRACE_CHUNK_HEADER, &header, error);
	guint32 length;

	if (n <= 0)
		return n < 0 ? GAIT_CHUNKS_ERROR : GAIT_CHUNKS_END;
	if (n < GAIT_TRACE_CHUNK_HEADER)
		return GAIT_CHUNKS_TRUNCATED;
	if (check_header(chunks, header, offset, error) != GAIT_CHUNKS_NEXT)
		return GAIT_CHUNKS_ERROR;
	length = get_u32(header + 8);
	n = take(chunks, GAIT_TRACE_CHUNK_HEADER, length, &payload, error);
	if (n < 0)
		return GAIT_CHUNKS_ERROR;
	if ((gsize)n < length)
		return GAIT_CHUNKS_TRUNCATED;
	if ((guint32)crc32_z(0, payload, length) != get_u32(header + 12))
		return damaged(chunks, offset, "the checksum of its content is wrong", error);
	g_checksum_update(chunks->digest, header, GAIT_TRACE_CHUNK_HEADER);
	g_checksum_update(chunks->digest, payload, length);
	*chunk = (GaitTraceChunk){.index = chunks->n_chunks++,
	                          .type = get_u32(header + 4),
	                          .offset = offset + GAIT_TRACE_CHUNK_HEADER,
	                          .data = payload,
	                          .size = length};
	return GAIT_CHUNKS_NEXT;
}

const char *
gait_trace_chunks_get_name(const GaitTraceChunks *chunks)
{
	return chunks->name;
}

guint64
gait_trace_chunks_get_offset(const GaitTraceChunks *chunks)
{
	return chunks->offset;
}

guint64
gait_trace_chunks_get_size(const GaitTraceChunks *chunks)
{
	return chunks->size;
}

const char *
gait_trace_chunks_get_digest(GaitTraceChunks *chunks)
{
	return g_checksum_get_string(chunks->digest);
}
