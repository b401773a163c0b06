/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways of telling a violation share: the place in the model where it happened. */
#pragma once

#include "model/allowed.h"
#include "model/model-private.h"
#include "model/walker-private.h"

typedef struct {
	const GaitViolation *violation;
	const GaitWalker *walker;
	const GaitModel *model;
	const GaitProgram *program;
	const GaitRole *role; /* NULL: not known */
	guint32 library;      /* of the program; GAIT_NONE: none of its */
	guint32 state;        /* of that library's automaton; GAIT_NONE: anywhere */
} GaitScene;

void gait_scene_init(GaitScene *scene, const GaitViolation *violation, const GaitWalker *walker);
/* Symbol of the state, or what the state is called; raw. */
char *gait_scene_name_state(const GaitScene *scene);
