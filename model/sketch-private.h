/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sketch: what a drawing of one library's automaton consists of, before there is a drawing. Each
 * role has its own copy of the states it uses, with its own counts, so that roles stand apart on
 * paper; only the step from a creating call into the created task leads from one role's copy to
 * another's.
 */
#pragma once

#include "graph-private.h"

/* A state of the automaton that a state of the sketch stands for. */
typedef struct {
	guint32 state; /* GAIT_STATE_… */
	guint32 next;  /* another one that the same box stands for, or GAIT_NONE */
} GaitSketchSite;

typedef struct {
	guint32 role, state; /* state: GAIT_STATE_…; where several are folded, the lowest of them */
	guint32 first_site, last_site; /* of them, as indices into the sketch's sites */
	guint32 n_sites;               /* 1 where nothing is folded */
	guint32 phase;                 /* in which the role first reaches it */
	guint32 order;       /* within the phase, so that as many lines as can lead onward: see
	                        gait_sketch_order() */
	guint64 n_loops;     /* times it followed itself */
	guint32 n_in, n_out; /* lines, loops left out */
	guint64 out_count;   /* sum of the counts of the lines that leave it */
	gboolean is_common;  /* some line that is not rare touches it */
	guint sides;         /* of a union: GAIT_SIDE_… that one of its sites has; else 0 */
	gboolean is_foreign; /* inherited from a parent role that is not drawn */
	/* Straight runs of calls: the next and previous of the run, GAIT_NONE at its ends. */
	guint32 next, previous;
	guint32 other_end; /* of a run's first state its last, and the other way round */
	GaitDotItem *node; /* of the run's first state: the whole run's */
} GaitSketchState;

typedef struct {
	guint32 from, to; /* indices into states */
	guint64 count;
	guint64 back_count; /* of the opposite edge, where this line stands for both; else 0 */
	guint32 n_runs;
	gboolean is_amended;
	guint sides;         /* of a union: as of states */
	guint64 in_side[2];  /* of a union: times in each, in any role */
	gboolean has_weight; /* of a union: an edge is taken more or less often, this often: */
	double share[2];
	gboolean is_hidden; /* within a straight run, or stood for by the opposite line */
} GaitSketchLine;

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	const GaitLibrary *library;
	guint32 library_index;
	GaitGraphLibraryOptions options;
	GArray *states;      /* GaitSketchState */
	GArray *sites;       /* GaitSketchSite */
	GArray *lines;       /* GaitSketchLine */
	GHashTable *by_key;  /* role and state → index into states */
	GHashTable *by_fold; /* what is folded into one → index into states */
} GaitSketch;

/* All is borrowed but the options. */
GaitSketch *gait_sketch_new(const GaitModel *model, const GaitProgram *program, guint32 library,
                            const GaitGraphLibraryOptions *options);
void gait_sketch_free(GaitSketch *sketch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitSketch, gait_sketch_free)

GaitSketchState *gait_sketch_get_state(const GaitSketch *sketch, guint32 i);
GaitSketchLine *gait_sketch_get_line(const GaitSketch *sketch, guint32 i);
/*
 * Sets every state's order: within each phase the reverse postorder of a depth-first search that
 * enters where the phase is entered and takes the most frequent line first. A line to a state of
 * lower order closes a loop; without those lines nothing does. Uses the lines as sorted by (from,
 * to).
 */
void gait_sketch_order(GaitSketch *sketch);

/* NULL for start and signal. Where sites are folded, that of the lowest. */
const GaitSymbol *gait_sketch_get_symbol(const GaitSketch *sketch, const GaitSketchState *state);
/* What a state stands for: the first, then the next until NULL, in the order of the library's. */
const GaitSketchSite *gait_sketch_first_site(const GaitSketch *sketch,
                                             const GaitSketchState *state);
const GaitSketchSite *gait_sketch_next_site(const GaitSketch *sketch, const GaitSketchSite *site);
/* The symbol of a site; not for start and signal. */
const GaitSymbol *gait_sketch_site_symbol(const GaitSketch *sketch, const GaitSketchSite *site);
/* The most runs that one of a state's sites was seen in. */
guint32 gait_sketch_count_runs(const GaitSketch *sketch, const GaitSketchState *state);
/* Start, signal and what came with the fork stand outside the phases. */
gboolean gait_sketch_has_phase(const GaitSketchState *state);
/* The state whose first occurrence enters its phase. */
gboolean gait_sketch_is_milestone(const GaitSketch *sketch, const GaitSketchState *state);
/* The first state of the run that the state begins or ends. */
const GaitSketchState *gait_sketch_get_first(const GaitSketch *sketch,
                                             const GaitSketchState *state);
/* Seen in one run only, where there are several. */
gboolean gait_sketch_is_rare(const GaitSketch *sketch, guint32 n_runs);
/* NEW, GONE or SAME; of a line also WEIGHT. */
GaitGraphChange gait_sketch_state_change(const GaitSketch *sketch, const GaitSketchState *state);
GaitGraphChange gait_sketch_line_change(const GaitSketch *sketch, const GaitSketchLine *line);
/* The colour of what is in a phase, or has changed. */
const GaitGraphColor *gait_sketch_state_color(const GaitSketch *sketch,
                                              const GaitSketchState *state);
/* Checked for its site, but no edge leads to or from it: futex and the like. */
gboolean gait_sketch_is_unsequenced(const GaitSketchState *state);

/* Makes node the box of a state and of the run that begins with it (graph-state.c). */
void gait_sketch_draw_state(const GaitSketch *sketch, const GaitSketchState *state,
                            GaitDotItem *node);
/* Makes node a state's stand-in within a later phase. */
void gait_sketch_draw_echo(const GaitSketch *sketch, const GaitSketchState *state,
                           GaitDotItem *node);
/* The states outside the sequence as an HTML-like label; NULL where there are none. */
char *gait_sketch_dup_unsequenced(const GaitSketch *sketch);
