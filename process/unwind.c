// SPDX-License-Identifier: Apache-2.0
/*
 * The unwinder's steps. Rows make them (unwind-step.c), or libunwind where there is CFI
 * (unwind-access.c is what it reads through); what it would guess where there is none is not taken:
 * see unwind-frame.c for what is done instead, on evidence. A return address has to lie in
 * executable memory, after a call instruction; otherwise unwinding went wrong.
 */
#include "process/unwind-private.h"

#include "process/space-private.h"

enum {
	MAX_DEPTH = 256,
	/* ld.so's entry has no FDE; so long it may be. */
	MAX_ENTRY_SIZE = 256,
	SYSCALL_SIZE = 2,
};

/* Finds where the current frame's address is. */
static GaitPlace *
locate(GaitUnwinder *unwinder, guint64 address, gboolean is_instruction, guint64 *offset)
{
	GaitPlace *place;

	unwinder->address = address;
	unwinder->module =
	    unwinder->mode == GAIT_UNWIND_RECALLED
	        ? gait_space_find_known(unwinder->space, unwinder->task, address, offset)
	        : gait_space_find(unwinder->space, unwinder->task, address, offset);
	if (!unwinder->module)
		return NULL;
	place =
	    gait_unwinder_get_place(unwinder, unwinder->module, *offset, address, is_instruction);
	if (!place)
		return NULL;
	unwinder->key = place->key;
	unwinder->has_vaddr = place->has_vaddr;
	unwinder->is_covered = place->is_covered;
	unwinder->vaddr = place->vaddr;
	unwinder->row = place->row;
	return place;
}

GaitUnwindResult
gait_unwinder_begin(GaitUnwinder *unwinder, GaitUnwindMode mode, GaitSpace *space, pid_t task,
                    const GaitRegisters *registers, GaitUnwindFrame *frame)
{
	GaitPlace *place;

	unwinder->mode = mode;
	unwinder->space = space;
	unwinder->task = task;
	unwinder->registers = *registers;
	unwinder->has_cursor = FALSE;
	unwinder->depth = 0;
	unwinder->used_frame_pointer = FALSE;
	unwinder->has_event_registers = TRUE;
	unwinder->n_far_reads = 0;
	/* glibc's clone and clone3 mark the return address undefined after the instruction. */
	place = locate(unwinder, registers->value[GAIT_REGISTER_RIP] - SYSCALL_SIZE, TRUE,
	               &frame->offset);
	if (!place)
		return GAIT_UNWIND_FAILED;
	gait_snapshot_need(&unwinder->snapshot, place->reach);
	unwinder->start = place;
	place->reach = 0;
	frame->module = unwinder->module;
	frame->is_signal_frame = frame->is_outermost = FALSE;
	frame->first = frame->offset;
	if (gait_module_get_kind(frame->module) != GAIT_MODULE_ANON) {
		frame->offset += SYSCALL_SIZE;
		frame->first = place->first;
	}
	return GAIT_UNWIND_FRAME;
}

GaitUnwindResult
gait_unwinder_enter(GaitUnwinder *unwinder, guint64 address, GaitUnwindFrame *frame)
{
	GaitPlace *place;

	if (++unwinder->depth > MAX_DEPTH ||
	    !(place = locate(unwinder, address, FALSE, &frame->offset)))
		return GAIT_UNWIND_FAILED;
	frame->module = unwinder->module;
	frame->is_signal_frame = place->is_signal_return;
	frame->is_outermost = place->is_context_start;
	return place->is_signal_return || place->is_context_start || place->call != GAIT_CALL_NONE
	           ? GAIT_UNWIND_FRAME
	           : GAIT_UNWIND_FAILED;
}

static int
step_cursor(GaitUnwinder *unwinder)
{
	int result;

	unwinder->n_accesses = 0;
	unwinder->needs_register = FALSE;
	unwinder->has_no_info = FALSE;
	if (unwinder->has_cursor)
		result = unw_set_reg(&unwinder->cursor, UNW_REG_IP,
		                     gait_unwinder_get_lookup_pc(unwinder));
	else
		result = unw_init_remote(&unwinder->cursor, unwinder->unw_space, unwinder);
	return result < 0 ? result : unw_step(&unwinder->cursor);
}

/* One step that leaves no trace where there is no CFI. */
static int
try_step(GaitUnwinder *unwinder)
{
	unw_cursor_t saved = unwinder->cursor;
	int result = step_cursor(unwinder);

	if (unwinder->has_no_info)
		unwinder->cursor = saved;
	return result;
}

/*
 * No FDE covers the frame, though its module has CFI. glibc ends the FDE of clone and clone3 right
 * before the instruction, because in the child it would be wrong: the row before it holds. ld.so's
 * entry code, which nobody calls, has none at all. Else it may be a hand-written leaf.
 */
static GaitUnwindResult
step_uncovered(GaitUnwinder *unwinder, int *result, GaitUnwindFrame *frame)
{
	guint64 entry = gait_module_get_entry(unwinder->module);

	if (entry != 0 && unwinder->vaddr - entry < MAX_ENTRY_SIZE)
		return GAIT_UNWIND_END;
	if (unwinder->depth > 0)
		return GAIT_UNWIND_FAILED;
	unwinder->vaddr--;
	*result = try_step(unwinder);
	if (!unwinder->has_no_info)
		return GAIT_UNWIND_FRAME;
	unwinder->vaddr++;
	return gait_unwinder_step_without_cfi(unwinder, TRUE, frame);
}

static GaitUnwindResult
step_by_libunwind(GaitUnwinder *unwinder, GaitUnwindFrame *frame)
{
	unw_word_t address;
	int result = try_step(unwinder);

	if (unwinder->has_no_info) {
		GaitUnwindResult uncovered = step_uncovered(unwinder, &result, frame);

		if (unwinder->has_no_info)
			return uncovered;
	}
	unwinder->has_cursor = TRUE;
	if (result < 0 && unwinder->needs_register && unwinder->has_event_registers)
		return GAIT_UNWIND_NEEDS_REGISTERS;
	if (result < 0)
		return GAIT_UNWIND_FAILED;
	if (result == 0)
		return GAIT_UNWIND_END;
	if (unw_get_reg(&unwinder->cursor, UNW_REG_IP, &address) < 0)
		return GAIT_UNWIND_FAILED;
	return gait_unwinder_enter(unwinder, address, frame);
}

GaitUnwindResult
gait_unwinder_step(GaitUnwinder *unwinder, GaitUnwindFrame *frame)
{
	if (unwinder->row.flags & GAIT_UNWIND_NOT_CFI)
		return gait_unwinder_step_by_row(unwinder, frame);
	if (!gait_module_get_cfi(unwinder->module))
		return gait_unwinder_step_without_cfi(unwinder, FALSE, frame);
	if (!unwinder->has_vaddr)
		return GAIT_UNWIND_FAILED;
	if (unwinder->mode == GAIT_UNWIND_BY_CFI)
		return step_by_libunwind(unwinder, frame);
	if (unwinder->is_covered)
		return gait_unwinder_step_by_row(unwinder, frame);
	return unwinder->depth > 0 ? GAIT_UNWIND_FAILED
	                           : gait_unwinder_step_without_cfi(unwinder, TRUE, frame);
}

gboolean
gait_unwinder_used_frame_pointer(const GaitUnwinder *unwinder)
{
	return unwinder->used_frame_pointer;
}
