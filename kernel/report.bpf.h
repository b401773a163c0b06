/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records. Calls whose stack has a number gather in their task's slot, 40 bytes each, and are sent
 * off some at a time; where more of a call may count it has a record of 112 bytes. The first time,
 * and wherever the walk outward failed, all that is known of the call goes along, so that user
 * space can see for itself. Nothing is lost silently: what finds no room is counted in its task's
 * slot.
 */
#pragma once

#include "kernel/outward.bpf.h"
#include "kernel/step.bpf.h"

#define AUDIT_ARCH_X86_64 0xc000003eu
#define AUDIT_ARCH_I386   0x40000003u

/* The reader looks every few milliseconds by itself; it is woken where that might be too late. */
#define WAKE_SHARE 8

static __always_inline void
fill_call(struct gait_tier_call *call, __u32 kind, const struct gait_tier_slot *slot,
          const __u64 *registers, __u32 nr)
{
	struct task_struct *task = bpf_get_current_task_btf();

	call->kind = kind;
	call->slot = slot->index;
	call->tid = slot->tid;
	call->nr = nr;
	call->time_ns = bpf_ktime_get_ns();
	call->ip = registers[REGS_RIP];
	call->sp = registers[REGS_RSP];
	call->args[0] = registers[REGS_RDI];
	call->args[1] = registers[REGS_RSI];
	call->args[2] = registers[REGS_RDX];
	call->args[3] = registers[REGS_R10];
	call->args[4] = registers[REGS_R8];
	call->args[5] = registers[REGS_R9];
	call->stack = 0;
	call->arch = task->thread_info.status & TS_COMPAT ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	call->n_lost = slot->n_lost;
}

/* How full the ring is; on_exit() is told where that is more than half. */
static __always_inline __u64
look_at_ring(void)
{
	__u64 size = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	if (size > config.ring_size / 2)
		shared.is_tight = 1;
	return size;
}

static __always_inline __u64
choose_wakeup(const struct gait_tier_slot *slot)
{
	if (slot->n_events & config.look_mask)
		return BPF_RB_NO_WAKEUP;
	return look_at_ring() > config.ring_size / WAKE_SHARE ? BPF_RB_FORCE_WAKEUP
	                                                      : BPF_RB_NO_WAKEUP;
}

/* Sends off what has gathered. 0: there is no room. */
__noinline int
gait_send_batch(struct gait_tier_slot *slot)
{
	__u64 state, size, flags;

	if (!slot)
		return 0;
	state = slot->batch.state;
	if (!GAIT_TIER_STATE_N(state))
		return 1;
	size = __builtin_offsetof(struct gait_tier_batch, calls) +
	       BOUND(GAIT_TIER_STATE_N(state), 2 * GAIT_TIER_N_GATHERED - 1) *
	           sizeof(struct gait_tier_brief);
	flags =
	    look_at_ring() > config.ring_size / WAKE_SHARE ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_output(&ring, &slot->batch, size, flags))
		return 0;
	slot->batch.state = GAIT_TIER_STATE(GAIT_TIER_STATE_SENT(state) + 1, 0);
	return 1;
}

/* Distinguishes stacks. */
static __always_inline __u64
hash_stack(const struct gait_tier_slot *slot)
{
	__u64 hash = config.seed;

	for (__u32 i = 0; i <= GAIT_TIER_MAX_FRAMES && i <= slot->site; i++)
		hash = mix(hash, slot->frames[i]);
	return hash;
}

static __always_inline __u32
copy_stack(struct gait_tier_raw *raw, __u64 sp)
{
	__u32 size = 0;

	/* As much of it as there is. */
	for (int i = 0; i < 4; i++) {
		if (bpf_probe_read_user((char *)raw->stack + size, 1024, (void *)(sp + size)))
			break;
		size += 1024;
	}
	if (size == 0)
		for (int i = 0; i < 32; i++) {
			if (bpf_probe_read_user((char *)raw->stack + i * 32, 32,
			                        (void *)(sp + i * 32)))
				break;
			size += 32;
		}
	return size;
}

struct gait_tier_report {
	__u32 kind, nr, how, pad;
	__u32 stack;  /* out: its number, where is_new */
	__u32 is_new; /* it gets one */
	__u32 verdict, is_killed, action, error;
	__u32 library, from, depth;
	__u64 n_repeats;
	struct gait_walk_event event;
	struct gait_walk_position position;
};

/* In the slot: the programs' stack is small. */
static __always_inline struct gait_tier_report *
begin_report(struct gait_tier_slot *slot, __u32 kind, __u32 nr, int how)
{
	struct gait_tier_report *report = (struct gait_tier_report *)slot->report;

	_Static_assert(sizeof(*report) <= sizeof(slot->report), "a report has room in its slot");
	__builtin_memset(report, 0, sizeof(*report));
	report->kind = kind;
	report->nr = nr;
	report->how = (__u32)how;
	return report;
}

