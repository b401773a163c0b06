/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * What the in-kernel tier and user space share: one slot for each task, what the program knows of
 * files, and the records that it sends. Fixed-width types only; also compiled for BPF.
 */
#pragma once

#ifndef __BPF__
#include <linux/types.h>
#endif

#include "sysgait/unwind-table.h"
#include "sysgait/walk-table.h"

#define GAIT_TIER_NONE       0xffffffffu
#define GAIT_TIER_LINE       __attribute__((aligned(64))) /* of the processor's cache */
#define GAIT_TIER_MAX_TASKS  4096
#define GAIT_TIER_N_HINTS    65536 /* where to look for the slot of a task; a power of two */
#define GAIT_TIER_MAX_FILES  4096
#define GAIT_TIER_MAX_FRAMES 31 /* one less than a power of two */
/* What a task remembers; powers of two. */
#define GAIT_TIER_N_CACHED     32  /* addresses, with all that is known of them */
#define GAIT_TIER_N_HOPS       128 /* with as much as it takes to get past them */
#define GAIT_TIER_N_WAYS       4   /* of either, those of the same hash */
#define GAIT_TIER_N_MEMOS      64  /* steps */
#define GAIT_TIER_N_RECALLED   64  /* stacks */
#define GAIT_TIER_N_GATHERED   32  /* calls that are sent off together, at most */
#define GAIT_TIER_STACK        256 /* bytes of stack that are read at once */
#define GAIT_TIER_MAX_CONTEXTS 8   /* signal handlers, one inside the other */
#define GAIT_TIER_MAX_STACKS   65536
#define GAIT_TIER_RAW          4096 /* bytes of stack that a record carries at most */
#define GAIT_TIER_MIN_RING     0x10000u
#define GAIT_TIER_MAX_RING     0x40000000u
#define GAIT_TIER_N_SYSCALLS   512
#define GAIT_TIER_N_VERDICTS   16 /* at least: a power of two */

/* A file whose code may run, or the vdso. */
struct gait_tier_file {
	__u32 first_row, n_rows; /* in the table of rows; 0: none */
	__u32 walk_module;       /* its index in the walk table; GAIT_WALK_NONE */
	__u32 part_module;       /* that of its runtime part (Go) */
	__u32 flags;             /* GAIT_TIER_FILE_… */
	__u32 pad;
};

enum {
	GAIT_TIER_FILE_RUNTIME = 1 << 0,
	GAIT_TIER_FILE_STALE = 1 << 1, /* rebuilt since training */
	GAIT_TIER_FILE_GO = 1 << 2,    /* its own table says what is runtime */
};

/* An address of code that was looked up before. */
struct gait_tier_place {
	__u64 pc;
	__u32 generation;
	__u32 file; /* GAIT_TIER_NONE: one that nobody has told of; ANON */
	__u64 offset;
	__u64 issuer; /* the offset that stands for it, as an instruction */
	struct gait_unwind_row row;
	__u32 flags; /* of the file; GAIT_TIER_PLACE_… */
	__u32 module;
};

/* The same address again: whether it is the site, or where its caller's is. */
struct gait_tier_hop {
	__u64 pc; /* as place.pc */
	__u32 generation;
	__u16 kind; /* GAIT_TIER_HOP_… */
	__u16 cfa;  /* ON: from the stack pointer to behind the return address */
};

enum { GAIT_TIER_HOP_ON = 1, GAIT_TIER_HOP_SITE };

#define GAIT_TIER_ANON 0xfffffffeu

/* A frame, of whatever address space: the low 16 bits of the file, and the offset in it. */
#define GAIT_TIER_FRAME(file, offset) ((__u64)(file) << 48 | ((offset)&0xffffffffffffull))
#define GAIT_TIER_FRAME_FILE(frame)   ((__u32)((frame) >> 48))
#define GAIT_TIER_FRAME_OFFSET(frame) ((frame)&0xffffffffffffull)

#define GAIT_TIER_N_FROM 4 /* a power of two */

