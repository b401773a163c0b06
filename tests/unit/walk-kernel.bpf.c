/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One step of the in-kernel walker, run by its unit test (test-walk-kernel.c) instead of a system
 * call: of the task of slot 0, with an event that the test has put into a map.
 */
#pragma clang diagnostic ignored "-Wunused-function"
#include "kernel/step.bpf.h"

struct gait_test_question {
	struct gait_walk_event event;
	__u32 depth, verdict;
	__u32 stands_still, pad; /* the walker does not follow a violation */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gait_test_question);
} question SEC(".maps");

SEC("raw_tp/gait_step")
int
on_step(__u64 *arguments)
{
	__u32 zero = 0;
	struct gait_test_question *asked = bpf_map_lookup_elem(&question, &zero);
	struct gait_tier_slot *slot = bpf_map_lookup_elem(&slots, &zero);
	struct gait_tier_step *step;

	if (!asked || !slot)
		return -1;
	step = begin_step(slot, 0, asked->event.nr);
	step->event = asked->event;
	step->depth = asked->depth;
	asked->verdict = step_walker(step);
	if (asked->verdict != GAIT_WALK_ALLOW && !asked->stands_still) {
		gait_resync_phase(step);
		gait_move(step);
	}
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
