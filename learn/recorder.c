/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ties tracer, attributor and recording together: what each callback of the tracer means for the
 * trace.
 *
 * Launched programs stop once a call, at the entry, by a filter that returns SECCOMP_RET_TRACE for
 * everything. The price is that they can never be let go: without a tracer that filter answers
 * every call with ENOSYS. Joined ones stop at entry and exit, by PTRACE_SYSCALL, and can.
 */
#include "learn/recorder-private.h"
#include "learn/trace-filter.h"

#include "sysgait/error.h"

#include <linux/audit.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often what has gathered in the kernel is looked at, at least. */
#define DRAIN_MS 20
/* How often it is looked who has come into a control group. */
#define LOOK_MS 50

/* --- callbacks of the tracer ---------------------------------------------------------------------
 */

static GaitModule *
get_program(GaitRecorder *recorder, pid_t pid)
{
	/* Where it is gone nothing more will come from it. */
	GaitModule *program = gait_modules_get_program(recorder->modules, pid, NULL);

	return program ? program : gait_modules_get(recorder->modules, 0);
}

static void
on_created(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitRecordedTask *own;

	if (!recorder->recording)
		return;
	own = task->data = g_new0(GaitRecordedTask, 1);
	if (parent && parent->data) {
		GaitRecordedTask *parents = parent->data;

		gait_recorder_kernel_note_lost(recorder, parent);
		own->index = gait_recording_fork(recorder->recording, parents->index, task->pid,
		                                 task->tid, task->flags);
		if (!(task->flags & GAIT_TASK_THREAD))
			gait_signal_context_copy(&own->context, &parents->context);
		gait_recorder_kernel_created(recorder, task, parent);
		return;
	}
	/* Whose creator nobody saw has a past that nobody knows. */
	if (task->tid != gait_tracer_get_root(tracer))
		task->flags |= GAIT_TASK_JOINED;
	own->index = gait_recording_start(recorder->recording, task->pid, task->tid,
	                                  get_program(recorder, task->pid), task->flags);
	gait_recorder_kernel_created(recorder, task, NULL);
}

void
gait_recorder_note_unwinding(GaitRecorder *recorder, GaitRecordedTask *own, guint64 n_left)
{
	if (G_UNLIKELY(n_left > 0))
		gait_recording_unwind(recorder->recording, own->index, n_left);
}

gboolean
gait_recorder_is_again(GaitRecordedTask *own, const GaitIssuedCall *call)
{
	return gait_interrupted_calls_take(&own->interrupted,
	                                   gait_signal_context_get_depth(&own->context), call);
}

static gboolean
is_again(GaitRecordedTask *own, guint32 nr, const guint64 args[6],
         const struct user_regs_struct *user)
{
	GaitIssuedCall call = {.ip = user->rip, .sp = user->rsp, .nr = nr};

	memcpy(call.args, args, sizeof(call.args));
	return gait_recorder_is_again(own, &call);
}

static void
perturb(GaitRecorder *recorder, GaitTask *task)
{
	GaitRecordedTask *own = task->data;
	guint hold_us = gait_perturb_get_hold(recorder->perturb, &own->mood);

	if (hold_us > 0)
		gait_tracer_hold(recorder->tracer, task, hold_us);
}

