/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of two united models is from which of them: every part is looked up in both. */
#include "model/unite-private.h"

#include "model/model-private.h"

/* --- where a part of the union is on one side ---------------------------------------------------
 */

static guint32
find_part(GHashTable *parts, const char *key)
{
	guint found = GPOINTER_TO_UINT(g_hash_table_lookup(parts, key));

	return found ? found - 1 : GAIT_NONE;
}

GaitSymbolRef
gait_union_side_symbol(const GaitUnionSide *side, GaitSymbolRef ref)
{
	GaitSymbolRef none = {GAIT_NONE, 0};

	if (!side->program || ref.library == GAIT_NONE ||
	    side->libraries[ref.library] == GAIT_NONE ||
	    side->symbols[ref.library][ref.symbol] == GAIT_NONE)
		return none;
	return (GaitSymbolRef){side->libraries[ref.library],
	                       side->symbols[ref.library][ref.symbol]};
}

/* The role of the side that is a child of parent by that symbol. */
static guint32
find_role(const GaitUnionSide *side, const GaitProgram *program, guint32 r)
{
	const GaitRole *role = gait_program_get_role(program, r);
	GPtrArray *roles = side->program->program->roles;
	GaitSymbolRef creation;

	if (role->parent == GAIT_NONE)
		return roles->len > 0 ? 0 : GAIT_NONE;
	creation = gait_union_side_symbol(side, role->creation);
	for (guint32 i = 0; i < roles->len && creation.library != GAIT_NONE; i++) {
		const GaitRole *known = g_ptr_array_index(roles, i);

		if (known->parent != GAIT_NONE && known->parent == side->roles[role->parent] &&
		    gait_symbol_ref_compare(&known->creation, &creation) == 0)
			return i;
	}
	return GAIT_NONE;
}

static void
side_init(GaitUnionSide *side, const GaitUniter *uniter, guint i, const GaitProgram *program)
{
	guint32 n = program->libraries->len;

	*side = (GaitUnionSide){0};
	side->program = g_hash_table_lookup(uniter->indices[i]->by_path, program->path);
	side->libraries = g_new(guint32, n + 1);
	side->symbols = g_new0(guint32 *, n + 1);
	side->roles = g_new(guint32, program->roles->len + 1);
	for (guint32 l = 0; l < n; l++) {
		const GaitLibrary *library = gait_program_get_library(program, l);
		g_autofree char *key =
		    gait_union_dup_library_key(uniter->both->model, program, library);

		side->libraries[l] = find_part(uniter->parts[i], key);
		side->symbols[l] = g_new(guint32, library->symbols->len + 1);
		for (guint32 s = 0; s < library->symbols->len; s++) {
			g_autofree char *symbol =
			    gait_union_dup_symbol_key(key, g_ptr_array_index(library->symbols, s));

			side->symbols[l][s] = find_part(uniter->parts[i], symbol);
		}
	}
	/* Parents come first. */
	for (guint32 r = 0; r < program->roles->len; r++)
		side->roles[r] = side->program ? find_role(side, program, r) : GAIT_NONE;
}

static void
side_clear(GaitUnionSide *side, const GaitProgram *program)
{
	for (guint32 l = 0; l < program->libraries->len; l++)
		g_free(side->symbols[l]);
	g_free(side->symbols);
	g_free(side->libraries);
	g_free(side->roles);
}

/* --- marks --------------------------------------------------------------------------------------
 */

static GaitUnionMark *
add_mark(GaitUniter *uniter, gpointer part, gboolean is_old, gboolean is_new)
{
	GaitUnionMark *mark = g_new0(GaitUnionMark, 1);

	mark->sides = (is_old ? GAIT_SIDE_OLD : 0) | (is_new ? GAIT_SIDE_NEW : 0);
	g_hash_table_insert(uniter->both->marks, part, mark);
	return mark;
}

