/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walker, in the kernel: the step of model/walk-step.h over the same table, with every access
 * bounded for the verifier; and what surrounds a step in enforce/ruling.c: handlers that were left,
 * calls that the kernel makes again, and what is done about a violation.
 */
#pragma once

#include "kernel/maps.bpf.h"

#define GAIT_WALK_ACCESSORS
#define GAIT_WALK_MAX_PHASES                                                                       \
	64u /* that a violation is looked for in: more the verifier would not follow */
#define GAIT_WALK_INLINE static inline __attribute__((always_inline))

/* Some bytes of the table; those at its start where the table is not what it should be. */
GAIT_WALK_INLINE const void *
gait_walk_at(const struct gait_walk_header *walk_table, __u32 offset, __u32 size)
{
	__u64 at = offset;

	/* Not to be reordered: the verifier has to see the very register that is checked. */
	asm volatile("" : "+r"(at));
	if (at > config.table_size - 64u)
		at = 0;
	return (const char *)walk_table + at;
}

/* The row of a task's states that counts now. */
struct state_row {
	__u32 *states;
	__u32 first;
};
typedef struct state_row *gait_walk_row;

GAIT_WALK_INLINE __u32 *
get_state_at(struct state_row *row, __u32 library)
{
	__u64 at = row->first + 1 + library;

	asm volatile("" : "+r"(at));
	return at < config.n_states ? row->states + at : row->states;
}

GAIT_WALK_INLINE __u32
gait_walk_get_state(struct state_row *row, __u32 library)
{
	return *get_state_at(row, library);
}

GAIT_WALK_INLINE void
gait_walk_set_state(struct state_row *row, __u32 library, __u32 state)
{
	*get_state_at(row, library) = state;
}

GAIT_WALK_INLINE __u32 gait_walk_lookup(const struct gait_walk_header *walk_table, __u32 kind,
                                        __u32 program, __u32 a, __u32 b, __u32 c, __u64 d);
GAIT_WALK_INLINE int gait_walk_is_loosely_allowed(const struct gait_walk_header *walk_table,
                                                  __u32 program, __u32 role, __u32 phase,
                                                  __u32 call);

#include "model/walk-step.h"

/* key->value of an equal one, GAIT_WALK_NONE where there is none. */
__noinline __u32
gait_find_key(struct gait_walk_key *key)
{
	const struct gait_walk_header *walk_table;
	__u32 zero = 0, at, base, mask, n_probes;

	walk_table = bpf_map_lookup_elem(&table, &zero);
	if (!walk_table || !key)
		return GAIT_WALK_NONE;
	base = walk_table->keys;
	mask = walk_table->key_mask;
	n_probes = walk_table->n_probes;
	at = gait_walk_hash(key->scope, key->a, key->b, key->c, key->d) & mask;
	for (__u32 i = 0; i < GAIT_WALK_MAX_PROBES && i < n_probes; i++) {
		const struct gait_walk_key *found =
		    gait_walk_at(walk_table, base + at * (__u32)sizeof(*found), sizeof(*found));

		/* One question, not five: the verifier looks at both answers of each. */
		if (!((found->scope ^ key->scope) | (found->a ^ key->a) | (found->b ^ key->b) |
		      (found->c ^ key->c) | (found->d ^ key->d)))
			return found->value;
		if (found->scope == GAIT_WALK_KEY_EMPTY)
			break;
		at = (at + 1) & mask;
	}
	return GAIT_WALK_NONE;
}

GAIT_WALK_INLINE __u32
gait_walk_lookup(const struct gait_walk_header *walk_table, __u32 kind, __u32 program, __u32 a,
                 __u32 b, __u32 c, __u64 d)
{
	struct gait_walk_key key = {
	    .scope = kind | program << GAIT_WALK_KEY_BITS, .a = a, .b = b, .c = c, .d = d};

	return gait_find_key(&key);
}

