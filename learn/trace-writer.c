/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes traces. Records gather in one buffer, which becomes a chunk when it is full, when a second
 * of the trace's own time has passed, or on demand; so a killed recorder loses a second at most.
 *
 * The file is for its owner alone (0600): command line and paths tell much about a machine. It is
 * not synced: a trace can be recorded again, and a recorder must not wait for a disk.
 */
#include "learn/trace-writer-private.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define FLUSH_NS G_GUINT64_CONSTANT(1000000000)

/* --- output -------------------------------------------------------------------------------------
 */

static void
put_u32(guint8 *at, guint32 value)
{
	guint32 little = GUINT32_TO_LE(value);

	memcpy(at, &little, sizeof(little));
}

static void
fail(GaitTraceWriter *writer, GError *error)
{
	if (writer->is_failed) {
		g_error_free(error);
		return;
	}
	writer->is_failed = TRUE;
	writer->error = error;
}

/* Reports what went wrong since, once. */
static gboolean
report(GaitTraceWriter *writer, GError **error)
{
	if (!writer->error)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&writer->error));
	return FALSE;
}

static void
write_all(GaitTraceWriter *writer, const guint8 *data, gsize size)
{
	while (size > 0 && !writer->is_failed) {
		ssize_t n = write(writer->fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			GError *error = NULL;

			gait_error_system(&error, GAIT_LEARN_ERROR, errno, "cannot write to %s",
			                  writer->name);
			fail(writer, error);
			return;
		}
		writer->n_bytes += (guint64)n;
		data += n;
		size -= (gsize)n;
	}
}

static void
write_chunk(GaitTraceWriter *writer, GaitChunkType type, const guint8 *payload, guint size)
{
	guint8 header[GAIT_TRACE_CHUNK_HEADER];

	g_assert(size <= GAIT_TRACE_MAX_CHUNK);
	put_u32(header, writer->n_chunks++);
	put_u32(header + 4, type);
	put_u32(header + 8, size);
	put_u32(header + 12, (guint32)crc32_z(0, payload, size));
	put_u32(header + 16, (guint32)crc32_z(0, header, 16));
	write_all(writer, header, sizeof(header));
	write_all(writer, payload, size);
}

/*
 * The disk has become full in the midst of the chunk that began at start: writes it again, up to
 * the last whole event that has room where the first try got to.
 */
static void
save_part(GaitTraceWriter *writer, guint64 start)
{
	guint64 room = writer->n_bytes - start;

	while (writer->n_marks > 0 &&
	       writer->marks[writer->n_marks - 1] + GAIT_TRACE_CHUNK_HEADER > room)
		writer->n_marks--;
	if (writer->n_marks == 0 || ftruncate(writer->fd, (off_t)start) != 0 ||
	    lseek(writer->fd, (off_t)start, SEEK_SET) < 0)
		return;
	writer->n_bytes = start;
	writer->n_chunks--;
	writer->is_failed = FALSE;
	write_chunk(writer, GAIT_CHUNK_RECORDS, writer->records->data,
	            writer->marks[writer->n_marks - 1]);
	writer->is_failed = TRUE;
}

static void
flush_records(GaitTraceWriter *writer)
{
	guint64 start = writer->n_bytes;

	writer->flushed_ns = writer->time_ns;
	if (writer->records->len == 0 || writer->is_failed)
		return;
	write_chunk(writer, GAIT_CHUNK_RECORDS, writer->records->data, writer->records->len);
	if (writer->is_failed)
		save_part(writer, start);
	writer->n_marks = 0;
	g_byte_array_set_size(writer->records, 0);
}

/* The records end with a whole event: noted where the last mark is far enough behind. */
static void
mark(GaitTraceWriter *writer)
{
	guint last = writer->n_marks > 0 ? writer->marks[writer->n_marks - 1] : 0;

	if (writer->n_marks < GAIT_WRITER_MARKS &&
	    writer->records->len - last >= GAIT_TRACE_FULL_CHUNK / GAIT_WRITER_MARKS)
		writer->marks[writer->n_marks++] = writer->records->len;
}

static void
flush_if_full(GaitTraceWriter *writer)
{
	if (writer->records->len >= GAIT_TRACE_FULL_CHUNK)
		flush_records(writer);
}

static void
fail_too_large(GaitTraceWriter *writer, const char *what, guint max)
{
	flush_records(writer);
	fail(writer, g_error_new(GAIT_LEARN_ERROR, GAIT_ERROR_TOO_LARGE,
	                         "%s: more than %u different %s; the trace ends here", writer->name,
	                         max, what));
}

/* --- beginning ----------------------------------------------------------------------------------
 */

static void
put_strings(GByteArray *out, char *const *strings)
{
	guint n = 0, n_bytes = 0;

	for (; strings && strings[n] && n < GAIT_TRACE_MAX_ARGUMENTS; n++) {
		n_bytes += (guint)strnlen(strings[n], GAIT_TRACE_MAX_STRING);
		if (n_bytes > GAIT_TRACE_MAX_COMMAND)
			break;
	}
	gait_put_number(out, n);
	for (guint i = 0; i < n; i++)
		gait_put_string(out, strings[i]);
}

