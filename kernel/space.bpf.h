/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Address spaces: what is remembered of where code lies holds in one of them, and in one generation
 * of it. Calls after which code may lie elsewhere begin another one.
 */
#pragma once

#include "kernel/own-memory.bpf.h"

/* In which generation of its address space a task is; 0: code is moving, so that nothing that is
 * remembered holds. */
static __always_inline __u32
get_generation(const struct gait_tier_slot *slot)
{
	__u32 index = slot->space;
	const struct gait_tier_space *space = bpf_map_lookup_elem(&spaces, &index);

	return space && !space->n_moving ? space->generation : 0;
}

/* Numbers of calls after which code may lie elsewhere. */
enum {
	MMAP = 9,
	MPROTECT = 10,
	BRK = 12,
	MREMAP = 25,
	SHMAT = 30,
	REMAP_FILE_PAGES = 216,
	PKEY_MPROTECT = 329
};

#define PROT_READ         1
#define PROT_EXEC         4
#define SHM_EXEC          0100000
#define READ_IMPLIES_EXEC 0x400000  /* a personality */
#define PROT_GROWS        0x3000000 /* down or up: further than it says */
#define MAP_FIXED         0x100010  /* or without replacing anything */
#define TS_COMPAT         2

/* A call by the numbers of another architecture, or of x32. */
static __always_inline int
is_foreign(const struct task_struct *task, __u32 nr)
{
	return nr >= GAIT_TIER_N_SYSCALLS || (task->thread_info.status & TS_COMPAT);
}

static __always_inline int
may_move_code(const struct task_struct *task, const __u64 *registers, __u32 nr)
{
	int is_any = (task->personality & READ_IMPLIES_EXEC) != 0;

	switch (nr) {
	case MMAP:
	case MPROTECT:
	case PKEY_MPROTECT:
		return registers[REGS_RDX] & (is_any ? PROT_EXEC | PROT_READ : PROT_EXEC);
	case SHMAT:
		return is_any || registers[REGS_RDX] & SHM_EXEC;
	case BRK:
		return is_any;
	case MREMAP:
	case REMAP_FILE_PAGES:
		return 1;
	}
	return 0;
}

static __always_inline __u64
get_mm(const struct task_struct *task)
{
	return HAS_DIRECT_READS ? load((__u64)&task->mm) : (__u64)task->mm;
}

/* The kernel's name for an address space may have been another one's before. */
static __always_inline struct gait_tier_space *
enter_space(struct gait_tier_slot *slot, __u64 mm)
{
	struct gait_tier_space *space;

	if (slot->mm == mm)
		return bpf_map_lookup_elem(&spaces, &slot->space);
	slot->mm = mm;
	slot->pages[0].number = slot->pages[1].number = 0;
	/* Before Linux 6.2 it was a pointer up to here. */
	mm = *(volatile __u64 *)&slot->mm;
	slot->space = mm * 0x9e3779b97f4a7c15ull >> 54;
	space = bpf_map_lookup_elem(&spaces, &slot->space);
	if (space) {
		__sync_fetch_and_add(&space->generation, 2);
		__sync_fetch_and_add(&space->n_changes, 1);
	}
	return space;
}

struct extent {
	const struct gait_tier_space *space;
	__u64 start, end;
	__u32 is_met;
};

static long
meet_range(__u32 i, void *data)
{
	struct extent *extent = data;
	const volatile struct gait_tier_range *range =
	    &extent->space->ranges[i & (GAIT_TIER_N_RANGES - 1)];
	__u32 version = range->version;

	if (version & 1 || (range->start < extent->end && range->end > extent->start) ||
	    range->version != version)
		extent->is_met = 1;
	return extent->is_met;
}

/* That a mapping may have which begins there; sizes are rounded up to it. hugetlbfs has such of 2
 * MB and of 1 GB, and refuses to begin one elsewhere than at a multiple. */
static __always_inline __u64
get_largest_page(__u64 start)
{
	return !(start & ((1u << 30) - 1))   ? 1u << 30
	       : !(start & ((1u << 21) - 1)) ? 1u << 21
	                                     : 4096;
}

/*
 * Whether what a call does to code may concern a range that is remembered. Who makes code
 * executable all day long, as compilers at run time do, says where, and libraries do not lie there.
 * n_moving has gone up before: a range that is noted from now on is of no use to anybody.
 */
__noinline int
gait_meets_ranges(const struct gait_tier_space *space, __u64 nr)
{
	const __u64 *registers = get_registers();
	struct extent extent = {.space = space};

	if (!space)
		return 1;
	if (nr == MMAP
	        ? !(registers[REGS_R10] & MAP_FIXED)
	        : (nr != MPROTECT && nr != PKEY_MPROTECT) || registers[REGS_RDX] & PROT_GROWS)
		return 1;
	extent.start = registers[REGS_RDI];
	extent.end = extent.start + registers[REGS_RSI] + get_largest_page(extent.start);
	if (extent.end < extent.start)
		return 1;
	bpf_loop(GAIT_TIER_N_RANGES, meet_range, &extent, 0);
	return extent.is_met;
}

/*
 * Nobody can say at which moment such a call takes effect, only that it has when its task makes the
 * next one. Up to then no place is believed to be what it was. A generation is odd, and so not 0.
 */
static __always_inline int
watch_code(struct gait_tier_slot *slot, const struct task_struct *task, const __u64 *registers,
           __u32 nr)
{
	struct gait_tier_space *space = enter_space(slot, get_mm(task));

	if (!space)
		return 0;
	if (slot->is_moving) {
		__sync_fetch_and_add(&space->generation, 2);
		__sync_fetch_and_add(&space->n_moving, -1);
		slot->is_moving = 0;
	}
	if (is_foreign(task, nr) || may_move_code(task, registers, nr)) {
		slot->is_moving = 1;
		__sync_fetch_and_add(&space->n_moving, 1);
		__sync_fetch_and_add(&space->generation, 2);
		if (is_foreign(task, nr) || gait_meets_ranges(space, nr))
			__sync_fetch_and_add(&space->n_changes, 1);
	}
	return 1;
}
