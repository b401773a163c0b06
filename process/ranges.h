/* SPDX-License-Identifier: Apache-2.0 */
/* A table of executable ranges: sorted, immutable, shared by the spaces that have the same. */
#pragma once

#include "process/module-private.h"

typedef struct {
	guint64 start, end, offset, inode;
	dev_t device;
	GaitModule *module;
} GaitRange;

typedef struct {
	guint n_refs;
	guint n_ranges;
	gboolean has_runtime; /* a file of the runtime set is among them */
	guint64 generation;   /* 0: empty; see gait_space_get_generation() */
	GaitRange ranges[];
} GaitRanges;

/* A copy of sorted ranges, under a new generation. */
GaitRanges *gait_ranges_new(const GaitRange *ranges, guint n_ranges);
/* The one without ranges. Borrowed. */
GaitRanges *gait_ranges_get_empty(void);
GaitRanges *gait_ranges_ref(GaitRanges *table);
void gait_ranges_unref(GaitRanges *table);

gboolean gait_range_is_anon(const GaitRange *range);
gboolean gait_range_equal(const GaitRange *left, const GaitRange *right);
/* The index of the first range that ends after address. */
guint gait_ranges_search(const GaitRanges *table, guint64 address);
/* Whether two tables differ in anonymous memory only. */
gboolean gait_ranges_have_equal_files(const GaitRanges *left, const GaitRanges *right);
