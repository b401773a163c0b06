/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases in a diff. Two models may cut a role's life at different places, so lists of phases cannot
 * be compared as they are. What can is the cut of the first model with the relations of both: does
 * a call come between these two milestones in the one and not in the other? That is what enforcing
 * the first model would find in the behaviour of the second. So it is with interludes: those of the
 * first model, and what the second one's rounds say of what led to their calls, is what is new;
 * what is gone is the same the other way round, by the second model's cut.
 */
#include "model/diff-private.h"

#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

/* The candidate with this label, or GAIT_NONE. */
static guint32
find_candidate(const GaitDiffRole *side, const char *label)
{
	for (guint32 i = 0; i < side->role->candidates->len; i++) {
		guint32 symbol = g_array_index(side->role->candidates, GaitCandidate, i).symbol;
		g_autofree char *own = gait_diff_program_dup_label(
		    side->index, side->program,
		    g_array_index(side->role->symbols, GaitSymbolRef, symbol));

		if (g_str_equal(own, label))
			return i;
	}
	return GAIT_NONE;
}

/* The index of the role's symbol with this label, or GAIT_NONE. */
static guint32
find_symbol(const GaitDiffRole *side, const char *label)
{
	for (guint32 i = 0; i < side->role->symbols->len; i++) {
		g_autofree char *own = gait_diff_program_dup_label(
		    side->index, side->program,
		    g_array_index(side->role->symbols, GaitSymbolRef, i));

		if (g_str_equal(own, label))
			return i;
	}
	return GAIT_NONE;
}

GHashTable *
gait_diff_role_calls(const GaitDiffRole *side, guint32 from, guint32 to, gboolean with_incidental)
{
	GHashTable *calls = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (guint32 i = 0; i < side->role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(side->role->symbols, GaitSymbolRef, i);
		const GaitSymbol *symbol = gait_program_get_symbol(side->program->program, ref);
		gint64 *key;

		if ((!with_incidental && gait_syscall_is_incidental(symbol->nr)) ||
		    !gait_role_is_between(side->role, i, from, to))
			continue;
		key = g_new(gint64, 1);
		*key = gait_diff_pack_call(symbol->nr, symbol->klass);
		g_hash_table_add(calls, key);
	}
	return calls;
}

/* Calls that are new in the program or gone from it are so everywhere: said once, elsewhere. */
static void
add_missing(GaitDiff *diff, GaitChange change, const GaitDiffRole *reference,
            const GaitDiffRole *in, GHashTable *known, GHashTable *calls, const char *stretch)
{
	GHashTableIter iterator;
	gpointer key;

	g_hash_table_iter_init(&iterator, calls);
	while (g_hash_table_iter_next(&iterator, &key, NULL)) {
		guint64 packed = (guint64) * (gint64 *)key;
		const GaitCall call = {.nr = (guint32)(packed >> 32), .klass = (guint32)packed};
		g_autofree char *text = NULL;
		GaitDifference *difference;

		if (g_hash_table_contains(known, key) ||
		    !g_hash_table_contains(reference->program->calls, &call))
			continue;
		text = gait_syscall_dup(call.nr, call.klass);
		difference = gait_diff_add(diff, change, GAIT_VERDICT_PHASE, in->program,
		                           in->role->name, g_strdup_printf("%s %s", text, stretch));
		difference->nr = call.nr;
	}
}

