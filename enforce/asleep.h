/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * What asleep.bpf.c tells of a task, in memory that both share. Fixed-width types only: this header
 * is compiled for BPF, too.
 */
#pragma once

/* Of struct pt_regs; the kernel's order, which is that of struct user_regs_struct, too. */
#define GAIT_ASLEEP_REGISTERS 21

/* Bytes of stack, from the stack pointer on: enough for most calls to find their call site. */
#define GAIT_ASLEEP_STACK 256

/* Tasks at a time. */
#define GAIT_ASLEEP_MAX 8192

struct gait_asleep {
	/* Odd while the task runs; even, and another one each time, while it does not. 0: it has
	   not gone to sleep yet since its slot is its own. */
	__u64 sequence;
	/* Its registers in user space, since it went to sleep last; and whose they are. */
	__u64 registers[GAIT_ASLEEP_REGISTERS];
	__u32 tid;
	__u32 n_stack; /* bytes that could be read */
	__u8 stack[GAIT_ASLEEP_STACK];
};
