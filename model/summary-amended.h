/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a model's summary about what was accepted by hand. Private to model/. */
#pragma once

#include "sysgait/model.h"

/* Appends lines; nothing where nothing was accepted. */
void gait_summary_print_amended(const GaitModel *model, GString *out);
/* Appends `,"amendments":[…]`. */
void gait_summary_print_amended_json(const GaitModel *model, GString *out);
