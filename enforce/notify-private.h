/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the notify backend share.
 *
 * Two kinds of threads: the main thread is the tracer's, and handles lifecycle and signals; workers
 * receive calls, judge and answer them. What a worker touches of a task is the task's own while it
 * waits for the answer. What is not (tables of tasks, address spaces, modules) changes only while
 * its changer is alone in the gate: the main thread whenever it handles what has happened to tasks,
 * a worker for calls that are not like any before. ptrace is the main thread's, so it is asked to
 * do what needs it.
 */
#pragma once

#include "enforce/enforcer.h"
#include "enforce/gate.h"
#include "enforce/listener.h"
#include "enforce/notify-asleep.h"
#include "enforce/notify-registers.h"
#include "enforce/usher.h"

#include <pthread.h>

typedef struct _GaitNotifyWorkers GaitNotifyWorkers;

typedef struct {
	guint64 serial; /* no other task ever has it */
	GaitNotifyRegisters registers;
	guint n_restarts;    /* of the call that it waits in */
	gboolean is_running; /* running was let through and may still be going on */
	struct seccomp_data running;
	guint64 n_walked;    /* calls of it that were walked in the kernel, before that one */
	gboolean is_unheard; /* the ruling on unheard did not reach it: it was interrupted */
	struct seccomp_data unheard;
	GaitRuling ruling;
	gint
	    turn; /* hands it from worker to worker, as the kernel does, but so that tools see it */
} GaitNotifyTask;

typedef struct {
	GaitEnforcer *enforcer;
	gboolean is_in_kernel; /* most calls are walked by the in-kernel tier */
	GThread *ringing;      /* takes over what that one sends */
	gint is_over;
	int ring_over; /* eventfd: wakes it for that */
	GaitListener *listener;
	GaitUsher *usher;   /* while launching */
	GThread *loading;   /* of BPF, which takes milliseconds */
	GaitAsleep *loaded; /* by that thread, and not in use yet */
	GaitAsleep *asleep; /* NULL while, and where, BPF is not to be had */
	GaitTracer *tracer;
	GHashTable *tasks; /* GaitTask → GaitNotifyTask */
	guint64 n_tasks;   /* ever */
	GaitGate *gate;
	GaitNotifyWorkers *workers;
	pthread_mutex_t mutex; /* guards what follows */
	GArray *requests;      /* of GaitNotifyRequest */
	GError *error;         /* of a callback or worker */
} GaitNotifyRun;

/* A call whose task has to stop: for its registers, or, having been let through, when it is over.
 */
typedef struct {
	pid_t tid;
	guint64 id;
	gboolean is_let_through;
} GaitNotifyRequest;

/* --- notify.c */
GaitNotifyTask *gait_notify_find_own(GaitNotifyRun *notify, const GaitTask *task);
/* SIGKILL to the whole process. */
void gait_notify_kill(const GaitTask *task);
/* Ends the run, in which the tree is killed. Takes error. From any thread. */
void gait_notify_fail(GaitNotifyRun *notify, GError *error);

/* A run, as GaitBackend.run has it; by the in-kernel tier where that was started. */
gboolean gait_notify_run(GaitEnforcer *enforcer, const char *const *argv, int *status,
                         GError **error);
gboolean gait_notify_probe(GError **error);

/* --- notify-ring.c */
/* A thread that takes over what the in-kernel tier sends, while it does. */
void gait_notify_ring_start(GaitNotifyRun *notify);
void gait_notify_ring_stop(GaitNotifyRun *notify);

/* --- notify-lifecycle.c */
extern const GaitTracerCallbacks gait_notify_callbacks;

/* --- notify-serve.c */
/* Judges and answers what a worker has received. Where it fails, the tree must be killed. */
gboolean gait_notify_serve(GaitNotifyRun *notify, guint worker, GaitJudge *judge,
                           const struct seccomp_notif *notification, GError **error);
/* The main thread's part: stops tasks. */
gboolean gait_notify_answer_requests(GaitNotifyRun *notify, GError **error);

/* --- notify-workers.c */
/* Starts n workers; where they are adaptive, only as many of them work at a time as pay. */
GaitNotifyWorkers *gait_notify_workers_start(GaitNotifyRun *notify, guint n, gboolean is_adaptive,
                                             GError **error);
/* Ends them all, whatever they wait for, and frees workers; NULL is fine. */
void gait_notify_workers_stop(GaitNotifyWorkers *workers);
