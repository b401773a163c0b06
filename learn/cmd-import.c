/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait import`: a trace out of what another tool has logged. */
#include "learn/import-strace.h"

#include "sysgait/command.h"
#include "sysgait/error.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *format;
	gboolean is_quiet;
	char **logs;
	GaitImportOptions import;
} Options;

typedef gboolean (*Importer)(const Options *options, GError **error);

static void
say_notes(const GaitImportReport *report)
{
	for (int i = 0; i < GAIT_IMPORT_NOTE_N_; i++) {
		const GaitImportNote *note = &report->notes[i];

		if (note->n > 0)
			fprintf(stderr,
			        "sysgait import: %" G_GUINT64_FORMAT " %s; the first at %s: %s\n",
			        note->n, gait_import_note_text((GaitImportNoteKind)i), note->place,
			        note->what);
	}
}

static void
say_result(const Options *options, const GaitImportReport *report)
{
	say_notes(report);
	if (options->is_quiet)
		return;
	fprintf(stderr, "sysgait import: %" G_GUINT64_FORMAT " system calls, %s\n",
	        report->n_events,
	        report->has_stacks ? "with stacks"
	                           : "without stacks: libraries are unknown, and a model of it is "
	                             "one automaton a program (strace -k logs stacks)");
	if (!report->is_complete)
		fprintf(stderr, "sysgait import: the log does not show the end of every task: the "
		                "trace is marked partial\n");
}

/* What was written before a log proved to be damaged is not left behind. */
static void
remove_output(const char *path)
{
	struct stat status;

	if (strcmp(path, "-") != 0 && lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		unlink(path);
}

static gboolean
import_strace(const Options *options, GError **error)
{
	g_autoptr(GaitStraceInput) input = gait_strace_input_new(
	    (const char *const *)options->logs, g_strv_length(options->logs), error);
	GaitImportReport report = {0};
	gboolean is_done;

	if (!input)
		return FALSE;
	is_done = gait_import_strace(input, &options->import, &report, error);
	if (is_done)
		say_result(options, &report);
	else if (report.has_output)
		remove_output(options->import.output);
	gait_import_report_clear(&report);
	return is_done;
}

static const struct {
	const char *name;
	Importer import;
} formats[] = {
    {"strace", import_strace},
};

static Importer
find_importer(const char *name, GError **error)
{
	g_autoptr(GString) known = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].import;
		g_string_append_printf(known, " %s", formats[i].name);
	}
	gait_error_usage(error, "there is no format '%s'; known are:%s", name, known->str);
	return NULL;
}

static gboolean
same_file(const char *a, const char *b)
{
	struct stat one, two;

	return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

static gboolean
check_options(const Options *options, GError **error)
{
	if (!options->logs)
		return gait_error_usage(error, "name the log to import; see --help");
	if (!options->import.output)
		return gait_error_usage(error, "name the trace to write, with -o; see --help");
	for (char **log = options->logs; *log; log++)
		if (same_file(*log, options->import.output))
			return gait_error_usage(error, "the trace would overwrite the log");
	return TRUE;
}

static gboolean
parse_options(int argc, char **argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"format", 'f', 0, G_OPTION_ARG_STRING, &options->format,
	     "What wrote the log: strace (the default)", "FORMAT"},
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->import.output,
	     "The trace to write, - for standard output", "FILE"},
	    {"program", 0, 0, G_OPTION_ARG_FILENAME, &options->import.program,
	     "What the first process runs, where the log does not say (strace -p)", "PATH"},
	    {"foreign", 0, 0, G_OPTION_ARG_NONE, &options->import.is_foreign,
	     "The log is of another machine: look at no file here", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet, "Say what went wrong only",
	     NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->logs, NULL, "LOG…"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("-o TRACE");

	g_option_context_set_summary(
	    context, "Makes a trace out of a log of strace -f, best with -k (stacks) and -ttt "
	             "(times).\nSeveral logs are those of one strace -ff.");
	g_option_context_set_description(
	    context, "Examples:\n"
	             "  strace -f -k -ttt -o nginx.log nginx; sysgait import nginx.log -o "
	             "nginx.trace\n"
	             "  sysgait import --program /usr/sbin/nginx joined.log -o nginx.trace\n"
	             "  sysgait import --foreign log.1201 log.1202 -o both.trace\n");
	return gait_command_parse(context, entries, &argc, &argv, error);
}

static void
clear_options(Options *options)
{
	g_free(options->format);
	g_free((char *)options->import.output);
	g_free((char *)options->import.program);
	g_strfreev(options->logs);
}

static int
run(int argc, char **argv, GError **error)
{
	Options options = {0};
	Importer import = NULL;
	gboolean is_done = FALSE;

	if (parse_options(argc, argv, &options, error) && check_options(&options, error))
		import = find_importer(options.format ? options.format : "strace", error);
	if (import)
		is_done = import(&options, error);
	clear_options(&options);
	return is_done ? GAIT_EXIT_OK : GAIT_EXIT_FAILURE;
}

const GaitCommand gait_command_import = {
    .name = "import",
    .summary = "make a trace out of an strace log",
    .run = run,
};
