/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces: what is written is read again; a file cut off anywhere is a valid prefix; one that was
 * changed anywhere is refused. The traces are random (the seed is printed, --seed repeats it).
 */
#include "unit.h"

#include "learn/trace-format.h"
#include "learn/trace.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

typedef struct {
	char *path;
	GArray *events; /* GaitEvent, as they must be read */
	GArray *shapes; /* GaitShape */
	GArray *live;   /* guint32: tasks */
	GArray *seqs;   /* guint64, by task */
	guint64 time_ns;
	GaitTraceWriter *writer;
} Sample;

static const char *const functions[] = {"main", "ngx_spawn_process", NULL, "_ZN3fooC2Ev"};

static void
sample_free(Sample *sample)
{
	g_clear_pointer(&sample->writer, gait_trace_writer_free);
	g_unlink(sample->path);
	g_free(sample->path);
	g_array_unref(sample->events);
	g_array_unref(sample->shapes);
	g_array_unref(sample->live);
	g_array_unref(sample->seqs);
	g_free(sample);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sample, sample_free)

static char *
temporary_path(void)
{
	char *path = NULL;
	GError *error = NULL;
	int fd = g_file_open_tmp("gait-trace-XXXXXX", &path, &error);

	g_assert_no_error(error);
	close(fd);
	return path;
}

static GaitTraceInfo
sample_info(gboolean has_stacks)
{
	static char *command[] = {(char *)"nginx", (char *)"-g", (char *)"daemon \xe4 off;", NULL};
	static char *runtime[] = {(char *)"libc.so.6", (char *)"[vdso]", NULL};

	return (GaitTraceInfo){.kernel = (char *)"6.18.0",
	                       .arch = (char *)"x86_64",
	                       .backend = (char *)"ptrace",
	                       .command = command,
	                       .runtime = runtime,
	                       .start_us = 1700000000123456,
	                       .has_stacks = has_stacks,
	                       .has_times = TRUE};
}

