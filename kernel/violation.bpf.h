/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Violations: what is done about one, and how it is told of. Which action belongs to which call is
 * user space's to say (struct gait_tier_syscall); what nobody has foreseen is killed for.
 */
#pragma once

#include "kernel/hop.bpf.h"
#include "kernel/report.bpf.h"
#include "kernel/step.bpf.h"

#include "kernel/denied.bpf.h"

/* Closed: a call that nobody has foreseen is killed. */
static __always_inline __u32
choose_action(struct gait_tier_report *report, __u32 *is_deniable)
{
	__u32 nr = report->nr & (GAIT_TIER_N_SYSCALLS - 1);
	const struct gait_tier_syscall *call = bpf_map_lookup_elem(&syscalls, &nr);
	__u64 verdict = BOUND(report->verdict, GAIT_TIER_N_VERDICTS - 1);

	*is_deniable = 0;
	if (!call || nr != report->nr)
		return GAIT_TIER_KILL;
	if (report->event.klass < 32 && (call->waiting >> report->event.klass & 1))
		return GAIT_TIER_STAND_STILL;
	report->error = call->error[verdict];
	*is_deniable = call->is_deniable;
	return call->action[verdict];
}

/* Whether the call is sure to fail. */
static __always_inline int
deny(const struct gait_tier_report *report)
{
	return gait_denial_set(report->error ? report->error : EPERM) == 0;
}

static __always_inline __u64
hash_violation(const struct gait_tier_report *report)
{
	const struct gait_walk_event *event = &report->event;
	__u64 hash = config.seed;

	hash = mix(hash, (__u64)report->verdict << 32 | report->action);
	hash = mix(hash, (__u64)event->nr << 32 | event->klass);
	hash = mix(hash, (__u64)event->module << 32 | event->issuer_module);
	hash = mix(hash, event->site);
	hash = mix(hash, event->issuer_offset);
	return mix(hash, (__u64)report->from << 32 | report->position.phase);
}

static __always_inline void
withhold(struct gait_tier_slot *slot, const struct gait_tier_report *report,
         struct gait_tier_repeat *repeat)
{
	__u64 verdict = BOUND(report->verdict, GAIT_TIER_N_VERDICTS - 1);

	repeat->n_withheld++;
	slot->n_withheld[verdict]++;
	if (report->action == GAIT_TIER_DENY)
		slot->n_withheld_denied++;
}

/*
 * Tells of a violation. Who does the same wrong again and again would fill the ring within
 * milliseconds, and keep others' from being told of: a few times, and then once a second, it is
 * told of with how often it was not. So is what found no room.
 */
static __noinline int
tell(struct gait_tier_slot *slot, struct gait_tier_report *report, const __u64 *registers)
{
	__u64 hash = hash_violation(report), now_ns = bpf_ktime_get_ns();
	struct gait_tier_repeat *repeat = &slot->repeats[hash >> 61 & (GAIT_TIER_N_REPEATS - 1)];
	__u64 verdict = BOUND(report->verdict, GAIT_TIER_N_VERDICTS - 1);

	if (repeat->hash != hash) {
		__builtin_memset(repeat, 0, sizeof(*repeat));
		repeat->hash = hash;
	}
	if (!report->is_killed && repeat->n_burst >= GAIT_TIER_BURST &&
	    now_ns - repeat->told_ns < 1000000000ull) {
		withhold(slot, report, repeat);
		return 0;
	}
	report->n_repeats = repeat->n_withheld;
	if (!report_raw(report, slot, registers)) {
		slot->n_lost--;
		withhold(slot, report, repeat);
		return 0;
	}
	slot->n_withheld[verdict] -= report->n_repeats;
	if (report->action == GAIT_TIER_DENY)
		slot->n_withheld_denied -= report->n_repeats;
	repeat->n_withheld = 0;
	repeat->told_ns = now_ns;
	if (repeat->n_burst < GAIT_TIER_BURST)
		repeat->n_burst++;
	return 0;
}

static __always_inline void
act(struct gait_tier_slot *slot, struct gait_tier_step *step, struct gait_tier_report *report,
    const __u64 *registers)
{
	__u32 is_deniable;

	report->event = step->event;
	report->action = choose_action(report, &is_deniable);
	report->position = slot->position;
	report->library = step->found.library;
	report->from = step->from;
	report->depth = step->depth;
	slot->n_violations++;
	if (report->action == GAIT_TIER_LOG) {
		gait_resync_phase(step);
		gait_move(step);
	}
	/* Who is killed dies on the way back from the call; what a hook refuses does nothing until
	   then. */
	if (report->action >= GAIT_TIER_DENY && is_deniable && !deny(report))
		report->action = GAIT_TIER_KILL;
	report->is_killed = report->action == GAIT_TIER_KILL;
	if (report->is_killed) {
		slot->is_lost = 1;
		bpf_send_signal(9);
	}
	tell(slot, report, registers);
}
