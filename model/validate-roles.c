/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a program's roles: the tree, the relations, the phases. */
#include "model/life.h"
#include "model/validate-private.h"

#include <string.h>

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)

static gboolean
is_symbol(const GaitProgram *program, GaitSymbolRef ref)
{
	return ref.library < program->libraries->len &&
	       ref.symbol < gait_program_get_library(program, ref.library)->symbols->len;
}

/* --- the tree --- */

/* No creation twice on the way up (such a role folds), and not too many. */
static gboolean
check_chain(const GaitValidator *validator, const GaitRole *role)
{
	guint32 depth = 0;

	for (guint32 i = role->parent; i != GAIT_NONE; depth++) {
		const GaitRole *parent = gait_program_get_role(validator->program, i);

		if (depth >= GAIT_MAX_ROLE_DEPTH)
			return gait_place_fail(validator->place, GAIT_ERROR_TOO_LARGE,
			                       "it is more than %d creations away from main",
			                       GAIT_MAX_ROLE_DEPTH);
		if (gait_symbol_ref_compare(&parent->creation, &role->creation) == 0)
			return fail(validator->place,
			            "its creation already is in its chain, so it is the role made "
			            "there first");
		i = parent->parent;
	}
	return TRUE;
}

/* Preorder: the parent is the role before or one that it descends from; siblings are sorted. */
static gboolean
check_place_in_tree(const GaitValidator *validator, guint32 index, const GaitRole *role)
{
	guint32 sibling = GAIT_NONE;

	for (guint32 i = index - 1; i != role->parent;) {
		if (i == GAIT_NONE)
			return fail(validator->place,
			            "it is out of order (a role is followed by its children)");
		sibling = i;
		i = gait_program_get_role(validator->program, i)->parent;
	}
	if (sibling != GAIT_NONE &&
	    gait_symbol_ref_compare(&gait_program_get_role(validator->program, sibling)->creation,
	                            &role->creation) >= 0)
		return fail(validator->place, "it is there twice, or out of order (the children of "
		                              "a role are sorted by creation)");
	return TRUE;
}

static gboolean
check_tree(const GaitValidator *validator, guint32 index, const GaitRole *role)
{
	if (index == 0) {
		if (role->parent != GAIT_NONE || role->creation.library != GAIT_NONE)
			return fail(validator->place, "the first role is main, which none creates");
		return TRUE;
	}
	if (role->parent >= index)
		return fail(validator->place, "its parent has to come before it");
	if (!is_symbol(validator->program, role->creation))
		return fail(validator->place, "its creation is not a symbol");
	return check_chain(validator, role) && check_place_in_tree(validator, index, role);
}

/* --- relations --- */

static gboolean
check_role_symbols(const GaitValidator *validator, const GaitRole *role)
{
	for (guint32 i = 0; i < role->symbols->len; i++) {
		const GaitSymbolRef *ref = &g_array_index(role->symbols, GaitSymbolRef, i);

		if (!is_symbol(validator->program, *ref))
			return fail(validator->place, "symbols[%u] does not exist", i);
		if (i && gait_symbol_ref_compare(ref - 1, ref) >= 0)
			return fail(validator->place, "symbols[%u] is there twice, or out of order",
			            i);
	}
	return TRUE;
}