/* A step that was made before, and may be made again without looking it up: from the same two
 * places, with the same call, in the same phase of the same role, from one of a few states. */
struct gait_tier_memo {
	__u64 issuer, site; /* as place.pc; issuer 0: empty */
	__u32 generation;
	__u32 klass;
	__u32 role, phase; /* phase: get_phase() of memo.bpf.h */
	__u32 library;
	__u32 to;
	__u16 nr;
	__u8 waits;       /* it ends a round */
	__u8 stays;       /* whatever the state, it does not change */
	__u8 needs, adds; /* the entry of an interlude: 1 + its bit; 0: none */
	__u16 n_from;
	__u32 from[GAIT_TIER_N_FROM];
};

enum {
	GAIT_TIER_PLACE_AFTER_CALL = 1 << 16, /* a call instruction ends there */
};

/* A stack that has a number. */
struct gait_tier_recalled {
	__u64 hash;   /* of its addresses */
	__u32 number; /* 0: none */
	__u32 pad;
};

/* Where the kernel put the frame of a handler; as GaitSignalFrame. */
struct gait_tier_handler {
	__u64 sp, stack_base;
};

/* A call that the kernel may make again. */
struct gait_tier_again {
	__u64 ip, sp, args[6];
	__u32 nr, depth;
};

/* A violation that comes again and again; the same in all that it is told by. */
struct gait_tier_repeat {
	__u64 hash;
	__u64 n_withheld; /* that were only counted since the last one that was told of */
	__u64 told_ns;
	__u32 n_burst; /* that were told of at once */
	__u32 pad;
};

#define GAIT_TIER_N_REPEATS 8  /* a power of two */
#define GAIT_TIER_BURST     16 /* equal violations that are told of, before one a second */

enum {
	GAIT_TIER_TASK_ENFORCED = 1 << 0, /* by the walker */
	GAIT_TIER_TASK_STATIC = 1 << 1,   /* its program has no runtime files */
	/* Its next call was told of, or ruled on, already, and the walker moved: once. */
	GAIT_TIER_TASK_MUTE = 1 << 2,
	/* It has had a signal: where its calls come from counts from now on, and whether they are
	   made again; so they are not told of briefly. */
	GAIT_TIER_TASK_SIGNALLED = 1 << 3,
};

/* How an attribution went. */
enum {
	GAIT_TIER_FOUND,
	GAIT_TIER_NO_MAPPING, /* an address where nothing is mapped, or that follows no call */
	GAIT_TIER_NO_ROW,     /* code without unwind table */
	GAIT_TIER_NO_STACK,   /* memory that is not there */
	GAIT_TIER_TOO_DEEP,   /* more frames than are followed */
	GAIT_TIER_BUSY,       /* the kernel would not say what is mapped where */
	GAIT_TIER_NO_FILE,    /* recording: a file that nobody has told of */
	GAIT_TIER_UNKNOWN_N_,
};

/* A page of the task's memory, where the kernel has it for itself. */
struct gait_tier_page {
	__u64 number;          /* of the task's; 0: none */
	__u64 entry_at, entry; /* of the page tables */
	__u64 base;
};

/* A call by a native program that has lost none, of a stack that has a number. */
struct gait_tier_brief {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 nr;
	__u32 stack;
	__u32 args[6]; /* the low halves */
};

/*
 * Calls of a task, as they gather in its slot: there they can be read at any time, since they stay
 * as they are until all of them are sent off, and then the first half of state is another one.
 */
struct gait_tier_batch {
	__u32 kind; /* GAIT_TIER_BATCH */
	__u32 slot;
	__u64 state; /* GAIT_TIER_STATE() */
	struct gait_tier_brief calls[GAIT_TIER_N_GATHERED];
};

/* How many batches were sent off before, and how many calls are in this one. */
#define GAIT_TIER_STATE(n_sent, n)  ((__u64)(__u32)(n_sent) << 32 | (n))
#define GAIT_TIER_STATE_SENT(state) ((__u32)((state) >> 32))
#define GAIT_TIER_STATE_N(state)    ((__u32)(state))

