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
/*
 * The row that the table has at a file offset, made by itself; all zero where there is none.
 * Without what the table says of code that is known by its bytes (GAIT_UNWIND_NO_CALLER). FALSE
 * where nothing speaks of the place; else there may still be something that no row can say. Of a
 * closed image, less may be said.
 */
gboolean gait_unwind_table_find(GaitImage *image, const GaitCfi *cfi, const GaitGoTable *go,
                                guint64 offset, struct gait_unwind_row *row);
