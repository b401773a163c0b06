/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts of a walk table behind one header, and its keys into their slots. */
#include "model/walk-layout.h"

#include "model/walk-step.h"

#include <string.h>
#include <sys/syscall.h>

/* Puts the keys into n_slots slots. Returns the longest probe, 0 where one is too long. */
static guint32
place_keys(const GArray *keys, struct gait_walk_key *slots, guint32 n_slots)
{
	guint32 longest = 1;

	for (guint32 k = 0; k < keys->len; k++) {
		const struct gait_walk_key *key = &g_array_index(keys, struct gait_walk_key, k);
		guint32 slot = gait_walk_hash(key->scope, key->a, key->b, key->c, key->d);
		guint32 n_probes = 1;

		for (slot &= n_slots - 1; slots[slot].scope; slot = (slot + 1) & (n_slots - 1))
			if (++n_probes > GAIT_WALK_MAX_PROBES)
				return 0;
		slots[slot] = *key;
		longest = MAX(longest, n_probes);
	}
	return longest;
}

/* Appends an array to the layout; returns its offset. */
static guint32
reserve(guint64 *size, const GArray *array)
{
	guint64 offset = *size;

	*size += ((guint64)array->len * g_array_get_element_size((GArray *)array) + 7) & ~7ull;
	return offset;
}

static void
store(struct gait_walk_header *header, guint32 offset, const GArray *array)
{
	if (array->len)
		memcpy((char *)header + offset, array->data,
		       (gsize)array->len * g_array_get_element_size((GArray *)array));
}

static guint32
find_unknown(const GaitModel *model)
{
	for (guint32 i = 0; i < model->modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(model->modules, i);

		if (strcmp(module->path, "[unknown]") == 0)
			return i;
	}
	return GAIT_WALK_NONE;
}

/* Makes offsets of what are indices of words in the sets. */
static void
point_phases(GArray *phases, guint32 sets)
{
	for (guint32 i = 0; i < phases->len; i++) {
		struct gait_walk_phase *phase = &g_array_index(phases, struct gait_walk_phase, i);

		phase->allowed = sets + phase->allowed * (guint32)sizeof(guint32);
		phase->loose = sets + phase->loose * (guint32)sizeof(guint32);
		/* Set 0 is the first phase's allowed. */
		if (phase->led)
			phase->led = sets + phase->led * (guint32)sizeof(guint32);
	}
}

struct gait_walk_header *
gait_walk_lay_out(const GaitWalkParts *parts, const GaitModel *model, guint32 n_slots)
{
	struct gait_walk_header header = {
	    .magic = GAIT_WALK_MAGIC,
	    .version = GAIT_WALK_VERSION,
	    .is_stackless = model->is_stackless,
	    .n_modules = model->modules->len,
	    .n_programs = parts->programs->len,
	    .n_roles = parts->roles->len,
	    .n_phases = parts->phases->len,
	    .n_symbols = parts->symbols->len,
	    .unknown_module = find_unknown(model),
	    .restart_syscall = SYS_restart_syscall,
	    .creations = {SYS_clone, SYS_fork, SYS_vfork, SYS_clone3, SYS_execve, SYS_execveat},
	    .rt_sigreturn = SYS_rt_sigreturn,
	    .key_mask = n_slots - 1,
	};
	guint64 size = (sizeof header + 7) & ~7ull;
	struct gait_walk_header *table;
	guint32 sets;

	header.programs = reserve(&size, parts->programs);
	header.roles = reserve(&size, parts->roles);
	header.phases = reserve(&size, parts->phases);
	header.symbols = reserve(&size, parts->symbols);
	sets = reserve(&size, parts->sets);
	header.keys = size;
	size += (guint64)n_slots * sizeof(struct gait_walk_key);
	if (size > GAIT_WALK_MAX_SIZE)
		return NULL;
	header.size = size;
	table = g_malloc0(size);
	header.n_probes = place_keys(parts->keys, (gpointer)((char *)table + header.keys), n_slots);
	if (header.n_probes == 0) {
		g_free(table);
		return NULL;
	}
	*table = header;
	point_phases(parts->phases, sets);
	store(table, header.programs, parts->programs);
	store(table, header.roles, parts->roles);
	store(table, header.phases, parts->phases);
	store(table, header.symbols, parts->symbols);
	store(table, sets, parts->sets);
	return table;
}
