/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way is onward: an order of the states of each phase, found by depth-first search, so that a
 * drawing can let all lines point down but those that close a loop. A layout would find such an
 * order by itself, but not tell it, and so nothing could be placed below a whole phase.
 */
#include "sketch-private.h"

typedef struct {
	GaitSketch *sketch;
	GArray *lines;   /* guint32: indices of lines, by from, the most frequent first */
	GArray *next;    /* guint: by state, position in lines of the next to follow */
	GArray *stack;   /* guint32: the states on the way */
	GArray *visited; /* gboolean, by state */
	guint32 n_left;  /* states that have no order yet: orders are given from the last */
} Search;

static gint
compare_lines(gconstpointer a, gconstpointer b, gpointer data)
{
	guint32 i = *(const guint32 *)a, j = *(const guint32 *)b;
	const GaitSketchLine *x = gait_sketch_get_line(data, i);
	const GaitSketchLine *y = gait_sketch_get_line(data, j);

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return i < j ? -1 : i > j;
}

static gboolean
is_one_phase(const GaitSketchState *a, const GaitSketchState *b)
{
	return a->role == b->role && a->phase == b->phase &&
	       gait_sketch_has_phase(a) == gait_sketch_has_phase(b);
}

static void
push(Search *search, guint32 state)
{
	g_array_index(search->visited, gboolean, state) = TRUE;
	g_array_append_val(search->stack, state);
}

/* The next state of the same phase to go to from state, or GAIT_NONE. */
static guint32
follow(Search *search, guint32 state)
{
	guint *next = &g_array_index(search->next, guint, state);

	while (*next < search->lines->len) {
		const GaitSketchLine *line = gait_sketch_get_line(
		    search->sketch, g_array_index(search->lines, guint32, *next));

		if (line->from != state)
			break;
		(*next)++;
		if (!g_array_index(search->visited, gboolean, line->to) &&
		    is_one_phase(gait_sketch_get_state(search->sketch, state),
		                 gait_sketch_get_state(search->sketch, line->to)))
			return line->to;
	}
	return GAIT_NONE;
}

static void
search_from(Search *search, guint32 root)
{
	if (g_array_index(search->visited, gboolean, root))
		return;
	push(search, root);
	while (search->stack->len > 0) {
		guint32 state = g_array_index(search->stack, guint32, search->stack->len - 1);
		guint32 next = follow(search, state);

		if (next != GAIT_NONE) {
			push(search, next);
			continue;
		}
		gait_sketch_get_state(search->sketch, state)->order = --search->n_left;
		g_array_set_size(search->stack, search->stack->len - 1);
	}
}

/* Whether a line leads into the later phase, or from a task's beginning, into its end. */
static gboolean
is_entry(const GaitSketch *sketch, const GaitSketchLine *line)
{
	const GaitSketchState *from = gait_sketch_get_state(sketch, line->from);
	const GaitSketchState *to = gait_sketch_get_state(sketch, line->to);

	return !is_one_phase(from, to) && gait_sketch_has_phase(to) &&
	       (from->role != to->role || !gait_sketch_has_phase(from) || from->phase < to->phase);
}

static void
prepare(Search *search)
{
	const GaitSketch *sketch = search->sketch;

	for (guint32 i = 0; i < sketch->lines->len; i++)
		g_array_append_val(search->lines, i);
	g_array_sort_with_data(search->lines, compare_lines, search->sketch);
	g_array_set_size(search->visited, sketch->states->len);
	g_array_set_size(search->next, sketch->states->len);
	/* From the last, so that the first of each state's lines remains. */
	for (guint i = search->lines->len; i-- > 0;) {
		guint32 line = g_array_index(search->lines, guint32, i);

		g_array_index(search->next, guint, gait_sketch_get_line(sketch, line)->from) = i;
	}
}

/* From where a phase is entered by rights, before where else it is. */
static void
search_entries(Search *search)
{
	GaitSketch *sketch = search->sketch;

	for (guint32 i = 0; i < sketch->lines->len; i++) {
		const GaitSketchLine *line = gait_sketch_get_line(sketch, i);

		if (is_entry(sketch, line) &&
		    !gait_sketch_has_phase(gait_sketch_get_state(sketch, line->from)))
			search_from(search, line->to);
	}
	for (guint32 i = 0; i < sketch->states->len; i++)
		if (gait_sketch_is_milestone(sketch, gait_sketch_get_state(sketch, i)))
			search_from(search, i);
	for (guint32 i = 0; i < sketch->lines->len; i++)
		if (is_entry(sketch, gait_sketch_get_line(sketch, i)))
			search_from(search, gait_sketch_get_line(sketch, i)->to);
}

void
gait_sketch_order(GaitSketch *sketch)
{
	Search search = {.sketch = sketch,
	                 .lines = g_array_new(FALSE, FALSE, sizeof(guint32)),
	                 .next = g_array_new(FALSE, TRUE, sizeof(guint)),
	                 .stack = g_array_new(FALSE, FALSE, sizeof(guint32)),
	                 .visited = g_array_new(FALSE, TRUE, sizeof(gboolean)),
	                 .n_left = sketch->states->len};

	prepare(&search);
	search_entries(&search);
	for (guint32 i = 0; i < sketch->states->len; i++)
		search_from(&search, i);
	g_array_unref(search.lines);
	g_array_unref(search.next);
	g_array_unref(search.stack);
	g_array_unref(search.visited);
}
