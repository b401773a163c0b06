/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the relations of a role. They are what every run left behind, or-ed. */
#include "model/life.h"

#include "model/model-private.h"

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
