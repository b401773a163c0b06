/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the front door: `sysgait NAME`. The command for a capability lives beside it
 * (learn/cmd-record.c, model/cmd-graph.c); main.c holds one table of pointers to them.
 */
#pragma once

#include <glib.h>

/* Exit statuses (besides a run target's own, 126 and 127). */
#define GAIT_EXIT_OK         0
#define GAIT_EXIT_FAILURE    1
#define GAIT_EXIT_USAGE      2
#define GAIT_EXIT_VIOLATIONS 3

typedef struct {
	const char *name;    /* as typed: "record" */
	const char *summary; /* one line, lower case, no full stop: `sysgait --help` shows it */
	/*
	 * Runs the command. argv[0] is "sysgait NAME"; what follows is the command's own, "--"
	 * still in it. Returns the exit status. On failure sets error and returns anything: main
	 * prints the error as "sysgait NAME: MESSAGE" and exits 2 where the domain is
	 * G_OPTION_ERROR, else with the returned status (1 where that is 0).
	 */
	int (*run)(int argc, char **argv, GError **error);
} GaitCommand;

/*
 * Parses a command's options as g_option_context_parse() does, after adding entries to the context
 * (which is set up otherwise), and refuses a value for an option that takes none.
 */
gboolean gait_command_parse(GOptionContext *context, const GOptionEntry *entries, int *argc,
                            char ***argv, GError **error);
