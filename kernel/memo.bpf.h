/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Steps that were made before. Most of a program's calls are one of a few dozen steps over and
 * over: which states a task has come from to make such a step, where it leads and that it changes
 * nothing else is remembered, and compared with less than looking it up takes.
 */
#pragma once

#include "kernel/hop.bpf.h"
#include "kernel/step.bpf.h"

/* What is more than a move from state to state. A milestone that was reached before is not. */
#define MEMO_UNFIT (GAIT_WALK_CONTINUES | GAIT_WALK_RETURNS | GAIT_WALK_CREATES | GAIT_WALK_EXECS)

/* The phase, and whether that is all that is known of it, in one number. */
static __always_inline __u32
get_phase(const struct gait_walk_position *position)
{
	return position->phase | (__u32) !!position->is_loose << 31;
}

/* The first of the two where it may be. */
static __always_inline __u64
get_memos_at(const struct way *way, __u32 nr, __u32 klass)
{
	__u64 hash = (way->issuer ^ way->site << 17) * 0x9e3779b97f4a7c15ull +
	             (nr ^ (__u64)klass << 32) * 0xc2b2ae3d27d4eb4full;

	return hash >> 58 & (GAIT_TIER_N_MEMOS - 2);
}

static __always_inline int
is_memo(const struct gait_tier_memo *memo, const struct gait_walk_position *position,
        const struct way *way, __u32 nr, __u32 klass)
{
	return memo->issuer == way->issuer && memo->site == way->site &&
	       memo->generation == way->generation && memo->nr == nr && memo->klass == klass &&
	       memo->phase == get_phase(position) && memo->role == position->role;
}

static __always_inline int
has_from(const struct gait_tier_memo *memo, __u32 from)
{
	for (__u32 i = 0; i < GAIT_TIER_N_FROM; i++)
		if (memo->from[i] == from)
			return i < memo->n_from;
	return 0;
}

/* As gait_walk_knows_entry(). */
static __always_inline int
knows_entry(const struct gait_tier_memo *memo, const struct gait_walk_position *position)
{
	return !memo->needs || !position->has_waited || position->is_loose ||
	       (position->entries >> ((memo->needs - 1) & 31) & 1);
}

/* Makes a step that was made before. 0: it has to be looked up. first: of the states. */
static __always_inline int
repeat_step(struct gait_tier_slot *slot, __u32 first, const struct way *way, __u32 nr, __u32 klass)
{
	__u64 at = BOUND(get_memos_at(way, nr, klass), GAIT_TIER_N_MEMOS - 2);
	const struct gait_tier_memo *memo = &slot->memos[at];
	struct state_row row = {.first = first};
	__u32 index = slot->index, *state;

	if (!is_memo(memo, &slot->position, way, nr, klass)) {
		memo++;
		if (!is_memo(memo, &slot->position, way, nr, klass))
			return 0;
	}
	row.states = bpf_map_lookup_elem(&states, &index);
	if (!row.states || !knows_entry(memo, &slot->position))
		return 0;
	state = get_state_at(&row, memo->library);
	if (!memo->stays) {
		if (!has_from(memo, *state))
			return 0;
		*state = memo->to;
	}
	if (memo->adds)
		slot->position.entries |= 1u << ((memo->adds - 1) & 31);
	if (memo->waits) {
		slot->position.has_waited = 1;
		slot->position.entries = 0;
	}
	return 1;
}

/* Whether an allowed step hangs on nothing but what a memo holds. phase: before it. A call that
 * the kernel makes again was not looked up at all. */
static __always_inline int
is_memorable(const struct step_parts *parts, const struct gait_tier_step *step, __u32 phase)
{
	const struct gait_walk_position *position = &parts->slot->position;

	return step->event.nr != SYS_RESTART_SYSCALL && step->event.nr < GAIT_TIER_N_SYSCALLS &&
	       step->found.symbol != GAIT_WALK_NONE && !(step->found.flags & MEMO_UNFIT) &&
	       position->role != GAIT_WALK_NONE && get_phase(position) == phase;
}

static __always_inline __u8
find_entry(const struct step_parts *parts, __u32 kind, __u32 a, __u32 b)
{
	const struct gait_walk_position *position = &parts->slot->position;
	__u32 bit =
	    gait_walk_lookup(parts->walk_table, kind, position->program, position->role, a, b, 0);

	return bit == GAIT_WALK_NONE ? 0 : (bit & 31) + 1;
}

/* The entry that has to be behind a call; as gait_walk_knows_phase(). */
static __always_inline __u8
find_needed(const struct step_parts *parts, const struct gait_tier_step *step)
{
	const struct gait_walk_position *position = &parts->slot->position;
	const struct gait_walk_phase *bounds = gait_walk_get_phase(
	    parts->walk_table, position->program, position->role, position->phase);

	if (position->is_loose || step->found.may_miss ||
	    (step->found.flags & GAIT_WALK_INCIDENTAL) || !bounds->led ||
	    !gait_walk_has_call(parts->walk_table, bounds->led, step->found.call))
		return 0;
	return find_entry(parts, GAIT_WALK_KEY_LED, position->phase, step->found.call);
}

/* Remembers a step, which was allowed. phase: get_phase() before it. While code moves addresses say
 * nothing: of generation 0 there are no memos. */
__noinline int
gait_remember_step(struct gait_tier_step *step, struct way *way, __u32 phase)
{
	struct gait_tier_memo *memo;
	struct step_parts parts;
	__u32 nr, klass;
	__u64 at, next;

	if (!step || !way || !way->generation || !get_parts(step, &parts) ||
	    !is_memorable(&parts, step, phase))
		return 0;
	nr = step->event.nr;
	klass = step->event.klass;
	at = get_memos_at(way, nr, klass);
	next = parts.slot->n_fetched++;
	memo = &parts.slot->memos[BOUND(at, GAIT_TIER_N_MEMOS - 1)];
	if (!is_memo(memo, &parts.slot->position, way, nr, klass)) {
		memo = &parts.slot->memos[BOUND(at + 1, GAIT_TIER_N_MEMOS - 1)];
		if (!is_memo(memo, &parts.slot->position, way, nr, klass)) {
			memo = &parts.slot->memos[BOUND(at + (next & 1), GAIT_TIER_N_MEMOS - 1)];
			memo->n_from = 0;
		}
	}
	memo->issuer = way->issuer;
	memo->site = way->site;
	memo->generation = way->generation;
	memo->nr = nr;
	memo->klass = klass;
	memo->role = parts.slot->position.role;
	memo->phase = phase;
	memo->library = step->found.library;
	memo->to = step->found.flags & GAIT_WALK_OPEN
	               ? GAIT_WALK_NONE
	               : gait_walk_get_symbol(parts.walk_table, step->found.symbol)->state;
	memo->waits = (step->found.flags & GAIT_WALK_WAITS) != 0;
	memo->stays = (step->found.flags & GAIT_WALK_STAYS) != 0;
	memo->needs = find_needed(&parts, step);
	memo->adds = step->found.flags & GAIT_WALK_ENTRY
	                 ? find_entry(&parts, GAIT_WALK_KEY_ENTRY, step->found.symbol, 0)
	                 : 0;
	if (memo->n_from < GAIT_TIER_N_FROM)
		next = memo->n_from++;
	memo->from[BOUND(next, GAIT_TIER_N_FROM - 1)] = step->from;
	return 0;
}
