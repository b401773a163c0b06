// SPDX-License-Identifier: Apache-2.0
/*
 * The decision tree of memo.h: nodes say what to read, edges lie in one hash table keyed by node
 * and value. Values are taken for what they mean rather than for what they are. One that points
 * into the stack is relative to the stack pointer, so that equal call paths at different depths,
 * and in different threads, are one. One that points to a module's code is that module and file
 * offset, so that they are one at whatever address the module lies, in every process. It is exact,
 * because CFI reaches other frames from such values by adding constants and nothing else: because
 * stack pointers at one instruction agree modulo 16 (where they do not, the values differ and so do
 * the paths); and because unwinding asks of a return address where in which module it is.
 *
 * Bounded: a full table is emptied, and refills with what is current.
 */
#include "process/memo.h"

#include "process/space-private.h"

#include <string.h>

enum {
	ROOT = 1, /* nodes[0] is not used */
	FIRST_CAPACITY = 1 << 12,
	MAX_CAPACITY = 1 << 19,
	/* A module and an offset in one word. */
	OFFSET_BITS = 48,
};

/* What a value was taken for. */
enum {
	MEANS_ITSELF,
	MEANS_STACK,
	MEANS_CODE,
	N_MEANINGS,
};

typedef struct {
	guint32 kind, where;
	guint32 reach; /* bytes of stack that decisions from here on needed */
} Node;

/* owner: node and meaning of the value; 0: no edge. */
typedef struct {
	guint64 value;
	guint32 owner, target;
} Edge;

struct _GaitMemo {
	GArray *nodes;
	Edge *edges;
	guint n_edges, capacity;
};

static void
empty(GaitMemo *memo)
{
	Node root = {GAIT_READ_RUNTIME, 0, 0};

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

/* The value of a pc. FALSE where it is not in a file, of which nothing is remembered. */
static gboolean
get_code(const GaitMemoEvent *event, guint64 address, gboolean must_exist, guint64 *value)
{
	guint64 offset;
	GaitModule *module =
	    must_exist ? gait_space_find(event->space, event->task, address, &offset)
	               : gait_space_find_known(event->space, event->task, address, &offset);

	if (!module || gait_module_get_kind(module) == GAIT_MODULE_ANON ||
	    offset >> OFFSET_BITS != 0)
		return FALSE;
	*value = (guint64)gait_module_get_id(module) << OFFSET_BITS | offset;
	return TRUE;
}

/* What the edge for a word is filed under; the word becomes what it means. */
static guint32
get_owner(guint32 node, const GaitMemoEvent *event, guint64 *value)
{
	guint64 distance = *value - event->registers->value[GAIT_REGISTER_RSP];

	if (distance + GAIT_SNAPSHOT_MAX <= 2 * (guint64)GAIT_SNAPSHOT_MAX) {
		*value = distance;
		return node * N_MEANINGS + MEANS_STACK;
	}
	return node * N_MEANINGS +
	       (get_code(event, *value, FALSE, value) ? MEANS_CODE : MEANS_ITSELF);
}

/* The node for the event's program counter, by its instruction. 0: not to be remembered. */
static gboolean
get_start(const GaitMemoEvent *event, guint64 *runtime, guint64 *code)
{
	if (!get_code(event, event->registers->value[GAIT_REGISTER_RIP] - 2, !event->is_recalled,
	              code))
		return FALSE;
	*runtime = (guint64)gait_space_has_runtime(event->space, event->task);
	return TRUE;
}

static GaitMemoResult
get_word(const Node *node, const GaitRegisters *registers, GaitSnapshot *snapshot, guint64 *word)
{
	if (node->kind == GAIT_READ_REGISTER) {
		*word = registers->value[node->where];
		return registers->known & (1u << node->where) ? GAIT_MEMO_HIT
		                                              : GAIT_MEMO_NEEDS_REGISTERS;
	}
	gait_snapshot_need(snapshot, node->reach);
	return gait_snapshot_get(snapshot, node->where, word) ? GAIT_MEMO_HIT : GAIT_MEMO_MISS;
}

/* Where the edge for a value leads to; 0: nowhere. */
static guint32
follow(const GaitMemo *memo, guint32 owner, guint64 value)
{
	const Edge *edge = find_edge(memo->edges, memo->capacity, owner, value);

	return edge->owner == 0 ? 0 : edge->target;
}

GaitMemoResult
gait_memo_find(const GaitMemo *memo, const GaitMemoEvent *event, GaitSnapshot *snapshot,
               guint32 *result)
{
	const Node *nodes = (const Node *)(gpointer)memo->nodes->data;
	guint64 runtime, code, word;
	guint32 node = ROOT;

	if (!get_start(event, &runtime, &code))
		return GAIT_MEMO_MISS;
	node = follow(memo, node * N_MEANINGS, runtime);
	if (node != 0)
		node = follow(memo, node * N_MEANINGS + MEANS_CODE, code);
	while (node != 0 && nodes[node].kind != GAIT_READ_NOTHING) {
		GaitMemoResult got = get_word(&nodes[node], event->registers, snapshot, &word);
		guint32 owner;

		if (got != GAIT_MEMO_HIT)
			return got;
		owner = get_owner(node, event, &word);
		node = follow(memo, owner, word);
	}
	if (node == 0)
		return GAIT_MEMO_MISS;
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
step(GaitMemo *memo, guint32 owner, guint64 value, Node next)
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
	/* Memory that is not asked for decided: what is remembered stays. */
	if (target->kind != next.kind || target->where != next.where)
		return 0;
	target->reach = MAX(target->reach, next.reach);
	return edge->target;
}

static void
make_room(GaitMemo *memo, guint n_edges)
{
	if (memo->n_edges + n_edges <= memo->capacity / 4 * 3)
		return;
	if (memo->capacity == MAX_CAPACITY)
		empty(memo);
	else
		grow(memo);
}

void
gait_memo_add(GaitMemo *memo, const GaitMemoEvent *event, const GaitMemoRead *reads, guint n_reads,
              guint32 result)
{
	guint64 runtime, code;
	guint32 node = ROOT, reach = 0;

	if (!get_start(event, &runtime, &code))
		return;
	make_room(memo, n_reads + 2);
	for (guint i = 0; i < n_reads; i++)
		if (reads[i].kind == GAIT_READ_SLOT)
			reach = MAX(reach, reads[i].where + 8);
	node = step(memo, node * N_MEANINGS, runtime, (Node){GAIT_READ_PC, 0, reach});
	for (guint i = 0; i <= n_reads && node != 0; i++) {
		Node next = i < n_reads ? (Node){reads[i].kind, reads[i].where, reach}
		                        : (Node){GAIT_READ_NOTHING, result, 0};
		guint64 value = i == 0 ? code : reads[i - 1].value;
		guint32 owner =
		    i == 0 ? node * N_MEANINGS + MEANS_CODE : get_owner(node, event, &value);

		node = step(memo, owner, value, next);
	}
}
