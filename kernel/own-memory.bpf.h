/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Words of the current task's memory, for who only wants to know whether they are what they were
 * before. A helper that copies from user space takes as long as a short system call; nearly all of
 * the physical memory is in the kernel's address space as well (its direct map), and the page
 * tables say where. So the tables are walked and the word is read there, by loads that the
 * processor may fault at without harm.
 *
 * Such a word may be stale where the page is being taken away at this very moment, and one is not
 * to be had of every page. Both lead to the copying helper: nobody may be accused for what is read
 * here. Method: AMD64 Architecture Programmer's Manual, volume 2, section 5.3 (long-mode page
 * translation); Documentation/arch/x86/x86_64/mm.rst of Linux (the direct map).
 */
#pragma once

#include "kernel/maps.bpf.h"

#include <bpf/bpf_core_read.h>

/* Any structure that begins with a number. */
struct pt_regs {
	unsigned long r15;
} __attribute__((preserve_access_index));

enum special_kfunc_type { KF_bpf_rdonly_cast };

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

/* Since Linux 6.2. */
#define HAS_DIRECT_READS bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast)

/* Entries of page tables. */
#define ENTRY_PRESENT 0x001ull
#define ENTRY_USER    0x004ull
#define ENTRY_LARGE   0x080ull
#define ENTRY_SPECIAL 0x200ull /* Linux's own, of any size: of no memory that it manages */
#define ENTRY_ADDRESS 0x000ffffffffff000ull

#define PAGE_SHIFT 12

/* 0 where nothing is. */
static __always_inline __u64
load(__u64 address)
{
	const struct pt_regs *word =
	    bpf_rdonly_cast((const void *)address, bpf_core_type_id_kernel(struct pt_regs));

	return word->r15;
}

/* Of memory that the task may see, or of a table of such. */
static __always_inline int
is_user_entry(__u64 entry)
{
	return (entry & (ENTRY_PRESENT | ENTRY_USER | ENTRY_SPECIAL)) ==
	       (ENTRY_PRESENT | ENTRY_USER);
}

/* The task's page tables. By loads of its own, since for each pointer that is followed with
 * its type the verifier searches the names of all types, which takes it a millisecond. */
static __always_inline __u64
get_page_tables(const struct task_struct *task)
{
	return load(load((__u64)&task->mm) + bpf_core_field_offset(struct mm_struct, pgd));
}

/* Where the kernel has a page of the task's, in a direct map that begins at *map: read where it is
 * needed, for want of registers. 0: nowhere. */
static __always_inline __u64
find_own_page(const struct task_struct *task, const volatile __u64 *map, __u64 address,
              struct gait_tier_page *page)
{
	int shift = *map >> 48 == 0xffff ? 39 : 48; /* four levels or five */
	__u64 at = get_page_tables(task), entry, within;

	page->number = 0;
	if (address >> shift >> 8)
		return 0;
	for (;; shift -= 9) {
		at += (address >> shift & 511) * 8;
		entry = load(at);
		if (!is_user_entry(entry))
			return 0;
		if (shift <= PAGE_SHIFT || entry & ENTRY_LARGE)
			break;
		at = *map + (entry & ENTRY_ADDRESS);
	}
	within = (1ull << shift) - 1;
	page->number = address >> PAGE_SHIFT;
	page->entry_at = at;
	page->entry = entry;
	page->base = *map + (entry & ENTRY_ADDRESS & ~within) +
	             (address & within & ~((1ull << PAGE_SHIFT) - 1));
	return page->base;
}

/* The same, if need be: pages are of the same address space, and a page is where it was while its
 * entry is what it was. */
static __always_inline __u64
recall_own_page(const struct task_struct *task, struct gait_tier_page pages[2], __u64 address)
{
	struct gait_tier_page *page = &pages[address >> PAGE_SHIFT & 1];

	if (page->number == address >> PAGE_SHIFT && load(page->entry_at) == page->entry)
		return page->base;
	return shared.direct_map ? find_own_page(task, &shared.direct_map, address, page) : 0;
}

/* task: the current one. 0, or not 0 where the word is not to be had. */
static __always_inline int
read_own(const struct task_struct *task, struct gait_tier_page pages[2], __u64 address, __u64 *word)
{
	__u64 base = HAS_DIRECT_READS && !(address & 7) ? recall_own_page(task, pages, address) : 0;

	if (base) {
		*word = load(base + (address & ((1ull << PAGE_SHIFT) - 1)));
		/* Some memory is not in the map (memfd_secret). */
		if (*word)
			return 0;
	}
	return bpf_probe_read_user(word, 8, (void *)address) != 0;
}

/* --- where the direct map is --------------------------------------------------------------------
 */

struct map_search {
	__u64 words; /* the address of GAIT_TIER_N_PROBES words, a page apart */
	__u64 first; /* the first place where the map may begin */
};

static long
try_map(__u32 i, void *data)
{
	const struct map_search *search = data;
	__u64 map = search->first + ((__u64)i << GAIT_TIER_MAP_SHIFT), address, base, word = 0;
	struct gait_tier_page page;

	for (int n = 0; n < GAIT_TIER_N_PROBES; n++) {
		address = search->words + (__u64)n * GAIT_TIER_PROBE_STRIDE;
		base = find_own_page(bpf_get_current_task_btf(), &map, address, &page);
		if (!base || bpf_probe_read_user(&word, 8, (void *)address) ||
		    load(base + (address & ((1ull << PAGE_SHIFT) - 1))) != word)
			return 0;
	}
	shared.direct_map = map;
	return 1;
}

/*
 * Run by user space, with numbers that nobody can guess in its memory, and how much physical memory
 * there is: a map is where it should be when all of these are found by it. What lies before the map
 * is nothing, so that places are tried upwards.
 */
SEC("raw_tp/gait_direct_map")
int
on_direct_map(__u64 *arguments)
{
	struct map_search search = {.words = arguments[0]};
	__u64 n = arguments[1] >> GAIT_TIER_MAP_SHIFT;
	__u64 table;

	if (!HAS_DIRECT_READS || n >= GAIT_TIER_MAX_MAPS)
		return 0;
	table = get_page_tables(bpf_get_current_task_btf());
	search.first = ((table >> GAIT_TIER_MAP_SHIFT) - n) << GAIT_TIER_MAP_SHIFT;
	bpf_loop((__u32)n + 1, try_map, &search, 0);
	return shared.direct_map != 0;
}
