/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walk outward again. Nearly every call comes by a way that was gone before, whose frames are
 * found by adding a constant to the stack pointer: for each address the task remembers this
 * constant, or that the address is the site. It is the walk of outward.bpf.h, which notes its hops
 * here, and ends in the same frame; where a hop is not known, or the stack is not there, that walk
 * is made anew.
 */
#pragma once

#include "kernel/own-memory.bpf.h"
#include "kernel/place.bpf.h"

/* A way outward, as far as its responsible frame. */
struct way {
	__u64 issuer, site; /* as place.pc */
	__u64 hash;         /* of all its addresses */
	__u32 generation;
};

static __always_inline __u64
mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0xff51afd7ed558ccdull;
	return hash ^ hash >> 32;
}

/* The first of the hops where it may be; the others are in the same line. */
static __always_inline __u64
get_hops_at(__u64 key)
{
	return (key * 0x9e3779b97f4a7c15ull >> 32) &
	       (GAIT_TIER_N_HOPS / GAIT_TIER_N_WAYS - 1) * GAIT_TIER_N_WAYS;
}

/* 0: not known. */
static __always_inline const struct gait_tier_hop *
find_hop(const struct gait_tier_slot *slot, __u64 key, __u32 generation)
{
	const struct gait_tier_hop *hop =
	    &slot->hops[BOUND(get_hops_at(key), GAIT_TIER_N_HOPS - GAIT_TIER_N_WAYS)];

	for (int i = 0; i < GAIT_TIER_N_WAYS; i++, hop++)
		if (hop->pc == key)
			return hop->generation == generation ? hop : 0;
	return 0;
}

/* kind: SITE, or ON, where the row says how. */
static __always_inline void
note_hop(struct gait_tier_slot *slot, const struct gait_tier_place *place, __u16 kind)
{
	__u64 at = get_hops_at(place->pc), free = slot->n_fetched;
	__s32 cfa = place->row.cfa_offset;
	struct gait_tier_hop *hop;

	if (kind == GAIT_TIER_HOP_ON &&
	    (place->row.cfa != GAIT_CFA_RSP || cfa < 8 || cfa > 0xfff8 || cfa & 7))
		return;
	for (int i = 0; i < GAIT_TIER_N_WAYS; i++)
		if (slot->hops[BOUND(at + i, GAIT_TIER_N_HOPS - 1)].pc == place->pc)
			free = i;
	hop = &slot->hops[BOUND(at + free % GAIT_TIER_N_WAYS, GAIT_TIER_N_HOPS - 1)];
	hop->pc = place->pc;
	hop->generation = place->generation;
	hop->kind = kind;
	hop->cfa = (__u16)cfa;
}

/* A way that goes no further than frame 0. */
static __always_inline void
begin_hop(const struct gait_tier_slot *slot, const __u64 *registers, struct way *way)
{
	__u64 pc = registers[REGS_RIP];

	way->generation = get_generation(slot);
	way->issuer = way->site = pc << 1 | 1;
	way->hash = mix(config.seed ^ way->generation, pc);
}

static __always_inline void
add_hop(struct way *way, __u64 pc)
{
	way->site = pc << 1;
	way->hash = mix(way->hash, pc);
}

/* From the caller of frame 0, if that is within the runtime, further out; sp: behind its return
 * address. 0: not by hops, or it is the site itself. */
__noinline int
gait_hop_outward(struct gait_tier_slot *slot, struct way *way, __u64 sp)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct gait_tier_hop *hop;
	__u64 pc;

	if (!slot || !way || way->site & 1)
		return 0;
	hop = find_hop(slot, way->site, way->generation);
	if (!hop || hop->kind == GAIT_TIER_HOP_SITE)
		return 0;
	for (int i = 1; i < GAIT_TIER_MAX_FRAMES && hop && hop->kind == GAIT_TIER_HOP_ON; i++) {
		sp += hop->cfa;
		if (read_own(task, slot->pages, sp - 8, &pc))
			return 0;
		add_hop(way, pc);
		hop = find_hop(slot, way->site, way->generation);
	}
	return hop && hop->kind == GAIT_TIER_HOP_SITE;
}

/*
 * A way as far as the caller of frame 0: nearly always that is the site. What is known of a way
 * that ends there (a memo, the number of a stack) is known of this one, since whether an address
 * may be a site hangs on nothing else. Returns the stack pointer there; 0: it has to be looked for.
 */
static __always_inline __u64
begin_hops(struct gait_tier_slot *slot, const struct task_struct *task, const __u64 *registers,
           struct way *way)
{
	const struct gait_tier_hop *hop;
	__u64 pc, sp;

	begin_hop(slot, registers, way);
	if (!way->generation)
		return 0;
	hop = find_hop(slot, way->site, way->generation);
	if (!hop)
		return 0;
	sp = registers[REGS_RSP];
	if (hop->kind == GAIT_TIER_HOP_SITE)
		return sp;
	sp += hop->cfa;
	/* What is in there is read again, not kept twice on the stack: Linux 6.1 has no more. */
	asm volatile("" : : "r"(way) : "memory");
	if (read_own(task, slot->pages, sp - 8, &pc))
		return 0;
	add_hop(way, pc);
	return sp;
}
