/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a violation distinct, as text. Private to model/. */
#pragma once

#include "sysgait/violation-log.h"

/*
 * The same for records that say the same (GaitLogGroup), in any log and of any model; different for
 * others, whatever is in their names. To free.
 */
char *gait_log_record_dup_key(const GaitLogRecord *record);
