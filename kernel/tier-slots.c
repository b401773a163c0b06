/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the in-kernel tier and its program share of each task: its slot, the states it may be in,
 * and the address space that it is in. All of it is mapped, so that looking at it is no call.
 */
#include "kernel/tier-private.h"

#include "sysgait/error.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- what is mapped -----------------------------------------------------------------------------
 */

static gsize
round_to_pages(gsize size)
{
	gsize page = (gsize)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* n values of a map, from the first one on. What is started need not know of them, and would take
 * longer to start. */
static void *
map_values(struct bpf_map *map, gsize first, gsize n, gsize *size, GError **error)
{
	gsize each = (bpf_map__value_size(map) + 7) / 8 * 8;
	void *values;

	*size = round_to_pages(n * each);
	values = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map),
	              (off_t)(first * each));
	if (values == MAP_FAILED) {
		gait_error_system(error, GAIT_PROCESS_ERROR, errno, "mmap of a BPF map");
		return NULL;
	}
	madvise(values, *size, MADV_DONTFORK);
	return values;
}

/* The piece with this slot. */
static gboolean
map_slots(GaitTier *tier, guint32 index, GError **error)
{
	guint32 piece = index / GAIT_TIER_PIECE;

	if (!tier->slots[piece])
		tier->slots[piece] =
		    map_values(gait_tier_find_map(tier, "slots"), (gsize)piece * GAIT_TIER_PIECE,
		               GAIT_TIER_PIECE, &tier->slots_size, error);
	return tier->slots[piece] != NULL;
}

gboolean
gait_tier_share(GaitTier *tier, GError **error)
{
	for (guint i = 0; i < GAIT_TIER_MAX_TASKS; i++)
		g_queue_push_tail(&tier->free, GUINT_TO_POINTER(i));
	tier->states = map_values(gait_tier_find_map(tier, "states"), 0, GAIT_TIER_MAX_TASKS,
	                          &tier->states_size, error);
	if (!tier->states)
		return FALSE;
	tier->spaces = map_values(gait_tier_find_map(tier, "spaces"), 0, GAIT_TIER_N_SPACES,
	                          &tier->spaces_size, error);
	if (!tier->spaces)
		return FALSE;
	for (guint i = 0; i < GAIT_TIER_N_SPACES; i++)
		tier->spaces[i].generation = 1;
	return TRUE;
}

void
gait_tier_unshare(GaitTier *tier)
{
	for (guint i = 0; i < G_N_ELEMENTS(tier->slots); i++)
		if (tier->slots[i])
			munmap(tier->slots[i], tier->slots_size);
	if (tier->states)
		munmap(tier->states, tier->states_size);
	if (tier->spaces)
		munmap(tier->spaces, tier->spaces_size);
	g_queue_clear(&tier->free);
}

/* --- slots --------------------------------------------------------------------------------------
 */

struct gait_tier_slot *
gait_tier_get_slot(GaitTier *tier, guint32 index)
{
	g_assert(index < GAIT_TIER_MAX_TASKS);
	return &tier->slots[index / GAIT_TIER_PIECE][index % GAIT_TIER_PIECE];
}

guint32 *
gait_tier_get_states(GaitTier *tier, guint32 index, guint32 *stride)
{
	g_assert(index < GAIT_TIER_MAX_TASKS);
	*stride = tier->config.stride;
	return tier->config.is_enforcing ? tier->states + (gsize)index * tier->config.n_states
	                                 : NULL;
}

/* tid's slot is this one from now on. */
static gboolean
enter_task(GaitTier *tier, guint32 tid, guint32 index, GError **error)
{
	return gait_tier_set_value(tier, "slot_of_tid", tid, &index, error) &&
	       gait_tier_set_value(tier, "slot_hints", tid % GAIT_TIER_N_HINTS, &index, error);
}

/* A hint that leads nowhere does no harm. */
static void
strike_task(GaitTier *tier, guint32 tid, guint32 index)
{
	int fd = bpf_map__fd(gait_tier_find_map(tier, "slot_of_tid"));
	guint32 found;

	/* Its number may be another task's by now. */
	if (bpf_map_lookup_elem(fd, &tid, &found) == 0 && found == index)
		bpf_map_delete_elem(fd, &tid);
}

