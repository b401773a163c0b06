/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a model a check is, so that the first thing that is wrong can be named:
 * "FILE: programs[0].libraries[2].edges[17]: MESSAGE". Later failures are not reported.
 */
#pragma once

#include "sysgait/error.h"

typedef struct {
	const char *file; /* NULL: messages begin with the place */
	GString *path;
	GError *error; /* the first failure */
} GaitPlace;

void gait_place_init(GaitPlace *place, const char *file);
void gait_place_clear(GaitPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitPlace, gait_place_clear)

/* Goes down to PATH.NAME[i]; returns what leave needs to come back. */
gsize gait_place_enter(GaitPlace *place, const char *name, guint32 i);
void gait_place_leave(GaitPlace *place, gsize mark);
/* Always FALSE, for `return gait_place_fail(…)`. */
gboolean gait_place_fail(GaitPlace *place, GaitErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* Hands the failure over; TRUE where there was none. */
gboolean gait_place_finish(GaitPlace *place, GError **error);
