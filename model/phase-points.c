/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a role's life can be cut: its candidates as points, with their place in its life and their
 * relations, in an order that extends "always before"; and its symbols as columns sorted by system
 * call, so that the distinct calls of a stretch are counted by a mask each.
 */
#include "model/phases-private.h"
#include "sysgait/syscall.h"

#include <string.h>
#include <sys/syscall.h>

#define MAX_POINTS 2048 /* candidates looked at; the work is quadratic in them */

static const GaitSymbol *
get_symbol(const GaitCutter *cutter, guint32 symbol)
{
	GaitSymbolRef ref = g_array_index(cutter->role->symbols, GaitSymbolRef, symbol);

	return gait_program_get_symbol(cutter->program, ref);
}

static guint32
symbol_nr(const GaitCutter *cutter, guint32 symbol)
{
	return get_symbol(cutter, symbol)->nr;
}

static int
compare_columns(gconstpointer a, gconstpointer b, gpointer data)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
	guint32 nr_x = symbol_nr(data, x), nr_y = symbol_nr(data, y);

	if (nr_x != nr_y)
		return nr_x < nr_y ? -1 : 1;
	return (x > y) - (x < y);
}

/* Orders columns by system call, so that a distinct call is one or two masks. */
static void
make_columns(GaitCutter *cutter)
{
	guint32 n = cutter->role->symbols->len;

	cutter->columns = g_new(guint32, MAX(n, 1));
	for (guint32 i = 0; i < n; i++)
		cutter->columns[i] = i;
	g_qsort_with_data(cutter->columns, (gint)n, sizeof(guint32), compare_columns, cutter);
	cutter->segments = g_array_new(FALSE, FALSE, sizeof(GaitSegment));
	for (guint32 i = 0; i < n; i++) {
		guint32 nr = symbol_nr(cutter, cutter->columns[i]), len = cutter->segments->len;
		GaitSegment *last =
		    len ? &g_array_index(cutter->segments, GaitSegment, len - 1) : NULL;

		if (!last || last->nr != nr || last->word != i / 64) {
			double weight =
			    gait_syscall_is_harmless(nr) ? GAIT_HARMLESS : gait_syscall_danger(nr);
			GaitSegment segment = {i / 64, nr, 0, weight};

			g_array_append_val(cutter->segments, segment);
			last = &g_array_index(cutter->segments, GaitSegment, len);
		}
		last->mask |= G_GUINT64_CONSTANT(1) << (i % 64);
	}
}

static guint64 *
new_row(GaitCutter *cutter)
{
	guint64 *row = g_new0(guint64, MAX(cutter->role->row_words, 1));

	g_ptr_array_add(cutter->rows, row);
	return row;
}

static const guint64 *
new_full_row(GaitCutter *cutter)
{
	guint64 *row = new_row(cutter);

	memset(row, 0xff, (gsize)cutter->role->row_words * sizeof *row);
	return row;
}

/* A candidate's rows in column order. A symbol without a bit in either may be on both sides. */
static void
set_rows(GaitCutter *cutter, GaitPoint *point)
{
	const GaitRole *role = cutter->role;
	const guint64 *after = gait_role_row(role, role->after, point->candidate);
	const guint64 *before = gait_role_row(role, role->before, point->candidate);
	guint64 *sorted_after = new_row(cutter), *sorted_before = new_row(cutter);

	for (guint32 i = 0; i < role->symbols->len; i++) {
		guint32 symbol = cutter->columns[i];
		gboolean is_after = gait_bit_test(after, symbol);
		gboolean is_before = gait_bit_test(before, symbol);

		if (is_after || !is_before)
			gait_bit_set(sorted_after, i);
		if (is_before || !is_after)
			gait_bit_set(sorted_before, i);
	}
	point->after = sorted_after;
	point->before = sorted_before;
}

double
gait_cutter_place(const GaitCutter *cutter, const GaitPoint *point)
{
	return cutter->time_weight * point->time + (1 - cutter->time_weight) * point->event;
}

/* Half, and less in a short life; none where the log had no times. */
static double
weigh_time(const GaitRole *role)
{
	double life = (double)role->time_ns / (double)MAX(role->n_instances, 1);

	return life / (life + GAIT_NOISE_NS) / 2;
}

