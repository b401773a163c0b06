/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interludes: what a task does now and then, between two rounds of its main loop that are like all
 * others: it reads its configuration anew, rotates its log, forks a child that saves. Its calls
 * stay allowed in a phase only because of that, so they are tied to the symbol that begins it, the
 * entry: in every round that had one of them, the entry had come before. When the task waits again
 * the interlude is over. There is neither clock nor statistics in that for a walker.
 *
 * Only where the runs bear it: every site of the calls was seen in MIN_RUNS runs and MIN_SEEN times
 * in rounds of this phase, and the entry comes now and then, not with every request. Where waits
 * are as rare as the entry itself, they are not those of a main loop (threads that take their work
 * from a queue wait by futex): what is between them is no round, and whatever came first in it
 * leads to all the rest. And only where it pays: the surface of the calls, weighed by the share of
 * the role's life that is spent in the phase, is worth a reader's attention.
 */
#include "model/act.h"
#include "model/life.h"
#include "model/phases-private.h"
#include "sysgait/syscall.h"

#define MIN_RUNS   3
#define MIN_SEEN   5
#define PER_EVENTS 200   /* an entry is at most one in so many events … */
#define PER_LIFE   4     /* … or comes so often in a life */
#define PER_ROUNDS 4     /* and at most in one round of so many */
#define PRICE      0.025 /* what it has to take away, as a share of all that the role exposes */
#define PER_CALL   0.05

typedef struct {
	const GaitProgram *program;
	GaitRole *role;
	const guint64 *counts; /* occurrences in the role, by its symbols */
	guint8 *is_taken;      /* by call of the program: it is in an interlude of the phase */
	guint8 *is_open;       /* by call: some symbol of it cannot be in any interlude */
	guint8 *is_in_phase;   /* by symbol of the role */
	guint32 *calls;        /* by symbol: its call */
	guint64 n_waits;       /* in the role */
	gboolean has_rounds;   /* in this phase or before it, a task may have waited */
} Finder;

static gboolean
is_rare(const Finder *finder, guint32 symbol)
{
	const GaitRole *role = finder->role;
	guint64 bound = MAX(role->n_events / PER_EVENTS, PER_LIFE * role->n_instances);

	bound = MIN(bound, finder->n_waits / PER_ROUNDS);
	return finder->counts[symbol] > 0 && finder->counts[symbol] <= bound;
}

static gboolean
is_led(const Finder *finder, guint32 symbol, guint32 entry)
{
	return gait_bit_test(gait_role_row(finder->role, finder->role->led, symbol), entry);
}

static const GaitSymbol *
get_symbol(const Finder *finder, guint32 symbol)
{
	return gait_program_get_symbol(finder->program,
	                               g_array_index(finder->role->symbols, GaitSymbolRef, symbol));
}

/* What is in the phase, and which calls no interlude can hold: one that nothing leads to, one that
 * was seen too seldom to tell. */
static void
look_into(Finder *finder, guint32 phase)
{
	const GaitRole *role = finder->role;
	guint32 from, to;

	gait_role_get_bounds(role, phase, &from, &to);
	for (guint32 i = 0; i < finder->program->calls->len; i++)
		finder->is_taken[i] = finder->is_open[i] = FALSE;
	for (guint32 s = 0; s < role->symbols->len; s++) {
		const GaitSymbol *symbol = get_symbol(finder, s);

		finder->is_in_phase[s] = gait_role_is_between(role, s, from, to);
		if (!finder->is_in_phase[s])
			continue;
		if (!gait_bit_test(role->in_rounds, s) || symbol->n_runs < MIN_RUNS ||
		    finder->counts[s] < MIN_SEEN || gait_syscall_is_incidental(symbol->nr))
			finder->is_open[finder->calls[s]] = TRUE;
	}
}

/* Marks the calls of the phase all of whose symbols the entry leads to. */
static void
collect_led(const Finder *finder, const GaitPhase *phase, guint32 entry, guint8 *is_in)
{
	for (guint32 i = 0; i < finder->program->calls->len; i++)
		is_in[i] = FALSE;
	for (guint32 i = 0; i < phase->allowed->len; i++) {
		guint32 call = g_array_index(phase->allowed, guint32, i);

		is_in[call] = !finder->is_open[call] && !finder->is_taken[call];
	}
	for (guint32 s = 0; s < finder->role->symbols->len; s++)
		if (finder->is_in_phase[s] && !is_led(finder, s, entry))
			is_in[finder->calls[s]] = FALSE;
}

/* The surface (act.h) of a set of the program's calls, and a little for each distinct number. */
static double
measure(const Finder *finder, const guint8 *is_there)
{
	guint32 last = GAIT_NONE;
	guint64 acts = 0;
	guint n = 0;

	for (guint32 i = 0; i < finder->program->calls->len; i++) {
		const GaitCall *call = &g_array_index(finder->program->calls, GaitCall, i);

		if (!is_there[i])
			continue;
		n += call->nr != last;
		last = call->nr;
		acts |= gait_act_mask(call->nr, call->klass);
	}
	return gait_act_surface(acts) + PER_CALL * n;
}