static guint32
side_state(const GaitUnionSide *side, guint32 library, guint32 state)
{
	guint32 symbol;

	if (state < GAIT_STATE_FIRST)
		return state;
	symbol = side->symbols[library][state - GAIT_STATE_FIRST];
	return symbol == GAIT_NONE ? GAIT_NONE : GAIT_STATE_FIRST + symbol;
}

static gint
compare_edges(gconstpointer a, gconstpointer b)
{
	const GaitEdge *x = *(GaitEdge *const *)a, *y = *(GaitEdge *const *)b;

	return gait_edge_compare(x, y);
}

/* The side's own edge, or NULL. */
static const GaitEdge *
find_edge(const GaitUnionSide *side, guint32 library, const GaitEdge *edge)
{
	const GPtrArray *edges;
	GaitEdge wanted = {0};
	const GaitEdge *key = &wanted, **found;

	if (side->libraries[library] == GAIT_NONE)
		return NULL;
	wanted.from = side_state(side, library, edge->from);
	wanted.to = side_state(side, library, edge->to);
	if (wanted.from == GAIT_NONE || wanted.to == GAIT_NONE)
		return NULL;
	edges = gait_program_get_library(side->program->program, side->libraries[library])->edges;
	if (edges->len == 0)
		return NULL;
	found = bsearch(&key, edges->pdata, edges->len, sizeof(gpointer), compare_edges);
	return found ? *found : NULL;
}

static void
mark_edge(GaitUniter *uniter, const GaitUnionSide sides[2], guint32 library, GaitEdge *edge)
{
	const GaitEdge *found[2] = {find_edge(&sides[0], library, edge),
	                            find_edge(&sides[1], library, edge)};
	GaitUnionMark *mark = add_mark(uniter, edge, found[0] != NULL, found[1] != NULL);
	guint64 all[2] = {0, 0};

	for (guint i = 0; i < 2; i++) {
		const GaitDiffLibrary *known;

		if (!found[i])
			continue;
		known = g_ptr_array_index(sides[i].program->libraries, sides[i].libraries[library]);
		mark->count[i] = found[i]->count;
		all[i] = known->state_count[found[i]->from];
	}
	if (mark->sides == GAIT_SIDE_BOTH)
		mark->has_weight = gait_diff_weigh(mark->count, all, mark->share);
}

static void
mark_library(GaitUniter *uniter, const GaitUnionSide sides[2], GaitLibrary *library, guint32 l)
{
	add_mark(uniter, library, sides[0].libraries[l] != GAIT_NONE,
	         sides[1].libraries[l] != GAIT_NONE);
	for (guint32 s = 0; s < library->symbols->len; s++)
		add_mark(uniter, g_ptr_array_index(library->symbols, s),
		         sides[0].symbols[l][s] != GAIT_NONE, sides[1].symbols[l][s] != GAIT_NONE);
	for (guint32 e = 0; e < library->edges->len; e++)
		mark_edge(uniter, sides, l, g_ptr_array_index(library->edges, e));
}

static void
mark_program(GaitUniter *uniter, GaitProgram *program)
{
	GaitUnionSide sides[2];

	for (guint i = 0; i < 2; i++)
		side_init(&sides[i], uniter, i, program);
	add_mark(uniter, program, sides[0].program != NULL, sides[1].program != NULL);
	for (guint32 l = 0; l < program->libraries->len; l++)
		mark_library(uniter, sides, gait_program_get_library(program, l), l);
	for (guint32 r = 0; r < program->roles->len; r++)
		add_mark(uniter, gait_program_get_role(program, r), sides[0].roles[r] != GAIT_NONE,
		         sides[1].roles[r] != GAIT_NONE);
	gait_uniter_cut(uniter, program, sides);
	for (guint i = 0; i < 2; i++)
		side_clear(&sides[i], program);
}

void
gait_uniter_mark(GaitUniter *uniter)
{
	for (guint32 p = 0; p < uniter->both->model->programs->len; p++)
		mark_program(uniter, gait_model_get_program(uniter->both->model, p));
}
