/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * The compiled walk table: one block of flat arrays with 32-bit offsets and indices, no pointers,
 * so that the same bytes serve user space and BPF maps. Fixed-width types only, no GLib, no libc:
 * this header and walk-step.h are also compiled for BPF.
 *
 * All questions of the step ("is there such a symbol", "such an edge") are keys of one
 * open-addressed hash with linear probing, whose longest probe is known when it is built: the step
 * has no unbounded loop. Programs, roles, phases and libraries keep the indices they have in the
 * model.
 */
#pragma once

#ifndef __BPF__ /* a BPF program has its own source of these types */
#include <linux/types.h>
#endif

#define GAIT_WALK_NONE       0xffffffffu
#define GAIT_WALK_MAGIC      0x74696167u /* "gait" */
#define GAIT_WALK_VERSION    2u
#define GAIT_WALK_MAX_PROBES 64u

/* What the walker is told of one system call entry: registers, and what attribution found. */
struct gait_walk_event {
	__u32 nr;
	__u32 klass;         /* gait_syscall_class() */
	__u32 issuer_module; /* module index in the table; GAIT_WALK_NONE: a module the model does
	                        not know */
	__u32 module; /* responsible library, same; GAIT_WALK_NONE: unknown module or not attributed
	               */
	__u64 issuer_offset;
	__u64 site;
	__u32 flags; /* GAIT_WALK_… */
	__u32 pad;
};

enum {
	/* The event carries no issuer, library or site (imported log): up to phase only. */
	GAIT_WALK_NO_STACK = 1 << 0,
	/* The library was rebuilt since training: check up to phase only. */
	GAIT_WALK_STALE_SITES = 1 << 1,
	/* The issuer was rebuilt since training: do not check it. */
	GAIT_WALK_STALE_ISSUER = 1 << 2,
};

/* How a call moves a task (gait_walk_call_flags()), and what a symbol is to the table. */
enum {
	GAIT_WALK_STAYS = 1 << 0,      /* incidental and vDSO calls: no edge, the state stays */
	GAIT_WALK_INCIDENTAL = 1 << 5, /* luck: from any site, in any phase of a role */
	GAIT_WALK_CONTINUES = 1 << 1,  /* restart_syscall: what it continues was checked */
	GAIT_WALK_RETURNS = 1 << 2,    /* rt_sigreturn: leaves the handler's context */
	GAIT_WALK_CREATES = 1 << 3,    /* clone, fork, …: makes a task */
	GAIT_WALK_MILESTONE = 1 << 4,  /* of some role */
	GAIT_WALK_OPEN = 1 << 6,       /* accepted by hand: what follows it is not known */
	GAIT_WALK_WAITS = 1 << 7,      /* ends a round */
	GAIT_WALK_ENTRY = 1 << 8,      /* of an interlude of some role */
	GAIT_WALK_EXECS = 1 << 9,      /* execve, execveat */
};

#define GAIT_WALK_N_CREATIONS 6

/* At offset 0. Offsets are bytes from there. */
struct gait_walk_header {
	__u32 magic, version;
	__u32 size; /* of it all, bytes */
	__u32 is_stackless;
	__u32 n_modules, n_programs, n_roles, n_phases, n_symbols;
	__u32 unknown_module; /* index of [unknown], which a stackless table's symbols are of */
	__u32 restart_syscall, rt_sigreturn; /* their numbers */
	/* Those of clone, fork, … and of execve, execveat: what leads to another role. */
	__u32 creations[GAIT_WALK_N_CREATIONS];
	__u32 programs, roles, phases, symbols, keys; /* offsets of the arrays */
	__u32 key_mask;                               /* number of keys - 1; a power of two - 1 */
	__u32 n_probes; /* the longest probe; <= GAIT_WALK_MAX_PROBES */
};

struct gait_walk_program {
	__u32 n_libraries; /* automata */
	__u32 n_calls;
	__u32 first_role, n_roles;
	__u32 has_issuers;
	__u32 pad;
};

struct gait_walk_role {
	__u32 first_phase, n_phases;
};

struct gait_walk_phase {
	__u32 allowed; /* offset of a bit set over the program's calls */
	__u32 loose;   /* the same for a task of which only a lower bound of its phase is known */
	__u32 led;     /* those of allowed that an interlude holds; 0: none */
};

struct gait_walk_symbol {
	__u32 library; /* automaton within the program */
	__u32 state;   /* GAIT_STATE_FIRST + i */
	__u32 call;    /* within the program */
	__u32 role;    /* the only one it occurs in; GAIT_WALK_NONE: several */
	__u32 flags;
	__u32 pad;
};

/* What a key asks; its program is in the upper bits of scope. */
enum {
	GAIT_WALK_KEY_EMPTY,
	GAIT_WALK_KEY_SYMBOL,    /* nr, klass, module, site → symbol */
	GAIT_WALK_KEY_CALL,      /* nr, klass → call, with GAIT_WALK_IS_INCIDENTAL */
	GAIT_WALK_KEY_LIBRARY,   /* module → library, with GAIT_WALK_HAS_MILESTONES */
	GAIT_WALK_KEY_BY,        /* nr, klass, library: it makes this call */
	GAIT_WALK_KEY_ISSUER,    /* nr, 0, module, offset or GAIT_WALK_ANY_OFFSET */
	GAIT_WALK_KEY_EDGE,      /* from, to, library */
	GAIT_WALK_KEY_CREATE,    /* role, symbol → role, or GAIT_WALK_NO_TASK; of calls that
	                            execute only those that led to the same program again */
	GAIT_WALK_KEY_MILESTONE, /* role, symbol → phase */
	GAIT_WALK_KEY_ENTRY,     /* role, symbol → bit of position.entries */
	GAIT_WALK_KEY_LED,       /* role, phase, call → the bit that has to be there */
	GAIT_WALK_KEY_N_,
};
#define GAIT_WALK_KEY_BITS       4
#define GAIT_WALK_MAX_PROGRAMS   (1u << 16)
#define GAIT_WALK_HAS_MILESTONES (1u << 31) /* or-ed to the index of a library */
#define GAIT_WALK_IS_INCIDENTAL  (1u << 31) /* or-ed to the index of a call */
#define GAIT_WALK_ANY_OFFSET     0xffffffffffffffffull
#define GAIT_WALK_NO_TASK        (1u << 31) /* the role made this call, but it always failed */

struct gait_walk_key {
	__u32 scope; /* kind | program << GAIT_WALK_KEY_BITS */
	__u32 a, b, c;
	__u64 d;
	__u32 value;
	__u32 pad;
};

/* Where a task is, apart from its states (contexts.h). */
struct gait_walk_position {
	__u32 program;
	__u32 role;     /* GAIT_WALK_NONE: not known */
	__u32 phase;    /* where is_loose: it is this one or a later one */
	__u32 is_loose; /* milestones may have been missed */
	/* The last call that may have created a task or executed a program. */
	__u32 nr, klass, module;
	__u32 symbol; /* GAIT_WALK_NONE: not one the table knows */
	/* Interludes. */
	__u32 has_waited; /* it is in a round */
	__u32 entries;    /* that came in this round, by bit */
};
