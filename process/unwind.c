// SPDX-License-Identifier: Apache-2.0
/*
 * The unwinder: libunwind with accessors of our own. It interprets nothing of DWARF itself.
 *
 * libunwind runs in an address space that no process has: each module has a fixed place there, and
 * code addresses are translated on the way in. So what libunwind caches holds for every process and
 * wherever a module is mapped, and never has to be flushed. CFI comes from the modules' files, the
 * stack from one snapshot, registers from the event; one that is not known is an error that is
 * remembered, so that the caller can ask again with it.
 *
 * What libunwind would guess (it follows rbp where there is no CFI) is not taken: see
 * unwind-frame.c for what is done instead, on evidence. A return address has to lie in executable
 * memory, after a call instruction; otherwise unwinding went wrong.
 */
#include "process/unwind-private.h"

#include <string.h>

#define GAIT_PLACES (G_GUINT64_CONSTANT(1) << 63)
/* libunwind's cache knows no difference between a pc and a return address, which belongs to the
 * instruction before it; so places exist twice. */
#define GAIT_PLACE_EXACT (G_GUINT64_CONSTANT(1) << 62)

enum {
	PLACE_SHIFT = 40,
	PLACE_MASK = 0xffff,
	/* Accesses during one step: a damaged expression may loop. */
	MAX_ACCESSES = 200000,
	MAX_FAR_READS = 64,
	MAX_DEPTH = 256,
	CACHE_SIZE = 1024,
	/* ld.so's entry has no FDE; so long it may be. */
	MAX_ENTRY_SIZE = 256,
};

/* Exported by libunwind for debuggers, declared in none of its headers. */
int _Ux86_64_dwarf_search_unwind_table(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table,
                                       unw_proc_info_t *info, int need_unwind_info, void *data);

static guint64
get_place(const GaitModule *module)
{
	return GAIT_PLACES | (guint64)gait_module_get_id(module) << PLACE_SHIFT;
}

static gboolean
is_placed(guint64 address)
{
	return (address & GAIT_PLACES) != 0;
}

/* The module at a place and the address in it. */
static GaitModule *
get_placed(const GaitUnwinder *unwinder, guint64 address, guint64 *vaddr)
{
	guint32 id = (guint32)(address >> PLACE_SHIFT) & PLACE_MASK;

	*vaddr = address & ((G_GUINT64_CONSTANT(1) << PLACE_SHIFT) - 1);
	return id < gait_modules_get_n(unwinder->modules) ? gait_modules_get(unwinder->modules, id)
	                                                  : NULL;
}

static int
find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int need_unwind_info,
               void *data)
{
	GaitUnwinder *unwinder = data;
	guint64 vaddr, place;
	GaitModule *module = is_placed(ip) ? get_placed(unwinder, ip, &vaddr) : NULL;
	const GaitCfi *cfi = module ? gait_module_get_cfi(module) : NULL;
	const GaitCfiTable *table;
	unw_dyn_info_t search = {.format = UNW_INFO_FORMAT_REMOTE_TABLE};
	int result;

	unwinder->has_no_info = TRUE;
	if (!cfi)
		return -UNW_ENOINFO;
	table = gait_cfi_get_table(cfi);
	place = ip - vaddr;
	search.start_ip = place;
	search.end_ip = place + (G_GUINT64_CONSTANT(1) << PLACE_SHIFT);
	search.u.rti.segbase = place + table->base;
	search.u.rti.table_data = place + table->vaddr;
	search.u.rti.table_len = table->n_entries;
	result =
	    _Ux86_64_dwarf_search_unwind_table(space, ip, &search, info, need_unwind_info, data);
	unwinder->has_no_info = result < 0;
	return result;
}

/* libunwind frees what it allocated itself. */
static void
put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *data)
{
}

static int
get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *address, void *data)
{
	return -UNW_ENOINFO;
}

static void
record(GaitUnwinder *unwinder, GaitReadKind kind, guint32 where, guint64 value)
{
	/* The same thing read twice decides nothing new. */
	for (guint i = 0; i < unwinder->n_reads; i++)
		if (unwinder->reads[i].kind == kind && unwinder->reads[i].where == where)
			return;
	if (unwinder->n_reads == GAIT_UNWIND_MAX_READS)
		unwinder->is_repeatable = FALSE;
	else
		unwinder->reads[unwinder->n_reads++] = (GaitMemoRead){kind, where, value};
}

gboolean
gait_unwinder_read_word(GaitUnwinder *unwinder, guint64 address, guint64 *word)
{
	guint64 offset = address - unwinder->snapshot.base;

	if (gait_snapshot_get(&unwinder->snapshot, offset, word)) {
		record(unwinder, GAIT_READ_SLOT, (guint32)offset, *word);
		return TRUE;
	}
	/* Another stack. */
	unwinder->is_repeatable = FALSE;
	return unwinder->n_far_reads++ < MAX_FAR_READS &&
	       gait_snapshot_read(&unwinder->snapshot, address, 8, word) == 8;
}

