/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: threads that wait in the kernel for notifications. One is enough, and the cheapest,
 * while the target makes one call at a time: the kernel wakes all who wait for a notification, so a
 * second one would be woken for nothing. So the first worker leads: every now and then it looks
 * whether calls pile up while it works, and has another one take part, or rest again where they do
 * not.
 */
#include "enforce/notify-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of so many calls the leader looks at one, and of so many of these it draws a conclusion. */
#define CALLS_A_LOOK 16
#define LOOKS        16
/* How many looks have to find calls piling up for one worker more, and for one less. */
#define LOOKS_FOR_MORE 8
#define LOOKS_FOR_LESS 1

/* Receiving takes less where nobody has to be waited for. */
#define AT_ONCE_NS 1500

/* Between signals to workers that are to end: one may come just before the wait. */
#define SIGNAL_US 200

typedef struct {
	GaitNotifyWorkers *workers;
	guint index;
	GaitJudge *judge;
	GThread *thread;
	gint tid; /* 0 before it runs */
	gint is_done;
	/* The leader's. */
	guint n_calls, n_looks, n_crowded;
	guint32 last; /* task that was served last */
} Worker;

struct _GaitNotifyWorkers {
	GaitNotifyRun *notify;
	guint n_workers;
	gboolean is_adaptive;
	gint n_active; /* workers from this index on rest */
	gint n_busy;   /* between receiving and answering; counted while several are active */
	gint is_stopping;
	GMutex mutex;
	GCond changed; /* n_active or is_stopping */
	Worker *all;
};

static void
interrupt(Worker *worker)
{
	gint tid = g_atomic_int_get(&worker->tid);

	/* The tracer's signal, whose handler does nothing, without SA_RESTART. */
	if (tid > 0)
		syscall(SYS_tgkill, getpid(), tid, SIGRTMIN);
}

static void
set_active(GaitNotifyWorkers *workers, gint n_active)
{
	gint n_before = g_atomic_int_get(&workers->n_active);

	g_mutex_lock(&workers->mutex);
	g_atomic_int_set(&workers->n_active, n_active);
	g_cond_broadcast(&workers->changed);
	g_mutex_unlock(&workers->mutex);
	/* One that misses the signal serves one call more. */
	for (gint i = n_active; i < n_before; i++)
		interrupt(&workers->all[i]);
}

static void
rest(Worker *worker)
{
	GaitNotifyWorkers *workers = worker->workers;

	g_mutex_lock(&workers->mutex);
	while (g_atomic_int_get(&workers->n_active) <= (gint)worker->index &&
	       !g_atomic_int_get(&workers->is_stopping))
		g_cond_wait(&workers->changed, &workers->mutex);
	g_mutex_unlock(&workers->mutex);
}

/* --- how many -----------------------------------------------------------------------------------
 */

static gint64
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (gint64)now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

static gboolean
is_time_to_look(Worker *worker)
{
	return worker->index == 0 && worker->workers->is_adaptive &&
	       ++worker->n_calls % CALLS_A_LOOK == 0;
}

/* Crowded: another task's call was there already, or another worker is at work. */
static void
look(Worker *worker, guint32 tid, gint64 waited_ns)
{
	GaitNotifyWorkers *workers = worker->workers;
	gint n_active = g_atomic_int_get(&workers->n_active);

	worker->n_crowded += (waited_ns < AT_ONCE_NS && tid != worker->last) ||
	                     g_atomic_int_get(&workers->n_busy) > 0;
	if (++worker->n_looks < LOOKS)
		return;
	if (worker->n_crowded >= LOOKS_FOR_MORE && n_active < (gint)workers->n_workers)
		set_active(workers, n_active + 1);
	else if (worker->n_crowded <= LOOKS_FOR_LESS && n_active > 1)
		set_active(workers, n_active - 1);
	worker->n_looks = worker->n_crowded = 0;
}

/* --- work ---------------------------------------------------------------------------------------
 */

static GaitNotify
receive(Worker *worker, GaitNotification *received)
{
	const GaitListener *listener = worker->workers->notify->listener;
	GaitNotify result;
	gint64 begin_ns;

	if (G_LIKELY(!is_time_to_look(worker)))
		return gait_listener_receive(listener, received);
	begin_ns = now_ns();
	result = gait_listener_receive(listener, received);
	if (result == GAIT_NOTIFY_DONE)
		look(worker, received->notification.pid, now_ns() - begin_ns);
	return result;
}

