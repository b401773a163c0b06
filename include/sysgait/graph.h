/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings of a model, as DOT text or rendered by graphviz. Pure: the same model gives the same
 * bytes. */
#pragma once

#include "sysgait/model.h"

typedef enum {
	GAIT_GRAPH_OVERVIEW, /* each program: roles with their phases, a table of its libraries */
	GAIT_GRAPH_LIBRARY,  /* one library's automaton, by phase */
	GAIT_GRAPH_PHASES,   /* roles and phases alone */
	GAIT_GRAPH_ROLES,    /* who creates and executes whom */
	GAIT_GRAPH_N_,
} GaitGraphView;

typedef enum {
	GAIT_GRAPH_DOT,
	GAIT_GRAPH_SVG,
	GAIT_GRAPH_PNG,
	GAIT_GRAPH_FORMAT_N_,
} GaitGraphFormat;

/* "dot", "svg", "png". Static. */
const char *gait_graph_format_name(GaitGraphFormat format);

/* Which call sites of a library are drawn as one state. Each row folds more than the one before. */
#define GAIT_GRAPH_FOLDS(X)                                                                        \
	X(GAIT_GRAPH_FOLD_NONE, "none")         /* each is its own, as enforcement has it */       \
	X(GAIT_GRAPH_FOLD_FUNCTION, "function") /* one call from one function, known by name */    \
	X(GAIT_GRAPH_FOLD_SYSCALL, "syscall")   /* one call, from wherever */

typedef enum {
#define GAIT_GRAPH_FOLD_ENUM(fold, name) fold,
	GAIT_GRAPH_FOLDS(GAIT_GRAPH_FOLD_ENUM)
#undef GAIT_GRAPH_FOLD_ENUM
	    GAIT_GRAPH_FOLD_N_,
} GaitGraphFold;

/* "none", "function", "syscall". Static. */
const char *gait_graph_fold_name(GaitGraphFold fold);

typedef struct {
	GaitGraphView view;
	GaitGraphFormat format;
	GaitGraphFold fold; /* LIBRARY: sites of one role and phase that become one box */
	/*
	 * What the drawing is confined to; each may be NULL. A program by its path or last
	 * component, a library by its name ("libc.so.6") or the beginning of it, a role by its
	 * name. LIBRARY needs the library; it and the role need a program where the model has
	 * several that fit.
	 */
	const char *program, *library, *role;
	/*
	 * Not NULL: an older model; the drawing shows what changed since, in all views but ROLES.
	 * names: of the older one and of the other, for people.
	 */
	const GaitModel *before;
	const char *names[2];
	/*
	 * LIBRARY: the DOT text that the kernel's runtime verification tools read, of one role.
	 * GAIT_ERROR_UNSUPPORTED where the automaton cannot be said in it.
	 */
	gboolean is_rv;
	gboolean is_full; /* LIBRARY: each state a node of its own, where else a straight run of
	                     calls is one */
} GaitGraphOptions;

/*
 * The drawing's bytes: DOT text that every layout of graphviz accepts, or what graphviz's dot
 * layout renders of it (GAIT_ERROR_UNSUPPORTED where it cannot). Names that come from symbol tables
 * and paths are made harmless (shortened, unprintable bytes as \xNN). Fails with
 * GAIT_ERROR_CONFLICT where the older model has nothing in common with the other, and with
 * G_OPTION_ERROR_BAD_VALUE where an option names nothing, or more than one thing, in this model;
 * the message lists what there is.
 */
GString *gait_graph_print(const GaitModel *model, const GaitGraphOptions *options, GError **error);
