/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp listener: installed by a child before its exec, taken by the supervisor, who then
 * receives and answers notifications (seccomp_unotify(2)).
 */
#pragma once

#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/types.h>

typedef struct _GaitListener GaitListener;

/* filter is borrowed, and read in the child. */
GaitListener *gait_listener_new(const struct sock_fprog *filter, GError **error);
/* Closes it: every later call of the filtered tasks fails with ENOSYS. */
void gait_listener_free(GaitListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitListener, gait_listener_free)

/*
 * In the child, between fork and exec: async-signal-safe. data is the GaitListener. Sets
 * NO_NEW_PRIVS only where the kernel asks for it. From then on the caller's every system call waits
 * for an answer. Returns 0 or an errno.
 */
int gait_listener_install(gpointer data);

/*
 * Whether a child of this process would get a listener: 0, or what the kernel says instead; EBUSY
 * where it is under a listener already, and so all that it starts.
 */
int gait_listener_try(void);

typedef enum {
	GAIT_LISTENER_TAKEN,
	GAIT_LISTENER_NOT_YET, /* the child has not come so far: ask again */
	GAIT_LISTENER_FAILED,  /* error is set */
	GAIT_LISTENER_N_,
} GaitListenerTake;

/* In the supervisor. Tries out what the kernel has to offer. */
GaitListenerTake gait_listener_take(GaitListener *listener, GError **error);
/* For poll(): POLLIN a notification, POLLHUP the last filtered task is gone. -1 before it is taken.
 */
int gait_listener_get_fd(const GaitListener *listener);

/* What of it this kernel has, tried out and not looked up by version; before it is taken, nothing.
 */
typedef struct {
	gboolean is_killable; /* WAIT_KILLABLE_RECV: a received call waits, whatever signals come */
	gboolean is_sync;     /* SYNC_WAKE_UP: both sides are woken on the core of the other */
} GaitListenerFeatures;
GaitListenerFeatures gait_listener_get_features(const GaitListener *listener);

typedef enum {
	GAIT_NOTIFY_DONE,
	GAIT_NOTIFY_GONE,  /* the call was interrupted, or its task is gone: not an error */
	GAIT_NOTIFY_ERROR, /* errno is set */
	GAIT_NOTIFY_N_,
} GaitNotify;

/* Room for what a newer kernel writes beyond what our headers know of. */
typedef union {
	struct seccomp_notif notification;
	guint8 bytes[256];
} GaitNotification;

/*
 * The functions below may be called by several threads at the same time. Receiving blocks until
 * there is a notification; a signal handler without SA_RESTART ends it with GONE, and newer kernels
 * do (6.11) once the last filtered task is gone.
 */
GaitNotify gait_listener_receive(const GaitListener *listener, GaitNotification *received);
/* Whether the task still waits: to be asked after its memory was read, before that is believed. */
gboolean gait_listener_is_valid(const GaitListener *listener, guint64 id);
GaitNotify gait_listener_continue(const GaitListener *listener, guint64 id);
/* error: a positive errno. */
GaitNotify gait_listener_refuse(const GaitListener *listener, guint64 id, int error);
/*
 * Has the kernel make the task issue the same call again, invisibly to it. Only for a task that
 * PTRACE_INTERRUPT was sent to while it waits: it then stops before the call comes again. Without a
 * stop or signal due the task would see the kernel's internal error number.
 */
GaitNotify gait_listener_restart(const GaitListener *listener, guint64 id);
