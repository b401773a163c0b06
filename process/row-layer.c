// SPDX-License-Identifier: Apache-2.0
/*
 * A layer is an array of pieces, [start, end) and a row; settled, they are sorted and disjoint.
 * Two settled layers are laid over each other in one pass.
 */
#include "process/row-layer.h"

#include <string.h>

typedef struct {
	guint32 start, end;
	guint32 order; /* in which it was added */
	struct gait_unwind_row row;
} Piece;

struct _GaitRowLayer {
	GArray *pieces;
	gboolean is_full, is_unsorted;
};

GaitRowLayer *
gait_row_layer_new(void)
{
	GaitRowLayer *layer = g_new0(GaitRowLayer, 1);

	layer->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
	return layer;
}

void
gait_row_layer_free(GaitRowLayer *layer)
{
	if (!layer)
		return;
	g_array_unref(layer->pieces);
	g_free(layer);
}

static const Piece *
get_piece(const GaitRowLayer *layer, guint i)
{
	return &g_array_index(layer->pieces, Piece, i);
}

static gboolean
is_same(const struct gait_unwind_row *a, const struct gait_unwind_row *b)
{
	return a->cfa == b->cfa && a->rbp == b->rbp && a->number == b->number &&
	       a->flags == b->flags && a->cfa_offset == b->cfa_offset &&
	       a->rbp_offset == b->rbp_offset;
}

gboolean
gait_row_layer_is_full(const GaitRowLayer *layer)
{
	return layer->is_full;
}

void
gait_row_layer_add(GaitRowLayer *layer, guint64 start, guint64 end,
                   const struct gait_unwind_row *row)
{
	guint n_pieces = layer->pieces->len;
	Piece *last = n_pieces > 0 ? &g_array_index(layer->pieces, Piece, n_pieces - 1) : NULL;
	Piece piece = {(guint32)start, (guint32)MIN(end, G_MAXUINT32), n_pieces, *row};

	if (start >= end || start >= G_MAXUINT32)
		return;
	layer->is_unsorted |= last && piece.start < last->start;
	if (last && last->end == piece.start && is_same(&last->row, row))
		last->end = piece.end;
	else if (n_pieces < GAIT_UNWIND_MAX_ROWS)
		g_array_append_val(layer->pieces, piece);
	else
		layer->is_full = TRUE;
}

static gint
compare_pieces(gconstpointer a, gconstpointer b)
{
	const Piece *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

void
gait_row_layer_settle(GaitRowLayer *layer)
{
	guint n_pieces = layer->pieces->len, n_kept = 0;
	Piece *pieces = (Piece *)(gpointer)layer->pieces->data;

	if (layer->is_unsorted)
		g_array_sort(layer->pieces, compare_pieces);
	for (guint i = 0; i < n_pieces; i++) {
		Piece piece = pieces[i];

		if (i + 1 < n_pieces)
			piece.end = MIN(piece.end, pieces[i + 1].start);
		if (piece.start < piece.end)
			pieces[n_kept++] = piece;
	}
	g_array_set_size(layer->pieces, n_kept);
}

/* A place in a layer that is gone through: the piece there, or the next one. */
typedef struct {
	const GaitRowLayer *layer;
	guint i;
} Walk;

/* What holds at `at`, and up to where (*end); NULL: nothing does. */
static const struct gait_unwind_row *
get_row_at(Walk *walk, guint32 at, guint32 *end)
{
	const Piece *piece;

	while (walk->i < walk->layer->pieces->len && get_piece(walk->layer, walk->i)->end <= at)
		walk->i++;
	*end = G_MAXUINT32;
	if (walk->i == walk->layer->pieces->len)
		return NULL;
	piece = get_piece(walk->layer, walk->i);
	*end = piece->start > at ? piece->start : piece->end;
	return piece->start > at ? NULL : &piece->row;
}

GaitRowLayer *
gait_row_layer_cover(const GaitRowLayer *under, const GaitRowLayer *over)
{
	GaitRowLayer *result = gait_row_layer_new();
	Walk walks[] = {{under, 0}, {over, 0}};
	guint32 end, ends[2];

	result->is_full = under->is_full || over->is_full;
	for (guint32 at = 0; at < G_MAXUINT32; at = end) {
		const struct gait_unwind_row *below = get_row_at(&walks[0], at, &ends[0]);
		const struct gait_unwind_row *above = get_row_at(&walks[1], at, &ends[1]);
		struct gait_unwind_row row = {0};

		end = MIN(ends[0], ends[1]);
		if (!below && !above)
			continue;
		if (!above || (below && above->cfa == GAIT_CFA_NONE))
			row = *below;
		else
			row = *above;
		row.flags |= above ? above->flags : 0;
		gait_row_layer_add(result, at, end, &row);
	}
	return result;
}

void
gait_row_layer_foreach_gap(const GaitRowLayer *layer, GaitGapFunc function, gpointer data)
{
	for (guint i = 0; i < layer->pieces->len; i++) {
		const Piece *piece = get_piece(layer, i);
		guint32 end =
		    i + 1 < layer->pieces->len ? get_piece(layer, i + 1)->start : G_MAXUINT32;

		if (piece->end < end)
			function(piece->end, end, &piece->row, data);
	}
}

static void
append_row(GArray *rows, guint32 start, struct gait_unwind_row row)
{
	row.start = start;
	if (rows->len == 0 ||
	    !is_same(&g_array_index(rows, struct gait_unwind_row, rows->len - 1), &row))
		g_array_append_val(rows, row);
}

struct gait_unwind_row *
gait_row_layer_dup_rows(const GaitRowLayer *layer, guint32 *n_rows)
{
	g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct gait_unwind_row));
	gsize size;
	struct gait_unwind_row *copy;

	for (guint i = 0; i < layer->pieces->len; i++) {
		const Piece *piece = get_piece(layer, i);

		append_row(rows, piece->start, piece->row);
		if (i + 1 == layer->pieces->len || get_piece(layer, i + 1)->start > piece->end)
			append_row(rows, piece->end, (struct gait_unwind_row){0});
	}
	*n_rows = 0;
	if (layer->is_full || rows->len == 0 || rows->len > GAIT_UNWIND_MAX_ROWS)
		return NULL;
	size = rows->len * sizeof(struct gait_unwind_row);
	*n_rows = rows->len;
	copy = g_malloc(size);
	memcpy(copy, rows->data, size);
	return copy;
}
