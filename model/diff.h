/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two models, in the terms of enforcement: what is new in the second one is
 * what the first would refuse, and has the kind of that violation; what is gone is the same the
 * other way round.
 */
#pragma once

#include "sysgait/model.h"
#include "sysgait/walker.h"

typedef enum {
	GAIT_CHANGE_NEW,
	GAIT_CHANGE_GONE,
	GAIT_CHANGE_WEIGHT, /* an edge that both have is taken clearly more or less often */
	GAIT_CHANGE_N_,
} GaitChange;

typedef struct {
	GaitChange change;
	GaitVerdict kind;    /* the outermost that the one model would find in the other */
	const char *program; /* path; borrowed from a model */
	char *where;         /* library or role; NULL where the program is meant */
	char *what;          /* for people: "openat(O_RDONLY) at ngx_open_file+0x1b" */
	guint32 nr;          /* the system call it is about; GAIT_NONE for a role or program */
	guint64 count[2];    /* events in each model; 0 where that is not counted */
	guint32 n_runs[2];   /* runs in which it was seen */
	double share[2];     /* WEIGHT: of what follows there, in [0, 1] */
} GaitDifference;

typedef struct {
	GPtrArray *differences; /* GaitDifference*, by program, change, kind and text */
	GPtrArray *rebuilt; /* char*: files whose call sites were matched by function and order */
	guint n[GAIT_CHANGE_N_];
} GaitDiff;

/* Both borrowed, and to outlive what is returned. */
GaitDiff *gait_diff_new(const GaitModel *a, const GaitModel *b);
void gait_diff_free(GaitDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitDiff, gait_diff_free)

/*
 * Whether an edge that both have is taken clearly more or less often in the one model than in the
 * other: count[i] of the all[i] times that the state was left. Fills in the shares, NaN where too
 * little is known to say.
 */
gboolean gait_diff_weigh(const guint64 count[2], const guint64 all[2], double share[2]);

/* What changed, a line each, WEIGHT only where it is asked for. */
void gait_diff_print(const GaitDiff *diff, gboolean with_weights, GString *out);
/* The same, one JSON object a line. */
void gait_diff_print_json(const GaitDiff *diff, gboolean with_weights, GString *out);
