// SPDX-License-Identifier: Apache-2.0
/*
 * Unwind tables of any bytes: taken for an ELF image, and taken for the records of .eh_frame alone.
 * Tables have to be in order, rows within their range, and whoever steps by them ends.
 */
#include "process/cfi-program.h"
#include "process/unwind-rules.h"
#include "process/unwind-table.h"

#include <string.h>

#include "sysgait/unwind-step.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

enum {
	MAX_STEPS = 64,
	MAX_STARTS = 512,
	MAX_WORK = 1 << 20,
};

/* The input is the stack, too. */
typedef struct {
	const struct gait_unwind_row *rows;
	guint32 n_rows;
	const guint8 *data;
	gsize size;
} Context;

static inline int
gait_unwind_read(void *data, __u64 address, __u64 *word)
{
	const Context *context = data;

	if (address % 7 == 0)
		return 1;
	memcpy(word, context->data + address % (context->size - 8), 8);
	return 0;
}

static inline int
gait_unwind_read_register(void *context, __u32 number, __u64 *value)
{
	g_assert_cmpuint(number, <, 16);
	*value = number * 4096;
	return number == 9;
}

static inline const struct gait_unwind_row *
gait_unwind_get_row(void *data, __u32 i)
{
	const Context *context = data;

	return i < context->n_rows ? &context->rows[i] : NULL;
}

static void
check_row(const struct gait_unwind_row *row)
{
	g_assert_cmpuint(row->cfa, <, GAIT_CFA_N_);
	g_assert_cmpuint(row->rbp, <, GAIT_RBP_N_);
	g_assert_cmpuint(row->number, <, 16);
}

static void
walk(Context *context, guint64 pc)
{
	struct gait_unwind_frame frame = {pc, 1 << 20, 1 << 21, 1, 1, 1, {0}};
	guint64 sp = frame.sp;

	for (guint i = 0; i < MAX_STEPS; i++) {
		const struct gait_unwind_row *row = gait_unwind_find(
		    context, 0, context->n_rows, gait_unwind_get_lookup_pc(&frame));

		if (gait_unwind_step(context, row, &frame) != GAIT_STEP_CALLER)
			break;
		g_assert_true(frame.sp > sp || row->cfa == GAIT_CFA_SIGNAL ||
		              row->cfa == GAIT_CFA_LINK);
		sp = frame.sp;
	}
}

static void
try_image(const guint8 *data, gsize size)
{
	g_autoptr(GaitImage) image = gait_image_new_for_memory(g_memdup2(data, size), size);
	g_autoptr(GaitCfi) cfi = gait_cfi_new(image);
	GaitGoTable *go = gait_go_table_new(image);
	Context context = {NULL, 0, data, size};
	struct gait_unwind_row single;
	g_autofree struct gait_unwind_row *rows =
	    gait_unwind_table_new(image, cfi, go, &context.n_rows);

	context.rows = rows;
	g_assert_true((rows == NULL) == (context.n_rows == 0));
	for (guint32 i = 0; i < context.n_rows; i++) {
		check_row(&rows[i]);
		g_assert_true(i == 0 || rows[i - 1].start < rows[i].start);
		if (i >= MAX_STARTS)
			continue;
		walk(&context, rows[i].start);
		gait_unwind_table_find(image, cfi, go, rows[i].start, &single);
		check_row(&single);
	}
	gait_go_table_free(go);
}

static void
check_state(guint64 start, guint64 end, const GaitCfiState *state, gpointer data)
{
	guint64 *at = data;
	struct gait_unwind_row row;

	g_assert_cmpuint(start, ==, *at);
	g_assert_cmpuint(end, >, start);
	*at = end;
	gait_unwind_row_from_state(&row, state);
	check_row(&row);
}

static void
try_records(const guint8 *data, gsize size)
{
	GaitCfiCursor cursor = {.bytes = data, .vaddr = 4096, .size = size};
	guint64 budget = MAX_WORK;
	GaitRecordKind kind;
	GaitCfiFde fde;

	while (budget > 0 && (kind = gait_cfi_take_record(&cursor, &fde)) != GAIT_RECORD_END) {
		guint64 at = fde.start;

		if (kind != GAIT_RECORD_FDE)
			continue;
		gait_cfi_run(&fde, &budget, check_state, &at);
		g_assert_cmpuint(at, ==, fde.end);
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	if (size <= 8)
		return 0;
	try_records(data, size);
	try_image(data, size);
	return 0;
}
