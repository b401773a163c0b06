// SPDX-License-Identifier: Apache-2.0
/*
 * libunwind with accessors of our own. It runs in an address space that no process has: each module
 * has a fixed place there, and code addresses are translated on the way in. So what libunwind
 * caches holds for every process and wherever a module is mapped, and never has to be flushed. CFI
 * comes from the modules' files, the stack from one snapshot, registers from the event; one that is
 * not known is an error that is remembered, so that the caller can ask again with it.
 */
#include "process/unwind-private.h"

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
	CACHE_SIZE = 1024,
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

gboolean
gait_unwinder_read_word(GaitUnwinder *unwinder, guint64 address, guint64 *word)
{
	guint64 offset = address - unwinder->snapshot.base;

	if (gait_snapshot_get(&unwinder->snapshot, offset, word)) {
		unwinder->start->reach = MAX(unwinder->start->reach, (guint32)offset + 8);
		return TRUE;
	}
	/* Another stack. */
	return !unwinder->snapshot.is_past && unwinder->n_far_reads++ < MAX_FAR_READS &&
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

guint64
gait_unwinder_get_lookup_pc(const GaitUnwinder *unwinder)
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
		*value = gait_unwinder_get_lookup_pc(unwinder);
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
	if (!unwinder->unw_space) /* as GLib does */
		g_error("unw_create_addr_space: failed to allocate");
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
