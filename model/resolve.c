/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the names in a line of a violation log to indices of a model, which need not be the one that
 * the line is from: a program is its path, a role the calls that create it, a phase the milestones
 * it lies between, a library its name and build. What this model lacks is GAIT_NONE, never guessed.
 */
#include "model/resolve.h"

#include "model/model-private.h"

#include <string.h>

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

guint32
gait_resolve_module(const GaitModel *model, const char *path, const char *build_id,
                    gboolean *is_stale)
{
	guint32 stale = GAIT_NONE;

	*is_stale = FALSE;
	for (guint32 i = 0; i < model->modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(model->modules, i);
		gboolean is_there = strcmp(module->path, path) == 0;

		if (strcmp(last_component(module->path), last_component(path)) != 0)
			continue;
		/* "[anon]" and "[unknown]" are what they are called: no file, no build. */
		if (strcmp(module->build_id, build_id) == 0 &&
		    (*build_id || (is_there && path[0] == '[')))
			return i;
		/* Less is checked of another build, so a name alone does not make it one: whoever
		   may bring a library along could bring one of that name. */
		if (is_there)
			stale = i;
	}
	*is_stale = stale != GAIT_NONE;
	return stale;
}

guint32
gait_resolve_logged_module(const GaitModel *model, const char *path, const char *build_id,
                           gboolean *is_stale)
{
	guint32 found = gait_resolve_module(model, path, build_id, is_stale);
	const GaitModelModule *module;

	if (!*is_stale || *build_id)
		return found;
	module = g_ptr_array_index(model->modules, found);
	*is_stale = *module->build_id || strcmp(module->path, path) != 0;
	return found;
}

guint32
gait_resolve_library(const GaitProgram *program, guint32 module)
{
	for (guint32 i = 0; i < program->libraries->len && module != GAIT_NONE; i++)
		if (gait_program_get_library(program, i)->module == module)
			return i;
	return GAIT_NONE;
}

guint32
gait_resolve_symbol(const GaitLibrary *library, guint32 nr, guint32 klass, guint64 site)
{
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		if (symbol->nr == nr && symbol->klass == klass && symbol->site == site)
			return i;
	}
	return GAIT_NONE;
}

/* A symbol that a line names. */
static GaitSymbolRef
find_symbol(const GaitModel *model, const GaitProgram *program, const GaitLogSymbol *symbol)
{
	GaitSymbolRef ref = {GAIT_NONE, 0};
	gboolean is_stale;
	guint32 module =
	    gait_resolve_logged_module(model, symbol->library, symbol->build_id, &is_stale);
	guint32 library = is_stale ? GAIT_NONE : gait_resolve_library(program, module);

	if (library == GAIT_NONE)
		return ref;
	ref.symbol = gait_resolve_symbol(gait_program_get_library(program, library), symbol->nr,
	                                 symbol->klass, symbol->site);
	if (ref.symbol != GAIT_NONE)
		ref.library = library;
	return ref;
}

/* --- roles and phases ------------------------------------------------------------------------ */

static guint32
find_child(const GaitProgram *program, guint32 parent, GaitSymbolRef creation)
{
	for (guint32 r = parent + 1; r < program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(program, r);

		if (role->parent == parent &&
		    gait_symbol_ref_compare(&role->creation, &creation) == 0)
			return r;
	}
	return GAIT_NONE;
}

static guint32
find_role(const GaitModel *model, const GaitProgram *program, const GaitLogRecord *record)
{
	guint32 role = program->roles->len ? 0 : GAIT_NONE;

	for (guint i = 0; i < record->created_by->len && role != GAIT_NONE; i++) {
		GaitSymbolRef creation =
		    find_symbol(model, program, g_ptr_array_index(record->created_by, i));

		role =
		    creation.library == GAIT_NONE ? GAIT_NONE : find_child(program, role, creation);
	}
	return role;
}

/* The index of a symbol among the role's, GAIT_NONE for none. */
static guint32
find_in_role(const GaitModel *model, const GaitProgram *program, const GaitRole *role,
             const GaitLogSymbol *symbol)
{
	GaitSymbolRef ref = find_symbol(model, program, symbol);
	guint found;

	if (ref.library == GAIT_NONE ||
	    !g_array_binary_search(role->symbols, &ref, (GCompareFunc)gait_symbol_ref_compare,
	                           &found))
		return GAIT_NONE;
	return found;
}

