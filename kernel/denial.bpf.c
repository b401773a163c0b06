/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Refuses a system call before it acts. Another program has judged it at its entry and noted that
 * it is to fail (denied.bpf.h); here the security hooks on its way say so. It judges nothing
 * itself.
 *
 * The hooks run for every task of the machine. Whoever is not refused anything costs one look at a
 * counter that is 0 as long as nobody is.
 *
 * A hook speaks for the call only while the task is inside it, which its registers tell: at the
 * entry the kernel puts -ENOSYS where the result will be. So what a task does for the kernel on its
 * way out (signals, core dumps, deferred work of io_uring) is not refused. Threads of the kernel
 * and io_uring's workers are tasks of their own. Of the hooks that run in interrupts, on top of
 * whatever task is there (received packets, new connections, SIGIO), none is used.
 */
#include <linux/bpf.h>
#include <linux/errno.h>

#include "kernel/denied.bpf.h"

#define SIGKILL 9

/* The kernel's own (include/linux/errno.h): a call that is to be made again after a signal. */
#define ERESTARTSYS           512
#define ERESTART_RESTARTBLOCK 516
#define MAX_ERRNO             4095

struct pt_regs {
	unsigned long ax;
} __attribute__((preserve_access_index));

static __always_inline _Bool
is_inside_call(void)
{
	const struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return (long)regs->ax == -ENOSYS;
}

/* What a hook answers: 0, or a negative errno. Loaded once for each, with its number as cookie. */
SEC("fmod_ret")
long
deny(void *context)
{
	struct gait_denials *denials = gait_denials_get();
	struct gait_denied *denied;
	__u32 tid;
	__u64 hook;
	__s64 result;

	if (!denials || !denials->n_denied)
		return 0;
	tid = (__u32)bpf_get_current_pid_tgid();
	denied = bpf_map_lookup_elem(&gait_denied, &tid);
	if (!denied || !is_inside_call())
		return 0;
	hook = bpf_get_attach_cookie(context);
	if (hook < GAIT_DENIAL_HOOK_N_) {
		if (denials->is_silent[hook])
			return 0;
		__sync_fetch_and_add(&denials->n_hits[hook], 1);
	}
	result = denied->result;
	/* Newer verifiers want to see that it is a negative errno, in 64 bits. */
	barrier_var(result);
	return result < 0 && result >= -MAX_ERRNO ? result : -EPERM;
}

static __always_inline _Bool
forget(__u32 tid)
{
	struct gait_denials *denials = gait_denials_get();

	if (!denials || bpf_map_delete_elem(&gait_denied, &tid) != 0)
		return 0;
	__sync_fetch_and_add(&denials->n_denied, -1ull);
	return 1;
}

/* Whether a call that returns this may have done something: an error that is none of a call that
 * was begun and goes on, or will. */
static __always_inline _Bool
has_acted(long result)
{
	return result >= 0 || result < -MAX_ERRNO || result == -EINPROGRESS || result == -EINTR ||
	       (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

/* TP_PROTO(struct pt_regs *regs, long ret). A refused call that comes back as if done has met no
 * hook: that is contained by killing. */
SEC("tp_btf/sys_exit")
int
on_return(__u64 *arguments)
{
	struct gait_denials *denials = gait_denials_get();

	if (!denials || !denials->n_denied)
		return 0;
	if (!forget((__u32)bpf_get_current_pid_tgid()) || !has_acted((long)arguments[1]))
		return 0;
	__sync_fetch_and_add(&denials->n_escaped, 1);
	bpf_send_signal(SIGKILL);
	return 0;
}

/* TP_PROTO(struct task_struct *p): a task that is killed in a call never returns from it. */
SEC("tp_btf/sched_process_exit")
int
on_exit(void)
{
	struct gait_denials *denials = gait_denials_get();

	if (denials && denials->n_denied)
		forget((__u32)bpf_get_current_pid_tgid());
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