guint32
gait_cutter_symbol(const GaitCutter *cutter, guint32 candidate)
{
	return g_array_index(cutter->role->candidates, GaitCandidate, candidate).symbol;
}

gboolean
gait_cutter_is_before(const GaitCutter *cutter, guint32 a, guint32 b)
{
	const guint64 *before = gait_role_row(cutter->role, cutter->role->before, a);

	return a != b && !gait_bit_test(before, gait_cutter_symbol(cutter, b));
}

/*
 * The mean place of a candidate's first occurrence, as a share of the mean life. Instances that
 * were cut off before it have no part in the first mean, hence the clamp.
 */
static double
position(guint64 sum, guint64 n, guint64 life_sum, guint64 n_lives)
{
	double share;

	if (n == 0 || life_sum == 0 || n_lives == 0)
		return 0;
	share = ((double)sum / (double)n) / ((double)life_sum / (double)n_lives);
	return CLAMP(share, 0, 1);
}

/*
 * Calls that come when threads collide, or a heap grows or shrinks, or a signal was handled, or
 * only on some hosts, are no milestones; nor is what only instances reached whose start was not
 * seen, for nobody knows when.
 */
static gboolean
is_eligible(const GaitCutter *cutter, guint32 candidate)
{
	const GaitSymbol *symbol = get_symbol(cutter, gait_cutter_symbol(cutter, candidate));

	return !gait_syscall_is_incidental(symbol->nr) && !gait_syscall_is_vdso(symbol->nr) &&
	       !gait_syscall_is_heap(symbol->nr, symbol->klass) && symbol->nr != SYS_rt_sigreturn &&
	       g_array_index(cutter->role->candidates, GaitCandidate, candidate).n_instances > 0;
}

typedef struct {
	guint32 candidate;
	guint32 n_before; /* candidates that always come before it */
} Rank;

