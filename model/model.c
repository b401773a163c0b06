/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model in memory: making, finding and freeing its parts. Nothing here sorts, derives or
 * checks; that is normalize.c's, phases.c's and validate.c's.
 */
#include "sysgait/model.h"

#include <string.h>

static void
run_free(gpointer data)
{
	GaitRun *run = data;

	g_free(run->command);
	g_free(run);
}

static void
module_free(gpointer data)
{
	GaitModelModule *module = data;

	g_free(module->path);
	g_free(module->build_id);
	g_free(module);
}

static void
symbol_free(gpointer data)
{
	GaitSymbol *symbol = data;

	g_free(symbol->function);
	g_free(symbol);
}

static void
edge_free(gpointer data)
{
	GaitEdge *edge = data;

	g_array_unref(edge->roles);
	g_free(edge);
}

static void
library_free(gpointer data)
{
	GaitLibrary *library = data;

	g_ptr_array_unref(library->symbols);
	g_ptr_array_unref(library->edges);
	g_array_unref(library->calls);
	g_free(library);
}

static void
phase_free(gpointer data)
{
	GaitPhase *phase = data;

	g_array_unref(phase->allowed);
	g_array_unref(phase->retained);
	g_ptr_array_unref(phase->interludes);
	g_free(phase);
}

static void
interlude_free(gpointer data)
{
	GaitInterlude *interlude = data;

	g_array_unref(interlude->calls);
	g_free(interlude);
}

static void
amendment_free(gpointer data)
{
	GaitAmendment *amendment = data;

	g_free(amendment->date);
	g_free(amendment->reason);
	g_ptr_array_unref(amendment->accepted);
	g_free(amendment);
}

static void
free_relations(GaitRole *role)
{
	g_clear_pointer(&role->after, g_free);
	g_clear_pointer(&role->before, g_free);
	g_clear_pointer(&role->after_twice, g_free);
	g_clear_pointer(&role->before_twice, g_free);
	g_clear_pointer(&role->amended, g_free);
	g_clear_pointer(&role->in_rounds, g_free);
	g_clear_pointer(&role->led, g_free);
}

static void
role_free(gpointer data)
{
	GaitRole *role = data;

	g_free(role->name);
	g_array_unref(role->symbols);
	g_array_unref(role->candidates);
	g_ptr_array_unref(role->phases);
	free_relations(role);
	g_free(role);
}

static void
program_free(gpointer data)
{
	GaitProgram *program = data;

	g_free(program->path);
	g_ptr_array_unref(program->libraries);
	g_ptr_array_unref(program->roles);
	g_array_unref(program->issuers);
	g_array_unref(program->execs);
	g_array_unref(program->amended_execs);
	g_array_unref(program->calls);
	g_free(program);
}

GaitModel *
gait_model_new(void)
{
	GaitModel *model = g_new0(GaitModel, 1);

	model->kernel = g_strdup("");
	model->arch = g_strdup("x86_64");
	model->runs = g_ptr_array_new_with_free_func(run_free);
	model->amendments = g_ptr_array_new_with_free_func(amendment_free);
	model->modules = g_ptr_array_new_with_free_func(module_free);
	model->programs = g_ptr_array_new_with_free_func(program_free);
	return model;
}

void
gait_model_free(GaitModel *model)
{
	if (!model)
		return;
	g_free(model->kernel);
	g_free(model->arch);
	g_ptr_array_unref(model->runs);
	g_ptr_array_unref(model->amendments);
	g_ptr_array_unref(model->modules);
	g_ptr_array_unref(model->programs);
	g_free(model);
}

guint32
gait_model_add_run(GaitModel *model, const char *id, const char *command, guint64 n_events,
                   gboolean is_partial)
{
	GaitRun *run = g_new0(GaitRun, 1);

	g_strlcpy(run->id, id, sizeof run->id);
	run->command = g_strdup(command ? command : "");
	run->n_events = n_events;
	run->is_partial = is_partial;
	g_ptr_array_add(model->runs, run);
	return model->runs->len - 1;
}

GaitAmendment *
gait_model_add_amendment(GaitModel *model, const char *id, const char *log, const char *date,
                         const char *reason)
{
	GaitAmendment *amendment = g_new0(GaitAmendment, 1);

	g_strlcpy(amendment->id, id, sizeof amendment->id);
	g_strlcpy(amendment->log, log, sizeof amendment->log);
	amendment->date = g_strdup(date);
	amendment->reason = g_strdup(reason ? reason : "");
	amendment->accepted = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(model->amendments, amendment);
	return amendment;
}

guint32
gait_model_add_module(GaitModel *model, const char *path, const char *build_id, gboolean is_runtime)
{
	GaitModelModule *module = g_new0(GaitModelModule, 1);

	module->path = g_strdup(path);
	module->build_id = g_strdup(build_id ? build_id : "");
	module->is_runtime = is_runtime;
	g_ptr_array_add(model->modules, module);
	return model->modules->len - 1;
}

GaitProgram *
gait_model_add_program(GaitModel *model, const char *path)
{
	GaitProgram *program = g_new0(GaitProgram, 1);

	program->path = g_strdup(path);
	program->module = GAIT_NONE;
	program->libraries = g_ptr_array_new_with_free_func(library_free);
	program->roles = g_ptr_array_new_with_free_func(role_free);
	program->issuers = g_array_new(FALSE, FALSE, sizeof(GaitIssuer));
	program->execs = g_array_new(FALSE, FALSE, sizeof(guint32));
	program->amended_execs = g_array_new(FALSE, FALSE, sizeof(guint32));
	program->calls = g_array_new(FALSE, FALSE, sizeof(GaitCall));
	g_ptr_array_add(model->programs, program);
	return program;
}