static Sample *
sample_new(gboolean has_stacks)
{
	Sample *sample = g_new0(Sample, 1);
	GaitTraceInfo info = sample_info(has_stacks);
	GError *error = NULL;

	sample->path = temporary_path();
	sample->events = g_array_new(FALSE, TRUE, sizeof(GaitEvent));
	sample->shapes = g_array_new(FALSE, TRUE, sizeof(GaitShape));
	sample->live = g_array_new(FALSE, TRUE, sizeof(guint32));
	sample->seqs = g_array_new(FALSE, TRUE, sizeof(guint64));
	sample->writer = gait_trace_writer_new(sample->path, &info, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(
	    gait_trace_writer_add_module(sample->writer, "/usr/sbin/nginx", "ab12", FALSE), ==, 0);
	g_assert_cmpuint(gait_trace_writer_add_module(sample->writer, "/lib/libc.so.6", "", TRUE),
	                 ==, 1);
	return sample;
}

static void
add_shape(Sample *sample, gboolean has_stacks)
{
	static const guint32 numbers[] = {SYS_read,  SYS_openat, SYS_mmap, SYS_socket,
	                                  SYS_ioctl, SYS_kill,   999,      0xffffffff};
	GaitTraceFrame frames[5];
	GaitTraceStack stack = {.n_frames = (guint32)g_test_rand_int_range(1, 6),
	                        .status = (guint32)g_test_rand_int_range(0, 3),
	                        .frames = frames};
	GaitShape shape = {.nr = numbers[g_test_rand_int_range(0, G_N_ELEMENTS(numbers))],
	                   .arch = AUDIT_ARCH_X86_64,
	                   .stack = G_MAXUINT32};

	stack.site = (guint32)g_test_rand_int_range(0, (gint32)stack.n_frames);
	for (guint32 i = 0; i < stack.n_frames; i++) {
		guint f = (guint)g_test_rand_int_range(0, G_N_ELEMENTS(functions));

		frames[i].module = (guint32)g_test_rand_int_range(0, 2);
		frames[i].offset = (guint64)g_test_rand_int() << g_test_rand_int_range(0, 32);
		frames[i].function = functions[f];
		frames[i].delta = functions[f] ? (guint64)g_test_rand_int() : 0;
	}
	if (has_stacks)
		shape.stack = gait_trace_writer_add_stack(sample->writer, &stack);
	for (guint i = 0; i < 6; i++)
		shape.args[i] = (guint64)g_test_rand_int() << 32 | (guint64)g_test_rand_int();
	g_assert_cmpuint(gait_trace_writer_add_shape(sample->writer, &shape), ==,
	                 sample->shapes->len);
	shape.klass = gait_syscall_class(shape.nr, shape.args);
	g_array_append_val(sample->shapes, shape);
}

static void
put(Sample *sample, GaitEvent event)
{
	GError *error = NULL;

	g_assert_true(gait_trace_writer_event(sample->writer, &event, &error));
	g_assert_no_error(error);
	if (event.kind == GAIT_EVENT_START || event.kind == GAIT_EVENT_FORK) {
		guint32 task = event.kind == GAIT_EVENT_START ? event.task : event.child;
		guint64 zero = 0;

		g_assert_cmpuint(task, ==, sample->seqs->len);
		g_array_append_val(sample->seqs, zero);
		g_array_append_val(sample->live, task);
	}
	event.seq = g_array_index(sample->seqs, guint64, event.task);
	g_array_index(sample->seqs, guint64, event.task) +=
	    event.kind == GAIT_EVENT_LOST ? event.count : 1;
	g_array_append_val(sample->events, event);
}

/* A random event that may come now. */
static void
put_random(Sample *sample)
{
	guint at = (guint)g_test_rand_int_range(0, (gint32)sample->live->len);
	GaitEvent event = {.task = g_array_index(sample->live, guint32, at)};
	gint32 dice = g_test_rand_int_range(0, 100);

	sample->time_ns += (guint64)g_test_rand_int_range(0, 1 << 20);
	event.time_ns = sample->time_ns - (guint64)g_test_rand_int_range(0, 100);
	if (dice < 80) {
		event.shape = (guint32)g_test_rand_int_range(0, (gint32)sample->shapes->len);
	} else if (dice < 85) {
		event.kind = GAIT_EVENT_FORK;
		event.child = sample->seqs->len;
		event.pid = event.tid = g_test_rand_int_range(1, G_MAXINT32);
		event.flags = GAIT_TASK_THREAD;
	} else if (dice < 88) {
		event.kind = GAIT_EVENT_EXEC;
		event.program = 1;
	} else if (dice < 91) {
		event.kind = GAIT_EVENT_SIGNAL;
		event.signo = g_test_rand_int_range(1, 65);
	} else if (dice < 94) {
		event.kind = GAIT_EVENT_UNWIND;
		event.count = (guint64)g_test_rand_int();
	} else if (dice < 97) {
		event.kind = GAIT_EVENT_LOST;
		event.count = (guint64)g_test_rand_int_range(1, 1 << 30);
	} else if (sample->live->len > 1) {
		event.kind = GAIT_EVENT_EXIT;
		event.status = g_test_rand_int_range(-1, 1 << 16);
		g_array_remove_index(sample->live, at);
	}
	put(sample, event);
}

static Sample *
sample_random(guint n_events, gboolean has_stacks, gboolean is_complete)
{
	Sample *sample = sample_new(has_stacks);
	GError *error = NULL;

	put(sample, (GaitEvent){.kind = GAIT_EVENT_START,
	                        .time_ns = 1000,
	                        .pid = 42,
	                        .tid = 42,
	                        .flags = GAIT_TASK_JOINED});
	sample->time_ns = 1000;
	for (guint i = 0; i < n_events; i++) {
		if (sample->shapes->len == 0 || g_test_rand_int_range(0, 20) == 0)
			add_shape(sample, has_stacks);
		put_random(sample);
		if (g_test_rand_int_range(0, 50) == 0)
			g_assert_true(gait_trace_writer_flush(sample->writer, NULL));
	}
	g_assert_true(gait_trace_writer_finish(sample->writer, 7, is_complete, &error));
	g_assert_no_error(error);
	return sample;
}

static void
assert_same(const GaitEvent *a, const GaitEvent *b)
{
	g_assert_cmpint(a->kind, ==, b->kind);
	g_assert_cmpuint(a->task, ==, b->task);
	g_assert_cmpuint(a->seq, ==, b->seq);
	g_assert_cmpuint(a->time_ns, ==, b->time_ns);
	g_assert_cmpuint(a->shape, ==, b->shape);
	g_assert_cmpuint(a->child, ==, b->child);
	g_assert_cmpint(a->pid, ==, b->pid);
	g_assert_cmpint(a->tid, ==, b->tid);
	g_assert_cmpuint(a->program, ==, b->program);
	g_assert_cmpuint(a->flags, ==, b->flags);
	g_assert_cmpint(a->signo, ==, b->signo);
	g_assert_cmpint(a->status, ==, b->status);
	g_assert_cmpuint(a->count, ==, b->count);
}

/* Reads all there is; *n_events counts those that agree with the sample. */
static GaitRead
read_all(GaitTraceReader *reader, const Sample *sample, guint *n_events, GError **error)
{
	GaitEvent event;
	GaitRead result;

	*n_events = 0;
	while ((result = gait_trace_reader_next(reader, &event, error)) == GAIT_READ_EVENT) {
		if (!sample)
			continue;
		g_assert_cmpuint(*n_events, <, sample->events->len);
		assert_same(&event, &g_array_index(sample->events, GaitEvent, *n_events));
		(*n_events)++;
	}
	return result;
}

static void
test_round_trip(gconstpointer data)
{
	gboolean has_stacks = GPOINTER_TO_INT(data);
	g_autoptr(Sample) sample = sample_random(20000, has_stacks, TRUE);
	g_autoptr(GaitTraceReader) reader = NULL;
	GError *error = NULL;
	const GaitTraceInfo *info;
	guint n_events;

	reader = gait_trace_reader_new(sample->path, &error);
	g_assert_no_error(error);
	g_assert_cmpint(read_all(reader, sample, &n_events, &error), ==, GAIT_READ_END);
	g_assert_no_error(error);
	g_assert_cmpuint(n_events, ==, sample->events->len);
	g_assert_true(gait_trace_reader_is_complete(reader));
	g_assert_cmpuint(gait_trace_reader_get_n_lost(reader), ==, 7);
	g_assert_cmpuint(gait_trace_reader_get_n_tasks(reader), ==, sample->seqs->len);
	g_assert_cmpuint(gait_trace_reader_get_n_modules(reader), ==, 2);
	g_assert_cmpuint(gait_trace_reader_get_n_stacks(reader), ==,
	                 has_stacks ? sample->shapes->len : 0);
	info = gait_trace_reader_get_info(reader);
	g_assert_cmpstr(info->kernel, ==, "6.18.0");
	g_assert_cmpstr(info->command[2], ==, "daemon \xe4 off;");
	g_assert_cmpuint(g_strv_length(info->command), ==, 3);
	g_assert_cmpstr(info->runtime[1], ==, "[vdso]");
	g_assert_cmpint(info->start_us, ==, 1700000000123456);
	g_assert_cmpint(info->has_stacks, ==, has_stacks);
}

static void
test_tables(void)
{
	g_autoptr(Sample) sample = sample_random(3000, TRUE, TRUE);
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(sample->path, NULL);
	guint n_events;

	g_assert_nonnull(reader);
	read_all(reader, sample, &n_events, NULL);
	g_assert_cmpuint(gait_trace_reader_get_n_shapes(reader), ==, sample->shapes->len);
	for (guint32 i = 0; i < sample->shapes->len; i++) {
		const GaitShape *read = gait_trace_reader_get_shape(reader, i);
		const GaitShape *written = &g_array_index(sample->shapes, GaitShape, i);
		guint64 kept[6];

		gait_syscall_keep_args(written->nr, written->args, kept);
		g_assert_cmpuint(read->nr, ==, written->nr);
		g_assert_cmpuint(read->arch, ==, written->arch);
		g_assert_cmpuint(read->klass, ==, written->klass);
		g_assert_cmpuint(read->stack, ==, written->stack);
		g_assert_cmpmem(read->args, sizeof(kept), kept, sizeof(kept));
	}
	g_assert_cmpstr(gait_trace_reader_get_module(reader, 0)->path, ==, "/usr/sbin/nginx");
	g_assert_cmpstr(gait_trace_reader_get_module(reader, 0)->build_id, ==, "ab12");
	g_assert_true(gait_trace_reader_get_module(reader, 1)->is_runtime);
}

static void
test_stack(void)
{
	g_autoptr(Sample) sample = sample_new(TRUE);
	GaitTraceFrame frames[] = {{1, 0x1234, "write", 0x4d}, {0, 0x99, NULL, 0}};
	GaitTraceStack stack = {2, 1, 2, frames};
	g_autoptr(GaitTraceReader) reader = NULL;
	const GaitTraceStack *read;
	guint n_events;

	g_assert_cmpuint(gait_trace_writer_add_stack(sample->writer, &stack), ==, 0);
	g_assert_true(gait_trace_writer_finish(sample->writer, 0, TRUE, NULL));
	reader = gait_trace_reader_new(sample->path, NULL);
	g_assert_cmpint(read_all(reader, sample, &n_events, NULL), ==, GAIT_READ_END);
	read = gait_trace_reader_get_stack(reader, 0);
	g_assert_cmpuint(read->n_frames, ==, 2);
	g_assert_cmpuint(read->site, ==, 1);
	g_assert_cmpuint(read->status, ==, 2);
	g_assert_cmpuint(read->frames[0].module, ==, 1);
	g_assert_cmpuint(read->frames[0].offset, ==, 0x1234);
	g_assert_cmpstr(read->frames[0].function, ==, "write");
	g_assert_cmpuint(read->frames[0].delta, ==, 0x4d);
	g_assert_null(read->frames[1].function);
}

/* The run id is what sha256sum says. */
static void
test_run_id(void)
{
	g_autoptr(Sample) sample = sample_random(100, TRUE, TRUE);
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(sample->path, NULL);
	g_autofree char *data = NULL, *digest = NULL;
	gsize size;
	guint n_events;

	g_assert_cmpint(read_all(reader, sample, &n_events, NULL), ==, GAIT_READ_END);
	g_assert_true(g_file_get_contents(sample->path, &data, &size, NULL));
	digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guint8 *)data, size);
	g_assert_cmpstr(gait_trace_reader_get_run_id(reader), ==, digest);
}

