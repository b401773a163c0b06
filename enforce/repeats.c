/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small direct-mapped table of recent violations. It needs no more: what loops is there all the
 * time, and what loses its place to another merely gets its first lines again.
 */
#include "enforce/repeats.h"

#include <string.h>

#define N_ENTRIES 256

typedef struct {
	guint64 key[7];
	guint64 n_withheld;
	gint64 written_us;
	guint n_burst;
} Entry;

struct _GaitRepeats {
	Entry entries[N_ENTRIES];
	guint64 n_withheld;
};

GaitRepeats *
gait_repeats_new(void)
{
	return g_new0(GaitRepeats, 1);
}

void
gait_repeats_free(GaitRepeats *repeats)
{
	g_free(repeats);
}

static Entry *
find_entry(GaitRepeats *repeats, const guint64 *key, gsize size)
{
	guint64 hash = 0;

	/* Multiplicative, by the golden ratio (Knuth, TAOCP 6.4). */
	for (gsize i = 0; i < size / sizeof(*key); i++)
		hash = (hash ^ key[i]) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	return &repeats->entries[hash >> 56];
}

gboolean
gait_repeats_is_due(GaitRepeats *repeats, const GaitViolation *violation, const GaitWalker *walker,
                    gint64 now_us, guint64 *n_withheld)
{
	const struct gait_walk_event *event = &violation->event;
	const guint64 key[] = {
	    (guint64)violation->tid << 32 | violation->verdict,
	    (guint64)event->nr << 32 | event->klass,
	    (guint64)event->module << 32 | event->issuer_module,
	    event->site,
	    event->issuer_offset,
	    (guint64)gait_walker_get_state(walker, event->module) << 32 |
	        gait_walker_get_phase(walker),
	    violation->exec_path ? g_str_hash(violation->exec_path) : 0,
	};
	Entry *entry = find_entry(repeats, key, sizeof(key));

	G_STATIC_ASSERT(sizeof(key) == sizeof(entry->key));
	if (memcmp(entry->key, key, sizeof(key)) != 0) {
		*entry = (Entry){.written_us = now_us};
		memcpy(entry->key, key, sizeof(key));
	}
	entry->n_withheld += violation->n_repeats;
	repeats->n_withheld += violation->n_repeats;
	if (entry->n_burst >= GAIT_REPEATS_BURST && now_us - entry->written_us < G_USEC_PER_SEC) {
		entry->n_withheld++;
		repeats->n_withheld++;
		return FALSE;
	}
	*n_withheld = entry->n_withheld;
	repeats->n_withheld -= entry->n_withheld;
	entry->n_withheld = 0;
	entry->written_us = now_us;
	entry->n_burst = MIN(entry->n_burst + 1, GAIT_REPEATS_BURST);
	return TRUE;
}

void
gait_repeats_withhold(GaitRepeats *repeats, guint64 n)
{
	repeats->n_withheld += n;
}

guint64
gait_repeats_get_n_withheld(const GaitRepeats *repeats)
{
	return repeats->n_withheld;
}
