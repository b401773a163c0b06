/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner's alphabet: programs, libraries, symbols and edges as they first appear. What repeats
 * is found in caches by the event loop (learner.c); this is the slow path that fills them, and the
 * bookkeeping that is written to the model at the end.
 */
#include "learn/learner-private.h"
#include "learn/site.h"
#include "model/model-private.h"

#include "sysgait/error.h"

#include <linux/audit.h>
#include <stdlib.h>

/* A set bit of x86-64's nr says x32: another architecture by another name. */
#define X32_SYSCALL_BIT 0x40000000u

/* What stands for a call that the learner does not learn. */
static LearnSymbol foreign_symbol = {.id = GAIT_NONE, .flags = GAIT_WALK_CONTINUES};
static LearnSymbol continued_symbol = {.id = GAIT_NONE, .flags = GAIT_WALK_CONTINUES};

typedef struct {
	guint32 library, nr, klass;
	guint64 site;
	LearnSymbol *symbol;
} SymbolKey;

typedef struct {
	guint32 nr, module;
	guint64 offset;
} IssuerKey;

static guint
mix(guint64 a, guint64 b)
{
	guint64 hash = (a + 1) * 0x9e3779b97f4a7c15ull ^ (b + 1) * 0xc2b2ae3d27d4eb4full;

	return (guint)(hash ^ hash >> 29);
}

static guint
symbol_key_hash(gconstpointer key)
{
	const SymbolKey *k = key;

	return mix((guint64)k->library << 32 | k->nr, k->site * 31 + k->klass);
}

static gboolean
symbol_key_equal(gconstpointer a, gconstpointer b)
{
	const SymbolKey *x = a, *y = b;

	return x->library == y->library && x->nr == y->nr && x->klass == y->klass &&
	       x->site == y->site;
}

static guint
issuer_key_hash(gconstpointer key)
{
	const IssuerKey *k = key;

	return mix((guint64)k->module << 32 | k->nr, k->offset);
}

static gboolean
issuer_key_equal(gconstpointer a, gconstpointer b)
{
	const IssuerKey *x = a, *y = b;

	return x->nr == y->nr && x->module == y->module && x->offset == y->offset;
}

static guint
arc_hash(gconstpointer key)
{
	const LearnArc *k = key;

	return mix((guint64)k->from << 32 | k->to, (guint64)k->library << 32 | k->role);
}

static gboolean
arc_equal(gconstpointer a, gconstpointer b)
{
	const LearnArc *x = a, *y = b;

	return x->from == y->from && x->to == y->to && x->role == y->role &&
	       x->library == y->library;
}

/* The model's module for a path and build-id. */
static guint32
intern_module(Learner *learner, const char *path, const char *build_id, gboolean is_runtime)
{
	GaitModelModule key = {.path = (char *)path, .build_id = (char *)build_id};
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(learner->module_keys, &key));

	if (index)
		return index - 1;
	index = gait_model_add_module(learner->model, path, build_id, is_runtime);
	g_hash_table_insert(learner->module_keys, g_ptr_array_index(learner->model->modules, index),
	                    GUINT_TO_POINTER(index + 1));
	return index;
}

/* The model's module for the trace's; G_MAXUINT32 is [unknown]. */
static guint32
model_module(Learner *learner, guint32 index)
{
	const char *const *runtime = learner->options->runtime;
	const GaitTraceModule *module;
	guint32 old_n = learner->modules->len;
	guint32 *cached;

	if (index == G_MAXUINT32)
		return intern_module(learner, "[unknown]", "", FALSE);
	if (index >= old_n) {
		g_array_set_size(learner->modules, index + 1);
		for (guint32 i = old_n; i <= index; i++)
			g_array_index(learner->modules, guint32, i) = GAIT_NONE;
	}
	cached = &g_array_index(learner->modules, guint32, index);
	if (*cached == GAIT_NONE) {
		module = gait_trace_reader_get_module(learner->reader, index);
		*cached = intern_module(learner, module->path, module->build_id,
		                        runtime ? gait_runtime_contains(runtime, module->path)
		                                : module->is_runtime);
	}
	return *cached;
}

