/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bpf backend: a BPF program walks calls at their entry (kernel/), and the notify backend is
 * there for the few that somebody has to be asked about, and for lifecycle. Three ways of it, which
 * differ in what becomes of a call that is out of gait:
 *
 *   - hooks: a second program refuses it at the kernel's security hooks, before it acts; calls that
 *     act and meet no hook are judged as in the next way, others are killed for.
 *   - notify: the calls that act come by seccomp notification and are judged before they happen, as
 *     in the notify backend; the others, of which nothing is left when their process is killed, are
 *     walked in the kernel, and a violation kills.
 *   - kill: nearly all are walked in the kernel, and a violation kills. What the call does may have
 *     happened by then, so this is containment only.
 *
 * Where violations are only logged the two come to the same, and the second is the faster one.
 */
#include "enforce/backend.h"
#include "enforce/notify-private.h"
#include "kernel/tier.h"
#include "sysgait/error.h"

static gboolean
probe(GError **error)
{
	return gait_notify_probe(error) && gait_tier_probe(error);
}

static gboolean
load(GaitEnforcer *enforcer, gboolean is_recording, GError **error)
{
	return gait_enforcer_start_in_kernel(enforcer, GAIT_DENIAL_NONE, is_recording, error);
}

/* Found by trying, once: the kernel will not change. */
static GaitDenialMeans found_means = GAIT_DENIAL_NONE;

static gboolean
probe_hooks(GError **error)
{
	g_autofree char *reasons = NULL, *joined = NULL;
	g_auto(GStrv) lines = NULL;

	if (!probe(error))
		return FALSE;
	found_means = gait_denial_probe(&reasons);
	if (found_means != GAIT_DENIAL_NONE)
		return TRUE;
	lines = g_strsplit(g_strchomp(reasons), "\n", -1);
	joined = g_strjoinv("; ", lines);
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "this kernel lets no BPF program refuse a call: %s", joined);
	return FALSE;
}

static gboolean
load_hooks(GaitEnforcer *enforcer, gboolean is_recording, GError **error)
{
	return gait_enforcer_start_in_kernel(enforcer, found_means, is_recording, error);
}

static const char *
get_means(void)
{
	return gait_denial_means_name(found_means);
}

const GaitBackend gait_backend_bpf_hooks = {
    .name = "bpf-hooks",
    .summary = "a BPF program walks calls, another refuses them at the kernel's security hooks",
    .promise = "calls are refused in the kernel before they act; those that no hook can refuse are "
               "judged before they happen if they act, and killed for if not",
    .is_preexec = TRUE,
    .has_errno = TRUE,
    .get_means = get_means,
    .handover = GAIT_FLOOR_NOTIFY_UNHOOKED,
    .probe = probe_hooks,
    .load = load_hooks,
    .run = gait_notify_run,
};

const GaitBackend gait_backend_bpf_notify = {
    .name = "bpf-notify",
    .summary = "a BPF program walks calls; those that act are judged before they happen",
    .promise = "calls that act are judged before they happen; others, walked in the kernel, are "
               "killed for before they return",
    .is_preexec = TRUE,
    .handover = GAIT_FLOOR_NOTIFY_ACTIVE,
    .probe = probe,
    .load = load,
    .run = gait_notify_run,
};

const GaitBackend gait_backend_bpf_kill = {
    .name = "bpf-kill",
    .summary = "a BPF program walks calls, and kills at a violation: containment only",
    .promise = "calls are walked in the kernel, and killed for as they happen",
    .handover = GAIT_FLOOR_NOTIFY_PIVOTAL,
    .probe = probe,
    .load = load,
    .run = gait_notify_run,
};
