// SPDX-License-Identifier: Apache-2.0
/* Tables of executable ranges. What changes them, and when, is the space's business. */
#include "process/ranges.h"

#include <string.h>

GaitRanges *
gait_ranges_new(const GaitRange *ranges, guint n_ranges)
{
	static guint64 last_generation;
	GaitRanges *table = g_malloc(sizeof(GaitRanges) + n_ranges * sizeof(GaitRange));

	*table = (GaitRanges){.n_refs = 1, .n_ranges = n_ranges, .generation = ++last_generation};
	if (n_ranges > 0)
		memcpy(table->ranges, ranges, n_ranges * sizeof(GaitRange));
	for (guint i = 0; i < n_ranges; i++)
		if (gait_module_get_kind(ranges[i].module) == GAIT_MODULE_FILE &&
		    gait_module_is_runtime(ranges[i].module))
			table->has_runtime = TRUE;
	return table;
}

GaitRanges *
gait_ranges_get_empty(void)
{
	/* The reference that is never given back keeps it from being freed. */
	static GaitRanges empty = {.n_refs = 1};

	return &empty;
}

GaitRanges *
gait_ranges_ref(GaitRanges *table)
{
	table->n_refs++;
	return table;
}

void
gait_ranges_unref(GaitRanges *table)
{
	if (--table->n_refs == 0)
		g_free(table);
}

gboolean
gait_range_is_anon(const GaitRange *range)
{
	return gait_module_get_kind(range->module) == GAIT_MODULE_ANON;
}

gboolean
gait_range_equal(const GaitRange *left, const GaitRange *right)
{
	return left->start == right->start && left->end == right->end &&
	       left->offset == right->offset && left->module == right->module;
}

guint
gait_ranges_search(const GaitRanges *table, guint64 address)
{
	guint low = 0, high = table->n_ranges;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (table->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

gboolean
gait_ranges_have_equal_files(const GaitRanges *left, const GaitRanges *right)
{
	guint i = 0, j = 0;

	for (;; i++, j++) {
		while (i < left->n_ranges && gait_range_is_anon(&left->ranges[i]))
			i++;
		while (j < right->n_ranges && gait_range_is_anon(&right->ranges[j]))
			j++;
		if (i == left->n_ranges || j == right->n_ranges)
			return i == left->n_ranges && j == right->n_ranges;
		if (!gait_range_equal(&left->ranges[i], &right->ranges[j]))
			return FALSE;
	}
}
