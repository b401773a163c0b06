/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two models: everything that one of them has, looked up in the other as its
 * enforcement would. A call site that is new because the call itself is, counts once, as the call.
 */
#include "model/diff-private.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <math.h>
#include <string.h>

/* An edge's share of what follows has to change so much, and to be known so well, to be worth a
 * line. */
#define MIN_SHARE_CHANGE 0.1
#define MIN_STATE_COUNT  20

static void
free_difference(gpointer data)
{
	GaitDifference *difference = data;

	g_free(difference->where);
	g_free(difference->what);
	g_free(difference);
}

GaitDifference *
gait_diff_add(GaitDiff *diff, GaitChange change, GaitVerdict kind, const GaitDiffProgram *program,
              const char *where, char *what)
{
	GaitDifference *difference = g_new0(GaitDifference, 1);

	difference->change = change;
	difference->kind = kind;
	difference->program = program->program->path;
	difference->where = g_strdup(where);
	difference->what = what;
	difference->nr = GAIT_NONE;
	diff->n[change]++;
	g_ptr_array_add(diff->differences, difference);
	return difference;
}

/* One direction: what `in` has that `reference` lacks. side: which of the counts are in's. */
typedef struct {
	GaitDiff *diff;
	GaitChange change;
	guint side;
	const GaitDiffIndex *in_index, *reference_index;
	const GaitDiffProgram *in, *reference;
} Direction;

static GaitDifference *
add(const Direction *direction, GaitVerdict kind, const char *where, char *what, guint32 nr,
    guint64 count, guint32 n_runs)
{
	GaitDifference *difference =
	    gait_diff_add(direction->diff, direction->change, kind, direction->in, where, what);

	difference->nr = nr;
	difference->count[direction->side] = count;
	difference->n_runs[direction->side] = n_runs;
	return difference;
}

/* The outermost kind that the reference has against a symbol; ALLOW: it knows it. */
static GaitVerdict
judge_symbol(const Direction *direction, const GaitDiffLibrary *library, guint32 index,
             const GaitDiffLibrary *known)
{
	const GaitSymbol *symbol = g_ptr_array_index(library->library->symbols, index);
	const GaitCall call = {.nr = symbol->nr, .klass = symbol->klass};

	if (!g_hash_table_contains(direction->reference->calls, &call))
		return GAIT_VERDICT_SYSCALL;
	if (!known || !g_hash_table_contains(known->calls, &call))
		return GAIT_VERDICT_LIBRARY;
	return gait_diff_library_find(known, g_ptr_array_index(library->labels, index))
	           ? GAIT_VERDICT_ALLOW
	           : GAIT_VERDICT_SITE;
}

static char *
dup_edge(const GaitDiffLibrary *library, const GaitEdge *edge)
{
	g_autofree char *from = gait_diff_library_dup_state(library, edge->from);
	g_autofree char *to = gait_diff_library_dup_state(library, edge->to);

	return g_strdup_printf("%s → %s", from, to);
}

static gboolean
knows_state(const GaitDiffLibrary *known, const GaitDiffLibrary *library, guint32 state)
{
	return state < GAIT_STATE_FIRST ||
	       gait_diff_library_find(known, gait_diff_library_state(library, state));
}

static void
compare_edge(const Direction *direction, const GaitDiffLibrary *library,
             const GaitDiffLibrary *known, const GaitEdge *edge)
{
	g_autofree char *key =
	    g_strdup_printf("%s\n%s", gait_diff_library_state(library, edge->from),
	                    gait_diff_library_state(library, edge->to));
	const GaitSymbol *symbol;

	if (g_hash_table_contains(known->edges, key) || !knows_state(known, library, edge->from) ||
	    !knows_state(known, library, edge->to))
		return;
	symbol = g_ptr_array_index(library->library->symbols, edge->to - GAIT_STATE_FIRST);
	add(direction, GAIT_VERDICT_SEQUENCE, library->name, dup_edge(library, edge), symbol->nr,
	    edge->count, edge->n_runs);
}

static void
compare_library(const Direction *direction, const GaitDiffLibrary *library)
{
	const char *key =
	    g_ptr_array_index(direction->in_index->module_keys, library->library->module);
	const GaitDiffLibrary *known = g_hash_table_lookup(direction->reference->by_module, key);

	for (guint32 i = 0; i < library->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->library->symbols, i);
		GaitVerdict kind = judge_symbol(direction, library, i, known);

		if (kind != GAIT_VERDICT_ALLOW)
			add(direction, kind, library->name, gait_diff_dup_symbol(symbol),
			    symbol->nr, symbol->count, symbol->n_runs);
	}
	for (guint32 i = 0; known && i < library->library->edges->len; i++)
		compare_edge(direction, library, known,
		             g_ptr_array_index(library->library->edges, i));
}

