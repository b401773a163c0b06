/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a model that accepting a violation makes: module, symbol, instruction, edge,
 * program, role. Each is made where it is missing, marked, and counted as a change; nothing here
 * decides what is accepted.
 */
#include "model/amend-private.h"

#include "sysgait/contexts.h"

#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

void
gait_amender_refuse(GaitAmender *amender, const char *format, ...)
{
	va_list arguments;
	g_autofree char *why = NULL;

	va_start(arguments, format);
	why = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	/* Several places of one violation may fail for the same reason. */
	if (strstr(amender->why->str, why))
		return;
	g_string_append_printf(amender->why, "%s%s", amender->why->len ? "; " : "", why);
}

/* --- parts ----------------------------------------------------------------------------------- */

static gboolean
ref_equal(GaitSymbolRef a, GaitSymbolRef b)
{
	return gait_symbol_ref_compare(&a, &b) == 0;
}

static guint32
add_module(GaitAmender *amender, const char *path, const char *build_id)
{
	amender->n_changes++;
	return gait_model_add_module(amender->model, path, build_id, FALSE);
}

/* The symbol of the call, made where it is new. */
GaitSymbolRef
gait_amender_accept_symbol(GaitAmender *amender, GaitProgram *program, GaitResolved *at,
                           const GaitLogRecord *record)
{
	GaitLibrary *library;
	GaitSymbol *symbol;

	if (at->module == GAIT_NONE)
		at->module = amender->model->is_stackless
		                 ? add_module(amender, "[unknown]", "")
		                 : add_module(amender, record->site.module, record->site.build_id);
	if (at->library == GAIT_NONE)
		at->library = gait_resolve_library(program, at->module);
	if (at->library == GAIT_NONE) {
		gait_program_add_library(program, at->module);
		at->library = program->libraries->len - 1;
	}
	library = gait_program_get_library(program, at->library);
	at->symbol = gait_resolve_symbol(library, record->nr, record->klass, at->site);
	if (at->symbol == GAIT_NONE) {
		symbol = gait_library_add_symbol(
		    library, record->nr, record->klass, at->site,
		    amender->model->is_stackless ? NULL : record->site.function,
		    record->site.delta);
		symbol->is_amended = TRUE;
		at->symbol = library->symbols->len - 1;
		amender->n_changes++;
	}
	return (GaitSymbolRef){at->library, at->symbol};
}

/*
 * A program learned without instruction pointers has no issuers, and the first one would forbid all
 * others. A rebuilt module's are not checked, and must not become known under their new build: that
 * would look as if all of it were known.
 */
void
gait_amender_accept_issuer(GaitAmender *amender, GaitProgram *program, const GaitLogRecord *record)
{
	GaitIssuer issuer = {.nr = record->nr, .offset = record->issuer.offset};
	gboolean is_stale;

	if (!record->issuer.module || (program->issuers->len == 0 && program->calls->len > 0))
		return;
	issuer.module = gait_resolve_logged_module(amender->model, record->issuer.module,
	                                           record->issuer.build_id, &is_stale);
	if (is_stale)
		return;
	if (issuer.module == GAIT_NONE)
		issuer.module = add_module(amender, record->issuer.module, record->issuer.build_id);
	for (guint32 i = 0; i < program->issuers->len; i++)
		if (gait_issuer_compare(&g_array_index(program->issuers, GaitIssuer, i), &issuer) ==
		    0)
			return;
	g_array_append_val(program->issuers, issuer);
	amender->n_changes++;
}

void
gait_amender_accept_edge(GaitAmender *amender, GaitProgram *program, const GaitResolved *at)
{
	GaitLibrary *library = gait_program_get_library(program, at->library);
	guint32 to = GAIT_STATE_FIRST + at->symbol;
	GaitRoleCount count = {.role = at->role};
	GaitEdge *edge = NULL;

	for (guint32 i = 0; i < library->edges->len && !edge; i++) {
		GaitEdge *other = g_ptr_array_index(library->edges, i);

		if (other->from == at->from && other->to == to)
			edge = other;
	}
	if (!edge) {
		edge = gait_library_add_edge(library, at->from, to);
		edge->is_amended = TRUE;
		amender->n_changes++;
	}
	/* So that a drawing shows the edge in the role in which it was accepted. */
	if (edge->is_amended && at->role != GAIT_NONE && !gait_edge_find_role(edge, at->role))
		g_array_append_val(edge->roles, count);
}

void
gait_amender_accept_exec(GaitAmender *amender, GaitProgram *program, const char *path)
{
	guint32 exec = gait_model_find_program(amender->model, path);

	if (exec == GAIT_NONE) {
		GaitProgram *unknown = gait_model_add_program(amender->model, path);

		exec = amender->model->programs->len - 1;
		gait_role_alloc_relations(
		    gait_program_add_role(unknown, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, 0}));
	}
	if (gait_numbers_contain(program->execs, exec))
		return;
	g_array_append_val(program->execs, exec);
	g_array_append_val(program->amended_execs, exec);
	amender->n_changes++;
}

/* --- the task that it makes ------------------------------------------------------------------ */

static gboolean
has_role(const GaitProgram *program, guint32 creator, GaitSymbolRef creation, guint *depth)
{
	for (guint32 r = 0; r < program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(program, r);

		if (role->parent == creator && ref_equal(role->creation, creation))
			return TRUE;
	}
	*depth = 0;
	for (guint32 r = creator; r != GAIT_NONE; ++*depth) {
		const GaitRole *role = gait_program_get_role(program, r);

		if (role->parent != GAIT_NONE && ref_equal(role->creation, creation))
			return TRUE; /* it folds: the role made there first */
		r = role->parent;
	}
	return FALSE;
}

/* clone3 has its flags in memory: then it may be either. */
static gboolean
may_make_thread(const GaitLogRecord *record)
{
	return record->nr == SYS_clone3 ||
	       (record->nr == SYS_clone && (record->klass & CLONE_THREAD));
}

/*
 * A task of its own kind, of which nothing is known: it may do what its creator may, at any time.
 * As ever it begins with its creator's states, or a thread with none.
 */
void
gait_amender_accept_child(GaitAmender *amender, GaitProgram *program, guint32 creator,
                          GaitSymbolRef creation, const GaitLogRecord *record)
{
	const GaitRole *parent = gait_program_get_role(program, creator);
	GaitRole *child;
	guint depth = 0;

	if (has_role(program, creator, creation, &depth))
		return;
	if (program->roles->len >= GAIT_MAX_ROLES || depth >= GAIT_MAX_ROLE_DEPTH) {
		gait_amender_refuse(amender, "the model has as many roles as it can have");
		return;
	}
	child = gait_program_add_role(program, creator, creation);
	child->is_thread = may_make_thread(record);
	g_array_append_vals(child->symbols, parent->symbols->data, parent->symbols->len);
	gait_role_alloc_relations(child);
	for (guint32 i = 0; i < child->symbols->len; i++)
		gait_bit_set(child->amended, i);
	amender->n_changes++;
}
