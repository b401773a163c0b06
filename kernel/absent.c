/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of all else here where sysgait is built without libbpf or clang (`make BPF=no`): says
 * that there is no in-kernel tier. What needs one to begin with is never called.
 */
#include "kernel/tier.h"

#include "sysgait/error.h"

#define WHY "sysgait was built without libbpf (or clang): make deps, build again"

static void
set_absent(GError **error)
{
	g_set_error_literal(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED, WHY);
}

/* --- the tier -----------------------------------------------------------------------------------
 */

GaitTier *
gait_tier_new(const GaitTierOptions *options, GaitModules *modules,
              const GaitTierCallbacks *callbacks, gpointer data, GError **error)
{
	set_absent(error);
	return NULL;
}

gboolean
gait_tier_probe(GError **error)
{
	set_absent(error);
	return FALSE;
}

void
gait_tier_free(GaitTier *tier)
{
	g_assert(!tier);
}

gboolean
gait_tier_reads_directly(const GaitTier *tier)
{
	g_assert_not_reached();
}

void
gait_tier_detach(GaitTier *tier)
{
	g_assert_not_reached();
}

struct gait_tier_slot *
gait_tier_add(GaitTier *tier, pid_t tid, guint32 *index, GError **error)
{
	g_assert_not_reached();
}

void
gait_tier_remove(GaitTier *tier, guint32 index)
{
	g_assert_not_reached();
}

struct gait_tier_slot *
gait_tier_get_slot(GaitTier *tier, guint32 index)
{
	g_assert_not_reached();
}

guint32 *
gait_tier_get_states(GaitTier *tier, guint32 index, guint32 *stride)
{
	g_assert_not_reached();
}

void
gait_tier_note_parent(GaitTier *tier, guint32 index, guint32 parent)
{
	g_assert_not_reached();
}

void
gait_tier_note_runtime(GaitTier *tier, guint32 index)
{
	g_assert_not_reached();
}

gboolean
gait_tier_note_exec(GaitTier *tier, guint32 index, pid_t tid, GError **error)
{
	g_assert_not_reached();
}

gboolean
gait_tier_learn_process(GaitTier *tier, pid_t pid)
{
	g_assert_not_reached();
}

void
gait_tier_learn_range(GaitTier *tier, pid_t pid, guint64 start, guint64 end)
{
	g_assert_not_reached();
}

void
gait_tier_note_moved(GaitTier *tier, guint32 index)
{
	g_assert_not_reached();
}

gboolean
gait_tier_learn_ranges(GaitTier *tier, guint32 index, pid_t pid)
{
	g_assert_not_reached();
}

void
gait_tier_learn_descriptor(GaitTier *tier, pid_t task, int descriptor, guint64 offset, guint64 size)
{
	g_assert_not_reached();
}

const GaitStack *
gait_tier_attribute(const GaitTier *tier, GaitAttributor *attributor, GaitSpace *space, pid_t task,
                    const struct gait_tier_raw *raw)
{
	g_assert_not_reached();
}

int
gait_tier_get_fd(const GaitTier *tier)
{
	g_assert_not_reached();
}

void
gait_tier_drain(GaitTier *tier)
{
	g_assert_not_reached();
}

/* --- denial -------------------------------------------------------------------------------------
 */

GaitDenialMeans
gait_denial_probe(char **reasons)
{
	if (reasons)
		*reasons = g_strdup(WHY);
	return GAIT_DENIAL_NONE;
}

const char *
gait_denial_means_name(GaitDenialMeans means)
{
	g_assert_not_reached();
}

GaitDenial *
gait_denial_new(GaitDenialMeans means, gboolean (*is_idle)(int syscall, gpointer data),
                gpointer data, GError **error)
{
	set_absent(error);
	return NULL;
}

void
gait_denial_free(GaitDenial *denial)
{
	g_assert(!denial);
}

gboolean
gait_denial_has_hooks(int syscall)
{
	return FALSE;
}

gboolean
gait_denial_covers(const GaitDenial *denial, int syscall)
{
	g_assert_not_reached();
}
