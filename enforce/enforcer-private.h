/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the enforcer share. */
#pragma once

#include "enforce/enforcer.h"
#include "enforce/event-cache.h"
#include "sysgait/interrupted.h"

#include <pthread.h>

/* One supervised task; GaitTask.data. */
typedef struct {
	/* NULL once an exec into a program outside the model was let through: its calls are not
	   checked, beyond the floor. */
	GaitWalker *walker;
	GaitSignalContext signals;
	GaitInterruptedCalls interrupted;
	guint64 n_violations;
	guint32
	    announced; /* the program that its last exec was to run; GAIT_NONE: not in the model */
	gboolean is_told; /* of that, that it may not be run */
	/* Its last call that was to make a task or run a program, for the log. NULL: there was
	   none. */
	const GaitStack *creation_stack;
	struct gait_walk_event creation;
	guint32 recorded; /* its index in the recording */
	guint32 slot;     /* in the in-kernel tier; GAIT_TIER_NONE */
	gboolean
	    is_mapping;  /* its call maps code, which other threads may call before it is known */
	guint64 n_taken; /* that were taken over from there, when it was last waited for */
} GaitSupervised;

/* Fills in where a violation's call came from. */
void gait_enforcer_describe(const GaitStack *stack, GaitViolation *violation);

/* The counts are read by other threads, too. */
struct _GaitJudge {
	GaitAttributor *attributor;
	GaitEventCache *events;
	guint64 n_events, n_refused, n_killed;
};

static inline void
gait_judge_count(guint64 *count)
{
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* in-kernel.c */
typedef struct _GaitInKernel GaitInKernel;

struct _GaitEnforcer {
	const GaitModel *model;
	const GaitFloor *floor;
	GaitPolicy policy;
	GaitLog *log;
	GaitTerminal *terminal; /* with the status line, NULL: none */
	GaitWalkTable *table;
	GaitModules *modules;
	guint n_workers;
	gboolean is_verbose;
	GPtrArray *judges;         /* the first is there from the start */
	GHashTable *tasks;         /* GaitTask with its GaitSupervised */
	guint64 n_tasks, n_killed; /* beside what judges count */
	pthread_mutex_t
	    logging;       /* among judges: guards the log, symbols of modules, and what follows */
	GHashTable *stale; /* modules that were warned of */
	gboolean has_told_shortage, has_told_unreadable;
	guint n_unknown_looks;
	GaitRecording *recording; /* borrowed; NULL: none */
	GMutex recording_lock;
	GaitInKernel *in_kernel; /* NULL: every call is judged here */
	guint64 n_denied;        /* calls that were refused in the kernel */
	guint64 n_walked;        /* calls that were judged in the kernel, once that is over */
};

static inline GaitJudge *
gait_enforcer_get_judge(GaitEnforcer *enforcer, const GaitEntry *entry)
{
	return entry->judge ? entry->judge : g_ptr_array_index(enforcer->judges, 0);
}

/* A call of the task is [unknown]: warns where that is because nobody may look. */
void gait_enforcer_note_unknown(GaitEnforcer *enforcer, const GaitTask *task);
