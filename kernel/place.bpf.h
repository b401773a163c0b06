/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Places: which file an address of code belongs to, and what its unwind table says there. The
 * kernel is asked (bpf_find_vma), and each task remembers the last few dozen answers; they hold
 * until code may have come to lie elsewhere (watch_code()).
 */
#pragma once

#include "kernel/space.bpf.h"

#define EPERM     1
#define EBUSY     16
#define MAX_TRIES 8192

/* --- mappings -----------------------------------------------------------------------------------
 */

struct vma_search {
	__u64 address;
	long result;
	struct gait_tier_range *found;
	__u32 flags, pad;
};

static long
on_vma(struct task_struct *task, struct vm_area_struct *vma, void *data)
{
	struct vma_search *search = data;
	struct gait_tier_range *found = search->found;
	struct file *file = vma->vm_file;

	found->start = vma->vm_start;
	found->end = vma->vm_end;
	found->offset = vma->vm_pgoff << 12;
	found->inode = file                                               ? (__u64)file->f_inode
	               : (__u64)vma->vm_mm->context.vdso == vma->vm_start ? 1
	                                                                  : 0;
	search->flags = (__u32)vma->vm_flags;
	return 0;
}

static long
try_vma(__u32 i, void *data)
{
	struct vma_search *search = data;

	search->result =
	    bpf_find_vma(bpf_get_current_task_btf(), search->address, on_vma, search, 0);
	/* Another thread changes the mappings at this moment. */
	return search->result != -EBUSY;
}

struct range_search {
	const struct gait_tier_space *space;
	struct gait_tier_slot *slot;
	__u64 address;
	__u32 n_changes, is_found;
};

/* Looks at a range while others may be writing it. */
static long
look_at_range(__u32 i, void *data)
{
	struct range_search *search = data;
	const volatile struct gait_tier_range *range =
	    &search->space->ranges[i & (GAIT_TIER_N_RANGES - 1)];
	struct gait_tier_range *found = &search->slot->code;
	__u64 address = search->address;
	__u32 version = range->version;

	if (version & 1 || address < range->start || address >= range->end)
		return 0;
	found->start = range->start;
	found->offset = range->offset;
	found->inode = range->inode;
	search->is_found = range->mm == search->slot->mm && range->n_changes == search->n_changes &&
	                   range->end > address && range->start <= address &&
	                   range->version == version;
	return search->is_found;
}

/* Remembers where a mapping of code lies, unless code has begun to move since that was asked for:
 * who moves it may not have seen this range (meets_ranges()). Whoever is writing there already may.
 */
static __always_inline void
note_range(struct gait_tier_space *space, const struct gait_tier_slot *slot, __u32 generation,
           __u32 n_changes)
{
	const volatile struct gait_tier_space *now = space;
	__u64 next = BOUND(__sync_fetch_and_add(&space->n_ranges, 1), GAIT_TIER_N_RANGES - 1);
	volatile struct gait_tier_range *range = &space->ranges[next];
	__u32 version = range->version;

	if (version & 1 ||
	    __sync_val_compare_and_swap(&range->version, version, version + 1) != version)
		return;
	range->mm = slot->mm;
	range->n_changes = n_changes;
	range->start = slot->code.start;
	range->end = slot->code.end;
	range->offset = slot->code.offset;
	range->inode = slot->code.inode;
	if (now->n_moving || now->generation != generation)
		range->end = 0;
	range->version = version + 2;
}

/* Whether an earlier search, by whoever of the address space, has found the code at an address. */
static __always_inline int
recall_range(struct gait_tier_slot *slot, const struct gait_tier_space *space, __u64 address)
{
	struct range_search search = {
	    .space = space, .slot = slot, .address = address, .n_changes = space->n_changes};
	__u32 n = space->n_ranges;

	bpf_loop(n < GAIT_TIER_N_RANGES ? n : GAIT_TIER_N_RANGES, look_at_range, &search, 0);
	return search.is_found;
}

