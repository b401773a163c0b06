/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One step of the in-kernel walker, run by its unit test (test-walk-kernel.c) instead of a system
 * call: of the task of slot 0, with an event that the test has put into a map.
 */
#pragma clang diagnostic ignored "-Wunused-function"
#include "kernel/memo.bpf.h"

struct gait_test_question {
	struct gait_walk_event event;
	__u32 depth, verdict;
	__u32 stands_still; /* the walker does not follow a violation */
	__u32 is_repeated;  /* out: it was remembered */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gait_test_question);
} question SEC(".maps");

/* Events come from where they say, which is somewhere else for each. */
static __always_inline struct way *
get_way(struct gait_tier_slot *slot, const struct gait_walk_event *event)
{
	struct way *way = (struct way *)slot->way;

	way->generation = 1;
	way->issuer = mix(event->issuer_module, event->issuer_offset);
	way->site = mix(mix(event->module, event->site), event->flags);
	return way;
}

SEC("raw_tp/gait_step")
int
on_step(__u64 *arguments)
{
	__u32 zero = 0;
	struct gait_test_question *asked = bpf_map_lookup_elem(&question, &zero);
	struct gait_tier_slot *slot = bpf_map_lookup_elem(&slots, &zero);
	struct gait_tier_step *step;
	struct way *way;
	__u32 phase;

	if (!asked || !slot)
		return -1;
	step = begin_step(slot, asked->event.nr);
	step->event = asked->event;
	step->depth = asked->depth;
	way = get_way(slot, &step->event);
	asked->is_repeated =
	    repeat_step(slot, get_first_state(step), way, step->event.nr, step->event.klass);
	if (asked->is_repeated) {
		asked->verdict = GAIT_WALK_ALLOW;
		return 0;
	}
	phase = get_phase(&slot->position);
	asked->verdict = step_walker(step);
	if (asked->verdict == GAIT_WALK_ALLOW)
		gait_remember_step(step, way, phase);
	if (asked->verdict != GAIT_WALK_ALLOW && !asked->stands_still) {
		gait_resync_phase(step);
		gait_move(step);
	}
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
