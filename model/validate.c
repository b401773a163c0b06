/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that a model is what normalize leaves: every index in range, everything in canonical order
 * (which also rules out duplicates), counters within their bounds, roles a folded tree, relations
 * and phases of the right shape. Code that reads models relies on all of it, so nothing that came
 * from a file goes past here unchecked. Roles are checked in validate-roles.c.
 */
#include "model/validate-private.h"

#include <string.h>

#define MAX_BUILD_ID 512 /* digits */

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)

static gboolean
is_hex(const char *text)
{
	for (; *text; text++)
		if (!g_ascii_isdigit(*text) && !(*text >= 'a' && *text <= 'f'))
			return FALSE;
	return TRUE;
}

gboolean
gait_validate_counts(const GaitValidator *validator, guint64 count, guint32 n_runs)
{
	GaitPlace *place = validator->place;

	if (count > GAIT_MAX_COUNTER)
		return fail(place, "its count is above the bound of 2^63 - 1");
	if (n_runs > validator->model->runs->len)
		return fail(place, "it was seen in %u runs, but the model has %u", n_runs,
		            validator->model->runs->len);
	return TRUE;
}

static gboolean
check_run(const GaitValidator *validator, guint32 i)
{
	const GaitRun *run = g_ptr_array_index(validator->model->runs, i);
	GaitPlace *place = validator->place;

	if (strlen(run->id) != 64 || !is_hex(run->id))
		return fail(place, "its id is not 64 hexadecimal digits");
	if (i && gait_run_compare(g_ptr_array_index(validator->model->runs, i - 1), run) >= 0)
		return fail(place, "it is there twice, or out of order (runs are sorted by id)");
	return gait_validate_counts(validator, run->n_events, 0);
}

static gboolean
check_amendment(const GaitValidator *validator, guint32 i)
{
	const GPtrArray *all = validator->model->amendments;
	const GaitAmendment *amendment = g_ptr_array_index(all, i);
	GaitPlace *place = validator->place;

	if (strlen(amendment->id) != 64 || !is_hex(amendment->id))
		return fail(place, "its id is not 64 hexadecimal digits");
	if (amendment->log[0] && (strlen(amendment->log) != 64 || !is_hex(amendment->log)))
		return fail(place, "its log is not 64 hexadecimal digits");
	if (i && gait_amendment_compare(g_ptr_array_index(all, i - 1), amendment) >= 0)
		return fail(place, "it is there twice, or out of order (they are sorted by id)");
	if (!validator->model->is_amended)
		return fail(place, "but the model says that it is not amended");
	return TRUE;
}

gboolean
gait_model_is_build_id(const char *text)
{
	const char *digits = g_str_has_prefix(text, "sha1:") ? text + strlen("sha1:") : text;

	return is_hex(digits) && strlen(digits) <= MAX_BUILD_ID;
}

static gboolean
check_module(const GaitValidator *validator, guint32 i, GHashTable *seen)
{
	const GaitModelModule *module = g_ptr_array_index(validator->model->modules, i);
	GaitPlace *place = validator->place;

	if (!module->path[0])
		return fail(place, "its path is empty");
	if (!gait_model_is_build_id(module->build_id))
		return fail(place, "its build-id is not up to 512 lower-case hexadecimal digits");
	if (i &&
	    gait_module_compare(g_ptr_array_index(validator->model->modules, i - 1), module) >= 0)
		return fail(place,
		            "it is out of order (modules are sorted by path, then build-id)");
	if (!g_hash_table_add(seen, (gpointer)module))
		return fail(place, "another module has the same name and build-id");
	return TRUE;
}

/* --- libraries --- */