/* A function of its own, so that it is not verified for each phase. */
__noinline int
gait_is_loosely_allowed(__u32 program, __u32 role, __u32 phase, __u32 call)
{
	const struct gait_walk_header *walk_table;
	__u32 zero = 0;

	walk_table = bpf_map_lookup_elem(&table, &zero);
	return walk_table &&
	       gait_walk_has_call(
	           walk_table, gait_walk_get_phase(walk_table, program, role, phase)->loose, call);
}

GAIT_WALK_INLINE int
gait_walk_is_loosely_allowed(const struct gait_walk_header *walk_table, __u32 program, __u32 role,
                             __u32 phase, __u32 call)
{
	return gait_is_loosely_allowed(program, role, phase, call);
}

/* --- handlers -----------------------------------------------------------------------------------
 */

/* As gait_signal_context_note_syscall(): how many handlers the task is in, this call included. */
static __always_inline __u32
leave_handlers(struct gait_tier_slot *slot, __u32 nr, __u64 sp, int *is_its_own)
{
	__u32 depth = slot->depth;

	*is_its_own = 0;
	for (int i = 0; i < GAIT_TIER_MAX_CONTEXTS && depth > 0; i++) {
		const struct gait_tier_handler *handler =
		    &slot->handlers[(depth - 1) & (GAIT_TIER_MAX_CONTEXTS - 1)];

		if (nr == 15) {
			*is_its_own = handler->sp + 8 == sp;
			if (*is_its_own)
				break;
		} else if (sp <= handler->sp + 8 && sp >= handler->stack_base) {
			break;
		}
		depth--;
	}
	return depth;
}

/* As gait_interrupted_calls_take(). depth: after the call. */
static __always_inline int
is_again(struct gait_tier_slot *slot, const __u64 *registers, __u32 nr, __u32 depth)
{
	__u32 n = slot->n_again, keep = nr == 15 ? depth + 1 : depth;
	int is_same = 0;

	if (n == 0)
		return 0;
	if (nr != 15) {
		const struct gait_tier_again *last =
		    &slot->again[(n - 1) & (GAIT_TIER_MAX_CONTEXTS - 1)];

		is_same =
		    last->depth == depth && last->nr == nr && last->ip == registers[REGS_RIP] &&
		    last->sp == registers[REGS_RSP] && last->args[0] == registers[REGS_RDI] &&
		    last->args[1] == registers[REGS_RSI] && last->args[2] == registers[REGS_RDX] &&
		    last->args[3] == registers[REGS_R10] && last->args[4] == registers[REGS_R8] &&
		    last->args[5] == registers[REGS_R9];
	}
	for (int i = 0; i < GAIT_TIER_MAX_CONTEXTS && n > 0; i++) {
		if (slot->again[(n - 1) & (GAIT_TIER_MAX_CONTEXTS - 1)].depth < keep)
			break;
		n--;
	}
	slot->n_again = n;
	return is_same;
}

#define SYS_RESTART_SYSCALL 219

/* --- a step -------------------------------------------------------------------------------------
 */

static __always_inline __u32
get_class(__u32 nr, const __u64 *registers)
{
	const struct gait_tier_syscall *call;
	__u32 klass = 0, known = nr & (GAIT_TIER_N_SYSCALLS - 1);

	if (nr != known || !(config.classed[known / 64] >> (known & 63) & 1))
		return 0;
	call = bpf_map_lookup_elem(&syscalls, &known);
	for (int i = 0; call && i < 2; i++) {
		__u64 value = 0;

		if (!call->mask[i])
			break;
		switch (call->index[i]) {
		case 0:
			value = registers[REGS_RDI];
			break;
		case 1:
			value = registers[REGS_RSI];
			break;
		case 2:
			value = registers[REGS_RDX];
			break;
		case 3:
			value = registers[REGS_R10];
			break;
		}
		klass |= ((__u32)value & call->mask[i]) << (call->shift[i] & 31);
	}
	return klass;
}

