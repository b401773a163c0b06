/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer's recording. It is told what the walkers are told, in the same order, so that
 * offline nothing is left to chance. One lock: rulings may come from several threads.
 */
#include "enforce/judged.h"

#include <linux/audit.h>

static GaitModule *
get_program(GaitEnforcer *enforcer, pid_t pid)
{
	GaitModule *program = gait_modules_get_program(enforcer->modules, pid, NULL);

	return program ? program : gait_modules_get(enforcer->modules, 0);
}

static GaitRecording *
lock(GaitEnforcer *enforcer)
{
	if (G_LIKELY(!enforcer->recording))
		return NULL;
	g_mutex_lock(&enforcer->recording_lock);
	return enforcer->recording;
}

static void
unlock(GaitEnforcer *enforcer)
{
	g_mutex_unlock(&enforcer->recording_lock);
}

void
gait_judged_created(GaitEnforcer *enforcer, GaitTask *task, const GaitTask *parent)
{
	GaitSupervised *own = task->data;
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	if (parent)
		own->recorded =
		    gait_recording_fork(recording, ((const GaitSupervised *)parent->data)->recorded,
		                        task->pid, task->tid, task->flags);
	else
		own->recorded = gait_recording_start(recording, task->pid, task->tid,
		                                     get_program(enforcer, task->pid), task->flags);
	unlock(enforcer);
}

static guint32
index_of(const GaitTask *task)
{
	return ((const GaitSupervised *)task->data)->recorded;
}

void
gait_judged_executed(GaitEnforcer *enforcer, const GaitTask *task)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_exec(recording, index_of(task), get_program(enforcer, task->pid));
	unlock(enforcer);
}

void
gait_judged_signalled(GaitEnforcer *enforcer, const GaitTask *task, int signo)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_signal(recording, index_of(task), signo);
	unlock(enforcer);
}

void
gait_judged_unwound(GaitEnforcer *enforcer, const GaitTask *task, guint64 n_handlers)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_unwind(recording, index_of(task), n_handlers);
	unlock(enforcer);
}

void
gait_judged_call(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_syscall(recording, index_of(entry->task), AUDIT_ARCH_X86_64, entry->nr,
	                       entry->args, entry->stack);
	unlock(enforcer);
}

void
gait_judged_walked(GaitEnforcer *enforcer, const GaitTask *task, guint64 time_ns, guint32 nr,
                   const guint64 args[6], const GaitStack *stack)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_set_time(recording, time_ns);
	if (stack)
		gait_recording_syscall(recording, index_of(task), AUDIT_ARCH_X86_64, nr, args,
		                       stack);
	else
		gait_recording_lost(recording, index_of(task), 1);
	gait_recording_set_time(recording, 0);
	unlock(enforcer);
}

void
gait_judged_lost(GaitEnforcer *enforcer, const GaitTask *task, guint64 n_calls)
{
	GaitRecording *recording = n_calls > 0 ? lock(enforcer) : NULL;

	if (!recording)
		return;
	gait_recording_lost(recording, index_of(task), n_calls);
	unlock(enforcer);
}

void
gait_judged_exited(GaitEnforcer *enforcer, const GaitTask *task, int status)
{
	GaitRecording *recording = lock(enforcer);

	if (!recording)
		return;
	gait_recording_exit(recording, index_of(task), status);
	unlock(enforcer);
}