LearnProgram *
gait_learn_program(Learner *learner, guint32 module, GError **error)
{
	const GaitTraceModule *found;
	LearnProgram *program;

	if (module >= gait_trace_reader_get_n_modules(learner->reader)) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
		            "%s: event %" G_GUINT64_FORMAT
		            " runs a program that the trace does not name",
		            learner->name, learner->n_events);
		return NULL;
	}
	found = gait_trace_reader_get_module(learner->reader, module);
	program = g_hash_table_lookup(learner->by_path, found->path);
	if (program)
		return program;
	program = g_new0(LearnProgram, 1);
	program->learner = learner;
	program->program = gait_model_add_program(learner->model, found->path);
	program->program->n_runs = 1;
	program->index = learner->programs->len;
	program->symbols = g_ptr_array_new_with_free_func(g_free);
	program->by_key = g_hash_table_new_full(symbol_key_hash, symbol_key_equal, g_free, NULL);
	program->libraries = g_hash_table_new(NULL, NULL);
	program->arcs = g_hash_table_new_full(arc_hash, arc_equal, g_free, NULL);
	program->issuers = g_hash_table_new_full(issuer_key_hash, issuer_key_equal, g_free, NULL);
	program->execs = g_hash_table_new(NULL, NULL);
	program->roles = g_ptr_array_new_with_free_func((GDestroyNotify)gait_learn_role_free);
	g_ptr_array_add(learner->programs, program);
	g_hash_table_insert(learner->by_path, program->program->path, program);
	gait_learn_role_main(program);
	return program;
}

void
gait_learn_program_free(LearnProgram *program)
{
	g_ptr_array_unref(program->roles);
	g_hash_table_unref(program->execs);
	g_hash_table_unref(program->issuers);
	g_hash_table_unref(program->arcs);
	g_hash_table_unref(program->libraries);
	g_hash_table_unref(program->by_key);
	g_ptr_array_unref(program->symbols);
	g_free(program->by_shape);
	g_free(program);
}

static guint32
find_library(LearnProgram *program, guint32 module)
{
	gpointer key = GUINT_TO_POINTER(module);
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(program->libraries, key));

	if (index)
		return index - 1;
	index = program->program->libraries->len;
	gait_program_add_library(program->program, module);
	g_hash_table_insert(program->libraries, key, GUINT_TO_POINTER(index + 1));
	return index;
}

static void
add_issuer(LearnProgram *program, guint32 nr, const GaitSite *site)
{
	IssuerKey key = {.nr = nr, .offset = site->issuer_offset};

	if (site->issuer_module == G_MAXUINT32)
		return;
	key.module = model_module(program->learner, site->issuer_module);
	if (!g_hash_table_contains(program->issuers, &key))
		g_hash_table_add(program->issuers, g_memdup2(&key, sizeof key));
}

/* The symbol of a call from a site. Several shapes can be one: they differ in other arguments or in
 * the frames below the site. */
static LearnSymbol *
intern_symbol(LearnProgram *program, const GaitShape *shape, const GaitSite *site)
{
	SymbolKey key = {
	    .library = find_library(program, model_module(program->learner, site->module)),
	    .nr = shape->nr,
	    .klass = shape->klass,
	    .site = site->site,
	};
	SymbolKey *known = g_hash_table_lookup(program->by_key, &key);
	GaitLibrary *library;
	LearnSymbol *symbol;

	if (known)
		return known->symbol;
	library = gait_program_get_library(program->program, key.library);
	symbol = g_new0(LearnSymbol, 1);
	symbol->id = program->symbols->len;
	symbol->library = key.library;
	symbol->state = GAIT_STATE_FIRST + library->symbols->len;
	symbol->flags = gait_walk_symbol_flags(
	    shape->nr, gait_model_module_name(program->learner->model, library->module));
	symbol->symbol = gait_library_add_symbol(library, shape->nr, shape->klass, site->site,
	                                         site->function, site->delta);
	symbol->symbol->n_runs = 1;
	g_ptr_array_add(program->symbols, symbol);
	key.symbol = symbol;
	g_hash_table_add(program->by_key, g_memdup2(&key, sizeof key));
	return symbol;
}