static void
test_partial(void)
{
	g_autoptr(Sample) sample = sample_random(100, TRUE, FALSE);
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(sample->path, NULL);
	guint n_events;

	g_assert_cmpint(read_all(reader, sample, &n_events, NULL), ==, GAIT_READ_END);
	g_assert_cmpuint(n_events, ==, sample->events->len);
	g_assert_false(gait_trace_reader_is_complete(reader));
}

/* A recorder that dies leaves what it flushed. */
static void
test_killed(void)
{
	g_autoptr(Sample) sample = sample_new(TRUE);
	g_autoptr(GaitTraceReader) reader = NULL;
	GError *error = NULL;
	guint n_events;

	put(sample, (GaitEvent){.kind = GAIT_EVENT_START, .pid = 1, .tid = 1});
	add_shape(sample, TRUE);
	/* Half a second apart: two of these three are on disk by themselves. */
	for (guint i = 1; i <= 3; i++)
		put(sample, (GaitEvent){.time_ns = i * G_GUINT64_CONSTANT(600000000)});
	reader = gait_trace_reader_new(sample->path, &error);
	g_assert_no_error(error);
	g_assert_cmpint(read_all(reader, sample, &n_events, NULL), ==, GAIT_READ_END);
	g_assert_cmpuint(n_events, ==, 3);
	g_assert_false(gait_trace_reader_is_complete(reader));
}

