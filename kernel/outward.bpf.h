/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walk outward, from a system call's instruction to the first frame outside the runtime set, by
 * the rules of process/attribute.c. It never guesses: where it cannot go on it says why.
 */
#pragma once

#include "kernel/hop.bpf.h"

#include "sysgait/unwind-step.h"

#define SYS_RT_SIGRETURN 15

/* What the step of unwind-step.h reads through. */
struct outward {
	struct gait_tier_slot *slot;
	const __u64 *registers;
};

/*
 * Pieces of the stack that are read at once; most walks end in the first. They come by way of the
 * program's own stack: what the kernel copies from user space into a map it checks against its list
 * of all mappings first, which takes longer than the rest of the copy.
 */
#define FIRST_PIECE 16
#define PIECE       64
#define HAS_FIRST   31

/* Reads the piece of the stack that holds a word. Near the stack's end it is not all there: then it
 * is read word by word. */
static __noinline int
read_piece(struct gait_tier_slot *slot, __u64 at)
{
	__u64 piece[PIECE / 8], first = at & (GAIT_TIER_STACK - PIECE), i = first / 8;

	if (bpf_probe_read_user(piece, sizeof(piece), (void *)(slot->stack_base + first)) == 0) {
		__builtin_memcpy(&slot->stack[i & (GAIT_TIER_STACK / 8 - PIECE / 8)], piece,
		                 sizeof(piece));
		slot->has_stack |= 1u << first / PIECE;
		return 0;
	}
	if (bpf_probe_read_user(piece, 8, (void *)(slot->stack_base + at)))
		return 1;
	slot->stack[at / 8 & (GAIT_TIER_STACK / 8 - 1)] = piece[0];
	return 0;
}

GAIT_UNWIND_INLINE int
gait_unwind_read(void *context, __u64 address, __u64 *word)
{
	struct gait_tier_slot *slot = ((struct outward *)context)->slot;
	__u64 at = address - slot->stack_base;

	if (at & 7 || at > GAIT_TIER_STACK - 8)
		return bpf_probe_read_user(word, 8, (void *)address) != 0;
	if (!(slot->has_stack >> (at < FIRST_PIECE ? HAS_FIRST : at / PIECE) & 1) &&
	    read_piece(slot, at))
		return 1;
	*word = slot->stack[(at >> 3) & (GAIT_TIER_STACK / 8 - 1)];
	return 0;
}

GAIT_UNWIND_INLINE int
gait_unwind_read_register(void *context, __u32 number, __u64 *value)
{
	const __u64 *registers = ((struct outward *)context)->registers;

	if (!registers)
		return 1;
	switch (number) { /* DWARF's */
	case 0:
		*value = registers[REGS_RAX];
		return 0;
	case 1:
		*value = registers[REGS_RDX];
		return 0;
	case 3:
		*value = registers[REGS_RBX];
		return 0;
	case 4:
		*value = registers[REGS_RSI];
		return 0;
	case 5:
		*value = registers[REGS_RDI];
		return 0;
	case 8:
		*value = registers[REGS_R8];
		return 0;
	case 9:
		*value = registers[REGS_R9];
		return 0;
	case 10:
		*value = registers[REGS_R10];
		return 0;
	case 12:
		*value = registers[REGS_R12];
		return 0;
	case 13:
		*value = registers[REGS_R13];
		return 0;
	case 14:
		*value = registers[REGS_R14];
		return 0;
	case 15:
		*value = registers[REGS_R15];
		return 0;
	}
	return 1;
}

GAIT_UNWIND_INLINE const struct gait_unwind_row *
gait_unwind_get_row(void *context, __u32 i)
{
	return 0;
}

/* Whether frame 0 is the site whatever called it. */
static __always_inline int
is_own_site(const struct gait_tier_slot *slot, const struct gait_tier_place *place, __u32 nr)
{
	return nr == SYS_RT_SIGRETURN || place->file == GAIT_TIER_ANON ||
	       (!(place->flags & (GAIT_TIER_FILE_RUNTIME | GAIT_TIER_FILE_GO)) &&
	        !(slot->flags & GAIT_TIER_TASK_STATIC));
}

