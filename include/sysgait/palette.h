/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The colours of all pictures: colour means phase, and red means danger; nothing else is coloured.
 * In a picture of differences colour means change, and what is as it was is grey.
 */
#pragma once

#include <glib.h>

typedef struct {
	const char *line, *node, *cluster; /* dark, light, lightest */
} GaitGraphColor;

#define GAIT_GRAPH_DANGER   "#C62828" /* kept for what is dangerous or refused */
#define GAIT_GRAPH_MUTED    "#6B7280"
#define GAIT_GRAPH_N_COLORS 8

typedef enum {
	GAIT_GRAPH_SAME,
	GAIT_GRAPH_NEW,
	GAIT_GRAPH_GONE,
	GAIT_GRAPH_WEIGHT, /* taken more or less often */
	GAIT_GRAPH_CHANGE_N_,
} GaitGraphChange;

const GaitGraphColor *gait_graph_change_color(GaitGraphChange change);

/* The colour of a role's i-th phase; they repeat after GAIT_GRAPH_N_COLORS. */
const GaitGraphColor *gait_graph_phase_color(guint phase);