static void
test_truncated(void)
{
	g_autoptr(Sample) sample = sample_random(400, TRUE, TRUE);
	g_autofree char *data = NULL;
	guint n_events, most = 0, n_steps = 0;
	gsize size;

	g_assert_true(g_file_get_contents(sample->path, &data, &size, NULL));
	for (gsize cut = 0; cut < size; cut++) {
		/* A copy of its own, so that a read beyond the end is seen by ASan. */
		g_autofree guint8 *prefix = g_memdup2(data, cut);
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitTraceReader) reader =
		    gait_trace_reader_new_for_data("cut", prefix, cut, &error);

		if (!reader) {
			g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED);
			g_assert_cmpuint(most, ==, 0);
			continue;
		}
		g_assert_cmpint(read_all(reader, sample, &n_events, &error), ==, GAIT_READ_END);
		g_assert_no_error(error);
		g_assert_false(gait_trace_reader_is_complete(reader));
		g_assert_cmpuint(n_events, >=, most);
		n_steps += n_events > most;
		most = n_events;
		g_assert_cmpuint(strlen(gait_trace_reader_get_run_id(reader)), ==, 64);
	}
	g_assert_cmpuint(most, ==, sample->events->len);
	g_assert_cmpuint(n_steps, >, 1);
}

/* Every byte of the file matters: whatever is changed is noticed, and where. */
static void
test_flipped(void)
{
	g_autoptr(Sample) sample = sample_random(300, TRUE, TRUE);
	g_autofree char *data = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(sample->path, &data, &size, NULL));
	for (gsize at = 0; at < size; at++) {
		char bit = (char)(1 << g_test_rand_int_range(0, 8));
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitTraceReader) reader = NULL;
		guint n_events;

		data[at] ^= bit;
		reader = gait_trace_reader_new_for_data("FILE", (guint8 *)data, size, &error);
		if (reader)
			g_assert_cmpint(read_all(reader, NULL, &n_events, &error), ==,
			                GAIT_READ_ERROR);
		g_assert_nonnull(error);
		g_assert_true(error->code == GAIT_ERROR_MALFORMED ||
		              error->code == GAIT_ERROR_VERSION);
		g_assert_true(g_str_has_prefix(error->message, "FILE: "));
		if (at >= GAIT_TRACE_FILE_HEADER)
			g_assert_nonnull(strstr(error->message, "offset "));
		data[at] ^= bit;
	}
}

