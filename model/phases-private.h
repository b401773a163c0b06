/* SPDX-License-Identifier: Apache-2.0 */
/* What phases.c and phase-points.c share: where a role's life can be cut. */
#pragma once

#include "model/model-private.h"

/* What a cut costs: see phases.c. */
#define GAIT_PRICE        0.005
#define GAIT_PRICE_EVENTS 5.0
#define GAIT_PRICE_AGAIN  10
#define GAIT_PRICE_LOOP   0.1
#define GAIT_PRICE_END    0.25 /* at the very end of a life; all of the price GAIT_END_FROM it */
#define GAIT_END_FROM     0.05
#define GAIT_END          0.1  /* share of a life: what comes later is its end */
#define GAIT_HARMLESS     0.01 /* the weight of a harmless call */
#define GAIT_NOISE_NS     3e8  /* how long a life must be for its time to count half */
#define GAIT_IS_AGAIN     1.5  /* occurrences in an instance, in the mean */

/* A run of columns within one word that are of the same system call. */
typedef struct {
	guint32 word;
	guint32 nr;
	guint64 mask;
	double danger;
} GaitSegment;

/* Where a cut can be. Point 0 is the start of the role, the last one its end. */
typedef struct {
	guint32 candidate;             /* GAIT_NONE at start and end */
	double time, event;            /* position in the role's life, in [0, 1] */
	double price;                  /* of a cut here, in those of one that comes once */
	const guint64 *after, *before; /* rows over sorted columns */
} GaitPoint;

typedef struct {
	const GaitProgram *program;
	const GaitRole *role;
	guint32 *columns; /* symbol of each column: symbols sorted by system call */
	GArray *segments;
	GArray *points;
	GPtrArray *rows;
	double time_weight; /* of the place in time, in that in life; of that in events: the rest */
} GaitCutter;

/* How often each of a role's symbols occurred in it, one more than there are; to be freed. */
guint64 *gait_role_count_occurrences(const GaitProgram *program, guint32 role);
/* Finds the interludes of the role's phases (interludes.c). counts: as above. */
void gait_role_derive_interludes(const GaitProgram *program, GaitRole *role, const guint64 *counts);

/* The points of a role, in an order that extends "always before". */
void gait_cutter_init(GaitCutter *cutter, const GaitProgram *program, guint32 role);
void gait_cutter_clear(GaitCutter *cutter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitCutter, gait_cutter_clear)

/* How far in the role's life it is, in [0, 1]: the mean of its places in time and in events. */
double gait_cutter_place(const GaitCutter *cutter, const GaitPoint *point);
/* The role's symbol on which a candidate is. */
guint32 gait_cutter_symbol(const GaitCutter *cutter, guint32 candidate);
/* Whether every instance reaches candidate a before b. */
gboolean gait_cutter_is_before(const GaitCutter *cutter, guint32 a, guint32 b);