/* Asks the kernel. Returns how it went. */
static __always_inline int
search_vma(struct gait_tier_slot *slot, __u64 address)
{
	struct vma_search search = {.address = address, .found = &slot->code};

	bpf_loop(MAX_TRIES, try_vma, &search, 0);
	if (search.result == -EBUSY)
		return GAIT_TIER_BUSY;
	return search.result == 0 && (search.flags & VM_EXEC) ? GAIT_TIER_FOUND
	                                                      : GAIT_TIER_NO_MAPPING;
}

/*
 * What code is mapped at an address: slot->code. While another thread changes mappings, and it may
 * be kept from going on for long, the kernel does not say: so ranges are remembered as a whole.
 * Returns how it went.
 */
__noinline int
gait_find_code(struct gait_tier_slot *slot, __u64 address)
{
	struct gait_tier_space *space;
	__u32 index, generation, n_changes;
	int how;

	if (!slot)
		return GAIT_TIER_NO_MAPPING;
	index = slot->space;
	space = bpf_map_lookup_elem(&spaces, &index);
	if (!space)
		return GAIT_TIER_NO_MAPPING;
	if (recall_range(slot, space, address))
		return GAIT_TIER_FOUND;
	generation = *(volatile __u32 *)&space->generation;
	n_changes = *(volatile __u32 *)&space->n_changes;
	how = search_vma(slot, address);
	if (how == GAIT_TIER_FOUND)
		note_range(space, slot, generation, n_changes);
	return how;
}

/* The file that an inode is; ANON where there is none, NONE where nobody has told of it. */
static __always_inline __u32
find_file(__u64 inode)
{
	__u32 *file = inode ? bpf_map_lookup_elem(&file_of_inode, &inode) : 0;

	return file ? *file : inode ? GAIT_TIER_NONE : GAIT_TIER_ANON;
}

/* FF /2 with a ModR/M byte that makes the instruction n bytes long. */
static __always_inline int
is_indirect(const __u8 *code, __u32 n)
{
	__u8 modrm = code[1], mod = modrm >> 6, rm = modrm & 7;
	__u32 has_sib = mod != 3 && rm == 4;
	__u32 size = mod == 1                                             ? 1
	             : mod == 2                                           ? 4
	             : mod == 0 && rm == 5                                ? 4
	             : mod == 0 && has_sib && n > 2 && (code[2] & 7) == 5 ? 4
	                                                                  : 0;

	return code[0] == 0xff && (modrm >> 3 & 7) == 2 && n == 2 + has_sib + size;
}

/*
 * As gait_code_get_call(): whether a return address may be one. Code that is not in memory at this
 * moment (a child's, that has run none of it yet) gets the benefit of the doubt: the question keeps
 * a walk that went wrong from being believed, it does not stop who can write to the stack.
 */
__noinline int
gait_is_after_call(__u64 pc)
{
	__u8 code[8] = {};

	if (bpf_probe_read_user(code, 8, (void *)(pc - 8)) &&
	    bpf_probe_read_user(code + 4, 4, (void *)(pc - 4)))
		return 1;
	return code[3] == 0xe8 || is_indirect(code + 1, 7) || is_indirect(code + 2, 6) ||
	       is_indirect(code + 4, 4) || is_indirect(code + 5, 3) || is_indirect(code + 6, 2) ||
	       is_indirect(code + 3, 5);
}

struct row_search {
	__u32 low, high, found;
	__u32 offset;
};

static long
halve(__u32 i, void *data)
{
	struct row_search *search = data;
	__u32 middle = search->low + (search->high - search->low) / 2;
	const struct gait_unwind_row *row;

	if (search->low >= search->high)
		return 1;
	row = bpf_map_lookup_elem(&rows, &middle);
	if (!row)
		return 1;
	if (row->start <= search->offset) {
		search->found = middle;
		search->low = middle + 1;
	} else {
		search->high = middle;
	}
	return 0;
}

