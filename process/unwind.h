/* SPDX-License-Identifier: Apache-2.0 */
/* Frame after frame, from a system call outward. */
#pragma once

#include "process/snapshot.h"
#include "sysgait/attribute.h"

typedef struct _GaitUnwinder GaitUnwinder;

typedef struct {
	GaitModule *module;
	guint64 offset;           /* as in GaitStackFrame */
	guint64 first;            /* of frame 0: the instruction that stands for it (issuer.h) */
	gboolean is_signal_frame; /* the return address is the signal trampoline's */
	gboolean is_outermost;    /* it is that of a function that nobody calls */
} GaitUnwindFrame;

typedef enum {
	GAIT_UNWIND_FRAME, /* *frame is the caller's */
	GAIT_UNWIND_END,   /* there is none: the outermost frame says so */
	GAIT_UNWIND_FAILED,
	GAIT_UNWIND_NEEDS_REGISTERS,
	GAIT_UNWIND_UNSAID, /* rows do not say it; libunwind may */
	GAIT_UNWIND_N_,
} GaitUnwindResult;

typedef enum {
	/* By the rows of unwind tables, and on evidence where there is no CFI. */
	GAIT_UNWIND_BY_TABLES,
	/* The same, by what is known already, so that nothing outside the unwinder changes: others
	   may look at space and modules at the same time. */
	GAIT_UNWIND_RECALLED,
	/* By libunwind, and on evidence. */
	GAIT_UNWIND_BY_CFI,
	GAIT_UNWIND_MODE_N_,
} GaitUnwindMode;

GaitUnwinder *gait_unwinder_new(GaitModules *modules);
void gait_unwinder_free(GaitUnwinder *unwinder);

/* For the caller to begin, and to look at is_gone. */
GaitSnapshot *gait_unwinder_get_snapshot(GaitUnwinder *unwinder);
/* Starts at the system call instruction. FAILED where that is not in executable memory. The
 * snapshot has begun. space and registers are borrowed until the last step. */
GaitUnwindResult gait_unwinder_begin(GaitUnwinder *unwinder, GaitUnwindMode mode, GaitSpace *space,
                                     pid_t task, const GaitRegisters *registers,
                                     GaitUnwindFrame *frame);
GaitUnwindResult gait_unwinder_step(GaitUnwinder *unwinder, GaitUnwindFrame *frame);
/* Whether a frame pointer had to be followed since begin. */
gboolean gait_unwinder_used_frame_pointer(const GaitUnwinder *unwinder);