static void
on_syscall(GaitTracer *tracer, GaitTask *task, const struct user_regs_struct *user, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitRecordedTask *own = task->data;
	guint64 args[6] = {user->rdi, user->rsi, user->rdx, user->r10, user->r8, user->r9};
	guint32 nr = (guint32)user->orig_rax, arch;
	GaitRegisters registers;
	const GaitStack *stack;

	if (G_UNLIKELY(!recorder->recording || !own))
		return;
	arch = gait_tracer_get_arch(tracer, task, user);
	gait_recorder_kernel_stopped(recorder, task, arch == AUDIT_ARCH_X86_64 ? nr : G_MAXUINT32,
	                             args);
	gait_space_note_syscall(task->space, task->tid,
	                        arch == AUDIT_ARCH_X86_64 ? nr : G_MAXUINT32, args);
	gait_recorder_note_unwinding(
	    recorder, own,
	    gait_signal_context_note_syscall(
	        &own->context, arch == AUDIT_ARCH_X86_64 ? nr : G_MAXUINT32, user->rsp));
	if (G_UNLIKELY(is_again(own, nr, args, user)))
		return;
	gait_registers_from_user(&registers, user);
	switch (gait_attributor_attribute(recorder->attributor, task->space, task->tid, nr,
	                                  &registers, &stack)) {
	case GAIT_ATTRIBUTION_DONE:
		/* Who is blamed may be another library of the same name. */
		if (G_UNLIKELY(gait_modules_get_shortage(recorder->modules) != 0)) {
			gait_recording_lost(recorder->recording, own->index, 1);
			return;
		}
		gait_recording_syscall(recorder->recording, own->index, arch, nr, args, stack);
		if (G_UNLIKELY(recorder->perturb))
			perturb(recorder, task);
		return;
	case GAIT_ATTRIBUTION_GONE:
		/* Killed while it was stopped at the entry: the call never took place. */
		return;
	case GAIT_ATTRIBUTION_NEEDS_REGISTERS: /* all of them are known */
	case GAIT_ATTRIBUTION_N_:
		gait_recording_lost(recorder->recording, own->index, 1);
		return;
	}
}

static void
on_executed(GaitTracer *tracer, GaitTask *task, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitRecordedTask *own = task->data;

	if (!recorder->recording || !own)
		return;
	gait_recorder_kernel_note_lost(recorder, task);
	gait_signal_context_clear(&own->context);
	gait_interrupted_calls_clear(&own->interrupted);
	gait_recording_exec(recorder->recording, own->index, get_program(recorder, task->pid));
	gait_recorder_kernel_executed(recorder, task);
}

static void
on_delivering(GaitTracer *tracer, GaitTask *task, int signo,
              const struct user_regs_struct *registers, gpointer data)
{
	GaitRecordedTask *own = task->data;

	if (!own)
		return;
	gait_recorder_kernel_signalled(data, task);
	gait_interrupted_calls_note(&own->interrupted, gait_signal_context_get_depth(&own->context),
	                            registers);
}

static void
on_signalled(GaitTracer *tracer, GaitTask *task, int signo,
             const struct user_regs_struct *registers, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitRecordedTask *own = task->data;

	if (!recorder->recording || !own)
		return;
	gait_recorder_kernel_note_lost(recorder, task);
	gait_recorder_note_unwinding(recorder, own,
	                             gait_signal_context_enter(&own->context, &task->signal_frame));
	gait_recording_signal(recorder->recording, own->index, signo);
}

static void
on_stopped(GaitTracer *tracer, GaitTask *task, int signo, gpointer data)
{
	GaitRecorder *recorder = data;

	if (task->tid == gait_tracer_get_root(tracer))
		recorder->events.stopped(signo, recorder->events.data);
}

static void
on_exited(GaitTracer *tracer, GaitTask *task, int status, gpointer data)
{
	GaitRecorder *recorder = data;
	GaitRecordedTask *own = task->data;

	if (own) {
		gait_recorder_kernel_exited(recorder, task);
		if (recorder->recording)
			gait_recording_exit(recorder->recording, own->index, status);
		gait_signal_context_clear(&own->context);
		gait_interrupted_calls_clear(&own->interrupted);
		g_free(own);
	}
	if (task->tid == task->pid)
		recorder->remembered[recorder->n_remembered++ % N_REMEMBERED] = task->pid;
	if (task->tid == gait_tracer_get_root(tracer))
		recorder->events.ended(status, recorder->events.data);
}

/* --- start ---------------------------------------------------------------------------------------
 */

