/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: what the options say comes out as what is done, kind by kind. */
#include "enforce/policy.h"
#include "sysgait/error.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static char *
decide(const GaitPolicy *policy, GaitVerdict verdict, guint32 nr)
{
	GaitAction action = gait_policy_decide(policy, verdict, nr, 0);
	GString *text = g_string_new(NULL);

	gait_action_format(&action, text);
	return g_string_free(text, FALSE);
}

/* What an option makes of three kinds. */
static const struct {
	const char *text, *syscall, *library, *exec;
} good[] = {
    {"log", "log", "log", "log"},
    {"kill", "kill", "kill", "kill"},
    {"errno", "errno EPERM", "errno EPERM", "errno EPERM"},
    {"errno:EACCES", "errno EACCES", "errno EACCES", "errno EACCES"},
    {"errno:38", "errno ENOSYS", "errno ENOSYS", "errno ENOSYS"},
    {"errno:500", "errno 500", "errno 500", "errno 500"},
    {"library=log", "errno EPERM", "log", "errno EPERM"},
    {"library=log,exec=kill", "errno EPERM", "log", "kill"},
    {"kill,library=errno:5", "kill", "errno EIO", "kill"},
    /* The last word counts. */
    {"library=kill,log", "log", "log", "log"},
};

static void
test_good(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *syscall = NULL, *library = NULL, *exec = NULL;
		GaitPolicy policy;

		g_test_message("%s", good[i].text);
		g_assert_true(gait_policy_parse(&policy, good[i].text, &error));
		g_assert_no_error(error);
		syscall = decide(&policy, GAIT_VERDICT_SYSCALL, SYS_read);
		library = decide(&policy, GAIT_VERDICT_LIBRARY, SYS_read);
		exec = decide(&policy, GAIT_VERDICT_EXEC, SYS_execve);
		g_assert_cmpstr(syscall, ==, good[i].syscall);
		g_assert_cmpstr(library, ==, good[i].library);
		g_assert_cmpstr(exec, ==, good[i].exec);
	}
}

static void
test_bad(void)
{
	/* Zero would be success, and more than 511 no error that a program sees. */
	static const char *const bad[] = {"",          "Log",          "errno:",       "errno:0",
	                                  "errno:512", "errno:-1",     "errno:EX",     "library",
	                                  "library=",  "=kill",        "foo=kill",     "allow=kill",
	                                  "log,",      "library=log=", "errno:EPERM ", "kill;log"};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		GaitPolicy policy;

		g_test_message("'%s'", bad[i]);
		g_assert_false(gait_policy_parse(&policy, bad[i], &error));
		g_assert_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED);
	}
}

/* Kinds that are acted on, by how strict one is. */
static const struct {
	const char *strict;
	const char *acted_on;
} strictness[] = {
    {"syscall", "syscall exec"},
    {"issuer", "syscall issuer exec"},
    {"library", "syscall issuer library exec"},
    {"phase", "syscall issuer library phase exec"},
    {"site", "syscall issuer library phase site exec role"},
    {"sequence", "syscall issuer library phase site sequence exec role"},
};

static void
test_strict(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(strictness); i++) {
		g_autoptr(GString) acted_on = g_string_new(NULL);
		GaitVerdict strict;
		GaitPolicy policy;

		gait_policy_init(&policy);
		g_assert_true(gait_policy_parse_strict(strictness[i].strict, &strict, NULL));
		g_assert_true(gait_policy_set_strict(&policy, strict, NULL));
		for (guint kind = GAIT_VERDICT_ALLOW + 1; kind < GAIT_VERDICT_N_; kind++)
			if (gait_policy_decide(&policy, kind, SYS_read, 0).kind ==
			    GAIT_ACTION_ERRNO)
				g_string_append_printf(acted_on, "%s%s", acted_on->len ? " " : "",
				                       gait_verdict_name(kind));
		g_assert_cmpstr(acted_on->str, ==, strictness[i].acted_on);
	}
}

/* What was asked for by name is not dropped silently. */
static void
test_strict_conflict(void)
{
	static const struct {
		const char *text;
		gboolean is_good;
	} cases[] = {
	    {"kill", TRUE},
	    {"sequence=log", TRUE},
	    {"library=kill", TRUE},
	    {"phase=kill", FALSE},
	    {"errno,role=kill", FALSE},
	    {"sequence=kill,errno", TRUE},
	    {"sequence=kill,sequence=log", TRUE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		GaitPolicy policy;

		g_test_message("%s", cases[i].text);
		g_assert_true(gait_policy_parse(&policy, cases[i].text, NULL));
		g_assert_cmpint(gait_policy_set_strict(&policy, GAIT_VERDICT_LIBRARY, &error), ==,
		                cases[i].is_good);
		if (!cases[i].is_good)
			g_assert_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_CONFLICT);
	}
}

static void
test_strict_bad(void)
{
	static const char *const bad[] = {"", "allow", "exec", "role", "everything"};

	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		GaitVerdict strict;

		g_assert_false(gait_policy_parse_strict(bad[i], &strict, &error));
		g_assert_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_MALFORMED);
	}
}

