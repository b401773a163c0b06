/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical order: sorts every part of a model and remaps every index that points into what was
 * sorted, from the outside in, so that the same content in any order becomes the same bytes.
 * Sorting keys are identities, never counts or names for people. What is derived comes last, from
 * the sorted model.
 */
#include "model/model-private.h"

typedef struct {
	gpointer item;
	guint32 old;
} Slot;

static int
compare_slots(gconstpointer a, gconstpointer b, gpointer compare)
{
	return ((GCompareFunc)compare)(((const Slot *)a)->item, ((const Slot *)b)->item);
}

/* Sorts array; the returned map gives the new index for an old one. */
static guint32 *
sort_mapped(GPtrArray *array, GCompareFunc compare)
{
	g_autofree Slot *slots = g_new(Slot, MAX(array->len, 1));
	guint32 *map = g_new(guint32, MAX(array->len, 1));

	for (guint32 i = 0; i < array->len; i++)
		slots[i] = (Slot){g_ptr_array_index(array, i), i};
	g_qsort_with_data(slots, (gint)array->len, sizeof *slots, compare_slots, (gpointer)compare);
	for (guint32 i = 0; i < array->len; i++) {
		array->pdata[i] = slots[i].item;
		map[slots[i].old] = i;
	}
	return map;
}

static int
compare_programs(const GaitProgram *a, const GaitProgram *b)
{
	return g_strcmp0(a->path, b->path);
}

static int
compare_libraries(const GaitLibrary *a, const GaitLibrary *b)
{
	return (a->module > b->module) - (a->module < b->module);
}

static int
compare_numbers(const guint32 *a, const guint32 *b)
{
	return (*a > *b) - (*a < *b);
}

static int
compare_role_counts(const GaitRoleCount *a, const GaitRoleCount *b)
{
	return compare_numbers(&a->role, &b->role);
}

static void
sort_runs(GaitModel *model)
{
	g_free(sort_mapped(model->runs, (GCompareFunc)gait_run_compare));
	g_free(sort_mapped(model->amendments, (GCompareFunc)gait_amendment_compare));
}

/* --- modules and programs --- */

static void
remap_modules(GaitProgram *program, const guint32 *map)
{
	if (program->module != GAIT_NONE)
		program->module = map[program->module];
	for (guint32 i = 0; i < program->libraries->len; i++) {
		GaitLibrary *library = gait_program_get_library(program, i);

		library->module = map[library->module];
	}
	for (guint32 i = 0; i < program->issuers->len; i++) {
		GaitIssuer *issuer = &g_array_index(program->issuers, GaitIssuer, i);

		issuer->module = map[issuer->module];
	}
	g_array_sort(program->issuers, (GCompareFunc)gait_issuer_compare);
}

static void
sort_modules(GaitModel *model)
{
	g_autofree guint32 *map = sort_mapped(model->modules, (GCompareFunc)gait_module_compare);

	for (guint32 i = 0; i < model->programs->len; i++)
		remap_modules(gait_model_get_program(model, i), map);
}

static void
remap_numbers(GArray *numbers, const guint32 *map)
{
	for (guint32 i = 0; i < numbers->len; i++)
		g_array_index(numbers, guint32, i) = map[g_array_index(numbers, guint32, i)];
	g_array_sort(numbers, (GCompareFunc)compare_numbers);
}

static void
sort_programs(GaitModel *model)
{
	g_autofree guint32 *map = sort_mapped(model->programs, (GCompareFunc)compare_programs);

	for (guint32 i = 0; i < model->programs->len; i++) {
		remap_numbers(gait_model_get_program(model, i)->execs, map);
		remap_numbers(gait_model_get_program(model, i)->amended_execs, map);
	}
}

/* --- libraries and symbols --- */

static guint32
remap_state(guint32 state, const guint32 *map)
{
	return state < GAIT_STATE_FIRST ? state : GAIT_STATE_FIRST + map[state - GAIT_STATE_FIRST];
}

/* Sorts one library's symbols and edges; returns the map of its symbols. */
static guint32 *
sort_symbols(GaitLibrary *library)
{
	guint32 *map = sort_mapped(library->symbols, (GCompareFunc)gait_symbol_compare);

	for (guint32 i = 0; i < library->edges->len; i++) {
		GaitEdge *edge = g_ptr_array_index(library->edges, i);

		edge->from = remap_state(edge->from, map);
		edge->to = remap_state(edge->to, map);
	}
	g_free(sort_mapped(library->edges, (GCompareFunc)gait_edge_compare));
	return map;
}

/* The maps of all symbols of a program, so that a reference finds its new place. */
typedef struct {
	guint32 *library;  /* old index of a library → new index */
	guint32 **symbols; /* per old index of a library */
} SymbolMaps;

