/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read a violation log share. Private to model/. */
#pragma once

#include "sysgait/violation-log.h"

/*
 * The same for records that say the same (GaitLogGroup), in any log and of any model; different for
 * others, whatever is in their names. To free.
 */
char *gait_log_record_dup_key(const GaitLogRecord *record);

/* Adds a record, which it takes; size: bytes of its line. FALSE where there are too many. */
gboolean gait_violation_log_add(GaitViolationLog *log, GaitLogRecord *record, gsize size,
                                GError **error);
void gait_violation_log_count_torn(GaitViolationLog *log);
void gait_violation_log_update_digest(GaitViolationLog *log, const guint8 *bytes, gsize size);