#define GAIT_TIER_N_SPACES 1024 /* a power of two */
#define GAIT_TIER_N_RANGES 256  /* a power of two */

/* Code of a file, or of none, in an address space. */
struct gait_tier_range {
	__u32 version;   /* odd while it is written */
	__u32 n_changes; /* of its space */
	__u64 mm;
	__u64 start, end;
	__u64 offset; /* of start, in the file */
	__u64 inode;  /* 0: anonymous; 1: the vdso */
};

/* An address space; those of the same hash share one. */
struct gait_tier_space {
	__u32 generation; /* goes up whenever code may have come to lie elsewhere */
	__u32 n_moving;   /* tasks in calls that may move it: no place is remembered meanwhile */
	__u32 n_ranges;   /* that were looked up */
	__u32 n_changes;  /* goes up whenever that may have come to concern one of them */
	struct gait_tier_range ranges[GAIT_TIER_N_RANGES];
};

/*
 * One task. Written by user space while the task is stopped or waits, and by the program in the
 * task's own context.
 */
struct gait_tier_slot {
	/* What every call looks at. */
	__u32 tid;   /* the kernel's; 0: free */
	__u32 flags; /* GAIT_TIER_TASK_… */
	__u32 depth; /* signal handlers that it is in */
	__u32 n_again;
	__u32 is_lost;   /* killed: what it does any more does not count */
	__u32 is_moving; /* its last call may have moved code, or be about to */
	__u64 mm; /* its address space, by the kernel's name; a child's is its parent's, or new */
	__u32 space; /* of spaces */
	__u32 index; /* the slot's own */
	__u64 n_events;
	struct gait_walk_position position;
	__u64 n_lost, n_unknown, n_violations;
	__u64 n_fetched; /* what was looked up: chooses who makes room for the next */
	struct gait_tier_handler handlers[GAIT_TIER_MAX_CONTEXTS];
	struct gait_tier_again again[GAIT_TIER_MAX_CONTEXTS];
	struct gait_tier_page pages[2] GAIT_TIER_LINE; /* of its stack: even ones, and odd */
	struct gait_tier_batch batch;
	struct gait_tier_hop hops[GAIT_TIER_N_HOPS] GAIT_TIER_LINE;
	struct gait_tier_memo memos[GAIT_TIER_N_MEMOS] GAIT_TIER_LINE;
	struct gait_tier_recalled recalled[GAIT_TIER_N_RECALLED];
	struct gait_tier_place places[GAIT_TIER_N_CACHED];
	struct gait_tier_repeat repeats[GAIT_TIER_N_REPEATS];
	/* Violations that no record has counted, by verdict; of them, those that were refused. */
	__u64 n_withheld[GAIT_TIER_N_VERDICTS], n_withheld_denied;
	/* The walk outward: here and not on the program's stack, which Linux 6.1's verifier loses
	   track of in loops. */
	__u64 frame[4];              /* struct gait_unwind_frame */
	__u64 way[4];                /* struct way */
	struct gait_tier_range code; /* that was looked for */
	__u64 step[24];              /* struct gait_tier_step */
	__u64 report[25];            /* struct gait_tier_report */
	__u64 stack_base;
	__u64 has_stack;      /* which pieces of it were read, by bit */
	__u32 n_frames, site; /* of pcs */
	__u32 at, site_at;    /* the last frame's, and the site's, among places */
	__u64 pcs[GAIT_TIER_MAX_FRAMES + 1];
	__u64 frames[GAIT_TIER_MAX_FRAMES + 1]; /* the same, as GAIT_TIER_FRAME() */
	__u64 stack[GAIT_TIER_STACK / 8];
};

