/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GaitSketch: what makes a drawing of a few hundred edges legible is done here, on plain arrays.
 * States are copied per role, and sites that only differ by what the reader does not ask for fold
 * into one; two states that alternate share one line, a state that follows itself counts that
 * instead of having a loop, and calls that only ever follow each other become a run. Draws nothing.
 *
 * Folding stays within a role and a phase: a box stands in one place, and what a later phase adds
 * from another site remains to be seen there.
 */
#include "model/model-private.h"
#include "sketch-private.h"

/* --- states -------------------------------------------------------------------------------------
 */

static gint64
make_key(guint32 role, guint32 state)
{
	return (gint64)((guint64)role << 32 | state);
}

/* Names what a state is folded into; NULL where it stands for itself. */
static char *
dup_fold_key(const GaitSketch *sketch, const GaitSketchState *state)
{
	const GaitSymbol *symbol = gait_sketch_get_symbol(sketch, state);
	gboolean by_function = sketch->options.fold == GAIT_GRAPH_FOLD_FUNCTION;

	if (!symbol || sketch->options.fold == GAIT_GRAPH_FOLD_NONE ||
	    (by_function && !symbol->function))
		return NULL;
	return g_strdup_printf("%u %u %d %u:%x %s", state->role, state->phase, state->is_foreign,
	                       symbol->nr, symbol->klass, by_function ? symbol->function : "");
}

/* Index of the state that it is folded into, else of the new one that it is. */
static guint32
place_state(GaitSketch *sketch, const GaitSketchState *state)
{
	g_autofree char *fold = dup_fold_key(sketch, state);
	gpointer found;

	if (fold && g_hash_table_lookup_extended(sketch->by_fold, fold, NULL, &found))
		return GPOINTER_TO_UINT(found);
	g_array_append_val(sketch->states, *state);
	if (fold)
		g_hash_table_insert(sketch->by_fold, g_steal_pointer(&fold),
		                    GUINT_TO_POINTER(sketch->states->len - 1));
	return sketch->states->len - 1;
}

static guint32
add_state(GaitSketch *sketch, guint32 role, guint32 state, guint32 phase, gboolean is_foreign)
{
	GaitSketchState added = {.role = role,
	                         .state = state,
	                         .phase = phase,
	                         .is_foreign = is_foreign,
	                         .next = GAIT_NONE,
	                         .previous = GAIT_NONE,
	                         .other_end = sketch->states->len};
	guint32 index = place_state(sketch, &added);
	GaitSketchState *placed = gait_sketch_get_state(sketch, index);
	GaitSketchSite site = {state, GAIT_NONE};
	gint64 *key = g_new(gint64, 1);

	*key = make_key(role, state);
	if (placed->n_sites++ == 0)
		placed->first_site = sketch->sites->len;
	else
		g_array_index(sketch->sites, GaitSketchSite, placed->last_site).next =
		    sketch->sites->len;
	placed->last_site = sketch->sites->len;
	g_array_append_val(sketch->sites, site);
	if (sketch->options.both && state >= GAIT_STATE_FIRST)
		placed->sides |= gait_union_get_mark(sketch->options.both,
		                                     gait_sketch_site_symbol(sketch, &site))
		                     ->sides;
	g_hash_table_insert(sketch->by_key, key, GUINT_TO_POINTER(index));
	return index;
}

static gboolean
find_state(const GaitSketch *sketch, guint32 role, guint32 state, guint32 *index)
{
	gint64 key = make_key(role, state);
	gpointer value;

	if (!g_hash_table_lookup_extended(sketch->by_key, &key, NULL, &value))
		return FALSE;
	*index = GPOINTER_TO_UINT(value);
	return TRUE;
}

static void
collect_states(GaitSketch *sketch)
{
	for (guint32 r = 0; r < sketch->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(sketch->program, r);

		if (sketch->options.role != GAIT_NONE && sketch->options.role != r)
			continue;
		for (guint32 s = 0; s < role->symbols->len; s++) {
			GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, s);

			if (ref.library == sketch->library_index)
				add_state(sketch, r, GAIT_STATE_FIRST + ref.symbol,
				          gait_graph_first_phase(role, s), FALSE);
		}
	}
}

/* --- lines --------------------------------------------------------------------------------------
 */

/* The copy of a state that a line of this role touches: its own, else that of the nearest ancestor
 * it inherited the state from, else a new one. */