/* --- hand-made damage: checksums that are right, content that is not ----------------------------
 */

static void
append_u32(GByteArray *out, guint32 value)
{
	value = GUINT32_TO_LE(value);
	g_byte_array_append(out, (guint8 *)&value, 4);
}

static void
append_chunk(GByteArray *out, guint32 index, guint32 type, const char *payload, gsize size)
{
	guint start = out->len;

	append_u32(out, index);
	append_u32(out, type);
	append_u32(out, (guint32)size);
	append_u32(out, (guint32)crc32_z(0, (const guint8 *)payload, size));
	append_u32(out, (guint32)crc32_z(0, out->data + start, 16));
	g_byte_array_append(out, (const guint8 *)payload, (guint)size);
}

static GByteArray *
crafted(const char *info, gsize info_size, const char *records, gsize records_size)
{
	GByteArray *out = g_byte_array_new();

	g_byte_array_append(out, (const guint8 *)GAIT_TRACE_MAGIC, 8);
	append_u32(out, GAIT_TRACE_VERSION);
	append_u32(out, 0);
	append_chunk(out, 0, GAIT_CHUNK_INFO, info, info_size);
	append_chunk(out, 1, GAIT_CHUNK_RECORDS, records, records_size);
	return out;
}

#define BYTES(text)  text, sizeof(text) - 1
#define OTHER(type)  (char)(GAIT_RECORD_##type << 2 | GAIT_RECORD_OTHER)
#define PLAIN_INFO   "\0\0\0\0\0\0\0"
#define STACKED_INFO "\1\0\0\0\0\0\0"
#define R(...)       {__VA_ARGS__}, sizeof((char[]){__VA_ARGS__})
#define MODULE_A     OTHER(MODULE), 0, 1, 'a', 0
#define START_A      OTHER(START), 0, 1, 1, 0, 0
#define SHAPE_READ   OTHER(SHAPE), 0, 0x3e, 0, 0
#define SYSCALL_ZERO 0, 0
#define EXIT_ZERO    OTHER(EXIT), 0, 0, 0