/* An instruction counts only where the call itself is known, and the reference knows instructions.
 */
static void
compare_issuers(const Direction *direction)
{
	GHashTableIter iterator;
	gpointer key, value;

	if (g_hash_table_size(direction->reference->issuers) == 0)
		return;
	g_hash_table_iter_init(&iterator, direction->in->issuers);
	while (g_hash_table_iter_next(&iterator, &key, &value)) {
		const GaitIssuer *issuer = value;
		const char *name = gait_model_module_name(direction->in->model, issuer->module);
		gboolean is_known = FALSE;

		for (guint32 i = 0; i < direction->reference->program->calls->len; i++)
			is_known |=
			    g_array_index(direction->reference->program->calls, GaitCall, i).nr ==
			    issuer->nr;
		if (!is_known || g_hash_table_contains(direction->reference->issuers, key))
			continue;
		add(direction, GAIT_VERDICT_ISSUER, name,
		    g_strdup_printf("%s by the instruction at 0x%" G_GINT64_MODIFIER "x",
		                    gait_syscall_name(issuer->nr), issuer->offset),
		    issuer->nr, 0, issuer->n_runs);
	}
}

static char *
dup_path(const char *before, const char *path)
{
	GString *text = g_string_new(before);

	gait_text_append(text, path);
	return g_string_free(text, FALSE);
}

static void
compare_execs(const Direction *direction)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	const GaitProgram *reference = direction->reference->program;

	for (guint32 i = 0; i < reference->execs->len; i++)
		g_hash_table_add(known,
		                 gait_model_get_program(direction->reference->model,
		                                        g_array_index(reference->execs, guint32, i))
		                     ->path);
	for (guint32 i = 0; i < direction->in->program->execs->len; i++) {
		const GaitProgram *program = gait_model_get_program(
		    direction->in->model, g_array_index(direction->in->program->execs, guint32, i));

		if (!g_hash_table_contains(known, program->path))
			add(direction, GAIT_VERDICT_EXEC, NULL, dup_path("runs ", program->path),
			    GAIT_NONE, 0, program->n_runs);
	}
}

static void
compare_roles(const Direction *direction)
{
	for (guint32 i = 0; i < direction->in->roles->len; i++) {
		const GaitRole *role = gait_program_get_role(direction->in->program, i);

		if (!g_hash_table_contains(direction->reference->by_role,
		                           g_ptr_array_index(direction->in->roles, i)))
			add(direction, GAIT_VERDICT_ROLE, NULL, dup_path("tasks ", role->name),
			    GAIT_NONE, role->n_events, role->n_runs);
	}
}

static void
compare_program(const Direction *direction)
{
	compare_execs(direction);
	compare_roles(direction);
	compare_issuers(direction);
	for (guint32 i = 0; i < direction->in->libraries->len; i++)
		compare_library(direction, g_ptr_array_index(direction->in->libraries, i));
}

/* Whether a program that the other model does not have is there for itself: one that another
 * program runs shows as that program's exec. */
static gboolean
is_run_by_another(const GaitDiffIndex *index, guint32 program)
{
	for (guint32 i = 0; i < index->programs->len; i++) {
		const GArray *execs = gait_model_get_program(index->model, i)->execs;

		for (guint32 k = 0; i != program && k < execs->len; k++)
			if (g_array_index(execs, guint32, k) == program)
				return TRUE;
	}
	return FALSE;
}

static void
compare_direction(GaitDiff *diff, GaitChange change, const GaitDiffIndex *reference,
                  const GaitDiffIndex *in)
{
	Direction direction = {.diff = diff,
	                       .change = change,
	                       .side = change == GAIT_CHANGE_NEW,
	                       .in_index = in,
	                       .reference_index = reference};

	for (guint32 i = 0; i < in->programs->len; i++) {
		direction.in = g_ptr_array_index(in->programs, i);
		direction.reference =
		    g_hash_table_lookup(reference->by_path, direction.in->program->path);
		if (direction.reference)
			compare_program(&direction);
		else if (!is_run_by_another(in, i))
			add(&direction, GAIT_VERDICT_EXEC, NULL, g_strdup("the program"), GAIT_NONE,
			    0, direction.in->program->n_runs);
	}
}

/* --- what both have -----------------------------------------------------------------------------
 */

gboolean
gait_diff_weigh(const guint64 count[2], const guint64 all[2], double share[2])
{
	for (guint i = 0; i < 2; i++)
		share[i] = all[i] < MIN_STATE_COUNT ? NAN : (double)count[i] / (double)all[i];
	return fabs(share[0] - share[1]) >= MIN_SHARE_CHANGE;
}