static guint32
resolve(GaitSketch *sketch, guint32 role, guint32 state)
{
	guint32 index;

	for (guint32 r = role; r != GAIT_NONE;
	     r = gait_program_get_role(sketch->program, r)->parent) {
		if (find_state(sketch, r, state, &index))
			return index;
		/* Each task has its own start. */
		if (state < GAIT_STATE_FIRST)
			break;
	}
	return add_state(sketch, role, state, 0, state >= GAIT_STATE_FIRST);
}

static void
add_change(const GaitSketch *sketch, const GaitEdge *edge, GaitSketchLine *line)
{
	const GaitUnionMark *mark;

	if (!sketch->options.both)
		return;
	mark = gait_union_get_mark(sketch->options.both, edge);
	line->sides = mark->sides;
	line->has_weight = mark->has_weight;
	for (guint i = 0; i < 2; i++) {
		line->share[i] = mark->has_weight ? mark->share[i] : 0;
		line->in_side[i] = mark->count[i];
	}
}

static void
add_line(GaitSketch *sketch, const GaitEdge *edge, const GaitRoleCount *seen)
{
	guint32 from = resolve(sketch, seen->role, edge->from);
	guint32 to = resolve(sketch, seen->role, edge->to);
	GaitSketchLine line = {.from = from,
	                       .to = to,
	                       .count = seen->count,
	                       .n_runs = seen->n_runs,
	                       .is_amended = edge->is_amended};

	add_change(sketch, edge, &line);
	if (from == to) {
		gait_sketch_get_state(sketch, from)->n_loops += seen->count;
		return;
	}
	gait_sketch_get_state(sketch, from)->n_out++;
	gait_sketch_get_state(sketch, from)->out_count += seen->count;
	gait_sketch_get_state(sketch, to)->n_in++;
	if (!gait_sketch_is_rare(sketch, line.n_runs)) {
		gait_sketch_get_state(sketch, from)->is_common = TRUE;
		gait_sketch_get_state(sketch, to)->is_common = TRUE;
	}
	g_array_append_val(sketch->lines, line);
}

static void
collect_lines(GaitSketch *sketch)
{
	for (guint i = 0; i < sketch->library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(sketch->library->edges, i);
		GaitRoleCount unseen = {
		    .role = sketch->options.role == GAIT_NONE ? 0 : sketch->options.role,
		    .n_runs = edge->n_runs,
		    .count = edge->count};

		/* An edge accepted by hand may have been seen in no role. */
		if (edge->roles->len == 0 && sketch->program->roles->len > 0)
			add_line(sketch, edge, &unseen);
		for (guint r = 0; r < edge->roles->len; r++) {
			const GaitRoleCount *seen = &g_array_index(edge->roles, GaitRoleCount, r);

			if (sketch->options.role == GAIT_NONE || sketch->options.role == seen->role)
				add_line(sketch, edge, seen);
		}
	}
}

static gint
compare_lines(gconstpointer a, gconstpointer b)
{
	const GaitSketchLine *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return 0;
}

/* Lines between the same copies (a child's step may coincide with its parent's own) are one. */
static void
merge_equal(GaitSketch *sketch)
{
	guint n_kept = 0;

	g_array_sort(sketch->lines, compare_lines);
	for (guint i = 0; i < sketch->lines->len; i++) {
		GaitSketchLine *line = gait_sketch_get_line(sketch, i);
		GaitSketchLine *kept = n_kept ? gait_sketch_get_line(sketch, n_kept - 1) : NULL;

		if (!kept || compare_lines(kept, line) != 0) {
			*gait_sketch_get_line(sketch, n_kept++) = *line;
			continue;
		}
		kept->count += line->count;
		kept->n_runs = MAX(kept->n_runs, line->n_runs);
		kept->is_amended |= line->is_amended;
		kept->sides |= line->sides;
		for (guint k = 0; k < 2; k++)
			kept->in_side[k] = gait_counter_add(kept->in_side[k], line->in_side[k]);
		/* Shares of several edges do not add up; that of one does. */
		kept->has_weight &= line->has_weight && kept->share[1] == line->share[1];
		gait_sketch_get_state(sketch, line->from)->n_out--;
		gait_sketch_get_state(sketch, line->to)->n_in--;
	}
	g_array_set_size(sketch->lines, n_kept);
}