static LearnSymbol *
resolve(LearnProgram *program, const GaitShape *shape)
{
	Learner *learner = program->learner;
	GaitSite site;

	if (shape->arch != AUDIT_ARCH_X86_64 || (shape->nr & X32_SYSCALL_BIT))
		return &foreign_symbol;
	if (gait_walk_call_flags(shape->nr) & GAIT_WALK_CONTINUES)
		return &continued_symbol;
	gait_site_from_shape(&site, learner->reader, shape, learner->options->runtime);
	add_issuer(program, shape->nr, &site);
	return intern_symbol(program, shape, &site);
}

LearnSymbol *
gait_learn_symbol(LearnProgram *program, guint32 shape, GError **error)
{
	Learner *learner = program->learner;
	guint32 n_shapes = gait_trace_reader_get_n_shapes(learner->reader);

	if (shape >= n_shapes) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
		            "%s: event %" G_GUINT64_FORMAT
		            " is of a shape that the trace does not have",
		            learner->name, learner->n_events);
		return NULL;
	}
	if (shape >= program->n_by_shape) {
		guint32 n = MAX(shape + 1, program->n_by_shape * 2);

		program->by_shape = g_renew(LearnSymbol *, program->by_shape, n);
		for (guint32 i = program->n_by_shape; i < n; i++)
			program->by_shape[i] = NULL;
		program->n_by_shape = n;
	}
	if (!program->by_shape[shape])
		program->by_shape[shape] =
		    resolve(program, gait_trace_reader_get_shape(learner->reader, shape));
	return program->by_shape[shape];
}

gboolean
gait_learn_symbol_is_foreign(const LearnSymbol *symbol)
{
	return symbol == &foreign_symbol;
}

LearnArc *
gait_learn_arc(LearnProgram *program, const LearnArc *key)
{
	LearnArc *arc = g_hash_table_lookup(program->arcs, key);

	if (arc)
		return arc;
	arc = g_memdup2(key, sizeof *key);
	arc->count = 0;
	g_hash_table_add(program->arcs, arc);
	return arc;
}

/* Arcs of several roles are one edge. */
static int
compare_arcs(gconstpointer a, gconstpointer b)
{
	const LearnArc *x = *(LearnArc *const *)a, *y = *(LearnArc *const *)b;

	if (x->library != y->library)
		return x->library < y->library ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->role < y->role ? -1 : x->role > y->role;
}

static void
finish_edges(LearnProgram *program)
{
	guint n_arcs = 0;
	g_autofree gpointer *arcs = g_hash_table_get_keys_as_array(program->arcs, &n_arcs);
	const LearnArc *last = NULL;
	GaitEdge *edge = NULL;

	qsort(arcs, n_arcs, sizeof *arcs, compare_arcs);
	for (guint i = 0; i < n_arcs; i++) {
		const LearnArc *arc = arcs[i];
		GaitRoleCount count = {.role = arc->role, .n_runs = 1, .count = arc->count};

		if (!last || last->library != arc->library || last->from != arc->from ||
		    last->to != arc->to) {
			GaitLibrary *library =
			    gait_program_get_library(program->program, arc->library);

			edge = gait_library_add_edge(library, arc->from, arc->to);
			edge->n_runs = 1;
		}
		edge->count += arc->count;
		g_array_append_val(edge->roles, count);
		last = arc;
	}
}

static void
finish_issuers(LearnProgram *program)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, program->issuers);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const IssuerKey *issuer = key;
		GaitIssuer entry = {
		    .nr = issuer->nr,
		    .module = issuer->module,
		    .offset = issuer->offset,
		    .n_runs = 1,
		};

		g_array_append_val(program->program->issuers, entry);
	}
	g_hash_table_iter_init(&iter, program->execs);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		guint32 index = GPOINTER_TO_UINT(key);

		g_array_append_val(program->program->execs, index);
	}
}

void
gait_learn_program_finish(LearnProgram *program)
{
	for (guint i = 0; i < program->symbols->len; i++) {
		const LearnSymbol *symbol = g_ptr_array_index(program->symbols, i);

		symbol->symbol->count = symbol->count;
	}
	finish_edges(program);
	finish_issuers(program);
	for (guint i = 0; i < program->roles->len; i++)
		gait_learn_role_finish(g_ptr_array_index(program->roles, i));
	for (guint32 i = 0; i < program->learner->model->modules->len; i++) {
		const GaitModelModule *module =
		    g_ptr_array_index(program->learner->model->modules, i);

		if (g_str_equal(module->path, program->program->path))
			program->program->module = i;
	}
}
