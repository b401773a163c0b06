/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's parts under names that mean the same in both models that are compared.
 *
 * A file that both models have with the same build-id has the same call sites at the same offsets.
 * One that was rebuilt has them elsewhere: there the sites of one call in one function are numbered
 * in the order of their offsets, and the second read() of a function is the second read() of it.
 * Where the function's name is not known, they are numbered within the file. A call that was put in
 * between others of its kind so shifts those behind it, and the last one is what shows as new.
 */
#include "model/diff-private.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

static guint
call_hash(gconstpointer key)
{
	const GaitCall *call = key;

	return call->nr * 0x9e3779b1u ^ call->klass;
}

static gboolean
call_equal(gconstpointer a, gconstpointer b)
{
	const GaitCall *x = a, *y = b;

	return x->nr == y->nr && x->klass == y->klass;
}

static GHashTable *
index_calls(const GArray *calls)
{
	GHashTable *table = g_hash_table_new(call_hash, call_equal);

	for (guint32 i = 0; i < calls->len; i++)
		g_hash_table_add(table, &g_array_index(calls, GaitCall, i));
	return table;
}

/* --- names --------------------------------------------------------------------------------------
 */

char *
gait_diff_dup_symbol(const GaitSymbol *symbol)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_syscall_format(text, symbol->nr, symbol->klass);
	if (symbol->function) {
		g_string_append(text, " at ");
		gait_text_append(text, symbol->function);
		g_string_append_printf(text, "+0x%" G_GINT64_MODIFIER "x", symbol->delta);
	} else if (symbol->site) {
		g_string_append_printf(text, " at 0x%" G_GINT64_MODIFIER "x", symbol->site);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

const char *
gait_diff_library_state(const GaitDiffLibrary *library, guint32 state)
{
	if (state < GAIT_STATE_FIRST)
		return state == GAIT_STATE_START ? "start" : "signal";
	return g_ptr_array_index(library->labels, state - GAIT_STATE_FIRST);
}

char *
gait_diff_library_dup_state(const GaitDiffLibrary *library, guint32 state)
{
	if (state < GAIT_STATE_FIRST)
		return g_strdup(state == GAIT_STATE_START ? "start" : "signal");
	return gait_diff_dup_symbol(
	    g_ptr_array_index(library->library->symbols, state - GAIT_STATE_FIRST));
}

const GaitSymbol *
gait_diff_library_find(const GaitDiffLibrary *library, const char *label)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(library->symbols, label));

	return index ? g_ptr_array_index(library->library->symbols, index - 1) : NULL;
}

char *
gait_diff_program_dup_label(const GaitDiffIndex *index, const GaitDiffProgram *program,
                            GaitSymbolRef ref)
{
	const GaitDiffLibrary *library = g_ptr_array_index(program->libraries, ref.library);

	return g_strdup_printf(
	    "%s %s", (const char *)g_ptr_array_index(index->module_keys, library->library->module),
	    (const char *)g_ptr_array_index(library->labels, ref.symbol));
}

/* --- modules ------------------------------------------------------------------------------------
 */

static gboolean
has_module(const GaitModel *model, const GaitModelModule *module)
{
	for (guint32 i = 0; i < model->modules->len; i++)
		if (gait_module_equal(g_ptr_array_index(model->modules, i), module))
			return TRUE;
	return FALSE;
}

/* The name with the build-id where both models have the very file; else the how-manieth of its name
 * it is among those that only one of them has. */
static void
name_modules(GaitDiffIndex *index, const GaitModel *other)
{
	g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < index->model->modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(index->model->modules, i);
		const char *name = gait_model_module_name(index->model, i);
		char *key;

		if (has_module(other, module)) {
			key = g_strdup_printf("%s %s", name, module->build_id);
		} else {
			guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name)) + 1;

			g_hash_table_insert(counts, (gpointer)name, GUINT_TO_POINTER(n));
			key = g_strdup_printf("%s #%u", name, n);
			g_hash_table_add(index->rebuilt, key);
		}
		g_ptr_array_add(index->module_keys, key);
	}
}

/* --- libraries ----------------------------------------------------------------------------------
 */

/* Symbols are sorted by site within a call, so counting them up numbers them in that order. */
static char *
label_symbol(const GaitSymbol *symbol, gboolean is_rebuilt, GHashTable *counts)
{
	g_autofree char *group = NULL;
	guint n;

	if (!is_rebuilt)
		return g_strdup_printf("%u:%x@%" G_GINT64_MODIFIER "x", symbol->nr, symbol->klass,
		                       symbol->site);
	group = g_strdup_printf("%u:%x in %s", symbol->nr, symbol->klass,
	                        symbol->function ? symbol->function : "?");
	n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, group)) + 1;
	g_hash_table_insert(counts, g_strdup(group), GUINT_TO_POINTER(n));
	return g_strdup_printf("%s #%u", group, n);
}

static void
index_edges(GaitDiffLibrary *library)
{
	const GPtrArray *edges = library->library->edges;

	library->state_count = g_new0(guint64, GAIT_STATE_FIRST + library->labels->len);
	for (guint32 i = 0; i < edges->len; i++) {
		GaitEdge *edge = g_ptr_array_index(edges, i);
		guint64 *count = &library->state_count[edge->from];

		*count = gait_counter_add(*count, edge->count);
		g_hash_table_insert(library->edges,
		                    g_strdup_printf("%s\n%s",
		                                    gait_diff_library_state(library, edge->from),
		                                    gait_diff_library_state(library, edge->to)),
		                    edge);
	}
}