static void
compare_weights(GaitDiff *diff, const GaitDiffProgram *program, const GaitDiffLibrary *a,
                const GaitDiffLibrary *b)
{
	GHashTableIter iterator;
	gpointer key, value;

	g_hash_table_iter_init(&iterator, b->edges);
	while (g_hash_table_iter_next(&iterator, &key, &value)) {
		const GaitEdge *edges[2] = {g_hash_table_lookup(a->edges, key), value};
		const GaitDiffLibrary *libraries[2] = {a, b};
		GaitDifference *difference;
		guint64 count[2], all[2];
		double share[2];

		if (!edges[0])
			continue;
		for (guint i = 0; i < 2; i++) {
			count[i] = edges[i]->count;
			all[i] = libraries[i]->state_count[edges[i]->from];
		}
		if (!gait_diff_weigh(count, all, share))
			continue;
		difference = gait_diff_add(diff, GAIT_CHANGE_WEIGHT, GAIT_VERDICT_SEQUENCE, program,
		                           b->name, dup_edge(b, edges[1]));
		for (guint i = 0; i < 2; i++) {
			difference->share[i] = share[i];
			difference->count[i] = count[i];
			difference->n_runs[i] = edges[i]->n_runs;
		}
	}
}

static void
compare_common(GaitDiff *diff, const GaitDiffIndex *a, const GaitDiffIndex *b)
{
	for (guint32 i = 0; i < b->programs->len; i++) {
		const GaitDiffProgram *in_b = g_ptr_array_index(b->programs, i);
		const GaitDiffProgram *in_a = g_hash_table_lookup(a->by_path, in_b->program->path);
		GHashTableIter iterator;
		gpointer key, value;

		if (!in_a)
			continue;
		g_hash_table_iter_init(&iterator, in_b->by_module);
		while (g_hash_table_iter_next(&iterator, &key, &value)) {
			const GaitDiffLibrary *known = g_hash_table_lookup(in_a->by_module, key);

			if (known)
				compare_weights(diff, in_b, known, value);
		}
		for (guint32 role = 0; role < in_b->roles->len; role++) {
			guint found = GPOINTER_TO_UINT(g_hash_table_lookup(
			    in_a->by_role, g_ptr_array_index(in_b->roles, role)));

			if (found)
				gait_diff_phases(diff, a, in_a, found - 1, b, in_b, role);
		}
	}
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static int
compare_differences(gconstpointer a, gconstpointer b)
{
	const GaitDifference *x = *(const GaitDifference *const *)a;
	const GaitDifference *y = *(const GaitDifference *const *)b;
	int order = strcmp(x->program, y->program);

	if (order == 0 && x->change != y->change)
		order = x->change < y->change ? -1 : 1;
	if (order == 0 && x->kind != y->kind)
		order = x->kind < y->kind ? -1 : 1;
	if (order == 0)
		order = g_strcmp0(x->where, y->where);
	return order != 0 ? order : strcmp(x->what, y->what);
}

/* Of files with one name, which only one of the models has each. */
static void
note_rebuilt(GaitDiff *diff, const GaitDiffIndex *a, const GaitDiffIndex *b)
{
	for (guint32 i = 0; i < b->module_keys->len; i++) {
		const char *key = g_ptr_array_index(b->module_keys, i);

		if (g_hash_table_contains(b->rebuilt, key) &&
		    g_hash_table_contains(a->rebuilt, key))
			g_ptr_array_add(diff->rebuilt,
			                dup_path("", gait_model_module_name(b->model, i)));
	}
}

GaitDiff *
gait_diff_new(const GaitModel *a, const GaitModel *b)
{
	GaitDiff *diff = g_new0(GaitDiff, 1);
	g_autoptr(GaitDiffIndex) in_a = gait_diff_index_new(a, b);
	g_autoptr(GaitDiffIndex) in_b = gait_diff_index_new(b, a);

	diff->differences = g_ptr_array_new_with_free_func(free_difference);
	diff->rebuilt = g_ptr_array_new_with_free_func(g_free);
	note_rebuilt(diff, in_a, in_b);
	compare_direction(diff, GAIT_CHANGE_NEW, in_a, in_b);
	compare_direction(diff, GAIT_CHANGE_GONE, in_b, in_a);
	compare_common(diff, in_a, in_b);
	g_ptr_array_sort(diff->differences, compare_differences);
	return diff;
}

void
gait_diff_free(GaitDiff *diff)
{
	if (!diff)
		return;
	g_ptr_array_unref(diff->differences);
	g_ptr_array_unref(diff->rebuilt);
	g_free(diff);
}
