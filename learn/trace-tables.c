/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interned entries of a trace. Each is checked against what came before it: an index that
 * points forward is damage. What an entry takes in memory is in proportion to its bytes in the
 * file.
 */
#include "learn/trace-tables.h"

#include "sysgait/model.h"
#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <string.h>

/* Shapes are many and small: in blocks, so that they do not move. */
#define BLOCK_SHIFT 10
#define BLOCK_SIZE  (1u << BLOCK_SHIFT)

struct _GaitTraceTables {
	gboolean has_stacks;
	GPtrArray *strings; /* char* */
	GPtrArray *modules; /* GaitTraceModule* */
	GPtrArray *stacks;  /* GaitTraceStack*, its frames behind it */
	GPtrArray *blocks;  /* GaitShape[BLOCK_SIZE] */
	guint32 n_shapes;
};

static void
free_module(gpointer data)
{
	GaitTraceModule *module = data;

	g_free(module->path);
	g_free(module->build_id);
	g_free(module);
}

GaitTraceTables *
gait_trace_tables_new(gboolean has_stacks)
{
	GaitTraceTables *tables = g_new0(GaitTraceTables, 1);

	tables->has_stacks = has_stacks;
	tables->strings = g_ptr_array_new_with_free_func(g_free);
	tables->modules = g_ptr_array_new_with_free_func(free_module);
	tables->stacks = g_ptr_array_new_with_free_func(g_free);
	tables->blocks = g_ptr_array_new_with_free_func(g_free);
	return tables;
}

void
gait_trace_tables_free(GaitTraceTables *tables)
{
	if (!tables)
		return;
	g_ptr_array_unref(tables->strings);
	g_ptr_array_unref(tables->modules);
	g_ptr_array_unref(tables->stacks);
	g_ptr_array_unref(tables->blocks);
	g_free(tables);
}

char *
gait_cursor_dup_string(GaitCursor *cursor)
{
	guint32 length;
	char *text;

	if (!gait_cursor_get_bounded(cursor, GAIT_TRACE_MAX_STRING + 1, &length) ||
	    length > (gsize)(cursor->end - cursor->at) || memchr(cursor->at, '\0', length))
		return NULL;
	text = g_strndup((const char *)cursor->at, length);
	cursor->at += length;
	return text;
}

static const char *
decode_string(GaitTraceTables *tables, GaitCursor *cursor)
{
	char *text;

	if (tables->strings->len == GAIT_TRACE_MAX_STRINGS)
		return "too many strings";
	text = gait_cursor_dup_string(cursor);
	if (!text)
		return "a string is damaged";
	g_ptr_array_add(tables->strings, text);
	return NULL;
}

static const char *
decode_module(GaitTraceTables *tables, GaitCursor *cursor)
{
	GaitTraceModule *module;
	guint32 flags;

	if (tables->modules->len == GAIT_TRACE_MAX_MODULES)
		return "too many modules";
	if (!gait_cursor_get_bounded(cursor, 2, &flags))
		return "the flags of a module are damaged";
	module = g_new0(GaitTraceModule, 1);
	g_ptr_array_add(tables->modules, module);
	module->is_runtime = flags != 0;
	module->path = gait_cursor_dup_string(cursor);
	module->build_id = gait_cursor_dup_string(cursor);
	if (!module->path || !module->path[0] || !module->build_id)
		return "the name of a module is damaged";
	return gait_model_is_build_id(module->build_id) ? NULL
	                                                : "the build-id of a module is damaged";
}

static gboolean
decode_frame(GaitTraceTables *tables, GaitCursor *cursor, GaitTraceFrame *frame)
{
	guint32 function;

	if (!gait_cursor_get_bounded(cursor, tables->modules->len, &frame->module) ||
	    !gait_cursor_get_number(cursor, &frame->offset) ||
	    !gait_cursor_get_bounded(cursor, (guint64)tables->strings->len + 1, &function) ||
	    !gait_cursor_get_number(cursor, &frame->delta))
		return FALSE;
	if (function > 0)
		frame->function = g_ptr_array_index(tables->strings, function - 1);
	return TRUE;
}

