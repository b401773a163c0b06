/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner: one pass over a trace gives the model of that one run (DESIGN §6). Models of several
 * runs are then merged; there is no other way in which runs meet, so order and grouping cannot
 * matter.
 */
#pragma once

#include "learn/trace.h"
#include "sysgait/model.h"

typedef struct {
	gboolean allow_partial; /* take traces with lost events or without an end; no edge crosses a
	                           gap */
	const char *const *runtime; /* overrides the trace's own runtime set; NULL: as recorded */
	void (*progress)(guint64 n_read, guint64 n_total,
	                 gpointer data);                  /* now and then; may be NULL */
	void (*warn)(const char *message, gpointer data); /* what was read but not learned; may be
	                                                     NULL */
	gpointer data;
} GaitLearnOptions;

/* The model of one run, normalized. name: for messages. Reads reader to its end. */
GaitModel *gait_learn_trace(GaitTraceReader *reader, const char *name,
                            const GaitLearnOptions *options, GError **error);
/*
 * Traces and models, in any mix, told apart by their first bytes; merged. The same trace twice, or
 * in a model and as a trace, counts once.
 */
GaitModel *gait_learn_files(const char *const *paths, guint n_paths,
                            const GaitLearnOptions *options, GError **error);
