/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases: cuts a role's life at milestones so that the least danger stays exposed for the least
 * time. Does not look at single instances: only at the or-able relations that all runs left behind,
 * so merged models are cut as if their runs had been learned together.
 *
 * The idea. A chain of candidates c1 < c2 < …, each always first reached before the next one, cuts
 * every instance at the same places. Between ci and cj a symbol s is allowed if it was seen at or
 * after ci and before cj: that may allow more than was seen (s may have paused there), and never
 * less. The exposure of a stretch is its share of the role's life times the danger W of the
 * distinct system calls allowed in it; the chain that is cheapest in the sum of exposures plus a
 * price for each cut is found by dynamic programming. The number of phases follows from the price.
 *
 * The price of a cut is a share of the exposure that the role has without any: PRICE, so that a
 * phase that takes away less than 2% of the attack surface is not worth a reader's attention; and
 * PRICE_EVENTS over the events an instance has, since a stretch of a few events is not a phase of
 * life: in a helper thread of 20 calls nearly every call would be a milestone otherwise.
 */
#include "model/model-private.h"
#include "sysgait/syscall.h"

#include <string.h>

#define PRICE        0.02
#define PRICE_EVENTS 2.0
#define MAX_POINTS   2048 /* candidates looked at; the work is quadratic in them */

/* A run of columns within one word that are of the same system call. */
typedef struct {
	guint32 word;
	guint32 nr;
	guint64 mask;
	double danger;
} Segment;

/* Where a cut can be. Point 0 is the start of the role, the last one its end. */
typedef struct {
	guint32 candidate;             /* GAIT_NONE at start and end */
	double time, event;            /* position in the role's life, in [0, 1] */
	const guint64 *after, *before; /* rows over sorted columns */
} Point;

typedef struct {
	const GaitProgram *program;
	const GaitRole *role;
	guint32 *columns; /* symbol of each column: symbols sorted by system call */
	GArray *segments;
	GArray *points;
	GPtrArray *rows;
} Cutter;

static void
cutter_clear(Cutter *cutter)
{
	g_free(cutter->columns);
	g_array_unref(cutter->segments);
	g_array_unref(cutter->points);
	g_ptr_array_unref(cutter->rows);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cutter, cutter_clear)

