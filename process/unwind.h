/* SPDX-License-Identifier: Apache-2.0 */
/* Frame after frame, from a system call outward. */
#pragma once

#include "process/memo.h"

typedef struct _GaitUnwinder GaitUnwinder;

typedef struct {
	GaitModule *module;
	guint64 offset;           /* as in GaitStackFrame */
	gboolean is_signal_frame; /* the return address is the signal trampoline's */
	gboolean is_outermost;    /* it is that of a function that nobody calls */
} GaitUnwindFrame;

typedef enum {
	GAIT_UNWIND_FRAME, /* *frame is the caller's */
	GAIT_UNWIND_END,   /* there is none: the outermost frame says so */
	GAIT_UNWIND_FAILED,
	GAIT_UNWIND_NEEDS_REGISTERS,
	GAIT_UNWIND_N_,
} GaitUnwindResult;

GaitUnwinder *gait_unwinder_new(GaitModules *modules);
void gait_unwinder_free(GaitUnwinder *unwinder);

/* For the caller to begin, and to look at is_gone. */
GaitSnapshot *gait_unwinder_get_snapshot(GaitUnwinder *unwinder);
/* Starts at the system call instruction. FAILED where that is not in executable memory. The
 * snapshot has begun. space and registers are borrowed until the last step. */
GaitUnwindResult gait_unwinder_begin(GaitUnwinder *unwinder, GaitSpace *space, pid_t task,
                                     const GaitRegisters *registers, GaitUnwindFrame *frame);
GaitUnwindResult gait_unwinder_step(GaitUnwinder *unwinder, GaitUnwindFrame *frame);
/* Whether a frame pointer had to be followed since begin. */
gboolean gait_unwinder_used_frame_pointer(const GaitUnwinder *unwinder);
/* What was read since begin. NULL where it does not determine the result. */
const GaitMemoRead *gait_unwinder_get_reads(const GaitUnwinder *unwinder, guint *n_reads);
