/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * The step: the verdict on one system call, and the move it makes. Pure functions over the flat
 * walk table: no allocation, no library, bounded loops, so that the same text is compiled for user
 * space and for BPF.
 *
 * `row` is the row of the task's states that counts now (contexts.h): slot 0 is the filler, slot
 * 1 + i the state of automaton i. `depth` is the number of signal handlers the task is inside of.
 * The caller leaves the handler's context after a call that RETURNS.
 *
 * Whoever cannot follow a pointer into table and row just like that (the verifier of BPF programs
 * wants every access bounded) defines GAIT_WALK_ACCESSORS, the type gait_walk_row and the five
 * functions that are defined under its absence below.
 *
 * Incidental calls come when threads collide (futex, sched_yield) or the heap has no room left
 * (brk); where and when is a matter of luck: they are held to what the library and the role ever
 * do, not to site, phase and sequence. (Measured: of the violations that held-out runs of a
 * threaded server met otherwise, 17 of 20 were a futex at a lock that had never been contended
 * before; refusing one ends the program. Of those of python3 and sqlite3 after five runs, four and
 * five of ten were a brk or what came after one, and without it in the automata these allow less,
 * not more: a branching of 9.2 instead of 10.6 for sqlite3, 5.0 instead of 5.5 for python3. The
 * heap's other calls, mmap and munmap among them, are not so: they hardly count, and can do more.)
 */
#pragma once

#include "sysgait/walk-table.h"

/* Verdicts and states by the numbers that walker.h and model.h give them (asserted in walker.c). */
enum {
	GAIT_WALK_ALLOW,
	GAIT_WALK_SYSCALL,
	GAIT_WALK_ISSUER,
	GAIT_WALK_LIBRARY,
	GAIT_WALK_PHASE,
	GAIT_WALK_SITE,
	GAIT_WALK_SEQUENCE,
	GAIT_WALK_EXEC,
	GAIT_WALK_ROLE,
};
#define GAIT_WALK_STATE_START 0u

/* What the table knows about an event; GAIT_WALK_NONE where it does not. */
struct gait_walk_found {
	__u32 call, library, symbol;
	__u32 flags; /* of the symbol */
	__u32 module;
	__u32 phase; /* that the event is in, a milestone among them reached */
	__u64 site;
	__u32 has_sites; /* symbols can be told */
	__u32 may_miss;  /* they cannot, and this one might be a milestone */
};

#define GAIT_WALK_INLINE static inline __attribute__((always_inline))

/* The finalizer of MurmurHash3 (Austin Appleby, public domain) over a sum of odd multiples. */
GAIT_WALK_INLINE __u32
gait_walk_hash(__u32 scope, __u32 a, __u32 b, __u32 c, __u64 d)
{
	__u64 hash = scope * 0x9e3779b97f4a7c15ull + a * 0xc2b2ae3d27d4eb4full +
	             b * 0x165667b19e3779f9ull + c * 0x27d4eb2f165667c5ull +
	             d * 0xff51afd7ed558ccdull;

	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ull;
	hash ^= hash >> 33;
	return (__u32)hash;
}

#ifndef GAIT_WALK_ACCESSORS
/* The states that count now. */
typedef __u32 *gait_walk_row;

GAIT_WALK_INLINE __u32
gait_walk_get_state(const __u32 *row, __u32 library)
{
	return row[1 + library];
}

GAIT_WALK_INLINE void
gait_walk_set_state(__u32 *row, __u32 library, __u32 state)
{
	row[1 + library] = state;
}

/* Some bytes of the table. */
GAIT_WALK_INLINE const void *
gait_walk_at(const struct gait_walk_header *table, __u32 offset, __u32 size)
{
	return (const char *)table + offset;
}

/* The value of a key, GAIT_WALK_NONE where there is none. */
GAIT_WALK_INLINE __u32
gait_walk_lookup(const struct gait_walk_header *table, __u32 kind, __u32 program, __u32 a, __u32 b,
                 __u32 c, __u64 d)
{
	const struct gait_walk_key *keys = gait_walk_at(table, table->keys, 0);
	__u32 scope = kind | program << GAIT_WALK_KEY_BITS;
	__u32 slot = gait_walk_hash(scope, a, b, c, d) & table->key_mask;

	for (__u32 i = 0; i < GAIT_WALK_MAX_PROBES && i < table->n_probes; i++) {
		const struct gait_walk_key *key = keys + slot;

		if (key->scope == scope && key->a == a && key->b == b && key->c == c && key->d == d)
			return key->value;
		if (key->scope == GAIT_WALK_KEY_EMPTY)
			break;
		slot = (slot + 1) & table->key_mask;
	}
	return GAIT_WALK_NONE;
}
#endif

/* One of an array of the table's. */
#define GAIT_WALK_ITEM(table, type, array, i)                                                      \
	((const struct type *)gait_walk_at(                                                        \
	    table, (table)->array + (i) * (__u32)sizeof(struct type), sizeof(struct type)))

GAIT_WALK_INLINE const struct gait_walk_program *
gait_walk_get_program(const struct gait_walk_header *table, __u32 program)
{
	return GAIT_WALK_ITEM(table, gait_walk_program, programs, program);
}

GAIT_WALK_INLINE const struct gait_walk_symbol *
gait_walk_get_symbol(const struct gait_walk_header *table, __u32 symbol)
{
	return GAIT_WALK_ITEM(table, gait_walk_symbol, symbols, symbol);
}

GAIT_WALK_INLINE const struct gait_walk_phase *
gait_walk_get_phase(const struct gait_walk_header *table, __u32 program, __u32 role, __u32 phase)
{
	__u32 index = gait_walk_get_program(table, program)->first_role + role;
	__u32 first = GAIT_WALK_ITEM(table, gait_walk_role, roles, index)->first_phase;

	return GAIT_WALK_ITEM(table, gait_walk_phase, phases, first + phase);
}

/* Whether a bit set of the table's has a call. */
GAIT_WALK_INLINE int
gait_walk_has_call(const struct gait_walk_header *table, __u32 set, __u32 call)
{
	const __u32 *word = gait_walk_at(table, set + call / 32 * 4, 4);

	return *word >> (call % 32) & 1;
}

#ifndef GAIT_WALK_ACCESSORS
/* Whether a call is allowed in a phase of those who have lost their place. */
GAIT_WALK_INLINE int
gait_walk_is_loosely_allowed(const struct gait_walk_header *table, __u32 program, __u32 role,
                             __u32 phase, __u32 call)
{
	return gait_walk_has_call(table, gait_walk_get_phase(table, program, role, phase)->loose,
	                          call);
}
#endif

/*
 * The state that an edge to a call leaves from. A signal return outside of any handler is a thing
 * of its own: its edge is from the start, whatever came before, so that none learned inside a
 * handler excuses it.
 */
GAIT_WALK_INLINE __u32
gait_walk_from(__u32 state, __u32 depth, __u32 flags)
{
	if (state != GAIT_WALK_NONE && (flags & GAIT_WALK_RETURNS) && depth == 0)
		return GAIT_WALK_STATE_START;
	return state;
}

/* Looks an event up. */
GAIT_WALK_INLINE void
gait_walk_find(const struct gait_walk_header *table, const struct gait_walk_position *position,
               const struct gait_walk_event *event, struct gait_walk_found *found)
{
	__u32 program = position->program;

	found->flags = found->may_miss = 0;
	found->call = found->library = found->symbol = GAIT_WALK_NONE;
	found->phase = position->phase;
	found->module = table->is_stackless ? table->unknown_module : event->module;
	found->site = table->is_stackless ? 0 : event->site;
	found->has_sites =
	    table->is_stackless || !(event->flags & (GAIT_WALK_NO_STACK | GAIT_WALK_STALE_SITES));
	if (found->has_sites)
		found->symbol = gait_walk_lookup(table, GAIT_WALK_KEY_SYMBOL, program, event->nr,
		                                 event->klass, found->module, found->site);
	if (found->symbol != GAIT_WALK_NONE) {
		const struct gait_walk_symbol *symbol = gait_walk_get_symbol(table, found->symbol);

		found->call = symbol->call;
		found->library = symbol->library;
		found->flags = symbol->flags;
		return;
	}
	found->call =
	    gait_walk_lookup(table, GAIT_WALK_KEY_CALL, program, event->nr, event->klass, 0, 0);
	if (found->call != GAIT_WALK_NONE && (found->call & GAIT_WALK_IS_INCIDENTAL)) {
		found->flags = GAIT_WALK_STAYS | GAIT_WALK_INCIDENTAL;
		found->call &= ~GAIT_WALK_IS_INCIDENTAL;
	}
	if (!table->is_stackless && (event->flags & GAIT_WALK_NO_STACK)) {
		found->may_miss = 1;
		return;
	}
	found->library =
	    gait_walk_lookup(table, GAIT_WALK_KEY_LIBRARY, program, found->module, 0, 0, 0);
	if (found->library != GAIT_WALK_NONE) {
		found->may_miss = !found->has_sites && (found->library & GAIT_WALK_HAS_MILESTONES);
		found->library &= ~GAIT_WALK_HAS_MILESTONES;
	}
}

/*
 * Whether the instruction is one that issues this call. For an incidental call any instruction of a
 * module that issues it will do (GAIT_WALK_ANY_OFFSET is a key for these only): libc waits in a
 * dozen places, and which of them comes up is a matter of luck, not of logic.
 */
GAIT_WALK_INLINE int
gait_walk_knows_issuer(const struct gait_walk_header *table, __u32 program,
                       const struct gait_walk_event *event)
{
	if (!gait_walk_get_program(table, program)->has_issuers ||
	    (event->flags & (GAIT_WALK_NO_STACK | GAIT_WALK_STALE_ISSUER)))
		return 1;
	return gait_walk_lookup(table, GAIT_WALK_KEY_ISSUER, program, event->nr, 0,
	                        event->issuer_module, event->issuer_offset) != GAIT_WALK_NONE ||
	       gait_walk_lookup(table, GAIT_WALK_KEY_ISSUER, program, event->nr, 0,
	                        event->issuer_module, GAIT_WALK_ANY_OFFSET) != GAIT_WALK_NONE;
}

/* Whether the library may make the call at all, from whichever site. */
GAIT_WALK_INLINE int
gait_walk_knows_library(const struct gait_walk_header *table, __u32 program,
                        const struct gait_walk_event *event, const struct gait_walk_found *found)
{
	if (found->symbol != GAIT_WALK_NONE)
		return 1;
	if (!table->is_stackless && (event->flags & GAIT_WALK_NO_STACK))
		return 1;
	return found->library != GAIT_WALK_NONE &&
	       gait_walk_lookup(table, GAIT_WALK_KEY_BY, program, event->nr, event->klass,
	                        found->library, 0) != GAIT_WALK_NONE;
}

/*
 * Whether a call that an interlude of the phase holds has its entry behind it, in this round.
 * Before its first wait a task is in no round, and where milestones may have been missed, entries
 * may.
 */
GAIT_WALK_INLINE int
gait_walk_knows_entry(const struct gait_walk_header *table,
                      const struct gait_walk_position *position,
                      const struct gait_walk_phase *phase, __u32 index, __u32 call)
{
	__u32 bit;

	if (!phase->led || !position->has_waited || !gait_walk_has_call(table, phase->led, call))
		return 1;
	bit = gait_walk_lookup(table, GAIT_WALK_KEY_LED, position->program, position->role, index,
	                       call, 0);
	return bit == GAIT_WALK_NONE || ((position->entries >> (bit & 31)) & 1);
}

/*
 * Sets found->phase and says whether the call is allowed there. The milestone of a phase further on
 * than the next moves there, too: a server that nobody asked for anything shuts down without having
 * served. What has to come before it is a matter of sequence, and there is no way back.
 */
GAIT_WALK_INLINE int
gait_walk_knows_phase(const struct gait_walk_header *table,
                      const struct gait_walk_position *position, struct gait_walk_found *found)
{
	const struct gait_walk_phase *phase;
	__u32 reached = GAIT_WALK_NONE;
	__u32 is_loose =
	    position->is_loose || found->may_miss || (found->flags & GAIT_WALK_INCIDENTAL);

	if (position->role == GAIT_WALK_NONE)
		return 1;
	if (found->flags & GAIT_WALK_MILESTONE)
		reached = gait_walk_lookup(table, GAIT_WALK_KEY_MILESTONE, position->program,
		                           position->role, found->symbol, 0, 0);
	if (reached != GAIT_WALK_NONE && reached > position->phase)
		found->phase = reached;
	/* All that a role does is in the loose set of its first phase. */
	phase = gait_walk_get_phase(table, position->program, position->role,
	                            found->flags & GAIT_WALK_INCIDENTAL ? 0 : found->phase);
	if (!gait_walk_has_call(table, is_loose ? phase->loose : phase->allowed, found->call))
		return 0;
	return is_loose || gait_walk_knows_entry(table, position, phase, found->phase, found->call);
}

/* Whether the symbol may follow the state that its library is in. Only asked for known symbols. */
GAIT_WALK_INLINE int
gait_walk_knows_edge(const struct gait_walk_header *table, __u32 program, gait_walk_row row,
                     __u32 depth, const struct gait_walk_found *found)
{
	__u32 from;

	if (found->flags & GAIT_WALK_STAYS)
		return 1;
	from = gait_walk_from(gait_walk_get_state(row, found->library), depth, found->flags);
	if (from == GAIT_WALK_NONE)
		return 1;
	return gait_walk_lookup(table, GAIT_WALK_KEY_EDGE, program, from,
	                        gait_walk_get_symbol(table, found->symbol)->state, found->library,
	                        0) != GAIT_WALK_NONE;
}

/* The verdict, from the outside in (DESIGN §1). Sets found->phase. */
GAIT_WALK_INLINE __u32
gait_walk_judge(const struct gait_walk_header *table, const struct gait_walk_position *position,
                gait_walk_row row, __u32 depth, const struct gait_walk_event *event,
                struct gait_walk_found *found)
{
	if (found->call == GAIT_WALK_NONE)
		return GAIT_WALK_SYSCALL;
	if (!gait_walk_knows_issuer(table, position->program, event))
		return GAIT_WALK_ISSUER;
	if (!gait_walk_knows_library(table, position->program, event, found))
		return GAIT_WALK_LIBRARY;
	/* A handler that the kernel started may end whenever it was started. */
	if (!gait_walk_knows_phase(table, position, found) &&
	    !((found->flags & GAIT_WALK_RETURNS) && depth > 0))
		return GAIT_WALK_PHASE;
	if (!found->has_sites)
		return GAIT_WALK_ALLOW;
	if (found->symbol == GAIT_WALK_NONE)
		return found->flags & GAIT_WALK_INCIDENTAL ? GAIT_WALK_ALLOW : GAIT_WALK_SITE;
	if (!gait_walk_knows_edge(table, position->program, row, depth, found))
		return GAIT_WALK_SEQUENCE;
	if ((found->flags & GAIT_WALK_CREATES) && position->role != GAIT_WALK_NONE &&
	    gait_walk_lookup(table, GAIT_WALK_KEY_CREATE, position->program, position->role,
	                     found->symbol, 0, 0) == GAIT_WALK_NONE)
		return GAIT_WALK_ROLE;
	return GAIT_WALK_ALLOW;
}

/* Whether a task may be of another role behind this call, or one that it makes. */
GAIT_WALK_INLINE int
gait_walk_leads_on(const struct gait_walk_header *table, __u32 nr)
{
	int leads_on = 0;

	for (__u32 i = 0; i < GAIT_WALK_N_CREATIONS; i++)
		leads_on |= table->creations[i] == nr;
	return leads_on;
}

GAIT_WALK_INLINE void
gait_walk_move_round(const struct gait_walk_header *table, struct gait_walk_position *position,
                     const struct gait_walk_found *found)
{
	if (found->flags & GAIT_WALK_ENTRY) {
		__u32 bit = gait_walk_lookup(table, GAIT_WALK_KEY_ENTRY, position->program,
		                             position->role, found->symbol, 0, 0);

		if (bit != GAIT_WALK_NONE)
			position->entries |= 1u << (bit & 31);
	}
	if (found->flags & GAIT_WALK_WAITS) {
		position->has_waited = 1;
		position->entries = 0;
	}
}

/* Makes the move: of an allowed call, or of one that was let through. */
GAIT_WALK_INLINE void
gait_walk_move(const struct gait_walk_header *table, struct gait_walk_position *position,
               gait_walk_row row, const struct gait_walk_event *event,
               const struct gait_walk_found *found)
{
	/* A creation may be interrupted, and made again after a handler with calls of its own. */
	if (gait_walk_leads_on(table, event->nr)) {
		position->nr = event->nr;
		position->klass = event->klass;
		position->module = found->module;
		position->symbol = found->symbol;
	}
	position->phase = found->phase;
	if (found->may_miss)
		position->is_loose = 1;
	if (found->symbol == GAIT_WALK_NONE) {
		if (found->library != GAIT_WALK_NONE && !(found->flags & GAIT_WALK_STAYS))
			gait_walk_set_state(row, found->library, GAIT_WALK_NONE);
		return;
	}
	gait_walk_move_round(table, position, found);
	if (!(found->flags & GAIT_WALK_STAYS))
		gait_walk_set_state(row, found->library,
		                    found->flags & GAIT_WALK_OPEN
		                        ? GAIT_WALK_NONE
		                        : gait_walk_get_symbol(table, found->symbol)->state);
	if (position->role == GAIT_WALK_NONE) {
		/* A task joined on its way: the first symbol that only one role has, tells. */
		position->role = gait_walk_get_symbol(table, found->symbol)->role;
		position->phase = 0;
		position->is_loose = 1;
	}
}

/* Verdict and, where it is ALLOW, move. */
GAIT_WALK_INLINE __u32
gait_walk_step(const struct gait_walk_header *table, struct gait_walk_position *position,
               gait_walk_row row, __u32 depth, const struct gait_walk_event *event)
{
	struct gait_walk_found found;
	__u32 verdict;

	if (event->nr == table->restart_syscall)
		return GAIT_WALK_ALLOW;
	gait_walk_find(table, position, event, &found);
	verdict = gait_walk_judge(table, position, row, depth, event, &found);
	if (verdict == GAIT_WALK_ALLOW)
		gait_walk_move(table, position, row, event, &found);
	return verdict;
}

/* --- a violation that was let through ----------------------------------------------------------
 */

#ifndef GAIT_WALK_MAX_PHASES
#define GAIT_WALK_MAX_PHASES 1024u
#endif

/*
 * The phase after a call that was let through: the one whose milestone it is. Where the call still
 * does not fit, what was thought to be the phase is not: it is the latest one up to here that the
 * call does not speak against, or a later one. So a whole stretch out of order is one line. One of
 * an interlude that was let through without its entry brings the others with it.
 */
GAIT_WALK_INLINE void
gait_walk_resync_phase(const struct gait_walk_header *table, struct gait_walk_position *at,
                       struct gait_walk_found *found)
{
	const struct gait_walk_phase *phase;
	__u32 reached = GAIT_WALK_NONE, bit;

	if (at->role == GAIT_WALK_NONE || found->call == GAIT_WALK_NONE)
		return;
	if (found->flags & GAIT_WALK_MILESTONE)
		reached = gait_walk_lookup(table, GAIT_WALK_KEY_MILESTONE, at->program, at->role,
		                           found->symbol, 0, 0);
	if (reached != GAIT_WALK_NONE && reached > at->phase)
		found->phase = reached;
	bit = gait_walk_lookup(table, GAIT_WALK_KEY_LED, at->program, at->role, found->phase,
	                       found->call, 0);
	if (bit != GAIT_WALK_NONE)
		at->entries |= 1u << (bit & 31);
	phase = gait_walk_get_phase(table, at->program, at->role, found->phase);
	if (gait_walk_has_call(table, at->is_loose ? phase->loose : phase->allowed, found->call))
		return;
	for (__u32 i = 0; i < GAIT_WALK_MAX_PHASES && i <= found->phase; i++) {
		if (!gait_walk_is_loosely_allowed(table, at->program, at->role, found->phase - i,
		                                  found->call))
			continue;
		found->phase -= i;
		at->is_loose = 1;
		return;
	}
}