static void
on_handling(GaitTracer *tracer, gboolean begins, gpointer data)
{
	if (begins)
		gait_recorder_kernel_drain(data);
}

static const GaitTracerCallbacks callbacks = {
    .handling = on_handling,
    .created = on_created,
    .syscall = on_syscall,
    .executed = on_executed,
    .delivering = on_delivering,
    .signalled = on_signalled,
    .stopped = on_stopped,
    .exited = on_exited,
};

/* Who is in it already is there; we ourselves may be. */
static gboolean
join(pid_t pid, gpointer data, GError **error)
{
	GaitRecorder *recorder = data;
	g_autoptr(GError) failure = NULL;

	if (pid == getpid() || pid == getppid() || gait_tracer_find(recorder->tracer, pid) ||
	    gait_tracer_attach(recorder->tracer, pid, &failure) ||
	    g_error_matches(failure, GAIT_PROCESS_ERROR, GAIT_ERROR_GONE))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

/* FALSE with error where somebody cannot be joined, without where the group is gone. */
static gboolean
look_into_cgroup(GaitRecorder *recorder, GError **error)
{
	gint64 now_us = g_get_monotonic_time();
	gboolean is_there;

	if (now_us < recorder->next_look_us)
		return TRUE;
	recorder->next_look_us = now_us + LOOK_MS * 1000;
	return gait_cgroup_foreach(recorder->cgroup, join, recorder, &is_there, error) && is_there;
}

static gboolean
start(GaitRecorder *recorder, GError **error)
{
	if (recorder->options.argv)
		return gait_tracer_launch(recorder->tracer, recorder->options.argv,
		                          recorder->kernel ? gait_recorder_kernel_filter
		                                           : gait_trace_filter_install,
		                          NULL, error);
	for (guint i = 0; i < recorder->options.n_pids; i++)
		if (!gait_tracer_attach(recorder->tracer, recorder->options.pids[i], error))
			return FALSE;
	if (!recorder->options.cgroup)
		return TRUE;
	recorder->cgroup = gait_cgroup_open(recorder->options.cgroup, error);
	return recorder->cgroup && look_into_cgroup(recorder, error);
}

/* A trace of nothing helps nobody. */
static void
remove_output(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		unlink(path);
}

static gboolean
start_kernel(GaitRecorder *recorder, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (gait_recorder_kernel_start(recorder, &failure))
		return TRUE;
	/* Nothing has happened yet, so whatever the reason is, the other one may do. */
	if (recorder->options.may_fall_back) {
		recorder->fallback = g_strdup(failure->message);
		recorder->is_unforeseen = gait_tier_probe(NULL);
		return TRUE;
	}
	g_prefix_error(&failure, "--backend bpf cannot be had here, --backend ptrace can: ");
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

GaitRecorder *
gait_recorder_new(const GaitRecorderOptions *options, const GaitRecorderEvents *events,
                  GaitRecordingStats *stats, int *exec_status, GError **error)
{
	g_autoptr(GaitRecorder) recorder = g_new0(GaitRecorder, 1);
	GaitAttributorOptions attribution = {.full_stacks = options->full_stacks};

	recorder->options = *options;
	recorder->events = *events;
	recorder->modules = gait_modules_new(options->runtime);
	recorder->attributor = gait_attributor_new(recorder->modules, &attribution);
	if (options->in_kernel && !start_kernel(recorder, error))
		return NULL;
	recorder->tracer = gait_tracer_new(recorder->modules,
	                                   options->argv      ? GAIT_TRACE_SYSCALLS_SECCOMP
	                                   : recorder->kernel ? GAIT_TRACE_SYSCALLS_NONE
	                                                      : GAIT_TRACE_SYSCALLS_PTRACE,
	                                   &callbacks, recorder);
	if (options->mask)
		gait_tracer_set_mask(recorder->tracer, options->mask);
	if (options->perturb)
		recorder->perturb = gait_perturb_new(g_random_int());
	recorder->recording =
	    gait_recording_new(options->output, recorder->kernel ? "bpf" : "ptrace", options->argv,
	                       recorder->modules, stats, error);
	if (!recorder->recording)
		return NULL;
	if (!start(recorder, error)) {
		*exec_status = gait_tracer_get_exec_status(recorder->tracer);
		remove_output(options->output);
		return NULL;
	}
	return g_steal_pointer(&recorder);
}

void
gait_recorder_free(GaitRecorder *recorder)
{
	if (!recorder)
		return;
	gait_tracer_free(recorder->tracer);
	gait_recorder_kernel_free(recorder->kernel);
	gait_cgroup_free(recorder->cgroup);
	g_free(recorder->fallback);
	gait_perturb_free(recorder->perturb);
	gait_recording_free(recorder->recording);
	gait_attributor_free(recorder->attributor);
	gait_modules_free(recorder->modules);
	g_free(recorder);
}

/* --- while it runs -------------------------------------------------------------------------------
 */

/* A control group may be empty for a time; it is over when it has been removed. */
static gboolean
wait_for_comers(GaitRecorder *recorder, gboolean has_tasks, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (!look_into_cgroup(recorder, &failure)) {
		if (!failure)
			return has_tasks;
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	if (!has_tasks)
		poll(NULL, 0, LOOK_MS);
	return TRUE;
}

gboolean
gait_recorder_iterate(GaitRecorder *recorder, GError **error)
{
	struct pollfd ring = {.fd = gait_recorder_kernel_get_fd(recorder), .events = POLLIN};
	gboolean is_good;

	if (!recorder->kernel && !recorder->cgroup)
		return gait_tracer_iterate(recorder->tracer, NULL, 0, -1, error);
	is_good = gait_tracer_iterate(recorder->tracer, recorder->kernel ? &ring : NULL,
	                              recorder->kernel ? 1 : 0,
	                              recorder->kernel ? DRAIN_MS : LOOK_MS, error);
	gait_recorder_kernel_drain(recorder);
	if (!recorder->cgroup || !recorder->recording)
		return is_good;
	return (is_good || gait_tracer_get_n_tasks(recorder->tracer) == 0) &&
	       wait_for_comers(recorder, is_good, error);
}

void
gait_recorder_wake(GaitRecorder *recorder)
{
	gait_tracer_wake(recorder->tracer);
}

gboolean
gait_recorder_has_failed(const GaitRecorder *recorder)
{
	return recorder->recording && gait_recording_has_failed(recorder->recording);
}

void
gait_recorder_flush(GaitRecorder *recorder)
{
	if (recorder->recording)
		gait_recording_flush(recorder->recording);
}

gboolean
gait_recorder_finish(GaitRecorder *recorder, GError **error)
{
	g_autoptr(GaitRecording) recording = NULL;
	gboolean is_good;

	gait_recorder_kernel_finish(recorder);
	recording = g_steal_pointer(&recorder->recording);
	is_good = gait_recording_finish(recording, error);

	if (!recorder->options.argv)
		gait_tracer_detach_all(recorder->tracer);
	return is_good;
}

pid_t
gait_recorder_get_root(const GaitRecorder *recorder)
{
	return gait_tracer_get_root(recorder->tracer);
}

gboolean
gait_recorder_is_target(const GaitRecorder *recorder, pid_t pid)
{
	for (guint i = 0; i < MIN(recorder->n_remembered, N_REMEMBERED); i++)
		if (recorder->remembered[i] == pid)
			return TRUE;
	return gait_tracer_find(recorder->tracer, pid) != NULL;
}

void
gait_recorder_get_attribution(const GaitRecorder *recorder, GaitAttributorStats *stats)
{
	gait_attributor_get_stats(recorder->attributor, stats);
}

const char *
gait_recorder_get_fallback(const GaitRecorder *recorder, gboolean *is_unforeseen)
{
	*is_unforeseen = recorder->is_unforeseen;
	return recorder->fallback;
}
