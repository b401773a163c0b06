/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * Unwind tables: what the CFI of a module says about the two things a walk outward needs, the
 * caller's stack pointer and its rbp, as sorted rows of 16 bytes. Fixed-width types only, no GLib,
 * no libc: this is also compiled for BPF.
 *
 * A row holds from its start to the next row's. Positions are file offsets of the module, as in a
 * call stack; in the vdso, offsets from its start.
 */
#pragma once

#ifndef __BPF__ /* a BPF program has its own source of these types */
#include <linux/types.h>
#endif

/* How the canonical frame address (CFA) is had. The return address lies at CFA - 8 unless said
 * otherwise. */
enum {
	GAIT_CFA_NONE,     /* no CFI holds here, or it says what this table cannot */
	GAIT_CFA_END,      /* nobody calls this code */
	GAIT_CFA_RSP,      /* rsp + offset */
	GAIT_CFA_RBP,      /* rbp + offset */
	GAIT_CFA_PLT,      /* rsp + 8 + ((rip & 15) >= number ? 8 : 0): the PLT's expression */
	GAIT_CFA_RBP_WORD, /* the word at rbp + offset: a realigned stack */
	GAIT_CFA_REGISTER, /* register `number` + offset; known in frame 0 only */
	GAIT_CFA_SIGNAL,   /* a signal frame: rbp, rsp and rip lie in the ucontext, whose start is
	                      rsp + offset */
	GAIT_CFA_LINK,     /* rsp + offset, and the return address is in register `number` (vfork);
	                      frame 0 only */
	GAIT_CFA_N_,
};

/* How the caller's rbp is had. */
enum {
	GAIT_RBP_SAME,   /* it is in rbp still */
	GAIT_RBP_SAVED,  /* the word at CFA + rbp_offset */
	GAIT_RBP_AT_RBP, /* the word at rbp + rbp_offset: a realigned stack */
	GAIT_RBP_LOST,
	GAIT_RBP_N_,
};

/* Flags. */
enum {
	/* The row is not from CFI, but from another table of the module (Go's). */
	GAIT_UNWIND_NOT_CFI = 1 << 0,
	/* Go: the function makes system calls for others, so it is passed over, as libc is. */
	GAIT_UNWIND_GO_SYSCALL = 1 << 1,
	/* Go: the function is the runtime's, whose calls count as a library of their own. */
	GAIT_UNWIND_GO_RUNTIME = 1 << 2,
	/* The address was not reached by a call, whatever lies on the stack below: the trampoline
	   that returns from a signal handler, the function that a context of makecontext() starts
	   under. The walk ends before this frame. */
	GAIT_UNWIND_NO_CALLER = 1 << 3,
};

struct gait_unwind_row {
	__u32 start;
	__u8 cfa;    /* GAIT_CFA_… */
	__u8 rbp;    /* GAIT_RBP_… */
	__u8 number; /* a register, by its DWARF number */
	__u8 flags;
	__s32 cfa_offset;
	__s32 rbp_offset;
};

/* ucontext_t, as the kernel lays it out on the stack for a handler: offsets of saved registers. */
enum {
	GAIT_UCONTEXT_RBP = 120,
	GAIT_UCONTEXT_RSP = 160,
	GAIT_UCONTEXT_RIP = 168,
};

#define GAIT_UNWIND_MAX_ROWS   (1u << 20) /* of one module */
#define GAIT_UNWIND_MAX_PROBES 21         /* of a search among so many */