static gboolean
check_candidates(const GaitValidator *validator, const GaitRole *role)
{
	for (guint32 i = 0; i < role->candidates->len; i++) {
		const GaitCandidate *candidate = &g_array_index(role->candidates, GaitCandidate, i);
		gsize mark = gait_place_enter(validator->place, "candidates", i);

		if (candidate->symbol >= role->symbols->len)
			return fail(validator->place, "it is not one of the role's symbols");
		if (i && candidate[-1].symbol >= candidate->symbol)
			return fail(validator->place, "it is there twice, or out of order");
		if (candidate->n_instances > role->n_starts)
			return fail(validator->place, "it has more instances than the role");
		if (candidate->n_events > GAIT_MAX_COUNTER || candidate->time_ns > GAIT_MAX_COUNTER)
			return fail(validator->place, "its sums are above the bound of 2^63 - 1");
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

/* Bits of a row beyond the last symbol are zero: whole words are compared and or-ed. */
static gboolean
has_stray_bit(const GaitRole *role, const guint64 *row)
{
	guint32 used = role->symbols->len % 64;

	return used && row[role->row_words - 1] >> used;
}

static gboolean
has_stray_bits(const GaitRole *role, guint64 *matrix)
{
	for (guint32 c = 0; c <= role->candidates->len; c++)
		if (has_stray_bit(role, gait_role_row(role, matrix, c)))
			return TRUE;
	return FALSE;
}

static gboolean
check_led(const GaitValidator *validator, const GaitRole *role)
{
	for (guint32 s = 0; role->led && s < role->symbols->len; s++) {
		const guint64 *row = gait_role_row(role, role->led, s);
		guint64 any = 0;

		for (guint32 w = 0; w < role->row_words; w++)
			any |= row[w];
		if (any && has_stray_bit(role, row))
			return fail(validator->place,
			            "what leads to a symbol has a bit beyond the last");
		if (any && !gait_bit_test(role->in_rounds, s))
			return fail(validator->place,
			            "a symbol is led that never occurred in a round");
	}
	return TRUE;
}

static gboolean
check_relations(const GaitValidator *validator, const GaitRole *role)
{
	if (role->row_words != (role->symbols->len + 63) / 64 || !role->after || !role->before ||
	    !role->after_twice || !role->before_twice || !role->amended || !role->in_rounds ||
	    (!role->led && role->symbols->len <= GAIT_MAX_LED))
		return fail(validator->place, "it has no relations for its symbols");
	if (has_stray_bits(role, role->after) || has_stray_bits(role, role->before) ||
	    has_stray_bits(role, role->after_twice) || has_stray_bits(role, role->before_twice) ||
	    has_stray_bit(role, role->amended) || has_stray_bit(role, role->in_rounds))
		return fail(validator->place, "a relation has a bit beyond the last symbol");
	return check_led(validator, role);
}

/* --- phases --- */

static gboolean
check_phase_calls(const GaitValidator *validator, const char *what, const GArray *calls)
{
	for (guint32 i = 0; i < calls->len; i++) {
		guint32 call = g_array_index(calls, guint32, i);

		if (call >= validator->program->calls->len)
			return fail(validator->place, "%s[%u] is not a call of the program", what,
			            i);
		if (i && g_array_index(calls, guint32, i - 1) >= call)
			return fail(validator->place,
			            "%s[%u] is there twice, or out of order (calls are sorted as "
			            "in the program's list)",
			            what, i);
	}
	return TRUE;
}

/* retained = allowed ∪ retained of the next phase. */
static gboolean
check_retained(const GaitValidator *validator, const GaitPhase *phase, const GaitPhase *next)
{
	g_autofree guint8 *kept = g_malloc0(validator->program->calls->len + 1);
	guint32 n_kept = 0;
	gboolean is_right = TRUE;

	for (guint32 i = 0; i < phase->allowed->len; i++)
		kept[g_array_index(phase->allowed, guint32, i)] = 1;
	for (guint32 i = 0; next && i < next->retained->len; i++)
		kept[g_array_index(next->retained, guint32, i)] = 1;
	for (guint32 i = 0; i < validator->program->calls->len; i++)
		n_kept += kept[i];
	for (guint32 i = 0; i < phase->retained->len; i++)
		is_right = is_right && kept[g_array_index(phase->retained, guint32, i)];
	if (!is_right || n_kept != phase->retained->len)
		return fail(validator->place, "\"retained\" has to list what this and all later "
		                              "phases allow, and nothing else");
	return TRUE;
}

static gboolean
check_interludes(const GaitValidator *validator, const GaitRole *role, const GaitPhase *phase)
{
	g_autofree guint8 *is_led = g_malloc0(validator->program->calls->len + 1);

	if (phase->interludes->len > GAIT_MAX_INTERLUDES)
		return fail(validator->place, "it has more than %d interludes",
		            GAIT_MAX_INTERLUDES);
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		const GaitInterlude *last = i ? g_ptr_array_index(phase->interludes, i - 1) : NULL;

		if (interlude->entry >= role->symbols->len)
			return fail(validator->place,
			            "an interlude's entry is not one of the role's "
			            "symbols");
		if (last && last->entry >= interlude->entry)
			return fail(validator->place,
			            "an interlude is there twice, or out of order");
		if (!check_phase_calls(validator, "calls", interlude->calls))
			return FALSE;
		for (guint32 k = 0; k < interlude->calls->len; k++) {
			guint32 call = g_array_index(interlude->calls, guint32, k);

			if (!gait_phase_allows(phase, call) || is_led[call]++)
				return fail(validator->place,
				            "a call of an interlude is not allowed "
				            "in the phase, or is in two of them");
		}
	}
	return TRUE;
}

static gboolean
check_phase(const GaitValidator *validator, const GaitRole *role, guint32 i)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, i);

	if (i == 0 && phase->milestone != GAIT_NONE)
		return fail(validator->place,
		            "the first phase begins with the role, not with a milestone");
	if (i > 0 && phase->milestone >= role->symbols->len)
		return fail(validator->place, "its milestone is not one of the role's symbols");
	if (!(phase->time_share >= 0 && phase->time_share <= 1) ||
	    !(phase->event_share >= 0 && phase->event_share <= 1))
		return fail(validator->place, "its shares are not between 0 and 1");
	return check_phase_calls(validator, "allowed", phase->allowed) &&
	       check_phase_calls(validator, "retained", phase->retained) &&
	       check_interludes(validator, role, phase);
}

