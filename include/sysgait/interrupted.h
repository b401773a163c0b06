/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the kernel makes again. A call that a signal or a stop interrupts is often set up once
 * more by the kernel, after the handler if there is one, and enters a second time; the program made
 * it once. Recorders and backends keep one account per task, beside its signal context, and pass
 * over what it says is the same call again. (restart_syscall is not one of these: it says itself
 * what it is.)
 */
#pragma once

#include <glib.h>

/* Where a call stands, and with what: the same for a call and for its repetition. */
typedef struct {
	guint64 ip; /* after the instruction */
	guint64 sp;
	guint64 args[6];
	guint32 nr;
} GaitIssuedCall;

/* One of them, and how many handlers the task was in. */
typedef struct {
	GaitIssuedCall call;
	guint depth;
} GaitInterruptedCall;

/* Embedded; zero-initialised is empty. */
typedef struct {
	GArray *calls; /* of GaitInterruptedCall; NULL while there was none */
} GaitInterruptedCalls;

struct user_regs_struct;
void gait_interrupted_calls_clear(GaitInterruptedCalls *interrupted);

/*
 * A signal is about to be delivered and registers are those that it finds
 * (GaitTracerCallbacks.delivering). depth: handlers that the task is in by now
 * (gait_signal_context_get_depth). Nothing happens unless they show a call that the kernel may make
 * again.
 */
void gait_interrupted_calls_note(GaitInterruptedCalls *interrupted, guint depth,
                                 const struct user_regs_struct *registers);
/*
 * A system call entry, after gait_signal_context_note_syscall(), with the depth that is then right.
 * TRUE: it is the call that was interrupted there, again. Costs a comparison where none is.
 */
gboolean gait_interrupted_calls_take(GaitInterruptedCalls *interrupted, guint depth,
                                     const GaitIssuedCall *call);
/* All of them, outermost first: n, borrowed; and all anew. */
const GaitInterruptedCall *gait_interrupted_calls_get(const GaitInterruptedCalls *interrupted,
                                                      guint *n);
void gait_interrupted_calls_set(GaitInterruptedCalls *interrupted, const GaitInterruptedCall *calls,
                                guint n);