GaitLibrary *
gait_program_add_library(GaitProgram *program, guint32 module)
{
	GaitLibrary *library = g_new0(GaitLibrary, 1);

	library->module = module;
	library->symbols = g_ptr_array_new_with_free_func(symbol_free);
	library->edges = g_ptr_array_new_with_free_func(edge_free);
	library->calls = g_array_new(FALSE, FALSE, sizeof(GaitCall));
	g_ptr_array_add(program->libraries, library);
	return library;
}

GaitRole *
gait_program_add_role(GaitProgram *program, guint32 parent, GaitSymbolRef creation)
{
	GaitRole *role = g_new0(GaitRole, 1);

	role->parent = parent;
	role->creation = creation;
	role->symbols = g_array_new(FALSE, FALSE, sizeof(GaitSymbolRef));
	role->candidates = g_array_new(FALSE, FALSE, sizeof(GaitCandidate));
	role->phases = g_ptr_array_new_with_free_func(phase_free);
	g_ptr_array_add(program->roles, role);
	return role;
}

GaitSymbol *
gait_library_add_symbol(GaitLibrary *library, guint32 nr, guint32 klass, guint64 site,
                        const char *function, guint64 delta)
{
	GaitSymbol *symbol = g_new0(GaitSymbol, 1);

	symbol->nr = nr;
	symbol->klass = klass;
	symbol->site = site;
	symbol->function = g_strdup(function);
	symbol->delta = function ? delta : 0;
	g_ptr_array_add(library->symbols, symbol);
	return symbol;
}

GaitEdge *
gait_library_add_edge(GaitLibrary *library, guint32 from, guint32 to)
{
	GaitEdge *edge = g_new0(GaitEdge, 1);

	edge->from = from;
	edge->to = to;
	edge->roles = g_array_new(FALSE, FALSE, sizeof(GaitRoleCount));
	g_ptr_array_add(library->edges, edge);
	return edge;
}

void
gait_role_alloc_relations(GaitRole *role)
{
	gsize n_words;

	free_relations(role);
	role->row_words = (role->symbols->len + 63) / 64;
	n_words = MAX((gsize)role->row_words * (role->candidates->len + 1), 1);
	role->after = g_new0(guint64, n_words);
	role->before = g_new0(guint64, n_words);
	role->after_twice = g_new0(guint64, n_words);
	role->before_twice = g_new0(guint64, n_words);
	role->amended = g_new0(guint64, MAX(role->row_words, 1));
	role->in_rounds = g_new0(guint64, MAX(role->row_words, 1));
	if (role->symbols->len <= GAIT_MAX_LED)
		role->led = g_new0(guint64, MAX((gsize)role->row_words * role->symbols->len, 1));
}

GaitPhase *
gait_role_add_phase(GaitRole *role, guint32 milestone)
{
	GaitPhase *phase = g_new0(GaitPhase, 1);

	phase->milestone = milestone;
	phase->allowed = g_array_new(FALSE, FALSE, sizeof(guint32));
	phase->retained = g_array_new(FALSE, FALSE, sizeof(guint32));
	phase->interludes = g_ptr_array_new_with_free_func(interlude_free);
	g_ptr_array_add(role->phases, phase);
	return phase;
}

GaitInterlude *
gait_phase_add_interlude(GaitPhase *phase, guint32 entry)
{
	GaitInterlude *interlude = g_new0(GaitInterlude, 1);

	interlude->entry = entry;
	interlude->calls = g_array_new(FALSE, FALSE, sizeof(guint32));
	g_ptr_array_add(phase->interludes, interlude);
	return interlude;
}

GaitProgram *
gait_model_get_program(const GaitModel *model, guint32 i)
{
	g_assert(i < model->programs->len);
	return g_ptr_array_index(model->programs, i);
}

GaitLibrary *
gait_program_get_library(const GaitProgram *program, guint32 i)
{
	g_assert(i < program->libraries->len);
	return g_ptr_array_index(program->libraries, i);
}

GaitRole *
gait_program_get_role(const GaitProgram *program, guint32 i)
{
	g_assert(i < program->roles->len);
	return g_ptr_array_index(program->roles, i);
}

const GaitSymbol *
gait_program_get_symbol(const GaitProgram *program, GaitSymbolRef ref)
{
	const GaitLibrary *library;

	if (ref.library == GAIT_NONE)
		return NULL;
	library = gait_program_get_library(program, ref.library);
	g_assert(ref.symbol < library->symbols->len);
	return g_ptr_array_index(library->symbols, ref.symbol);
}

const char *
gait_model_module_name(const GaitModel *model, guint32 module)
{
	const GaitModelModule *found;
	const char *slash;

	g_assert(module < model->modules->len);
	found = g_ptr_array_index(model->modules, module);
	slash = strrchr(found->path, '/');
	return slash && slash[1] ? slash + 1 : found->path;
}

guint32
gait_model_find_program(const GaitModel *model, const char *path)
{
	for (guint32 i = 0; i < model->programs->len; i++)
		if (strcmp(gait_model_get_program(model, i)->path, path) == 0)
			return i;
	return GAIT_NONE;
}
