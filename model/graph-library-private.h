/* SPDX-License-Identifier: Apache-2.0 */
/* A library's drawing while it is made: graph-library.c draws the phases, graph-lines.c what
 * connects. */
#pragma once

#include "sketch-private.h"

#include "graph-private.h"

/* A phase of a role, as a cluster. */
typedef struct {
	guint32 role, phase;
	GaitDotItem *parent, *cluster;
	GHashTable *echoes; /* by state: nodes that stand for states of earlier phases */
} GaitGraphPanel;

typedef struct {
	const GaitSketch *sketch;
	GaitDot *dot;
	GArray *order;     /* guint32: indices of states, by role, phase, then their order */
	GPtrArray *panels; /* GaitGraphPanel*, by role, then phase */
	/* GaitDotItem*, as sets: nodes that a line holds below, or above, another of their phase */
	GHashTable *lower, *upper;
	GaitDotItem *outside; /* the box of the states outside the sequence, or NULL */
} GaitGraphDrawing;

void gait_graph_draw_lines(const GaitGraphDrawing *drawing);
