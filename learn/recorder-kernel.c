/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording by the in-kernel tier. Nearly all calls come as records out of its ring, some time
 * after they happened; lifecycle and signals stop for the tracer as ever. Before a stop is looked
 * at the ring is drained: what a task did before it stopped is in there, so the order of each
 * task's events, and of a creation and its child's, is exact.
 *
 * The calls that change where code lies, or end a program, stop as well (a few for each exec):
 * until then the addresses that are still in the ring can be looked up, afterwards no more.
 *
 * A stack is told of once, with the frames that the kernel has walked; where it could not, with
 * registers and a copy of the stack, which are unwound here as a stopped task's would be.
 */
#include "learn/recorder-private.h"
#include "learn/trace-filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file that cannot be learned of must not be asked for at every call. */
#define LEARN_EVERY_US 20000

struct _GaitKernelRecorder {
	GaitTier *tier;
	GaitTask *tasks[GAIT_TIER_MAX_TASKS]; /* by slot */
	GPtrArray *stacks;                    /* GaitStack by the kernel's number */
	GaitKernelStats stats;
	gint64 next_learn_us; /* when files are looked for again */
};

/* --- the filter ---------------------------------------------------------------------------------
 */

#define NR    offsetof(struct seccomp_data, nr)
#define ARCH  offsetof(struct seccomp_data, arch)
#define FIRST offsetof(struct seccomp_data, args)
#define PROT  (offsetof(struct seccomp_data, args) + 2 * sizeof(guint64))

int
gait_recorder_kernel_filter(gpointer data)
{
	/* Foreign architectures and x32 too: the tier knows native calls only. */
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARCH),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 15),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 13, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 12, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 11, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 10, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 9, 0),
	    /* What a filter of the program's refuses never gets to sys_enter: the tracer has to
	       know of it. */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 8, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 2),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 5, 6),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROT),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = G_N_ELEMENTS(filter), .filter = filter};

	return gait_trace_filter_install(&program);
}

/* --- what comes out of the ring -----------------------------------------------------------------
 */

/* Of a task that runs: one that was joined, whose calls do not stop when they map code. */
static void
learn_files(GaitRecorder *recorder, GaitTask *task)
{
	GaitKernelRecorder *kernel = recorder->kernel;
	const GaitRecordedTask *own = task->data;
	gint64 now_us = g_get_monotonic_time();

	if (now_us < kernel->next_learn_us)
		return;
	if (!gait_tier_learn_process(kernel->tier, task->pid))
		gait_tier_note_runtime(kernel->tier, own->slot);
	kernel->next_learn_us = now_us + LEARN_EVERY_US;
}

static const GaitStack *
attribute(GaitRecorder *recorder, GaitTask *task, const struct gait_tier_raw *raw)
{
	if (raw->how == GAIT_TIER_NO_FILE)
		learn_files(recorder, task);
	return gait_tier_attribute(recorder->kernel->tier, recorder->attributor, task->space,
	                           task->tid, raw);
}

static void
remember(GaitKernelRecorder *kernel, guint32 number, const GaitStack *stack)
{
	if (number == 0 || number > 4 * GAIT_TIER_MAX_STACKS)
		return;
	if (number >= kernel->stacks->len)
		g_ptr_array_set_size(kernel->stacks, (gint)number + 1);
	kernel->stacks->pdata[number] = (gpointer)stack;
}

static const GaitStack *
recall(const GaitKernelRecorder *kernel, guint32 number)
{
	return number < kernel->stacks->len ? kernel->stacks->pdata[number] : NULL;
}

static void
note_lost(GaitRecorder *recorder, GaitRecordedTask *own, guint64 n_lost)
{
	if (G_LIKELY(n_lost <= own->n_lost) || !recorder->recording)
		return;
	gait_recording_lost(recorder->recording, own->index, n_lost - own->n_lost);
	own->n_lost = n_lost;
}