static guint32
symbol_nr(const Cutter *cutter, guint32 symbol)
{
	GaitSymbolRef ref = g_array_index(cutter->role->symbols, GaitSymbolRef, symbol);

	return gait_program_get_symbol(cutter->program, ref)->nr;
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
make_columns(Cutter *cutter)
{
	guint32 n = cutter->role->symbols->len;

	cutter->columns = g_new(guint32, MAX(n, 1));
	for (guint32 i = 0; i < n; i++)
		cutter->columns[i] = i;
	g_qsort_with_data(cutter->columns, (gint)n, sizeof(guint32), compare_columns, cutter);
	cutter->segments = g_array_new(FALSE, FALSE, sizeof(Segment));
	for (guint32 i = 0; i < n; i++) {
		guint32 nr = symbol_nr(cutter, cutter->columns[i]), len = cutter->segments->len;
		Segment *last = len ? &g_array_index(cutter->segments, Segment, len - 1) : NULL;

		if (!last || last->nr != nr || last->word != i / 64) {
			Segment segment = {i / 64, nr, 0, gait_syscall_danger(nr)};

			g_array_append_val(cutter->segments, segment);
			last = &g_array_index(cutter->segments, Segment, len);
		}
		last->mask |= G_GUINT64_CONSTANT(1) << (i % 64);
	}
}

/* W: the danger of the distinct system calls in the intersection of two rows. */
static double
danger_between(const Cutter *cutter, const Point *from, const Point *to)
{
	const Segment *segments = (const Segment *)cutter->segments->data;
	guint32 counted = GAIT_NONE;
	double sum = 0;

	for (guint32 i = 0; i < cutter->segments->len; i++) {
		guint32 word = segments[i].word;

		if (!(from->after[word] & to->before[word] & segments[i].mask) ||
		    segments[i].nr == counted)
			continue;
		counted = segments[i].nr;
		sum += segments[i].danger;
	}
	return sum;
}

/* --- points --- */

static guint64 *
new_row(Cutter *cutter)
{
	guint64 *row = g_new0(guint64, MAX(cutter->role->row_words, 1));

	g_ptr_array_add(cutter->rows, row);
	return row;
}

static const guint64 *
new_full_row(Cutter *cutter)
{
	guint64 *row = new_row(cutter);

	memset(row, 0xff, (gsize)cutter->role->row_words * sizeof *row);
	return row;
}

/* A candidate's rows in column order. A symbol without a bit in either may be on both sides. */
static void
set_rows(Cutter *cutter, Point *point)
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

static guint32
candidate_symbol(const Cutter *cutter, guint32 candidate)
{
	return g_array_index(cutter->role->candidates, GaitCandidate, candidate).symbol;
}

/* Whether every instance reaches candidate a before b. */
static gboolean
is_always_before(const Cutter *cutter, guint32 a, guint32 b)
{
	const guint64 *before = gait_role_row(cutter->role, cutter->role->before, a);

	return a != b && !gait_bit_test(before, candidate_symbol(cutter, b));
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

/* Calls that come when threads collide, or only on some hosts, are no milestones. */
static gboolean
is_eligible(const Cutter *cutter, guint32 candidate)
{
	guint32 nr = symbol_nr(cutter, candidate_symbol(cutter, candidate));

	return !gait_syscall_is_scheduling(nr) && !gait_syscall_is_vdso(nr);
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
rank_candidates(const Cutter *cutter)
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
			rank->n_before += (guint32)is_always_before(
			    cutter, g_array_index(ranks, Rank, k).candidate, rank->candidate);
	}
	g_array_sort(ranks, compare_ranks);
	return ranks;
}

static void
make_points(Cutter *cutter)
{
	const GaitRole *role = cutter->role;
	g_autoptr(GArray) ranks = rank_candidates(cutter);
	const guint64 *full = new_full_row(cutter);
	Point start = {GAIT_NONE, 0, 0, full, full}, end = {GAIT_NONE, 1, 1, full, full};

	g_array_append_val(cutter->points, start);
	for (guint32 i = 0; i < ranks->len; i++) {
		Point point = {.candidate = g_array_index(ranks, Rank, i).candidate};
		const GaitCandidate *candidate =
		    &g_array_index(role->candidates, GaitCandidate, point.candidate);

		point.time = position(candidate->time_ns, candidate->n_instances, role->time_ns,
		                      role->n_instances);
		point.event = position(candidate->n_events, candidate->n_instances, role->n_events,
		                       role->n_instances);
		set_rows(cutter, &point);
		g_array_append_val(cutter->points, point);
	}
	g_array_append_val(cutter->points, end);
}

/* --- the cheapest chain --- */

/* Mean of the share of time and of events; of events alone where the log had no times. */
static double
share_between(const Cutter *cutter, const Point *from, const Point *to)
{
	double events = MAX(to->event - from->event, 0), time = MAX(to->time - from->time, 0);

	return cutter->role->time_ns ? (time + events) / 2 : events;
}

typedef struct {
	double cost;
	guint32 n_cuts;
	guint32 previous; /* point */
} Best;

/* Costs that differ by rounding alone are equal: then fewer cuts win, then the earlier in order. */
static gboolean
is_better(double cost, guint32 n_cuts, const Best *best, double scale)
{
	if (best->previous == GAIT_NONE || cost < best->cost - scale * 1e-9)
		return TRUE;
	return cost < best->cost + scale * 1e-9 && n_cuts < best->n_cuts;
}

static double
price_of_cut(const Cutter *cutter, double whole)
{
	const GaitRole *role = cutter->role;
	double mean = (double)role->n_events / (double)MAX(role->n_instances, 1);

	return whole * (PRICE + PRICE_EVENTS / MAX(mean, 1));
}

/* The cheapest way to each point; that to the last one is the answer. */
static Best *
solve(const Cutter *cutter)
{
	const Point *points = (const Point *)cutter->points->data;
	guint32 n = cutter->points->len;
	Best *best = g_new0(Best, n);
	double whole = danger_between(cutter, &points[0], &points[n - 1]);
	double price = price_of_cut(cutter, whole);

	for (guint32 to = 1; to < n; to++) {
		best[to].previous = GAIT_NONE;
		for (guint32 from = 0; from < to; from++) {
			double base = best[from].cost + (from ? price : 0);

			/* Exposure is never negative: a way that is dear already cannot win. */
			if (best[to].previous != GAIT_NONE && base > best[to].cost + whole * 1e-9)
				continue;
			if (from && to < n - 1 &&
			    !is_always_before(cutter, points[from].candidate, points[to].candidate))
				continue;
			base += share_between(cutter, &points[from], &points[to]) *
			        danger_between(cutter, &points[from], &points[to]);
			if (is_better(base, best[from].n_cuts + 1, &best[to], whole))
				best[to] = (Best){base, best[from].n_cuts + 1, from};
		}
	}
	return best;
}

/* --- phases --- */

static void
append_allowed(const Cutter *cutter, const Point *from, const Point *to, GArray *allowed)
{
	g_autofree guint8 *seen = g_malloc0(cutter->program->calls->len + 1);

	for (guint32 i = 0; i < cutter->role->symbols->len; i++) {
		GaitSymbolRef ref =
		    g_array_index(cutter->role->symbols, GaitSymbolRef, cutter->columns[i]);
		const GaitSymbol *symbol = gait_program_get_symbol(cutter->program, ref);

		if (gait_bit_test(from->after, i) && gait_bit_test(to->before, i))
			seen[gait_calls_find(cutter->program->calls, symbol->nr, symbol->klass)] =
			    1;
	}
	for (guint32 i = 0; i < cutter->program->calls->len; i++)
		if (seen[i])
			g_array_append_val(allowed, i);
}

static void
add_phase(const Cutter *cutter, GaitRole *role, const Point *from, const Point *to)
{
	GaitPhase *phase = gait_role_add_phase(role, GAIT_NONE);

	if (from->candidate != GAIT_NONE)
		phase->milestone = candidate_symbol(cutter, from->candidate);
	phase->time_share = role->time_ns ? MAX(to->time - from->time, 0) : 0;
	phase->event_share = MAX(to->event - from->event, 0);
	append_allowed(cutter, from, to, phase->allowed);
}

void
gait_role_derive_retained(GaitRole *role)
{
	for (guint32 i = role->phases->len; i-- > 0;) {
		GaitPhase *phase = g_ptr_array_index(role->phases, i);
		const GaitPhase *next =
		    i + 1 < role->phases->len ? g_ptr_array_index(role->phases, i + 1) : NULL;
		guint32 a = 0, b = 0;

		g_array_set_size(phase->retained, 0);
		while (a < phase->allowed->len || (next && b < next->retained->len)) {
			guint32 x = a < phase->allowed->len
			                ? g_array_index(phase->allowed, guint32, a)
			                : GAIT_NONE;
			guint32 y = next && b < next->retained->len
			                ? g_array_index(next->retained, guint32, b)
			                : GAIT_NONE;
			guint32 least = MIN(x, y);

			a += x == least;
			b += y == least;
			g_array_append_val(phase->retained, least);
		}
	}
}

void
gait_role_derive_phases(const GaitProgram *program, GaitRole *role)
{
	g_auto(Cutter) cutter = {.program = program, .role = role};
	g_autoptr(GArray) chain = g_array_new(FALSE, FALSE, sizeof(guint32));
	g_autofree Best *best = NULL;
	const Point *points;

	cutter.points = g_array_new(FALSE, FALSE, sizeof(Point));
	cutter.rows = g_ptr_array_new_with_free_func(g_free);
	make_columns(&cutter);
	make_points(&cutter);
	best = solve(&cutter);
	points = (const Point *)cutter.points->data;
	for (guint32 at = cutter.points->len - 1;; at = best[at].previous) {
		g_array_prepend_val(chain, at);
		if (at == 0)
			break;
	}
	g_ptr_array_set_size(role->phases, 0);
	for (guint32 i = 0; i + 1 < chain->len; i++)
		add_phase(&cutter, role, &points[g_array_index(chain, guint32, i)],
		          &points[g_array_index(chain, guint32, i + 1)]);
	gait_role_derive_retained(role);
}
