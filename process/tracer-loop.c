/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer's loop: waiting for what tasks have to say. What it means is in tracer-stops.c.
 *
 * Sleeping: waitpid(-1) without anything around it costs one system call an event, but cannot be
 * woken without a race (a signal between the check and the call is lost). So gait_tracer_wake()
 * arms a timer that sends the signal again and again until the loop has seen it.
 */
#include "process/tracer-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* __WNOTHREAD: children of other threads of this process are none of the tracer's business. */
#define WAIT_FLAGS (__WALL | __WNOTHREAD)

/* Between the signals that a wake-up sends. */
#define WAKE_MS 2

static void
on_wake(int signo)
{
	/* It only has to interrupt waitpid. */
}

/* A thread of its own for waking is not needed: a timer that signals this one does it. */
void
gait_tracer_set_up_waking(GaitTracer *tracer)
{
	struct sigaction action = {.sa_handler = on_wake};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
	sigset_t set;

	tracer->pid = getpid();
	tracer->tid = gettid();
	event._sigev_un._tid = tracer->tid;
	sigaction(SIGRTMIN, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	tracer->has_timer = timer_create(CLOCK_MONOTONIC, &event, &tracer->timer) == 0;
}

static gboolean
is_going_on(const GaitTracer *tracer)
{
	return !tracer->is_stopping &&
	       (g_hash_table_size(tracer->tasks) > 0 || tracer->orphans->len > 0);
}

/* Consumes a wake-up, if there is one. */
static gboolean
was_woken(GaitTracer *tracer)
{
	static const struct itimerspec disarmed;

	if (G_LIKELY(!__atomic_load_n(&tracer->is_woken, __ATOMIC_RELAXED)))
		return FALSE;
	/* In this order: who wakes in between finds the timer disarmed, but is seen the next time.
	 */
	__atomic_store_n(&tracer->is_woken, FALSE, __ATOMIC_SEQ_CST);
	if (tracer->has_timer)
		timer_settime(tracer->timer, 0, &disarmed, NULL);
	return TRUE;
}

typedef enum {
	WAIT_HANDLED,
	WAIT_NOTHING,   /* nothing there yet, or interrupted */
	WAIT_CHILDLESS, /* there is nobody to wait for */
} WaitResult;

static void
tell_handling(GaitTracer *tracer, gboolean begins)
{
	if (tracer->callbacks.handling)
		tracer->callbacks.handling(tracer, begins, tracer->data);
}

/* How many statuses in a row may be those that waitpid chooses. */
#define WAITED_IN_A_ROW 4

/*
 * waitpid(-1) always takes the youngest task that has something to say. One that is fast to say
 * more would never let the others come to words, and the program might wait for them for ever; so
 * now and then they are asked by name, one after the other, as long as they have something to say.
 */
static void
take_turns(GaitTracer *tracer)
{
	guint n_left = tracer->turns.length;
	int status;

	tracer->n_waited = 0;
	while (n_left-- > 1 && tracer->turns.length > 0 && !tracer->is_stopping) {
		GList *turn = g_queue_pop_head_link(&tracer->turns);
		pid_t tid = ((TracerTask *)turn->data)->task.tid;

		g_queue_push_tail_link(&tracer->turns, turn);
		if (waitpid(tid, &status, WAIT_FLAGS | WNOHANG) != tid)
			return;
		gait_tracer_handle(tracer, tid, status);
	}
}

static WaitResult
wait_for_one(GaitTracer *tracer, int flags)
{
	int status;
	pid_t tid = waitpid(-1, &status, WAIT_FLAGS | flags);

	if (tid > 0) {
		tell_handling(tracer, TRUE);
		gait_tracer_handle(tracer, tid, status);
		if (G_UNLIKELY(++tracer->n_waited >= WAITED_IN_A_ROW))
			take_turns(tracer);
		tell_handling(tracer, FALSE);
		return WAIT_HANDLED;
	}
	return tid < 0 && errno == ECHILD ? WAIT_CHILDLESS : WAIT_NOTHING;
}

/* Everything that has happened up to now, at most as many as there are likely to be tasks. */
static WaitResult
drain(GaitTracer *tracer)
{
	WaitResult result = WAIT_HANDLED;

	for (guint i = 0; i < 1024 && result == WAIT_HANDLED && is_going_on(tracer); i++)
		result = wait_for_one(tracer, WNOHANG);
	return result;
}

static gboolean
watch_child_signals(GaitTracer *tracer, GError **error)
{
	sigset_t set;

	if (tracer->child_signals >= 0)
		return TRUE;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	tracer->child_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* What happened before the signal was blocked. */
	tracer->has_more = TRUE;
	return tracer->child_signals >= 0 ||
	       gait_error_system(error, GAIT_PROCESS_ERROR, errno, "signalfd(SIGCHLD)");
}

/* How many descriptors a caller may bring. */
#define MAX_DESCRIPTORS 8

/*
 * Sleeps in poll(), with SIGCHLD as one more descriptor. Every stop and death of a task sends one
 * (a blocked signal is kept even where it would be ignored), and it is taken before the kernel is
 * asked for what has happened, so between two of them there is nothing to ask for.
 */
static gboolean
wait_with_descriptors(GaitTracer *tracer, struct pollfd *fds, guint n_fds, int timeout_ms,
                      GError **error)
{
	struct pollfd all[MAX_DESCRIPTORS + 1];
	struct signalfd_siginfo info;
	WaitResult result;

	g_assert(n_fds <= MAX_DESCRIPTORS);
	for (guint i = 0; i < n_fds; i++)
		all[i] = fds[i];
	if (!watch_child_signals(tracer, error))
		return FALSE;
	all[n_fds] = (struct pollfd){.fd = tracer->child_signals, .events = POLLIN};
	if (__atomic_load_n(&tracer->is_woken, __ATOMIC_RELAXED))
		timeout_ms = 0;
	if (poll(all, n_fds + 1, tracer->has_more ? 0 : timeout_ms) < 0)
		return errno == EINTR ||
		       gait_error_system(error, GAIT_PROCESS_ERROR, errno, "poll");
	for (guint i = 0; i < n_fds; i++)
		fds[i].revents = all[i].revents;
	if (G_LIKELY(!tracer->has_more && !all[n_fds].revents))
		return TRUE;
	while (read(tracer->child_signals, &info, sizeof(info)) > 0)
		;
	result = drain(tracer);
	tracer->has_more = result == WAIT_HANDLED;
	/* Reaped behind our back, as below: it would be waited for in vain. */
	if (result == WAIT_CHILDLESS)
		tracer->is_stopping = TRUE;
	return TRUE;
}

/* The sooner of two timeouts; negative is never. */
static int
sooner(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

gboolean
gait_tracer_iterate(GaitTracer *tracer, struct pollfd *fds, guint n_fds, int timeout_ms,
                    GError **error)
{
	for (guint i = 0; i < n_fds; i++)
		fds[i].revents = 0;
	if (was_woken(tracer) || !is_going_on(tracer))
		return is_going_on(tracer);
	if (G_UNLIKELY(tracer->held->len > 0 || tracer->orphans->len > 0)) {
		timeout_ms = sooner(timeout_ms, gait_tracer_get_hold_timeout(tracer));
		timeout_ms = sooner(timeout_ms, gait_tracer_get_orphan_timeout(tracer));
	}
	/* Tasks that the kernel says do not exist have been reaped behind our back: nothing will
	 * ever come from them. */
	if (!fds && timeout_ms < 0)
		return wait_for_one(tracer, 0) != WAIT_CHILDLESS && is_going_on(tracer);
	if (!wait_with_descriptors(tracer, fds, n_fds, timeout_ms, error))
		return FALSE;
	if (G_UNLIKELY(tracer->held->len > 0))
		gait_tracer_release_held(tracer, FALSE);
	/* No creator's event may be waiting to be read. */
	if (G_UNLIKELY(tracer->orphans->len > 0) && drain(tracer) != WAIT_HANDLED) {
		tell_handling(tracer, TRUE);
		gait_tracer_adopt_orphans(tracer);
		tell_handling(tracer, FALSE);
	}
	return is_going_on(tracer);
}

void
gait_tracer_wake(GaitTracer *tracer)
{
	static const struct itimerspec armed = {{0, WAKE_MS * 1000000}, {0, 1}};

	__atomic_store_n(&tracer->is_woken, TRUE, __ATOMIC_SEQ_CST);
	if (!tracer->has_timer)
		syscall(SYS_tgkill, tracer->pid, tracer->tid, SIGRTMIN);
	else
		timer_settime(tracer->timer, 0, &armed, NULL);
}

void
gait_tracer_stop(GaitTracer *tracer)
{
	tracer->is_stopping = TRUE;
}