/* Whether a frame above it is outside the runtime. */
static __always_inline int
is_responsible(const struct gait_tier_slot *slot, const struct gait_tier_place *place)
{
	return ((slot->flags & GAIT_TIER_TASK_STATIC) ||
	        !(place->flags & GAIT_TIER_FILE_RUNTIME)) &&
	       !(place->row.flags & GAIT_UNWIND_GO_SYSCALL);
}

static __always_inline void
begin(struct gait_tier_slot *slot, const __u64 *registers)
{
	struct gait_unwind_frame *frame = (struct gait_unwind_frame *)slot->frame;
	__u64 piece[FIRST_PIECE / 8] = {};

	frame->pc = registers[REGS_RIP] - 2;
	frame->sp = registers[REGS_RSP];
	frame->rbp = registers[REGS_RBP];
	frame->has_rbp = frame->is_exact = frame->is_first = 1;
	slot->stack_base = frame->sp;
	slot->has_stack = 0;
	if (bpf_probe_read_user(piece, sizeof(piece), (void *)frame->sp) == 0) {
		slot->has_stack = 1u << HAS_FIRST;
		slot->stack[0] = piece[0];
		slot->stack[1] = piece[1];
	}
	slot->n_frames = 1;
	slot->site = 0;
	slot->pcs[0] = registers[REGS_RIP];
}

static __always_inline int
end_without_caller(const struct gait_tier_slot *slot, enum gait_unwind_result result)
{
	switch (result) {
	case GAIT_STEP_END:
		return GAIT_TIER_FOUND;
	case GAIT_STEP_UNREADABLE:
	case GAIT_STEP_BACKWARD:
		return GAIT_TIER_NO_STACK;
	default:
		return GAIT_TIER_NO_ROW;
	}
}

/* Who makes a call, in the terms of the walk table. */
static __always_inline void
name_issuer(struct gait_walk_event *event, const struct gait_tier_place *place)
{
	event->issuer_module = event->module = place->module;
	event->issuer_offset = event->site = place->offset;
	event->flags = place->flags & GAIT_TIER_FILE_STALE
	                   ? GAIT_WALK_STALE_ISSUER | GAIT_WALK_STALE_SITES
	                   : 0;
}

static __always_inline void
name_site(struct gait_walk_event *event, const struct gait_tier_place *place)
{
	event->module = place->module;
	event->site = place->offset;
	event->flags &= GAIT_WALK_STALE_ISSUER;
	if (place->flags & GAIT_TIER_FILE_STALE)
		event->flags |= GAIT_WALK_STALE_SITES;
}

/* An issuer that is not the site: its file as a whole, and the instruction that it is one with. */
struct issuer {
	__u64 offset;
	__u32 module, flags; /* flags: of its row */
};

static __always_inline void
note_issuer(struct issuer *issuer, const struct gait_tier_place *place)
{
	const struct gait_tier_file *file = 0;

	issuer->offset = place->issuer;
	issuer->module = place->module;
	issuer->flags = place->row.flags;
	if (place->flags & GAIT_TIER_FILE_GO)
		file = bpf_map_lookup_elem(&files, &place->file);
	if (file)
		issuer->module = file->walk_module;
}

/* A frame that has been found. A file that user space has yet to learn of might be a runtime's;
 * where calls are held to a model it was told of before. */
static __always_inline int
note_frame(struct gait_tier_slot *slot, __u32 i, const struct gait_tier_place *place)
{
	slot->frames[i] = GAIT_TIER_FRAME(place->file, place->offset);
	slot->n_frames = i + 1;
	return config.is_recording && !config.is_enforcing && place->file == GAIT_TIER_NONE
	           ? GAIT_TIER_NO_FILE
	           : GAIT_TIER_FOUND;
}

/* What became of a step. */
enum { OUTWARD_ON = GAIT_TIER_UNKNOWN_N_ };

