/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a program makes so rarely that it does not matter what it costs to have one judged.
 */
#pragma once

#include "sysgait/model.h"

/* By number, for 0 to max: 1 where less than one in GAIT_RARE events was such a call, or none. To
 * be freed. */
#define GAIT_RARE 1000
guint8 *gait_rare_find(const GaitModel *model, guint32 max);