static GaitDiffLibrary *
index_library(const GaitDiffIndex *index, const GaitLibrary *from)
{
	GaitDiffLibrary *library = g_new0(GaitDiffLibrary, 1);
	g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const char *key = g_ptr_array_index(index->module_keys, from->module);
	gboolean is_rebuilt = g_hash_table_contains(index->rebuilt, key);

	library->library = from;
	library->name = gait_model_module_name(index->model, from->module);
	library->labels = g_ptr_array_new_with_free_func(g_free);
	library->symbols = g_hash_table_new(g_str_hash, g_str_equal);
	library->edges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	library->calls = index_calls(from->calls);
	for (guint32 i = 0; i < from->symbols->len; i++) {
		char *label = label_symbol(g_ptr_array_index(from->symbols, i), is_rebuilt, counts);

		g_ptr_array_add(library->labels, label);
		g_hash_table_insert(library->symbols, label, GUINT_TO_POINTER(i + 1));
	}
	index_edges(library);
	return library;
}

static void
free_library(gpointer data)
{
	GaitDiffLibrary *library = data;

	g_ptr_array_unref(library->labels);
	g_hash_table_unref(library->symbols);
	g_hash_table_unref(library->edges);
	g_hash_table_unref(library->calls);
	g_free(library->state_count);
	g_free(library);
}

/* --- programs -----------------------------------------------------------------------------------
 */

/* An instruction of a rebuilt file is told by the call alone: it has nothing else to go by. */
static void
index_issuers(const GaitDiffIndex *index, GaitDiffProgram *program)
{
	const GArray *issuers = program->program->issuers;

	for (guint32 i = 0; i < issuers->len; i++) {
		GaitIssuer *issuer = &g_array_index(issuers, GaitIssuer, i);
		const char *module = g_ptr_array_index(index->module_keys, issuer->module);
		guint64 offset = g_hash_table_contains(index->rebuilt, module) ? 0 : issuer->offset;

		g_hash_table_insert(
		    program->issuers,
		    g_strdup_printf("%u %s %" G_GINT64_MODIFIER "x", issuer->nr, module, offset),
		    issuer);
	}
}

/* Parents come first: a role's key is its parent's and the label of its creation. */
static void
index_roles(const GaitDiffIndex *index, GaitDiffProgram *program)
{
	for (guint32 i = 0; i < program->program->roles->len; i++) {
		const GaitRole *role = gait_program_get_role(program->program, i);
		char *key;

		if (role->parent == GAIT_NONE) {
			key = g_strdup("main");
		} else {
			g_autofree char *label =
			    gait_diff_program_dup_label(index, program, role->creation);

			key = g_strdup_printf(
			    "%s / %s", (char *)g_ptr_array_index(program->roles, role->parent),
			    label);
		}
		g_ptr_array_add(program->roles, key);
		g_hash_table_insert(program->by_role, key, GUINT_TO_POINTER(i + 1));
	}
}

static GaitDiffProgram *
index_program(const GaitDiffIndex *index, const GaitProgram *from)
{
	GaitDiffProgram *program = g_new0(GaitDiffProgram, 1);

	program->model = index->model;
	program->program = from;
	program->libraries = g_ptr_array_new_with_free_func(free_library);
	program->by_module = g_hash_table_new(g_str_hash, g_str_equal);
	program->calls = index_calls(from->calls);
	program->issuers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	program->roles = g_ptr_array_new_with_free_func(g_free);
	program->by_role = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint32 i = 0; i < from->libraries->len; i++) {
		GaitDiffLibrary *library = index_library(index, gait_program_get_library(from, i));

		g_ptr_array_add(program->libraries, library);
		g_hash_table_insert(program->by_module,
		                    g_ptr_array_index(index->module_keys, library->library->module),
		                    library);
	}
	index_issuers(index, program);
	index_roles(index, program);
	return program;
}

static void
free_program(gpointer data)
{
	GaitDiffProgram *program = data;

	g_ptr_array_unref(program->libraries);
	g_hash_table_unref(program->by_module);
	g_hash_table_unref(program->calls);
	g_hash_table_unref(program->issuers);
	g_ptr_array_unref(program->roles);
	g_hash_table_unref(program->by_role);
	g_free(program);
}

GaitDiffIndex *
gait_diff_index_new(const GaitModel *model, const GaitModel *other)
{
	GaitDiffIndex *index = g_new0(GaitDiffIndex, 1);

	index->model = model;
	index->module_keys = g_ptr_array_new_with_free_func(g_free);
	index->rebuilt = g_hash_table_new(g_str_hash, g_str_equal);
	index->programs = g_ptr_array_new_with_free_func(free_program);
	index->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	name_modules(index, other);
	for (guint32 i = 0; i < model->programs->len; i++) {
		GaitDiffProgram *program = index_program(index, gait_model_get_program(model, i));

		g_ptr_array_add(index->programs, program);
		g_hash_table_insert(index->by_path, program->program->path, program);
	}
	return index;
}

void
gait_diff_index_free(GaitDiffIndex *index)
{
	if (!index)
		return;
	g_ptr_array_unref(index->programs);
	g_hash_table_unref(index->by_path);
	g_hash_table_unref(index->rebuilt);
	g_ptr_array_unref(index->module_keys);
	g_free(index);
}