static gboolean
check_symbols(const GaitValidator *validator, const GaitLibrary *library)
{
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		gsize mark = gait_place_enter(validator->place, "symbols", i);

		if (i &&
		    gait_symbol_compare(g_ptr_array_index(library->symbols, i - 1), symbol) >= 0)
			return fail(validator->place, "it is there twice, or out of order (symbols "
			                              "are sorted by number, class and site)");
		if (!gait_validate_counts(validator, symbol->count, symbol->n_runs))
			return FALSE;
		if (gait_calls_find(library->calls, symbol->nr, symbol->klass) == GAIT_NONE)
			return fail(validator->place,
			            "its call is missing from the library's calls");
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

static gboolean
check_edge(const GaitValidator *validator, const GaitLibrary *library, const GaitEdge *edge)
{
	GaitPlace *place = validator->place;
	guint32 n_states = GAIT_STATE_FIRST + library->symbols->len;

	if (edge->from >= n_states || edge->to >= n_states)
		return fail(place, "\"%s\" is %u, but the library has %u states",
		            edge->from >= n_states ? "from" : "to",
		            edge->from >= n_states ? edge->from : edge->to, n_states);
	if (edge->to < GAIT_STATE_FIRST)
		return fail(place, "\"to\" is a state that no call enters");
	if (!gait_validate_counts(validator, edge->count, edge->n_runs))
		return FALSE;
	for (guint32 i = 0; i < edge->roles->len; i++) {
		const GaitRoleCount *count = &g_array_index(edge->roles, GaitRoleCount, i);

		if (count->role >= validator->program->roles->len)
			return fail(place, "role %u of %u", count->role,
			            validator->program->roles->len);
		if (i && g_array_index(edge->roles, GaitRoleCount, i - 1).role >= count->role)
			return fail(place, "its roles are there twice, or out of order");
		if (count->n_runs > edge->n_runs || count->count > edge->count)
			return fail(place, "a role has more runs or events than the edge itself");
	}
	return TRUE;
}

static gboolean
check_edges(const GaitValidator *validator, const GaitLibrary *library)
{
	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);
		gsize mark = gait_place_enter(validator->place, "edges", i);

		if (!check_edge(validator, library, edge))
			return FALSE;
		if (i && gait_edge_compare(g_ptr_array_index(library->edges, i - 1), edge) >= 0)
			return fail(validator->place, "it is there twice, or out of order (edges "
			                              "are sorted by from and to)");
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

/* Sorted, and each a call that is really issued: n_distinct of them are. */
static gboolean
check_calls(const GaitValidator *validator, const GArray *calls, guint32 n_distinct)
{
	GaitPlace *place = validator->place;

	for (guint32 i = 0; i < calls->len; i++) {
		const GaitCall *call = &g_array_index(calls, GaitCall, i);
		gsize mark = gait_place_enter(place, "calls", i);

		if (i && gait_call_compare(call - 1, call) >= 0)
			return fail(place, "it is there twice, or out of order (calls are sorted "
			                   "by number and class)");
		if (!gait_validate_counts(validator, 0, call->n_runs))
			return FALSE;
		gait_place_leave(place, mark);
	}
	if (calls->len != n_distinct)
		return fail(place, "it has %u calls, but its symbols %u", calls->len, n_distinct);
	return TRUE;
}

/* Symbols are sorted by call, so distinct ones stand together. */
static guint32
count_calls(const GaitLibrary *library)
{
	guint32 n = 0;

	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		const GaitSymbol *last = i ? g_ptr_array_index(library->symbols, i - 1) : NULL;

		n += !last || last->nr != symbol->nr || last->klass != symbol->klass;
	}
	return n;
}

static gboolean
check_library(const GaitValidator *validator, guint32 i)
{
	const GaitLibrary *library = gait_program_get_library(validator->program, i);
	GaitPlace *place = validator->place;

	if (library->module >= validator->model->modules->len)
		return fail(place, "module %u of %u", library->module,
		            validator->model->modules->len);
	if (i && gait_program_get_library(validator->program, i - 1)->module >= library->module)
		return fail(place,
		            "it is there twice, or out of order (libraries are sorted by module)");
	return check_calls(validator, library->calls, count_calls(library)) &&
	       check_symbols(validator, library) && check_edges(validator, library);
}

/* --- programs --- */

static gboolean
check_program_calls(const GaitValidator *validator)
{
	const GaitProgram *program = validator->program;
	g_autofree guint8 *used = g_malloc0(program->calls->len + 1);
	guint32 n_used = 0;

	for (guint32 i = 0; i < program->libraries->len; i++) {
		const GArray *calls = gait_program_get_library(program, i)->calls;

		for (guint32 k = 0; k < calls->len; k++) {
			const GaitCall *call = &g_array_index(calls, GaitCall, k);
			guint32 found = gait_calls_find(program->calls, call->nr, call->klass);

			if (found == GAIT_NONE)
				return fail(validator->place,
				            "libraries[%u].calls[%u] is missing from the "
				            "program's calls",
				            i, k);
			n_used += !used[found];
			used[found] = 1;
		}
	}
	return check_calls(validator, program->calls, n_used);
}