static GaitSymbolRef
remap_ref(const SymbolMaps *maps, GaitSymbolRef ref)
{
	if (ref.library == GAIT_NONE)
		return ref;
	return (GaitSymbolRef){maps->library[ref.library], maps->symbols[ref.library][ref.symbol]};
}

/* --- roles --- */

static void
permute_row(const GaitRole *role, const guint64 *from, guint64 *to, const guint32 *bits)
{
	for (guint32 s = 0; s < role->symbols->len; s++)
		if (gait_bit_test(from, bits[s]))
			gait_bit_set(to, s);
}

/* Moves what was bit bits[s] of row rows[i] to bit s of row i; NULL where there is none. */
static guint64 *
permute_matrix(const GaitRole *role, guint64 *matrix, const guint32 *rows, guint32 n_rows,
               const guint32 *bits)
{
	guint64 *moved;

	if (!matrix)
		return NULL;
	moved = g_new0(guint64, MAX((gsize)role->row_words * n_rows, 1));
	for (guint32 i = 0; i < n_rows; i++)
		permute_row(role, gait_role_row(role, matrix, rows[i]),
		            gait_role_row(role, moved, i), bits);
	g_free(matrix);
	return moved;
}

typedef struct {
	GaitSymbolRef ref;
	guint32 old;
} RefSlot;

static int
compare_ref_slots(gconstpointer a, gconstpointer b)
{
	return gait_symbol_ref_compare(&((const RefSlot *)a)->ref, &((const RefSlot *)b)->ref);
}

/* Sorts the role's symbols; old[i] is where the one that is now i was, map the other way round. */
static void
sort_role_symbols(GaitRole *role, guint32 *old, guint32 *map)
{
	guint32 n = role->symbols->len;
	g_autofree RefSlot *slots = g_new(RefSlot, MAX(n, 1));

	for (guint32 i = 0; i < n; i++)
		slots[i] = (RefSlot){g_array_index(role->symbols, GaitSymbolRef, i), i};
	qsort(slots, n, sizeof *slots, compare_ref_slots);
	for (guint32 i = 0; i < n; i++) {
		g_array_index(role->symbols, GaitSymbolRef, i) = slots[i].ref;
		old[i] = slots[i].old;
		map[slots[i].old] = i;
	}
}

typedef struct {
	GaitCandidate candidate;
	guint32 old;
} CandidateSlot;

static int
compare_candidate_slots(gconstpointer a, gconstpointer b)
{
	return compare_numbers(&((const CandidateSlot *)a)->candidate.symbol,
	                       &((const CandidateSlot *)b)->candidate.symbol);
}

static void
sort_role_candidates(GaitRole *role, const guint32 *symbol_map, guint32 *old)
{
	guint32 n = role->candidates->len;
	g_autofree CandidateSlot *slots = g_new(CandidateSlot, MAX(n, 1));

	for (guint32 i = 0; i < n; i++) {
		slots[i] = (CandidateSlot){g_array_index(role->candidates, GaitCandidate, i), i};
		slots[i].candidate.symbol = symbol_map[slots[i].candidate.symbol];
	}
	qsort(slots, n, sizeof *slots, compare_candidate_slots);
	for (guint32 i = 0; i < n; i++) {
		g_array_index(role->candidates, GaitCandidate, i) = slots[i].candidate;
		old[i] = slots[i].old;
	}
	old[n] = n; /* the row of what was never reached */
}

/* A symbol without a bit in the last row was seen in instances with a start. */
static void
complete_last_row(GaitRole *role)
{
	guint64 *before = gait_role_row(role, role->before, role->candidates->len);
	const guint64 *after = gait_role_row(role, role->after, role->candidates->len);

	for (guint32 s = 0; s < role->symbols->len; s++)
		if (!gait_bit_test(after, s))
			gait_bit_set(before, s);
}

static void
sort_role(GaitRole *role, const SymbolMaps *maps)
{
	g_autofree guint32 *bits = g_new(guint32, role->symbols->len + 1);
	g_autofree guint32 *map = g_new(guint32, role->symbols->len + 1);
	g_autofree guint32 *rows = g_new(guint32, role->candidates->len + 1);
	const guint32 n = role->candidates->len + 1, first = 0;

	role->creation = remap_ref(maps, role->creation);
	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef *ref = &g_array_index(role->symbols, GaitSymbolRef, i);

		*ref = remap_ref(maps, *ref);
	}
	sort_role_symbols(role, bits, map);
	sort_role_candidates(role, map, rows);
	if (!role->after)
		gait_role_alloc_relations(role);
	role->after = permute_matrix(role, role->after, rows, n, bits);
	role->before = permute_matrix(role, role->before, rows, n, bits);
	role->after_twice = permute_matrix(role, role->after_twice, rows, n, bits);
	role->before_twice = permute_matrix(role, role->before_twice, rows, n, bits);
	role->amended = permute_matrix(role, role->amended, &first, 1, bits);
	role->in_rounds = permute_matrix(role, role->in_rounds, &first, 1, bits);
	role->led = permute_matrix(role, role->led, bits, role->symbols->len, bits);
	complete_last_row(role);
}

