/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many violations of each kind a model expects of the next run of the program it was learned
 * from: what was seen in exactly one of n runs, over n. A thing seen once that lies inside another
 * one seen once is not counted: the outer one would be reported first, and a walker that has lost
 * its way on it does not report the inner one. For the same reason a phase counts once, however
 * much of it was seen once: after the first surprise the walker takes the phase for a lower bound.
 * Instruction, site and phase of an incidental call are nobody's surprise (walk-step.h).
 */
#include "model/model-private.h"
#include "sysgait/contexts.h"
#include "sysgait/metrics.h"
#include "sysgait/walk-table.h"
#include "sysgait/walker.h"

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	guint64 counts[GAIT_VERDICT_N_];
} Expected;

static guint32
runs_of_call(const GArray *calls, guint32 nr, guint32 klass)
{
	guint32 found = gait_calls_find(calls, nr, klass);

	return found == GAIT_NONE ? 0 : g_array_index(calls, GaitCall, found).n_runs;
}

/* Locks and the heap: not held to where they come from, and when. */
static gboolean
is_incidental(guint32 nr)
{
	return (gait_walk_call_flags(nr) & GAIT_WALK_INCIDENTAL) != 0;
}

/* Whether the program issues this number, with any class, in more than one run. */
static gboolean
is_settled_number(const GaitProgram *program, guint32 nr)
{
	for (guint32 i = 0; i < program->calls->len; i++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, i);

		if (call->nr == nr && call->n_runs > 1)
			return TRUE;
	}
	return FALSE;
}

static void
count_calls(Expected *expected)
{
	const GaitProgram *program = expected->program;

	for (guint32 i = 0; i < program->calls->len; i++)
		expected->counts[GAIT_VERDICT_SYSCALL] +=
		    g_array_index(program->calls, GaitCall, i).n_runs == 1;
	for (guint32 i = 0; i < program->issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(program->issuers, GaitIssuer, i);

		expected->counts[GAIT_VERDICT_ISSUER] += issuer->n_runs == 1 &&
		                                         !is_incidental(issuer->nr) &&
		                                         is_settled_number(program, issuer->nr);
	}
}

/* --- libraries --- */

/* A state in which a walker is in most runs: not one that a symbol of a single run leads to. */
static gboolean
is_settled_state(const GaitLibrary *library, guint32 state)
{
	const GaitSymbol *symbol;

	if (state < GAIT_STATE_FIRST)
		return TRUE;
	symbol = g_ptr_array_index(library->symbols, state - GAIT_STATE_FIRST);
	return symbol->n_runs > 1;
}

static void
count_library(Expected *expected, const GaitLibrary *library)
{
	for (guint32 i = 0; i < library->calls->len; i++) {
		const GaitCall *call = &g_array_index(library->calls, GaitCall, i);

		expected->counts[GAIT_VERDICT_LIBRARY] +=
		    call->n_runs == 1 &&
		    runs_of_call(expected->program->calls, call->nr, call->klass) > 1;
	}
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		expected->counts[GAIT_VERDICT_SITE] +=
		    symbol->n_runs == 1 && !is_incidental(symbol->nr) &&
		    runs_of_call(library->calls, symbol->nr, symbol->klass) > 1;
	}
	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);

		expected->counts[GAIT_VERDICT_SEQUENCE] += edge->n_runs == 1 &&
		                                           is_settled_state(library, edge->from) &&
		                                           is_settled_state(library, edge->to);
	}
}

/* --- phases --- */

/* The row of a phase's milestone; GAIT_NONE where it is no candidate (a phase made by hand). */
static guint32
row_of_phase(const GaitRole *role, guint32 phase)
{
	guint32 milestone = ((const GaitPhase *)g_ptr_array_index(role->phases, phase))->milestone;

	for (guint32 i = 0; i < role->candidates->len; i++)
		if (g_array_index(role->candidates, GaitCandidate, i).symbol == milestone)
			return i;
	return GAIT_NONE;
}

