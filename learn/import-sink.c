/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interning for importers. Paths come from a log and may name anything: only regular files are
 * opened, and only to be read.
 */
#include "learn/import-sink.h"

#include "learn/site.h"
#include "process/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SCRIPTS 4   /* that run one another, as in the kernel */
#define MAX_SHEBANG 256 /* bytes of a script's first line */

typedef struct {
	guint32 index;
	gboolean is_runtime;
	GaitImage *image; /* its segments; NULL where there is no file */
} Module;

struct _GaitImportSink {
	GaitTraceWriter *writer;
	gboolean is_foreign;
	char **runtime;
	GHashTable *modules;  /* path → Module* */
	GPtrArray *by_index;  /* Module*, borrowed */
	GHashTable *stacks;   /* bytes → 1 + index */
	GHashTable *shapes;   /* bytes → 1 + index */
	GHashTable *programs; /* path as executed → path of the program */
};

static void
free_module(gpointer data)
{
	Module *module = data;

	gait_image_free(module->image);
	g_free(module);
}

static GHashTable *
new_byte_table(void)
{
	return g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
	                             NULL);
}

GaitImportSink *
gait_import_sink_new(const char *path, const GaitTraceInfo *info, gboolean is_foreign,
                     GError **error)
{
	GaitTraceWriter *writer = gait_trace_writer_new(path, info, error);
	GaitImportSink *sink;

	if (!writer)
		return NULL;
	sink = g_new0(GaitImportSink, 1);
	sink->writer = writer;
	sink->is_foreign = is_foreign;
	sink->runtime = g_strdupv(info->runtime);
	sink->modules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_module);
	sink->by_index = g_ptr_array_new();
	sink->stacks = new_byte_table();
	sink->shapes = new_byte_table();
	sink->programs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return sink;
}

void
gait_import_sink_free(GaitImportSink *sink)
{
	if (!sink)
		return;
	gait_trace_writer_free(sink->writer);
	g_strfreev(sink->runtime);
	g_ptr_array_unref(sink->by_index);
	g_hash_table_unref(sink->modules);
	g_hash_table_unref(sink->stacks);
	g_hash_table_unref(sink->shapes);
	g_hash_table_unref(sink->programs);
	g_free(sink);
}

/* --- files --------------------------------------------------------------------------------------
 */