/* "in phase 3, from epoll_wait at 0x53ff4 on": by the first model's numbers. */
static char *
describe_stretch(const GaitDiffRole *a, guint first, guint last)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const GaitPhase *phase = g_ptr_array_index(a->role->phases, first);

	if (a->role->phases->len < 2)
		return g_strdup("in this role");
	g_string_append_printf(text, "in phase %u", first + 1);
	if (last > first + 1)
		g_string_append_printf(text, "-%u", last);
	if (phase->milestone != GAIT_NONE) {
		GaitSymbolRef ref =
		    g_array_index(a->role->symbols, GaitSymbolRef, phase->milestone);
		g_autofree char *milestone =
		    gait_diff_dup_symbol(gait_program_get_symbol(a->program->program, ref));

		g_string_append_printf(text, ", from %s on", milestone);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/*
 * Whether some round had the symbol and not the entry before it. What only comes before the first
 * wait is in no round, and needs no entry.
 */
static gboolean
is_unled(const GaitDiffRole *side, guint32 symbol, guint32 entry)
{
	const GaitRole *role = side->role;

	return gait_bit_test(role->in_rounds, symbol) &&
	       (entry == GAIT_NONE || !role->led ||
	        !gait_bit_test(gait_role_row(role, role->led, symbol), entry));
}

/* Whether a side makes the call in a stretch, from some site without the entry before it. */
static gboolean
makes_unled(const GaitDiffRole *side, const GaitCall *call, guint32 from, guint32 to, guint32 entry)
{
	for (guint32 i = 0; i < side->role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(side->role->symbols, GaitSymbolRef, i);
		const GaitSymbol *symbol = gait_program_get_symbol(side->program->program, ref);

		if (symbol->nr == call->nr && symbol->klass == call->klass &&
		    gait_role_is_between(side->role, i, from, to) && is_unled(side, i, entry))
			return TRUE;
	}
	return FALSE;
}

static void
add_untied(GArray *untied, const GaitDiffRole *a, const GaitDiffRole *b,
           const GaitDiffStretch *stretch, const GaitInterlude *interlude)
{
	GaitSymbolRef ref = g_array_index(a->role->symbols, GaitSymbolRef, interlude->entry);
	g_autofree char *label = gait_diff_program_dup_label(a->index, a->program, ref);
	guint32 entry = find_symbol(b, label);

	for (guint32 i = 0; i < interlude->calls->len; i++) {
		GaitDiffUntied call = {g_array_index(a->program->program->calls, GaitCall,
		                                     g_array_index(interlude->calls, guint32, i)),
		                       gait_program_get_symbol(a->program->program, ref)};

		if (makes_unled(b, &call.call, stretch->from[1], stretch->to[1], entry))
			g_array_append_val(untied, call);
	}
}

GArray *
gait_diff_role_untied(const GaitDiffRole *a, const GaitDiffRole *b, const GaitDiffStretch *stretch)
{
	GArray *untied = g_array_new(FALSE, FALSE, sizeof(GaitDiffUntied));
	const GaitPhase *phase = g_ptr_array_index(a->role->phases, stretch->first);

	if (stretch->last != stretch->first + 1)
		return untied;
	for (guint32 i = 0; i < phase->interludes->len; i++)
		add_untied(untied, a, b, stretch, g_ptr_array_index(phase->interludes, i));
	return untied;
}

/* What comes in b outside of a's interlude. */
static void
add_outside(GaitDiff *diff, GaitChange change, const GaitDiffRole *a, const GaitDiffRole *b,
            const GaitDiffStretch *stretch)
{
	g_autoptr(GArray) untied = gait_diff_role_untied(a, b, stretch);
	g_autofree char *text = describe_stretch(a, stretch->first, stretch->last);

	for (guint i = 0; i < untied->len; i++) {
		const GaitDiffUntied *call = &g_array_index(untied, GaitDiffUntied, i);
		g_autofree char *what = gait_syscall_dup(call->call.nr, call->call.klass);
		g_autofree char *entry = gait_diff_dup_symbol(call->entry);

		gait_diff_add(diff, change, GAIT_VERDICT_PHASE, b->program, b->role->name,
		              g_strdup_printf("%s %s, without %s before", what, text, entry))
		    ->nr = call->call.nr;
	}
}

static void
compare_stretch(GaitDiff *diff, const GaitDiffRole *a, const GaitDiffRole *b,
                const GaitDiffStretch *stretch)
{
	g_autoptr(GHashTable) in_a =
	    gait_diff_role_calls(a, stretch->from[0], stretch->to[0], FALSE);
	g_autoptr(GHashTable) in_b =
	    gait_diff_role_calls(b, stretch->from[1], stretch->to[1], FALSE);
	g_autofree char *text = describe_stretch(a, stretch->first, stretch->last);

	add_missing(diff, GAIT_CHANGE_NEW, a, b, in_a, in_b, text);
	add_missing(diff, GAIT_CHANGE_GONE, b, a, in_b, in_a, text);
	add_outside(diff, GAIT_CHANGE_NEW, a, b, stretch);
}

/* The symbol on whose first occurrence a's phase begins. */
static GaitSymbolRef
get_milestone(const GaitDiffRole *a, guint phase)
{
	guint32 milestone = ((GaitPhase *)g_ptr_array_index(a->role->phases, phase))->milestone;

	return g_array_index(a->role->symbols, GaitSymbolRef, milestone);
}

static gboolean
find_cut(const GaitDiffRole *a, const GaitDiffRole *b, guint phase, guint32 to[2])
{
	g_autofree char *label =
	    gait_diff_program_dup_label(a->index, a->program, get_milestone(a, phase));

	to[0] = find_candidate(a, label);
	to[1] = b ? find_candidate(b, label) : GAIT_NONE;
	return to[0] != GAIT_NONE && (!b || to[1] != GAIT_NONE);
}

GArray *
gait_diff_role_stretches(const GaitDiffRole *a, const GaitDiffRole *b)
{
	GArray *stretches = g_array_new(FALSE, FALSE, sizeof(GaitDiffStretch));
	GaitDiffStretch stretch = {0, 0, {GAIT_NONE, GAIT_NONE}, {GAIT_NONE, GAIT_NONE}};
	guint n = a->role->phases->len;

	for (guint phase = 1; phase <= n; phase++) {
		if (phase == n)
			stretch.to[0] = stretch.to[1] = GAIT_NONE;
		else if (!find_cut(a, b, phase, stretch.to))
			continue;
		stretch.last = phase;
		g_array_append_val(stretches, stretch);
		stretch.from[0] = stretch.to[0];
		stretch.from[1] = stretch.to[1];
		stretch.first = phase;
	}
	return stretches;
}

/* Phases within a stretch begin with a milestone that not all tasks of b reach. */
static void
add_unreached(GaitDiff *diff, const GaitDiffRole *a, const GaitDiffRole *b,
              const GaitDiffStretch *stretch)
{
	for (guint phase = stretch->first + 1; phase < stretch->last; phase++) {
		const GaitSymbol *symbol =
		    gait_program_get_symbol(a->program->program, get_milestone(a, phase));
		g_autofree char *text = gait_diff_dup_symbol(symbol);

		gait_diff_add(
		    diff, GAIT_CHANGE_NEW, GAIT_VERDICT_PHASE, b->program, b->role->name,
		    g_strdup_printf("tasks that never reach phase %u, %s", phase + 1, text))
		    ->nr = symbol->nr;
	}
}

void
gait_diff_phases(GaitDiff *diff, const GaitDiffIndex *a, const GaitDiffProgram *in_a,
                 guint32 role_a, const GaitDiffIndex *b, const GaitDiffProgram *in_b,
                 guint32 role_b)
{
	GaitDiffRole first = {a, in_a, gait_program_get_role(in_a->program, role_a)};
	GaitDiffRole second = {b, in_b, gait_program_get_role(in_b->program, role_b)};
	g_autoptr(GArray) stretches = gait_diff_role_stretches(&first, &second);
	g_autoptr(GArray) reverse = gait_diff_role_stretches(&second, &first);

	for (guint i = 0; i < stretches->len; i++) {
		const GaitDiffStretch *stretch = &g_array_index(stretches, GaitDiffStretch, i);

		add_unreached(diff, &first, &second, stretch);
		compare_stretch(diff, &first, &second, stretch);
	}
	for (guint i = 0; i < reverse->len; i++)
		add_outside(diff, GAIT_CHANGE_GONE, &second, &first,
		            &g_array_index(reverse, GaitDiffStretch, i));
}
