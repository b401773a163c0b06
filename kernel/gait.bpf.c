/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The in-kernel tier: at the entry of every system call of a supervised task it finds who makes it
 * (outward.bpf.h) and sends that off (report.bpf.h), or walks it and acts on the verdict
 * (step.bpf.h). Everybody else on the machine pays for two comparisons beside the tracepoint.
 *
 * Who is supervised, and everything else that happens to a task but its system calls (birth, exec,
 * signals, death), is user space's to say, which has the task stopped while it does.
 */
#include "kernel/memo.bpf.h"
#include "kernel/report.bpf.h"
#include "kernel/violation.bpf.h"

/* The slot of the current task; 0 where it has none. */
static __always_inline struct gait_tier_slot *
find_slot(const struct task_struct *task)
{
	__u32 tid = (__u32)task->pid, at = tid & (GAIT_TIER_N_HINTS - 1), *index;
	struct gait_tier_slot *slot;

	index = bpf_map_lookup_elem(&slot_hints, &at);
	slot = index ? bpf_map_lookup_elem(&slots, index) : 0;
	if (slot && slot->tid == tid)
		return slot;
	index = bpf_map_lookup_elem(&slot_of_tid, &tid);
	slot = index ? bpf_map_lookup_elem(&slots, index) : 0;
	return slot && slot->tid == tid ? slot : 0;
}

/* Looks a step up, and acts on what is out of gait. In a function of its own, out of the way of the
 * calls that need neither; and global, so that it is verified once. */
__noinline int
gait_enforce_anew(struct gait_tier_slot *slot, struct gait_tier_step *step, struct way *way,
                  int how)
{
	struct gait_tier_report *report;
	__u32 phase;

	if (!slot || !step || !way)
		return 0;
	report = begin_report(slot, GAIT_TIER_VIOLATION, step->event.nr, how);
	phase = get_phase(&slot->position);
	if (how != GAIT_TIER_FOUND) {
		slot->n_unknown++;
		step->event.module = config.unknown_module;
		step->event.site = 0;
		step->event.flags &= GAIT_WALK_STALE_ISSUER;
	}
	report->verdict = step_walker(step);
	if (report->verdict != GAIT_WALK_ALLOW)
		act(slot, step, report, get_registers());
	else if (how == GAIT_TIER_FOUND)
		gait_remember_step(step, way, phase);
	return 0;
}

enum { SETTLED_AGAIN = 1, SETTLED_OWN = 2 };

/* Of those who are, or were, in a handler: which contexts they have left, whether the call is one
 * that the kernel makes again (AGAIN), and a return out of a handler that they are in (OWN). */
__noinline int
gait_settle(struct gait_tier_slot *slot, struct gait_tier_step *step)
{
	const __u64 *registers = get_registers();
	int is_its_own = 0;

	if (!slot || !step)
		return 0;
	if (slot->depth > 0) {
		step->depth =
		    leave_handlers(slot, step->event.nr, registers[REGS_RSP], &is_its_own);
		slot->depth = step->depth - is_its_own;
	}
	return (is_again(slot, registers, step->event.nr, slot->depth) ? SETTLED_AGAIN : 0) |
	       (is_its_own ? SETTLED_OWN : 0);
}

/* Every state of the task is "anywhere" from now on. */
__noinline int
gait_lose_states(__u32 slot)
{
	__u32 *all = bpf_map_lookup_elem(&states, &slot);

	if (all)
		bpf_loop(config.n_states, lose_state, &all, 0);
	return 0;
}

/* What surrounds a step; see enforce/ruling.c. */
static __always_inline void
enforce(struct gait_tier_slot *slot, struct gait_tier_step *step, struct way *way,
        const __u64 *registers, int how)
{
	__u32 nr = step->event.nr;
	int settled = slot->depth > 0 || slot->n_again > 0 ? gait_settle(slot, step) : 0;

	if (settled & SETTLED_AGAIN)
		return;
	step->event.klass = get_class(nr, registers);
	if (how == GAIT_TIER_FOUND &&
	    repeat_step(slot, get_first_state(step), way, nr, step->event.klass))
		return;
	gait_enforce_anew(slot, step, way, how);
	/* A return out of no handler goes who knows where. */
	if (nr == SYS_RT_SIGRETURN && !(settled & SETTLED_OWN))
		gait_lose_states(step->slot);
}