static const struct {
	const char *name;
	gboolean has_stacks;
	char records[24];
	gsize size;
	const char *message; /* part of the error's; NULL: fine */
} crafts[] = {
    {"fine", FALSE, R(MODULE_A, START_A, SHAPE_READ, SYSCALL_ZERO, EXIT_ZERO), NULL},
    {"no task", FALSE, R(SHAPE_READ, SYSCALL_ZERO), "never created"},
    {"no shape", FALSE, R(MODULE_A, START_A, SYSCALL_ZERO), "never defined"},
    {"no module", FALSE, R(START_A), "start of a task"},
    {"after exit", FALSE, R(MODULE_A, START_A, SHAPE_READ, EXIT_ZERO, SYSCALL_ZERO), "gone"},
    {"exit twice", FALSE, R(MODULE_A, START_A, EXIT_ZERO, EXIT_ZERO), "gone"},
    {"switch to nobody", FALSE, R(MODULE_A, START_A, SHAPE_READ, 1, 9, 0), "never created"},
    {"fork by nobody", FALSE, R(OTHER(FORK), 5, 0, 1, 1, 0), "never created"},
    {"exec of nothing", FALSE, R(MODULE_A, START_A, OTHER(EXEC), 0, 0, 7), "exec"},
    {"signal", FALSE, R(MODULE_A, START_A, OTHER(SIGNAL), 0, 0, (char)0x80, 1), "signal"},
    {"lost none", FALSE, R(MODULE_A, START_A, OTHER(LOST), 0, 0, 0), "lost"},
    {"lost too many", FALSE,
     R(MODULE_A, START_A, OTHER(LOST), 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1), "lost"},
    {"wrong count", FALSE, R(MODULE_A, START_A, OTHER(COUNT), 2), "another number of events"},
    {"count of nobody", FALSE, R(OTHER(COUNT), 0), "count of events"},
    {"event after counts", FALSE, R(MODULE_A, START_A, SHAPE_READ, OTHER(COUNT), 1, SYSCALL_ZERO),
     "after the counts"},
    {"before time", FALSE, R(MODULE_A, START_A, SHAPE_READ, 0, 1), "time"},
    {"kind", FALSE, R(3), "unknown kind"},
    {"type", FALSE, R((char)(60 << 2 | 2), 0, 0), "unknown type"},
    {"huge type", FALSE, R(-2, -1, -1, -1, 0x7f), "unknown type"},
    {"endless number", FALSE, R(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1), "record"},
    {"number too long", FALSE, R(-128, -128, -128, -128, -128, -128, -128, -128, -128, 2),
     "record"},
    {"cut number", FALSE, R(MODULE_A, -1), "record"},
    {"long string", FALSE, R(OTHER(STRING), -1, -1, 3, 'a'), "string"},
    {"string beyond", FALSE, R(OTHER(STRING), 5, 'a'), "string"},
    {"string with NUL", FALSE, R(OTHER(STRING), 2, 0, 'a'), "string"},
    {"stackless stack", FALSE, R(MODULE_A, OTHER(STACK), 0, 1, 0, 0, 0, 0, 0), "without stacks"},
    {"fine stack", TRUE,
     R(MODULE_A, OTHER(STACK), 0, 1, 0, 0, 0, 0, 0, OTHER(SHAPE), 0, 0x3e, 1, 0), NULL},
    {"no frames", TRUE, R(MODULE_A, OTHER(STACK), 0, 0, 0, 0, 0, 0, 0), "stack"},
    {"site beyond", TRUE, R(MODULE_A, OTHER(STACK), 0, 1, 1, 0, 0, 0, 0), "stack"},
    {"stack status", TRUE, R(MODULE_A, OTHER(STACK), 3, 1, 0, 0, 0, 0, 0), "stack"},
    {"too many frames", TRUE, R(MODULE_A, OTHER(STACK), 0, -1, 7, 0, 0, 0, 0, 0), "longer"},
    {"absurdly many frames", TRUE, R(MODULE_A, OTHER(STACK), 0, -1, -1, 7, 0, 0), "stack"},
    {"frame of no module", TRUE, R(OTHER(STACK), 0, 1, 0, 0, 0, 0, 0), "frame"},
    {"frame of no function", TRUE, R(MODULE_A, OTHER(STACK), 0, 1, 0, 0, 0, 1, 0), "frame"},
    {"shape without stack", TRUE, R(MODULE_A, SHAPE_READ), "without a stack"},
    {"shape of no stack", TRUE, R(MODULE_A, OTHER(SHAPE), 0, 0x3e, 1, 0), "shape"},
    {"shape of arguments", FALSE, R(OTHER(SHAPE), 0, 0x3e, 0, 0x40), "shape"},
    {"shape without argument", FALSE, R(OTHER(SHAPE), 0, 0x3e, 0, 1), "argument"},
};

static void
test_crafted(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(crafts); i++) {
		g_autoptr(GByteArray) file =
		    crafts[i].has_stacks
		        ? crafted(BYTES(STACKED_INFO), crafts[i].records, crafts[i].size)
		        : crafted(BYTES(PLAIN_INFO), crafts[i].records, crafts[i].size);
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitTraceReader) reader =
		    gait_trace_reader_new_for_data("crafted", file->data, file->len, &error);
		guint n_events;
		GaitRead result;

		g_test_message("%s", crafts[i].name);
		g_assert_no_error(error);
		result = read_all(reader, NULL, &n_events, &error);
		if (!crafts[i].message) {
			g_assert_no_error(error);
			g_assert_cmpint(result, ==, GAIT_READ_END);
			continue;
		}
		g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED);
		g_assert_nonnull(strstr(error->message, crafts[i].message));
		/* It stays an error. */
		g_clear_error(&error);
		g_assert_cmpint(read_all(reader, NULL, &n_events, &error), ==, GAIT_READ_ERROR);
		g_assert_nonnull(error);
	}
}

/* The last chunk's claims, and what follows it. */
static void
test_end(void)
{
	static const struct {
		char end[8];
		gsize size;
		gboolean is_fine, has_more;
	} ends[] = {
	    {R(1, 0, 1, 1), TRUE, FALSE},     {R(1, 0, 1, 1), FALSE, TRUE},
	    {R(1, 0, 2, 1), FALSE, FALSE},    {R(1, 0, 1, 2), FALSE, FALSE},
	    {R(1, 0, 1, 1, 0), FALSE, FALSE}, {R(2, 0, 1, 1), FALSE, FALSE},
	    {R(1, 0, 1), FALSE, FALSE},
	};

	static const char records[] = {MODULE_A, START_A, OTHER(COUNT), 1};

	for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autoptr(GByteArray) file = crafted(BYTES(PLAIN_INFO), records, sizeof(records));
		g_autoptr(GaitTraceReader) reader = NULL;
		guint n_events;

		append_chunk(file, 2, GAIT_CHUNK_END, ends[i].end, ends[i].size);
		if (ends[i].has_more)
			append_chunk(file, 3, GAIT_CHUNK_RECORDS, "", 0);
		reader = gait_trace_reader_new_for_data("end", file->data, file->len, NULL);
		g_assert_cmpint(read_all(reader, NULL, &n_events, NULL), ==,
		                ends[i].is_fine ? GAIT_READ_END : GAIT_READ_ERROR);
		g_assert_cmpint(gait_trace_reader_is_complete(reader), ==, ends[i].is_fine);
	}
}

