/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging roles, with the relations that phases are made of. A candidate stays one where each side
 * has it among its own, a side without a whole instance vetoing none; such a side may not know it,
 * and then its last row, that of what was never reached, speaks for it (see GaitRole). Symbols that
 * only one side knows have their bits from that side alone: the candidate occurs in every instance
 * of both, so nothing is missing.
 */
#include "model/merge-private.h"

#include <string.h>

static GaitSymbolRef
map_ref(const GaitMergeMaps *maps, GaitSymbolRef ref)
{
	if (ref.library == GAIT_NONE)
		return ref;
	return (GaitSymbolRef){maps->libraries[ref.library],
	                       maps->states[ref.library][GAIT_STATE_FIRST + ref.symbol] -
	                           GAIT_STATE_FIRST};
}

/* --- symbols --- */

static guint
ref_hash(gconstpointer key)
{
	const GaitSymbolRef *ref = key;

	return ref->library * 2654435761u ^ ref->symbol;
}

static gboolean
ref_equal(gconstpointer a, gconstpointer b)
{
	return gait_symbol_ref_compare(a, b) == 0;
}

/* Appends to symbols what from adds; returns the map of from's symbols. symbols is not sorted. */
static guint32 *
unite_symbols(GArray *symbols, const GaitRole *from, const GaitMergeMaps *maps)
{
	g_autoptr(GHashTable) there = g_hash_table_new_full(ref_hash, ref_equal, g_free, NULL);
	guint32 *map = g_new(guint32, from->symbols->len + 1);

	for (guint32 i = 0; i < symbols->len; i++)
		g_hash_table_insert(
		    there,
		    g_memdup2(&g_array_index(symbols, GaitSymbolRef, i), sizeof(GaitSymbolRef)),
		    GUINT_TO_POINTER(i + 1));
	for (guint32 i = 0; i < from->symbols->len; i++) {
		GaitSymbolRef ref = map_ref(maps, g_array_index(from->symbols, GaitSymbolRef, i));
		guint index = GPOINTER_TO_UINT(g_hash_table_lookup(there, &ref));

		if (!index) {
			g_array_append_val(symbols, ref);
			index = symbols->len;
		}
		map[i] = index - 1;
	}
	return map;
}

/* --- candidates --- */

/* A candidate of the merged role: its row on either side. */
typedef struct {
	guint32 into, from;
} RowPair;

/* For each symbol the candidate on it, GAIT_NONE for none. map: of the symbols, or NULL. */
static guint32 *
index_candidates(const GaitRole *role, guint32 n_symbols, const guint32 *map)
{
	guint32 *index = g_new(guint32, n_symbols + 1);

	for (guint32 i = 0; i < n_symbols; i++)
		index[i] = GAIT_NONE;
	for (guint32 i = 0; i < role->candidates->len; i++) {
		guint32 symbol = g_array_index(role->candidates, GaitCandidate, i).symbol;

		index[map ? map[symbol] : symbol] = i;
	}
	return index;
}

static GaitCandidate
add_candidates(const GaitMerger *merger, const GaitRole *into, const GaitRole *from, RowPair pair)
{
	static const GaitCandidate none;
	const GaitCandidate *a = pair.into < into->candidates->len
	                             ? &g_array_index(into->candidates, GaitCandidate, pair.into)
	                             : &none;
	const GaitCandidate *b = pair.from < from->candidates->len
	                             ? &g_array_index(from->candidates, GaitCandidate, pair.from)
	                             : &none;
	GaitCandidate sum = {0};

	sum.n_instances =
	    (guint32)MIN(gait_merger_count(merger, a->n_instances, b->n_instances), G_MAXUINT32);
	sum.time_ns = gait_merger_count(merger, a->time_ns, b->time_ns);
	sum.n_events = gait_merger_count(merger, a->n_events, b->n_events);
	return sum;
}

