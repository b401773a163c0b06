/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Nothing, at every system call's entry. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tp_btf/sys_enter")
int
on_enter(__u64 *arguments)
{
	return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL";
