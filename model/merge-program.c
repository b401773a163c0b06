/* SPDX-License-Identifier: Apache-2.0 */
/* Merging one program into another: libraries, symbols, edges, issuers, calls. */
#include "model/merge-private.h"

#include <string.h>

/* --- keys --- */

static guint
hash_numbers(guint64 a, guint64 b, guint64 c)
{
	guint64 h =
	    (a * 0x9e3779b97f4a7c15u) ^ (b * 0xc2b2ae3d27d4eb4fu) ^ (c * 0x165667b19e3779f9u);

	return (guint)(h >> 32) ^ (guint)h;
}

static guint
symbol_hash(gconstpointer key)
{
	const GaitSymbol *symbol = key;

	return hash_numbers(symbol->nr, symbol->klass, symbol->site);
}

static gboolean
symbol_equal(gconstpointer a, gconstpointer b)
{
	return gait_symbol_compare(a, b) == 0;
}

static guint
edge_hash(gconstpointer key)
{
	const GaitEdge *edge = key;

	return hash_numbers(edge->from, edge->to, 0);
}

static gboolean
edge_equal(gconstpointer a, gconstpointer b)
{
	return gait_edge_compare(a, b) == 0;
}

static guint
issuer_hash(gconstpointer key)
{
	const GaitIssuer *issuer = key;

	return hash_numbers(issuer->nr, issuer->module, issuer->offset);
}

static gboolean
issuer_equal(gconstpointer a, gconstpointer b)
{
	return gait_issuer_compare(a, b) == 0;
}

static void
merge_library_free(gpointer data)
{
	GaitMergeLibrary *library = data;

	g_hash_table_unref(library->symbols);
	g_hash_table_unref(library->edges);
	g_free(library);
}

void
gait_merge_program_free(GaitMergeProgram *part)
{
	g_clear_pointer(&part->libraries, g_hash_table_unref);
	g_clear_pointer(&part->issuers, g_hash_table_unref);
	g_free(part);
}

/* --- calls --- */

/* Both are sorted. */
static void
merge_calls(const GaitMerger *merger, GArray **into, const GArray *from)
{
	GArray *merged = g_array_new(FALSE, FALSE, sizeof(GaitCall));
	guint32 i = 0, k = 0;

	while (i < (*into)->len || k < from->len) {
		const GaitCall *a = i < (*into)->len ? &g_array_index(*into, GaitCall, i) : NULL;
		const GaitCall *b = k < from->len ? &g_array_index(from, GaitCall, k) : NULL;
		int order = !a ? 1 : !b ? -1 : gait_call_compare(a, b);
		GaitCall call = order > 0 ? *b : *a;

		if (order == 0)
			call.n_runs = gait_merger_runs(merger, a->n_runs, b->n_runs);
		g_array_append_val(merged, call);
		i += order <= 0;
		k += order >= 0;
	}
	g_array_unref(*into);
	*into = merged;
}

/* --- libraries --- */

static GaitMergeLibrary *
get_library(GaitMergeProgram *part, guint32 module)
{
	GaitMergeLibrary *library =
	    g_hash_table_lookup(part->libraries, GUINT_TO_POINTER(module + 1));

	if (library)
		return library;
	library = g_new0(GaitMergeLibrary, 1);
	library->index = part->program->libraries->len;
	library->library = gait_program_add_library(part->program, module);
	library->symbols = g_hash_table_new(symbol_hash, symbol_equal);
	library->edges = g_hash_table_new(edge_hash, edge_equal);
	g_hash_table_insert(part->libraries, GUINT_TO_POINTER(module + 1), library);
	return library;
}

/* Traces of a stripped and of a full library name a site differently: the smaller name is kept. */
static void
choose_function(GaitSymbol *symbol, const GaitSymbol *other)
{
	int order;

	if (!other->function)
		return;
	order = symbol->function ? strcmp(other->function, symbol->function) : -1;
	if (order > 0 || (order == 0 && other->delta >= symbol->delta))
		return;
	if (order) {
		g_free(symbol->function);
		symbol->function = g_strdup(other->function);
	}
	symbol->delta = other->delta;
}

static guint32
merge_symbol(const GaitMerger *merger, GaitMergeLibrary *into, const GaitSymbol *from)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(into->symbols, from));
	GaitSymbol *symbol;

	if (!index) {
		symbol = gait_library_add_symbol(into->library, from->nr, from->klass, from->site,
		                                 NULL, 0);
		index = into->library->symbols->len;
		g_hash_table_insert(into->symbols, symbol, GUINT_TO_POINTER(index));
	} else {
		symbol = g_ptr_array_index(into->library->symbols, index - 1);
	}
	choose_function(symbol, from);
	symbol->count = gait_merger_count(merger, symbol->count, from->count);
	symbol->n_runs = gait_merger_runs(merger, symbol->n_runs, from->n_runs);
	symbol->is_amended = symbol->is_amended || from->is_amended;
	return index - 1;
}

static void
merge_role_count(const GaitMerger *merger, GArray *counts, GaitRoleCount add)
{
	for (guint32 i = 0; i < counts->len; i++) {
		GaitRoleCount *there = &g_array_index(counts, GaitRoleCount, i);

		if (there->role != add.role)
			continue;
		there->count = gait_merger_count(merger, there->count, add.count);
		there->n_runs = gait_merger_runs(merger, there->n_runs, add.n_runs);
		return;
	}
	g_array_append_val(counts, add);
}

