/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks in the terms of a walk table. Stack and module ids are dense, so both caches are arrays;
 * an entry is worked out when it is first asked for.
 */
#include "enforce/event-cache.h"

#include "sysgait/syscall.h"

typedef struct {
	guint32 index; /* in the model; GAIT_NONE: not there */
	gboolean is_stale;
	gboolean is_known; /* worked out */
} CachedModule;

typedef struct {
	struct gait_walk_event event;
	gboolean is_known;
} CachedStack;

struct _GaitEventCache {
	GaitWalkTable *table;
	GaitStaleModule stale;
	gpointer data;
	GArray *modules; /* CachedModule, by module id */
	GArray *stacks;  /* CachedStack, by stack id */
};

GaitEventCache *
gait_event_cache_new(GaitWalkTable *table, GaitStaleModule stale, gpointer data)
{
	GaitEventCache *cache = g_new0(GaitEventCache, 1);

	cache->table = gait_walk_table_ref(table);
	cache->stale = stale;
	cache->data = data;
	cache->modules = g_array_new(FALSE, TRUE, sizeof(CachedModule));
	cache->stacks = g_array_new(FALSE, TRUE, sizeof(CachedStack));
	return cache;
}

void
gait_event_cache_free(GaitEventCache *cache)
{
	if (!cache)
		return;
	g_array_unref(cache->modules);
	g_array_unref(cache->stacks);
	gait_walk_table_unref(cache->table);
	g_free(cache);
}

static const CachedModule *
find_module(GaitEventCache *cache, const GaitModule *module)
{
	guint32 id = gait_module_get_id(module);
	CachedModule *found;

	if (id >= cache->modules->len)
		g_array_set_size(cache->modules, id + 1);
	found = &g_array_index(cache->modules, CachedModule, id);
	if (found->is_known)
		return found;
	found->is_known = TRUE;
	found->index =
	    gait_walk_table_find_module(cache->table, gait_module_get_path(module),
	                                gait_module_get_build_id(module), &found->is_stale);
	/* [anon] and [unknown] have no build, and so nothing that could be another one. */
	if (gait_module_get_kind(module) == GAIT_MODULE_ANON ||
	    gait_module_get_kind(module) == GAIT_MODULE_UNKNOWN)
		found->is_stale = FALSE;
	if (found->is_stale ||
	    (found->index == GAIT_NONE &&
	     gait_walk_table_has_namesake(cache->table, gait_module_get_path(module))))
		cache->stale(module, found->is_stale, cache->data);
	return found;
}

void
gait_event_cache_note_module(GaitEventCache *cache, const GaitModule *module)
{
	find_module(cache, module);
}

static void
work_out(GaitEventCache *cache, const GaitStack *stack, struct gait_walk_event *event)
{
	const GaitStackFrame *issuer = &stack->frames[0];
	const GaitStackFrame *site = &stack->frames[stack->site];
	/* By value: looking up the second may move the first. */
	CachedModule issuing = *find_module(cache, issuer->module);
	CachedModule responsible = *find_module(cache, site->module);

	event->issuer_module = issuing.index;
	event->issuer_offset = issuer->offset;
	event->module = responsible.index;
	event->site = site->offset;
	if (issuing.is_stale)
		event->flags |= GAIT_WALK_STALE_ISSUER;
	if (responsible.is_stale)
		event->flags |= GAIT_WALK_STALE_SITES;
}

void
gait_event_cache_fill(GaitEventCache *cache, const GaitStack *stack, guint32 nr,
                      const guint64 args[6], struct gait_walk_event *event)
{
	CachedStack *cached;

	if (G_UNLIKELY(stack->id >= cache->stacks->len))
		g_array_set_size(cache->stacks, stack->id + 1);
	cached = &g_array_index(cache->stacks, CachedStack, stack->id);
	if (G_UNLIKELY(!cached->is_known)) {
		work_out(cache, stack, &cached->event);
		cached->is_known = TRUE;
	}
	*event = cached->event;
	event->nr = nr;
	event->klass = gait_syscall_class(nr, args);
}
