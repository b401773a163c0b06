/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perturbation: holding back tasks at random while a run is recorded, so that it shows orders of
 * events that a calm run never does.
 */
#pragma once

#include <glib.h>

typedef struct _GaitPerturb GaitPerturb;

GaitPerturb *gait_perturb_new(guint32 seed);
void gait_perturb_free(GaitPerturb *perturb);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitPerturb, gait_perturb_free)

/* A task's mood; zeroed is a new task. */
typedef struct {
	guint32 n_left; /* calls until it changes */
	gboolean is_slow;
} GaitPerturbTask;

/* For how long the task is to be held at the call it makes now, in microseconds; mostly 0. */
guint gait_perturb_get_hold(GaitPerturb *perturb, GaitPerturbTask *task);
