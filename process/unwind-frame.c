// SPDX-License-Identifier: Apache-2.0
/*
 * Steps out of functions without CFI: Go's, musl's, hand-written assembly. Nothing is believed
 * without evidence. A function that keeps no frame (a stub around the instruction) has its return
 * address on top of the stack: believed where the call before that address goes to the very
 * function that holds the instruction. Otherwise the frame pointer is followed: believed where the
 * return address it leads to follows a call, and not a call to some other function. (A frame
 * pointer alone would skip the caller of a function that keeps no frame.)
 *
 * What a word on the stack is evidence of is remembered by what it means: a place in a module, or
 * nothing.
 */
#include "process/unwind-private.h"

#include "process/space-private.h"

#include <string.h>

enum {
	/* How long a function without symbols is taken to be: stubs are shorter. */
	MAX_UNNAMED = 1024,
};

/* Whether code between two addresses shows the end of one function and the padding before another.
 */
static gboolean
has_padding(GaitUnwinder *unwinder, guint64 start, guint64 offset, gsize size)
{
	static const char *const paddings[] = {"\xc3\xcc", "\xc3\x90", "\xc3\x66", "\xc3\x0f\x1f"};
	guint8 code[MAX_UNNAMED];
	gsize n = gait_unwinder_read_code(unwinder, unwinder->module, offset, start, size, code);

	for (gsize i = 0; i < G_N_ELEMENTS(paddings); i++)
		if (memmem(code, n, paddings[i], strlen(paddings[i])))
			return TRUE;
	return FALSE;
}

/* Whether the function that starts there holds the frame's address. */
static gboolean
is_start_of_frame(GaitUnwinder *unwinder, guint64 start)
{
	guint64 address = unwinder->address, offset, start_offset, delta, start_delta;
	const char *name, *start_name;

	if (start > address ||
	    gait_space_find(unwinder->space, unwinder->task, start, &start_offset) !=
	        unwinder->module ||
	    gait_space_find(unwinder->space, unwinder->task, address, &offset) != unwinder->module)
		return FALSE;
	/* A symbol is looked up as for a return address, so from the byte after. */
	if (gait_module_symbolize(unwinder->module, offset + 1, &name, &delta) &&
	    gait_module_symbolize(unwinder->module, start_offset + 1, &start_name, &start_delta))
		return start_delta == 1 && offset - start_offset == delta - 1;
	return address - start < MAX_UNNAMED &&
	       !has_padding(unwinder, start, start_offset, (gsize)(address - start));
}

/* Where the call that ends at a return address goes: through a PLT entry, too. */
static GaitCall
resolve_call(GaitUnwinder *unwinder, guint64 address, guint64 *target)
{
	guint8 code[GAIT_CODE_AFTER];
	const GaitPlace *place;
	guint64 slot, offset;
	GaitModule *module = gait_space_find(unwinder->space, unwinder->task, address, &offset);
	GaitCall call;

	if (!module)
		return GAIT_CALL_NONE;
	place = gait_unwinder_get_place(unwinder, module, offset, address, FALSE);
	call = place->call;
	slot = *target = address + place->distance;
	if (call == GAIT_CALL_DIRECT) {
		module = gait_space_find(unwinder->space, unwinder->task, *target, &offset);
		if (!module ||
		    gait_unwinder_read_code(unwinder, module, offset, *target, sizeof(code), code) <
		        sizeof(code) ||
		    !gait_code_is_plt_entry(code, *target, &slot))
			return call;
	}
	if (call != GAIT_CALL_DIRECT && call != GAIT_CALL_SLOT)
		return call;
	/* What the linker has put there. */
	unwinder->has_read_memory = TRUE;
	return gait_snapshot_read(&unwinder->snapshot, slot, 8, target) == 8 ? GAIT_CALL_DIRECT
	                                                                     : GAIT_CALL_NONE;
}

static GaitEvidence
find_evidence(GaitUnwinder *unwinder, guint64 address)
{
	guint64 target;

	switch (resolve_call(unwinder, address, &target)) {
	case GAIT_CALL_DIRECT:
		return is_start_of_frame(unwinder, target) ? GAIT_EVIDENCE_OF_CALL
		                                           : GAIT_EVIDENCE_OF_OTHER;
	case GAIT_CALL_SLOT:
	case GAIT_CALL_INDIRECT:
		return GAIT_EVIDENCE_POSSIBLE;
	case GAIT_CALL_NONE:
	case GAIT_CALL_N_:
		break;
	}
	return GAIT_EVIDENCE_NONE;
}

