/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the programs of the in-kernel tier share: the few members of the kernel's structures that
 * they read (where these lie is looked up when the program is loaded), maps, and constants that are
 * set before it is loaded.
 */
#pragma once

#include <linux/bpf.h>

#include "kernel/shared.h"

#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct thread_info {
	unsigned int status;
};
struct mm_struct;
struct seccomp {
	int mode;
};
struct task_struct {
	int pid;
	struct seccomp seccomp;
	unsigned int ptrace;
	struct mm_struct *mm;
	struct thread_info thread_info;
	unsigned int personality;
	__u64 start_boottime;
};
struct inode;
struct file {
	struct inode *f_inode;
};
struct mm_struct {
	void *pgd;
	struct {
		void *vdso;
	} context;
};
struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_flags, vm_pgoff;
	struct mm_struct *vm_mm;
	struct file *vm_file;
};
#pragma clang attribute pop

#define VM_EXEC 4u

/* Where registers are in struct pt_regs. */
enum {
	REGS_R15,
	REGS_R14,
	REGS_R13,
	REGS_R12,
	REGS_RBP,
	REGS_RBX,
	REGS_R11,
	REGS_R10,
	REGS_R9,
	REGS_R8,
	REGS_RAX,
	REGS_RCX,
	REGS_RDX,
	REGS_RSI,
	REGS_RDI,
	REGS_ORIG_RAX,
	REGS_RIP,
	REGS_CS,
	REGS_FLAGS,
	REGS_RSP,
	REGS_SS,
	REGS_N
};

/* The current task's, as at its call's entry; for functions that cannot be handed the program's
 * argument. */
static __always_inline const __u64 *
get_registers(void)
{
	return (const __u64 *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* value & mask, so that the verifier sees it: of the very register, which the compiler would reload
 * or bound in a way that Linux 6.1 does not understand. */
#define BOUND(value, mask)                                                                         \
	({                                                                                         \
		__u64 bound_value = (value);                                                       \
		asm volatile("%0 &= %1" : "+r"(bound_value) : "i"(mask));                          \
		bound_value;                                                                       \
	})

/* In sections, and so maps, of their own. */
const volatile struct gait_tier_config config SEC(".rodata.config");
struct gait_tier_shared shared SEC(".data.shared") = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GAIT_TIER_MAX_TASKS);
	__type(key, __u32);
	__type(value, struct gait_tier_slot);
} slots SEC(".maps");

/* On whoever descends from a task with a slot. */
struct gait_tier_mark {
	__u32 is_told; /* that it has none itself */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct gait_tier_mark);
} mark_of_task SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GAIT_TIER_MAX_TASKS);
	__type(key, __u32);
	__type(value, __u32);
} slot_of_tid SEC(".maps");

/* Nearly always the same, by the low bits of the task's number, and quicker. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAIT_TIER_N_HINTS);
	__type(key, __u32);
	__type(value, __u32);
} slot_hints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GAIT_TIER_N_SPACES);
	__type(key, __u32);
	__type(value, struct gait_tier_space);
} spaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAIT_TIER_MAX_FILES);
	__type(key, __u32);
	__type(value, struct gait_tier_file);
} files SEC(".maps");

/* The kernel's inode, which lives as long as user space has the file mapped; 1: the vdso. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GAIT_TIER_MAX_FILES);
	__type(key, __u64);
	__type(value, __u32);
} file_of_inode SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct gait_unwind_row);
} rows SEC(".maps");

/* Of instructions that are one with an earlier one of their function, that one. */
struct gait_tier_twin {
	__u64 file, offset;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct gait_tier_twin);
	__type(value, __u64);
} twins SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAIT_TIER_N_SYSCALLS);
	__type(key, __u32);
	__type(value, struct gait_tier_syscall);
} syscalls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GAIT_TIER_MAX_STACKS);
	__type(key, __u64);
	__type(value, __u32);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before loading */
} ring SEC(".maps");

/* The walk table, and the states of each task; their sizes are set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct gait_walk_header));
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GAIT_TIER_MAX_TASKS);
	__uint(key_size, 4);
	__uint(value_size, 8);
} states SEC(".maps");
