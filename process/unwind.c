// SPDX-License-Identifier: Apache-2.0
/*
 * The unwinder's steps. libunwind makes them where there is CFI (unwind-access.c is what it reads
 * through); what it would guess where there is none is not taken: see unwind-frame.c for what is
 * done instead, on evidence. A return address has to lie in executable memory, after a call
 * instruction; otherwise unwinding went wrong.
 */
#include "process/unwind-private.h"

#include <string.h>

enum {
	MAX_DEPTH = 256,
	/* ld.so's entry has no FDE; so long it may be. */
	MAX_ENTRY_SIZE = 256,
	/* Where Go's vfork keeps its return address while parent and child share the stack: r12. */
	GO_RETURN_REGISTER = 12,
};

/* Finds where the current frame's address is. */
static gboolean
locate(GaitUnwinder *unwinder, guint64 address, guint64 *offset)
{
	unwinder->address = address;
	unwinder->module = gait_space_find(unwinder->space, unwinder->task, address, offset);
	if (!unwinder->module) {
		/* It may be mapped by the next time. */
		unwinder->is_repeatable = FALSE;
		return FALSE;
	}
	if (gait_module_get_kind(unwinder->module) == GAIT_MODULE_ANON)
		unwinder->is_repeatable = FALSE;
	unwinder->has_vaddr = gait_module_get_vaddr(unwinder->module, *offset, &unwinder->vaddr) &&
	                      unwinder->vaddr < GAIT_UNWIND_MAX_VADDR;
	return TRUE;
}

GaitUnwindResult
gait_unwinder_begin(GaitUnwinder *unwinder, GaitSpace *space, pid_t task,
                    const GaitRegisters *registers, GaitUnwindFrame *frame)
{
	unwinder->space = space;
	unwinder->task = task;
	unwinder->registers = *registers;
	unwinder->has_cursor = FALSE;
	unwinder->depth = 0;
	unwinder->used_frame_pointer = FALSE;
	unwinder->has_event_registers = TRUE;
	unwinder->n_far_reads = 0;
	unwinder->is_repeatable = TRUE;
	unwinder->n_reads = 0;
	/* glibc's clone and clone3 mark the return address undefined after the instruction. */
	if (!locate(unwinder, registers->value[GAIT_REGISTER_RIP] - 2, &frame->offset))
		return GAIT_UNWIND_FAILED;
	frame->module = unwinder->module;
	frame->is_signal_frame = frame->is_outermost = FALSE;
	if (gait_module_get_kind(frame->module) != GAIT_MODULE_ANON)
		frame->offset += 2;
	return GAIT_UNWIND_FRAME;
}

gsize
gait_unwinder_read_code(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
                        gsize size, guint8 *code)
{
	if (gait_module_read(module, offset, size, code))
		return size;
	/* Memory may change, and differ from process to process. */
	unwinder->is_repeatable = FALSE;
	return gait_snapshot_read(&unwinder->snapshot, address, size, code);
}

void
gait_unwinder_read_around(GaitUnwinder *unwinder, GaitModule *module, guint64 offset,
                          guint64 address, guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER])
{
	const gsize size = GAIT_CODE_BEFORE + GAIT_CODE_AFTER;
	gsize n_in_page = address % 4096;

	memset(code, 0, size);
	if (gait_unwinder_read_code(unwinder, module, offset - GAIT_CODE_BEFORE,
	                            address - GAIT_CODE_BEFORE, size, code) > 0 ||
	    n_in_page >= GAIT_CODE_BEFORE)
		return;
	/* The page before is not there. */
	gait_unwinder_read_code(unwinder, module, offset - n_in_page, address - n_in_page,
	                        size - GAIT_CODE_BEFORE + n_in_page,
	                        code + GAIT_CODE_BEFORE - n_in_page);
}