/* A regular file, for reading; -1 where it is none. Devices are not even opened. */
static int
open_regular(const GaitImportSink *sink, const char *path)
{
	struct stat status;
	int fd;

	if (sink->is_foreign || *path != '/' || stat(path, &status) != 0 ||
	    !S_ISREG(status.st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The interpreter that a script names in its first line; NULL where it is none. */
static char *
read_interpreter(const GaitImportSink *sink, const char *path)
{
	char line[MAX_SHEBANG + 1];
	int fd = open_regular(sink, path);
	ssize_t n = fd >= 0 ? pread(fd, line, MAX_SHEBANG, 0) : -1;
	char *start;

	if (fd >= 0)
		close(fd);
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return NULL;
	line[n] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	return *start == '/' ? g_strdup(start) : NULL;
}

/* As /proc/PID/exe would have it. */
static char *
resolve_program(const GaitImportSink *sink, const char *path)
{
	g_autofree char *at = g_strdup(path);
	char *resolved;

	if (sink->is_foreign || *path != '/')
		return g_steal_pointer(&at);
	for (int i = 0; i < MAX_SCRIPTS; i++) {
		char *interpreter = read_interpreter(sink, at);

		if (!interpreter)
			break;
		g_free(at);
		at = interpreter;
	}
	resolved = realpath(at, NULL);
	if (!resolved)
		return g_steal_pointer(&at);
	g_free(at);
	at = g_strdup(resolved);
	free(resolved);
	return g_steal_pointer(&at);
}

/* --- interning ----------------------------------------------------------------------------------
 */

static Module *
add_module(GaitImportSink *sink, const char *path)
{
	Module *module = g_new0(Module, 1);
	int fd = open_regular(sink, path);
	g_autofree char *build_id = NULL;

	if (fd >= 0) {
		module->image = gait_image_new_for_fd(fd);
		build_id = gait_image_dup_build_id(module->image);
		gait_image_close(module->image);
	}
	module->is_runtime = gait_runtime_contains((const char *const *)sink->runtime, path);
	module->index = gait_trace_writer_add_module(sink->writer, path, build_id ? build_id : "",
	                                             module->is_runtime);
	g_hash_table_insert(sink->modules, g_strdup(path), module);
	if (module->index >= sink->by_index->len)
		g_ptr_array_add(sink->by_index, module);
	return module;
}

static Module *
get_module(GaitImportSink *sink, const char *path)
{
	g_autofree char *name = NULL;
	Module *module;

	if (g_str_has_suffix(path, " (deleted)")) {
		name = g_strndup(path, strlen(path) - strlen(" (deleted)"));
		path = name;
	}
	/* No file has an empty name; whoever wrote such a line knows more. */
	if (*path == '\0')
		path = "[unknown]";
	module = g_hash_table_lookup(sink->modules, path);
	return module ? module : add_module(sink, path);
}

guint32
gait_import_sink_module(GaitImportSink *sink, const char *path)
{
	return get_module(sink, path)->index;
}

gboolean
gait_import_sink_is_runtime(const GaitImportSink *sink, guint32 module)
{
	const Module *entry = g_ptr_array_index(sink->by_index, module);

	return entry->is_runtime;
}

guint32
gait_import_sink_program(GaitImportSink *sink, const char *path)
{
	char *program = g_hash_table_lookup(sink->programs, path);

	if (!program) {
		program = resolve_program(sink, path);
		g_hash_table_insert(sink->programs, g_strdup(path), program);
	}
	return gait_import_sink_module(sink, program);
}

GaitTraceFrame
gait_import_sink_frame(GaitImportSink *sink, const char *path, guint64 offset, const char *function,
                       guint64 delta)
{
	const Module *module = get_module(sink, path);
	guint64 other, left;

	if (module->image && !gait_image_get_vaddr(module->image, offset, &other) &&
	    gait_image_get_offset(module->image, offset, &other, &left))
		offset = other;
	return (GaitTraceFrame){module->index, offset, function, delta};
}

/* 1 + the index under this key; 0 where it is new. */
static guint32
find(GHashTable *table, GBytes *key)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(table, key));
}

guint32
gait_import_sink_stack(GaitImportSink *sink, const GaitTraceStack *stack)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(GBytes) key = NULL;
	guint32 id;

	g_byte_array_append(bytes, (const guint8 *)&stack->status, sizeof(stack->status));
	g_byte_array_append(bytes, (const guint8 *)&stack->site, sizeof(stack->site));
	for (guint32 i = 0; i < stack->n_frames; i++) {
		const GaitTraceFrame *frame = &stack->frames[i];

		g_byte_array_append(bytes, (const guint8 *)&frame->module, sizeof(frame->module));
		g_byte_array_append(bytes, (const guint8 *)&frame->offset, sizeof(frame->offset));
	}
	key = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
	id = find(sink->stacks, key);
	if (id == 0) {
		id = gait_trace_writer_add_stack(sink->writer, stack) + 1;
		g_hash_table_insert(sink->stacks, g_steal_pointer(&key), GUINT_TO_POINTER(id));
	}
	return id - 1;
}

guint32
gait_import_sink_shape(GaitImportSink *sink, const GaitShape *shape)
{
	const guint64 words[] = {shape->nr,      shape->arch,    shape->stack,
	                         shape->args[0], shape->args[1], shape->args[2],
	                         shape->args[3], shape->args[4], shape->args[5]};
	g_autoptr(GBytes) key = g_bytes_new(words, sizeof(words));
	guint32 id = find(sink->shapes, key);

	if (id == 0) {
		id = gait_trace_writer_add_shape(sink->writer, shape) + 1;
		g_hash_table_insert(sink->shapes, g_steal_pointer(&key), GUINT_TO_POINTER(id));
	}
	return id - 1;
}

gboolean
gait_import_sink_event(GaitImportSink *sink, const GaitEvent *event, GError **error)
{
	return gait_trace_writer_event(sink->writer, event, error);
}

gboolean
gait_import_sink_finish(GaitImportSink *sink, guint64 n_lost, gboolean is_complete, GError **error)
{
	return gait_trace_writer_finish(sink->writer, n_lost, is_complete, error);
}
