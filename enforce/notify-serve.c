/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notify backend's hot path: one notification is attributed, ruled on and answered. Between
 * attribution and ruling the kernel is asked whether the task still waits, since only then was its
 * memory its own while it was read.
 *
 * A call that is like one before is decided on beside the other workers; for any other the worker
 * starts over, alone. Nothing of the task changes before it is certain that it waits: a task that
 * is gone may have left its number to another.
 */
#include "enforce/notify-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A task is stopped for its registers once a call, and again where a signal came between. */
#define MAX_RESTARTS 64

typedef enum {
	DECIDED,
	UNREADABLE,      /* its memory is not there */
	NOT_WAITING,     /* it has gone away meanwhile: nothing to answer */
	NEEDS_ALONE,     /* not to be told beside other workers */
	NEEDS_REGISTERS, /* the task has to stop */
	IS_STRANGER,     /* a task that the tracer does not know */
} Decision;

typedef struct {
	GaitNotifyRun *notify;
	guint worker;
	GaitJudge *judge;
	const struct seccomp_notif *notification;
	guint64 serial; /* of the task, once decided */
	GaitRuling ruling;
	gboolean stops_after; /* when what it is let do is over */
} Service;

static gboolean
is_sent(GaitNotify sent, GError **error)
{
	if (sent != GAIT_NOTIFY_ERROR)
		return TRUE;
	return gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
	                         "ioctl(SECCOMP_IOCTL_NOTIF_SEND)");
}

/* --- who is not known ---------------------------------------------------------------------------
 */

/* The process of a thread, 0 where it is gone. */
static pid_t
find_process(pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", tid);
	g_autofree char *status = NULL;
	const char *line = NULL;

	if (g_file_get_contents(path, &status, NULL, NULL))
		line = strstr(status, "\nTgid:");
	return line ? atoi(line + strlen("\nTgid:")) : 0;
}

/*
 * Closed: a task that the tracer does not know was created around it (CLONE_UNTRACED in memory).
 * Nobody can say whose child it is, so it does not get to do anything but die.
 */
static gboolean
refuse_stranger(GaitNotifyRun *notify, const struct seccomp_notif *notification, GError **error)
{
	pid_t pid;
	int pidfd;

	/* Known, but gone by now. */
	if (!gait_listener_is_valid(notify->listener, notification->id))
		return TRUE;
	/* It may be a thread that hides; of these a pidfd is only to be had for the process. */
	pid = find_process((pid_t)notification->pid);
	pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	gait_log_message(gait_enforcer_get_log(notify->enforcer),
	                 "task %u was created in a way that hides its creator: killing it",
	                 notification->pid);
	/* Valid after the pidfd was opened: the number was still its own. */
	if (pidfd >= 0 && gait_listener_is_valid(notify->listener, notification->id))
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	if (pidfd >= 0)
		close(pidfd);
	return is_sent(gait_listener_refuse(notify->listener, notification->id, EPERM), error);
}

/* --- deciding, in the gate ----------------------------------------------------------------------
 */

/* Whether it asks again what was ruled on before, because the ruling did not reach it. */
static gboolean
asks_again(const GaitNotifyTask *own, const struct seccomp_notif *notification)
{
	return own->is_unheard &&
	       memcmp(&own->unheard, &notification->data, sizeof own->unheard) == 0;
}

/* What has to be so before the answer is sent, because the task runs on at once. */
static Decision
decide(Service *service, const GaitTask *task, GaitNotifyTask *own, GaitRuling ruling)
{
	service->ruling = ruling;
	service->serial = own->serial;
	own->n_restarts = 0;
	gait_notify_registers_drop(&own->registers);
	own->is_unheard = FALSE;
	/* What it was let do before has come to an end. */
	own->is_running = ruling.kind == GAIT_RULING_CONTINUE;
	service->stops_after = own->is_running && gait_enforcer_is_mapping(task);
	if (own->is_running) {
		own->running = service->notification->data;
		own->n_walked = gait_enforcer_count_walked(service->notify->enforcer, task);
	}
	/* Dead before it is let go: it does not see the answer. */
	if (ruling.kind == GAIT_RULING_KILL)
		gait_notify_kill(task);
	__atomic_store_n(&own->turn, own->turn + 1, __ATOMIC_RELEASE);
	return DECIDED;
}