/* A call on its way through the parts of a step, which are functions of their own, so that each is
 * verified once and by itself. */
struct gait_tier_step {
	struct gait_walk_event event;
	struct gait_walk_found found;
	__u32 slot, depth;
	__u32 from; /* the state before, of the automaton of the event's library */
	__u32 pad;
};

/* In the slot: the programs' stack is small. */
static __always_inline struct gait_tier_step *
begin_step(struct gait_tier_slot *slot, __u32 nr)
{
	struct gait_tier_step *step = (struct gait_tier_step *)slot->step;

	_Static_assert(sizeof(*step) <= sizeof(slot->step), "a step has room in its slot");
	step->slot = slot->index;
	step->depth = 0;
	step->event = (struct gait_walk_event){
	    .nr = nr, .issuer_module = GAIT_WALK_NONE, .module = GAIT_WALK_NONE};
	return step;
}

/* What the parts work on. */
struct step_parts {
	const struct gait_walk_header *walk_table;
	struct gait_tier_slot *slot;
	struct state_row row;
};

/* Where the row of states begins that counts in the call. */
static __always_inline __u32
get_first_state(const struct gait_tier_step *step)
{
	__u32 depth = step->depth;

	return (depth < GAIT_TIER_MAX_CONTEXTS ? depth : GAIT_TIER_MAX_CONTEXTS - 1) *
	       config.stride;
}

static __always_inline int
get_parts(const struct gait_tier_step *step, struct step_parts *parts)
{
	__u32 zero = 0, index = step->slot;

	parts->walk_table = bpf_map_lookup_elem(&table, &zero);
	parts->slot = bpf_map_lookup_elem(&slots, &index);
	parts->row.states = bpf_map_lookup_elem(&states, &index);
	parts->row.first = get_first_state(step);
	return parts->walk_table && parts->slot && parts->row.states;
}

__noinline int
gait_find(struct gait_tier_step *step)
{
	struct step_parts parts;

	if (!step || !get_parts(step, &parts))
		return 0;
	gait_walk_find(parts.walk_table, &parts.slot->position, &step->event, &step->found);
	step->from = step->found.library == GAIT_WALK_NONE
	                 ? GAIT_WALK_NONE
	                 : gait_walk_get_state(&parts.row, step->found.library);
	return 0;
}

__noinline __u32
gait_judge(struct gait_tier_step *step)
{
	struct step_parts parts;

	if (!step || !get_parts(step, &parts))
		return GAIT_WALK_SYSCALL;
	return gait_walk_judge(parts.walk_table, &parts.slot->position, &parts.row, step->depth,
	                       &step->event, &step->found);
}

__noinline int
gait_move(struct gait_tier_step *step)
{
	struct step_parts parts;

	if (step && get_parts(step, &parts))
		gait_walk_move(parts.walk_table, &parts.slot->position, &parts.row, &step->event,
		               &step->found);
	return 0;
}

/* Before the move of a violation that is let through. */
__noinline int
gait_resync_phase(struct gait_tier_step *step)
{
	struct step_parts parts;

	if (step && get_parts(step, &parts))
		gait_walk_resync_phase(parts.walk_table, &parts.slot->position, &step->found);
	return 0;
}

/* The verdict; where it is ALLOW the walker has moved. As gait_walk_step(). */
static __always_inline __u32
step_walker(struct gait_tier_step *step)
{
	__u32 verdict;

	if (step->event.nr == SYS_RESTART_SYSCALL)
		return GAIT_WALK_ALLOW;
	gait_find(step);
	verdict = gait_judge(step);
	if (verdict == GAIT_WALK_ALLOW)
		gait_move(step);
	return verdict;
}

/* Every state is "anywhere". */
static long
lose_state(__u32 i, void *data)
{
	__u32 *all = *(__u32 **)data;

	if (i < config.n_states)
		all[i] = GAIT_WALK_NONE;
	return 0;
}