/* What the phase exposes no more, outside the interlude. */
static double
measure_gain(const Finder *finder, const GaitPhase *phase, const guint8 *is_in)
{
	g_autofree guint8 *is_there = g_malloc0(finder->program->calls->len + 1);
	double before;

	for (guint32 i = 0; i < phase->allowed->len; i++) {
		guint32 call = g_array_index(phase->allowed, guint32, i);

		is_there[call] = !finder->is_taken[call];
	}
	before = measure(finder, is_there);
	for (guint32 i = 0; i < finder->program->calls->len; i++)
		is_there[i] = is_there[i] && !is_in[i];
	return before - measure(finder, is_there);
}

/* Entries nearer to the beginning of their round are led by less. */
static guint
count_leads(const Finder *finder, guint32 symbol)
{
	const guint64 *row = gait_role_row(finder->role, finder->role->led, symbol);
	guint n = 0;

	for (guint32 w = 0; w < finder->role->row_words; w++)
		n += (guint)__builtin_popcountll(row[w]);
	return n;
}

/* The entry that takes the most danger away; GAIT_NONE where none pays. */
static guint32
find_best(const Finder *finder, const GaitPhase *phase, double price, guint8 *is_in)
{
	guint32 best = GAIT_NONE;
	guint n_best = 0;
	double most = price;

	for (guint32 s = 0; s < finder->role->symbols->len; s++) {
		guint n;
		double gain;

		if (!finder->is_in_phase[s] || !gait_bit_test(finder->role->in_rounds, s) ||
		    !is_rare(finder, s))
			continue;
		collect_led(finder, phase, s, is_in);
		gain = measure_gain(finder, phase, is_in);
		n = count_leads(finder, s);
		if (gain < most || (best != GAIT_NONE && gain == most && n >= n_best))
			continue;
		if (gain <= price)
			continue;
		best = s;
		n_best = n;
		most = gain;
	}
	if (best != GAIT_NONE)
		collect_led(finder, phase, best, is_in);
	return best;
}

static gint
compare_interludes(gconstpointer a, gconstpointer b)
{
	const GaitInterlude *x = *(const GaitInterlude *const *)a;
	const GaitInterlude *y = *(const GaitInterlude *const *)b;

	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static void
add_interlude(Finder *finder, GaitPhase *phase, guint32 entry, const guint8 *is_in)
{
	GaitInterlude *interlude = gait_phase_add_interlude(phase, entry);

	for (guint32 i = 0; i < finder->program->calls->len; i++) {
		if (!is_in[i])
			continue;
		finder->is_taken[i] = TRUE;
		g_array_append_val(interlude->calls, i);
	}
}

/* There are no rounds before the first wait. */
static gboolean
has_wait(const Finder *finder)
{
	for (guint32 s = 0; s < finder->role->symbols->len; s++)
		if (finder->is_in_phase[s] && gait_syscall_is_wait(get_symbol(finder, s)->nr))
			return TRUE;
	return FALSE;
}

/* price: in surface, of an interlude of a phase that lasts all the role's life. */
static void
derive_phase(Finder *finder, guint32 index, double price)
{
	GaitPhase *phase = g_ptr_array_index(finder->role->phases, index);
	g_autofree guint8 *is_in = g_malloc0(finder->program->calls->len + 1);
	double share = finder->role->time_ns ? (phase->time_share + phase->event_share) / 2
	                                     : phase->event_share;

	look_into(finder, index);
	finder->has_rounds = finder->has_rounds || has_wait(finder);
	if (!finder->has_rounds)
		return;
	for (guint i = 0; i < GAIT_MAX_INTERLUDES && share > 0; i++) {
		guint32 entry = find_best(finder, phase, price / share, is_in);

		if (entry == GAIT_NONE)
			break;
		add_interlude(finder, phase, entry, is_in);
	}
	g_ptr_array_sort(phase->interludes, compare_interludes);
}

/* All that the role does. */
static double
measure_whole(const Finder *finder)
{
	g_autofree guint8 *is_there = g_malloc0(finder->program->calls->len + 1);

	for (guint32 s = 0; s < finder->role->symbols->len; s++)
		is_there[finder->calls[s]] = TRUE;
	return measure(finder, is_there);
}

void
gait_role_derive_interludes(const GaitProgram *program, GaitRole *role, const guint64 *counts)
{
	g_autofree guint8 *is_taken = g_malloc0(program->calls->len + 1);
	g_autofree guint8 *is_open = g_malloc0(program->calls->len + 1);
	g_autofree guint8 *is_in_phase = g_malloc0(role->symbols->len + 1);
	g_autofree guint32 *calls = g_new(guint32, role->symbols->len + 1);
	Finder finder = {program, role, counts, is_taken, is_open, is_in_phase, calls, 0, FALSE};
	double price;

	if (!role->led)
		return;
	for (guint32 s = 0; s < role->symbols->len; s++) {
		const GaitSymbol *symbol = get_symbol(&finder, s);

		calls[s] = gait_calls_find(program->calls, symbol->nr, symbol->klass);
		if (gait_syscall_is_wait(symbol->nr))
			finder.n_waits = gait_counter_add(finder.n_waits, counts[s]);
	}
	price = PRICE * measure_whole(&finder);
	for (guint32 p = 0; p < role->phases->len; p++)
		derive_phase(&finder, p, price);
}
