/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: what is done about a violation, by its kind. */
#pragma once

#include "sysgait/walker.h"

typedef enum {
	GAIT_ACTION_LOG,   /* the call happens, and is logged */
	GAIT_ACTION_ERRNO, /* the call does not happen: it fails with error */
	GAIT_ACTION_KILL,  /* the call does not happen: the whole process is killed */
	GAIT_ACTION_N_,
} GaitActionKind;

typedef struct {
	GaitActionKind kind;
	int error; /* ERRNO; positive */
	/* LOG: for the sake of the program only, so the walker is not to follow. */
	gboolean stands_still;
} GaitAction;

typedef struct {
	GaitAction actions[GAIT_VERDICT_N_];
	guint named; /* bit k: kind k was given an action of its own that is not to log */
} GaitPolicy;

/* errno EPERM for every kind. */
void gait_policy_init(GaitPolicy *policy);
/* Whether it does this about some kind. */
gboolean gait_policy_has(const GaitPolicy *policy, GaitActionKind kind);
/*
 * "log", "kill", "errno", "errno:EACCES" or "errno:13" for every kind; or a comma-separated list in
 * which "KIND=ACTION" sets one kind. GAIT_ERROR_MALFORMED says what was not understood.
 */
gboolean gait_policy_parse(GaitPolicy *policy, const char *text, GError **error);
/*
 * Kinds that are less hard to forge than this one are logged only. GAIT_VERDICT_SEQUENCE acts on
 * all of them. `exec` is always acted on, `role` as `site`, on which it rests. GAIT_ERROR_CONFLICT
 * where one of those kinds was given another action by name.
 */
gboolean gait_policy_set_strict(GaitPolicy *policy, GaitVerdict strict, GError **error);
/* Parses the name of a kind that can be set strict. */
gboolean gait_policy_parse_strict(const char *text, GaitVerdict *strict, GError **error);

/*
 * The action for a violation by a call. Some calls are special: one that ends a task (exit,
 * exit_group) is never refused, because a task that cannot end runs on into code that was never
 * meant to run; a refused rt_sigreturn kills, because it has no caller to tell; waiting for a lock
 * and waking who waits (futex, sched_yield) is only ever logged, because the first lock that two
 * threads want at once would else abort the program; and calls that only tell a task its own
 * numbers (getpid, geteuid …) and cannot fail are not refused, because programs take the -1 for a
 * number, and kill(-1) means everybody.
 */
GaitAction gait_policy_decide(const GaitPolicy *policy, GaitVerdict verdict, guint32 nr,
                              guint32 klass);

/*
 * The same for a call that was found to be a signal of a task to its own process: SIGABRT, which is
 * how abort() ends a program, is not refused either.
 */
GaitAction gait_policy_decide_own_signal(const GaitPolicy *policy, GaitVerdict verdict, guint32 nr,
                                         guint32 klass);
/* Whether it makes a difference that a call is one. */
gboolean gait_policy_is_abort(guint32 nr, guint32 klass);

/* "log", "errno EPERM", "kill": appends it. */
void gait_action_format(const GaitAction *action, GString *out);
/* "EPERM", or NULL. */
const char *gait_errno_name(int error);
/* From a name or a number in [1, 511]; 0 where it is neither. */
int gait_errno_from_name(const char *name);