static __always_inline void
tell_of_stranger(struct gait_tier_mark *mark, const struct task_struct *task)
{
	struct gait_tier_call *record =
	    mark->is_told ? 0 : bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record)
		return;
	mark->is_told = 1;
	__builtin_memset(record, 0, sizeof(*record));
	record->kind = GAIT_TIER_STRANGER;
	record->tid = (__u32)task->pid;
	record->time_ns = task->start_boottime;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

/*
 * Closed: a child of a supervised task that nobody has given a slot was made around the tracer
 * (CLONE_UNTRACED, put into clone3's memory when that had been looked at). Calls that somebody is
 * asked about are refused there; this is for those that nobody is. It has its parent's filter,
 * which tells it from nearly everybody else at once.
 */
static __noinline int
stop_stranger(struct task_struct *task, __u32 nr)
{
	struct gait_tier_mark *mark;
	const struct gait_tier_syscall *call;
	__u32 known = nr & (GAIT_TIER_N_SYSCALLS - 1);

	mark = bpf_task_storage_get(&mark_of_task, task, 0, 0);
	if (!mark)
		return 0;
	call = bpf_map_lookup_elem(&syscalls, &known);
	if (call && call->is_deniable)
		gait_denial_set(EPERM);
	bpf_send_signal(9);
	tell_of_stranger(mark, task);
	return 0;
}

