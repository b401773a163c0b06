/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * The step from a frame to its caller by an unwind table, and the search of the table: bounded, no
 * library, no allocation, so that the same text is compiled for user space and for BPF.
 *
 * Whoever includes this defines the three functions declared first, which say where rows, stack and
 * registers are to be had; `context` is handed to them and means nothing here.
 *
 *	frame = (struct gait_unwind_frame){rip - 2, rsp, rbp, 1, 1, 1};
 *	for (up to so many frames) {
 *		find the module of gait_unwind_get_lookup_pc(&frame), and the pc's file offset in
 *it; row = gait_unwind_find(context, the module's first row, how many, that offset); if
 *(gait_unwind_step(context, row, &frame) != GAIT_STEP_CALLER) break; frame.pc is the return address
 *in the caller;
 *	}
 *
 * The step out of a GAIT_CFA_SIGNAL row leads to what the signal interrupted, which is no caller.
 * Whether a return address is one (in executable memory, after a call instruction) is for the
 * includer to say.
 */
#pragma once

#include "sysgait/unwind-table.h"

#define GAIT_UNWIND_INLINE static inline __attribute__((always_inline))

/* The word at an address of the stack. 0, or not 0 where it cannot be read. */
GAIT_UNWIND_INLINE int gait_unwind_read(void *context, __u64 address, __u64 *word);
/* A register of frame 0, by its DWARF number (0 to 15, not rsp). 0, or not 0 where it is not known.
 */
GAIT_UNWIND_INLINE int gait_unwind_read_register(void *context, __u32 number, __u64 *value);
/* A row of the table; 0 where there is none. */
GAIT_UNWIND_INLINE const struct gait_unwind_row *gait_unwind_get_row(void *context, __u32 i);

struct gait_unwind_frame {
	__u64 pc; /* the return address into it; in frame 0 the address of the instruction */
	__u64 sp, rbp;
	__u8 has_rbp;  /* rbp is known */
	__u8 is_exact; /* pc is an instruction's address: frame 0, and what a signal interrupted */
	__u8 is_first; /* frame 0: registers other than sp and rbp are known */
	__u8 pad[5];
};

enum gait_unwind_result {
	GAIT_STEP_CALLER,         /* *frame is the caller's */
	GAIT_STEP_END,            /* nobody calls this code; *frame is as it was here and below */
	GAIT_STEP_NO_RULE,        /* the table does not say who does */
	GAIT_STEP_NEEDS_REGISTER, /* it says so by a register that is not known */
	GAIT_STEP_UNREADABLE,     /* the stack is not where it should be */
	GAIT_STEP_BACKWARD,       /* the caller's frame would not lie outward */
	GAIT_STEP_N_,
};

/* What rows are searched with: a return address belongs to the call before it. */
GAIT_UNWIND_INLINE __u64
gait_unwind_get_lookup_pc(const struct gait_unwind_frame *frame)
{
	return frame->is_exact ? frame->pc : frame->pc - 1;
}

/*
 * The row that holds at an offset among n_rows sorted ones from `first` on; 0 where there is none.
 * (n_rows: at most GAIT_UNWIND_MAX_ROWS.)
 */
GAIT_UNWIND_INLINE const struct gait_unwind_row *
gait_unwind_find(void *context, __u32 first, __u32 n_rows, __u64 offset)
{
	const struct gait_unwind_row *found = 0;
	__u32 low = first, high = first + n_rows;

	for (int i = 0; i < GAIT_UNWIND_MAX_PROBES && low < high; i++) {
		__u32 middle = low + (high - low) / 2;
		const struct gait_unwind_row *row = gait_unwind_get_row(context, middle);

		if (!row)
			return 0;
		if (row->start <= offset) {
			found = row;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return found;
}

/* The interrupted code's registers. */
GAIT_UNWIND_INLINE enum gait_unwind_result
gait_unwind_step_over_signal(void *context, const struct gait_unwind_row *row,
                             struct gait_unwind_frame *frame)
{
	__u64 ucontext = frame->sp + (__u64)(__s64)row->cfa_offset, pc, sp, rbp;

	if (gait_unwind_read(context, ucontext + GAIT_UCONTEXT_RIP, &pc) ||
	    gait_unwind_read(context, ucontext + GAIT_UCONTEXT_RSP, &sp) ||
	    gait_unwind_read(context, ucontext + GAIT_UCONTEXT_RBP, &rbp))
		return GAIT_STEP_UNREADABLE;
	frame->pc = pc;
	frame->sp = sp;
	frame->rbp = rbp;
	frame->has_rbp = 1;
	frame->is_exact = 1;
	frame->is_first = 0;
	return GAIT_STEP_CALLER;
}

GAIT_UNWIND_INLINE enum gait_unwind_result
gait_unwind_get_cfa(void *context, const struct gait_unwind_row *row,
                    const struct gait_unwind_frame *frame, __u64 *cfa)
{
	__u64 offset = (__u64)(__s64)row->cfa_offset, base;

	switch (row->cfa) {
	case GAIT_CFA_RSP:
	case GAIT_CFA_LINK:
		*cfa = frame->sp + offset;
		return GAIT_STEP_CALLER;
	case GAIT_CFA_PLT:
		*cfa = frame->sp + 8 +
		       ((gait_unwind_get_lookup_pc(frame) & 15) >= row->number ? 8 : 0);
		return GAIT_STEP_CALLER;
	case GAIT_CFA_RBP:
	case GAIT_CFA_RBP_WORD:
		if (!frame->has_rbp)
			return GAIT_STEP_NEEDS_REGISTER;
		*cfa = frame->rbp + offset;
		if (row->cfa == GAIT_CFA_RBP_WORD && gait_unwind_read(context, *cfa, cfa))
			return GAIT_STEP_UNREADABLE;
		return GAIT_STEP_CALLER;
	case GAIT_CFA_REGISTER:
		if (!frame->is_first || gait_unwind_read_register(context, row->number, &base))
			return GAIT_STEP_NEEDS_REGISTER;
		*cfa = base + offset;
		return GAIT_STEP_CALLER;
	case GAIT_CFA_END:
		return GAIT_STEP_END;
	}
	return GAIT_STEP_NO_RULE;
}

/* Where the return address is. */
GAIT_UNWIND_INLINE enum gait_unwind_result
gait_unwind_get_caller_pc(void *context, const struct gait_unwind_row *row,
                          const struct gait_unwind_frame *frame, __u64 cfa, __u64 *pc)
{
	if (row->cfa == GAIT_CFA_LINK)
		return !frame->is_first || gait_unwind_read_register(context, row->number, pc)
		           ? GAIT_STEP_NEEDS_REGISTER
		           : GAIT_STEP_CALLER;
	if (cfa <= frame->sp)
		return GAIT_STEP_BACKWARD;
	return gait_unwind_read(context, cfa - 8, pc) ? GAIT_STEP_UNREADABLE : GAIT_STEP_CALLER;
}

/* row: what holds at the frame's lookup pc, or 0. */
GAIT_UNWIND_INLINE enum gait_unwind_result
gait_unwind_step(void *context, const struct gait_unwind_row *row, struct gait_unwind_frame *frame)
{
	enum gait_unwind_result result;
	__u64 cfa = 0, pc = 0, slot;

	if (!row)
		return GAIT_STEP_NO_RULE;
	if (row->cfa == GAIT_CFA_SIGNAL)
		return gait_unwind_step_over_signal(context, row, frame);
	result = gait_unwind_get_cfa(context, row, frame, &cfa);
	if (result != GAIT_STEP_CALLER)
		return result;
	result = gait_unwind_get_caller_pc(context, row, frame, cfa, &pc);
	if (result != GAIT_STEP_CALLER)
		return result;
	slot = (row->rbp == GAIT_RBP_AT_RBP ? frame->rbp : cfa) + (__u64)(__s64)row->rbp_offset;
	if (row->rbp == GAIT_RBP_SAVED || (row->rbp == GAIT_RBP_AT_RBP && frame->has_rbp))
		frame->has_rbp = gait_unwind_read(context, slot, &frame->rbp) == 0;
	else if (row->rbp != GAIT_RBP_SAME)
		frame->has_rbp = 0;
	frame->pc = pc;
	frame->sp = cfa;
	frame->is_exact = 0;
	frame->is_first = 0;
	return GAIT_STEP_CALLER;
}
