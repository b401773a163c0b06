/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by what a kill at their entry leaves of them. SIGKILL that is sent when a call is entered
 * ends the process before it returns from the call, but the kernel may have done all of it by then.
 */
#pragma once

#include <glib.h>
#include <seccomp.h>

/*
 * Adds rules to a filter whose default is another action: `allow` for passive calls, of which
 * nothing is left when their process is killed: they wait, read or ask, or change what dies with
 * it. FALSE with error where libseccomp would not.
 */
gboolean gait_passive_add_rules(scmp_filter_ctx context, guint32 allow, GError **error);
/* Whether a call of this number is passive, whatever its arguments. */
gboolean gait_passive_is_always(int nr);
/*
 * The opposite: `stop` for the few calls that somebody has to be asked about whatever is done about
 * violations: they make tasks, run programs, map code, or signal.
 */
gboolean gait_pivotal_add_rules(scmp_filter_ctx context, guint32 stop, GError **error);
/* Whether a call of this number is one of them, whatever its arguments. */
gboolean gait_pivotal_is_always(int nr);