static void
write_info(GaitTraceWriter *writer, const GaitTraceInfo *info)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	guint8 header[GAIT_TRACE_FILE_HEADER] = GAIT_TRACE_MAGIC;

	put_u32(header + 8, GAIT_TRACE_VERSION);
	put_u32(header + 12, 0);
	write_all(writer, header, sizeof(header));
	gait_put_number(out, (info->has_stacks ? GAIT_INFO_HAS_STACKS : 0) |
	                         (info->has_times ? GAIT_INFO_HAS_TIMES : 0));
	gait_put_number(out, gait_zigzag(info->start_us));
	gait_put_string(out, info->kernel);
	gait_put_string(out, info->arch);
	gait_put_string(out, info->backend);
	put_strings(out, info->command);
	put_strings(out, info->runtime);
	write_chunk(writer, GAIT_CHUNK_INFO, out->data, out->len);
}

static int
open_output(const char *path, GError **error)
{
	gboolean is_stdout = strcmp(path, "-") == 0;
	int fd;

	if (is_stdout)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0) {
		gait_error_system(error, GAIT_LEARN_ERROR, errno, "cannot write to %s",
		                  is_stdout ? "standard output" : path);
		return -1;
	}
	if (isatty(fd)) {
		close(fd);
		gait_error_usage(
		    error, "a trace is binary and not for a terminal; name a file or pipe with -o");
		return -1;
	}
	return fd;
}

GaitTraceWriter *
gait_trace_writer_new(const char *path, const GaitTraceInfo *info, GError **error)
{
	g_autoptr(GaitTraceWriter) writer = NULL;
	int fd = open_output(path, error);

	if (fd < 0)
		return NULL;
	writer = g_new0(GaitTraceWriter, 1);
	writer->fd = fd;
	writer->name = g_strdup(strcmp(path, "-") == 0 ? "standard output" : path);
	writer->has_stacks = info->has_stacks;
	writer->records = g_byte_array_sized_new(GAIT_TRACE_FULL_CHUNK + GAIT_TRACE_MAX_STRING);
	writer->strings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	writer->tasks = g_array_new(FALSE, TRUE, sizeof(GaitWriterTask));
	write_info(writer, info);
	if (!report(writer, error))
		return NULL;
	return g_steal_pointer(&writer);
}

void
gait_trace_writer_free(GaitTraceWriter *writer)
{
	if (!writer)
		return;
	if (!writer->is_finished && !writer->is_failed)
		flush_records(writer);
	if (writer->fd >= 0)
		close(writer->fd);
	g_clear_error(&writer->error);
	g_byte_array_unref(writer->records);
	g_hash_table_unref(writer->strings);
	g_array_unref(writer->tasks);
	g_free(writer->name);
	g_free(writer);
}

/* --- tables -------------------------------------------------------------------------------------
 */

/* 1 + the string's index, 0 for none. */
static guint32
add_string(GaitTraceWriter *writer, const char *text)
{
	guint32 id;

	if (!text)
		return 0;
	id = GPOINTER_TO_UINT(g_hash_table_lookup(writer->strings, text));
	if (id != 0)
		return id;
	id = g_hash_table_size(writer->strings) + 1;
	/* Names of functions are for people: where there are too many the rest does without. */
	if (id > GAIT_TRACE_MAX_STRINGS)
		return 0;
	g_hash_table_insert(writer->strings, g_strdup(text), GUINT_TO_POINTER(id));
	gait_put_record(writer->records, GAIT_RECORD_STRING);
	gait_put_string(writer->records, text);
	flush_if_full(writer);
	return id;
}

guint32
gait_trace_writer_add_module(GaitTraceWriter *writer, const char *path, const char *build_id,
                             gboolean is_runtime)
{
	g_assert(*path != '\0');
	if (writer->n_modules == GAIT_TRACE_MAX_MODULES) {
		fail_too_large(writer, "modules", GAIT_TRACE_MAX_MODULES);
		return 0;
	}
	gait_put_record(writer->records, GAIT_RECORD_MODULE);
	gait_put_number(writer->records, is_runtime ? 1 : 0);
	gait_put_string(writer->records, path);
	gait_put_string(writer->records, build_id);
	flush_if_full(writer);
	return writer->n_modules++;
}

