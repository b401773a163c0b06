/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the enforcer's part of the in-kernel tier share. */
#pragma once

#include "enforce/in-kernel.h"
#include "enforce/keeper.h"
#include "kernel/tier.h"

/* A task of a process that has threads, whose code moves. */
typedef struct {
	const GaitTask *task;
	pid_t tid;
	guint32 slot;
	guint n_looks; /* since then */
} GaitUntold;

struct _GaitInKernel {
	GaitTier *tier;
	GaitKeeper *keeper;
	GaitDenial *denial;                   /* NULL: what is to be refused is killed for */
	GaitTask *tasks[GAIT_TIER_MAX_TASKS]; /* by slot */
	guint64 n_events, n_lost;             /* of tasks that are gone */
	GArray *untold;                       /* GaitUntold: where code lies is to be told */
	int untold_fd;     /* eventfd: there are some; -1: nobody waits for that */
	GPtrArray *stacks; /* recording: GaitStack by the kernel's number */
};

/* NULL where the task has none. */
static inline struct gait_tier_slot *
gait_in_kernel_get_slot(const GaitEnforcer *enforcer, const GaitTask *task)
{
	const GaitSupervised *supervised = task->data;

	return enforcer->in_kernel && supervised && supervised->slot != GAIT_TIER_NONE
	           ? gait_tier_get_slot(enforcer->in_kernel->tier, supervised->slot)
	           : NULL;
}

/* in-kernel-code.c: tells where the code of a task's process lies, now or as soon as may be. */
void gait_in_kernel_tell_code(GaitInKernel *in_kernel, const GaitTask *task);
/* in-kernel-ring.c: what the tier calls back. */
extern const GaitTierCallbacks gait_in_kernel_callbacks;
