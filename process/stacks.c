// SPDX-License-Identifier: Apache-2.0
/*
 * The table of interned stacks. A program has a few hundred that matter; the bound is for one that
 * recurses in ever new ways, by accident or to fill our memory.
 */
#include "process/stacks.h"

#include <string.h>

static const gsize MAX_FRAMES = 4 * 1024 * 1024;

struct _GaitStacks {
	GPtrArray *stacks;
	GHashTable *index;
	gsize n_frames;
	GaitStack *key; /* what is looked for, in the form of what is found */
	guint32 max_key_frames;
};

static guint
hash_stack(gconstpointer data)
{
	const GaitStack *stack = data;
	guint64 hash = stack->site;

	for (guint32 i = 0; i < stack->n_frames; i++)
		hash = (hash ^ stack->frames[i].offset ^
		        (guint64)gait_module_get_id(stack->frames[i].module) << 40) *
		       G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	return (guint)(hash >> 32);
}

static gboolean
equal_stacks(gconstpointer a, gconstpointer b)
{
	const GaitStack *left = a, *right = b;

	if (left->status != right->status || left->site != right->site ||
	    left->n_frames != right->n_frames)
		return FALSE;
	for (guint32 i = 0; i < left->n_frames; i++)
		if (left->frames[i].module != right->frames[i].module ||
		    left->frames[i].offset != right->frames[i].offset)
			return FALSE;
	return TRUE;
}

static gsize
size_of(guint32 n_frames)
{
	return sizeof(GaitStack) + n_frames * sizeof(GaitStackFrame);
}

GaitStacks *
gait_stacks_new(void)
{
	GaitStacks *stacks = g_new0(GaitStacks, 1);

	stacks->stacks = g_ptr_array_new_with_free_func(g_free);
	stacks->index = g_hash_table_new(hash_stack, equal_stacks);
	return stacks;
}

void
gait_stacks_free(GaitStacks *stacks)
{
	if (!stacks)
		return;
	g_hash_table_unref(stacks->index);
	g_ptr_array_unref(stacks->stacks);
	g_free(stacks->key);
	g_free(stacks);
}

const GaitStack *
gait_stacks_intern(GaitStacks *stacks, GaitStackStatus status, const GaitStackFrame *frames,
                   guint32 n_frames, guint32 site)
{
	GaitStack *found;

	g_assert(site < n_frames);
	if (n_frames > stacks->max_key_frames) {
		stacks->key = g_realloc(stacks->key, size_of(n_frames));
		stacks->max_key_frames = n_frames;
	}
	*stacks->key = (GaitStack){
	    .id = stacks->stacks->len, .status = status, .n_frames = n_frames, .site = site};
	memcpy(stacks->key->frames, frames, n_frames * sizeof(GaitStackFrame));
	found = g_hash_table_lookup(stacks->index, stacks->key);
	if (found)
		return found;
	if (n_frames > MAX_FRAMES - stacks->n_frames)
		return NULL;
	found = g_memdup2(stacks->key, size_of(n_frames));
	stacks->n_frames += n_frames;
	g_hash_table_add(stacks->index, found);
	g_ptr_array_add(stacks->stacks, found);
	return found;
}

const GaitStack *
gait_stacks_get(const GaitStacks *stacks, guint32 id)
{
	g_assert(id < stacks->stacks->len);
	return g_ptr_array_index(stacks->stacks, id);
}
