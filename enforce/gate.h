/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: several workers in it at the same time, or one thread alone. A worker that enters pays
 * for an atomic operation on a cache line of its own; who wants to be alone pays for all of them.
 */
#pragma once

#include <glib.h>

typedef struct _GaitGate GaitGate;

GaitGate *gait_gate_new(guint n_workers);
void gait_gate_free(GaitGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitGate, gait_gate_free)

/* worker: from 0, each one's own. Not to be entered twice. */
void gait_gate_enter(GaitGate *gate, guint worker);
void gait_gate_leave(GaitGate *gate, guint worker);
/* From any thread that is not inside. Comes before workers that would enter later. */
void gait_gate_enter_alone(GaitGate *gate);
void gait_gate_leave_alone(GaitGate *gate);
