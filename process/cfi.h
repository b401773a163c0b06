/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information of an image: .eh_frame with a search table, in the form that libunwind's
 * table search reads through an accessor. Addresses here are the image's own (link-time).
 */
#pragma once

#include "process/cfi-record.h"
#include "process/image.h"

typedef struct _GaitCfi GaitCfi;

/* NULL where the image has none, or none that can be made sense of. Keeps nothing of image. */
GaitCfi *gait_cfi_new(GaitImage *image);
void gait_cfi_free(GaitCfi *cfi);
/* Bytes it occupies. */
gsize gait_cfi_get_size(const GaitCfi *cfi);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitCfi, gait_cfi_free)

/* Pairs of 32-bit (function start, FDE), both relative to base, sorted. */
typedef struct {
	guint64 base, vaddr;
	guint64 n_entries;
} GaitCfiTable;

const GaitCfiTable *gait_cfi_get_table(const GaitCfi *cfi);
/* The aligned 8 bytes at vaddr. FALSE where they are not part of the information. */
gboolean gait_cfi_read(const GaitCfi *cfi, guint64 vaddr, guint64 *word);
/* The i-th function of the table, with what is said of it; borrowed from cfi. FALSE where that
 * cannot be made sense of. */
gboolean gait_cfi_get_function(const GaitCfi *cfi, guint64 i, GaitCfiFde *fde);
/* The function that the information covers vaddr with. FALSE where it covers it with none. */
gboolean gait_cfi_find_function(const GaitCfi *cfi, guint64 vaddr, GaitCfiFde *fde);