gboolean
gait_unwinder_read_register(GaitUnwinder *unwinder, guint number, guint64 *value)
{
	if (number >= GAIT_N_REGISTERS || !(unwinder->registers.known & (1u << number))) {
		unwinder->needs_register = number < GAIT_N_REGISTERS;
		return FALSE;
	}
	*value = unwinder->registers.value[number];
	/* What a frame pointer led to was recorded when it was read. */
	if (unwinder->has_event_registers && number != GAIT_REGISTER_RSP)
		record(unwinder, GAIT_READ_REGISTER, number, *value);
	return TRUE;
}

static int
access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *word, int write, void *data)
{
	GaitUnwinder *unwinder = data;
	GaitModule *module;
	guint64 vaddr;
	const GaitCfi *cfi;

	/* unw_set_reg() of the pc; the cursor keeps it, the target does not get it. */
	if (write)
		return 0;
	if (unwinder->n_accesses++ >= MAX_ACCESSES)
		return -UNW_EINVAL;
	if (!is_placed(address))
		return gait_unwinder_read_word(unwinder, address, word) ? 0 : -UNW_EINVAL;
	module = get_placed(unwinder, address, &vaddr);
	cfi = module ? gait_module_get_cfi(module) : NULL;
	/* A personality routine's address lies in the module's data; nobody here calls it. */
	if (!cfi || !gait_cfi_read(cfi, vaddr, word))
		*word = 0;
	return 0;
}

static guint64
get_lookup_pc(const GaitUnwinder *unwinder)
{
	guint64 place = get_place(unwinder->module);

	/* The cursor takes return addresses for what they are, except where it starts from one. */
	if (unwinder->has_cursor)
		return place + unwinder->vaddr;
	return (place | GAIT_PLACE_EXACT) + unwinder->vaddr - (unwinder->depth > 0 ? 1 : 0);
}

static int
access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *data)
{
	GaitUnwinder *unwinder = data;

	if (write)
		return 0;
	if (number == UNW_X86_64_RIP) {
		*value = get_lookup_pc(unwinder);
		return 0;
	}
	return gait_unwinder_read_register(unwinder, (guint)number, value) ? 0 : -UNW_EBADREG;
}

static int
access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *data)
{
	return -UNW_EBADREG;
}

static int
resume(unw_addr_space_t space, unw_cursor_t *cursor, void *data)
{
	return -UNW_EINVAL;
}

GaitUnwinder *
gait_unwinder_new(GaitModules *modules)
{
	static unw_accessors_t accessors = {
	    .find_proc_info = find_proc_info,
	    .put_unwind_info = put_unwind_info,
	    .get_dyn_info_list_addr = get_dyn_info_list_addr,
	    .access_mem = access_mem,
	    .access_reg = access_reg,
	    .access_fpreg = access_fpreg,
	    .resume = resume,
	};
	GaitUnwinder *unwinder = g_new0(GaitUnwinder, 1);

	unwinder->modules = modules;
	unwinder->unw_space = unw_create_addr_space(&accessors, 0);
	g_assert(unwinder->unw_space);
	unw_set_caching_policy(unwinder->unw_space, UNW_CACHE_GLOBAL);
	unw_set_cache_size(unwinder->unw_space, CACHE_SIZE, 0);
	gait_snapshot_init(&unwinder->snapshot);
	return unwinder;
}

void
gait_unwinder_free(GaitUnwinder *unwinder)
{
	if (!unwinder)
		return;
	unw_destroy_addr_space(unwinder->unw_space);
	gait_snapshot_clear(&unwinder->snapshot);
	g_free(unwinder);
}

GaitSnapshot *
gait_unwinder_get_snapshot(GaitUnwinder *unwinder)
{
	return &unwinder->snapshot;
}

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
	                      unwinder->vaddr >> (PLACE_SHIFT - 1) == 0;
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

void
gait_unwinder_read_code(GaitUnwinder *unwinder, guint64 address,
                        guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER])
{
	const gsize size = GAIT_CODE_BEFORE + GAIT_CODE_AFTER;
	gsize n_in_page = address % 4096;

	memset(code, 0, size);
	if (gait_snapshot_read(&unwinder->snapshot, address - GAIT_CODE_BEFORE, size, code) > 0 ||
	    n_in_page >= GAIT_CODE_BEFORE)
		return;
	/* The page before is not there. */
	gait_snapshot_read(&unwinder->snapshot, address - n_in_page,
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
	gait_unwinder_read_code(unwinder, address, code);
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
		result = unw_set_reg(&unwinder->cursor, UNW_REG_IP, get_lookup_pc(unwinder));
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

GaitUnwindResult
gait_unwinder_step(GaitUnwinder *unwinder, GaitUnwindFrame *frame)
{
	unw_word_t address;
	int result;

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