__noinline int
gait_find_row(const struct gait_tier_file *file, __u64 offset, struct gait_unwind_row *found)
{
	struct row_search search = {.found = GAIT_TIER_NONE, .offset = (__u32)offset};
	const struct gait_unwind_row *row;

	if (!file || !found)
		return 0;
	search.low = file->first_row;
	search.high = file->first_row + file->n_rows;
	bpf_loop(GAIT_UNWIND_MAX_PROBES, halve, &search, 0);
	row = search.found == GAIT_TIER_NONE ? 0 : bpf_map_lookup_elem(&rows, &search.found);
	if (!row)
		return 0;
	*found = *row;
	return 1;
}

static __always_inline void
describe_file(struct gait_tier_place *place, __u32 index, int is_instruction)
{
	struct gait_tier_twin twin = {index, place->offset};
	const struct gait_tier_file *file = bpf_map_lookup_elem(&files, &index);
	__u64 *first;

	if (!file)
		return;
	place->flags |= file->flags;
	place->module = file->walk_module;
	if (gait_find_row(file, place->offset - (is_instruction ? 2 : 1), &place->row) &&
	    (place->row.flags & GAIT_UNWIND_GO_RUNTIME))
		place->module = file->part_module;
	first = is_instruction ? bpf_map_lookup_elem(&twins, &twin) : 0;
	if (first)
		place->issuer = *first;
}

/* Fills in a place. pc: after the instruction, or a return address. Returns how it went. */
__noinline int
gait_look_up(struct gait_tier_slot *slot, __u64 pc, __u32 at, int is_instruction)
{
	struct gait_tier_place *place;
	__u32 generation;
	int how;

	if (!slot || at >= GAIT_TIER_N_CACHED)
		return GAIT_TIER_NO_MAPPING;
	generation = get_generation(slot);
	place = &slot->places[at];
	place->pc = place->generation = 0; /* 0 is an address, too */
	how = gait_find_code(slot, pc - (is_instruction ? 2 : 1));
	if (how != GAIT_TIER_FOUND)
		return how;
	place->file = find_file(slot->code.inode);
	place->flags = 0;
	place->module = place->file == GAIT_TIER_ANON ? config.anon_module : GAIT_WALK_NONE;
	place->offset =
	    place->file == GAIT_TIER_ANON ? 0 : pc - slot->code.start + slot->code.offset;
	place->issuer = place->offset;
	__builtin_memset(&place->row, 0, sizeof(place->row));
	if (place->file < GAIT_TIER_MAX_FILES)
		describe_file(place, place->file, is_instruction);
	if (!is_instruction && gait_is_after_call(pc))
		place->flags |= GAIT_TIER_PLACE_AFTER_CALL;
	place->generation = generation;
	place->pc = pc << 1 | !!is_instruction;
	return GAIT_TIER_FOUND;
}

/* The first of the places where it may be remembered. */
static __always_inline __u32
find_cached(__u64 pc)
{
	return (__u32)(pc * 0x9e3779b97f4a7c15ull >> 32) &
	       (GAIT_TIER_N_CACHED / GAIT_TIER_N_WAYS - 1) * GAIT_TIER_N_WAYS;
}

static __always_inline int
is_cached(const struct gait_tier_place *place, __u64 pc, int is_instruction, __u32 generation)
{
	return place->pc == (pc << 1 | !!is_instruction) && place->generation == generation;
}

/* The place of an address, which is slot->places[slot->at] too. Returns how it went. */
static __always_inline int
find_place(struct gait_tier_slot *slot, __u64 pc, int is_instruction,
           struct gait_tier_place **place)
{
	__u64 at = find_cached(pc);
	__u32 generation = get_generation(slot);

	for (__u32 i = 0; i < GAIT_TIER_N_WAYS; i++) {
		__u64 index = BOUND(at + i, GAIT_TIER_N_CACHED - 1);

		*place = &slot->places[index];
		slot->at = index;
		if (generation && is_cached(*place, pc, is_instruction, generation))
			return GAIT_TIER_FOUND;
	}
	at = BOUND(at + slot->n_fetched++ % GAIT_TIER_N_WAYS, GAIT_TIER_N_CACHED - 1);
	*place = &slot->places[at];
	slot->at = at;
	return gait_look_up(slot, pc, at, is_instruction);
}
