/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy: kind of violation → action. Pure; it knows nothing of backends. Strictness is an
 * order on kinds: registers are harder to forge than stack memory (DESIGN §2), so one may act on
 * what registers say and only log the rest.
 */
#include "enforce/policy.h"

#include "sysgait/error.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* From 512 on are the kernel's own, which never get to a program: it would make the call again. */
#define MAX_ERRNO 511

/* Numbers up to which names are looked for; Linux's last is EHWPOISON, 133. */
#define MAX_NAMED_ERRNO 200

const char *
gait_errno_name(int error)
{
	return strerrorname_np(error);
}

int
gait_errno_from_name(const char *name)
{
	guint64 number;

	if (g_ascii_string_to_unsigned(name, 10, 1, MAX_ERRNO, &number, NULL))
		return (int)number;
	for (int i = 1; i < MAX_NAMED_ERRNO; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return 0;
}

static gboolean
parse_action(const char *text, GaitAction *action, GError **error)
{
	if (strcmp(text, "log") == 0) {
		*action = (GaitAction){.kind = GAIT_ACTION_LOG};
		return TRUE;
	}
	if (strcmp(text, "kill") == 0) {
		*action = (GaitAction){.kind = GAIT_ACTION_KILL};
		return TRUE;
	}
	if (strcmp(text, "errno") == 0) {
		*action = (GaitAction){.kind = GAIT_ACTION_ERRNO, .error = EPERM};
		return TRUE;
	}
	if (g_str_has_prefix(text, "errno:")) {
		*action = (GaitAction){.kind = GAIT_ACTION_ERRNO,
		                       .error = gait_errno_from_name(text + 6)};
		if (action->error != 0)
			return TRUE;
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED,
		            "'%s' is not the name or number of an error, such as EACCES or 13",
		            text + 6);
		return FALSE;
	}
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED,
	            "'%s' is not an action: log, errno, errno:NAME or kill", text);
	return FALSE;
}

void
gait_policy_init(GaitPolicy *policy)
{
	for (guint i = 0; i < GAIT_VERDICT_N_; i++)
		policy->actions[i] = (GaitAction){.kind = GAIT_ACTION_ERRNO, .error = EPERM};
	policy->named = 0;
}

gboolean
gait_policy_has(const GaitPolicy *policy, GaitActionKind kind)
{
	for (guint i = GAIT_VERDICT_ALLOW + 1; i < GAIT_VERDICT_N_; i++)
		if (policy->actions[i].kind == kind)
			return TRUE;
	return FALSE;
}

static gboolean
parse_part(GaitPolicy *policy, char *part, GError **error)
{
	char *equals = strchr(part, '=');
	GaitAction action;
	GaitVerdict kind;

	if (!parse_action(equals ? equals + 1 : part, &action, error))
		return FALSE;
	if (!equals) {
		for (guint i = 0; i < GAIT_VERDICT_N_; i++)
			policy->actions[i] = action;
		policy->named = 0;
		return TRUE;
	}
	*equals = '\0';
	kind = gait_verdict_from_name(part);
	if (kind == GAIT_VERDICT_N_ || kind == GAIT_VERDICT_ALLOW) {
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED,
		            "'%s' is not a kind of violation", part);
		return FALSE;
	}
	policy->actions[kind] = action;
	if (action.kind != GAIT_ACTION_LOG)
		policy->named |= 1u << kind;
	else
		policy->named &= ~(1u << kind);
	return TRUE;
}

gboolean
gait_policy_parse(GaitPolicy *policy, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);

	gait_policy_init(policy);
	if (!*parts) /* g_strsplit() finds no part in nothing */
		return parse_part(policy, (char[]){""}, error);
	for (char **part = parts; *part; part++)
		if (!parse_part(policy, *part, error))
			return FALSE;
	return TRUE;
}