static gboolean
serve(Worker *worker, const struct seccomp_notif *notification, GError **error)
{
	GaitNotifyWorkers *workers = worker->workers;
	gboolean is_crowd = g_atomic_int_get(&workers->n_active) > 1;
	gboolean is_good;

	worker->last = notification->pid;
	if (G_UNLIKELY(is_crowd))
		g_atomic_int_inc(&workers->n_busy);
	is_good =
	    gait_notify_serve(workers->notify, worker->index, worker->judge, notification, error);
	if (G_UNLIKELY(is_crowd))
		g_atomic_int_add(&workers->n_busy, -1);
	return is_good;
}

/* The last task that had the filter is gone. */
static gboolean
is_over(const Worker *worker)
{
	struct pollfd listening = {.fd = gait_listener_get_fd(worker->workers->notify->listener)};

	return poll(&listening, 1, 0) == 1 && (listening.revents & (POLLHUP | POLLERR));
}

static gboolean
work_once(Worker *worker, GError **error)
{
	GaitNotification received;

	switch (receive(worker, &received)) {
	case GAIT_NOTIFY_DONE:
		return serve(worker, &received.notification, error);
	case GAIT_NOTIFY_GONE:
		return !is_over(worker);
	case GAIT_NOTIFY_ERROR:
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
		                         "ioctl(SECCOMP_IOCTL_NOTIF_RECV)");
	case GAIT_NOTIFY_N_:
		break;
	}
	g_assert_not_reached();
}

static gpointer
run(gpointer data)
{
	Worker *worker = data;
	GaitNotifyWorkers *workers = worker->workers;
	g_autoptr(GError) error = NULL;
	gboolean is_good = TRUE;

	g_atomic_int_set(&worker->tid, gettid());
	while (is_good && !g_atomic_int_get(&workers->is_stopping)) {
		if (G_UNLIKELY(g_atomic_int_get(&workers->n_active) <= (gint)worker->index))
			rest(worker);
		else
			is_good = work_once(worker, &error);
	}
	/* Closed: calls that are not answered wait, and the tree is killed. */
	if (error)
		gait_notify_fail(workers->notify, g_steal_pointer(&error));
	g_atomic_int_set(&worker->is_done, TRUE);
	return NULL;
}

/* --- start and end ------------------------------------------------------------------------------
 */

static gboolean
start_worker(GaitNotifyWorkers *workers, guint index, GError **error)
{
	Worker *worker = &workers->all[index];
	sigset_t theirs, before;

	/* Signals are the main thread's, but for the one that interrupts. */
	sigfillset(&theirs);
	sigdelset(&theirs, SIGRTMIN);
	pthread_sigmask(SIG_SETMASK, &theirs, &before);
	worker->thread = g_thread_try_new("worker", run, worker, error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return worker->thread != NULL;
}

GaitNotifyWorkers *
gait_notify_workers_start(GaitNotifyRun *notify, guint n, gboolean is_adaptive, GError **error)
{
	GaitNotifyWorkers *workers = g_new0(GaitNotifyWorkers, 1);

	workers->notify = notify;
	workers->is_adaptive = is_adaptive && n > 1;
	workers->n_active = is_adaptive ? 1 : (gint)n;
	g_mutex_init(&workers->mutex);
	g_cond_init(&workers->changed);
	workers->all = g_new0(Worker, n);
	/* All of them, before any begins to judge. */
	for (guint i = 0; i < n; i++)
		workers->all[i] = (Worker){
		    .workers = workers,
		    .index = i,
		    /* The first has the one that is there. So has what comes from the in-kernel
		       tier, always alone in the gate: a recording, in which there is but one
		       worker, knows stacks by the numbers of one judge. */
		    .judge = i == 0 ? NULL : gait_enforcer_add_judge(notify->enforcer),
		};
	for (; workers->n_workers < n; workers->n_workers++)
		if (!start_worker(workers, workers->n_workers, error)) {
			gait_notify_workers_stop(workers);
			return NULL;
		}
	return workers;
}

void
gait_notify_workers_stop(GaitNotifyWorkers *workers)
{
	if (!workers)
		return;
	g_mutex_lock(&workers->mutex);
	g_atomic_int_set(&workers->is_stopping, TRUE);
	g_cond_broadcast(&workers->changed);
	g_mutex_unlock(&workers->mutex);
	for (guint i = 0; i < workers->n_workers; i++) {
		while (!g_atomic_int_get(&workers->all[i].is_done)) {
			interrupt(&workers->all[i]);
			g_usleep(SIGNAL_US);
		}
		g_thread_join(workers->all[i].thread);
	}
	g_mutex_clear(&workers->mutex);
	g_cond_clear(&workers->changed);
	g_free(workers->all);
	g_free(workers);
}
