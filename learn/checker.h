/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: walks every task of a trace through a model and reports each violation, with the
 * walker as it stood before the call. What is found wrong is let through: the trace has happened.
 */
#pragma once

#include "learn/trace.h"
#include "sysgait/violation.h"

typedef struct {
	guint64 n_events;   /* system calls */
	guint64 n_unjudged; /* of them, by programs that the model does not know */
	guint64 n_stale;    /* of them, by libraries that were rebuilt: judged up to the phase */
	guint64 n_violations[GAIT_VERDICT_N_];
	guint n_unseen_edges; /* distinct edges that the model does not have */
	gboolean is_partial;
	gboolean has_no_stacks; /* but the model has: judged by syscall and phase only */
} GaitCheckStats;

typedef struct {
	const char *const *runtime; /* as GaitLearnOptions' */
	/* May be NULL. */
	void (*violation)(const GaitViolation *violation, const GaitWalker *walker, gpointer data);
	/* After each event of any kind: the walker of its task, moved (NULL where there is none),
	 * and the verdict on a system call or exec. May be NULL. */
	void (*event)(const GaitEvent *event, const GaitWalker *walker, GaitVerdict verdict,
	              gpointer data);
	void (*progress)(guint64 n_read, guint64 n_total, gpointer data); /* may be NULL */
	gpointer data;
} GaitCheckOptions;

/*
 * The same without a model: tells of each event, with no walker and the verdict ALLOW, and of
 * progress.
 */
gboolean gait_check_events(GaitTraceReader *reader, const GaitCheckOptions *options,
                           GError **error);

/* Reads reader to its end. name: for messages. FALSE with error where the trace is damaged or of a
 * program that the model does not know. */
gboolean gait_check_trace(GaitTraceReader *reader, const char *name, const GaitWalkTable *table,
                          const GaitCheckOptions *options, GaitCheckStats *stats, GError **error);