/* Whether a symbol is known from two runs at a place in the phase between rows from and to. */
static gboolean
is_settled_symbol(const GaitRole *role, guint32 from, guint32 to, guint32 symbol)
{
	guint32 last = role->candidates->len;

	/* What was accepted by hand says nothing of how often it comes. */
	if (gait_bit_test(role->amended, symbol))
		return TRUE;
	if (from == GAIT_NONE && to == GAIT_NONE)
		return gait_bit_test(gait_role_row(role, role->before_twice, last), symbol) ||
		       gait_bit_test(gait_role_row(role, role->after_twice, last), symbol);
	return (from == GAIT_NONE ||
	        gait_bit_test(gait_role_row(role, role->after_twice, from), symbol)) &&
	       (to == GAIT_NONE ||
	        gait_bit_test(gait_role_row(role, role->before_twice, to), symbol));
}

/* Whether the phase has a call that none of its symbols was seen to make there in two runs. */
static void
count_phase(Expected *expected, const GaitRole *role, guint32 index)
{
	const GaitProgram *program = expected->program;
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);
	guint32 from = index ? row_of_phase(role, index) : GAIT_NONE;
	guint32 to = index + 1 < role->phases->len ? row_of_phase(role, index + 1) : GAIT_NONE;
	g_autofree guint8 *settled = g_malloc0(program->calls->len + 1);

	if ((index && from == GAIT_NONE) || (index + 1 < role->phases->len && to == GAIT_NONE))
		return;
	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);
		const GaitSymbol *symbol = gait_program_get_symbol(program, ref);

		if (is_settled_symbol(role, from, to, i))
			settled[gait_calls_find(program->calls, symbol->nr, symbol->klass)] = 1;
	}
	for (guint32 i = 0; i < phase->allowed->len; i++) {
		guint32 index_of_call = g_array_index(phase->allowed, guint32, i);
		const GaitCall *call = &g_array_index(program->calls, GaitCall, index_of_call);

		if (!settled[index_of_call] && call->n_runs > 1 && !is_incidental(call->nr)) {
			expected->counts[GAIT_VERDICT_PHASE]++;
			return;
		}
	}
}

static void
count_roles(Expected *expected)
{
	const GaitProgram *program = expected->program;

	for (guint32 i = 0; i < program->roles->len; i++) {
		const GaitRole *role = gait_program_get_role(program, i);

		if (role->n_runs > 1) {
			for (guint32 k = 0; k < role->phases->len; k++)
				count_phase(expected, role, k);
		} else if (role->n_runs == 1 && role->parent != GAIT_NONE) {
			expected->counts[GAIT_VERDICT_ROLE] +=
			    gait_program_get_role(program, role->parent)->n_runs > 1;
		}
	}
}

/* --- the whole --- */

/* Programs that were run by exec in one run only: where each is, an exec would be refused. */
static gboolean
count_execs(Expected *expected, guint32 program)
{
	guint64 n = 0;

	if (gait_model_get_program(expected->model, program)->n_runs != 1)
		return FALSE;
	for (guint32 i = 0; i < expected->model->programs->len; i++) {
		const GArray *execs = gait_model_get_program(expected->model, i)->execs;

		for (guint32 k = 0; k < execs->len; k++)
			n += g_array_index(execs, guint32, k) == program && i != program;
	}
	expected->counts[GAIT_VERDICT_EXEC] += n;
	return n > 0;
}

void
gait_metrics_expected(const GaitModel *model, double *per_run, guint n_verdicts)
{
	Expected expected = {.model = model};

	for (guint32 i = 0; i < model->programs->len; i++) {
		if (count_execs(&expected, i))
			continue;
		expected.program = gait_model_get_program(model, i);
		count_calls(&expected);
		for (guint32 k = 0; k < expected.program->libraries->len; k++)
			count_library(&expected, gait_program_get_library(expected.program, k));
		count_roles(&expected);
	}
	for (guint i = 0; i < n_verdicts; i++)
		per_run[i] = i < GAIT_VERDICT_N_ && model->runs->len
		                 ? (double)expected.counts[i] / model->runs->len
		                 : 0;
}