/* Numbers that the program alone writes. */
static struct gait_tier_space *
get_space(GaitTier *tier, const struct gait_tier_slot *slot)
{
	return &tier->spaces[slot->space % GAIT_TIER_N_SPACES];
}

/* The call that may have moved code is over, though the task has made no other one yet. */
static void
stop_moving(GaitTier *tier, struct gait_tier_slot *slot)
{
	if (!slot->is_moving)
		return;
	slot->is_moving = 0;
	__atomic_fetch_add(&get_space(tier, slot)->generation, 2, __ATOMIC_SEQ_CST);
	__atomic_fetch_sub(&get_space(tier, slot)->n_moving, 1, __ATOMIC_SEQ_CST);
}

static void
note_used(GaitTier *tier, guint32 index)
{
	tier->at_used[index] = (guint16)tier->n_used;
	tier->used[tier->n_used++] = (guint16)index;
}

static void
note_free(GaitTier *tier, guint32 index)
{
	guint32 last = tier->used[--tier->n_used];

	tier->used[tier->at_used[index]] = (guint16)last;
	tier->at_used[last] = tier->at_used[index];
	g_queue_push_tail(&tier->free, GUINT_TO_POINTER(index));
}

struct gait_tier_slot *
gait_tier_add(GaitTier *tier, pid_t tid, guint32 *index, GError **error)
{
	struct gait_tier_slot *slot;

	if (g_queue_is_empty(&tier->free)) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_TOO_LARGE,
		            "more than %d tasks at the same time", GAIT_TIER_MAX_TASKS);
		return NULL;
	}
	if (!map_slots(tier, GPOINTER_TO_UINT(g_queue_peek_head(&tier->free)), error))
		return NULL;
	*index = GPOINTER_TO_UINT(g_queue_pop_head(&tier->free));
	slot = gait_tier_get_slot(tier, *index);
	memset(slot, 0, sizeof(*slot));
	slot->tid = (guint32)tid;
	slot->index = *index;
	slot->batch.kind = GAIT_TIER_BATCH;
	slot->batch.slot = *index;
	note_used(tier, *index);
	gait_tier_follow(tier, *index);
	if (enter_task(tier, slot->tid, *index, error))
		return slot;
	gait_tier_remove(tier, *index);
	return NULL;
}

void
gait_tier_remove(GaitTier *tier, guint32 index)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	strike_task(tier, slot->tid, index);
	slot->tid = 0;
	stop_moving(tier, slot);
	note_free(tier, index);
}

void
gait_tier_note_parent(GaitTier *tier, guint32 index, guint32 parent)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);
	const struct gait_tier_slot *parents = gait_tier_get_slot(tier, parent);

	slot->mm = parents->mm;
	slot->space = parents->space;
	slot->flags = parents->flags & (GAIT_TIER_TASK_STATIC | GAIT_TIER_TASK_SIGNALLED);
}

void
gait_tier_note_moved(GaitTier *tier, guint32 index)
{
	stop_moving(tier, gait_tier_get_slot(tier, index));
}

void
gait_tier_note_runtime(GaitTier *tier, guint32 index)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	__atomic_and_fetch(&slot->flags, ~(guint32)GAIT_TIER_TASK_STATIC, __ATOMIC_SEQ_CST);
	/* Who is responsible was remembered otherwise. */
	__atomic_fetch_add(&get_space(tier, slot)->generation, 2, __ATOMIC_SEQ_CST);
}

gboolean
gait_tier_note_exec(GaitTier *tier, guint32 index, pid_t tid, GError **error)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	stop_moving(tier, slot);
	memset(slot->places, 0, sizeof(slot->places));
	memset(slot->hops, 0, sizeof(slot->hops));
	memset(slot->memos, 0, sizeof(slot->memos));
	/* They are told apart by generations, and the new address space has its own. */
	memset(slot->recalled, 0, sizeof(slot->recalled));
	if (slot->tid == (guint32)tid)
		return TRUE;
	strike_task(tier, slot->tid, index);
	slot->tid = (guint32)tid;
	return enter_task(tier, slot->tid, index, error);
}