static void
sort_libraries(GaitProgram *program)
{
	guint32 n = program->libraries->len;
	g_autofree guint32 **symbols = g_new(guint32 *, MAX(n, 1));
	g_autofree guint32 *library = NULL;

	for (guint32 i = 0; i < n; i++)
		symbols[i] = sort_symbols(gait_program_get_library(program, i));
	library = sort_mapped(program->libraries, (GCompareFunc)compare_libraries);
	for (guint32 i = 0; i < program->roles->len; i++)
		sort_role(gait_program_get_role(program, i), &(SymbolMaps){library, symbols});
	for (guint32 i = 0; i < n; i++)
		g_free(symbols[i]);
}

typedef struct {
	const GaitRole *role;
	guint32 old;
} RoleSlot;

/* By parent (main's GAIT_NONE first), then by creation, both descending: a stack pops ascending. */
static int
compare_role_slots(gconstpointer a, gconstpointer b)
{
	const RoleSlot *x = a, *y = b;
	guint32 px = x->role->parent + 1, py = y->role->parent + 1;

	if (px != py)
		return px < py ? -1 : 1;
	return -gait_symbol_ref_compare(&x->role->creation, &y->role->creation);
}

/*
 * Roles in preorder: main, then each child by creation symbol, followed by its own children. The
 * stack is explicit because a hostile model may nest deeply.
 */
static void
sort_roles(GaitProgram *program, guint32 *map)
{
	guint32 n = program->roles->len, n_done = 0, n_stack = 0;
	g_autofree RoleSlot *slots = g_new(RoleSlot, MAX(n, 1));
	g_autofree guint32 *first = g_new0(guint32, (gsize)n + 2);
	g_autofree guint32 *stack = g_new(guint32, MAX(n, 1));
	g_autofree gpointer *sorted = g_new(gpointer, MAX(n, 1));

	for (guint32 i = 0; i < n; i++) {
		slots[i] = (RoleSlot){gait_program_get_role(program, i), i};
		first[slots[i].role->parent + 1 + 1]++;
	}
	for (guint32 i = 0; i <= n; i++)
		first[i + 1] += first[i];
	qsort(slots, n, sizeof *slots, compare_role_slots);
	for (guint32 i = first[0]; i < first[1]; i++)
		stack[n_stack++] = slots[i].old;
	while (n_stack > 0) {
		guint32 old = stack[--n_stack];

		sorted[n_done] = program->roles->pdata[old];
		map[old] = n_done++;
		for (guint32 i = first[old + 1]; i < first[old + 2]; i++)
			stack[n_stack++] = slots[i].old;
	}
	g_assert(n_done == n);
	for (guint32 i = 0; i < n; i++)
		program->roles->pdata[i] = sorted[i];
}

static void
remap_roles(GaitProgram *program)
{
	g_autofree guint32 *map = g_new(guint32, program->roles->len + 1);

	sort_roles(program, map);
	for (guint32 i = 0; i < program->roles->len; i++) {
		GaitRole *role = gait_program_get_role(program, i);

		if (role->parent != GAIT_NONE)
			role->parent = map[role->parent];
	}
	for (guint32 i = 0; i < program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(program, i);

		for (guint32 k = 0; k < library->edges->len; k++) {
			GArray *roles = ((GaitEdge *)g_ptr_array_index(library->edges, k))->roles;

			for (guint32 r = 0; r < roles->len; r++) {
				GaitRoleCount *count = &g_array_index(roles, GaitRoleCount, r);

				count->role = map[count->role];
			}
			g_array_sort(roles, (GCompareFunc)compare_role_counts);
		}
	}
}

void
gait_model_normalize(GaitModel *model)
{
	sort_runs(model);
	sort_modules(model);
	sort_programs(model);
	for (guint32 i = 0; i < model->programs->len; i++) {
		GaitProgram *program = gait_model_get_program(model, i);

		sort_libraries(program);
		remap_roles(program);
		gait_program_derive_calls(program);
		gait_program_derive_names(program);
		for (guint32 k = 0; k < program->roles->len; k++)
			gait_program_derive_phases(program, k);
	}
}
