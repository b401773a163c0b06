/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where code lies, told to the in-kernel tier in advance. The program asks the kernel for the
 * mapping of an address once for each; but while other threads change mappings the kernel does not
 * answer, and a call whose origin cannot be told is out of gait. So, when a process gets another
 * thread, its mappings of code are noted for it here, as space.bpf.h and place.bpf.h remember them.
 */
#include "kernel/tier-private.h"

#include "process/maps.h"
#include "process/module-private.h"

#include <bpf/bpf.h>
#include <string.h>

typedef struct {
	GaitTier *tier;
	pid_t pid;
	guint64 mm;
	struct gait_tier_space *space;
	guint32 generation, n_changes;
} Telling;

static guint32
get(const guint32 *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

/* The kernel's inodes by our numbers of files: the other way round the program has them. */
static void
look_up_inodes(GaitTier *tier)
{
	int map = bpf_map__fd(gait_tier_find_map(tier, "file_of_inode"));
	guint64 inode, *before = NULL;
	guint32 file;

	if (tier->n_inodes == tier->files.n_files)
		return;
	memset(tier->inodes, 0, sizeof(tier->inodes));
	for (guint i = 0; i < GAIT_TIER_MAX_FILES && bpf_map_get_next_key(map, before, &inode) == 0;
	     i++, before = &inode)
		if (bpf_map_lookup_elem(map, &inode, &file) == 0 && file < GAIT_TIER_MAX_FILES)
			tier->inodes[file] = inode;
	tier->n_inodes = tier->files.n_files;
}

static gboolean
is_known(const Telling *telling, const GaitMapping *mapping)
{
	guint32 n = MIN(get(&telling->space->n_ranges), GAIT_TIER_N_RANGES);

	for (guint32 i = 0; i < n; i++) {
		const struct gait_tier_range *range = &telling->space->ranges[i];

		if (range->mm == telling->mm && range->n_changes == telling->n_changes &&
		    range->start == mapping->start && range->end == mapping->end)
			return TRUE;
	}
	return FALSE;
}

/* As note_range() of place.bpf.h. */
static void
note_range(const Telling *telling, const GaitMapping *mapping, guint64 inode)
{
	struct gait_tier_space *space = telling->space;
	guint32 next = __atomic_fetch_add(&space->n_ranges, 1, __ATOMIC_SEQ_CST);
	struct gait_tier_range *range = &space->ranges[next % GAIT_TIER_N_RANGES];
	guint32 version = get(&range->version);

	if (version & 1 || !__atomic_compare_exchange_n(&range->version, &version, version + 1,
	                                                FALSE, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	range->mm = telling->mm;
	range->n_changes = telling->n_changes;
	range->start = mapping->start;
	range->end = mapping->end;
	range->offset = mapping->offset;
	range->inode = inode;
	if (get(&space->n_moving) != 0 || get(&space->generation) != telling->generation)
		range->end = 0;
	__atomic_store_n(&range->version, version + 2, __ATOMIC_SEQ_CST);
}

static gboolean
tell_mapping(const GaitMapping *mapping, gpointer data)
{
	const Telling *telling = data;
	GaitModule *module = gait_modules_intern(telling->tier->modules, telling->pid, mapping);
	guint32 file = GPOINTER_TO_UINT(
	    g_hash_table_lookup(telling->tier->files.indices, module)); /* 1 + index */
	guint64 inode = file > 0 ? telling->tier->inodes[file - 1] : 0;

	/* What the program does not know yet, as code of no file, it asks for itself. */
	if (inode != 0 && !is_known(telling, mapping))
		note_range(telling, mapping, inode);
	return TRUE;
}

gboolean
gait_tier_learn_ranges(GaitTier *tier, guint32 index, pid_t pid)
{
	const struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);
	guint32 place = slot->space % GAIT_TIER_N_SPACES;
	Telling telling = {.tier = tier, .pid = pid, .mm = slot->mm, .space = &tier->spaces[place]};
	GaitTierTold *told = &tier->told[place];

	telling.generation = get(&telling.space->generation);
	telling.n_changes = get(&telling.space->n_changes);
	if (telling.mm == 0 || (told->mm == telling.mm && told->generation == telling.generation))
		return TRUE;
	if (get(&telling.space->n_moving) != 0)
		return FALSE;
	look_up_inodes(tier);
	gait_maps_foreach(pid, TRUE, tell_mapping, &telling);
	if (get(&telling.space->n_moving) != 0 ||
	    get(&telling.space->generation) != telling.generation)
		return FALSE;
	*told = (GaitTierTold){telling.mm, telling.generation};
	return TRUE;
}
