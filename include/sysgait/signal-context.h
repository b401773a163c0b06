/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signal handlers a task is in, told from stack pointers alone: so that a handler that is
 * left without rt_sigreturn (siglongjmp, swapcontext) does not leave its caller's walk behind.
 * Recorders and backends keep one per task and turn what it says into GAIT_EVENT_UNWIND.
 */
#pragma once

#include <glib.h>

/* Where the kernel put the frame of a handler. */
typedef struct {
	guint64 interrupted_sp; /* stack pointer of what was interrupted */
	guint64 sp;         /* at the handler's first instruction: points at its return address */
	guint64 stack_base; /* lowest address of the alternate stack it runs on; 0: it runs on the
	                       interrupted stack */
} GaitSignalFrame;

/* Embedded; zero-initialised is empty. */
typedef struct {
	GArray *frames; /* of GaitSignalFrame, outermost first; NULL while there was none */
} GaitSignalContext;

/* Back to empty; frees what it holds. */
void gait_signal_context_clear(GaitSignalContext *context);
/* What a child that is not a thread starts with. child is empty before. */
void gait_signal_context_copy(GaitSignalContext *child, const GaitSignalContext *parent);
/* How many handlers the task is inside of. */
guint gait_signal_context_get_depth(const GaitSignalContext *context);

/* Its handlers, outermost first: n of them, borrowed; and all anew. */
const GaitSignalFrame *gait_signal_context_get_frames(const GaitSignalContext *context, guint *n);
void gait_signal_context_set_frames(GaitSignalContext *context, const GaitSignalFrame *frames,
                                    guint n);

/*
 * A handler starts. Returns how many of the handlers before were left without rt_sigreturn: to be
 * reported ahead of this one.
 */
guint64 gait_signal_context_enter(GaitSignalContext *context, const GaitSignalFrame *frame);
/*
 * A system call entry at stack pointer sp. Returns how many handlers were left without rt_sigreturn
 * since the last event: to be reported ahead of this call. A call to rt_sigreturn then leaves the
 * innermost one that remains, if there is any.
 */
guint64 gait_signal_context_note_syscall(GaitSignalContext *context, guint32 nr, guint64 sp);