gboolean
gait_policy_parse_strict(const char *text, GaitVerdict *strict, GError **error)
{
	g_autoptr(GString) kinds = g_string_new(NULL);

	*strict = gait_verdict_from_name(text);
	if (*strict < GAIT_VERDICT_N_ && gait_verdict_rank(*strict) != 0 &&
	    *strict != GAIT_VERDICT_ROLE)
		return TRUE;
	for (guint i = 0; i < GAIT_VERDICT_N_; i++)
		if (gait_verdict_rank(i) != 0 && i != GAIT_VERDICT_ROLE)
			g_string_append_printf(kinds, "%s%s", kinds->len ? ", " : "",
			                       gait_verdict_name(i));
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED,
	            "cannot be strict up to '%s', only up to: %s", text, kinds->str);
	return FALSE;
}

gboolean
gait_policy_set_strict(GaitPolicy *policy, GaitVerdict strict, GError **error)
{
	for (guint i = 0; i < GAIT_VERDICT_N_; i++) {
		if (gait_verdict_rank(i) <= gait_verdict_rank(strict))
			continue;
		if (policy->named >> i & 1) {
			g_set_error(
			    error, GAIT_ENFORCE_ERROR, GAIT_ERROR_CONFLICT,
			    "strict up to %s only logs %s, for which another action was asked",
			    gait_verdict_name(strict), gait_verdict_name(i));
			return FALSE;
		}
		policy->actions[i] = (GaitAction){.kind = GAIT_ACTION_LOG};
	}
	return TRUE;
}

/*
 * Waiting for a lock, and waking who waits: when two threads meet is chance, glibc aborts where
 * the kernel says no, and the calls do nothing else. (Other futex operations do more.)
 */
static gboolean
is_waiting(guint32 nr, guint32 klass)
{
	if (nr == SYS_sched_yield)
		return TRUE;
	return nr == SYS_futex && (klass == FUTEX_WAIT || klass == FUTEX_WAKE ||
	                           klass == FUTEX_WAIT_BITSET || klass == FUTEX_WAKE_BITSET);
}

/* Calls that only tell a task its own numbers, and that no program expects to fail. */
static gboolean
tells_own_number(guint32 nr)
{
	switch (nr) {
	case SYS_getpid:
	case SYS_gettid:
	case SYS_getppid:
	case SYS_getpgrp:
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
		return TRUE;
	}
	return FALSE;
}

/* SIGABRT runs a handler of the process's own, or ends it: nobody else is touched. */
gboolean
gait_policy_is_abort(guint32 nr, guint32 klass)
{
	return (nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill) && klass == SIGABRT;
}

GaitAction
gait_policy_decide_own_signal(const GaitPolicy *policy, GaitVerdict verdict, guint32 nr,
                              guint32 klass)
{
	GaitAction action = gait_policy_decide(policy, verdict, nr, klass);

	if (action.kind == GAIT_ACTION_ERRNO && gait_policy_is_abort(nr, klass))
		return (GaitAction){.kind = GAIT_ACTION_LOG, .stands_still = TRUE};
	return action;
}

GaitAction
gait_policy_decide(const GaitPolicy *policy, GaitVerdict verdict, guint32 nr, guint32 klass)
{
	GaitAction action = policy->actions[verdict];

	if (is_waiting(nr, klass))
		return (GaitAction){.kind = GAIT_ACTION_LOG, .stands_still = TRUE};
	if (action.kind == GAIT_ACTION_ERRNO && (nr == SYS_exit || nr == SYS_exit_group))
		return (GaitAction){.kind = GAIT_ACTION_LOG};
	if (action.kind == GAIT_ACTION_ERRNO && tells_own_number(nr))
		return (GaitAction){.kind = GAIT_ACTION_LOG, .stands_still = TRUE};
	if (action.kind == GAIT_ACTION_ERRNO && nr == SYS_rt_sigreturn)
		return (GaitAction){.kind = GAIT_ACTION_KILL};
	return action;
}

void
gait_action_format(const GaitAction *action, GString *out)
{
	const char *name;

	switch (action->kind) {
	case GAIT_ACTION_LOG:
		g_string_append(out, "log");
		return;
	case GAIT_ACTION_KILL:
		g_string_append(out, "kill");
		return;
	case GAIT_ACTION_ERRNO:
		name = gait_errno_name(action->error);
		if (name)
			g_string_append_printf(out, "errno %s", name);
		else
			g_string_append_printf(out, "errno %d", action->error);
		return;
	case GAIT_ACTION_N_:
		break;
	}
	g_assert_not_reached();
}
