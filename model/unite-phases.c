/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases of a united role: the cut of the old model as far as the new one's tasks follow it, as
 * in a diff, with what each of the two does in them. In which of them a symbol comes first is
 * written into the role's relations, where the drawings look for it; a symbol that both have stands
 * where the old model has it.
 */
#include "model/unite-private.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"

typedef struct {
	const GaitProgram *program;
	GaitRole *role;
	GaitDiffRole sides[2]; /* role NULL: not there */
	const GaitUnionSide *maps;
	guint main;        /* the side whose cut it is */
	GArray *stretches; /* GaitDiffStretch; the main side's candidates are the first */
} Cut;

/* Index into the role's symbols, or GAIT_NONE. */
static guint32
find_symbol(const GaitRole *role, GaitSymbolRef ref)
{
	guint index;

	if (ref.library == GAIT_NONE ||
	    !g_array_binary_search(role->symbols, &ref, (GCompareFunc)gait_symbol_ref_compare,
	                           &index))
		return GAIT_NONE;
	return index;
}

/* The same of a side's role, for a symbol of the united one. */
static guint32
find_side_symbol(const Cut *cut, guint side, guint32 symbol)
{
	GaitSymbolRef ref = g_array_index(cut->role->symbols, GaitSymbolRef, symbol);

	if (!cut->sides[side].role)
		return GAIT_NONE;
	return find_symbol(cut->sides[side].role, gait_union_side_symbol(&cut->maps[side], ref));
}

/* The stretch in which a symbol comes first: one that its end comes after in some instance. */
static guint
find_stretch(const Cut *cut, guint32 symbol)
{
	guint n = cut->stretches->len;

	for (guint i = 0; i < 2; i++) {
		guint side = i ? !cut->main : cut->main;
		guint32 index = find_side_symbol(cut, side, symbol);
		const GaitRole *role = cut->sides[side].role;

		for (guint s = 0; index != GAIT_NONE && s < n; s++) {
			guint32 to = g_array_index(cut->stretches, GaitDiffStretch, s).to[i];

			if (s == n - 1 ||
			    gait_bit_test(gait_role_row(role, role->before, to), index))
				return s;
		}
	}
	return n - 1;
}

/* The united role's symbol that begins a stretch. */
static guint32
find_milestone(const Cut *cut, const GaitDiffStretch *stretch)
{
	const GaitRole *main_role = cut->sides[cut->main].role;
	const GaitPhase *phase = g_ptr_array_index(main_role->phases, stretch->first);

	if (stretch->first == 0)
		return GAIT_NONE;
	for (guint32 s = 0; s < cut->role->symbols->len; s++)
		if (find_side_symbol(cut, cut->main, s) == phase->milestone)
			return s;
	return GAIT_NONE;
}

/* What scheduling decides is no difference: where one side has it, both do. */
static void
share_incidental(GHashTable *const calls[2])
{
	for (guint i = 0; i < 2; i++) {
		g_autoptr(GList) keys = g_hash_table_get_keys(calls[i]);

		for (const GList *key = keys; key; key = key->next)
			if (gait_syscall_is_incidental((guint32)(*(guint64 *)key->data >> 32)))
				g_hash_table_add(calls[!i], g_memdup2(key->data, sizeof(gint64)));
	}
}

static void
add_phase(const GaitUniter *uniter, const Cut *cut, const GaitDiffStretch *stretch)
{
	GaitPhase *phase = gait_role_add_phase(cut->role, find_milestone(cut, stretch));
	GaitUnionPhase *marks = g_new0(GaitUnionPhase, 1);

	marks->first = stretch->first;
	marks->last = stretch->last;
	for (guint i = 0; i < 2; i++) {
		guint side = i ? !cut->main : cut->main;
		const GaitDiffRole *role = &cut->sides[side];

		marks->calls[side] =
		    role->role ? gait_diff_role_calls(role, stretch->from[i], stretch->to[i], TRUE)
		               : g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	}
	if (cut->sides[0].role && cut->sides[1].role) {
		share_incidental(marks->calls);
		marks->untied = gait_diff_role_untied(&cut->sides[0], &cut->sides[1], stretch);
	} else {
		marks->untied = g_array_new(FALSE, FALSE, sizeof(GaitDiffUntied));
	}
	g_hash_table_insert(uniter->both->phases, phase, marks);
	for (guint32 c = 0; c < cut->program->calls->len; c++) {
		const GaitCall *call = &g_array_index(cut->program->calls, GaitCall, c);

		if (gait_union_find_call(marks, call->nr, call->klass))
			g_array_append_val(phase->allowed, c);
	}
}

static gint
compare_candidates(gconstpointer a, gconstpointer b)
{
	const GaitCandidate *x = a, *y = b;

	return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

/* Milestones are the candidates, and what comes first in a phase is before all later ones. */
static void
write_relations(const Cut *cut)
{
	GaitRole *role = cut->role;

	g_array_set_size(role->candidates, 0);
	for (guint32 p = 1; p < role->phases->len; p++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);
		GaitCandidate candidate = {.symbol = phase->milestone};

		g_array_append_val(role->candidates, candidate);
	}
	g_array_sort(role->candidates, compare_candidates);
	gait_role_alloc_relations(role);
	for (guint32 s = 0; s < role->symbols->len; s++) {
		for (guint32 p = find_stretch(cut, s) + 1; p < role->phases->len; p++) {
			const GaitPhase *phase = g_ptr_array_index(role->phases, p);
			GaitCandidate key = {.symbol = phase->milestone};
			guint row;

			if (g_array_binary_search(role->candidates, &key, compare_candidates, &row))
				gait_bit_set(gait_role_row(role, role->before, row), s);
		}
	}
}

static void
cut_role(const GaitUniter *uniter, const GaitProgram *program, const GaitUnionSide sides[2],
         guint32 r)
{
	Cut cut = {.program = program, .role = gait_program_get_role(program, r), .maps = sides};

	for (guint i = 0; i < 2; i++)
		if (sides[i].roles[r] != GAIT_NONE)
			cut.sides[i] = (GaitDiffRole){
			    uniter->indices[i], sides[i].program,
			    gait_program_get_role(sides[i].program->program, sides[i].roles[r])};
	if (!cut.sides[0].role && !cut.sides[1].role)
		return;
	cut.main = cut.sides[0].role ? 0 : 1;
	cut.stretches = gait_diff_role_stretches(
	    &cut.sides[cut.main], cut.sides[!cut.main].role ? &cut.sides[!cut.main] : NULL);
	g_ptr_array_set_size(cut.role->phases, 0);
	for (guint i = 0; i < cut.stretches->len; i++)
		add_phase(uniter, &cut, &g_array_index(cut.stretches, GaitDiffStretch, i));
	gait_role_derive_retained(cut.role);
	write_relations(&cut);
	g_array_unref(cut.stretches);
}

void
gait_uniter_cut(GaitUniter *uniter, const GaitProgram *program, const GaitUnionSide sides[2])
{
	for (guint32 r = 0; r < program->roles->len; r++)
		cut_role(uniter, program, sides, r);
}
