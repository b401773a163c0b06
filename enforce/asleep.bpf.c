/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Notes the registers of supervised tasks when they go to sleep. Runs at every context switch of
 * the machine, so whoever is not traced costs it two comparisons. It decides nothing.
 */
#include <linux/bpf.h>

#include "enforce/asleep.h"

#include <bpf/bpf_helpers.h>

/* What is needed of the kernel's; where its members lie is looked up when this is loaded. */
struct task_struct {
	int pid;
	unsigned int ptrace;
} __attribute__((preserve_access_index));

/* Its place in struct pt_regs. */
#define STACK_POINTER 19

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GAIT_ASLEEP_MAX);
	__type(key, __u32);
	__type(value, __u32);
} slot_of_task SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GAIT_ASLEEP_MAX);
	__type(key, __u32);
	__type(value, struct gait_asleep);
} slots SEC(".maps");

static __always_inline struct gait_asleep *
find(__u32 tid)
{
	__u32 *slot = bpf_map_lookup_elem(&slot_of_task, &tid);

	return slot ? bpf_map_lookup_elem(&slots, slot) : 0;
}

/* The task that goes to sleep is the current one here, so registers and memory are to be had. */
static __always_inline void
note_sleep(__u32 tid)
{
	struct gait_asleep *asleep = find(tid);

	if (!asleep)
		return;
	asleep->tid = tid;
	bpf_probe_read_kernel(asleep->registers, sizeof(asleep->registers),
	                      (void *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	asleep->n_stack = bpf_probe_read_user(asleep->stack, sizeof(asleep->stack),
	                                      (void *)asleep->registers[STACK_POINTER]) == 0
	                      ? sizeof(asleep->stack)
	                      : 0;
	asleep->sequence = (asleep->sequence + 2) & ~1ull;
}

static __always_inline void
note_waking(__u32 tid)
{
	struct gait_asleep *asleep = find(tid);

	if (asleep)
		asleep->sequence |= 1;
}

/* TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next, …) */
SEC("tp_btf/sched_switch")
int
on_switch(__u64 *arguments)
{
	struct task_struct *previous = (struct task_struct *)arguments[1];
	struct task_struct *next = (struct task_struct *)arguments[2];

	if (previous->ptrace)
		note_sleep(previous->pid);
	if (next->ptrace)
		note_waking(next->pid);
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
