/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enforcer: walkers of the tasks of one tree, and the ruling on each of their system calls. It
 * does not know how calls arrive or how rulings are carried out: every backend feeds it the same
 * entries and lifecycle and so gets the same verdicts.
 */
#pragma once

#include "enforce/floor.h"
#include "enforce/log.h"
#include "enforce/policy.h"
#include "kernel/denial.h"
#include "sysgait/attribute.h"
#include "sysgait/recording.h"
#include "sysgait/tracer.h"

typedef struct _GaitEnforcer GaitEnforcer;

typedef enum {
	GAIT_RULING_CONTINUE, /* the call happens */
	GAIT_RULING_ERRNO,    /* it fails with error */
	GAIT_RULING_KILL,     /* the task's process is to be killed before the call happens */
	GAIT_RULING_N_,
} GaitRulingKind;

typedef struct {
	GaitRulingKind kind;
	int error; /* ERRNO */
} GaitRuling;

/* Who judges calls, one at a time, with a memory of its own; see gait_enforcer_recall(). */
typedef struct _GaitJudge GaitJudge;

/* A system call entry that waits for its ruling: filled in by the backend. */
typedef struct {
	GaitTask *task;
	GaitJudge *judge; /* NULL: the one that every enforcer has */
	guint32 nr;
	guint64 args[6];
	GaitRegisters registers;
	GaitStackTop top; /* for gait_enforcer_recall() */
	/* Filled in by gait_enforcer_attribute(). */
	const GaitStack *stack;
	char *exec_path;      /* execve, execveat: what would run; NULL where it cannot be told */
	guint32 exec_program; /* its index in the model; GAIT_NONE: not in it */
} GaitEntry;

void gait_entry_clear(GaitEntry *entry);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitEntry, gait_entry_clear)

typedef struct {
	guint64 n_events, n_tasks, n_refused, n_killed;
} GaitEnforcerStats;

/* All borrowed; model is to outlive the enforcer. */
GaitEnforcer *gait_enforcer_new(const GaitModel *model, const GaitFloor *floor,
                                const GaitPolicy *policy, GaitLog *log, GError **error);
void gait_enforcer_free(GaitEnforcer *enforcer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitEnforcer, gait_enforcer_free)

/*
 * Where all tasks stand: every walker in words, bounded; or a line for the terminal (no line end).
 * For the tracer's thread, while nobody else rules.
 */
void gait_enforcer_print_walkers(GaitEnforcer *enforcer, GString *out);
void gait_enforcer_print_status(GaitEnforcer *enforcer, double events_per_s, GString *out);
/* From now on what is judged is recorded, too. Borrowed. */
void gait_enforcer_set_recording(GaitEnforcer *enforcer, GaitRecording *recording);

/* How many threads judge calls, where a backend can have several; 0, as at first: as many as pay.
 */
void gait_enforcer_set_n_workers(GaitEnforcer *enforcer, guint n_workers);
guint gait_enforcer_get_n_workers(const GaitEnforcer *enforcer);
/* Whether to say more. */
void gait_enforcer_set_verbose(GaitEnforcer *enforcer, gboolean is_verbose);
gboolean gait_enforcer_is_verbose(const GaitEnforcer *enforcer);
/* One more judge; the enforcer's. */
GaitJudge *gait_enforcer_add_judge(GaitEnforcer *enforcer);

GaitModules *gait_enforcer_get_modules(GaitEnforcer *enforcer);
GaitLog *gait_enforcer_get_log(GaitEnforcer *enforcer);
const GaitFloor *gait_enforcer_get_floor(const GaitEnforcer *enforcer);
void gait_enforcer_get_stats(const GaitEnforcer *enforcer, GaitEnforcerStats *stats);

/*
 * The first half: reads the target's memory. The task is stopped at the call. The backend checks
 * afterwards that it still is, and only then goes on to the second half.
 */