/* The candidates of the merged role, and for each the rows that speak for it. */
static GArray *
unite_candidates(const GaitMerger *merger, const GaitRole *into, const GaitRole *from,
                 guint32 n_symbols, const guint32 *map, GArray *pairs)
{
	g_autofree guint32 *in_into = index_candidates(into, n_symbols, NULL);
	g_autofree guint32 *in_from = index_candidates(from, n_symbols, map);
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(GaitCandidate));

	for (guint32 s = 0; s < n_symbols; s++) {
		RowPair pair = {MIN(in_into[s], into->candidates->len),
		                MIN(in_from[s], from->candidates->len)};
		gboolean vetoed = (in_into[s] == GAIT_NONE && into->n_whole > 0) ||
		                  (in_from[s] == GAIT_NONE && from->n_whole > 0);
		GaitCandidate candidate;

		if (vetoed || (in_into[s] == GAIT_NONE && in_from[s] == GAIT_NONE))
			continue;
		candidate = add_candidates(merger, into, from, pair);
		candidate.symbol = s;
		g_array_append_val(candidates, candidate);
		g_array_append_val(pairs, pair);
	}
	return candidates;
}

/* --- relations --- */

/* Or-s row, whose bit i is for symbol map[i] (or i), into out. */
static void
or_row(guint64 *out, const guint64 *row, guint32 n_symbols, const guint32 *map)
{
	for (guint32 i = 0; i < n_symbols; i++)
		if (gait_bit_test(row, i))
			gait_bit_set(out, map ? map[i] : i);
}

typedef struct {
	guint64 *once, *twice;
} Matrices;

/* Row c: what either had once; twice what either had twice or, of different runs, both once. */
static void
unite_row(const GaitMerger *merger, const GaitRole *role, Matrices out, const guint64 *into_once,
          const guint64 *from_once)
{
	for (guint32 w = 0; w < role->row_words; w++) {
		out.once[w] |= into_once[w] | from_once[w];
		if (!merger->is_known)
			out.twice[w] |= into_once[w] & from_once[w];
	}
}

/* Takes row s of what leads to the role's symbols into out, where it has one. */
static void
meet_led(GaitRole *out, const GaitRole *role, const guint32 *map)
{
	g_autofree guint64 *row = g_new(guint64, MAX(out->row_words, 1));

	for (guint32 s = 0; s < role->symbols->len; s++) {
		guint32 to = map ? map[s] : s;
		guint64 *met = gait_role_row(out, out->led, to);

		if (!gait_bit_test(role->in_rounds, s))
			continue;
		memset(row, 0, MAX(out->row_words, 1) * sizeof *row);
		or_row(row, gait_role_row(role, role->led, s), role->symbols->len, map);
		for (guint32 w = 0; w < out->row_words; w++)
			met[w] = gait_bit_test(out->in_rounds, to) ? met[w] & row[w] : row[w];
		gait_bit_set(out->in_rounds, to);
	}
}

/* What is led in one of them and not in the other is not led. One that has too many symbols to look
 * into leaves the union with too many, too. */
static void
unite_led(GaitRole *merged, const GaitRole *into, const GaitRole *from, const guint32 *map)
{
	if (merged->led) {
		meet_led(merged, into, NULL);
		meet_led(merged, from, map);
		return;
	}
	or_row(merged->in_rounds, into->in_rounds, into->symbols->len, NULL);
	or_row(merged->in_rounds, from->in_rounds, from->symbols->len, map);
}

typedef struct {
	const GaitRole *role;
	Matrices matrices;
	const guint32 *map;
} Side;

static void
unite_matrix(const GaitMerger *merger, const GaitRole *merged, Matrices out, const Side *into,
             const Side *from, const GArray *pairs)
{
	g_autofree guint64 *a = g_new(guint64, merged->row_words + 1);
	g_autofree guint64 *b = g_new(guint64, merged->row_words + 1);

	for (guint32 c = 0; c < pairs->len; c++) {
		RowPair pair = g_array_index(pairs, RowPair, c);
		Matrices row = {gait_role_row(merged, out.once, c),
		                gait_role_row(merged, out.twice, c)};

		memset(a, 0, merged->row_words * sizeof *a);
		memset(b, 0, merged->row_words * sizeof *b);
		or_row(a, gait_role_row(into->role, into->matrices.once, pair.into),
		       into->role->symbols->len, into->map);
		or_row(b, gait_role_row(from->role, from->matrices.once, pair.from),
		       from->role->symbols->len, from->map);
		unite_row(merger, merged, row, a, b);
		or_row(row.twice, gait_role_row(into->role, into->matrices.twice, pair.into),
		       into->role->symbols->len, into->map);
		or_row(row.twice, gait_role_row(from->role, from->matrices.twice, pair.from),
		       from->role->symbols->len, from->map);
	}
}

