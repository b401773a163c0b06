/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notify backend: system calls come by seccomp user notification, lifecycle and signals by
 * ptrace, which stops nothing else. A task waits in the kernel while its call is judged; what is
 * answered depends on registers and on the enforcer's own state alone, never on memory that another
 * thread could have changed by then.
 *
 * Which way it falls: a target whose supervisor dies is killed by the kernel (PTRACE_O_EXITKILL),
 * and were it not, its calls would fail with ENOSYS. An error in here kills the tree. A call that
 * was not answered keeps waiting.
 */
#include "enforce/backend.h"
#include "enforce/forward.h"
#include "enforce/notify-private.h"
#include "enforce/watch.h"
#include "sysgait/error.h"
#include "sysgait/privileges.h"

#include <signal.h>

/* At most, unless it is asked for more, which would wait for each other. */
#define MAX_WORKERS 4

GaitNotifyTask *
gait_notify_find_own(GaitNotifyRun *notify, const GaitTask *task)
{
	return g_hash_table_lookup(notify->tasks, task);
}

/* A task that we trace is not reaped, so its number is still its own. */
void
gait_notify_kill(const GaitTask *task)
{
	kill(task->pid, SIGKILL);
}

void
gait_notify_fail(GaitNotifyRun *notify, GError *error)
{
	pthread_mutex_lock(&notify->mutex);
	if (notify->error)
		g_error_free(error);
	else
		notify->error = error;
	pthread_mutex_unlock(&notify->mutex);
	gait_tracer_wake(notify->tracer);
}

static gboolean
has_failed(GaitNotifyRun *notify)
{
	gboolean has_error;

	pthread_mutex_lock(&notify->mutex);
	has_error = notify->error != NULL;
	pthread_mutex_unlock(&notify->mutex);
	return has_error;
}

/* --- a run --------------------------------------------------------------------------------------
 */

static gpointer
load_asleep(gpointer data)
{
	GaitNotifyRun *notify = data;
	g_autoptr(GError) error = NULL;
	GaitAsleep *loaded = gait_asleep_new(&error);

	if (gait_enforcer_is_verbose(notify->enforcer))
		gait_log_message(
		    gait_enforcer_get_log(notify->enforcer), "notify: registers by %s%s",
		    loaded ? "BPF" : "/proc and ptrace: ", loaded ? "" : error->message);
	__atomic_store_n(&notify->loaded, loaded, __ATOMIC_RELEASE);
	if (loaded)
		gait_tracer_wake(notify->tracer);
	return NULL;
}

