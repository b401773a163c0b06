/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of one task, a row for each signal handler it is inside of. Nothing here knows what a
 * state means: the step (walk-step.h) and the learner do.
 *
 * Memory is only taken when a handler starts or an automaton appears, never by a system call; it is
 * bounded by GAIT_MAX_CONTEXTS rows.
 */
#include "sysgait/contexts.h"

#include "sysgait/syscall.h"
#include "sysgait/walk-table.h"

#include <string.h>
#include <sys/syscall.h>

static void
fill_row(guint32 *row, guint32 n_slots, guint32 state)
{
	for (guint32 i = 0; i < n_slots; i++)
		row[i] = state;
}

void
gait_contexts_init(GaitContexts *contexts, guint32 n_automata, guint32 state)
{
	contexts->stride = n_automata + 1;
	contexts->n_rows = 1;
	contexts->depth = 0;
	contexts->rows = g_new(guint32, contexts->stride);
	fill_row(contexts->rows, contexts->stride, state);
}

void
gait_contexts_clear(GaitContexts *contexts)
{
	g_clear_pointer(&contexts->rows, g_free);
	contexts->stride = contexts->n_rows = contexts->depth = 0;
}

void
gait_contexts_copy(GaitContexts *contexts, const GaitContexts *from)
{
	gsize used = (gsize)MIN(from->depth, GAIT_MAX_CONTEXTS - 1) + 1;

	*contexts = *from;
	contexts->n_rows = used;
	contexts->rows = g_memdup2(from->rows, used * from->stride * sizeof *from->rows);
}

void
gait_contexts_reset(GaitContexts *contexts, guint32 n_automata, guint32 state)
{
	gait_contexts_clear(contexts);
	gait_contexts_init(contexts, n_automata, state);
}

void
gait_contexts_reserve(GaitContexts *contexts, guint32 n_automata)
{
	guint32 stride = n_automata + 1;
	guint32 *rows;

	if (stride <= contexts->stride)
		return;
	rows = g_new(guint32, (gsize)stride * contexts->n_rows);
	for (guint32 d = 0; d < contexts->n_rows; d++) {
		const guint32 *old = contexts->rows + (gsize)d * contexts->stride;
		guint32 *row = rows + (gsize)d * stride;

		memcpy(row, old, contexts->stride * sizeof *row);
		fill_row(row + contexts->stride, stride - contexts->stride, old[0]);
	}
	g_free(contexts->rows);
	contexts->rows = rows;
	contexts->stride = stride;
}

void
gait_contexts_push(GaitContexts *contexts)
{
	if (contexts->depth == G_MAXUINT32)
		return;
	if (++contexts->depth >= GAIT_MAX_CONTEXTS)
		return;
	if (contexts->depth >= contexts->n_rows) {
		contexts->n_rows = contexts->depth + 1;
		contexts->rows =
		    g_renew(guint32, contexts->rows, (gsize)contexts->n_rows * contexts->stride);
	}
	fill_row(gait_contexts_row(contexts), contexts->stride, GAIT_STATE_SIGNAL);
}

void
gait_contexts_pop(GaitContexts *contexts, guint64 n_handlers)
{
	contexts->depth -= MIN(n_handlers, contexts->depth);
}

void
gait_contexts_lose(GaitContexts *contexts)
{
	gsize used = (gsize)MIN(contexts->depth, GAIT_MAX_CONTEXTS - 1) + 1;

	for (gsize i = 0; i < used * contexts->stride; i++)
		contexts->rows[i] = GAIT_NONE;
}

guint32
gait_walk_call_flags(guint32 nr)
{
	guint32 flags = 0;

	if (nr == SYS_restart_syscall)
		flags |= GAIT_WALK_CONTINUES;
	if (nr == SYS_rt_sigreturn)
		flags |= GAIT_WALK_RETURNS;
	if (gait_syscall_is_incidental(nr))
		flags |= GAIT_WALK_STAYS | GAIT_WALK_INCIDENTAL;
	if (gait_syscall_is_vdso(nr))
		flags |= GAIT_WALK_STAYS;
	if (gait_syscall_is_creation(nr))
		flags |= GAIT_WALK_CREATES;
	if (gait_syscall_is_exec(nr))
		flags |= GAIT_WALK_EXECS;
	if (gait_syscall_is_wait(nr))
		flags |= GAIT_WALK_WAITS;
	return flags;
}

guint32
gait_walk_symbol_flags(guint32 nr, const char *library)
{
	guint32 flags = gait_walk_call_flags(nr);

	/* What returns has to leave its handler's states behind. */
	if (!(flags & GAIT_WALK_RETURNS) && g_str_has_suffix(library, GAIT_RUNTIME_PART))
		flags |= GAIT_WALK_STAYS;
	return flags;
}