guint32
gait_trace_writer_add_stack(GaitTraceWriter *writer, const GaitTraceStack *stack)
{
	guint32 n = MIN(stack->n_frames, GAIT_TRACE_MAX_FRAMES);
	guint32 functions[GAIT_TRACE_MAX_FRAMES];

	g_assert(stack->n_frames > 0 && stack->site < n && writer->has_stacks);
	if (writer->n_stacks == GAIT_TRACE_MAX_STACKS) {
		fail_too_large(writer, "call stacks", GAIT_TRACE_MAX_STACKS);
		return 0;
	}
	for (guint32 i = 0; i < n; i++)
		functions[i] = add_string(writer, stack->frames[i].function);
	gait_put_record(writer->records, GAIT_RECORD_STACK);
	gait_put_number(writer->records, stack->status);
	gait_put_number(writer->records, n);
	gait_put_number(writer->records, stack->site);
	for (guint32 i = 0; i < n; i++) {
		g_assert(stack->frames[i].module < writer->n_modules || writer->is_failed);
		gait_put_number(writer->records, stack->frames[i].module);
		gait_put_number(writer->records, stack->frames[i].offset);
		gait_put_number(writer->records, functions[i]);
		gait_put_number(writer->records, functions[i] ? stack->frames[i].delta : 0);
	}
	flush_if_full(writer);
	return writer->n_stacks++;
}

guint32
gait_trace_writer_add_shape(GaitTraceWriter *writer, const GaitShape *shape)
{
	guint64 args[6] = {0};
	guint mask = 0;

	g_assert(writer->is_failed || (writer->has_stacks ? shape->stack < writer->n_stacks
	                                                  : shape->stack == G_MAXUINT32));
	if (writer->n_shapes == GAIT_TRACE_MAX_SHAPES) {
		fail_too_large(writer, "calls by arguments and stack", GAIT_TRACE_MAX_SHAPES);
		return 0;
	}
	if (shape->arch == AUDIT_ARCH_X86_64)
		gait_syscall_keep_args(shape->nr, shape->args, args);
	for (guint i = 0; i < 6; i++)
		mask |= args[i] ? 1u << i : 0;
	gait_put_record(writer->records, GAIT_RECORD_SHAPE);
	gait_put_number(writer->records, shape->nr);
	gait_put_number(writer->records, shape->arch);
	gait_put_number(writer->records, writer->has_stacks ? (guint64)shape->stack + 1 : 0);
	gait_put_number(writer->records, mask);
	for (guint i = 0; i < 6; i++)
		if (args[i])
			gait_put_number(writer->records, args[i]);
	flush_if_full(writer);
	return writer->n_shapes++;
}

/* --- events -------------------------------------------------------------------------------------
 */

gboolean
gait_trace_writer_event(GaitTraceWriter *writer, const GaitEvent *event, GError **error)
{
	GaitWriterTask *task;

	if (writer->is_failed)
		return report(writer, error);
	g_assert(!writer->is_finished);
	if (writer->tasks->len == GAIT_TRACE_MAX_TASKS &&
	    (event->kind == GAIT_EVENT_START || event->kind == GAIT_EVENT_FORK)) {
		fail_too_large(writer, "tasks", GAIT_TRACE_MAX_TASKS);
		return report(writer, error);
	}
	g_assert(event->kind == GAIT_EVENT_START || event->task < writer->tasks->len);
	gait_writer_encode(writer, event);
	task = &g_array_index(writer->tasks, GaitWriterTask, event->task);
	g_assert(!task->is_gone);
	task->is_gone = event->kind == GAIT_EVENT_EXIT;
	task->seq += event->kind == GAIT_EVENT_LOST ? event->count : 1;
	writer->task = event->task;
	writer->n_events++;
	mark(writer);
	if (writer->records->len >= GAIT_TRACE_FULL_CHUNK ||
	    writer->time_ns > writer->flushed_ns + FLUSH_NS)
		flush_records(writer);
	return report(writer, error);
}

gboolean
gait_trace_writer_flush(GaitTraceWriter *writer, GError **error)
{
	if (!writer->is_failed)
		flush_records(writer);
	return report(writer, error);
}

gboolean
gait_trace_writer_finish(GaitTraceWriter *writer, guint64 n_lost, gboolean is_complete,
                         GError **error)
{
	g_autoptr(GByteArray) out = g_byte_array_new();

	g_assert(!writer->is_finished);
	for (guint32 i = 0; i < writer->tasks->len && !writer->is_failed; i++) {
		gait_put_record(writer->records, GAIT_RECORD_COUNT);
		gait_put_number(writer->records,
		                g_array_index(writer->tasks, GaitWriterTask, i).seq);
		flush_if_full(writer);
	}
	if (writer->is_failed)
		return report(writer, error);
	flush_records(writer);
	gait_put_number(out, is_complete ? GAIT_END_IS_COMPLETE : 0);
	gait_put_number(out, n_lost);
	gait_put_number(out, writer->tasks->len);
	gait_put_number(out, writer->n_events);
	write_chunk(writer, GAIT_CHUNK_END, out->data, out->len);
	writer->is_finished = TRUE;
	/* Some file systems (NFS, quota) tell only now that there was no room. */
	if (close(writer->fd) != 0) {
		GError *failure = NULL;

		gait_error_system(&failure, GAIT_LEARN_ERROR, errno, "cannot write to %s",
		                  writer->name);
		fail(writer, failure);
	}
	writer->fd = -1;
	return report(writer, error);
}

guint64
gait_trace_writer_get_n_bytes(const GaitTraceWriter *writer)
{
	return writer->n_bytes + writer->records->len;
}
