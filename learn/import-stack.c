/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of a log (strace -k), by the rules of attribution: the site is the first frame outside the
 * runtime set; in a static program, the first outside the function that holds the instruction; else
 * the instruction itself. strace unwinds from behind the instruction, so that the stacks of clone
 * and clone3 end there: those are unknown rather than libc's.
 */
#include "learn/import-private.h"

#include <string.h>
#include <sys/syscall.h>

#define MAX_FRAMES 1024

void
gait_import_add_frame(GaitImport *import, const GaitStraceLine *line)
{
	GaitTraceFrame frame;

	if (!import->stack_task || !import->stack_task->call || import->is_torn ||
	    import->frames->len == MAX_FRAMES)
		return;
	if (!line->module) {
		import->is_torn = TRUE;
		return;
	}
	frame = gait_import_sink_frame(import->sink, line->module, line->offset, line->function,
	                               line->delta);
	/* The line is gone by the time the stack is complete. */
	if (frame.function)
		frame.function = g_string_chunk_insert_const(import->functions, frame.function);
	g_array_append_val(import->frames, frame);
}

static const GaitTraceFrame *
frame_at(const GaitImport *import, guint i)
{
	return &g_array_index(import->frames, GaitTraceFrame, i);
}

/* Whether two frames are in one function, as far as names tell. */
static gboolean
is_same_function(const GaitTraceFrame *a, const GaitTraceFrame *b)
{
	return a->function && b->function && a->module == b->module &&
	       strcmp(a->function, b->function) == 0;
}

static guint
find_static_site(const GaitImport *import)
{
	guint site = 1;

	while (site < import->frames->len &&
	       is_same_function(frame_at(import, 0), frame_at(import, site)))
		site++;
	return site < import->frames->len ? site : 0;
}

/* G_MAXUINT: it cannot be told. */
static guint
find_site(const GaitImport *import, GaitImportProcess *process, guint32 nr)
{
	guint n = import->frames->len, site = 0;

	if (n == 0)
		return G_MAXUINT;
	while (site < n &&
	       gait_import_sink_is_runtime(import->sink, frame_at(import, site)->module))
		site++;
	process->has_runtime |= site > 0;
	if (site == 0 && !process->has_runtime)
		return find_static_site(import);
	if (site < n)
		return site;
	return import->is_torn || nr == SYS_clone || nr == SYS_clone3 ? G_MAXUINT : 0;
}

static guint32
intern(GaitImport *import, guint site)
{
	GaitTraceFrame unknown = {0};
	GaitTraceStack stack = {.site = site, .n_frames = site + 1};

	if (site == G_MAXUINT) {
		/* The issuer stays known, where there is one. */
		unknown.module = gait_import_sink_module(import->sink, "[unknown]");
		g_array_set_size(import->frames, MIN(import->frames->len, 1));
		g_array_append_val(import->frames, unknown);
		stack.n_frames = import->frames->len;
		stack.site = stack.n_frames - 1;
		stack.status = 2;
	}
	stack.frames = (const GaitTraceFrame *)import->frames->data;
	return gait_import_sink_stack(import->sink, &stack);
}

static void
close_call(GaitImport *import, GaitImportTask *task, gboolean is_unknown)
{
	GaitImportItem *item = task->call;

	/* After rt_sigreturn the stack is that of the interrupted code. */
	if (is_unknown || item->shape.nr == SYS_rt_sigreturn)
		g_array_set_size(import->frames, 0);
	item->shape.stack = intern(import, find_site(import, task->process, item->shape.nr));
	item->is_open = FALSE;
	task->call = NULL;
}

static void
reset(GaitImport *import)
{
	g_array_set_size(import->frames, 0);
	g_string_chunk_clear(import->functions);
	import->is_torn = FALSE;
}

void
gait_import_close_unknown(GaitImport *import, GaitImportTask *task)
{
	if (task->call)
		close_call(import, task, TRUE);
	reset(import);
}

void
gait_import_close_all(GaitImport *import)
{
	g_autoptr(GPtrArray) all = gait_import_tasks_dup_all(import->tasks);

	for (guint i = 0; i < all->len; i++)
		gait_import_close_unknown(import, g_ptr_array_index(all, i));
}

gboolean
gait_import_end_stack(GaitImport *import, GError **error)
{
	GaitImportTask *task = import->stack_task;

	if (!task)
		return TRUE;
	import->stack_task = NULL;
	if (task->call && import->frames->len == 0 && import->may_come_later && !task->is_gone)
		return TRUE;
	if (task->call)
		close_call(import, task, FALSE);
	reset(import);
	return gait_import_tasks_flush(import->tasks, task, error);
}
