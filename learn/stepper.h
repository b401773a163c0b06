/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a trace as a walker takes them. */
#pragma once

#include "learn/trace.h"
#include "sysgait/walker.h"

typedef struct {
	struct gait_walk_event event;
	guint32 arch; /* AUDIT_ARCH_… where it is not native, and no walker can judge it; else 0 */
	gboolean is_known;
} GaitStep;

typedef struct {
	GaitTraceReader *reader;
	const GaitWalkTable *table;
	const char *const *runtime; /* as GaitLearnOptions' */
	GArray *shapes;             /* GaitStep, by index */
	GArray *modules;            /* by the trace's index */
} GaitStepper;

/* All are borrowed. */
void gait_stepper_init(GaitStepper *stepper, GaitTraceReader *reader, const GaitWalkTable *table,
                       const char *const *runtime);
void gait_stepper_clear(GaitStepper *stepper);
/* The step of a shape, valid until the next call; NULL where the trace has no such shape. */
const GaitStep *gait_stepper_get(GaitStepper *stepper, guint32 shape);
