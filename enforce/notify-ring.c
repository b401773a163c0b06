/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel tier sends what it has found into a ring. Whoever handles what happens to tasks
 * takes it over first (notify-lifecycle.c); this thread does so when nothing happens for long. It
 * changes nothing but the log, and is alone in the gate for it.
 */
#include "enforce/notify-private.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS 100
/* While code is on its way to elsewhere. */
#define TELL_MS 1

static gpointer
watch(gpointer data)
{
	GaitNotifyRun *notify = data;
	struct pollfd ready[] = {
	    {.fd = gait_enforcer_get_ring_fd(notify->enforcer), .events = POLLIN},
	    {.fd = gait_enforcer_get_untold_fd(notify->enforcer), .events = POLLIN},
	    {.fd = notify->ring_over, .events = POLLIN},
	};
	gboolean has_untold = FALSE;

	while (!g_atomic_int_get(&notify->is_over)) {
		if (poll(ready, G_N_ELEMENTS(ready), has_untold ? TELL_MS : LOOK_MS) <= 0 &&
		    !has_untold)
			continue;
		gait_gate_enter_alone(notify->gate);
		gait_enforcer_drain(notify->enforcer);
		has_untold = gait_enforcer_tell_untold(notify->enforcer);
		gait_gate_leave_alone(notify->gate);
	}
	return NULL;
}

void
gait_notify_ring_start(GaitNotifyRun *notify)
{
	sigset_t all, before;

	if (!notify->is_in_kernel)
		return;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* Where there is none, the end takes as long as a look. */
	notify->ring_over = eventfd(0, EFD_CLOEXEC);
	notify->ringing = g_thread_new("ring", watch, notify);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
gait_notify_ring_stop(GaitNotifyRun *notify)
{
	if (!notify->ringing)
		return;
	g_atomic_int_set(&notify->is_over, TRUE);
	eventfd_write(notify->ring_over, 1);
	g_thread_join(g_steal_pointer(&notify->ringing));
	if (notify->ring_over >= 0)
		close(notify->ring_over);
}