static void
on_call(const struct gait_tier_call *call, const struct gait_tier_raw *raw, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitKernelRecorder *kernel = recorder->kernel;
	GaitTask *task = call->slot < GAIT_TIER_MAX_TASKS ? kernel->tasks[call->slot] : NULL;
	GaitRecordedTask *own = task ? task->data : NULL;
	guint32 nr = call->arch == AUDIT_ARCH_X86_64 ? call->nr : G_MAXUINT32;
	GaitIssuedCall issued = {.ip = call->ip, .sp = call->sp, .nr = call->nr};
	const GaitStack *stack;

	if (!recorder->recording || !own)
		return;
	note_lost(recorder, own, call->n_lost);
	kernel->stats.n_calls++;
	kernel->stats.n_how[raw && raw->how < GAIT_TIER_UNKNOWN_N_ ? raw->how : GAIT_TIER_FOUND]++;
	gait_recording_set_time(recorder->recording, call->time_ns);
	memcpy(issued.args, call->args, sizeof(issued.args));
	gait_space_note_syscall(task->space, task->tid, nr, issued.args);
	gait_recorder_note_unwinding(recorder, own,
	                             gait_signal_context_note_syscall(&own->context, nr, call->sp));
	stack = raw ? attribute(recorder, task, raw) : recall(kernel, call->stack);
	if (raw)
		remember(kernel, call->stack, stack);
	if (G_LIKELY(!gait_recorder_is_again(own, &issued))) {
		if (G_LIKELY(stack && gait_modules_get_shortage(recorder->modules) == 0))
			gait_recording_syscall(recorder->recording, own->index, call->arch,
			                       call->nr, issued.args, stack);
		else
			gait_recording_lost(recorder->recording, own->index, 1);
	}
	gait_recording_set_time(recorder->recording, 0);
}

static const GaitTierCallbacks callbacks = {.call = on_call};

void
gait_recorder_kernel_drain(GaitRecorder *recorder)
{
	if (recorder->kernel)
		gait_tier_drain(recorder->kernel->tier);
}

int
gait_recorder_kernel_get_fd(const GaitRecorder *recorder)
{
	return recorder->kernel ? gait_tier_get_fd(recorder->kernel->tier) : -1;
}

/* --- lifecycle ----------------------------------------------------------------------------------
 */

gboolean
gait_recorder_kernel_start(GaitRecorder *recorder, GError **error)
{
	GaitTierOptions options = {.is_recording = TRUE,
	                           .is_lossless = recorder->options.is_lossless,
	                           .ring_size = recorder->options.ring_size};
	GaitTier *tier = gait_tier_new(&options, recorder->modules, &callbacks, recorder, error);

	if (!tier)
		return FALSE;
	recorder->kernel = g_new0(GaitKernelRecorder, 1);
	recorder->kernel->tier = tier;
	recorder->kernel->stats.reads_directly = gait_tier_reads_directly(tier);
	recorder->kernel->stacks = g_ptr_array_new();
	return TRUE;
}

void
gait_recorder_kernel_free(GaitKernelRecorder *kernel)
{
	if (!kernel)
		return;
	gait_tier_free(kernel->tier);
	g_ptr_array_unref(kernel->stacks);
	g_free(kernel);
}

void
gait_recorder_kernel_created(GaitRecorder *recorder, GaitTask *task, const GaitTask *parent)
{
	GaitKernelRecorder *kernel = recorder->kernel;
	GaitRecordedTask *own = task->data;
	const GaitRecordedTask *parents = parent ? parent->data : NULL;
	g_autoptr(GError) error = NULL;
	struct gait_tier_slot *slot;

	own->slot = GAIT_TIER_NONE;
	if (!kernel)
		return;
	slot = gait_tier_add(kernel->tier, task->tid, &own->slot, &error);
	if (!slot) {
		/* Its calls are not seen, so they stop. */
		own->slot = GAIT_TIER_NONE;
		gait_tracer_stop_at_calls(recorder->tracer, task);
		return;
	}
	kernel->tasks[own->slot] = task;
	if (!parents || parents->slot == GAIT_TIER_NONE) {
		gait_recorder_kernel_executed(recorder, task);
		return;
	}
	gait_tier_note_parent(kernel->tier, own->slot, parents->slot);
}

