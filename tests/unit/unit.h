/* SPDX-License-Identifier: Apache-2.0 */
/* What all unit tests share: TAP for prove, and skips that GAIT_MUST_RUN turns into failures. */
#pragma once

#include <glib.h>
#include <stdlib.h>

/* g_test_init(), speaking TAP. Options (-p PATH, --seed=…) still work. */
static inline void
unit_init(int argc, char **argv)
{
	static char **args; /* GLib keeps pointers into it */
	int n = 0;

	args = g_new0(char *, (gsize)argc + 2);
	for (; n < argc; n++)
		args[n] = argv[n];
	args[n++] = (char *)"--tap";
	g_test_init(&n, &args, NULL);
}

/* This test cannot run here. */
static inline void
unit_skip(const char *reason)
{
	if (g_getenv("GAIT_MUST_RUN") && *g_getenv("GAIT_MUST_RUN")) {
		g_test_message("must run, but: %s", reason);
		g_test_fail();
	} else {
		g_test_skip(reason);
	}
}
