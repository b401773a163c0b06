/* SPDX-License-Identifier: Apache-2.0 */
/* The front door: `sysgait COMMAND`. One table of commands; everything else lives beside its
 * command. */
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/text.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	X(explain)                                                                                 \
	X(amend)                                                                                   \
	X(graph)                                                                                   \
	X(report)                                                                                  \
	X(timeline)                                                                                \
	X(print)

#ifdef GAIT_WITHOUT_BPF
#define IN_KERNEL ", without the in-kernel tier"
#else
#define IN_KERNEL ", with the in-kernel tier"
#endif

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

/* So far; what a failure to write turns it into. */
static int exit_status = GAIT_EXIT_OK;

/*
 * A result that did not reach its reader (full disk, closed pipe) is not a success. At the very
 * end, since GLib prints --help and exits by itself.
 */
static void
flush_output(void)
{
	const char *name = g_get_prgname();

	if (fflush(stdout) == 0 && !ferror(stdout))
		return;
	fprintf(stderr, "%s: cannot write to standard output\n", name ? name : "sysgait");
	_exit(exit_status == GAIT_EXIT_OK ? GAIT_EXIT_FAILURE : exit_status);
}

/*
 * Only where there is no memory left does GLib give up by itself, and nothing that needs memory
 * can be done about it. What sysgait has started it takes with it (PTRACE_O_EXITKILL).
 */
static void
on_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	const char *name = g_get_prgname();

	/* What libraries tell those who debug them. */
	if (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO))
		return;
	/* While something is supervised nobody may wait for a reader. */
	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT))
		dprintf(STDERR_FILENO, "%s: %s%s\n", name ? name : "sysgait", message,
		        level & G_LOG_FLAG_FATAL ? "; ending, with everything started" : "");
	if (level & G_LOG_FLAG_FATAL)
		_exit(GAIT_EXIT_FAILURE);
}

/* The first files that are opened would else take the place of the standard ones, and be written
 * to. These fail just as closed ones do, and are closed again for what is executed. */
static void
keep_standard_descriptors(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < (int)G_N_ELEMENTS(flags); fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", flags[fd] | O_CLOEXEC);
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
	exit_status = status;
	return status;
}

int
main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	/* Numbers in models, traces and logs are the same everywhere. */
	setlocale(LC_NUMERIC, "C");
	keep_standard_descriptors();
	g_log_set_default_handler(on_log, NULL);
	atexit(flush_output);
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
		puts("sysgait " GAIT_VERSION IN_KERNEL);
		return GAIT_EXIT_OK;
	}
	for (const GaitCommand *const *command = commands; *command; command++)
		if (strcmp(argv[1], (*command)->name) == 0)
			return run(*command, argc - 1, argv + 1);
	fprintf(stderr, "sysgait: there is no command '%s'; `sysgait --help` lists them\n",
	        argv[1]);
	return GAIT_EXIT_USAGE;
}
