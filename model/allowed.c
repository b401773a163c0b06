/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task could have done where it did something else. One function for each kind of violation,
 * because each kind is missing something else: a call, an instruction, a library, a site, a
 * successor. Not for the hot path: it goes through the model, not the table.
 */
#include "model/allowed.h"

#include "model/life.h"
#include "model/model-private.h"
#include "model/walk-step.h"
#include "model/walker-private.h"
#include "sysgait/syscall.h"

typedef struct {
	GaitAllowed *allowed;
	const GaitWalker *walker;
	const GaitViolation *violation;
	const GaitModel *model;
	const GaitProgram *program;
	guint32 library;
} Collector;

/* Takes name. */
static void
add(Collector *collector, char *name)
{
	collector->allowed->n_total++;
	if (collector->allowed->names->len < GAIT_MAX_ALLOWED)
		g_ptr_array_add(collector->allowed->names, name);
	else
		g_free(name);
}

static gboolean
is_full(const Collector *collector)
{
	return collector->allowed->names->len >= GAIT_MAX_ALLOWED;
}

void
gait_allowed_append_symbol(GString *out, const GaitModel *model, const GaitProgram *program,
                           GaitSymbolRef ref)
{
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);
	const GaitLibrary *library = gait_program_get_library(program, ref.library);

	gait_syscall_format(out, symbol->nr, symbol->klass);
	if (symbol->function)
		g_string_append_printf(out, " at %s+0x%" G_GINT64_MODIFIER "x", symbol->function,
		                       symbol->delta);
	else
		g_string_append_printf(out, " at %s+0x%" G_GINT64_MODIFIER "x",
		                       gait_model_module_name(model, library->module),
		                       symbol->site);
}

static void
add_symbol(Collector *collector, GaitSymbolRef ref)
{
	g_autoptr(GString) name = NULL;

	if (is_full(collector)) {
		collector->allowed->n_total++;
		return;
	}
	name = g_string_new(NULL);
	gait_allowed_append_symbol(name, collector->model, collector->program, ref);
	add(collector, g_string_free(g_steal_pointer(&name), FALSE));
}

static void
add_call(Collector *collector, const GaitCall *call)
{
	g_autoptr(GString) name = g_string_new(NULL);

	gait_syscall_format(name, call->nr, call->klass);
	add(collector, g_string_free(g_steal_pointer(&name), FALSE));
}

guint32
gait_allowed_library(const GaitWalker *walker, const GaitViolation *violation)
{
	struct gait_walk_found found;

	gait_walk_find(walker->table->header, &walker->position, &violation->event, &found);
	return found.library;
}

guint32
gait_allowed_state(const GaitWalker *walker, const GaitViolation *violation)
{
	guint32 library = gait_allowed_library(walker, violation);

	if (library == GAIT_NONE)
		return GAIT_NONE;
	return gait_walk_from(gait_contexts_row(&walker->contexts)[1 + library],
	                      walker->contexts.depth, gait_walk_call_flags(violation->event.nr));
}

GaitSymbolRef
gait_allowed_entry(const GaitWalker *walker, const GaitViolation *violation)
{
	const GaitSymbolRef none = {GAIT_NONE, GAIT_NONE};
	const struct gait_walk_position *at = &walker->position;
	const GaitProgram *program = gait_model_get_program(walker->table->model, at->program);
	const GaitRole *role;
	guint32 call, entry;

	if (violation->verdict != GAIT_VERDICT_PHASE || at->role == GAIT_NONE)
		return none;
	call = gait_calls_find(program->calls, violation->event.nr, violation->event.klass);
	role = gait_program_get_role(program, at->role);
	entry = gait_phase_find_entry(g_ptr_array_index(role->phases, at->phase), call);
	return entry == GAIT_NONE ? none : g_array_index(role->symbols, GaitSymbolRef, entry);
}

/* Calls of the phase, or of the program where the role is not known: the same call with other
 * arguments first. */