static __always_inline int
report_raw(struct gait_tier_report *report, struct gait_tier_slot *slot, const __u64 *registers)
{
	struct gait_tier_raw *raw =
	    gait_send_batch(slot) ? bpf_ringbuf_reserve(&ring, sizeof(*raw), 0) : 0;

	if (!raw) {
		slot->n_lost++;
		return 0;
	}
	fill_call(&raw->call, report->kind, slot, registers, report->nr);
	/* Numbers that nobody is told of are not used up. */
	if (report->is_new)
		report->stack = __sync_fetch_and_add(&shared.n_stacks, 1) + 1;
	raw->call.stack = report->stack;
	raw->how = report->how;
	raw->n_frames = slot->n_frames;
	raw->site = slot->site;
	raw->verdict = report->verdict;
	raw->is_killed = report->is_killed;
	raw->event = report->event;
	raw->action = report->action;
	raw->error = report->error;
	raw->n_repeats = report->n_repeats;
	raw->library = report->library;
	raw->from = report->from;
	raw->depth = report->depth;
	raw->position = report->position;
	__builtin_memcpy(raw->pcs, slot->pcs, sizeof(raw->pcs));
	__builtin_memcpy(raw->frames, slot->frames, sizeof(raw->frames));
	for (int i = 0; i < REGS_N; i++)
		raw->registers[i] = registers[i];
	raw->n_stack = copy_stack(raw, registers[REGS_RSP]);
	bpf_ringbuf_submit(raw, BPF_RB_FORCE_WAKEUP);
	look_at_ring();
	return 1;
}

static __always_inline void
report_known(struct gait_tier_slot *slot, const __u64 *registers, __u32 nr, __u32 stack)
{
	struct gait_tier_call *call =
	    gait_send_batch(slot) ? bpf_ringbuf_reserve(&ring, sizeof(*call), 0) : 0;

	if (!call) {
		slot->n_lost++;
		return;
	}
	fill_call(call, GAIT_TIER_CALL, slot, registers, nr);
	call->stack = stack;
	bpf_ringbuf_submit(call, choose_wakeup(slot));
}

#define SYS_MUNMAP 11
#define SYS_SHMDT  67

/* Whether a known call's addresses count for nobody. */
static __always_inline int
is_brief(const struct gait_tier_slot *slot, __u32 nr)
{
	return !config.is_enforcing && !(slot->flags & GAIT_TIER_TASK_SIGNALLED) && !slot->n_lost &&
	       nr != SYS_MUNMAP && nr != SYS_SHMDT;
}

static __always_inline void
report_briefly(struct gait_tier_slot *slot, const __u64 *registers, __u32 nr, __u32 stack)
{
	struct gait_tier_brief *brief;

	if (GAIT_TIER_STATE_N(slot->batch.state) >= config.n_gathered && !gait_send_batch(slot)) {
		slot->n_lost++;
		return;
	}
	brief = &slot->batch.calls[BOUND(slot->batch.state, GAIT_TIER_N_GATHERED - 1)];
	brief->time_ns = bpf_ktime_get_ns();
	brief->nr = nr;
	brief->stack = stack;
	brief->args[0] = (__u32)registers[REGS_RDI];
	brief->args[1] = (__u32)registers[REGS_RSI];
	brief->args[2] = (__u32)registers[REGS_RDX];
	brief->args[3] = (__u32)registers[REGS_R10];
	brief->args[4] = (__u32)registers[REGS_R8];
	brief->args[5] = (__u32)registers[REGS_R9];
	/* It is there before it counts. */
	asm volatile("" : : : "memory");
	slot->batch.state++;
}

/* Where the number of a stack is remembered. */
static __always_inline struct gait_tier_recalled *
get_recalled(struct gait_tier_slot *slot, __u64 hash)
{
	return &slot->recalled[BOUND(hash, GAIT_TIER_N_RECALLED - 1)];
}

/* The number of the stack that such a way is; 0: not known. */
static __always_inline __u32
recall_stack(struct gait_tier_slot *slot, const struct way *way)
{
	const struct gait_tier_recalled *recalled = get_recalled(slot, way->hash);

	return recalled->hash == way->hash ? recalled->number : 0;
}

static __always_inline void
remember_stack(struct gait_tier_slot *slot, const struct way *way, __u32 number)
{
	struct gait_tier_recalled *recalled = get_recalled(slot, way->hash);

	recalled->hash = way->hash;
	recalled->number = number;
}

/* A function of its own, so that its record's making and the walk do not share a stack. */
static __noinline void
report_call(struct gait_tier_slot *slot, const struct gait_tier_step *step, const struct way *way,
            const __u64 *registers, int how)
{
	struct gait_tier_report *report;
	__u32 nr = step->event.nr, *known;
	__u64 hash;

	if (how != GAIT_TIER_FOUND) {
		slot->n_unknown++;
		report_raw(begin_report(slot, GAIT_TIER_RAW_CALL, nr, how), slot, registers);
		return;
	}
	hash = hash_stack(slot);
	known = bpf_map_lookup_elem(&stacks, &hash);
	if (known && *known) {
		remember_stack(slot, way, *known);
		report_known(slot, registers, nr, *known);
		return;
	}
	report = begin_report(slot, GAIT_TIER_RAW_CALL, nr, how);
	report->is_new = 1;
	/* Told before anybody else can use the number. */
	if (report_raw(report, slot, registers))
		bpf_map_update_elem(&stacks, &hash, &report->stack, BPF_NOEXIST);
}