static void
merge_relations(const GaitMerger *merger, GaitRole *into, const GaitRole *from,
                const GaitMergeMaps *maps)
{
	g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(RowPair));
	GaitRole old = *into; /* owns what into had, until the end */
	GArray *symbols = g_array_copy(into->symbols);
	g_autofree guint32 *map = unite_symbols(symbols, from, maps);
	RowPair last = {old.candidates->len, from->candidates->len};

	into->candidates = unite_candidates(merger, &old, from, symbols->len, map, pairs);
	into->symbols = symbols;
	g_array_append_val(pairs, last);
	into->after = into->before = into->after_twice = into->before_twice = NULL;
	into->amended = into->in_rounds = into->led = NULL;
	gait_role_alloc_relations(into);
	unite_matrix(merger, into, (Matrices){into->after, into->after_twice},
	             &(Side){&old, {old.after, old.after_twice}, NULL},
	             &(Side){from, {from->after, from->after_twice}, map}, pairs);
	unite_matrix(merger, into, (Matrices){into->before, into->before_twice},
	             &(Side){&old, {old.before, old.before_twice}, NULL},
	             &(Side){from, {from->before, from->before_twice}, map}, pairs);
	or_row(into->amended, old.amended, old.symbols->len, NULL);
	or_row(into->amended, from->amended, from->symbols->len, map);
	unite_led(into, &old, from, map);
	g_array_unref(old.symbols);
	g_array_unref(old.candidates);
	g_free(old.after);
	g_free(old.before);
	g_free(old.after_twice);
	g_free(old.before_twice);
	g_free(old.amended);
	g_free(old.in_rounds);
	g_free(old.led);
}

/* --- roles --- */

static guint32
find_role(const GaitProgram *program, guint32 parent, GaitSymbolRef creation)
{
	for (guint32 i = 0; i < program->roles->len; i++) {
		const GaitRole *role = gait_program_get_role(program, i);

		if (role->parent == parent &&
		    (parent == GAIT_NONE || ref_equal(&role->creation, &creation)))
			return i;
	}
	return GAIT_NONE;
}

static void
merge_role(const GaitMerger *merger, GaitRole *into, const GaitRole *from,
           const GaitMergeMaps *maps)
{
	merge_relations(merger, into, from, maps);
	into->is_thread = into->is_thread || from->is_thread;
	into->n_instances = gait_merger_count(merger, into->n_instances, from->n_instances);
	into->n_starts = gait_merger_count(merger, into->n_starts, from->n_starts);
	into->n_whole = gait_merger_count(merger, into->n_whole, from->n_whole);
	into->n_runs = gait_merger_runs(merger, into->n_runs, from->n_runs);
	into->time_ns = gait_merger_count(merger, into->time_ns, from->time_ns);
	into->n_events = gait_merger_count(merger, into->n_events, from->n_events);
}

void
gait_merger_add_roles(GaitMerger *merger, GaitProgram *program, GaitMergeMaps *maps)
{
	for (guint32 i = 0; i < maps->from->roles->len; i++) {
		const GaitRole *from = gait_program_get_role(maps->from, i);
		GaitSymbolRef creation = map_ref(maps, from->creation);
		guint32 parent = from->parent == GAIT_NONE ? GAIT_NONE : maps->roles[from->parent];
		guint32 found = find_role(program, parent, creation);

		if (found == GAIT_NONE) {
			GaitRole *role = gait_program_add_role(program, parent, creation);

			gait_role_alloc_relations(role);
			found = program->roles->len - 1;
		}
		merge_role(merger, gait_program_get_role(program, found), from, maps);
		maps->roles[i] = found;
	}
}
