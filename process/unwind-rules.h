/* SPDX-License-Identifier: Apache-2.0 */
/* What CFI says at a place, as a row of an unwind table. */
#pragma once

#include "process/cfi-program.h"
#include "sysgait/unwind-table.h"

/* *row: GAIT_CFA_NONE where a row cannot say it. Its start is left 0. */
void gait_unwind_row_from_state(struct gait_unwind_row *row, const GaitCfiState *state);
