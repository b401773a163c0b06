// SPDX-License-Identifier: Apache-2.0
/*
 * Steps by the rows of unwind tables: the same step that the kernel's tier takes
 * (sysgait/unwind-step.h), over the snapshot. It follows rbp and the stack pointer and no other
 * register, and does not look at what a signal interrupted: where that is not enough it says so,
 * and libunwind is asked.
 */
#include "process/unwind-private.h"

#include "sysgait/unwind-step.h"

GAIT_UNWIND_INLINE int
gait_unwind_read(void *context, __u64 address, __u64 *word)
{
	guint64 value = 0;
	gboolean is_there = gait_unwinder_read_word(context, address, &value);

	*word = value;
	return !is_there;
}

GAIT_UNWIND_INLINE int
gait_unwind_read_register(void *context, __u32 number, __u64 *value)
{
	guint64 word = 0;
	gboolean is_known = gait_unwinder_get_register(context, number, &word);

	*value = word;
	return !is_known;
}

/* Rows are found by their places. */
GAIT_UNWIND_INLINE const struct gait_unwind_row *
gait_unwind_get_row(void *context, __u32 i)
{
	return NULL;
}

/* Whether what a row asks for is a register of the event, which can be had. */
static gboolean
is_of_event(const GaitUnwinder *unwinder, const struct gait_unwind_row *row)
{
	gboolean is_rbp = row->cfa == GAIT_CFA_RBP || row->cfa == GAIT_CFA_RBP_WORD;

	return unwinder->has_event_registers && (is_rbp || unwinder->depth == 0);
}

GaitUnwindResult
gait_unwinder_step_by_row(GaitUnwinder *unwinder, GaitUnwindFrame *frame)
{
	struct gait_unwind_row row = unwinder->row;
	gboolean is_cfi = !(row.flags & GAIT_UNWIND_NOT_CFI);
	GaitUnwindResult unsaid = is_cfi ? GAIT_UNWIND_UNSAID : GAIT_UNWIND_FAILED;
	guint8 is_first = unwinder->depth == 0;
	struct gait_unwind_frame state = {
	    .pc = unwinder->address, .is_exact = is_first, .is_first = is_first};
	guint64 sp = 0, rbp = 0;

	if (row.cfa == GAIT_CFA_SIGNAL ||
	    !gait_unwinder_get_register(unwinder, GAIT_REGISTER_RSP, &sp))
		return unsaid;
	state.has_rbp = gait_unwinder_get_register(unwinder, GAIT_REGISTER_RBP, &rbp);
	state.sp = sp;
	state.rbp = rbp;
	switch (gait_unwind_step(unwinder, &row, &state)) {
	case GAIT_STEP_CALLER:
		break;
	case GAIT_STEP_END:
		return GAIT_UNWIND_END;
	case GAIT_STEP_NEEDS_REGISTER:
		return is_of_event(unwinder, &row) ? GAIT_UNWIND_NEEDS_REGISTERS : unsaid;
	case GAIT_STEP_NO_RULE:
	case GAIT_STEP_UNREADABLE:
	case GAIT_STEP_BACKWARD:
	case GAIT_STEP_N_:
		return unsaid;
	}
	/* To libunwind it is an end. */
	if (state.pc == 0 && is_cfi)
		return unsaid;
	unwinder->has_event_registers &= row.rbp == GAIT_RBP_SAME;
	unwinder->registers.known =
	    1u << GAIT_REGISTER_RSP | (state.has_rbp ? 1u << GAIT_REGISTER_RBP : 0);
	unwinder->registers.value[GAIT_REGISTER_RSP] = state.sp;
	unwinder->registers.value[GAIT_REGISTER_RBP] = state.rbp;
	unwinder->has_cursor = FALSE;
	return gait_unwinder_enter(unwinder, state.pc, frame);
}