static gboolean
check_phases(const GaitValidator *validator, const GaitRole *role)
{
	g_autofree guint8 *used = g_malloc0(role->symbols->len + 1);
	const GaitPhase *next = NULL;

	if (role->phases->len == 0)
		return fail(validator->place, "it has no phase");
	for (guint32 i = role->phases->len; i-- > 0;) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, i);
		gsize mark = gait_place_enter(validator->place, "phases", i);

		if (!check_phase(validator, role, i) || !check_retained(validator, phase, next))
			return FALSE;
		if (i && used[phase->milestone]++)
			return fail(validator->place, "a later phase has the same milestone");
		next = phase;
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

/* --- roles --- */

static gboolean
check_role(const GaitValidator *validator, guint32 index, GHashTable *names)
{
	const GaitRole *role = gait_program_get_role(validator->program, index);

	if (!role->name || !role->name[0])
		return fail(validator->place, "it has no name");
	if (!g_hash_table_add(names, role->name))
		return fail(validator->place, "another role has the same name");
	if (!check_tree(validator, index, role))
		return FALSE;
	if (role->n_starts > role->n_instances || role->n_whole > role->n_starts)
		return fail(validator->place,
		            "it has %" G_GUINT64_FORMAT
		            " instances, fewer than starts or whole ones",
		            role->n_instances);
	if (role->time_ns > GAIT_MAX_COUNTER ||
	    !gait_validate_counts(validator, role->n_instances, role->n_runs) ||
	    !gait_validate_counts(validator, role->n_events, 0))
		return fail(validator->place, "its sums are above the bound of 2^63 - 1");
	return check_role_symbols(validator, role) && check_candidates(validator, role) &&
	       check_relations(validator, role) && check_phases(validator, role);
}

gboolean
gait_validate_roles(GaitValidator *validator)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	if (validator->program->roles->len == 0)
		return fail(validator->place, "it has no role, not even main");
	if (validator->program->roles->len > GAIT_MAX_ROLES)
		return gait_place_fail(validator->place, GAIT_ERROR_TOO_LARGE,
		                       "it has more than %d roles", GAIT_MAX_ROLES);
	for (guint32 i = 0; i < validator->program->roles->len; i++) {
		gsize mark = gait_place_enter(validator->place, "roles", i);

		if (!check_role(validator, i, names))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}