/* What makes the class of a call, and what is done about a violation by it. */
struct gait_tier_syscall {
	__u8 index[2], shift[2];           /* registers, and where they go */
	__u32 mask[2];                     /* 0: none */
	__u8 action[GAIT_TIER_N_VERDICTS]; /* GAIT_TIER_… */
	__u16 error[GAIT_TIER_N_VERDICTS];
	__u32 is_deniable; /* the hooks of denial.bpf.c can refuse it before it acts */
	__u32 waiting; /* bit k: with class k it only waits, and is logged whatever the policy */
};

enum {
	GAIT_TIER_LOG,
	GAIT_TIER_STAND_STILL, /* logged, and the walker does not follow */
	GAIT_TIER_DENY,        /* it fails with an errno, by a hook */
	GAIT_TIER_KILL,
};

/* Kinds of record. */
enum {
	GAIT_TIER_CALL = 1, /* a call, with the number of a stack that a RAW has told of */
	GAIT_TIER_BATCH,    /* such calls of a task, but for what nobody asks for */
	GAIT_TIER_RAW_CALL, /* a call with all that is known of it */
	GAIT_TIER_VIOLATION,
	/* A task without a slot that descends from one that has. time_ns: when it was born, since
	   the machine was started. */
	GAIT_TIER_STRANGER,
};

struct gait_tier_call {
	__u32 kind;
	__u32 slot;
	__u32 tid;
	__u32 nr;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 ip, sp;
	__u64 args[6];
	__u32 stack;  /* 0: none was given */
	__u32 arch;   /* AUDIT_ARCH_… */
	__u64 n_lost; /* calls of the task that found no room before this one */
};

/* A call whose stack is told for the first time, or has no number; or a violation. */
struct gait_tier_raw {
	struct gait_tier_call call;
	__u32 how;      /* GAIT_TIER_FOUND … */
	__u32 n_frames; /* pcs */
	__u32 site;     /* index of the responsible frame */
	__u32 verdict;  /* VIOLATION */
	__u32 is_killed;
	__u32 n_stack; /* bytes */
	__u32 action;  /* VIOLATION: GAIT_TIER_LOG … */
	__u32 error;
	__u64 n_repeats; /* VIOLATION: like it, that were not told of since the last one that was */
	/* VIOLATION: where the walker stood; the state of the library's automaton, if it has one.
	 */
	__u32 library, from, depth;
	struct gait_walk_position position;
	struct gait_walk_event event;
	__u64 registers[21]; /* struct pt_regs */
	__u64 pcs[GAIT_TIER_MAX_FRAMES + 1];
	__u64 frames[GAIT_TIER_MAX_FRAMES + 1];
	__u64 stack[GAIT_TIER_RAW / 8];
};

/* Of the search for the direct map (own-memory.bpf.h). */
#define GAIT_TIER_N_PROBES     4
#define GAIT_TIER_PROBE_STRIDE 4096
#define GAIT_TIER_MAP_SHIFT    30 /* it begins at a multiple of this power of two */
#define GAIT_TIER_MAX_MAPS     65536

/* SIGSTOP, sent by the kernel: tracers know that nobody else does so (gait_tracer_…). */
#define GAIT_TIER_SIGNAL 19

/* Set before the program is loaded; the verifier sees constants. */
struct gait_tier_config {
	__u32 is_recording, is_enforcing;
	__u32 table_size;                  /* bytes of the walk table */
	__u32 n_states;                    /* of a task */
	__u32 stride;                      /* of them, those of one signal context */
	__u32 anon_module, unknown_module; /* [anon] and [unknown] in the walk table */
	/* The ring is looked at in a task's every n-th call, which is a power of two: n - 1. */
	__u32 look_mask;
	__u32 n_gathered;                         /* calls of a task that are sent off together */
	__u64 classed[GAIT_TIER_N_SYSCALLS / 64]; /* calls that have classes, by bit */
	__u64 ring_size;
	__u64 seed; /* what stacks are told apart with: nobody can make two that look alike */
};

/* Shared while it runs. */
struct gait_tier_shared {
	__u32 n_stacks;   /* that have a number */
	__u32 is_tight;   /* more than half of the ring is waiting to be read */
	__u64 direct_map; /* where the kernel has all memory; 0: not known */
};
