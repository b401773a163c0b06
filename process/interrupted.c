/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the kernel makes again. At a signal's delivery the result of an interrupted call is
 * still the kernel's own number, one of four. What becomes of it (again, or EINTR) depends on the
 * handler, which may change until the kernel looks; so it is not foretold but recognised: the next
 * call of the same context is the interrupted one, or there is none any more.
 *
 * A program that itself repeats a call after EINTR, with the same arguments from the same frame,
 * looks the same and is passed over once, too. That loses nothing: it is the same symbol again.
 */
#include "sysgait/interrupted.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>

/* The kernel's own (include/linux/errno.h). ERESTART_RESTARTBLOCK, 516, is missing: what comes of
 * that is EINTR or restart_syscall. */
enum { ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514 };

void
gait_interrupted_calls_clear(GaitInterruptedCalls *interrupted)
{
	g_clear_pointer(&interrupted->calls, g_array_unref);
}

/* Forgets what was interrupted at this depth and deeper: something else goes on there now. */
static void
forget(GaitInterruptedCalls *interrupted, guint depth)
{
	guint n = interrupted->calls->len;

	while (n > 0 &&
	       g_array_index(interrupted->calls, GaitInterruptedCall, n - 1).depth >= depth)
		n--;
	g_array_set_size(interrupted->calls, n);
}

void
gait_interrupted_calls_note(GaitInterruptedCalls *interrupted, guint depth,
                            const struct user_regs_struct *registers)
{
	gint64 result = (gint64)registers->rax;
	GaitInterruptedCall entry = {
	    .depth = depth,
	    .call = {.ip = registers->rip,
	             .sp = registers->rsp,
	             .nr = (guint32)registers->orig_rax,
	             .args = {registers->rdi, registers->rsi, registers->rdx, registers->r10,
	                      registers->r8, registers->r9}},
	};

	if ((gint64)registers->orig_rax < 0 || result > -ERESTARTSYS || result < -ERESTARTNOHAND)
		return;
	if (!interrupted->calls)
		interrupted->calls = g_array_new(FALSE, FALSE, sizeof(GaitInterruptedCall));
	forget(interrupted, depth);
	g_array_append_val(interrupted->calls, entry);
}

static gboolean
is_same(const GaitIssuedCall *a, const GaitIssuedCall *b)
{
	return a->nr == b->nr && a->ip == b->ip && a->sp == b->sp &&
	       memcmp(a->args, b->args, sizeof a->args) == 0;
}

gboolean
gait_interrupted_calls_take(GaitInterruptedCalls *interrupted, guint depth,
                            const GaitIssuedCall *call)
{
	const GaitInterruptedCall *innermost;
	gboolean is_again;

	if (G_LIKELY(!interrupted->calls || interrupted->calls->len == 0))
		return FALSE;
	/* It has left its handler, if it is in one, but belongs to it: what was interrupted outside
	   is still to come. */
	if (call->nr == SYS_rt_sigreturn) {
		forget(interrupted, depth + 1);
		return FALSE;
	}
	innermost =
	    &g_array_index(interrupted->calls, GaitInterruptedCall, interrupted->calls->len - 1);
	is_again = innermost->depth == depth && is_same(&innermost->call, call);
	forget(interrupted, depth);
	return is_again;
}

const GaitInterruptedCall *
gait_interrupted_calls_get(const GaitInterruptedCalls *interrupted, guint *n)
{
	*n = interrupted->calls ? interrupted->calls->len : 0;
	return *n > 0 ? &g_array_index(interrupted->calls, GaitInterruptedCall, 0) : NULL;
}

void
gait_interrupted_calls_set(GaitInterruptedCalls *interrupted, const GaitInterruptedCall *calls,
                           guint n)
{
	if (n == 0 && !interrupted->calls)
		return;
	if (!interrupted->calls)
		interrupted->calls = g_array_new(FALSE, FALSE, sizeof(GaitInterruptedCall));
	g_array_set_size(interrupted->calls, 0);
	g_array_append_vals(interrupted->calls, calls, n);
}
