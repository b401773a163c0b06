/* SPDX-License-Identifier: Apache-2.0 */
/* The front door: `sysgait COMMAND`. One table of commands; everything else lives beside its
 * command. */
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which a user meets them. */
#define COMMANDS(X)                                                                                \
	X(record)                                                                                  \
	X(train)                                                                                   \
	X(import)                                                                                  \
	X(learn)                                                                                   \
	X(merge)                                                                                   \
	X(diff)                                                                                    \
	X(check)                                                                                   \
	X(enforce)                                                                                 \
	X(graph)                                                                                   \
	X(timeline)                                                                                \
	X(print)

#define X(name) extern const GaitCommand gait_command_##name;
COMMANDS(X)
#undef X

static const GaitCommand *const commands[] = {
#define X(name) &gait_command_##name,
    COMMANDS(X)
#undef X
        NULL,
};

static void
print_help(FILE *out)
{
	fputs("usage: sysgait COMMAND [OPTION…] …\n"
	      "Learns how a program walks through the kernel, and holds it to that gait.\n\n",
	      out);
	for (const GaitCommand *const *command = commands; *command; command++)
		fprintf(out, "  %-9s %s\n", (*command)->name, (*command)->summary);
	fputs("\n`sysgait COMMAND --help` explains a command; sysgait(1) has the whole road.\n",
	      out);
}

/* Names of files, and what is cited from them, can hold anything; some messages have lines. */
static void
print_error(const char *name, const char *message)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_text_append_lines(text, message);
	fprintf(stderr, "%s: %s\n", name, text->str);
}

static int
run(const GaitCommand *command, int argc, char **argv)
{
	g_autofree char *name = g_strdup_printf("sysgait %s", command->name);
	GError *error = NULL;
	int status;

	argv[0] = name;
	g_set_prgname(name);
	status = command->run(argc, argv, &error);
	if (error) {
		print_error(name, error->message);
		if (error->domain == G_OPTION_ERROR)
			status = GAIT_EXIT_USAGE;
		else if (status == GAIT_EXIT_OK)
			status = GAIT_EXIT_FAILURE;
		g_error_free(error);
	}
	/* A result that did not reach its reader (full disk, closed pipe) is not a success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: cannot write to standard output\n", name);
		if (status == GAIT_EXIT_OK)
			status = GAIT_EXIT_FAILURE;
	}
	return status;
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	/* Numbers in models, traces and logs are the same everywhere. */
	setlocale(LC_NUMERIC, "C");
	if (argc < 2) {
		print_help(stderr);
		return GAIT_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return GAIT_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sysgait " GAIT_VERSION);
		return GAIT_EXIT_OK;
	}
	for (const GaitCommand *const *command = commands; *command; command++)
		if (strcmp(argv[1], (*command)->name) == 0)
			return run(*command, argc - 1, argv + 1);
	fprintf(stderr, "sysgait: there is no command '%s'; `sysgait --help` lists them\n",
	        argv[1]);
	return GAIT_EXIT_USAGE;
}
