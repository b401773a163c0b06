/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a task at a stop for a while, whilst the others run on. There are few at a time, so they
 * are a list; while it is not empty the loop sleeps in poll() and no longer in waitpid.
 */
#include "process/tracer-private.h"

void
gait_tracer_hold(GaitTracer *tracer, GaitTask *task, guint hold_us)
{
	TracerHeld held = {
	    .tid = task->tid,
	    .until_us = g_get_monotonic_time() + hold_us,
	};

	((TracerTask *)task)->is_held = TRUE;
	g_array_append_val(tracer->held, held);
}

/* A task that died meanwhile is not there any more, or is another of the same number. */
static void
release(GaitTracer *tracer, guint i)
{
	pid_t tid = g_array_index(tracer->held, TracerHeld, i).tid;
	TracerTask *task = (TracerTask *)gait_tracer_find(tracer, tid);

	g_array_remove_index_fast(tracer->held, i);
	if (!task || !task->is_held)
		return;
	task->is_held = FALSE;
	gait_tracer_resume_syscall(task);
}

void
gait_tracer_release_held(GaitTracer *tracer, gboolean all)
{
	gint64 now_us = g_get_monotonic_time();

	for (guint i = tracer->held->len; i-- > 0;)
		if (all || g_array_index(tracer->held, TracerHeld, i).until_us <= now_us)
			release(tracer, i);
}

int
gait_tracer_get_hold_timeout(const GaitTracer *tracer)
{
	gint64 first_us = G_MAXINT64, left_us;

	if (tracer->held->len == 0)
		return -1;
	for (guint i = 0; i < tracer->held->len; i++)
		first_us = MIN(first_us, g_array_index(tracer->held, TracerHeld, i).until_us);
	left_us = first_us - g_get_monotonic_time();
	return left_us <= 0 ? 0 : (int)MIN(left_us / 1000 + 1, G_MAXINT);
}
