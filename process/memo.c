// SPDX-License-Identifier: Apache-2.0
/*
 * The decision tree of memo.h: nodes say what to read, edges lie in one hash table keyed by node
 * and value. A value that points into the stack is taken relative to the stack pointer, so that
 * equal call paths at different depths, and in different threads, are one. That is exact because
 * CFI reaches other frames from such values by adding constants, and because stack pointers at one
 * instruction agree modulo 16 (where they do not, the values differ and so do the paths).
 *
 * Bounded: a full table is emptied, and refills with what is current.
 */
#include "process/memo.h"

#include <string.h>

enum {
	FIRST_CAPACITY = 1 << 12,
	MAX_CAPACITY = 1 << 19,
};

typedef struct {
	guint32 kind, where;
	guint32 reach; /* bytes of stack that decisions from here on needed */
} Node;

/* owner: node, and whether the value is relative; 0: no edge. */
typedef struct {
	guint64 value;
	guint32 owner, target;
} Edge;

struct _GaitMemo {
	GArray *nodes; /* 0 is not used, 1 is the root */
	Edge *edges;
	guint n_edges, capacity;
};

static void
empty(GaitMemo *memo)
{
	Node root = {GAIT_READ_GENERATION, 0, 0};

	g_array_set_size(memo->nodes, 1);
	g_array_append_val(memo->nodes, root);
	memset(memo->edges, 0, memo->capacity * sizeof(Edge));
	memo->n_edges = 0;
}

GaitMemo *
gait_memo_new(void)
{
	GaitMemo *memo = g_new0(GaitMemo, 1);

	memo->nodes = g_array_new(FALSE, TRUE, sizeof(Node));
	memo->capacity = FIRST_CAPACITY;
	memo->edges = g_new(Edge, memo->capacity);
	empty(memo);
	return memo;
}

void
gait_memo_free(GaitMemo *memo)
{
	if (!memo)
		return;
	g_array_unref(memo->nodes);
	g_free(memo->edges);
	g_free(memo);
}

static Edge *
find_edge(Edge *edges, guint capacity, guint32 owner, guint64 value)
{
	/* Fibonacci hashing of both words. */
	guint64 hash =
	    (value ^ ((guint64)owner << 32 | owner)) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	guint i = (guint)(hash >> 32) & (capacity - 1);

	while (edges[i].owner != 0 && (edges[i].owner != owner || edges[i].value != value))
		i = (i + 1) & (capacity - 1);
	return &edges[i];
}

/* What the edge for a value is filed under. */
static guint32
get_owner(guint32 node, GaitReadKind kind, const GaitRegisters *registers, guint64 *value)
{
	guint64 distance = *value - registers->value[GAIT_REGISTER_RSP];
	gboolean is_relative = (kind == GAIT_READ_SLOT || kind == GAIT_READ_REGISTER) &&
	                       distance + GAIT_SNAPSHOT_MAX <= 2 * (guint64)GAIT_SNAPSHOT_MAX;

	if (is_relative)
		*value = distance;
	return node << 1 | (guint32)is_relative;
}

static GaitMemoResult
get_value(const Node *node, guint64 generation, const GaitRegisters *registers,
          GaitSnapshot *snapshot, guint64 *value)
{
	switch ((GaitReadKind)node->kind) {
	case GAIT_READ_GENERATION:
		*value = generation;
		return GAIT_MEMO_HIT;
	case GAIT_READ_PC:
		*value = registers->value[GAIT_REGISTER_RIP];
		return GAIT_MEMO_HIT;
	case GAIT_READ_REGISTER:
		*value = registers->value[node->where];
		return registers->known & (1u << node->where) ? GAIT_MEMO_HIT
		                                              : GAIT_MEMO_NEEDS_REGISTERS;
	case GAIT_READ_SLOT:
		gait_snapshot_need(snapshot, node->reach);
		return gait_snapshot_get(snapshot, node->where, value) ? GAIT_MEMO_HIT
		                                                       : GAIT_MEMO_MISS;
	case GAIT_READ_NOTHING:
		break;
	}
	return GAIT_MEMO_MISS;
}

GaitMemoResult
gait_memo_find(const GaitMemo *memo, guint64 generation, const GaitRegisters *registers,
               GaitSnapshot *snapshot, guint32 *result)
{
	const Node *nodes = (const Node *)(gpointer)memo->nodes->data;
	guint32 node = 1;

	while (nodes[node].kind != GAIT_READ_NOTHING) {
		guint64 value = 0;
		GaitMemoResult got =
		    get_value(&nodes[node], generation, registers, snapshot, &value);
		guint32 owner;
		const Edge *edge;

		if (got != GAIT_MEMO_HIT)
			return got;
		owner = get_owner(node, nodes[node].kind, registers, &value);
		edge = find_edge(memo->edges, memo->capacity, owner, value);
		if (edge->owner == 0)
			return GAIT_MEMO_MISS;
		node = edge->target;
	}
	*result = nodes[node].where;
	return GAIT_MEMO_HIT;
}

static void
grow(GaitMemo *memo)
{
	guint capacity = memo->capacity * 2;
	Edge *edges = g_new0(Edge, capacity);

	for (guint i = 0; i < memo->capacity; i++)
		if (memo->edges[i].owner != 0)
			*find_edge(edges, capacity, memo->edges[i].owner, memo->edges[i].value) =
			    memo->edges[i];
	g_free(memo->edges);
	memo->edges = edges;
	memo->capacity = capacity;
}

/* The node that a value leads to: one that asks for next. 0 where another one is there already. */
static guint32
step(GaitMemo *memo, guint32 node, guint32 owner, guint64 value, Node next)
{
	Edge *edge = find_edge(memo->edges, memo->capacity, owner, value);
	Node *target;

	if (edge->owner == 0) {
		*edge = (Edge){value, owner, memo->nodes->len};
		memo->n_edges++;
		g_array_append_val(memo->nodes, next);
		return edge->target;
	}
	target = &g_array_index(memo->nodes, Node, edge->target);
	/* Code or tables changed under the same mappings: what is remembered stays. */
	if (target->kind != next.kind || target->where != next.where)
		return 0;
	target->reach = MAX(target->reach, next.reach);
	return edge->target;
}

void
gait_memo_add(GaitMemo *memo, guint64 generation, const GaitRegisters *registers,
              const GaitMemoRead *reads, guint n_reads, guint32 result)
{
	guint32 node = 1, reach = 0;

	if (memo->n_edges + n_reads + 2 > memo->capacity / 4 * 3) {
		if (memo->capacity == MAX_CAPACITY)
			empty(memo);
		else
			grow(memo);
	}
	for (guint i = 0; i < n_reads; i++)
		if (reads[i].kind == GAIT_READ_SLOT)
			reach = MAX(reach, reads[i].where + 8);
	node = step(memo, node, get_owner(node, GAIT_READ_GENERATION, registers, &generation),
	            generation, (Node){GAIT_READ_PC, 0, reach});
	for (guint i = 0; i <= n_reads && node != 0; i++) {
		GaitReadKind kind = i == 0 ? GAIT_READ_PC : reads[i - 1].kind;
		guint64 value = i == 0 ? registers->value[GAIT_REGISTER_RIP] : reads[i - 1].value;
		Node next = i < n_reads ? (Node){reads[i].kind, reads[i].where, reach}
		                        : (Node){GAIT_READ_NOTHING, result, 0};
		guint32 owner = get_owner(node, kind, registers, &value);

		node = step(memo, node, owner, value, next);
	}
}
