// SPDX-License-Identifier: Apache-2.0
/*
 * Places: what unwinding wants to know of a code address, remembered by module and file offset, so
 * that it holds in every process and wherever the module lies. A program comes to the kernel by few
 * paths, which meet in the runtime: nearly all walks go by places that are known. A place is a row
 * of the unwind table, made by itself, and what the code around the address shows.
 *
 * Code of files is taken not to change; that of memory is read each time, and never remembered.
 */
#include "process/unwind-private.h"

#include "process/issuer.h"

#include <string.h>

enum {
	/* What lies further up in a file is not remembered. */
	OFFSET_BITS = 47,
	SYSCALL_SIZE = 2,
};

gsize
gait_unwinder_read_code(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
                        gsize size, guint8 *code)
{
	if (gait_module_read(module, offset, size, code))
		return size;
	/* Memory may change, and differ from process to process. */
	unwinder->has_read_memory = TRUE;
	return gait_snapshot_read(&unwinder->snapshot, address, size, code);
}

/* The code around a return address; 0 where there is none. */
static void
read_around(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
            guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER])
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

/* What the code around a return address shows. */
static void
look_around(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
            GaitPlace *place)
{
	guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER];
	guint64 target = address;

	read_around(unwinder, module, offset, address, code);
	place->is_signal_return = gait_code_is_signal_return(code + GAIT_CODE_BEFORE);
	place->is_context_start = gait_code_is_context_start(code);
	place->call = gait_code_get_call(code, address, &target);
	place->distance = target - address;
}

static gboolean
has_file(const GaitModule *module)
{
	GaitModuleKind kind = gait_module_get_kind(module);

	return kind == GAIT_MODULE_FILE || kind == GAIT_MODULE_VDSO;
}

static void
make_place(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
           gboolean is_instruction, GaitPlace *place)
{
	*place = (GaitPlace){.first = offset + SYSCALL_SIZE};
	unwinder->has_read_memory = FALSE;
	if (!is_instruction)
		look_around(unwinder, module, offset, address, place);
	if (!has_file(module))
		return;
	place->has_vaddr = gait_module_get_vaddr(module, offset, &place->vaddr) &&
	                   place->vaddr < GAIT_UNWIND_MAX_VADDR;
	if (place->has_vaddr && (is_instruction || offset > 0))
		place->is_covered = gait_module_find_unwind_row(
		    module, is_instruction ? offset : offset - 1, &place->row);
	if (is_instruction)
		place->first = gait_issuer_find_first(module, offset + SYSCALL_SIZE);
	/* To be there when it is asked for and nothing may change. */
	if (place->row.flags & GAIT_UNWIND_GO_RUNTIME)
		gait_modules_get_runtime_part(unwinder->modules, module);
}

guint64
gait_unwinder_get_key(const GaitModule *module, guint64 offset, gboolean is_instruction)
{
	if (!has_file(module) || offset >> OFFSET_BITS != 0)
		return 0;
	/* Module 0 is [unknown]. */
	return (guint64)gait_module_get_id(module) << (OFFSET_BITS + 1) |
	       (guint64)is_instruction << OFFSET_BITS | offset;
}

GaitPlace *
gait_unwinder_get_place(GaitUnwinder *unwinder, GaitModule *module, guint64 offset, guint64 address,
                        gboolean is_instruction)
{
	guint64 key = gait_unwinder_get_key(module, offset, is_instruction);
	GaitPlace *place = key == 0 ? &unwinder->unkept : &unwinder->places[GAIT_UNWIND_HASH(key)];

	if (key != 0 && place->key == key)
		return place;
	/* A file's tables may have to be read. */
	if (unwinder->mode == GAIT_UNWIND_RECALLED && has_file(module))
		return NULL;
	make_place(unwinder, module, offset, address, is_instruction, place);
	place->key = unwinder->has_read_memory ? 0 : key;
	return place;
}
