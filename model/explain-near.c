/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes nearest to a violation among all that was learned. For each kind that is something
 * else: a call out of sequence has a way that leads to it, an unknown call site has known ones, a
 * call out of phase has its phases, an unknown program has programs that run it.
 */
#include "model/explain-private.h"

#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"

static void
near_sequence(const GaitNear *search)
{
	g_autofree guint8 *is_target = NULL;

	if (!search->library || search->at->symbol == GAIT_NONE)
		return;
	is_target = g_malloc0(search->library->symbols->len + 1);
	is_target[search->at->symbol] = TRUE;
	if (!gait_near_say_way(search, is_target) && search->at->from != GAIT_NONE)
		gait_near_say(search, "no learned way leads from there to it");
	gait_near_say_predecessors(search);
}

/* Where else the library makes the call is what was allowed. */
static void
near_site(const GaitNear *search)
{
	if (!search->library)
		return;
	if (!gait_near_say_nearest_place(search, TRUE))
		gait_near_in_library(search);
	gait_near_say_neighbours(search);
}

static void
near_library(const GaitNear *search)
{
	if (!search->library)
		gait_near_say(search,
		              "in training this library made no call at all in this program");
	else if (!gait_near_in_library(search))
		gait_near_say(search, "this library never made it with other arguments either");
	gait_near_in_program(search, TRUE);
}

/* Whether some other program of the model makes the call. */
static void
near_in_model(const GaitNear *search)
{
	for (guint i = 0; i < search->model->programs->len; i++) {
		const GaitProgram *other = gait_model_get_program(search->model, i);

		if (other != search->program && gait_calls_find(other->calls, search->record->nr,
		                                                search->record->klass) != GAIT_NONE)
			gait_near_say(search, "%s, which the model knows too, makes this call",
			              other->path);
	}
}

static void
near_syscall(const GaitNear *search)
{
	gboolean is_near = gait_near_in_library(search);

	is_near = gait_near_in_program(search, FALSE) || is_near;
	if (!is_near)
		gait_near_say(search,
		              "nothing: the program never made %s with other arguments either",
		              gait_syscall_name(search->record->nr));
	near_in_model(search);
}

/* --- phases, instructions, programs, tasks --------------------------------------------------- */

/* Where the phase has it in an interlude only. */
static void
say_entry(const GaitNear *search, const GaitRole *role, guint32 entry)
{
	g_autofree char *name = NULL;

	if (entry == GAIT_NONE)
		return;
	name = gait_explain_dup_symbol(search->model, search->program,
	                               g_array_index(role->symbols, GaitSymbolRef, entry));
	gait_near_say(search, "there, now and then: only after %s, until the task waits again",
	              name);
}

static void
near_phase(const GaitNear *search)
{
	guint32 call =
	    gait_calls_find(search->program->calls, search->record->nr, search->record->klass);
	const GaitRole *role;
	guint n = 0;

	if (search->at->role == GAIT_NONE || call == GAIT_NONE)
		return;
	role = gait_program_get_role(search->program, search->at->role);
	for (guint32 p = 0; p < role->phases->len; p++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);
		g_autofree char *since = NULL;

		if (!gait_numbers_contain(phase->allowed, call) || n++ >= GAIT_NEAR_MAX_LISTED)
			continue;
		since = phase->milestone == GAIT_NONE
		            ? g_strdup("its start")
		            : gait_explain_dup_symbol(
		                  search->model, search->program,
		                  g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
		gait_near_say(
		    search,
		    "%s makes it in phase %u, which begins with %s and takes %.1f%% of its life",
		    role->name, p + 1, since, 100 * phase->time_share);
		say_entry(search, role, gait_phase_find_entry(phase, call));
	}
	if (n == 0)
		gait_near_say(search, "%s never makes it, in whichever phase; other roles do",
		              role->name);
	gait_near_in_library(search);
}

static void
near_issuer(const GaitNear *search)
{
	const GArray *issuers = search->program->issuers;
	guint n = 0;

	for (guint i = 0; i < issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(issuers, GaitIssuer, i);
		g_autofree char *runs = NULL;

		if (issuer->nr != search->record->nr || n++ >= GAIT_NEAR_MAX_LISTED)
			continue;
		runs = gait_explain_dup_runs(search->model, issuer->n_runs);
		gait_near_say(
		    search,
		    "it is issued by the instruction before %s+0x%" G_GINT64_MODIFIER "x, %s",
		    gait_model_module_name(search->model, issuer->module), issuer->offset, runs);
	}
	gait_near_in_library(search);
}

static void
near_exec(const GaitNear *search)
{
	const char *path = search->record->exec_path;
	guint32 exec = path ? gait_model_find_program(search->model, path) : GAIT_NONE;

	if (exec == GAIT_NONE) {
		gait_near_say(
		    search,
		    "no training run had %s in it, so the model does not know what it may do",
		    path ? path : "that program");
		return;
	}
	for (guint i = 0; i < search->model->programs->len; i++) {
		const GaitProgram *other = gait_model_get_program(search->model, i);

		if (gait_numbers_contain(other->execs, exec))
			gait_near_say(search, "%s runs it", other->path);
	}
}

static void
near_role(const GaitNear *search)
{
	guint n_created = 0;

	for (guint32 r = 1; r < search->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(search->program, r);
		const GaitRole *creator = gait_program_get_role(search->program, role->parent);
		g_autofree char *name = NULL, *runs = NULL;

		if (search->out->len >= GAIT_NEAR_MAX_LISTED)
			return;
		if (!gait_role_is_created(search->program, role))
			continue;
		n_created++;
		name = gait_explain_dup_symbol(search->model, search->program, role->creation);
		runs = gait_explain_dup_runs(search->model, role->n_runs);
		gait_near_say(search, "%s makes %s by %s (%" G_GUINT64_FORMAT " times, %s)",
		              creator->name, role->name, name, role->n_instances, runs);
	}
	if (n_created == 0)
		gait_near_say(search, "in training the program made no task at all");
}

void
gait_explain_nearest(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at,
                     GPtrArray *nearest)
{
	static void (*const near[GAIT_VERDICT_N_])(const GaitNear *search) = {
	    [GAIT_VERDICT_SYSCALL] = near_syscall, [GAIT_VERDICT_ISSUER] = near_issuer,
	    [GAIT_VERDICT_LIBRARY] = near_library, [GAIT_VERDICT_PHASE] = near_phase,
	    [GAIT_VERDICT_SITE] = near_site,       [GAIT_VERDICT_SEQUENCE] = near_sequence,
	    [GAIT_VERDICT_EXEC] = near_exec,       [GAIT_VERDICT_ROLE] = near_role,
	};
	GaitNear search = {model, NULL, NULL, record, at, nearest};

	if (at->program == GAIT_NONE || record->arch || !near[record->kind])
		return;
	search.program = gait_model_get_program(model, at->program);
	if (at->library != GAIT_NONE && !at->is_stale)
		search.library = gait_program_get_library(search.program, at->library);
	near[record->kind](&search);
}
