/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the notify backend share. */
#pragma once

#include "enforce/enforcer.h"
#include "enforce/listener.h"
#include "enforce/notify-asleep.h"
#include "enforce/notify-registers.h"
#include "enforce/usher.h"

typedef struct {
	GaitNotifyRegisters registers;
	guint n_restarts;    /* of the call that it waits in */
	gboolean is_running; /* running was let through and may still be going on */
	struct seccomp_data running;
	gboolean is_unheard; /* the ruling on unheard did not reach it: it was interrupted */
	struct seccomp_data unheard;
	GaitRuling ruling;
} GaitNotifyTask;

typedef struct {
	GaitEnforcer *enforcer;
	GaitListener *listener;
	GaitUsher *usher;   /* while launching */
	GaitAsleep *asleep; /* NULL where BPF is not to be had */
	GaitTracer *tracer;
	GHashTable *tasks; /* GaitTask → GaitNotifyTask */
	GError *error;     /* of a callback */
} GaitNotifyRun;

/* --- notify.c */
GaitNotifyTask *gait_notify_find_own(GaitNotifyRun *notify, const GaitTask *task);
/* SIGKILL to the whole process. */
void gait_notify_kill(const GaitTask *task);

/* --- notify-serve.c */
/* Serves the notification that poll() found, and forgets the listener (fd -1) when none can come
 * any more. Where it fails, the tree must be killed. */
struct pollfd;
gboolean gait_notify_serve(GaitNotifyRun *notify, struct pollfd *listening, GError **error);