/* A chunk that claims four gigabytes, rightly signed. */
static void
test_absurd_length(void)
{
	g_autoptr(GByteArray) file = crafted(BYTES(PLAIN_INFO), BYTES(""));
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitTraceReader) reader = NULL;
	guint start = file->len, n_events;

	append_u32(file, 2);
	append_u32(file, GAIT_CHUNK_RECORDS);
	append_u32(file, 0xfffffff0);
	append_u32(file, 0);
	append_u32(file, (guint32)crc32_z(0, file->data + start, 16));
	reader = gait_trace_reader_new_for_data("absurd", file->data, file->len, &error);
	g_assert_no_error(error);
	g_assert_cmpint(read_all(reader, NULL, &n_events, &error), ==, GAIT_READ_ERROR);
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, "larger"));
}

static void
test_not_a_trace(void)
{
	static const struct {
		const char *data;
		gsize size;
		int code;
	} files[] = {
	    {BYTES(""), GAIT_ERROR_MALFORMED},
	    {BYTES("{\"version\": 1}"), GAIT_ERROR_MALFORMED},
	    {BYTES("\x7f"
	           "ELF\2\1\1\0\0\0\0\0\0\0\0\0\0\0\0"),
	     GAIT_ERROR_MALFORMED},
	    {BYTES("\x89GAITtr\n\2\0\0\0\0\0\0\0"), GAIT_ERROR_VERSION},
	    {BYTES("\x89GAITtr\n\0\0\0\0\0\0\0\0"), GAIT_ERROR_MALFORMED},
	    {BYTES("\x89GAITtr\n\1\0\0\0\0\0\0\0"), GAIT_ERROR_MALFORMED},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(gait_trace_reader_new_for_data("x", (const guint8 *)files[i].data,
		                                             files[i].size, &error));
		g_assert_error(error, GAIT_LEARN_ERROR, files[i].code);
	}
}