static void
merge_edge(const GaitMerger *merger, GaitMergeLibrary *into, const GaitEdge *from,
           const guint32 *states, const guint32 *roles)
{
	GaitEdge key = {.from = states[from->from], .to = states[from->to]};
	GaitEdge *edge = g_hash_table_lookup(into->edges, &key);

	if (!edge) {
		edge = gait_library_add_edge(into->library, key.from, key.to);
		g_hash_table_add(into->edges, edge);
	}
	edge->count = gait_merger_count(merger, edge->count, from->count);
	edge->n_runs = gait_merger_runs(merger, edge->n_runs, from->n_runs);
	edge->is_amended = edge->is_amended || from->is_amended;
	for (guint32 i = 0; i < from->roles->len; i++) {
		GaitRoleCount count = g_array_index(from->roles, GaitRoleCount, i);

		count.role = roles[count.role];
		merge_role_count(merger, edge->roles, count);
	}
}

/* Adds symbols and calls; returns the map of states. */
static guint32 *
merge_symbols(const GaitMerger *merger, GaitMergeLibrary *into, const GaitLibrary *from)
{
	guint32 *states = g_new(guint32, GAIT_STATE_FIRST + (gsize)from->symbols->len);

	for (guint32 i = 0; i < GAIT_STATE_FIRST; i++)
		states[i] = i;
	for (guint32 i = 0; i < from->symbols->len; i++)
		states[GAIT_STATE_FIRST + i] =
		    GAIT_STATE_FIRST +
		    merge_symbol(merger, into, g_ptr_array_index(from->symbols, i));
	merge_calls(merger, &into->library->calls, from->calls);
	return states;
}

/* --- programs --- */

static void
merge_issuers(const GaitMerger *merger, GaitMergeProgram *part, const GArray *from)
{
	GArray *issuers = part->program->issuers;

	for (guint32 i = 0; i < from->len; i++) {
		GaitIssuer issuer = g_array_index(from, GaitIssuer, i);
		guint index;

		issuer.module = merger->module_map[issuer.module];
		index = GPOINTER_TO_UINT(g_hash_table_lookup(part->issuers, &issuer));
		if (!index) {
			g_array_append_val(issuers, issuer);
			g_hash_table_insert(part->issuers, g_memdup2(&issuer, sizeof issuer),
			                    GUINT_TO_POINTER(issuers->len));
			continue;
		}
		g_array_index(issuers, GaitIssuer, index - 1).n_runs = gait_merger_runs(
		    merger, g_array_index(issuers, GaitIssuer, index - 1).n_runs, issuer.n_runs);
	}
}

static void
merge_execs(const GaitMerger *merger, GArray *into, const GArray *from)
{
	for (guint32 i = 0; i < from->len; i++) {
		guint32 exec = merger->program_map[g_array_index(from, guint32, i)];
		guint32 k = 0;

		while (k < into->len && g_array_index(into, guint32, k) != exec)
			k++;
		if (k == into->len)
			g_array_append_val(into, exec);
	}
}

/* Rebuilt between runs, a program has several modules: the first in canonical order is its own. */
static void
merge_program_module(const GaitMerger *merger, GaitProgram *into, guint32 module)
{
	const GaitModelModule *there, *other;

	if (module == GAIT_NONE)
		return;
	module = merger->module_map[module];
	if (into->module == GAIT_NONE) {
		into->module = module;
		return;
	}
	there = g_ptr_array_index(merger->model->modules, into->module);
	other = g_ptr_array_index(merger->model->modules, module);
	if (gait_module_compare(other, there) < 0)
		into->module = module;
}

static void
init_part(GaitMergeProgram *part)
{
	if (part->libraries)
		return;
	part->libraries = g_hash_table_new_full(NULL, NULL, NULL, merge_library_free);
	part->issuers = g_hash_table_new_full(issuer_hash, issuer_equal, g_free, NULL);
}

static void
merge_libraries(GaitMerger *merger, GaitMergeProgram *part, GaitMergeMaps *maps)
{
	const GaitProgram *from = maps->from;
	g_autofree GaitMergeLibrary **into = g_new(GaitMergeLibrary *, from->libraries->len + 1);

	for (guint32 i = 0; i < from->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(from, i);

		into[i] = get_library(part, merger->module_map[library->module]);
		maps->libraries[i] = into[i]->index;
		maps->states[i] = merge_symbols(merger, into[i], library);
	}
	gait_merger_add_roles(merger, part->program, maps);
	for (guint32 i = 0; i < from->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(from, i);

		for (guint32 k = 0; k < library->edges->len; k++)
			merge_edge(merger, into[i], g_ptr_array_index(library->edges, k),
			           maps->states[i], maps->roles);
	}
}

void
gait_merger_add_program(GaitMerger *merger, const GaitProgram *from)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(merger->programs, from->path));
	GaitMergeProgram *part = g_ptr_array_index(merger->parts, index - 1);
	guint32 n = from->libraries->len;
	g_autofree guint32 *libraries = g_new(guint32, n + 1);
	g_autofree guint32 **states = g_new(guint32 *, n + 1);
	g_autofree guint32 *roles = g_new(guint32, from->roles->len + 1);
	GaitMergeMaps maps = {from, libraries, states, roles};

	init_part(part);
	part->program->n_runs = gait_merger_runs(merger, part->program->n_runs, from->n_runs);
	merge_program_module(merger, part->program, from->module);
	merge_execs(merger, part->program->execs, from->execs);
	merge_execs(merger, part->program->amended_execs, from->amended_execs);
	merge_issuers(merger, part, from->issuers);
	merge_calls(merger, &part->program->calls, from->calls);
	merge_libraries(merger, part, &maps);
	for (guint32 i = 0; i < n; i++)
		g_free(states[i]);
}