static Decision
attribute(Service *service, GaitEntry *entry, gboolean is_alone)
{
	if (!is_alone)
		return gait_enforcer_recall(service->notify->enforcer, entry) ? DECIDED
		                                                              : NEEDS_ALONE;
	switch (gait_enforcer_attribute(service->notify->enforcer, entry)) {
	case GAIT_ATTRIBUTION_DONE:
		return DECIDED;
	case GAIT_ATTRIBUTION_NEEDS_REGISTERS:
		return NEEDS_REGISTERS;
	case GAIT_ATTRIBUTION_GONE:
		return UNREADABLE;
	case GAIT_ATTRIBUTION_N_:
		break;
	}
	g_assert_not_reached();
}

static Decision
try_to_decide(Service *service, gboolean is_alone)
{
	GaitNotifyRun *notify = service->notify;
	const struct seccomp_notif *notification = service->notification;
	GaitTask *task = gait_tracer_find(notify->tracer, (pid_t)notification->pid);
	GaitNotifyTask *own = task ? gait_notify_find_own(notify, task) : NULL;
	g_auto(GaitEntry)
	    entry = {.task = task, .judge = service->judge, .nr = (guint32)notification->data.nr};
	Decision decision = DECIDED;

	if (!own || !task->data)
		return IS_STRANGER;
	/* Alone, the space is told of the call. Who is gone may have left its number to another,
	   whose calls under way that would end. */
	if (is_alone && !gait_listener_is_valid(notify->listener, notification->id))
		return NOT_WAITING;
	__atomic_load_n(&own->turn, __ATOMIC_ACQUIRE);
	/* What the task did before comes before it in the log. */
	if (G_UNLIKELY(gait_enforcer_is_behind(notify->enforcer, task))) {
		if (!is_alone)
			return NEEDS_ALONE;
		gait_enforcer_catch_up(notify->enforcer, task);
	}
	memcpy(entry.args, notification->data.args, sizeof entry.args);
	if (!asks_again(own, notification)) {
		if (!gait_notify_registers_get(&own->registers, notify->asleep, &notification->data,
		                               &entry.registers, &entry.top))
			return NEEDS_REGISTERS;
		decision = attribute(service, &entry, is_alone);
		if (decision != DECIDED && decision != UNREADABLE)
			return decision;
	}
	/* What was read is the waiting task's only if it has waited all the while. */
	if (!gait_listener_is_valid(notify->listener, notification->id))
		return NOT_WAITING;
	if (asks_again(own, notification))
		return decide(service, task, own, own->ruling);
	/* Closed: a task whose memory is gone, and that lives. */
	if (decision == UNREADABLE)
		return decide(service, task, own, (GaitRuling){GAIT_RULING_ERRNO, EPERM});
	return decide(service, task, own, gait_enforcer_rule(notify->enforcer, &entry));
}

/* --- stops, by the main thread ------------------------------------------------------------------
 */

static gboolean
ask_for_stop(GaitNotifyRun *notify, const struct seccomp_notif *notification,
             gboolean is_let_through)
{
	GaitNotifyRequest request = {(pid_t)notification->pid, notification->id, is_let_through};

	pthread_mutex_lock(&notify->mutex);
	g_array_append_val(notify->requests, request);
	pthread_mutex_unlock(&notify->mutex);
	gait_tracer_wake(notify->tracer);
	return TRUE;
}

/* Has the task stop after its call: asked to now, it does so on its way back. */
static gboolean
stop_afterwards(GaitNotifyRun *notify, const GaitNotifyRequest *request, GError **error)
{
	GaitTask *task = gait_tracer_find(notify->tracer, request->tid);

	if (!gait_listener_is_valid(notify->listener, request->id))
		return TRUE;
	if (task)
		gait_tracer_interrupt(notify->tracer, task);
	return is_sent(gait_listener_continue(notify->listener, request->id), error);
}

/* Has the task stop and come again with the same call; see listener.h. */
static gboolean
stop_for_registers(GaitNotifyRun *notify, const GaitNotifyRequest *request, GError **error)
{
	GaitTask *task = gait_tracer_find(notify->tracer, request->tid);
	GaitNotifyTask *own = task ? gait_notify_find_own(notify, task) : NULL;

	if (!own || !gait_listener_is_valid(notify->listener, request->id))
		return TRUE;
	own->is_running = FALSE;
	/* Closed: a task that cannot be stopped, or never shows what it stopped with, is refused.
	 */
	if (own->n_restarts >= MAX_RESTARTS || !gait_tracer_interrupt(notify->tracer, task)) {
		gait_log_message(gait_enforcer_get_log(notify->enforcer),
		                 "the registers of task %d cannot be had: its call is refused",
		                 task->tid);
		own->n_restarts = 0;
		return is_sent(gait_listener_refuse(notify->listener, request->id, EPERM), error);
	}
	own->n_restarts++;
	return is_sent(gait_listener_restart(notify->listener, request->id), error);
}