/* TP_PROTO(struct task_struct *parent, struct task_struct *child) */
SEC("tp_btf/sched_process_fork")
int
on_fork(__u64 *arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *child = (struct task_struct *)arguments[1];
	struct gait_tier_mark *mark;

	if (!(task->ptrace && find_slot(task)) && !bpf_task_storage_get(&mark_of_task, task, 0, 0))
		return 0;
	mark = bpf_task_storage_get(&mark_of_task, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Closed, as far as may be: without memory its parent is killed. */
	if (!mark)
		bpf_send_signal(9);
	else if (!child->ptrace)
		tell_of_stranger(mark, child);
	return 0;
}

/* --- calls --------------------------------------------------------------------------------------
 */

/* Whether nothing about a call, or the state that its task is in, is out of the ordinary. */
static __always_inline int
is_plain(const struct gait_tier_slot *slot, const struct task_struct *task, __u32 nr)
{
	const __u64 special = 1ull << MMAP | 1ull << MPROTECT | 1ull << BRK | 1ull << MREMAP |
	                      1ull << SHMAT | 1ull << SYS_RT_SIGRETURN;

	if (slot->is_lost | slot->is_moving | slot->depth | slot->n_again |
	    (slot->flags & GAIT_TIER_TASK_MUTE))
		return 0;
	if (slot->mm != get_mm(task))
		return 0;
	if (nr < 64 ? special >> nr & 1
	            : nr == REMAP_FILE_PAGES || nr == PKEY_MPROTECT || nr == SYS_RESTART_SYSCALL)
		return 0;
	return !is_foreign(task, nr);
}

/* Of a call that has come by a way. 0: it is not known, or the step is not, and nothing was done.
 */
static __always_inline int
go_by(struct gait_tier_slot *slot, const struct way *way, const __u64 *registers, __u32 nr)
{
	__u32 stack = 0;

	if (config.is_recording) {
		stack = recall_stack(slot, way);
		if (!stack)
			return 0;
	}
	if (config.is_enforcing && (slot->flags & GAIT_TIER_TASK_ENFORCED) &&
	    !repeat_step(slot, 0, way, nr, get_class(nr, registers)))
		return 0;
	slot->n_events++;
	if (!config.is_recording)
		return 1;
	if (is_brief(slot, nr))
		report_briefly(slot, registers, nr, stack);
	else
		report_known(slot, registers, nr, stack);
	return 1;
}

/* Of one whose frame 0 is called from within the runtime. sp, site: as begin_hops() has found them.
 * In a function of its own, out of the way of the others. */
__noinline int
gait_go_further(struct gait_tier_slot *slot, __u64 sp, __u64 site, __u64 nr)
{
	const __u64 *registers = get_registers();
	struct way way;

	if (!slot)
		return 0;
	begin_hop(slot, registers, &way);
	add_hop(&way, site >> 1);
	return gait_hop_outward(slot, &way, sp) && go_by(slot, &way, registers, (__u32)nr);
}

/* Of a call that comes by a known way, and makes a known step. 0: nothing was done. */
static __always_inline int
go_on(struct gait_tier_slot *slot, const struct task_struct *task, const __u64 *registers, __u32 nr)
{
	struct way way;
	__u64 sp = begin_hops(slot, task, registers, &way);

	if (!sp)
		return 0;
	return go_by(slot, &way, registers, nr) ||
	       (!(way.site & 1) && gait_go_further(slot, sp, way.site, nr));
}

/* The way that is walked from now on, where things lie as they do now. */
static __always_inline void
begin_way(struct gait_tier_slot *slot)
{
	_Static_assert(sizeof(struct way) <= sizeof(slot->way), "a way has room in its slot");
	((struct way *)slot->way)->generation = get_generation(slot);
}

/* When it has been. */
static __always_inline struct way *
end_way(struct gait_tier_slot *slot)
{
	struct way *way = (struct way *)slot->way;
	__u64 site = BOUND(slot->site, GAIT_TIER_MAX_FRAMES);

	way->issuer = slot->pcs[0] << 1 | 1;
	way->site = slot->places[slot->site_at & (GAIT_TIER_N_CACHED - 1)].pc;
	way->hash = config.seed ^ way->generation;
	if (config.is_recording)
		for (__u32 i = 0; i <= GAIT_TIER_MAX_FRAMES && i <= site; i++)
			way->hash = mix(way->hash, slot->pcs[i]);
	return way;
}

/* Of any other. */
static __noinline int
look_closely(struct gait_tier_slot *slot, const __u64 *registers, __u32 nr)
{
	struct gait_tier_step *step;
	struct way *way;
	int how;

	if (slot->flags & GAIT_TIER_TASK_MUTE) {
		slot->flags &= ~GAIT_TIER_TASK_MUTE;
		return 0;
	}
	slot->n_events++;
	step = begin_step(slot, nr);
	begin_way(slot);
	how = walk_outward(slot, registers, nr, &step->event);
	way = end_way(slot);
	if (config.is_recording)
		report_call(slot, step, way, registers, how);
	if (config.is_enforcing && (slot->flags & GAIT_TIER_TASK_ENFORCED))
		enforce(slot, step, way, registers, how);
	return 0;
}

/* TP_PROTO(struct pt_regs *regs, long id) */
SEC("tp_btf/sys_enter")
int
on_enter(__u64 *arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const __u64 *registers = (const __u64 *)arguments[0];
	__u32 nr = (__u32)arguments[1];
	struct gait_tier_slot *slot = task->ptrace ? find_slot(task) : 0;

	if (!slot)
		return config.is_enforcing && task->seccomp.mode ? stop_stranger(task, nr) : 0;
	if (is_plain(slot, task, nr) && go_on(slot, task, registers, nr))
		return 0;
	/* Closed: dead, or it was not to be had at the moment that it should have been killed. */
	if (slot->is_lost || !watch_code(slot, task, registers, nr)) {
		bpf_send_signal(9);
		return 0;
	}
	return look_closely(slot, registers, nr);
}

/*
 * Without loss: whoever has finished a call while the ring is half full stops on the way back to
 * the program, until the reader, who is its tracer, has made room and lets it go on; the program
 * sees nothing of it. Not at the entry, where a signal would end the call that is just beginning.
 * What is still in a call may add one record each: the other half is for those, and for the few
 * that go by before the ring is looked at.
 */
SEC("tp_btf/sys_exit")
int
on_exit(__u64 *arguments)
{
	struct task_struct *task;

	if (!shared.is_tight)
		return 0;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= config.ring_size / 2) {
		shared.is_tight = 0;
		return 0;
	}
	task = bpf_get_current_task_btf();
	if (task->ptrace && find_slot(task))
		bpf_send_signal_thread(GAIT_TIER_SIGNAL);
	return 0;
}

/* --- files -------------------------------------------------------------------------------------
 */

/* Run by user space: the inode behind an address of its own belongs to a file from now on. */
SEC("raw_tp/gait_file")
int
on_file(__u64 *arguments)
{
	struct gait_tier_range found = {};
	struct vma_search search = {.address = arguments[0], .found = &found};
	__u32 file = (__u32)arguments[1];

	bpf_loop(MAX_TRIES, try_vma, &search, 0);
	if (search.result != 0)
		return (int)search.result;
	if (!found.inode)
		return -1;
	return (int)bpf_map_update_elem(&file_of_inode, &found.inode, &file, BPF_ANY);
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
