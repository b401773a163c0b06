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
 * A choice between cuts must not hang on what differs from run to run:
 *
 * - a harmless call that comes now and then: with its danger of 0.05, one more or less of them is
 *   worth a cut in a program that has 20 dangerous ones. It weighs GAIT_HARMLESS here, so that they
 *   decide where there is nothing else;
 * - the time of short lives, which is that of the scheduler: the share of life is the mean of those
 *   of time and of events, but time counts the less the shorter a life is (GAIT_NOISE_NS). Lives
 *   that are short are not exposed for long anyway;
 * - when a heap had to grow, or a signal came (phase-points.c).
 *
 * What a cut costs, as a share of the exposure that the role has without any:
 *
 * - GAIT_PRICE, because a phase that takes away less is not worth a reader's attention;
 * - GAIT_PRICE_EVENTS over the number of events in an instance, because a stretch of a few events
 * is no phase of life: in a thread of 20 calls nearly each one would be a milestone otherwise;
 * - both GAIT_PRICE_AGAIN times where the milestone comes again and again. A call that comes once
 * in a life was reached because the program got there. One that recurs must promise much more; and
 * where it recurs in the rounds of a main loop (interludes.c) it was asked for (a request, a
 * command), marks when somebody happened to ask first, and is no milestone at all;
 *
 * - the same where it comes once in a life, but in a round and not near the end (GAIT_END): that,
 * too, may have been asked for, and what it takes away may only by chance not have come since. In
 * redis it was the first INFO, by which 7 of 20 ways to halve ten runs differed. What drops
 * privileges after its first wait takes away enough to pay this;
 *
 * - both GAIT_PRICE_LOOP times where the milestone is the wait at which the main loop begins
 * (accept among them, for servers that block in it). Of what comes before it, the end often does
 * nothing that serving does not do, too (the last files that are opened, the last line that is
 * logged), and whether that end belongs to the start or to serving costs nearly the same: without
 * the rebate the runs at hand decide. Any share up to 0.15 gave the same milestones; with a quarter
 * nginx's master began to serve, under a light load, when it had written its number to a file, and
 * that bash has a main loop depended on the runs;
 *
 * - down to GAIT_PRICE_END times towards the end of a life. A shutdown is worth to be seen however
 * short it is. The rebate grows gradually, so that no cut is drawn to where it begins.
 *
 * All this is measured by `traces/phases-check --halves`: of 20 ways to halve ten mixed runs, where
 * milestones differed by the danger as it is and the mean of both shares, and by these weights.
 */
#include "model/phases-private.h"

/* W: the danger of the distinct system calls in the intersection of two rows. */
static double
danger_between(const GaitCutter *cutter, const GaitPoint *from, const GaitPoint *to)
{
	const GaitSegment *segments = (const GaitSegment *)cutter->segments->data;
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

/* --- the cheapest chain --- */

static double
share_between(const GaitCutter *cutter, const GaitPoint *from, const GaitPoint *to)
{
	return MAX(gait_cutter_place(cutter, to) - gait_cutter_place(cutter, from), 0);
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

/* What a cut costs whose milestone comes once. */
static double
price_of_cut(const GaitCutter *cutter, double whole)
{
	const GaitRole *role = cutter->role;
	double mean = (double)role->n_events / (double)MAX(role->n_instances, 1);

	return whole * (GAIT_PRICE + GAIT_PRICE_EVENTS / MAX(mean, 1));
}

/* The cheapest way to each point; that to the last one is the answer. */
static Best *
solve(const GaitCutter *cutter)
{
	const GaitPoint *points = (const GaitPoint *)cutter->points->data;
	guint32 n = cutter->points->len;
	Best *best = g_new0(Best, n);
	double whole = danger_between(cutter, &points[0], &points[n - 1]);
	double price = price_of_cut(cutter, whole);

	for (guint32 to = 1; to < n; to++) {
		best[to].previous = GAIT_NONE;
		for (guint32 from = 0; from < to; from++) {
			double base = best[from].cost;

			if (from)
				base += price * points[from].price;
			/* Exposure is never negative: a way that is dear already cannot win. */
			if (best[to].previous != GAIT_NONE && base > best[to].cost + whole * 1e-9)
				continue;
			if (from && to < n - 1 &&
			    !gait_cutter_is_before(cutter, points[from].candidate,
			                           points[to].candidate))
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
append_allowed(const GaitCutter *cutter, const GaitPoint *from, const GaitPoint *to,
               GArray *allowed)
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
add_phase(const GaitCutter *cutter, GaitRole *role, const GaitPoint *from, const GaitPoint *to)
{
	GaitPhase *phase = gait_role_add_phase(role, GAIT_NONE);

	if (from->candidate != GAIT_NONE)
		phase->milestone = gait_cutter_symbol(cutter, from->candidate);
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
gait_program_derive_phases(const GaitProgram *program, guint32 index)
{
	GaitRole *role = gait_program_get_role(program, index);
	g_auto(GaitCutter) cutter = {0};
	g_autoptr(GArray) chain = g_array_new(FALSE, FALSE, sizeof(guint32));
	g_autofree Best *best = NULL;
	g_autofree guint64 *counts = NULL;
	const GaitPoint *points;

	gait_cutter_init(&cutter, program, index);
	best = solve(&cutter);
	points = (const GaitPoint *)cutter.points->data;
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
	counts = gait_role_count_occurrences(program, index);
	gait_role_derive_interludes(program, role, counts);
}
