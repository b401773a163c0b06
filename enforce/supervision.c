/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a choice to a backend that is ready. Whether one is to be had is found out with next to
 * nothing; the whole of what it loads may still be refused, for want of memory or descriptors, or
 * by a verifier to which it is too large. Nothing runs by then, so the next one that keeps what the
 * policy promises is as good. It gets a floor and an enforcer of its own.
 */
#include "enforce/supervision.h"

static gboolean
prepare(GaitSupervision *supervision, const GaitPolicy *policy, const GaitModel *model,
        GaitLog *log, GError **error)
{
	supervision->floor =
	    gait_floor_new(model, supervision->backend->handover,
	                   gait_terminal_get_streams(gait_log_get_terminal(log)), error);
	if (!supervision->floor)
		return FALSE;
	supervision->enforcer = gait_enforcer_new(model, supervision->floor, policy, log, error);
	return supervision->enforcer != NULL;
}

gboolean
gait_supervision_init(GaitSupervision *supervision, const GaitBackend *backend,
                      const GaitBackendWish *wish, const GaitModel *model, GaitLog *log,
                      gboolean is_recording, GString *why, GError **error)
{
	*supervision = (GaitSupervision){.backend = backend};
	while (supervision->backend) {
		g_autoptr(GError) failure = NULL;

		if (!prepare(supervision, wish->policy, model, log, error))
			return FALSE;
		backend = supervision->backend;
		if (!backend->load || backend->load(supervision->enforcer, is_recording, &failure))
			return TRUE;
		gait_supervision_clear(supervision);
		supervision->backend = gait_backend_choose_next(wish, backend, failure, why, error);
	}
	return FALSE;
}

void
gait_supervision_clear(GaitSupervision *supervision)
{
	g_clear_pointer(&supervision->enforcer, gait_enforcer_free);
	g_clear_pointer(&supervision->floor, gait_floor_free);
}
