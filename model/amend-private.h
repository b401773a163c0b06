/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that amend a model share. */
#pragma once

#include "model/model-private.h"

/* A place in a role's life where a symbol was accepted. */
typedef struct {
	GaitRole *role;
	GaitSymbolRef ref;
	guint32 since, until; /* candidates; GAIT_NONE for the role's start and end */
} GaitAmendMark;

/*
 * Enters marks (GaitAmendMark, in any order) into the relations of their roles. Before the model is
 * normalized again; the roles are otherwise as normalize left them.
 */
void gait_amend_apply_marks(GArray *marks);