static void
collect_calls(Collector *collector)
{
	const struct gait_walk_position *at = &collector->walker->position;
	const struct gait_walk_header *table = collector->walker->table->header;
	const GArray *calls = collector->program->calls;
	const struct gait_walk_phase *phase = NULL;
	guint32 set = 0;

	if (at->role != GAIT_NONE) {
		phase = gait_walk_get_phase(table, at->program, at->role, at->phase);
		set = at->is_loose ? phase->loose : phase->allowed;
	}
	for (int is_same = 1; is_same >= 0; is_same--)
		for (guint32 i = 0; i < calls->len; i++) {
			const GaitCall *call = &g_array_index(calls, GaitCall, i);

			if ((call->nr == collector->violation->event.nr) == is_same &&
			    (!phase || gait_walk_has_call(table, set, i)) &&
			    (!phase || at->is_loose ||
			     gait_walk_knows_entry(table, at, phase, at->phase, i)))
				add_call(collector, call);
		}
}

static void
collect_issuers(Collector *collector)
{
	for (guint32 i = 0; i < collector->program->issuers->len; i++) {
		const GaitIssuer *issuer =
		    &g_array_index(collector->program->issuers, GaitIssuer, i);

		if (issuer->nr == collector->violation->event.nr)
			add(collector, g_strdup_printf(
			                   "%s+0x%" G_GINT64_MODIFIER "x",
			                   gait_model_module_name(collector->model, issuer->module),
			                   issuer->offset));
	}
}

static void
collect_libraries(Collector *collector)
{
	const struct gait_walk_event *event = &collector->violation->event;

	for (guint32 l = 0; l < collector->program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(collector->program, l);

		for (guint32 i = 0; i < library->calls->len; i++) {
			const GaitCall *call = &g_array_index(library->calls, GaitCall, i);

			if (call->nr == event->nr && call->klass == event->klass)
				add(collector, g_strdup(gait_model_module_name(collector->model,
				                                               library->module)));
		}
	}
}

static void
collect_sites(Collector *collector)
{
	const struct gait_walk_event *event = &collector->violation->event;
	const GaitLibrary *library;

	if (collector->library == GAIT_NONE)
		return;
	library = gait_program_get_library(collector->program, collector->library);
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		if (symbol->nr == event->nr && symbol->klass == event->klass)
			add_symbol(collector, (GaitSymbolRef){collector->library, i});
	}
}

static void
collect_successors(Collector *collector)
{
	const GaitLibrary *library;
	guint32 state;

	if (collector->library == GAIT_NONE)
		return;
	library = gait_program_get_library(collector->program, collector->library);
	state = gait_allowed_state(collector->walker, collector->violation);
	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);

		if (edge->from == state)
			add_symbol(collector, (GaitSymbolRef){collector->library,
			                                      edge->to - GAIT_STATE_FIRST});
	}
}

static void
collect_programs(Collector *collector)
{
	for (guint32 i = 0; i < collector->program->execs->len; i++)
		add(collector, g_strdup(gait_model_get_program(
		                            collector->model,
		                            g_array_index(collector->program->execs, guint32, i))
		                            ->path));
}

static void
collect_creations(Collector *collector)
{
	for (guint32 r = 1; r < collector->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(collector->program, r);

		if (role->parent == collector->walker->position.role &&
		    gait_role_is_created(collector->program, role))
			add_symbol(collector, role->creation);
	}
}

void
gait_allowed_init(GaitAllowed *allowed, const GaitWalker *walker, const GaitViolation *violation)
{
	Collector collector = {
	    .allowed = allowed,
	    .walker = walker,
	    .violation = violation,
	    .model = walker->table->model,
	    .program = gait_model_get_program(walker->table->model, walker->position.program),
	    .library = gait_allowed_library(walker, violation),
	};

	allowed->names = g_ptr_array_new_with_free_func(g_free);
	allowed->n_total = 0;
	switch (violation->verdict) {
	case GAIT_VERDICT_SYSCALL:
	case GAIT_VERDICT_PHASE:
		collect_calls(&collector);
		break;
	case GAIT_VERDICT_ISSUER:
		collect_issuers(&collector);
		break;
	case GAIT_VERDICT_LIBRARY:
		collect_libraries(&collector);
		break;
	case GAIT_VERDICT_SITE:
		collect_sites(&collector);
		break;
	case GAIT_VERDICT_SEQUENCE:
		collect_successors(&collector);
		break;
	case GAIT_VERDICT_EXEC:
		collect_programs(&collector);
		break;
	case GAIT_VERDICT_ROLE:
		collect_creations(&collector);
		break;
	case GAIT_VERDICT_ALLOW:
	case GAIT_VERDICT_N_:
		break;
	}
}

void
gait_allowed_clear(GaitAllowed *allowed)
{
	g_clear_pointer(&allowed->names, g_ptr_array_unref);
}
