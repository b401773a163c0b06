/* SPDX-License-Identifier: Apache-2.0 */
/* The unwinder's state, shared by its two ways of stepping: CFI and frame pointers. */
#pragma once

#include "process/code.h"
#include "process/module-private.h"
#include "process/unwind.h"

#include <libunwind-x86_64.h>

enum {
	GAIT_UNWIND_MAX_READS = 512,
};

struct _GaitUnwinder {
	GaitModules *modules;
	unw_addr_space_t unw_space;
	GaitSnapshot snapshot;

	/* The event. */
	GaitSpace *space;
	pid_t task;
	GaitRegisters registers; /* of the frame that the cursor started from or starts from next */
	unw_cursor_t cursor;
	gboolean has_cursor; /* FALSE: to be made from registers */
	guint depth;
	gboolean used_frame_pointer;
	gboolean has_event_registers; /* registers are still the event's, not found on the stack */
	guint n_far_reads;

	/* The frame: an address is that of an instruction in frame 0, else a return address. */
	GaitModule *module;
	guint64 address, vaddr;
	gboolean has_vaddr;

	/* Set by the accessors during a step. */
	gboolean has_no_info, needs_register;
	guint n_accesses;

	gboolean is_repeatable;
	guint n_reads;
	GaitMemoRead reads[GAIT_UNWIND_MAX_READS];
};

/* Modules that reach higher have no place among the others. */
#define GAIT_UNWIND_MAX_VADDR (G_GUINT64_CONSTANT(1) << 39)

/* The frame's address as libunwind is to see it. */
guint64 gait_unwinder_get_lookup_pc(const GaitUnwinder *unwinder);
/* A word of the stack, or of wherever address is; recorded. */
gboolean gait_unwinder_read_word(GaitUnwinder *unwinder, guint64 address, guint64 *word);
gboolean gait_unwinder_read_register(GaitUnwinder *unwinder, guint number, guint64 *value);
/* A register of the current frame, by its DWARF number. */
gboolean gait_unwinder_get_register(GaitUnwinder *unwinder, guint number, guint64 *value);
/* Code of a module: of its file, which nobody changes under way, or else of memory. */
gsize gait_unwinder_read_code(GaitUnwinder *unwinder, GaitModule *module, guint64 offset,
                              guint64 address, gsize size, guint8 *code);
/* The code around a return address; 0 where there is none. */
void gait_unwinder_read_around(GaitUnwinder *unwinder, GaitModule *module, guint64 offset,
                               guint64 address, guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER]);
/* Makes the frame at a return address the current one, if that is what it is. */
GaitUnwindResult gait_unwinder_enter(GaitUnwinder *unwinder, guint64 address,
                                     GaitUnwindFrame *frame);
/* Steps out of a frame without CFI; only_leaf: not by frame pointer. */
GaitUnwindResult gait_unwinder_step_without_cfi(GaitUnwinder *unwinder, gboolean only_leaf,
                                                GaitUnwindFrame *frame);
