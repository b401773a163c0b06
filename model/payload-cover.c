/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a payload gets in a phase. Each library's automaton is run as a nondeterministic one: the
 * attacker may have taken the task over in any state, and may choose among the sites of a call.
 * What enforcement would let pass is what counts: an edge, whichever role taught it, to a call that
 * this phase allows. Creating a task leads into the role of that task.
 */
#include "model/life.h"
#include "model/model-private.h"
#include "model/payload.h"

#include <string.h>

/* One library's automaton in one phase. States as bytes: an automaton has a few hundred. */
typedef struct {
	const GaitLibrary *library;
	guint32 n_states;
	guint64 *acts; /* by state: what its symbol does; 0 where the phase does not allow it */
	guint8 *is_allowed; /* by state */
	guint8 *from, *to;  /* where the attacker may be, before and after a call */
} Automaton;

static void
automaton_clear(Automaton *automaton)
{
	g_free(automaton->acts);
	g_free(automaton->is_allowed);
	g_free(automaton->from);
	g_free(automaton->to);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Automaton, automaton_clear)

static void
automaton_init(Automaton *automaton, const GaitProgram *program, const GaitLibrary *library,
               const GaitPhase *phase)
{
	*automaton = (Automaton){.library = library};
	automaton->n_states = GAIT_STATE_FIRST + library->symbols->len;
	automaton->acts = g_new0(guint64, automaton->n_states);
	automaton->is_allowed = g_new0(guint8, automaton->n_states);
	automaton->from = g_new0(guint8, automaton->n_states);
	automaton->to = g_new0(guint8, automaton->n_states);
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		guint32 call = gait_calls_find(program->calls, symbol->nr, symbol->klass);

		if (!gait_phase_allows(phase, call))
			continue;
		automaton->is_allowed[GAIT_STATE_FIRST + i] = TRUE;
		automaton->acts[GAIT_STATE_FIRST + i] = gait_act_mask(symbol->nr, symbol->klass);
	}
}

/* Anywhere that the role may have come to. */
static void
start_anywhere(Automaton *automaton, const GaitRole *role, guint32 library)
{
	memset(automaton->from, 0, automaton->n_states);
	automaton->from[GAIT_STATE_START] = automaton->from[GAIT_STATE_SIGNAL] = TRUE;
	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);

		if (ref.library == library)
			automaton->from[GAIT_STATE_FIRST + ref.symbol] = TRUE;
	}
}

/* Harmless calls in between: wherever allowed edges lead. */
static void
pad(Automaton *automaton)
{
	gboolean is_changed = TRUE;

	while (is_changed) {
		is_changed = FALSE;
		for (guint32 i = 0; i < automaton->library->edges->len; i++) {
			const GaitEdge *edge = g_ptr_array_index(automaton->library->edges, i);

			if (!automaton->from[edge->from] || automaton->from[edge->to] ||
			    !automaton->is_allowed[edge->to])
				continue;
			automaton->from[edge->to] = TRUE;
			is_changed = TRUE;
		}
	}
}

/* FALSE where no state is left. */
static gboolean
step(Automaton *automaton, GaitAct act)
{
	gboolean is_any = FALSE;
	guint8 *swap = automaton->from;

	memset(automaton->to, 0, automaton->n_states);
	for (guint32 i = 0; i < automaton->library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(automaton->library->edges, i);

		if (!automaton->from[edge->from] || !(automaton->acts[edge->to] >> act & 1))
			continue;
		automaton->to[edge->to] = TRUE;
		is_any = TRUE;
	}
	automaton->from = automaton->to;
	automaton->to = swap;
	return is_any;
}

/* What is tried: the rest of a payload, in some phase of a role. */
typedef struct {
	const GaitProgram *program;
	guint32 role;
	const GaitAct *acts;
	guint n_acts;
	gboolean is_padded;
} Attempt;

static gboolean passes_somewhere(const Attempt *attempt, const GaitPhase *phase);

/*
 * A task that was created at one of the states that the automaton is in goes on in a role of its
 * own, from whichever of its phases suits the attacker.
 */
static gboolean
passes_in_child(const Attempt *attempt, const Automaton *automaton, guint32 library, guint n_done)
{
	for (guint32 i = attempt->role + 1; i < attempt->program->roles->len; i++) {
		const GaitRole *child = gait_program_get_role(attempt->program, i);
		Attempt rest = {attempt->program, i, attempt->acts + n_done,
		                attempt->n_acts - n_done, attempt->is_padded};

		if (child->parent != attempt->role || child->creation.library != library ||
		    !automaton->from[GAIT_STATE_FIRST + child->creation.symbol])
			continue;
		for (guint32 p = 0; p < child->phases->len; p++)
			if (passes_somewhere(&rest, g_ptr_array_index(child->phases, p)))
				return TRUE;
	}
	return FALSE;
}

static gboolean
passes(const Attempt *attempt, Automaton *automaton, guint32 library)
{
	for (guint i = 0; i < attempt->n_acts; i++) {
		if (attempt->is_padded)
			pad(automaton);
		if (!step(automaton, attempt->acts[i]))
			return FALSE;
		if (attempt->acts[i] == GAIT_ACT_SPAWN && i + 1 < attempt->n_acts &&
		    passes_in_child(attempt, automaton, library, i + 1))
			return TRUE;
	}
	return TRUE;
}

/* As any one of the libraries. */
static gboolean
passes_somewhere(const Attempt *attempt, const GaitPhase *phase)
{
	const GaitRole *role = gait_program_get_role(attempt->program, attempt->role);

	for (guint32 i = 0; i < attempt->program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(attempt->program, i);
		g_auto(Automaton) automaton = {0};

		automaton_init(&automaton, attempt->program, library, phase);
		start_anywhere(&automaton, role, i);
		if (passes(attempt, &automaton, i))
			return TRUE;
	}
	return FALSE;
}

GaitCover
gait_payload_cover(const GaitProgram *program, guint32 role, guint32 phase,
                   const GaitPayload *payload)
{
	const GaitPhase *in =
	    g_ptr_array_index(gait_program_get_role(program, role)->phases, phase);
	Attempt attempt = {program, role, payload->acts, payload->n_acts, FALSE};

	if (passes_somewhere(&attempt, in))
		return GAIT_COVER_PLAIN;
	attempt.is_padded = TRUE;
	return passes_somewhere(&attempt, in) ? GAIT_COVER_PADDED : GAIT_COVER_NONE;
}
