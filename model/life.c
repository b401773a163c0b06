/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the relations of a role. They are what every run left behind, or-ed. */
#include "model/life.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"

static gint
compare_candidates(gconstpointer a, gconstpointer b)
{
	const GaitCandidate *x = a, *y = b;

	return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

guint32
gait_role_find_candidate(const GaitRole *role, guint32 symbol)
{
	GaitCandidate candidate = {.symbol = symbol};
	guint index;

	if (!g_array_binary_search(role->candidates, &candidate, compare_candidates, &index))
		return GAIT_NONE;
	return index;
}

gboolean
gait_role_is_between(const GaitRole *role, guint32 symbol, guint32 from, guint32 to)
{
	if (from != GAIT_NONE && !gait_bit_test(gait_role_row(role, role->after, from), symbol) &&
	    gait_bit_test(gait_role_row(role, role->before, from), symbol))
		return FALSE;
	return to == GAIT_NONE || gait_bit_test(gait_role_row(role, role->before, to), symbol) ||
	       !gait_bit_test(gait_role_row(role, role->after, to), symbol);
}

void
gait_role_get_bounds(const GaitRole *role, guint32 index, guint32 *from, guint32 *to)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);

	*from = *to = GAIT_NONE;
	if (phase->milestone != GAIT_NONE)
		*from = gait_role_find_candidate(role, phase->milestone);
	if (index + 1 < role->phases->len) {
		phase = g_ptr_array_index(role->phases, index + 1);
		*to = gait_role_find_candidate(role, phase->milestone);
	}
}

gboolean
gait_role_is_created(const GaitProgram *program, const GaitRole *role)
{
	const GaitSymbol *creation = gait_program_get_symbol(program, role->creation);

	return creation && gait_syscall_is_creation(creation->nr);
}

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

	return x < y ? -1 : x > y;
}

gboolean
gait_phase_allows(const GaitPhase *phase, guint32 call)
{
	return g_array_binary_search(phase->allowed, &call, compare_numbers, NULL);
}

guint32
gait_phase_find_entry(const GaitPhase *phase, guint32 call)
{
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);

		if (g_array_binary_search(interlude->calls, &call, compare_numbers, NULL))
			return interlude->entry;
	}
	return GAIT_NONE;
}

GArray *
gait_phase_dup_steady(const GaitPhase *phase)
{
	GArray *steady = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (guint32 i = 0; i < phase->allowed->len; i++) {
		guint32 call = g_array_index(phase->allowed, guint32, i);

		if (gait_phase_find_entry(phase, call) == GAIT_NONE)
			g_array_append_val(steady, call);
	}
	return steady;
}

static guint32
call_nr(const GaitProgram *program, const GArray *calls, guint32 i)
{
	return g_array_index(program->calls, GaitCall, g_array_index(calls, guint32, i)).nr;
}

guint
gait_interlude_count(const GaitProgram *program, const GaitPhase *phase,
                     const GaitInterlude *interlude)
{
	g_autoptr(GArray) steady = gait_phase_dup_steady(phase);
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	guint n = 0;

	for (guint32 i = 0; i < steady->len; i++)
		g_hash_table_add(seen, GUINT_TO_POINTER(call_nr(program, steady, i)));
	for (guint32 i = 0; i < interlude->calls->len; i++)
		n +=
		    g_hash_table_add(seen, GUINT_TO_POINTER(call_nr(program, interlude->calls, i)));
	return n;
}