static void
test_open_errors(void)
{
	GaitTraceInfo info = sample_info(TRUE);
	g_autoptr(GError) error = NULL;

	g_assert_null(gait_trace_writer_new("/nonexistent/x.trace", &info, &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, "/nonexistent/x.trace"));
	g_clear_error(&error);
	g_assert_null(gait_trace_reader_new("/nonexistent/x.trace", &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
	g_clear_error(&error);
	g_assert_null(gait_trace_reader_new("/", &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
}

static void
test_full_disk(void)
{
	GaitTraceInfo info = sample_info(FALSE);
	g_autoptr(GError) error = NULL;

	if (g_access("/dev/full", W_OK) != 0) {
		unit_skip("no /dev/full");
		return;
	}
	/* Already the description does not fit. */
	g_assert_null(gait_trace_writer_new("/dev/full", &info, &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, g_strerror(ENOSPC)));
}

/* A file system that becomes full within the first chunk, in the shape of a limit: what fits is
 * kept to the last kilobyte or so. */
static void
test_full_later(void)
{
	g_autoptr(Sample) sample = sample_new(TRUE);
	g_autoptr(GaitTraceReader) reader = NULL;
	g_autoptr(GError) error = NULL;
	struct rlimit limit, before;
	struct stat status;
	guint n_events, n = 0;

	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
	limit = (struct rlimit){40000, before.rlim_max};
	put(sample, (GaitEvent){.kind = GAIT_EVENT_START, .pid = 1, .tid = 1});
	add_shape(sample, TRUE);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	do {
		GaitEvent event = {.time_ns = ++n * 1000};

		if (!gait_trace_writer_event(sample->writer, &event, &error))
			break;
		event.seq = n;
		g_array_append_val(sample->events, event);
	} while (n < 100000);
	setrlimit(RLIMIT_FSIZE, &before);
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
	g_assert_cmpint(stat(sample->path, &status), ==, 0);
	g_assert_cmpint(status.st_size, >, 38000);
	g_assert_cmpint(status.st_size, <=, 40000);
	reader = gait_trace_reader_new(sample->path, NULL);
	g_assert_nonnull(reader);
	g_assert_cmpint(read_all(reader, sample, &n_events, NULL), ==, GAIT_READ_END);
	g_assert_cmpuint(n_events, >, 1000);
	g_assert_false(gait_trace_reader_is_complete(reader));
}

/* The reader's end of a pipe goes away: reported once, and nothing more is tried. */
static void
test_write_error(void)
{
	g_autoptr(GError) error = NULL;
	GaitTraceInfo info = sample_info(FALSE);
	GaitEvent start = {.kind = GAIT_EVENT_START};
	g_autoptr(GaitTraceWriter) writer = NULL;
	g_autofree char *path = NULL;
	int fds[2];

	g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
	path = g_strdup_printf("/proc/self/fd/%d", fds[1]);
	writer = gait_trace_writer_new(path, &info, &error);
	g_assert_no_error(error);
	gait_trace_writer_add_module(writer, "a", "", FALSE);
	close(fds[0]);
	close(fds[1]);
	g_assert_true(gait_trace_writer_event(writer, &start, &error));
	g_assert_false(gait_trace_writer_flush(writer, &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, g_strerror(EPIPE)));
	g_clear_error(&error);
	g_assert_true(gait_trace_writer_finish(writer, 0, TRUE, &error));
	g_assert_no_error(error);
}

static void
test_mode(void)
{
	g_autoptr(Sample) sample = sample_new(FALSE);
	GaitTraceInfo info = sample_info(FALSE);
	g_autoptr(GaitTraceWriter) writer = NULL;
	struct stat status;

	g_unlink(sample->path);
	writer = gait_trace_writer_new(sample->path, &info, NULL);
	g_assert_nonnull(writer);
	g_assert_cmpint(stat(sample->path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0600);
}

/* Commands of any length are kept as far as the format allows. */
static void
test_long_command(void)
{
	g_autoptr(GPtrArray) command = g_ptr_array_new();
	g_autofree char *argument = g_strnfill(GAIT_TRACE_MAX_STRING * 2, 'x');
	g_autofree char *path = temporary_path();
	GaitTraceInfo info = sample_info(FALSE);
	g_autoptr(GaitTraceWriter) writer = NULL;
	g_autoptr(GaitTraceReader) reader = NULL;
	g_autoptr(GError) error = NULL;
	guint n;

	for (guint i = 0; i < 10000; i++)
		g_ptr_array_add(command, argument);
	g_ptr_array_add(command, NULL);
	info.command = (char **)command->pdata;
	writer = gait_trace_writer_new(path, &info, &error);
	g_assert_no_error(error);
	g_assert_true(gait_trace_writer_finish(writer, 0, TRUE, &error));
	reader = gait_trace_reader_new(path, &error);
	g_assert_no_error(error);
	n = g_strv_length(gait_trace_reader_get_info(reader)->command);
	g_assert_cmpuint(n, ==, GAIT_TRACE_MAX_COMMAND / GAIT_TRACE_MAX_STRING);
	g_assert_cmpuint(strlen(gait_trace_reader_get_info(reader)->command[0]), ==,
	                 GAIT_TRACE_MAX_STRING);
	g_unlink(path);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	g_test_add_data_func("/trace/round-trip", GINT_TO_POINTER(TRUE), test_round_trip);
	g_test_add_data_func("/trace/round-trip/stackless", GINT_TO_POINTER(FALSE),
	                     test_round_trip);
	g_test_add_func("/trace/tables", test_tables);
	g_test_add_func("/trace/stack", test_stack);
	g_test_add_func("/trace/run-id", test_run_id);
	g_test_add_func("/trace/partial", test_partial);
	g_test_add_func("/trace/killed", test_killed);
	g_test_add_func("/trace/truncated", test_truncated);
	g_test_add_func("/trace/flipped", test_flipped);
	g_test_add_func("/trace/crafted", test_crafted);
	g_test_add_func("/trace/end", test_end);
	g_test_add_func("/trace/absurd-length", test_absurd_length);
	g_test_add_func("/trace/not-a-trace", test_not_a_trace);
	g_test_add_func("/trace/open-errors", test_open_errors);
	g_test_add_func("/trace/full-disk", test_full_disk);
	g_test_add_func("/trace/full-later", test_full_later);
	g_test_add_func("/trace/write-error", test_write_error);
	g_test_add_func("/trace/mode", test_mode);
	g_test_add_func("/trace/long-command", test_long_command);
	return g_test_run();
}