static gboolean
check_issuers(const GaitValidator *validator)
{
	const GArray *issuers = validator->program->issuers;

	for (guint32 i = 0; i < issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(issuers, GaitIssuer, i);
		gsize mark = gait_place_enter(validator->place, "issuers", i);

		if (issuer->module >= validator->model->modules->len)
			return fail(validator->place, "module %u of %u", issuer->module,
			            validator->model->modules->len);
		if (i && gait_issuer_compare(issuer - 1, issuer) >= 0)
			return fail(validator->place, "it is there twice, or out of order (issuers "
			                              "are sorted by number, module and offset)");
		if (!gait_validate_counts(validator, 0, issuer->n_runs))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

static gboolean
check_amended_execs(const GaitValidator *validator)
{
	const GArray *execs = validator->program->execs;
	const GArray *amended = validator->program->amended_execs;
	guint32 k = 0;

	for (guint32 i = 0; i < amended->len; i++) {
		while (k < execs->len &&
		       g_array_index(execs, guint32, k) != g_array_index(amended, guint32, i))
			k++;
		if (k++ == execs->len)
			return fail(validator->place,
			            "amended_execs[%u] is not one of its execs, or out of order",
			            i);
	}
	return TRUE;
}

static gboolean
check_execs(const GaitValidator *validator)
{
	const GArray *execs = validator->program->execs;

	for (guint32 i = 0; i < execs->len; i++) {
		guint32 exec = g_array_index(execs, guint32, i);

		if (exec >= validator->model->programs->len)
			return fail(validator->place, "execs[%u] is program %u of %u", i, exec,
			            validator->model->programs->len);
		if (i && g_array_index(execs, guint32, i - 1) >= exec)
			return fail(validator->place, "execs[%u] is there twice, or out of order",
			            i);
	}
	return check_amended_execs(validator);
}

static gboolean
check_program(GaitValidator *validator, guint32 i)
{
	const GaitModel *model = validator->model;
	const GaitProgram *program = gait_model_get_program(model, i);
	GaitPlace *place = validator->place;

	validator->program = program;
	if (!program->path[0])
		return fail(place, "its path is empty");
	if (i && strcmp(gait_model_get_program(model, i - 1)->path, program->path) >= 0)
		return fail(place,
		            "it is there twice, or out of order (programs are sorted by path)");
	if (program->module != GAIT_NONE && program->module >= model->modules->len)
		return fail(place, "module %u of %u", program->module, model->modules->len);
	if (!gait_validate_counts(validator, 0, program->n_runs) || !check_execs(validator) ||
	    !check_issuers(validator))
		return FALSE;
	for (guint32 k = 0; k < program->libraries->len; k++) {
		gsize mark = gait_place_enter(place, "libraries", k);

		if (!check_library(validator, k))
			return FALSE;
		gait_place_leave(place, mark);
	}
	return check_program_calls(validator) && gait_validate_roles(validator);
}

static gboolean
check_model(GaitValidator *validator)
{
	const GaitModel *model = validator->model;
	g_autoptr(GHashTable) seen =
	    g_hash_table_new((GHashFunc)gait_module_hash, (GEqualFunc)gait_module_equal);

	for (guint32 i = 0; i < model->runs->len; i++) {
		gsize mark = gait_place_enter(validator->place, "runs", i);

		if (!check_run(validator, i))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	for (guint32 i = 0; i < model->amendments->len; i++) {
		gsize mark = gait_place_enter(validator->place, "amendments", i);

		if (!check_amendment(validator, i))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	for (guint32 i = 0; i < model->modules->len; i++) {
		gsize mark = gait_place_enter(validator->place, "modules", i);

		if (!check_module(validator, i, seen))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	for (guint32 i = 0; i < model->programs->len; i++) {
		gsize mark = gait_place_enter(validator->place, "programs", i);

		if (!check_program(validator, i))
			return FALSE;
		gait_place_leave(validator->place, mark);
	}
	return TRUE;
}

gboolean
gait_model_validate_named(const GaitModel *model, const char *name, GError **error)
{
	g_auto(GaitPlace) place = {0};
	GaitValidator validator = {.model = model, .place = &place};

	gait_place_init(&place, name);
	check_model(&validator);
	return gait_place_finish(&place, error);
}

gboolean
gait_model_validate(const GaitModel *model, GError **error)
{
	return gait_model_validate_named(model, NULL, error);
}
