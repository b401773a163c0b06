/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notify backend's hot path: one notification after the other is received, attributed, ruled on
 * and answered. Between attribution and ruling the kernel is asked whether the task still waits,
 * since only then was its memory its own while it was read.
 */
#include "enforce/notify-private.h"

#include "sysgait/error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A task is stopped for its registers once a call, and again where a signal came between. */
#define MAX_RESTARTS 64

static gboolean
is_sent(GaitNotify sent, GError **error)
{
	if (sent != GAIT_NOTIFY_ERROR)
		return TRUE;
	return gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
	                         "ioctl(SECCOMP_IOCTL_NOTIF_SEND)");
}

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
	/* It may be a thread that hides; of these a pidfd is only to be had for the process. */
	pid_t pid = find_process((pid_t)notification->pid);
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

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

/* Has the task stop and come again with the same call; see listener.h. */
static gboolean
ask_for_registers(GaitNotifyRun *notify, GaitTask *task, GaitNotifyTask *own, guint64 id,
                  GError **error)
{
	/* Closed: a task that cannot be stopped, or never shows what it stopped with, is refused.
	 */
	if (own->n_restarts >= MAX_RESTARTS || !gait_tracer_interrupt(notify->tracer, task)) {
		gait_log_message(gait_enforcer_get_log(notify->enforcer),
		                 "the registers of task %d cannot be had: its call is refused",
		                 task->tid);
		own->n_restarts = 0;
		return is_sent(gait_listener_refuse(notify->listener, id, EPERM), error);
	}
	own->n_restarts++;
	return is_sent(gait_listener_restart(notify->listener, id), error);
}

static gboolean
answer(GaitNotifyRun *notify, GaitTask *task, GaitNotifyTask *own,
       const struct seccomp_notif *notification, GaitRuling ruling, GError **error)
{
	GaitNotify sent = GAIT_NOTIFY_ERROR;

	switch (ruling.kind) {
	case GAIT_RULING_CONTINUE:
		/* Before it is sent: the task runs on at once. */
		own->is_running = TRUE;
		own->running = notification->data;
		sent = gait_listener_continue(notify->listener, notification->id);
		break;
	case GAIT_RULING_ERRNO:
		sent = gait_listener_refuse(notify->listener, notification->id, ruling.error);
		break;
	case GAIT_RULING_KILL:
		/* Dead before it is let go: it does not see the answer. */
		gait_notify_kill(task);
		sent = gait_listener_refuse(notify->listener, notification->id, EPERM);
		break;
	case GAIT_RULING_N_:
		g_assert_not_reached();
	}
	if (sent == GAIT_NOTIFY_GONE) {
		/* Only where WAIT_KILLABLE_RECV is not to be had does it live to ask again. */
		own->is_running = FALSE;
		own->is_unheard = TRUE;
		own->unheard = notification->data;
		own->ruling = ruling;
	}
	return is_sent(sent, error);
}

/* Whether it asks again what was ruled on before, because the ruling did not reach it. */
static gboolean
asks_again(GaitNotifyTask *own, const struct seccomp_notif *notification)
{
	gboolean is_unheard = own->is_unheard;

	own->is_unheard = FALSE;
	return is_unheard && memcmp(&own->unheard, &notification->data, sizeof own->unheard) == 0;
}

static gboolean
judge(GaitNotifyRun *notify, GaitTask *task, GaitNotifyTask *own,
      const struct seccomp_notif *notification, GError **error)
{
	g_auto(GaitEntry) entry = {.task = task, .nr = (guint32)notification->data.nr};

	memcpy(entry.args, notification->data.args, sizeof entry.args);
	if (!gait_notify_registers_get(&own->registers, notify->asleep, &notification->data,
	                               &entry.registers))
		return ask_for_registers(notify, task, own, notification->id, error);
	switch (gait_enforcer_attribute(notify->enforcer, &entry)) {
	case GAIT_ATTRIBUTION_DONE:
		break;
	case GAIT_ATTRIBUTION_NEEDS_REGISTERS:
		return ask_for_registers(notify, task, own, notification->id, error);
	case GAIT_ATTRIBUTION_GONE:
		/* Closed, should it not be gone after all. */
		return is_sent(gait_listener_refuse(notify->listener, notification->id, EPERM),
		               error);
	case GAIT_ATTRIBUTION_N_:
		g_assert_not_reached();
	}
	own->n_restarts = 0;
	/* What was read is the waiting task's only if it has waited all the while. */
	if (!gait_listener_is_valid(notify->listener, notification->id))
		return TRUE;
	return answer(notify, task, own, notification, gait_enforcer_rule(notify->enforcer, &entry),
	              error);
}

static gboolean
serve(GaitNotifyRun *notify, GError **error)
{
	const struct seccomp_notif *notification;
	GaitNotifyTask *own;
	GaitTask *task;

	switch (gait_listener_receive(notify->listener, &notification)) {
	case GAIT_NOTIFY_DONE:
		break;
	case GAIT_NOTIFY_GONE:
		return TRUE;
	case GAIT_NOTIFY_ERROR:
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
		                         "ioctl(SECCOMP_IOCTL_NOTIF_RECV)");
	case GAIT_NOTIFY_N_:
		g_assert_not_reached();
	}
	task = gait_tracer_find(notify->tracer, (pid_t)notification->pid);
	own = task ? gait_notify_find_own(notify, task) : NULL;
	if (!own || !task->data)
		return refuse_stranger(notify, notification, error);
	/* What it was let do before has come to an end. */
	own->is_running = FALSE;
	if (asks_again(own, notification))
		return answer(notify, task, own, notification, own->ruling, error);
	return judge(notify, task, own, notification, error);
}

gboolean
gait_notify_serve(GaitNotifyRun *notify, struct pollfd *listening, GError **error)
{
	if (listening->revents & POLLIN)
		return serve(notify, error);
	/* The last task that had the filter is gone. */
	if (listening->revents & (POLLHUP | POLLERR))
		listening->fd = -1;
	return TRUE;
}
