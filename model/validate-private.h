/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that check a model share. */
#pragma once

#include "model/model-private.h"
#include "model/place.h"

typedef struct {
	const GaitModel *model;
	const GaitProgram *program; /* the one that is being checked */
	GaitPlace *place;
} GaitValidator;

gboolean gait_validate_counts(const GaitValidator *validator, guint64 count, guint32 n_runs);
gboolean gait_validate_roles(GaitValidator *validator);
/* As gait_model_validate(); messages begin with name. */
gboolean gait_model_validate_named(const GaitModel *model, const char *name, GError **error);
