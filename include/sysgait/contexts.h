/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task's states: one for each automaton of its program, and once more for every signal handler
 * that it is inside of. The learner and the walker both keep their books here, so that what was
 * learned and what is checked cannot drift apart.
 */
#pragma once

#include "sysgait/model.h"

/* Handlers deeper than this share the deepest row: counted, so that they are left correctly, but no
 * longer told apart. */
#define GAIT_MAX_CONTEXTS 64

/*
 * Row d holds the states inside of d handlers: slot 0 what an automaton starts from that has no
 * slot yet, slot 1 + i the state of automaton i (GAIT_STATE_…; GAIT_NONE for "anywhere").
 */
typedef struct {
	guint32 *rows;
	guint32 stride; /* slots a row */
	guint32 n_rows; /* that there is memory for */
	guint32 depth;  /* handlers */
} GaitContexts;

/* One row, every automaton in `state`. */
void gait_contexts_init(GaitContexts *contexts, guint32 n_automata, guint32 state);
void gait_contexts_clear(GaitContexts *contexts);
/* contexts is uninitialized before. */
void gait_contexts_copy(GaitContexts *contexts, const GaitContexts *from);
/* Back to one row, every automaton in `state`. */
void gait_contexts_reset(GaitContexts *contexts, guint32 n_automata, guint32 state);
/* Makes room for automata that were not known before. */
void gait_contexts_reserve(GaitContexts *contexts, guint32 n_automata);
/* A handler starts, handlers end, nothing is known any longer. */
void gait_contexts_push(GaitContexts *contexts);
void gait_contexts_pop(GaitContexts *contexts, guint64 n_handlers);
void gait_contexts_lose(GaitContexts *contexts);

/* The row that counts now. */
static inline guint32 *
gait_contexts_row(const GaitContexts *contexts)
{
	return contexts->rows +
	       (gsize)MIN(contexts->depth, GAIT_MAX_CONTEXTS - 1) * contexts->stride;
}

/* How a call moves a task, whatever its class and site: GAIT_WALK_STAYS … of walk-table.h. */
guint32 gait_walk_call_flags(guint32 nr);
/* The same for a call that a library of this path is responsible for. */
guint32 gait_walk_symbol_flags(guint32 nr, const char *library);