/* Beside the target, which need not wait for it. */
static void
start_loading(GaitNotifyRun *notify)
{
	sigset_t all, before;

	if (notify->asleep || notify->is_in_kernel)
		return;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	notify->loading = g_thread_try_new("loading", load_asleep, notify, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
finish_loading(GaitNotifyRun *notify)
{
	if (notify->loading)
		g_thread_join(g_steal_pointer(&notify->loading));
	if (!notify->asleep)
		notify->asleep = g_steal_pointer(&notify->loaded);
}

/* Tasks that are there have done without it up to now. */
static void
use_loaded(GaitNotifyRun *notify)
{
	GHashTableIter iterator;
	gpointer own;

	if (G_LIKELY(notify->asleep || !__atomic_load_n(&notify->loaded, __ATOMIC_ACQUIRE)))
		return;
	gait_gate_enter_alone(notify->gate);
	finish_loading(notify);
	g_hash_table_iter_init(&iterator, notify->tasks);
	while (g_hash_table_iter_next(&iterator, NULL, &own))
		gait_notify_registers_watch(&((GaitNotifyTask *)own)->registers, notify->asleep);
	gait_gate_leave_alone(notify->gate);
}

/* Walkers stand still while they are shown. */
static void
attend(GaitNotifyRun *notify)
{
	if (G_LIKELY(!gait_watch_is_due()))
		return;
	gait_gate_enter_alone(notify->gate);
	gait_watch_attend();
	gait_gate_leave_alone(notify->gate);
}

static guint
choose_workers(const GaitNotifyRun *notify)
{
	guint asked = gait_enforcer_get_n_workers(notify->enforcer);

	/* A call that an older kernel lets signals interrupt while it is judged may come again, and
	   must come to the worker that judges it. */
	if (!gait_listener_get_features(notify->listener).is_killable)
		return 1;
	return asked > 0 ? asked : CLAMP(g_get_num_processors(), 1, MAX_WORKERS);
}

static void
say_features(const GaitNotifyRun *notify, guint n_workers)
{
	GaitListenerFeatures features = gait_listener_get_features(notify->listener);
	gboolean is_adaptive = gait_enforcer_get_n_workers(notify->enforcer) == 0;

	if (notify->is_in_kernel)
		gait_log_message(
		    gait_enforcer_get_log(notify->enforcer), "in the kernel: stacks are %s",
		    gait_enforcer_reads_directly(notify->enforcer) ? "read where they lie"
		                                                   : "copied, which takes longer");
	gait_log_message(gait_enforcer_get_log(notify->enforcer),
	                 "notify: %s WAIT_KILLABLE_RECV, %s SYNC_WAKE_UP; %s%u worker%s",
	                 features.is_killable ? "with" : "without",
	                 features.is_sync ? "with" : "without", is_adaptive ? "up to " : "",
	                 n_workers, n_workers == 1 ? "" : "s");
}

static gboolean
supervise(GaitNotifyRun *notify, GError **error)
{
	gboolean is_adaptive = gait_enforcer_get_n_workers(notify->enforcer) == 0;
	guint n_workers = choose_workers(notify);
	g_autoptr(GError) failure = NULL;

	/* All is loaded, the target has been started with all it had, and no other thread has. */
	if (notify->is_in_kernel && !gait_privileges_drop(&failure))
		gait_notify_fail(notify, g_steal_pointer(&failure));
	if (gait_enforcer_is_verbose(notify->enforcer))
		say_features(notify, n_workers);
	notify->gate = gait_gate_new(n_workers);
	start_loading(notify);
	gait_notify_ring_start(notify);
	notify->workers = gait_notify_workers_start(notify, n_workers, is_adaptive, &failure);
	while (!failure && !has_failed(notify) &&
	       gait_tracer_iterate(notify->tracer, NULL, 0, -1, &failure)) {
		gait_forward_deliver();
		attend(notify);
		use_loaded(notify);
		gait_notify_answer_requests(notify, &failure);
	}
	gait_notify_workers_stop(notify->workers);
	gait_notify_ring_stop(notify);
	finish_loading(notify);
	if (!failure && !notify->error)
		return TRUE;
	/* Closed: without its supervisor nothing of the tree goes on. */
	gait_tracer_kill_all(notify->tracer);
	while (gait_tracer_iterate(notify->tracer, NULL, 0, -1, NULL))
		;
	g_propagate_error(error, notify->error ? g_steal_pointer(&notify->error)
	                                       : g_steal_pointer(&failure));
	return FALSE;
}

static gboolean
launch(GaitNotifyRun *notify, const char *const *argv, int *status, GError **error)
{
	g_autoptr(GError) failure = NULL;

	notify->usher = gait_usher_new(notify->listener, error);
	if (!notify->usher)
		return FALSE;
	if (gait_tracer_launch(notify->tracer, argv, gait_listener_install, notify->listener,
	                       &failure))
		return TRUE;
	*status = gait_tracer_get_exec_status(notify->tracer);
	if (notify->usher)
		gait_usher_dismiss(g_steal_pointer(&notify->usher), NULL);
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

gboolean
gait_notify_run(GaitEnforcer *enforcer, const char *const *argv, int *status, GError **error)
{
	GaitNotifyRun notify = {.enforcer = enforcer,
	                        .is_in_kernel = gait_enforcer_get_ring_fd(enforcer) >= 0};
	gboolean is_good;

	notify.listener =
	    gait_listener_new(gait_floor_get_filter(gait_enforcer_get_floor(enforcer)), error);
	if (!notify.listener)
		return FALSE;
	notify.tasks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	notify.requests = g_array_new(FALSE, FALSE, sizeof(GaitNotifyRequest));
	pthread_mutex_init(&notify.mutex, NULL);
	notify.tracer = gait_tracer_new(gait_enforcer_get_modules(enforcer),
	                                GAIT_TRACE_SYSCALLS_NONE, &gait_notify_callbacks, &notify);
	if (notify.is_in_kernel) {
		load_asleep(&notify);
		finish_loading(&notify);
	}
	is_good = launch(&notify, argv, status, error) && supervise(&notify, error);
	if (is_good)
		*status = gait_tracer_get_root_status(notify.tracer);
	gait_forward_stop();
	gait_watch_stop();
	gait_tracer_free(notify.tracer);
	g_hash_table_unref(notify.tasks);
	g_array_unref(notify.requests);
	pthread_mutex_destroy(&notify.mutex);
	gait_gate_free(notify.gate);
	gait_asleep_free(notify.asleep);
	gait_listener_free(notify.listener);
	g_clear_error(&notify.error);
	gait_enforcer_stop_in_kernel(enforcer);
	return is_good;
}

gboolean
gait_notify_probe(GError **error)
{
	int failure = gait_listener_try();

	if (failure == 0)
		return TRUE;
	if (failure == EMFILE || failure == ENFILE || failure == ENOMEM || failure == EAGAIN)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, failure, "seccomp listener");
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "there is no seccomp listener to be had here: %s%s", g_strerror(failure),
	            failure == EBUSY ? " (all of this is under one already)" : "");
	return FALSE;
}

const GaitBackend gait_backend_notify = {
    .name = "notify",
    .summary = "seccomp user notification, with ptrace for lifecycle and signals",
    .promise = "every call is judged before it happens",
    .is_preexec = TRUE,
    .has_errno = TRUE,
    .handover = GAIT_FLOOR_NOTIFY,
    .probe = gait_notify_probe,
    .run = gait_notify_run,
};