gboolean
gait_notify_answer_requests(GaitNotifyRun *notify, GError **error)
{
	g_autoptr(GArray) requests = NULL;
	gboolean is_good = TRUE;

	pthread_mutex_lock(&notify->mutex);
	if (notify->requests->len > 0) {
		requests = notify->requests;
		notify->requests = g_array_new(FALSE, FALSE, sizeof(GaitNotifyRequest));
	}
	pthread_mutex_unlock(&notify->mutex);
	if (!requests)
		return TRUE;
	gait_gate_enter_alone(notify->gate);
	for (guint i = 0; is_good && i < requests->len; i++) {
		const GaitNotifyRequest *request = &g_array_index(requests, GaitNotifyRequest, i);

		is_good = request->is_let_through ? stop_afterwards(notify, request, error)
		                                  : stop_for_registers(notify, request, error);
	}
	gait_gate_leave_alone(notify->gate);
	return is_good;
}

/* --- answering, outside the gate ----------------------------------------------------------------
 */

/* The ruling did not reach the task. Only where WAIT_KILLABLE_RECV is not to be had does it live to
 * ask again. */
static void
note_unheard(const Service *service)
{
	GaitNotifyRun *notify = service->notify;
	const GaitTask *task;
	GaitNotifyTask *own;

	gait_gate_enter(notify->gate, service->worker);
	task = gait_tracer_find(notify->tracer, (pid_t)service->notification->pid);
	own = task ? gait_notify_find_own(notify, task) : NULL;
	if (own && own->serial == service->serial) {
		own->is_running = FALSE;
		own->is_unheard = TRUE;
		own->unheard = service->notification->data;
		own->ruling = service->ruling;
	}
	gait_gate_leave(notify->gate, service->worker);
}

static gboolean
answer(const Service *service, GError **error)
{
	const GaitListener *listener = service->notify->listener;
	guint64 id = service->notification->id;
	GaitNotify sent = GAIT_NOTIFY_ERROR;

	switch (service->ruling.kind) {
	case GAIT_RULING_CONTINUE:
		sent = gait_listener_continue(listener, id);
		break;
	case GAIT_RULING_ERRNO:
		sent = gait_listener_refuse(listener, id, service->ruling.error);
		break;
	case GAIT_RULING_KILL:
		sent = gait_listener_refuse(listener, id, EPERM);
		break;
	case GAIT_RULING_N_:
		g_assert_not_reached();
	}
	if (G_UNLIKELY(sent == GAIT_NOTIFY_GONE))
		note_unheard(service);
	return is_sent(sent, error);
}

gboolean
gait_notify_serve(GaitNotifyRun *notify, guint worker, GaitJudge *judge,
                  const struct seccomp_notif *notification, GError **error)
{
	Service service = {.notify = notify,
	                   .worker = worker,
	                   .judge = judge,
	                   .notification = notification,
	                   .ruling = {GAIT_RULING_ERRNO, EPERM}};
	Decision decision;

	gait_gate_enter(notify->gate, worker);
	decision = try_to_decide(&service, FALSE);
	gait_gate_leave(notify->gate, worker);
	if (G_UNLIKELY(decision == NEEDS_ALONE)) {
		gait_gate_enter_alone(notify->gate);
		decision = try_to_decide(&service, TRUE);
		gait_gate_leave_alone(notify->gate);
	}
	switch (decision) {
	case DECIDED:
		return service.stops_after ? ask_for_stop(notify, notification, TRUE)
		                           : answer(&service, error);
	case NOT_WAITING:
		return TRUE;
	case NEEDS_REGISTERS:
		return ask_for_stop(notify, notification, FALSE);
	case IS_STRANGER:
		return refuse_stranger(notify, notification, error);
	case NEEDS_ALONE:
	case UNREADABLE:
		break;
	}
	g_assert_not_reached();
}
