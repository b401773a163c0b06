/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is accepted becomes part of the relations that phases are made of, so that phases which are
 * cut anew, here or after a merge, allow it where it was accepted.
 *
 * All that a log knows is that the symbol came between two milestones. A candidate that always
 * comes at or before the first one has been reached by then (the symbol is after it), one that
 * always comes at or after the second one has not (it is before it). Of the others nobody knows,
 * and the symbol is on both sides, as it would be if many runs had had it in the whole stretch.
 */
#include "model/amend-private.h"

#include <string.h>

static guint64 *
widen_matrix(guint64 *matrix, guint32 n_rows, guint32 from_words, guint32 to_words)
{
	guint64 *wide = g_new0(guint64, MAX((gsize)n_rows * to_words, 1));

	for (guint32 i = 0; i < n_rows; i++)
		memcpy(wide + (gsize)i * to_words, matrix + (gsize)i * from_words,
		       from_words * sizeof *matrix);
	g_free(matrix);
	return wide;
}

/* After symbols were appended: rows long enough for all of them. */
static void
widen_role(GaitRole *role)
{
	guint32 from = role->row_words, to = (role->symbols->len + 63) / 64;
	guint32 n_rows = role->candidates->len + 1;

	if (from == to)
		return;
	role->row_words = to;
	role->after = widen_matrix(role->after, n_rows, from, to);
	role->before = widen_matrix(role->before, n_rows, from, to);
	role->after_twice = widen_matrix(role->after_twice, n_rows, from, to);
	role->before_twice = widen_matrix(role->before_twice, n_rows, from, to);
	role->amended = widen_matrix(role->amended, 1, from, to);
	role->in_rounds = widen_matrix(role->in_rounds, 1, from, to);
}

/* Rows of what leads to each symbol, for those that were appended, too. */
static void
widen_led(GaitRole *role, guint32 n_before)
{
	guint32 from = (n_before + 63) / 64;
	guint64 *led;

	if (!role->led || role->symbols->len == n_before)
		return;
	if (role->symbols->len > GAIT_MAX_LED) {
		g_clear_pointer(&role->led, g_free);
		return;
	}
	led = g_new0(guint64, MAX((gsize)role->row_words * role->symbols->len, 1));
	for (guint32 s = 0; s < n_before; s++)
		memcpy(gait_role_row(role, led, s), role->led + (gsize)s * from,
		       from * sizeof *led);
	g_free(role->led);
	role->led = led;
}

/* Accepted wherever it may come: nothing has to lead to it. */
static void
unlead(GaitRole *role, guint32 symbol)
{
	gait_bit_set(role->in_rounds, symbol);
	if (role->led)
		memset(gait_role_row(role, role->led, symbol), 0,
		       role->row_words * sizeof *role->led);
}

static guint32
candidate_symbol(const GaitRole *role, guint32 candidate)
{
	return g_array_index(role->candidates, GaitCandidate, candidate).symbol;
}

/* Whether every instance reaches candidate a before b, or they are the same. before: as it was. */
static gboolean
is_not_after(const GaitRole *role, const guint64 *before, guint32 a, guint32 b)
{
	return a == b ||
	       !gait_bit_test(before + (gsize)a * role->row_words, candidate_symbol(role, b));
}

static void
apply_mark(GaitRole *role, const guint64 *before, const GaitAmendMark *mark, guint32 symbol)
{
	gait_bit_set(role->amended, symbol);
	unlead(role, symbol);
	for (guint32 c = 0; c < role->candidates->len; c++) {
		if (mark->until == GAIT_NONE || !is_not_after(role, before, mark->until, c))
			gait_bit_set(gait_role_row(role, role->after, c), symbol);
		/* No first occurrence is before itself. */
		if (candidate_symbol(role, c) != symbol &&
		    (mark->since == GAIT_NONE || !is_not_after(role, before, c, mark->since)))
			gait_bit_set(gait_role_row(role, role->before, c), symbol);
	}
	gait_bit_set(gait_role_row(role, role->before, role->candidates->len), symbol);
}

static guint32
find_or_append(GaitRole *role, GaitSymbolRef ref)
{
	for (guint32 i = 0; i < role->symbols->len; i++)
		if (gait_symbol_ref_compare(&g_array_index(role->symbols, GaitSymbolRef, i),
		                            &ref) == 0)
			return i;
	g_array_append_val(role->symbols, ref);
	return role->symbols->len - 1;
}

/* The marks of one role. */
static void
apply_role(GaitRole *role, const GaitAmendMark *marks, guint n_marks)
{
	g_autofree guint32 *symbols = g_new(guint32, n_marks);
	g_autofree guint64 *before = NULL;
	guint32 n_symbols = role->symbols->len;

	for (guint i = 0; i < n_marks; i++)
		symbols[i] = find_or_append(role, marks[i].ref);
	widen_role(role);
	widen_led(role, n_symbols);
	before = g_memdup2(role->before,
	                   (gsize)role->row_words * (role->candidates->len + 1) * sizeof *before);
	for (guint i = 0; i < n_marks; i++)
		apply_mark(role, before, &marks[i], symbols[i]);
}

static int
compare_marks(gconstpointer a, gconstpointer b)
{
	guintptr x = (guintptr)((const GaitAmendMark *)a)->role;
	guintptr y = (guintptr)((const GaitAmendMark *)b)->role;

	return (x > y) - (x < y);
}

void
gait_amend_apply_marks(GArray *marks)
{
	const GaitAmendMark *all;

	/* Which role comes first does not matter. */
	g_array_sort(marks, compare_marks);
	all = (const GaitAmendMark *)marks->data;
	for (guint i = 0, n; i < marks->len; i += n) {
		for (n = 1; i + n < marks->len && all[i + n].role == all[i].role;)
			n++;
		apply_role(all[i].role, all + i, n);
	}
}
