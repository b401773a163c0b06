/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bpf backend: a BPF program walks calls at their entry (kernel/), and the notify backend is
 * there for the few that somebody has to be asked about, and for lifecycle. Three ways of it, which
 * differ in what becomes of a call that is out of gait:
 *
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

static gboolean
probe(GError **error)
{
	return gait_notify_probe(error) && gait_tier_probe(error);
}

static gboolean
run(GaitEnforcer *enforcer, const char *const *argv, int *status, GError **error)
{
	return gait_notify_run(enforcer, argv, TRUE, status, error);
}

const GaitBackend gait_backend_bpf_notify = {
    .name = "bpf-notify",
    .summary = "a BPF program walks calls; those that act are judged before they happen",
    .promise = "calls that act are judged before they happen; others, walked in the kernel, are "
               "killed for before they return",
    .is_preexec = TRUE,
    .handover = GAIT_FLOOR_NOTIFY_ACTIVE,
    .probe = probe,
    .run = run,
};

const GaitBackend gait_backend_bpf_kill = {
    .name = "bpf-kill",
    .summary = "a BPF program walks calls, and kills at a violation: containment only",
    .promise = "calls are walked in the kernel, and killed for as they happen",
    .handover = GAIT_FLOOR_NOTIFY_PIVOTAL,
    .probe = probe,
    .run = run,
};
