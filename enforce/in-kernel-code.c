/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where code lies, as far as the in-kernel tier has to be told. A file is told of before its code
 * is mapped. Mappings it looks up by itself, but for those of a process that has threads: while one
 * of them changes mappings the kernel does not answer. So they are told of when there is a thread,
 * and when one has mapped code: it is stopped on its way back, before it can call it.
 */
#include "enforce/in-kernel-private.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Looks at code that moves, a millisecond from each to the next. */
#define MAX_LOOKS 200

void
gait_in_kernel_tell_code(GaitInKernel *in_kernel, const GaitTask *task)
{
	const GaitSupervised *supervised = task->data;
	GaitUntold untold = {task, task->tid, supervised->slot, 0};

	if (gait_tier_learn_ranges(in_kernel->tier, supervised->slot, task->pid))
		return;
	g_array_append_val(in_kernel->untold, untold);
	eventfd_write(in_kernel->untold_fd, 1);
}

/* FALSE: it has yet to be. */
static gboolean
tell_again(GaitInKernel *in_kernel, GaitUntold *untold)
{
	/* Gone, and perhaps another one since. */
	if (in_kernel->tasks[untold->slot] != untold->task || untold->task->tid != untold->tid)
		return TRUE;
	return gait_tier_learn_ranges(in_kernel->tier, untold->slot, untold->task->pid) ||
	       ++untold->n_looks >= MAX_LOOKS;
}

gboolean
gait_enforcer_tell_untold(GaitEnforcer *enforcer)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	guint64 n;

	if (!in_kernel)
		return FALSE;
	eventfd_read(in_kernel->untold_fd, &n);
	for (guint i = in_kernel->untold->len; i-- > 0;)
		if (tell_again(in_kernel, &g_array_index(in_kernel->untold, GaitUntold, i)))
			g_array_remove_index_fast(in_kernel->untold, i);
	return in_kernel->untold->len > 0;
}

int
gait_enforcer_get_untold_fd(const GaitEnforcer *enforcer)
{
	return enforcer->in_kernel ? enforcer->in_kernel->untold_fd : -1;
}

static gboolean
has_threads(const GaitInKernel *in_kernel, const GaitTask *task)
{
	for (guint i = 0; i < GAIT_TIER_MAX_TASKS; i++)
		if (in_kernel->tasks[i] && in_kernel->tasks[i] != task &&
		    in_kernel->tasks[i]->pid == task->pid)
			return TRUE;
	return FALSE;
}

void
gait_in_kernel_note_call(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	GaitSupervised *supervised = entry->task->data;
	const guint64 *args = entry->args;

	supervised->is_mapping = FALSE;
	if (!in_kernel || !(args[2] & PROT_EXEC))
		return;
	if (entry->nr == SYS_mmap && !(args[3] & MAP_ANONYMOUS)) {
		gait_tier_learn_descriptor(in_kernel->tier, entry->task->tid, (int)args[4], args[5],
		                           args[1]);
		supervised->is_mapping = has_threads(in_kernel, entry->task);
	} else if (entry->nr == SYS_mprotect || entry->nr == SYS_pkey_mprotect) {
		gait_tier_learn_range(in_kernel->tier, entry->task->pid, args[0],
		                      args[0] + args[1]);
	}
}

gboolean
gait_enforcer_is_mapping(const GaitTask *task)
{
	const GaitSupervised *supervised = task->data;

	return supervised && supervised->is_mapping;
}

void
gait_enforcer_mapped(GaitEnforcer *enforcer, const GaitTask *task)
{
	GaitInKernel *in_kernel = enforcer->in_kernel;
	GaitSupervised *supervised = task->data;

	supervised->is_mapping = FALSE;
	if (!in_kernel || supervised->slot == GAIT_TIER_NONE)
		return;
	gait_tier_note_moved(in_kernel->tier, supervised->slot);
	gait_in_kernel_tell_code(in_kernel, task);
}
