/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usher. What it lets pass is our own code in the child: the tries of execvp(), and where they
 * fail the report and the exit. It is gone before the first instruction of the program.
 */
#include "enforce/usher.h"

#include "sysgait/error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Between two looks whether the child has installed its filter, which it cannot announce. */
#define LOOK_US 200

struct _GaitUsher {
	GaitListener *listener;
	GThread *thread;
	int dismissed; /* eventfd */
	gint is_dismissed;
	GError *error;
};

static void
let_pass(GaitUsher *usher)
{
	GaitNotification received;

	/* Closed: whatever fails here leaves the child waiting, and so the launch. */
	if (gait_listener_receive(usher->listener, &received) == GAIT_NOTIFY_DONE)
		gait_listener_continue(usher->listener, received.notification.id);
}

static gpointer
run(gpointer data)
{
	GaitUsher *usher = data;
	GaitListenerTake take;

	while ((take = gait_listener_take(usher->listener, &usher->error)) ==
	       GAIT_LISTENER_NOT_YET) {
		if (g_atomic_int_get(&usher->is_dismissed))
			return NULL;
		g_usleep(LOOK_US);
	}
	if (take == GAIT_LISTENER_FAILED)
		return NULL;
	while (!g_atomic_int_get(&usher->is_dismissed)) {
		struct pollfd fds[] = {
		    {.fd = gait_listener_get_fd(usher->listener), .events = POLLIN},
		    {.fd = usher->dismissed, .events = POLLIN},
		};

		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents & POLLIN)
			let_pass(usher);
		else if (fds[0].revents)
			return NULL; /* the child is gone */
	}
	return NULL;
}

GaitUsher *
gait_usher_new(GaitListener *listener, GError **error)
{
	GaitUsher *usher = g_new0(GaitUsher, 1);
	sigset_t all, before;

	usher->listener = listener;
	usher->dismissed = eventfd(0, EFD_CLOEXEC);
	if (usher->dismissed < 0) {
		gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "eventfd");
		g_free(usher);
		return NULL;
	}
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	usher->thread = g_thread_try_new("usher", run, usher, error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!usher->thread) {
		g_prefix_error(error, "cannot start a thread: ");
		close(usher->dismissed);
		g_free(usher);
		return NULL;
	}
	return usher;
}

gboolean
gait_usher_dismiss(GaitUsher *usher, GError **error)
{
	gboolean is_good;

	g_atomic_int_set(&usher->is_dismissed, TRUE);
	eventfd_write(usher->dismissed, 1);
	g_thread_join(usher->thread);
	close(usher->dismissed);
	is_good = usher->error == NULL && gait_listener_get_fd(usher->listener) >= 0;
	if (usher->error)
		g_propagate_error(error, usher->error);
	else if (!is_good)
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_GONE,
		            "the target ended before its filter was installed");
	g_free(usher);
	return is_good;
}
