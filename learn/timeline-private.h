/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that draw a timeline share. */
#pragma once

#include "learn/timeline.h"

/* Pixels. */
#define LABEL_WIDTH    250
#define PLOT_WIDTH     960
#define MARGIN         16
#define TITLE_HEIGHT   56
#define AXIS_HEIGHT    24
#define LANE_HEIGHT    30
#define LANE_BAND      24
#define LIBRARY_HEIGHT 18
#define LIBRARY_BAND   13
#define LEGEND_HEIGHT  18
#define HEADING_HEIGHT 34

#define MAX_LANES     48 /* drawn by themselves */
#define MAX_ALIKE     6  /* of one kind, where there are more lanes than that */
#define MAX_CROWDS    8
#define MAX_LIBRARIES 32
#define MAX_ROLES     24 /* with their phases in the legend */
#define N_SHADES      6
#define MAX_NAME      30 /* characters of a label */

typedef struct {
	const GaitTimeline *timeline;
	GaitTraceReader *reader;
	const GaitModel *model; /* may be NULL */
	GString *out;
	guint n_bins;
	double scale; /* 1 / the logarithm of the fullest bin of any lane */
	int y;
	GArray *roles; /* guint64: program << 32 | role, as they were met */
} Drawing;

/* --- timeline-draw.c */
/* Escaped for XML; cut in the middle where it is longer than max characters (0: as long as it is).
 */
void gait_drawing_append_text(GString *out, const char *text, guint max);
void gait_drawing_begin_text(Drawing *drawing, const char *klass, double x, double y);
void gait_drawing_end_text(Drawing *drawing);
/* "1.5 ms", "12 s"; or a number of calls. */
void gait_drawing_append_position(GString *out, const Drawing *drawing, double at);
double gait_drawing_x_of_bin(const Drawing *drawing, double bin);
double gait_drawing_x_of(const Drawing *drawing, guint64 at);

/* --- timeline-lanes.c */
/* Those to be drawn; the others are appended to left_out. Both borrow. */
GPtrArray *gait_drawing_choose_lanes(const Drawing *drawing, GPtrArray *left_out);
void gait_drawing_draw_lanes(Drawing *drawing, const GPtrArray *lanes, const GPtrArray *left_out);