/* To the caller of the frame at `place`: ON, or how the walk ends. */
static __always_inline int
step_outward(struct outward *outward, const struct gait_tier_place *place,
             struct gait_walk_event *event)
{
	struct gait_tier_slot *slot = outward->slot;
	struct gait_unwind_frame *frame = (struct gait_unwind_frame *)slot->frame;
	enum gait_unwind_result result = gait_unwind_step(outward, &place->row, frame);
	struct gait_tier_place *caller;
	__u64 i = slot->n_frames;
	int how;

	if (result != GAIT_STEP_CALLER)
		return end_without_caller(slot, result);
	how = find_place(slot, frame->pc, 0, &caller);
	if (how != GAIT_TIER_FOUND)
		return how;
	/* A handler within the runtime: what it interrupted is not responsible. And a context that
	   somebody made by hand. */
	if (caller->row.flags & GAIT_UNWIND_NO_CALLER)
		return GAIT_TIER_FOUND;
	if (!(caller->flags & GAIT_TIER_PLACE_AFTER_CALL))
		return GAIT_TIER_NO_MAPPING;
	if (i > GAIT_TIER_MAX_FRAMES)
		return GAIT_TIER_TOO_DEEP;
	i = BOUND(i, GAIT_TIER_MAX_FRAMES);
	slot->pcs[i] = frame->pc;
	how = note_frame(slot, i, caller);
	if (how != GAIT_TIER_FOUND)
		return how;
	if (!is_responsible(slot, caller)) {
		note_hop(slot, caller, GAIT_TIER_HOP_ON);
		return OUTWARD_ON;
	}
	note_hop(slot, caller, GAIT_TIER_HOP_SITE);
	slot->site = i;
	slot->site_at = slot->at;
	name_site(event, caller);
	return GAIT_TIER_FOUND;
}

/* The same from any frame but the first; a function of its own, so that it is verified once. */
__noinline int
gait_step_outward(struct gait_tier_slot *slot, struct gait_walk_event *event)
{
	struct outward outward = {slot, 0};

	if (!slot || !event)
		return GAIT_TIER_NO_ROW;
	return step_outward(&outward, &slot->places[slot->at & (GAIT_TIER_N_CACHED - 1)], event);
}

/* Walks; the responsible frame is slot->pcs[slot->site]. Returns how it went. */
static __always_inline int
walk_outward(struct gait_tier_slot *slot, const __u64 *registers, __u32 nr,
             struct gait_walk_event *event)
{
	struct outward outward = {slot, registers};
	struct gait_tier_place *place;
	struct issuer issuer;
	int how;

	begin(slot, registers);
	how = find_place(slot, slot->pcs[0], 1, &place);
	if (how != GAIT_TIER_FOUND)
		return how;
	slot->site_at = slot->at;
	name_issuer(event, place);
	how = note_frame(slot, 0, place);
	if (how != GAIT_TIER_FOUND)
		return how;
	if (is_own_site(slot, place, nr)) {
		if (nr != SYS_RT_SIGRETURN)
			note_hop(slot, place, GAIT_TIER_HOP_SITE);
		return how;
	}
	note_hop(slot, place, GAIT_TIER_HOP_ON);
	/* Its place may have to make room for that of a frame further out. */
	note_issuer(&issuer, place);
	how = step_outward(&outward, place, event);
	for (int i = 0; i < GAIT_TIER_MAX_FRAMES && how == OUTWARD_ON; i++)
		how = gait_step_outward(slot, event);
	if (how == GAIT_TIER_FOUND && slot->site == 0)
		return how;
	/* Go's threads begin without a caller. */
	if (how != GAIT_TIER_FOUND && slot->n_frames == 1 &&
	    (issuer.flags & GAIT_UNWIND_GO_RUNTIME))
		return GAIT_TIER_FOUND;
	event->issuer_module = issuer.module;
	event->issuer_offset = issuer.offset;
	return how == OUTWARD_ON ? GAIT_TIER_TOO_DEEP : how;
}
