/* SPDX-License-Identifier: Apache-2.0 */
/* All that a run under a backend is made of before it begins. */
#pragma once

#include "enforce/backend.h"

typedef struct {
	const GaitBackend *backend;
	GaitFloor *floor; /* what that one needs of it */
	GaitEnforcer *enforcer;
} GaitSupervision;

/*
 * By this backend, which was chosen by that wish; or by the next one that will do, where what it
 * loads into the kernel is refused. wish->policy, model and log are borrowed. why: appended to, a
 * line for each that was passed over. FALSE with error where none is left.
 */
gboolean gait_supervision_init(GaitSupervision *supervision, const GaitBackend *backend,
                               const GaitBackendWish *wish, const GaitModel *model, GaitLog *log,
                               gboolean is_recording, GString *why, GError **error);
void gait_supervision_clear(GaitSupervision *supervision);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitSupervision, gait_supervision_clear)