GaitAttribution gait_enforcer_attribute(GaitEnforcer *enforcer, GaitEntry *entry);
/*
 * The first half for a call that is like one before, or FALSE: ask gait_enforcer_attribute().
 * Several threads may do this and the second half at the same time, each with a judge of its own
 * and for a task of its own, while nobody does anything else with the enforcer, the tracer or a
 * space.
 */
gboolean gait_enforcer_recall(GaitEnforcer *enforcer, GaitEntry *entry);
/* The second half: registers and own state only. Moves the walker, logs a violation. */
GaitRuling gait_enforcer_rule(GaitEnforcer *enforcer, const GaitEntry *entry);

/*
 * Where the in-kernel tier walks most calls: it does so from start on, once, to stop. What it sends
 * is taken over by drain, while nobody else does anything with the enforcer, and whenever the
 * descriptor is readable; -1 where it is not in use. means: how a call that is out of gait is
 * refused in the kernel; GAIT_DENIAL_NONE: its process is killed. is_recording: there will be a
 * recording.
 */
gboolean gait_enforcer_start_in_kernel(GaitEnforcer *enforcer, GaitDenialMeans means,
                                       gboolean is_recording, GError **error);
void gait_enforcer_stop_in_kernel(GaitEnforcer *enforcer);
/* Whether it reads stacks where they lie; see gait_tier_reads_directly(). */
gboolean gait_enforcer_reads_directly(const GaitEnforcer *enforcer);
void gait_enforcer_drain(GaitEnforcer *enforcer);
/* Whether something was found in the kernel of a task, which waits, that the log does not have yet;
 * and has it have it, which takes being alone. */
gboolean gait_enforcer_is_behind(const GaitEnforcer *enforcer, const GaitTask *task);
void gait_enforcer_catch_up(GaitEnforcer *enforcer, GaitTask *task);
int gait_enforcer_get_ring_fd(const GaitEnforcer *enforcer);
/* Whether the call that was judged last maps code in a process that has threads: then the task has
 * to stop when that is over, and to be told of by the other one. */
gboolean gait_enforcer_is_mapping(const GaitTask *task);
void gait_enforcer_mapped(GaitEnforcer *enforcer, const GaitTask *task);
/* Tells the in-kernel tier where code lies that has moved in processes with threads. Whether there
 * is such that still moves: to be called again soon. */
gboolean gait_enforcer_tell_untold(GaitEnforcer *enforcer);
/* For poll(): there is some. -1: never. */
int gait_enforcer_get_untold_fd(const GaitEnforcer *enforcer);
/* A task's calls that were walked in the kernel, so far. */
guint64 gait_enforcer_count_walked(const GaitEnforcer *enforcer, const GaitTask *task);

/*
 * Whether a running process may be joined: FALSE with error where it runs a program that the model
 * does not know, unless the policy lets such programs run. TRUE where it is gone.
 */
gboolean gait_enforcer_check_joined(GaitEnforcer *enforcer, pid_t pid, GError **error);

/*
 * Lifecycle, from the tracer's callbacks. Where one returns FALSE the process must be killed: it
 * runs a program that it may not run, or cannot be supervised.
 */
/* task->flags has GAIT_TASK_JOINED where its past is not known. */
gboolean gait_enforcer_created(GaitEnforcer *enforcer, GaitTask *task, GaitTask *parent);
gboolean gait_enforcer_executed(GaitEnforcer *enforcer, GaitTask *task);
/* A signal is about to be delivered, and may have interrupted a call that was let through. */
void gait_enforcer_interrupted(GaitEnforcer *enforcer, GaitTask *task,
                               const struct user_regs_struct *registers);
void gait_enforcer_signalled(GaitEnforcer *enforcer, GaitTask *task, int signo,
                             const struct user_regs_struct *registers);
/* status: as GaitTracerCallbacks.exited has it. */
void gait_enforcer_exited(GaitEnforcer *enforcer, GaitTask *task, int status);