static int
compare_ranks(gconstpointer a, gconstpointer b)
{
	const Rank *x = a, *y = b;

	if (x->n_before != y->n_before)
		return x->n_before < y->n_before ? -1 : 1;
	return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

/*
 * The eligible candidates in an order that extends "always before": that is a partial order, so
 * what comes first has fewer before it.
 */
static GArray *
rank_candidates(const GaitCutter *cutter)
{
	GArray *ranks = g_array_new(FALSE, FALSE, sizeof(Rank));

	for (guint32 c = 0; c < cutter->role->candidates->len; c++) {
		Rank rank = {c, 0};

		if (is_eligible(cutter, c))
			g_array_append_val(ranks, rank);
	}
	for (guint32 i = 0; i < ranks->len; i++) {
		Rank *rank = &g_array_index(ranks, Rank, i);

		for (guint32 k = 0; k < ranks->len; k++)
			rank->n_before += (guint32)gait_cutter_is_before(
			    cutter, g_array_index(ranks, Rank, k).candidate, rank->candidate);
	}
	g_array_sort(ranks, compare_ranks);
	return ranks;
}

/*
 * How often each of the role's symbols occurred in it. The events of a role are the counts of its
 * edges; calls that make no edge are not eligible anyway.
 */
guint64 *
gait_role_count_occurrences(const GaitProgram *program, guint32 role_index)
{
	const GaitRole *role = gait_program_get_role(program, role_index);
	guint64 *counts = g_new0(guint64, role->symbols->len + 1);

	for (guint32 i = 0; i < program->libraries->len; i++) {
		const GPtrArray *edges = gait_program_get_library(program, i)->edges;

		for (guint32 k = 0; k < edges->len; k++) {
			const GaitEdge *edge = g_ptr_array_index(edges, k);
			const GaitRoleCount *count = gait_edge_find_role(edge, role_index);
			GaitSymbolRef ref = {i, edge->to - GAIT_STATE_FIRST};
			guint found;

			if (count &&
			    g_array_binary_search(role->symbols, &ref,
			                          (GCompareFunc)gait_symbol_ref_compare, &found))
				counts[found] = gait_counter_add(counts[found], count->count);
		}
	}
	return counts;
}

/* Whether a candidate comes again and again in a life, in the mean. */
static gboolean
is_again(const GaitCutter *cutter, const guint64 *occurrences, guint32 candidate)
{
	return (double)occurrences[gait_cutter_symbol(cutter, candidate)] >
	       GAIT_IS_AGAIN * (double)cutter->role->n_instances;
}

/* For a connection some servers wait in accept itself; where there is a wait before it, as in
 * nginx, that one is the main loop's. */
static gboolean
is_wait(guint32 nr)
{
	return gait_syscall_is_wait(nr) || nr == SYS_accept || nr == SYS_accept4;
}

static gboolean
is_wait_again(const GaitCutter *cutter, const guint64 *occurrences, guint32 candidate)
{
	return is_wait(symbol_nr(cutter, gait_cutter_symbol(cutter, candidate))) &&
	       is_again(cutter, occurrences, candidate);
}

/* Whether it is the main loop's wait: no other one that recurs always comes before it. */
static gboolean
begins_rounds(const GaitCutter *cutter, const GArray *ranks, const guint64 *occurrences,
              guint32 candidate)
{
	if (!is_wait_again(cutter, occurrences, candidate))
		return FALSE;
	for (guint32 i = 0; i < ranks->len; i++) {
		guint32 other = g_array_index(ranks, Rank, i).candidate;

		if (is_wait_again(cutter, occurrences, other) &&
		    gait_cutter_is_before(cutter, other, candidate))
			return FALSE;
	}
	return TRUE;
}

/* What a cut at a point costs (see phases.c); 0 where it is no milestone. */
static double
find_price(const GaitCutter *cutter, const GArray *ranks, const guint64 *occurrences,
           const GaitPoint *point)
{
	guint32 candidate = point->candidate;
	gboolean is_in_rounds =
	    gait_bit_test(cutter->role->in_rounds, gait_cutter_symbol(cutter, candidate));
	double left;

	if (begins_rounds(cutter, ranks, occurrences, candidate))
		return GAIT_PRICE_LOOP;
	if (is_again(cutter, occurrences, candidate))
		return is_in_rounds ? 0 : GAIT_PRICE_AGAIN;
	left = 1 - gait_cutter_place(cutter, point);
	if (is_in_rounds && left > GAIT_END)
		return GAIT_PRICE_AGAIN;
	return GAIT_PRICE_END + (1 - GAIT_PRICE_END) * MIN(left / GAIT_END_FROM, 1);
}

static void
make_points(GaitCutter *cutter, guint32 role_index)
{
	const GaitRole *role = cutter->role;
	g_autoptr(GArray) ranks = rank_candidates(cutter);
	g_autofree guint64 *occurrences = gait_role_count_occurrences(cutter->program, role_index);
	const guint64 *full = new_full_row(cutter);
	GaitPoint start = {GAIT_NONE, 0, 0, 0, full, full};
	GaitPoint end = {GAIT_NONE, 1, 1, 0, full, full};

	g_array_append_val(cutter->points, start);
	for (guint32 i = 0; i < ranks->len; i++) {
		GaitPoint point = {.candidate = g_array_index(ranks, Rank, i).candidate};
		const GaitCandidate *candidate =
		    &g_array_index(role->candidates, GaitCandidate, point.candidate);

		point.time = position(candidate->time_ns, candidate->n_instances, role->time_ns,
		                      role->n_instances);
		point.event = position(candidate->n_events, candidate->n_instances, role->n_events,
		                       role->n_instances);
		point.price = find_price(cutter, ranks, occurrences, &point);
		if (point.price == 0)
			continue;
		set_rows(cutter, &point);
		g_array_append_val(cutter->points, point);
	}
	g_array_append_val(cutter->points, end);
}

void
gait_cutter_init(GaitCutter *cutter, const GaitProgram *program, guint32 role)
{
	*cutter = (GaitCutter){.program = program, .role = gait_program_get_role(program, role)};
	cutter->time_weight = weigh_time(cutter->role);
	cutter->points = g_array_new(FALSE, FALSE, sizeof(GaitPoint));
	cutter->rows = g_ptr_array_new_with_free_func(g_free);
	make_columns(cutter);
	make_points(cutter, role);
}

void
gait_cutter_clear(GaitCutter *cutter)
{
	g_free(cutter->columns);
	g_array_unref(cutter->segments);
	g_array_unref(cutter->points);
	g_ptr_array_unref(cutter->rows);
}