GaitUnwindResult
gait_unwinder_enter(GaitUnwinder *unwinder, guint64 address, GaitUnwindFrame *frame)
{
	guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER];
	guint64 target;

	if (++unwinder->depth > MAX_DEPTH || !locate(unwinder, address, &frame->offset))
		return GAIT_UNWIND_FAILED;
	frame->module = unwinder->module;
	gait_unwinder_read_around(unwinder, unwinder->module, frame->offset, address, code);
	frame->is_signal_frame = gait_code_is_signal_return(code + GAIT_CODE_BEFORE);
	frame->is_outermost = gait_code_is_context_start(code);
	if (!frame->is_signal_frame && !frame->is_outermost &&
	    gait_code_get_call(code, address, &target) == GAIT_CALL_NONE)
		return GAIT_UNWIND_FAILED;
	return GAIT_UNWIND_FRAME;
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
	guint n_reads = unwinder->n_reads;
	gboolean is_repeatable = unwinder->is_repeatable;
	int result = step_cursor(unwinder);

	if (unwinder->has_no_info) {
		unwinder->cursor = saved;
		unwinder->n_reads = n_reads;
		unwinder->is_repeatable = is_repeatable;
	}
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

/*
 * Go's own table gives the size of the frame at every instruction, and needs no register but the
 * stack pointer. FALSE where the frame is not Go's.
 */
static gboolean
step_by_go_table(GaitUnwinder *unwinder, GaitUnwindFrame *frame, GaitUnwindResult *result)
{
	const GaitGoTable *go = gait_module_get_go_table(unwinder->module);
	GaitGoFunction function;
	guint64 stack_pointer, address;
	gboolean is_popped;

	if (G_LIKELY(!go) || !unwinder->has_vaddr ||
	    !gait_go_table_find(go, unwinder->vaddr - (unwinder->depth > 0), &function) ||
	    function.frame_size == GAIT_GO_NO_SIZE ||
	    !gait_unwinder_get_register(unwinder, GAIT_REGISTER_RSP, &stack_pointer))
		return FALSE;
	is_popped = function.frame_size == GAIT_GO_POPPED;
	stack_pointer += (guint64)function.frame_size;
	unwinder->needs_register = FALSE;
	*result = GAIT_UNWIND_FAILED;
	if (is_popped ? !gait_unwinder_get_register(unwinder, GO_RETURN_REGISTER, &address)
	              : !gait_unwinder_read_word(unwinder, stack_pointer, &address)) {
		if (is_popped && unwinder->needs_register && unwinder->has_event_registers)
			*result = GAIT_UNWIND_NEEDS_REGISTERS;
		return TRUE;
	}
	unwinder->has_event_registers = FALSE;
	unwinder->registers.known = 1u << GAIT_REGISTER_RSP;
	unwinder->registers.value[GAIT_REGISTER_RSP] = stack_pointer + 8;
	unwinder->has_cursor = FALSE;
	*result = gait_unwinder_enter(unwinder, address, frame);
	return TRUE;
}

GaitUnwindResult
gait_unwinder_step(GaitUnwinder *unwinder, GaitUnwindFrame *frame)
{
	GaitUnwindResult by_go_table;
	unw_word_t address;
	int result;

	if (step_by_go_table(unwinder, frame, &by_go_table))
		return by_go_table;
	if (!gait_module_get_cfi(unwinder->module))
		return gait_unwinder_step_without_cfi(unwinder, FALSE, frame);
	if (!unwinder->has_vaddr)
		return GAIT_UNWIND_FAILED;
	result = try_step(unwinder);
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

gboolean
gait_unwinder_used_frame_pointer(const GaitUnwinder *unwinder)
{
	return unwinder->used_frame_pointer;
}

const GaitMemoRead *
gait_unwinder_get_reads(const GaitUnwinder *unwinder, guint *n_reads)
{
	*n_reads = unwinder->n_reads;
	return unwinder->is_repeatable ? unwinder->reads : NULL;
}
