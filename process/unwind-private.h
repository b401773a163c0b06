/* SPDX-License-Identifier: Apache-2.0 */
/* The unwinder's state, shared by its ways of stepping: rows, CFI, frame pointers. */
#pragma once

#include "process/code.h"
#include "process/module-private.h"
#include "process/unwind.h"
#include "sysgait/unwind-table.h"

#include <libunwind-x86_64.h>

/* Tables of what is remembered: so many places, so many witnesses, found by Fibonacci hashing. */
#define GAIT_UNWIND_N_KNOWN 1024
#define GAIT_UNWIND_HASH(key)                                                                      \
	((key)*G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) / (G_MAXUINT64 / GAIT_UNWIND_N_KNOWN + 1))

/* A place in a module's code; see unwind-place.c. */
typedef struct {
	guint64 key;                /* 0: none */
	struct gait_unwind_row row; /* what holds there; of a return address: for the call before */
	guint64 vaddr;
	/* Of an instruction. */
	guint64 first; /* the one that stands for it (issuer.h) */
	guint32 reach; /* bytes of stack that the last walk from it needed: read at once, cheaper */
	gboolean has_vaddr, is_covered; /* is_covered: CFI or Go's table speaks of it */
	/* Of a return address: what the code around it shows. */
	gboolean is_signal_return, is_context_start;
	GaitCall call;    /* the one before it */
	guint64 distance; /* from the address to the call's target, where it has one */
} GaitPlace;

typedef enum {
	GAIT_EVIDENCE_NONE,
	GAIT_EVIDENCE_OF_CALL,  /* it follows a call of the very function */
	GAIT_EVIDENCE_OF_OTHER, /* it follows a call of another one */
	GAIT_EVIDENCE_POSSIBLE, /* it follows a call that may be of any */
	GAIT_EVIDENCE_N_,
} GaitEvidence;

/* What a word would be as the return address of a frame; see unwind-frame.c. */
typedef struct {
	guint64 frame, word; /* key of the frame's place; 0: none. Key of the word's, or itself */
	GaitEvidence evidence;
} GaitWitness;

struct _GaitUnwinder {
	GaitModules *modules;
	unw_addr_space_t unw_space;
	GaitSnapshot snapshot;

	/* The event. */
	GaitSpace *space;
	pid_t task;
	GaitUnwindMode mode;
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
	guint64 key; /* of its place; 0: not remembered */
	gboolean has_vaddr, is_covered;
	struct gait_unwind_row row;

	/* Set by the accessors during a step. */
	gboolean has_no_info, needs_register;
	guint n_accesses;

	gboolean has_read_memory; /* code that was asked for came from memory, not from a file */
	GaitPlace *start;         /* frame 0's */
	GaitPlace unkept;
	GaitPlace places[GAIT_UNWIND_N_KNOWN];
	GaitWitness witnesses[GAIT_UNWIND_N_KNOWN];
};

/* Modules that reach higher have no place among the others. */
#define GAIT_UNWIND_MAX_VADDR (G_GUINT64_CONSTANT(1) << 39)
/* Of user space: what is above is no address. */
#define GAIT_UNWIND_MAX_ADDRESS ((G_GUINT64_CONSTANT(1) << 47) - 1)

/* The frame's address as libunwind is to see it. */
guint64 gait_unwinder_get_lookup_pc(const GaitUnwinder *unwinder);
/* A word of the stack, or of wherever address is. */
gboolean gait_unwinder_read_word(GaitUnwinder *unwinder, guint64 address, guint64 *word);
gboolean gait_unwinder_read_register(GaitUnwinder *unwinder, guint number, guint64 *value);
/* A register of the current frame, by its DWARF number. */
gboolean gait_unwinder_get_register(GaitUnwinder *unwinder, guint number, guint64 *value);
/* Code of a module: of its file, which nobody changes under way, or else of memory. */
gsize gait_unwinder_read_code(GaitUnwinder *unwinder, GaitModule *module, guint64 offset,
                              guint64 address, gsize size, guint8 *code);
/* Under which a place is remembered; 0: not at all. Above all addresses. */
guint64 gait_unwinder_get_key(const GaitModule *module, guint64 offset, gboolean is_instruction);
/* The place of an address; NULL where it is not known and is not to be looked for. Valid until the
 * next one is asked for. */
GaitPlace *gait_unwinder_get_place(GaitUnwinder *unwinder, GaitModule *module, guint64 offset,
                                   guint64 address, gboolean is_instruction);
/* Makes the frame at a return address the current one, if that is what it is. */
GaitUnwindResult gait_unwinder_enter(GaitUnwinder *unwinder, guint64 address,
                                     GaitUnwindFrame *frame);
/* Steps by the frame's row. */
GaitUnwindResult gait_unwinder_step_by_row(GaitUnwinder *unwinder, GaitUnwindFrame *frame);
/* Steps out of a frame without CFI; only_leaf: not by frame pointer. */
GaitUnwindResult gait_unwinder_step_without_cfi(GaitUnwinder *unwinder, gboolean only_leaf,
                                                GaitUnwindFrame *frame);
