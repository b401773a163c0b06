/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two models as one, to be drawn: what both have is there once, and each part knows which of the
 * two it is from. What counts as the same is diff's to say, so that a drawing and a diff agree.
 */
#pragma once

#include "model/diff.h"

enum {
	GAIT_SIDE_OLD = 1,
	GAIT_SIDE_NEW = 2,
	GAIT_SIDE_BOTH = GAIT_SIDE_OLD | GAIT_SIDE_NEW,
};

/* Of a program, library, symbol, edge or role. */
typedef struct {
	guint sides;         /* GAIT_SIDE_… */
	gboolean has_weight; /* an edge of both that is taken clearly more or less often */
	double share[2];     /* of what follows there, old and new; where has_weight */
	guint64 count[2];    /* of an edge */
} GaitUnionMark;

/*
 * Of a phase: those of the old model's cut that the new one has, too. calls: gint64 as
 * gait_diff_pack_call(), what each side makes in it.
 */
typedef struct {
	guint first, last; /* its phases' numbers in the old model (a new role's: in the new one),
	                      from 0, up to before last */
	GHashTable *calls[2];
	GArray *untied; /* GaitDiffUntied: what the old model makes only after another call, and the
	                   new one without */
} GaitUnionPhase;

typedef struct {
	/*
	 * Of both, with files that were rebuilt under the new one's identity. Roles that the old
	 * one has are cut as there. Only fit to be drawn: counts are sums, and relations say no
	 * more than in which phase a symbol comes first.
	 */
	GaitModel *model;
	const char *names[2]; /* of the two, for people; borrowed */
	GHashTable *marks;    /* a part of the model → GaitUnionMark* */
	GHashTable *phases;   /* GaitPhase* of the model → GaitUnionPhase* */
} GaitUnion;

/* All borrowed, and to outlive what is returned. Fails where the two cannot be compared. */
GaitUnion *gait_union_new(const GaitModel *old, const GaitModel *new, const char *const names[2],
                          GError **error);
void gait_union_free(GaitUnion *both);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitUnion, gait_union_free)

/* What is known of a part of the model. */
const GaitUnionMark *gait_union_get_mark(const GaitUnion *both, gconstpointer part);
const GaitUnionPhase *gait_union_get_phase(const GaitUnion *both, const GaitPhase *phase);
/* Which sides make a call in a phase: GAIT_SIDE_…, or 0. */
guint gait_union_find_call(const GaitUnionPhase *phase, guint32 nr, guint32 klass);
