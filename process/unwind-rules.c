// SPDX-License-Identifier: Apache-2.0
/*
 * From the rules of CFI to rows. Nearly all are "register + offset"; the few expressions that
 * compilers, linkers and libc write are known by their operations, and no other is taken. What no
 * row can say is said by none: the table is not to be wrong.
 */
#include "process/unwind-rules.h"

#include "sysgait/attribute.h"

#include <dwarf.h>

/* DW_OP_bregN offset, and nothing else or DW_OP_deref alone after it. */
static gboolean
is_register_offset(GaitCfiCursor expression, guint number, gboolean is_read, gint64 *offset)
{
	if (gait_cfi_take(&expression, 1) != DW_OP_breg0 + number)
		return FALSE;
	*offset = gait_cfi_take_signed_leb128(&expression);
	if (is_read && gait_cfi_take(&expression, 1) != DW_OP_deref)
		return FALSE;
	return !expression.failed && expression.position == expression.size;
}

/* What a linker writes for a PLT: rsp + 8 + ((rip & 15) >= N) << 3. */
static gboolean
is_plt(GaitCfiCursor expression, guint8 *threshold)
{
	static const guint8 before[] = {DW_OP_breg0 + 7, 8,        DW_OP_breg0 + 16, 0,
	                                DW_OP_lit0 + 15, DW_OP_and};
	static const guint8 after[] = {DW_OP_ge, DW_OP_lit0 + 3, DW_OP_shl, DW_OP_plus};
	guint64 literal;

	for (gsize i = 0; i < sizeof(before); i++)
		if (gait_cfi_take(&expression, 1) != before[i])
			return FALSE;
	literal = gait_cfi_take(&expression, 1) - DW_OP_lit0;
	for (gsize i = 0; i < sizeof(after); i++)
		if (gait_cfi_take(&expression, 1) != after[i])
			return FALSE;
	*threshold = (guint8)literal;
	return literal < 16 && expression.position == expression.size;
}

static gboolean
set_offset(__s32 *place, gint64 offset)
{
	*place = (gint32)offset;
	return *place == offset;
}

/* The CFA is the word at rsp + N, as are rip and rbp: a ucontext. */
static gboolean
is_signal_frame(const GaitCfiState *state, gint64 *ucontext)
{
	gint64 rsp, rbp, rip;

	if (!is_register_offset(state->cfa.expression, GAIT_REGISTER_RSP, TRUE, &rsp) ||
	    state->rip.kind != GAIT_RULE_EXPRESSION || state->rbp.kind != GAIT_RULE_EXPRESSION ||
	    !is_register_offset(state->rip.expression, GAIT_REGISTER_RSP, FALSE, &rip) ||
	    !is_register_offset(state->rbp.expression, GAIT_REGISTER_RSP, FALSE, &rbp) ||
	    rip - rsp != GAIT_UCONTEXT_RIP - GAIT_UCONTEXT_RSP ||
	    rbp - rsp != GAIT_UCONTEXT_RBP - GAIT_UCONTEXT_RSP)
		return FALSE;
	*ucontext = rsp - GAIT_UCONTEXT_RSP;
	return TRUE;
}

static gboolean
set_cfa(struct gait_unwind_row *row, const GaitCfiRule *cfa)
{
	gint64 offset = 0;

	if (cfa->kind == GAIT_RULE_REGISTER) {
		row->cfa = cfa->number == GAIT_REGISTER_RSP   ? GAIT_CFA_RSP
		           : cfa->number == GAIT_REGISTER_RBP ? GAIT_CFA_RBP
		                                              : GAIT_CFA_REGISTER;
		if (row->cfa == GAIT_CFA_REGISTER)
			row->number = (guint8)cfa->number;
		return cfa->number < GAIT_REGISTER_RIP && set_offset(&row->cfa_offset, cfa->offset);
	}
	if (cfa->kind != GAIT_RULE_VALUE_EXPRESSION)
		return FALSE;
	if (is_plt(cfa->expression, &row->number)) {
		row->cfa = GAIT_CFA_PLT;
		return TRUE;
	}
	row->cfa = GAIT_CFA_RBP_WORD;
	return is_register_offset(cfa->expression, GAIT_REGISTER_RBP, TRUE, &offset) &&
	       set_offset(&row->cfa_offset, offset);
}

static gboolean
set_rbp(struct gait_unwind_row *row, const GaitCfiRule *rbp)
{
	gint64 offset = 0;

	switch (rbp->kind) {
	case GAIT_RULE_SAME:
		row->rbp = GAIT_RBP_SAME;
		return TRUE;
	case GAIT_RULE_SAVED:
		row->rbp = GAIT_RBP_SAVED;
		return set_offset(&row->rbp_offset, rbp->offset);
	case GAIT_RULE_EXPRESSION:
		row->rbp = GAIT_RBP_AT_RBP;
		if (is_register_offset(rbp->expression, GAIT_REGISTER_RBP, FALSE, &offset))
			return set_offset(&row->rbp_offset, offset);
		break;
	case GAIT_RULE_UNDEFINED:
	case GAIT_RULE_REGISTER:
	case GAIT_RULE_VALUE:
	case GAIT_RULE_VALUE_EXPRESSION:
	case GAIT_RULE_N_:
		break;
	}
	row->rbp = GAIT_RBP_LOST;
	return TRUE;
}

/* The return address is at CFA - 8, or, as in vfork, in a register. */
static gboolean
set_return_address(struct gait_unwind_row *row, const GaitCfiRule *rip)
{
	if (rip->kind == GAIT_RULE_SAVED)
		return rip->offset == -8;
	if (rip->kind != GAIT_RULE_REGISTER || rip->number >= GAIT_REGISTER_RIP ||
	    row->cfa != GAIT_CFA_RSP)
		return FALSE;
	row->cfa = GAIT_CFA_LINK;
	row->number = (guint8)rip->number;
	return TRUE;
}

void
gait_unwind_row_from_state(struct gait_unwind_row *row, const GaitCfiState *state)
{
	gint64 ucontext;

	*row = (struct gait_unwind_row){0};
	if (state->rip.kind == GAIT_RULE_UNDEFINED) {
		row->cfa = GAIT_CFA_END;
	} else if (state->cfa.kind == GAIT_RULE_VALUE_EXPRESSION &&
	           is_signal_frame(state, &ucontext)) {
		row->cfa = GAIT_CFA_SIGNAL;
		row->flags = GAIT_UNWIND_NO_CALLER;
		if (!set_offset(&row->cfa_offset, ucontext))
			*row = (struct gait_unwind_row){0};
	} else if (!set_cfa(row, &state->cfa) || !set_rbp(row, &state->rbp) ||
	           !set_return_address(row, &state->rip)) {
		*row = (struct gait_unwind_row){0};
	}
}
