/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace reader. Checksums would keep a fuzzer out, so they are set right first: what is inside
 * a chunk is believed, and the bytes behind the last whole chunk are taken as they are.
 */
#include "sign-trace.h"

#include "learn/trace.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* Every index that the reader gives out must be good for what it says. */
static void
use(GaitTraceReader *reader, const GaitEvent *event)
{
	g_assert(event->task < gait_trace_reader_get_n_tasks(reader));
	if (event->kind == GAIT_EVENT_SYSCALL) {
		const GaitShape *shape = gait_trace_reader_get_shape(reader, event->shape);

		if (shape->stack != G_MAXUINT32) {
			const GaitTraceStack *stack =
			    gait_trace_reader_get_stack(reader, shape->stack);

			g_assert(stack->site < stack->n_frames);
			g_assert(
			    gait_trace_reader_get_module(reader, stack->frames[stack->site].module)
			        ->path);
		}
	}
	if (event->kind == GAIT_EVENT_START || event->kind == GAIT_EVENT_EXEC)
		g_assert(gait_trace_reader_get_module(reader, event->program)->path);
	if (event->kind == GAIT_EVENT_FORK)
		g_assert(event->child < gait_trace_reader_get_n_tasks(reader));
}

static void
read_all(const guint8 *data, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitTraceReader) reader =
	    gait_trace_reader_new_for_data("fuzz", data, size, &error);
	GaitEvent event;
	GaitRead result;

	g_assert(!reader == (error != NULL));
	if (!reader)
		return;
	while ((result = gait_trace_reader_next(reader, &event, &error)) == GAIT_READ_EVENT)
		use(reader, &event);
	g_assert((result == GAIT_READ_ERROR) == (error != NULL));
	if (result == GAIT_READ_END)
		g_assert(strlen(gait_trace_reader_get_run_id(reader)) == 64);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autofree guint8 *copy = g_memdup2(data, size);

	read_all(data, size);
	if (copy)
		sign_trace(copy, size);
	read_all(copy, size);
	return 0;
}
