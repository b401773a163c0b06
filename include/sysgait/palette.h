/* SPDX-License-Identifier: Apache-2.0 */
/* The colours of all pictures: colour means phase, and red means danger; nothing else is coloured.
 */
#pragma once

#include <glib.h>

typedef struct {
	const char *line, *node, *cluster; /* dark, light, lightest */
} GaitGraphColor;

#define GAIT_GRAPH_DANGER   "#C62828" /* kept for what is dangerous or refused */
#define GAIT_GRAPH_MUTED    "#6B7280"
#define GAIT_GRAPH_N_COLORS 8

/* The colour of a role's i-th phase; they repeat after GAIT_GRAPH_N_COLORS. */
const GaitGraphColor *gait_graph_phase_color(guint phase);