/* What a word is evidence of, if it is the return address of the current frame. */
static GaitEvidence
judge(GaitUnwinder *unwinder, guint64 address)
{
	guint64 meaning = address, offset;
	GaitModule *module =
	    gait_space_find_known(unwinder->space, unwinder->task, address, &offset);
	GaitWitness *witness;

	if (address > GAIT_UNWIND_MAX_ADDRESS)
		return GAIT_EVIDENCE_NONE;
	if (module)
		meaning = gait_unwinder_get_key(module, offset, FALSE);
	witness = &unwinder->witnesses[GAIT_UNWIND_HASH(unwinder->key + meaning)];
	if (unwinder->key != 0 && witness->frame == unwinder->key && witness->word == meaning)
		return witness->evidence;
	/* Whoever looks further may have to read maps and tables. */
	if (unwinder->mode == GAIT_UNWIND_RECALLED)
		return GAIT_EVIDENCE_NONE;
	unwinder->has_read_memory = FALSE;
	*witness = (GaitWitness){unwinder->key, meaning, find_evidence(unwinder, address)};
	if (unwinder->has_read_memory || meaning == 0)
		witness->frame = 0;
	return witness->evidence;
}

gboolean
gait_unwinder_get_register(GaitUnwinder *unwinder, guint number, guint64 *value)
{
	unw_word_t word;

	if (!unwinder->has_cursor)
		return gait_unwinder_read_register(unwinder, number, value);
	if (number == GAIT_REGISTER_RSP)
		number = UNW_REG_SP;
	if (unw_get_reg(&unwinder->cursor, (int)number, &word) < 0)
		return FALSE;
	*value = word;
	return TRUE;
}

/* The frame pointer's frame: two words, saved frame pointer and return address. */
static gboolean
read_frame(GaitUnwinder *unwinder, guint64 frame_pointer, guint64 *saved, guint64 *address)
{
	guint64 distance = frame_pointer - unwinder->snapshot.base;

	return frame_pointer % 8 == 0 && distance < GAIT_SNAPSHOT_MAX &&
	       gait_unwinder_read_word(unwinder, frame_pointer, saved) &&
	       gait_unwinder_read_word(unwinder, frame_pointer + 8, address);
}

/* A function without a frame leaves the registers that a callee preserves as they were. */
static GaitUnwindResult
step_out_of_leaf(GaitUnwinder *unwinder, guint64 stack_pointer, guint64 address,
                 GaitUnwindFrame *frame)
{
	static const guint preserved[] = {3, GAIT_REGISTER_RBP, GAIT_REGISTER_RSP, 12, 13, 14, 15};
	guint32 mask = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(preserved); i++)
		mask |= 1u << preserved[i];
	unwinder->used_frame_pointer = TRUE;
	unwinder->registers.known &= mask;
	unwinder->registers.value[GAIT_REGISTER_RSP] = stack_pointer + 8;
	unwinder->has_cursor = FALSE;
	return gait_unwinder_enter(unwinder, address, frame);
}

static GaitUnwindResult
step_out_of_frame(GaitUnwinder *unwinder, guint64 frame_pointer, GaitUnwindFrame *frame)
{
	guint64 saved, address;
	GaitEvidence evidence;

	if (!read_frame(unwinder, frame_pointer, &saved, &address))
		return GAIT_UNWIND_FAILED;
	evidence = judge(unwinder, address);
	if (evidence != GAIT_EVIDENCE_OF_CALL && evidence != GAIT_EVIDENCE_POSSIBLE)
		return GAIT_UNWIND_FAILED;
	unwinder->used_frame_pointer = TRUE;
	unwinder->has_event_registers = FALSE;
	unwinder->registers.known = 1u << GAIT_REGISTER_RSP | 1u << GAIT_REGISTER_RBP;
	unwinder->registers.value[GAIT_REGISTER_RSP] = frame_pointer + 16;
	unwinder->registers.value[GAIT_REGISTER_RBP] = saved;
	unwinder->has_cursor = FALSE;
	return gait_unwinder_enter(unwinder, address, frame);
}

GaitUnwindResult
gait_unwinder_step_without_cfi(GaitUnwinder *unwinder, gboolean only_leaf, GaitUnwindFrame *frame)
{
	guint64 stack_pointer, frame_pointer, address;

	if (!gait_unwinder_get_register(unwinder, GAIT_REGISTER_RSP, &stack_pointer))
		return GAIT_UNWIND_FAILED;
	if (unwinder->depth == 0 && gait_unwinder_read_word(unwinder, stack_pointer, &address) &&
	    judge(unwinder, address) == GAIT_EVIDENCE_OF_CALL)
		return step_out_of_leaf(unwinder, stack_pointer, address, frame);
	if (only_leaf)
		return GAIT_UNWIND_FAILED;
	unwinder->needs_register = FALSE;
	if (gait_unwinder_get_register(unwinder, GAIT_REGISTER_RBP, &frame_pointer))
		return step_out_of_frame(unwinder, frame_pointer, frame);
	return unwinder->needs_register && unwinder->has_event_registers
	           ? GAIT_UNWIND_NEEDS_REGISTERS
	           : GAIT_UNWIND_FAILED;
}
