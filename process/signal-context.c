/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers that a task is in. It sees stack pointers, not memory, and knows nothing of tasks.
 *
 * The kernel pushes a frame and starts the handler with the stack pointer at the frame's return
 * address (A). All that the handler runs lies at or below A, and its rt_sigreturn comes at exactly
 * A + 8, after the return has popped the address. So:
 *
 *   - a call above A + 8 means that the handler was left;
 *   - on an alternate stack, whose bounds the kernel writes into the frame, a call below the
 * stack's base means so as well;
 *   - a new handler that was interrupted there, or whose frame lies over an older one, says the
 * same of the older one;
 *   - rt_sigreturn at an address that belongs to an outer handler, or to none (made by hand, or by
 * a scheduler in user space that switches stacks inside handlers), leaves all that are inside.
 *
 * What this never does is to call a handler left that still runs on its own stack. What it cannot
 * do: after siglongjmp on the same stack, calls that are made from deeper than the old frame look
 * like the handler's own, and the jump is noticed at the first one that is not.
 */
#include "sysgait/signal-context.h"

#include <sys/syscall.h>

/*
 * Handlers that are left from one alternate stack to another look as if they were all still
 * running. No program is inside of so many; beyond that the innermost counts as left.
 */
#define MAX_DEPTH 1024

void
gait_signal_context_clear(GaitSignalContext *context)
{
	g_clear_pointer(&context->frames, g_array_unref);
}

void
gait_signal_context_copy(GaitSignalContext *child, const GaitSignalContext *parent)
{
	if (gait_signal_context_get_depth(parent) > 0)
		child->frames = g_array_copy(parent->frames);
}

guint
gait_signal_context_get_depth(const GaitSignalContext *context)
{
	return context->frames ? context->frames->len : 0;
}

const GaitSignalFrame *
gait_signal_context_get_frames(const GaitSignalContext *context, guint *n)
{
	*n = gait_signal_context_get_depth(context);
	return *n > 0 ? &g_array_index(context->frames, GaitSignalFrame, 0) : NULL;
}

void
gait_signal_context_set_frames(GaitSignalContext *context, const GaitSignalFrame *frames, guint n)
{
	if (n == 0 && !context->frames)
		return;
	if (!context->frames)
		context->frames = g_array_new(FALSE, FALSE, sizeof(GaitSignalFrame));
	g_array_set_size(context->frames, 0);
	g_array_append_vals(context->frames, frames, n);
}

static const GaitSignalFrame *
innermost(const GaitSignalContext *context)
{
	return &g_array_index(context->frames, GaitSignalFrame, context->frames->len - 1);
}

/*
 * Whether code at sp may be the handler's: on its stack, and not above its frame. The 8 bytes are
 * for a signal between the handler's return and its rt_sigreturn.
 */
static gboolean
is_inside(const GaitSignalFrame *frame, guint64 sp)
{
	return sp <= frame->sp + sizeof(guint64) && sp >= frame->stack_base;
}

static guint64
leave(GaitSignalContext *context, guint64 sp)
{
	guint64 n_left = 0;

	while (context->frames->len > 0 && !is_inside(innermost(context), sp)) {
		g_array_set_size(context->frames, context->frames->len - 1);
		n_left++;
	}
	return n_left;
}

/* rt_sigreturn: everything inside the handler whose frame it returns through was left. */
static guint64
leave_by_sigreturn(GaitSignalContext *context, guint64 sp)
{
	guint64 n_left = 0;

	while (context->frames->len > 0) {
		gboolean is_its_own = innermost(context)->sp + sizeof(guint64) == sp;

		g_array_set_size(context->frames, context->frames->len - 1);
		if (is_its_own)
			break;
		n_left++;
	}
	return n_left;
}

guint64
gait_signal_context_enter(GaitSignalContext *context, const GaitSignalFrame *frame)
{
	guint64 n_left;

	if (!context->frames)
		context->frames = g_array_new(FALSE, FALSE, sizeof(GaitSignalFrame));
	n_left = leave(context, frame->interrupted_sp);
	/* The kernel puts frames below what they interrupt; one at or above an older one on the
	   same stack was put where that one is no more. */
	while (context->frames->len >= MAX_DEPTH ||
	       (context->frames->len > 0 && innermost(context)->stack_base == frame->stack_base &&
	        frame->sp >= innermost(context)->sp)) {
		g_array_set_size(context->frames, context->frames->len - 1);
		n_left++;
	}
	g_array_append_val(context->frames, *frame);
	return n_left;
}

guint64
gait_signal_context_note_syscall(GaitSignalContext *context, guint32 nr, guint64 sp)
{
	if (G_LIKELY(gait_signal_context_get_depth(context) == 0))
		return 0;
	if (nr == SYS_rt_sigreturn)
		return leave_by_sigreturn(context, sp);
	return leave(context, sp);
}
