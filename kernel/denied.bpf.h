/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For the BPF program that judges a system call at its entry: has it refused, by the hooks of
 * denial.bpf.c. Both objects have these maps, and their loader makes them the same
 * (gait_denial_share()).
 */
#pragma once

#include "kernel/denial-hooks.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GAIT_DENIAL_MAX);
	__type(key, __u32);
	__type(value, struct gait_denied);
} gait_denied SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gait_denials);
} gait_denials SEC(".maps");

static __always_inline struct gait_denials *
gait_denials_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&gait_denials, &zero);
}

/*
 * The current task's call, which is being entered, shall fail with this errno (1 to 4095) before it
 * acts. Only for calls that gait_denial_covers() says so of. Not 0: there is no room to note it,
 * and the caller has to kill the task.
 */
static __always_inline long
gait_denial_set(__u32 error)
{
	struct gait_denied denied = {.result = -(__s64)error};
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct gait_denials *denials = gait_denials_get();
	long failed;

	if (!denials)
		return -1;
	__sync_fetch_and_add(&denials->n_denied, 1);
	failed = bpf_map_update_elem(&gait_denied, &tid, &denied, BPF_NOEXIST);
	if (!failed)
		return 0;
	/* It is there, from a call whose end nobody saw, or there is no room. */
	__sync_fetch_and_add(&denials->n_denied, -1ull);
	failed = bpf_map_update_elem(&gait_denied, &tid, &denied, BPF_EXIST);
	if (failed)
		__sync_fetch_and_add(&denials->n_without_room, 1);
	return failed;
}
