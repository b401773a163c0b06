/* SPDX-License-Identifier: Apache-2.0 */
/* The shortest way through a library's automaton: breadth first, along the edges as they are
 * sorted, so that of several shortest ways it always is the same one. */
#include "model/explain-private.h"

/* Index of the first edge that leaves state; edges are sorted by it. */
static guint32
first_edge(const GaitLibrary *library, guint32 state)
{
	guint32 low = 0, high = library->edges->len;

	while (low < high) {
		guint32 middle = low + (high - low) / 2;

		if (((const GaitEdge *)g_ptr_array_index(library->edges, middle))->from < state)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The edges that led to state, from the first on. via: of each state, the edge it was reached by.
 */
static GPtrArray *
trace_back(GaitEdge *const *via, guint32 from, guint32 state)
{
	GPtrArray *path = g_ptr_array_new();

	do {
		g_ptr_array_insert(path, 0, via[state]);
		state = via[state]->from;
	} while (state != from);
	return path;
}

GPtrArray *
gait_explain_find_path(const GaitLibrary *library, guint32 from, const guint8 *is_target)
{
	guint32 n_states = GAIT_STATE_FIRST + library->symbols->len;
	g_autofree GaitEdge **via = g_new0(GaitEdge *, n_states);
	g_autofree guint32 *queue = g_new(guint32, (gsize)n_states + 1);
	guint32 head = 0, tail = 0;

	queue[tail++] = from;
	while (head < tail) {
		guint32 state = queue[head++];

		for (guint32 i = first_edge(library, state); i < library->edges->len; i++) {
			GaitEdge *edge = g_ptr_array_index(library->edges, i);

			if (edge->from != state)
				break;
			/* The state itself may be the goal, by a loop. */
			if (via[edge->to])
				continue;
			via[edge->to] = edge;
			if (is_target[edge->to - GAIT_STATE_FIRST])
				return trace_back(via, from, edge->to);
			if (edge->to != from)
				queue[tail++] = edge->to;
		}
	}
	return NULL;
}