/* A task may always end; a signal return has nobody to report an error to. */
static void
test_special(void)
{
	GaitPolicy policy;

	gait_policy_init(&policy);
	g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SITE, SYS_exit_group, 0).kind, ==,
	                GAIT_ACTION_LOG);
	g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SITE, SYS_exit, 0).kind, ==,
	                GAIT_ACTION_LOG);
	g_assert_cmpint(
	    gait_policy_decide(&policy, GAIT_VERDICT_SEQUENCE, SYS_rt_sigreturn, 0).kind, ==,
	    GAIT_ACTION_KILL);
	g_assert_true(gait_policy_parse(&policy, "log", NULL));
	g_assert_cmpint(
	    gait_policy_decide(&policy, GAIT_VERDICT_SEQUENCE, SYS_rt_sigreturn, 0).kind, ==,
	    GAIT_ACTION_LOG);
	g_assert_true(gait_policy_parse(&policy, "kill", NULL));
	g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SITE, SYS_exit_group, 0).kind, ==,
	                GAIT_ACTION_KILL);
}

/* What has no error is not given one: -1 would be taken for a number. */
static void
test_own_numbers(void)
{
	static const guint32 calls[] = {SYS_getpid,  SYS_gettid, SYS_getppid, SYS_getpgrp,
	                                SYS_geteuid, SYS_getuid, SYS_getegid, SYS_getgid};
	GaitPolicy policy;

	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		GaitAction action;

		gait_policy_init(&policy);
		action = gait_policy_decide(&policy, GAIT_VERDICT_SYSCALL, calls[i], 0);
		g_assert_cmpint(action.kind, ==, GAIT_ACTION_LOG);
		g_assert_true(action.stands_still);
		g_assert_true(gait_policy_parse(&policy, "kill", NULL));
		g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SYSCALL, calls[i], 0).kind,
		                ==, GAIT_ACTION_KILL);
	}
	gait_policy_init(&policy);
	g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SYSCALL, SYS_getsid, 0).kind, ==,
	                GAIT_ACTION_ERRNO);
}

/* abort() is a way to end; no other signal is, and none that goes elsewhere. */
static void
test_abort(void)
{
	static const struct {
		guint32 nr, klass;
		GaitActionKind own, other;
	} cases[] = {
	    {SYS_tgkill, SIGABRT, GAIT_ACTION_LOG, GAIT_ACTION_ERRNO},
	    {SYS_tkill, SIGABRT, GAIT_ACTION_LOG, GAIT_ACTION_ERRNO},
	    {SYS_kill, SIGABRT, GAIT_ACTION_LOG, GAIT_ACTION_ERRNO},
	    {SYS_tgkill, SIGKILL, GAIT_ACTION_ERRNO, GAIT_ACTION_ERRNO},
	    {SYS_read, SIGABRT, GAIT_ACTION_ERRNO, GAIT_ACTION_ERRNO},
	};
	GaitPolicy policy;

	gait_policy_init(&policy);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint32 nr = cases[i].nr, klass = cases[i].klass;

		g_assert_cmpint(
		    gait_policy_decide_own_signal(&policy, GAIT_VERDICT_SITE, nr, klass).kind, ==,
		    cases[i].own);
		g_assert_cmpint(gait_policy_decide(&policy, GAIT_VERDICT_SITE, nr, klass).kind, ==,
		                cases[i].other);
	}
	g_assert_true(gait_policy_parse(&policy, "kill", NULL));
	g_assert_cmpint(
	    gait_policy_decide_own_signal(&policy, GAIT_VERDICT_SITE, SYS_tgkill, SIGABRT).kind, ==,
	    GAIT_ACTION_KILL);
}

static void
test_errno_names(void)
{
	g_assert_cmpint(gait_errno_from_name("EPERM"), ==, EPERM);
	g_assert_cmpint(gait_errno_from_name("EHWPOISON"), ==, EHWPOISON);
	g_assert_cmpint(gait_errno_from_name("1"), ==, EPERM);
	for (int i = 1; i <= EHWPOISON; i++)
		if (gait_errno_name(i))
			g_assert_cmpint(gait_errno_from_name(gait_errno_name(i)), ==, i);
	g_assert_null(gait_errno_name(4000));
}

/* Two threads that meet are no attack; a futex operation that does more may be. */
static void
test_waiting(void)
{
	static const struct {
		guint32 nr, klass;
		GaitActionKind kind;
	} cases[] = {
	    {SYS_futex, FUTEX_WAIT, GAIT_ACTION_LOG},
	    {SYS_futex, FUTEX_WAKE_BITSET, GAIT_ACTION_LOG},
	    {SYS_sched_yield, 0, GAIT_ACTION_LOG},
	    {SYS_futex, FUTEX_CMP_REQUEUE_PI, GAIT_ACTION_ERRNO},
	    {SYS_read, FUTEX_WAIT, GAIT_ACTION_ERRNO},
	};
	GaitPolicy policy;

	gait_policy_init(&policy);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(
		    gait_policy_decide(&policy, GAIT_VERDICT_SYSCALL, cases[i].nr, cases[i].klass)
		        .kind,
		    ==, cases[i].kind);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/policy/good", test_good);
	g_test_add_func("/policy/bad", test_bad);
	g_test_add_func("/policy/strict", test_strict);
	g_test_add_func("/policy/strict-conflict", test_strict_conflict);
	g_test_add_func("/policy/strict-bad", test_strict_bad);
	g_test_add_func("/policy/special", test_special);
	g_test_add_func("/policy/own-numbers", test_own_numbers);
	g_test_add_func("/policy/abort", test_abort);
	g_test_add_func("/policy/waiting", test_waiting);
	g_test_add_func("/policy/errno-names", test_errno_names);
	return g_test_run();
}
