/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a sketch's states and lines: which sites they stand for, where they belong, what
 * changed about them. */
#include "sketch-private.h"

GaitSketchState *
gait_sketch_get_state(const GaitSketch *sketch, guint32 i)
{
	return &g_array_index(sketch->states, GaitSketchState, i);
}

GaitSketchLine *
gait_sketch_get_line(const GaitSketch *sketch, guint32 i)
{
	return &g_array_index(sketch->lines, GaitSketchLine, i);
}

const GaitSymbol *
gait_sketch_get_symbol(const GaitSketch *sketch, const GaitSketchState *state)
{
	if (state->state < GAIT_STATE_FIRST)
		return NULL;
	return g_ptr_array_index(sketch->library->symbols, state->state - GAIT_STATE_FIRST);
}

const GaitSketchSite *
gait_sketch_first_site(const GaitSketch *sketch, const GaitSketchState *state)
{
	return &g_array_index(sketch->sites, GaitSketchSite, state->first_site);
}

const GaitSketchSite *
gait_sketch_next_site(const GaitSketch *sketch, const GaitSketchSite *site)
{
	if (site->next == GAIT_NONE)
		return NULL;
	return &g_array_index(sketch->sites, GaitSketchSite, site->next);
}

const GaitSymbol *
gait_sketch_site_symbol(const GaitSketch *sketch, const GaitSketchSite *site)
{
	return g_ptr_array_index(sketch->library->symbols, site->state - GAIT_STATE_FIRST);
}

guint32
gait_sketch_count_runs(const GaitSketch *sketch, const GaitSketchState *state)
{
	guint32 n_runs = 0;

	for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state); site;
	     site = gait_sketch_next_site(sketch, site))
		n_runs = MAX(n_runs, gait_sketch_site_symbol(sketch, site)->n_runs);
	return n_runs;
}

gboolean
gait_sketch_has_phase(const GaitSketchState *state)
{
	return state->state >= GAIT_STATE_FIRST && !state->is_foreign;
}

gboolean
gait_sketch_is_milestone(const GaitSketch *sketch, const GaitSketchState *state)
{
	const GaitRole *role = gait_program_get_role(sketch->program, state->role);
	const GaitPhase *phase;
	const GaitSymbolRef *ref;

	if (!gait_sketch_has_phase(state) || state->phase >= role->phases->len)
		return FALSE;
	phase = g_ptr_array_index(role->phases, state->phase);
	if (phase->milestone >= role->symbols->len)
		return FALSE;
	ref = &g_array_index(role->symbols, GaitSymbolRef, phase->milestone);
	if (ref->library != sketch->library_index)
		return FALSE;
	for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state); site;
	     site = gait_sketch_next_site(sketch, site))
		if (GAIT_STATE_FIRST + ref->symbol == site->state)
			return TRUE;
	return FALSE;
}

const GaitSketchState *
gait_sketch_get_first(const GaitSketch *sketch, const GaitSketchState *state)
{
	return state->previous == GAIT_NONE ? state
	                                    : gait_sketch_get_state(sketch, state->other_end);
}

gboolean
gait_sketch_is_rare(const GaitSketch *sketch, guint32 n_runs)
{
	return n_runs <= 1 && sketch->model->runs->len > 1 && !sketch->options.both;
}

GaitGraphChange
gait_sketch_state_change(const GaitSketch *sketch, const GaitSketchState *state)
{
	if (!sketch->options.both || state->state < GAIT_STATE_FIRST)
		return GAIT_GRAPH_SAME;
	return gait_graph_change_of_sides(state->sides);
}

GaitGraphChange
gait_sketch_line_change(const GaitSketch *sketch, const GaitSketchLine *line)
{
	if (!sketch->options.both)
		return GAIT_GRAPH_SAME;
	return line->has_weight ? GAIT_GRAPH_WEIGHT : gait_graph_change_of_sides(line->sides);
}

const GaitGraphColor *
gait_sketch_state_color(const GaitSketch *sketch, const GaitSketchState *state)
{
	if (!sketch->options.both)
		return gait_graph_phase_color(state->phase);
	return gait_graph_change_color(gait_sketch_state_change(sketch, state));
}

gboolean
gait_sketch_is_unsequenced(const GaitSketchState *state)
{
	return state->n_in == 0 && state->n_out == 0 && state->n_loops == 0;
}
