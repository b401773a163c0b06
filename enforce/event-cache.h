/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an interned call stack is in the terms of a walk table, worked out once a stack, so that an
 * event costs no string work.
 */
#pragma once

#include "sysgait/attribute.h"
#include "sysgait/walker.h"

typedef struct _GaitEventCache GaitEventCache;

/*
 * Called once for each module of the target of which the model does not know this build: where it
 * lies at the path that the model knows (is_stale), or has merely the name and is a stranger.
 */
typedef void (*GaitStaleModule)(const GaitModule *module, gboolean is_stale, gpointer data);

GaitEventCache *gait_event_cache_new(GaitWalkTable *table, GaitStaleModule stale, gpointer data);
void gait_event_cache_free(GaitEventCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitEventCache, gait_event_cache_free)

/* A module that is about to be of use. */
void gait_event_cache_note_module(GaitEventCache *cache, const GaitModule *module);
/* Fills in the event of a call from this stack. */
void gait_event_cache_fill(GaitEventCache *cache, const GaitStack *stack, guint32 nr,
                           const guint64 args[6], struct gait_walk_event *event);
