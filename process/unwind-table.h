/* SPDX-License-Identifier: Apache-2.0 */
/* Makes unwind tables (include/sysgait/unwind-table.h) of what images say. */
#pragma once

#include "process/cfi.h"
#include "process/go-table.h"
#include "sysgait/unwind-table.h"

/*
 * The rows of an image; cfi and go are its own, either may be NULL. NULL where nothing is said of
 * any of its code, or more than a table may hold. The image has to be open.
 */
struct gait_unwind_row *gait_unwind_table_new(GaitImage *image, const GaitCfi *cfi,
                                              const GaitGoTable *go, guint32 *n_rows);