void
gait_recorder_kernel_executed(GaitRecorder *recorder, GaitTask *task)
{
	GaitRecordedTask *own = task->data;
	struct gait_tier_slot *slot;

	if (!recorder->kernel || own->slot == GAIT_TIER_NONE)
		return;
	slot = gait_tier_get_slot(recorder->kernel->tier, own->slot);
	/* Where that fails what it does now is missing. */
	if (!gait_tier_note_exec(recorder->kernel->tier, own->slot, task->tid, NULL))
		gait_recording_lost(recorder->recording, own->index, 1);
	slot->flags = 0;
	if (gait_tier_learn_process(recorder->kernel->tier, task->pid))
		slot->flags |= GAIT_TIER_TASK_STATIC;
}

void
gait_recorder_kernel_signalled(GaitRecorder *recorder, GaitTask *task)
{
	GaitRecordedTask *own = task->data;

	if (recorder->kernel && own->slot != GAIT_TIER_NONE)
		gait_tier_get_slot(recorder->kernel->tier, own->slot)->flags |=
		    GAIT_TIER_TASK_SIGNALLED;
}

void
gait_recorder_kernel_stopped(GaitRecorder *recorder, GaitTask *task, guint32 nr,
                             const guint64 args[6])
{
	GaitRecordedTask *own = task->data;

	if (!recorder->kernel)
		return;
	recorder->kernel->stats.n_stopped++;
	if (own->slot == GAIT_TIER_NONE)
		return;
	gait_recorder_kernel_note_lost(recorder, task);
	gait_tier_get_slot(recorder->kernel->tier, own->slot)->flags |= GAIT_TIER_TASK_MUTE;
	if (nr == SYS_mmap && (args[3] & MAP_ANONYMOUS) == 0)
		gait_tier_learn_descriptor(recorder->kernel->tier, task->tid, (int)args[4], args[5],
		                           args[1]);
	if (nr == SYS_mprotect || nr == SYS_pkey_mprotect)
		gait_tier_learn_range(recorder->kernel->tier, task->pid, args[0],
		                      args[0] + args[1]);
}

void
gait_recorder_kernel_exited(GaitRecorder *recorder, GaitTask *task)
{
	GaitRecordedTask *own = task->data;

	if (!recorder->kernel || own->slot == GAIT_TIER_NONE)
		return;
	gait_recorder_kernel_note_lost(recorder, task);
	recorder->kernel->tasks[own->slot] = NULL;
	gait_tier_remove(recorder->kernel->tier, own->slot);
}

void
gait_recorder_kernel_note_lost(GaitRecorder *recorder, GaitTask *task)
{
	GaitRecordedTask *own = task->data;

	if (recorder->kernel && own->slot != GAIT_TIER_NONE)
		note_lost(recorder, own,
		          gait_tier_get_slot(recorder->kernel->tier, own->slot)->n_lost);
}

void
gait_recorder_kernel_finish(GaitRecorder *recorder)
{
	GaitKernelRecorder *kernel = recorder->kernel;

	if (!kernel)
		return;
	gait_tier_detach(kernel->tier);
	gait_recorder_kernel_drain(recorder);
	for (guint i = 0; i < G_N_ELEMENTS(kernel->tasks); i++)
		if (kernel->tasks[i])
			gait_recorder_kernel_note_lost(recorder, kernel->tasks[i]);
}

void
gait_recorder_get_kernel_stats(const GaitRecorder *recorder, GaitKernelStats *stats)
{
	*stats = recorder->kernel ? recorder->kernel->stats : (GaitKernelStats){0};
}
