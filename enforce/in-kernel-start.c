/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel tier's start and end: what it is to do about which violation of which call, and by
 * which means.
 */
#include "enforce/in-kernel-private.h"

#include "sysgait/contexts.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- policy -------------------------------------------------------------------------------------
 */

static guint8
choose_action(const GaitAction *action, guint32 nr, gboolean is_deniable)
{
	switch (action->kind) {
	case GAIT_ACTION_LOG:
		return action->stands_still || (gait_walk_call_flags(nr) & GAIT_WALK_INCIDENTAL)
		           ? GAIT_TIER_STAND_STILL
		           : GAIT_TIER_LOG;
	case GAIT_ACTION_ERRNO:
		return is_deniable ? GAIT_TIER_DENY : GAIT_TIER_KILL;
	case GAIT_ACTION_KILL:
		return GAIT_TIER_KILL;
	case GAIT_ACTION_N_:
		break;
	}
	g_assert_not_reached();
}

/* Of classes beyond the first few none only waits. */
static void
fill_policy(const GaitPolicy *policy, const GaitDenial *denial,
            struct gait_tier_syscall calls[GAIT_TIER_N_SYSCALLS])
{
	const guint32 other = G_MAXUINT32;

	for (guint32 nr = 0; nr < GAIT_TIER_N_SYSCALLS; nr++) {
		calls[nr].is_deniable = denial && gait_denial_covers(denial, (int)nr);
		for (guint v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++) {
			GaitAction action = gait_policy_decide(policy, v, nr, other);

			calls[nr].action[v] = choose_action(&action, nr, calls[nr].is_deniable);
			calls[nr].error[v] = (guint16)action.error;
		}
		for (guint32 klass = 0; klass < 32; klass++) {
			GaitAction action =
			    gait_policy_decide(policy, GAIT_VERDICT_SEQUENCE, nr, klass);

			if (action.kind == GAIT_ACTION_LOG && action.stands_still)
				calls[nr].waiting |= 1u << klass;
		}
	}
}

/* Calls that the floor asks about, or answers, need no hook. */
static gboolean
is_idle(int syscall, gpointer data)
{
	const GaitFloor *floor = data;

	return gait_floor_asks_always(floor, (guint32)syscall) ||
	       gait_floor_decide(floor, AUDIT_ARCH_X86_64, (guint32)syscall) !=
	           GAIT_FLOOR_HAND_OVER;
}

/* What the floor leaves to hooks has to meet them. */
static gboolean
has_all_hooks(const GaitDenial *denial, gpointer floor, GError **error)
{
	for (guint32 nr = 0; nr <= gait_syscall_get_max(); nr++)
		if (!is_idle((int)nr, floor) && gait_denial_has_hooks((int)nr) &&
		    !gait_denial_covers(denial, (int)nr)) {
			g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
			            "this kernel lacks a security hook by which %s is refused",
			            gait_syscall_name(nr));
			return FALSE;
		}
	return TRUE;
}

/* --- start --------------------------------------------------------------------------------------
 */

gboolean
gait_enforcer_start_in_kernel(GaitEnforcer *enforcer, GaitDenialMeans means, gboolean is_recording,
                              GError **error)
{
	g_autofree struct gait_tier_syscall *calls =
	    g_new0(struct gait_tier_syscall, GAIT_TIER_N_SYSCALLS);
	GaitTierOptions options = {.table = enforcer->table,
	                           .syscalls = calls,
	                           .is_recording = is_recording,
	                           .is_lossless = is_recording};
	g_autoptr(GaitDenial) denial = NULL;
	GaitKeeper *keeper;
	GaitTier *tier;

	if (means != GAIT_DENIAL_NONE &&
	    !(denial = gait_denial_new(means, is_idle, (gpointer)enforcer->floor, error)))
		return FALSE;
	if (denial && !has_all_hooks(denial, (gpointer)enforcer->floor, error))
		return FALSE;
	options.denial = denial;
	fill_policy(&enforcer->policy, denial, calls);
	tier =
	    gait_tier_new(&options, enforcer->modules, &gait_in_kernel_callbacks, enforcer, error);
	keeper = tier ? gait_keeper_new(error) : NULL;
	if (!keeper) {
		gait_tier_free(tier);
		return FALSE;
	}
	enforcer->in_kernel = g_new0(GaitInKernel, 1);
	enforcer->in_kernel->tier = tier;
	enforcer->in_kernel->keeper = keeper;
	enforcer->in_kernel->denial = g_steal_pointer(&denial);
	enforcer->in_kernel->stacks = g_ptr_array_new();
	enforcer->in_kernel->untold = g_array_new(FALSE, FALSE, sizeof(GaitUntold));
	enforcer->in_kernel->untold_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return TRUE;
}

gboolean
gait_enforcer_reads_directly(const GaitEnforcer *enforcer)
{
	return enforcer->in_kernel && gait_tier_reads_directly(enforcer->in_kernel->tier);
}

void
gait_enforcer_stop_in_kernel(GaitEnforcer *enforcer)
{
	GaitInKernel *in_kernel = g_steal_pointer(&enforcer->in_kernel);

	if (!in_kernel)
		return;
	if (in_kernel->n_lost > 0)
		gait_log_message(enforcer->log,
		                 "%" G_GUINT64_FORMAT
		                 " violations in the kernel found no room for being told of",
		                 in_kernel->n_lost);
	enforcer->n_walked += in_kernel->n_events;
	gait_keeper_free(in_kernel->keeper);
	gait_tier_free(in_kernel->tier);
	gait_denial_free(in_kernel->denial);
	g_ptr_array_unref(in_kernel->stacks);
	g_array_unref(in_kernel->untold);
	if (in_kernel->untold_fd >= 0)
		close(in_kernel->untold_fd);
	g_free(in_kernel);
}