static const char *
decode_stack(GaitTraceTables *tables, GaitCursor *cursor)
{
	guint32 status, n_frames, site;
	GaitTraceStack *stack;
	GaitTraceFrame *frames;

	if (!tables->has_stacks)
		return "a stack in a trace without stacks";
	if (tables->stacks->len == GAIT_TRACE_MAX_STACKS)
		return "too many stacks";
	if (!gait_cursor_get_bounded(cursor, 3, &status) ||
	    !gait_cursor_get_bounded(cursor, GAIT_TRACE_MAX_FRAMES + 1, &n_frames) ||
	    !gait_cursor_get_bounded(cursor, n_frames, &site))
		return "a stack is damaged";
	/* A frame is at least four bytes: what is allocated is bounded by what is there. */
	if (n_frames > (gsize)(cursor->end - cursor->at) / 4)
		return "a stack is longer than its chunk";
	stack = g_malloc0(sizeof(*stack) + n_frames * sizeof(*frames));
	frames = (GaitTraceFrame *)(stack + 1);
	stack->status = status;
	stack->n_frames = n_frames;
	stack->site = site;
	stack->frames = frames;
	g_ptr_array_add(tables->stacks, stack);
	for (guint32 i = 0; i < n_frames; i++)
		if (!decode_frame(tables, cursor, &frames[i]))
			return "a frame of a stack is damaged";
	return NULL;
}

static GaitShape *
add_shape(GaitTraceTables *tables)
{
	if (tables->n_shapes % BLOCK_SIZE == 0)
		g_ptr_array_add(tables->blocks, g_new0(GaitShape, BLOCK_SIZE));
	return (GaitShape *)gait_trace_tables_get_shape(tables, tables->n_shapes++);
}

static const char *
decode_shape(GaitTraceTables *tables, GaitCursor *cursor)
{
	guint32 nr, arch, stack, mask;
	guint64 args[6] = {0};
	GaitShape *shape;

	if (tables->n_shapes == GAIT_TRACE_MAX_SHAPES)
		return "too many shapes";
	if (!gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &nr) ||
	    !gait_cursor_get_bounded(cursor, GAIT_U32_LIMIT, &arch) ||
	    !gait_cursor_get_bounded(cursor, (guint64)tables->stacks->len + 1, &stack) ||
	    !gait_cursor_get_bounded(cursor, 1u << 6, &mask))
		return "a shape is damaged";
	if ((stack != 0) != tables->has_stacks)
		return "a shape without a stack";
	for (guint i = 0; i < 6; i++)
		if ((mask & (1u << i)) && !gait_cursor_get_number(cursor, &args[i]))
			return "an argument of a shape is damaged";
	shape = add_shape(tables);
	shape->nr = nr;
	shape->arch = arch;
	shape->stack = stack - 1; /* 0 becomes G_MAXUINT32 */
	if (arch == AUDIT_ARCH_X86_64) {
		gait_syscall_keep_args(nr, args, shape->args);
		shape->klass = gait_syscall_class(nr, args);
	}
	return NULL;
}

const char *
gait_trace_tables_decode(GaitTraceTables *tables, GaitRecordType type, GaitCursor *cursor)
{
	if (type == GAIT_RECORD_STRING)
		return decode_string(tables, cursor);
	if (type == GAIT_RECORD_MODULE)
		return decode_module(tables, cursor);
	if (type == GAIT_RECORD_STACK)
		return decode_stack(tables, cursor);
	g_assert(type == GAIT_RECORD_SHAPE);
	return decode_shape(tables, cursor);
}

guint32
gait_trace_tables_get_n_modules(const GaitTraceTables *tables)
{
	return tables->modules->len;
}

guint32
gait_trace_tables_get_n_stacks(const GaitTraceTables *tables)
{
	return tables->stacks->len;
}

guint32
gait_trace_tables_get_n_shapes(const GaitTraceTables *tables)
{
	return tables->n_shapes;
}

const GaitTraceModule *
gait_trace_tables_get_module(const GaitTraceTables *tables, guint32 i)
{
	return g_ptr_array_index(tables->modules, i);
}

const GaitTraceStack *
gait_trace_tables_get_stack(const GaitTraceTables *tables, guint32 i)
{
	return g_ptr_array_index(tables->stacks, i);
}

const GaitShape *
gait_trace_tables_get_shape(const GaitTraceTables *tables, guint32 i)
{
	const GaitShape *block = g_ptr_array_index(tables->blocks, i >> BLOCK_SHIFT);

	return &block[i % BLOCK_SIZE];
}