static guint32
find_candidate(const GaitRole *role, guint32 symbol)
{
	for (guint32 c = 0; c < role->candidates->len && symbol != GAIT_NONE; c++)
		if (g_array_index(role->candidates, GaitCandidate, c).symbol == symbol)
			return c;
	return GAIT_NONE;
}

static guint32
find_phase(const GaitRole *role, guint32 milestone)
{
	for (guint32 p = 1; p < role->phases->len && milestone != GAIT_NONE; p++)
		if (((const GaitPhase *)g_ptr_array_index(role->phases, p))->milestone == milestone)
			return p;
	return GAIT_NONE;
}

static void
resolve_phase(GaitResolved *resolved, const GaitModel *model, const GaitProgram *program,
              const GaitLogRecord *record)
{
	const GaitRole *role = gait_program_get_role(program, resolved->role);
	guint32 symbol;

	resolved->has_phase = TRUE;
	resolved->phase = record->phase == 0 ? 0 : GAIT_NONE;
	if (record->since) {
		symbol = find_in_role(model, program, role, record->since);
		resolved->since = find_candidate(role, symbol);
		resolved->phase = find_phase(role, symbol);
		resolved->has_phase = resolved->since != GAIT_NONE;
	}
	if (record->until && !record->is_loose) {
		symbol = find_in_role(model, program, role, record->until);
		resolved->until = find_candidate(role, symbol);
		resolved->has_phase = resolved->has_phase && resolved->until != GAIT_NONE;
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static void
resolve_site(GaitResolved *resolved, const GaitModel *model, const GaitLogRecord *record)
{
	/* Without stacks everything is [unknown]'s, whatever is known of it live. */
	const char *path = model->is_stackless ? "[unknown]" : record->site.module;

	resolved->has_site = path != NULL;
	if (!path)
		return;
	resolved->module = gait_resolve_logged_module(
	    model, path, model->is_stackless ? "" : record->site.build_id, &resolved->is_stale);
	resolved->site = model->is_stackless ? 0 : record->site.offset;
}

/* A state is one library's: what a line says of a call for another one cannot have come before. */
static guint32
resolve_from(const GaitModel *model, const GaitProgram *program, guint32 library,
             const GaitLogRecord *record)
{
	GaitSymbolRef ref;

	switch (record->state) {
	case GAIT_LOG_START:
		return GAIT_STATE_START;
	case GAIT_LOG_SIGNAL:
		return GAIT_STATE_SIGNAL;
	case GAIT_LOG_SYMBOL:
		ref = find_symbol(model, program, record->from);
		return ref.library == library ? GAIT_STATE_FIRST + ref.symbol : GAIT_NONE;
	case GAIT_LOG_ANYWHERE:
	case GAIT_LOG_STATE_N_:
		break;
	}
	return GAIT_NONE;
}

void
gait_resolve(GaitResolved *resolved, const GaitModel *model, const GaitLogRecord *record)
{
	const GaitProgram *program;

	*resolved = (GaitResolved){GAIT_NONE,          GAIT_NONE,          GAIT_NONE,
	                           GAIT_NONE,          GAIT_NONE,          GAIT_NONE,
	                           .phase = GAIT_NONE, .since = GAIT_NONE, .until = GAIT_NONE};
	resolve_site(resolved, model, record);
	resolved->program = gait_model_find_program(model, record->program);
	if (resolved->program == GAIT_NONE)
		return;
	program = gait_model_get_program(model, resolved->program);
	if (record->role)
		resolved->role = find_role(model, program, record);
	if (resolved->role != GAIT_NONE)
		resolve_phase(resolved, model, program, record);
	resolved->library = gait_resolve_library(program, resolved->module);
	if (resolved->library == GAIT_NONE)
		return;
	resolved->symbol = gait_resolve_symbol(gait_program_get_library(program, resolved->library),
	                                       record->nr, record->klass, resolved->site);
	resolved->from = resolve_from(model, program, resolved->library, record);
}
