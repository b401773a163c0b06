/* SPDX-License-Identifier: Apache-2.0 */
/* What a model expects to be violated by the program it was learned from, in words. */
#pragma once

#include "enforce/policy.h"
#include "sysgait/model.h"

/*
 * Appends "after 5 runs the model expects 4.14 violations a run at sequence, 0.24 at site, 0.06 at
 * phase": all that lie within, by how strict one is, a step for each that makes a difference.
 */
void gait_expectation_describe(const GaitModel *model, GString *out);
/*
 * Whether the policy acts on more than the model can be trusted with, though the program does
 * nothing new: then appends how many that are, and how strict one may be with this model.
 */
gboolean gait_expectation_advise(const GaitModel *model, const GaitPolicy *policy, GString *out);
