/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A judge for tests of denial: refuses the next call with a given number of a given thread, once.
 * The thread itself says so, in memory that both share, so that saying it takes no call.
 */
#include <linux/bpf.h>

#include "kernel/denied.bpf.h"

#include "tests/vm/judge.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct judge_order);
} orders SEC(".maps");

/* TP_PROTO(struct pt_regs *regs, long id) */
SEC("tp_btf/sys_enter")
int
judge(__u64 *arguments)
{
	__u32 zero = 0;
	struct judge_order *order = bpf_map_lookup_elem(&orders, &zero);

	if (!order || order->tid != (__u32)bpf_get_current_pid_tgid() ||
	    order->syscall != (__u32)arguments[1])
		return 0;
	order->tid = 0;
	order->failed = gait_denial_set(order->error) != 0;
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