/* Where a→b and b→a are there, both rare or neither, one line with two heads says it. */
static void
merge_opposites(GaitSketch *sketch)
{
	for (guint i = 0; i < sketch->lines->len; i++) {
		GaitSketchLine *line = gait_sketch_get_line(sketch, i), *back;
		GaitSketchLine opposite = {.from = line->to, .to = line->from};
		guint index;

		if (line->from > line->to ||
		    !g_array_binary_search(sketch->lines, &opposite, compare_lines, &index))
			continue;
		back = gait_sketch_get_line(sketch, index);
		if (gait_sketch_is_rare(sketch, back->n_runs) !=
		        gait_sketch_is_rare(sketch, line->n_runs) ||
		    back->sides != line->sides || back->has_weight || line->has_weight)
			continue;
		line->back_count = back->count;
		line->is_amended |= back->is_amended;
		back->is_hidden = TRUE;
	}
}

/* --- straight runs ------------------------------------------------------------------------------
 */

static gboolean
is_rare_state(const GaitSketch *sketch, const GaitSketchState *state)
{
	return gait_sketch_is_rare(sketch, gait_sketch_count_runs(sketch, state));
}

/* Whether nothing but this line leaves its one end, and nothing but it enters the other. */
static gboolean
is_straight(const GaitSketch *sketch, const GaitSketchLine *line)
{
	const GaitSketchState *from = gait_sketch_get_state(sketch, line->from);
	const GaitSketchState *to = gait_sketch_get_state(sketch, line->to);

	if (line->is_hidden || line->back_count || line->is_amended || from->n_out != 1 ||
	    to->n_in != 1 || from->role != to->role || from->phase != to->phase ||
	    from->state < GAIT_STATE_FIRST || to->state < GAIT_STATE_FIRST || from->is_foreign ||
	    to->is_foreign || from->sides != to->sides || from->sides != line->sides)
		return FALSE;
	/* A rare step between common states is worth a line of its own. */
	return !gait_sketch_is_rare(sketch, line->n_runs) ||
	       (is_rare_state(sketch, from) && is_rare_state(sketch, to));
}

/* Joins the run that ends in the line's one end to the run that begins in its other. */
static void
join(GaitSketch *sketch, GaitSketchLine *line)
{
	GaitSketchState *from = gait_sketch_get_state(sketch, line->from);
	GaitSketchState *to = gait_sketch_get_state(sketch, line->to);
	guint32 first = from->other_end, last = to->other_end;

	/* A ring that nothing enters stays open at one line. */
	if (first == line->to)
		return;
	from->next = line->to;
	to->previous = line->from;
	gait_sketch_get_state(sketch, first)->other_end = last;
	gait_sketch_get_state(sketch, last)->other_end = first;
	line->is_hidden = TRUE;
}

static void
make_runs(GaitSketch *sketch)
{
	for (guint i = 0; i < sketch->lines->len; i++)
		if (is_straight(sketch, gait_sketch_get_line(sketch, i)))
			join(sketch, gait_sketch_get_line(sketch, i));
}

/* --- the whole ----------------------------------------------------------------------------------
 */

GaitSketch *
gait_sketch_new(const GaitModel *model, const GaitProgram *program, guint32 library,
                const GaitGraphLibraryOptions *options)
{
	GaitSketch *sketch = g_new0(GaitSketch, 1);

	sketch->model = model;
	sketch->program = program;
	sketch->library = gait_program_get_library(program, library);
	sketch->library_index = library;
	sketch->options = *options;
	sketch->states = g_array_new(FALSE, FALSE, sizeof(GaitSketchState));
	sketch->sites = g_array_new(FALSE, FALSE, sizeof(GaitSketchSite));
	sketch->lines = g_array_new(FALSE, FALSE, sizeof(GaitSketchLine));
	sketch->by_fold = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	sketch->by_key = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	collect_states(sketch);
	collect_lines(sketch);
	merge_equal(sketch);
	gait_sketch_order(sketch);
	merge_opposites(sketch);
	if (options->has_runs)
		make_runs(sketch);
	return sketch;
}

void
gait_sketch_free(GaitSketch *sketch)
{
	if (!sketch)
		return;
	g_hash_table_unref(sketch->by_key);
	g_hash_table_unref(sketch->by_fold);
	g_array_unref(sketch->states);
	g_array_unref(sketch->sites);
	g_array_unref(sketch->lines);
	g_free(sketch);
}
