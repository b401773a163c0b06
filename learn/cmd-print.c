/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sysgait print`: a trace as lines that read like strace's, as JSON, or summed up; a model as its
 * table. It shows what is there and judges nothing.
 *
 * Results of calls are not part of a trace, nor are arguments behind pointers. Output goes through
 * a buffer of its own, and a reader that has seen enough (head, less) is not a failure.
 */
#include "learn/print-private.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_BYTES (1u << 16)

typedef struct {
	gboolean json, stacks, summary;
	int pid; /* 0: all */
	char *path;
} Options;

/* Where the text goes. It is done for when the reader went away (no error) or writing failed. */
typedef struct {
	gboolean is_done;
	GError *error;
} Output;

/* Writes what there is. FALSE where there is no point in going on. */
static gboolean
flush(Output *output, GString *text)
{
	const char *at = text->str;
	gsize left = text->len;

	while (left > 0 && !output->is_done) {
		ssize_t n = write(STDOUT_FILENO, at, left);

		if (n >= 0) {
			at += n;
			left -= (gsize)n;
		} else if (errno != EINTR) {
			output->is_done = TRUE;
			if (errno != EPIPE)
				gait_error_system(&output->error, GAIT_LEARN_ERROR, errno,
				                  "cannot write to standard output");
		}
	}
	g_string_truncate(text, 0);
	return !output->is_done;
}

static void
note_end(const GaitTraceReader *reader, const char *path)
{
	guint64 n_lost = gait_trace_reader_get_n_lost(reader);

	if (!gait_trace_reader_is_complete(reader))
		fprintf(stderr, "sysgait print: %s is partial: its end was never recorded\n", path);
	if (n_lost > 0)
		fprintf(stderr,
		        "sysgait print: %" G_GUINT64_FORMAT " events of %s were lost while "
		        "recording\n",
		        n_lost, path);
}

static void
print_event(GaitPrinter *printer, const Options *options, const GaitEvent *event)
{
	gait_printer_note(printer, event);
	if (options->summary)
		gait_print_sum(printer, event);
	else if (options->pid != 0 && !gait_printer_is_of(printer, event, options->pid))
		return;
	else if (options->json)
		gait_print_event_json(printer, event);
	else
		gait_print_event_text(printer, event, options->stacks);
}

/* Prints what was read before any damage, too. */
static GaitRead
print_events(GaitTraceReader *reader, const Options *options, Output *output, GError **error)
{
	g_autoptr(GaitPrinter) printer = gait_printer_new(reader);
	GaitEvent event;
	GaitRead result;

	while ((result = gait_trace_reader_next(reader, &event, error)) == GAIT_READ_EVENT) {
		print_event(printer, options, &event);
		if (printer->out->len >= FLUSH_BYTES && !flush(output, printer->out))
			return result;
	}
	if (options->summary && result == GAIT_READ_END)
		gait_print_summary(printer, options->json);
	flush(output, printer->out);
	return result;
}

static gboolean
print_trace(const Options *options, GError **error)
{
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(options->path, error);
	Output output = {0};
	GaitRead result;

	if (!reader)
		return FALSE;
	result = print_events(reader, options, &output, error);
	if (result == GAIT_READ_ERROR) {
		g_clear_error(&output.error);
		return FALSE;
	}
	if (output.error) {
		g_propagate_error(error, output.error);
		return FALSE;
	}
	if (result == GAIT_READ_END)
		note_end(reader, options->path);
	return TRUE;
}

static gboolean
print_model(const Options *options, GError **error)
{
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	Output output = {0};

	if (options->stacks || options->pid != 0)
		return gait_error_usage(error, "%s is a model; --stacks and --pid are for traces",
		                        options->path);
	model = gait_model_load(options->path, error);
	if (!model)
		return FALSE;
	if (options->json)
		gait_model_print_summary_json(model, out);
	else
		gait_model_print_summary(model, out);
	flush(&output, out);
	if (output.error)
		g_propagate_error(error, output.error);
	return output.error == NULL;
}

/* Models are JSON objects; traces begin with a byte that no text has. A pipe is taken for a trace.
 */
static gboolean
is_model(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char first = 0;
	gboolean is_brace = fd >= 0 && pread(fd, &first, 1, 0) == 1 && first == '{';

	if (fd >= 0)
		close(fd);
	return is_brace;
}

static gboolean
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json, "One JSON object a line", NULL},
	    {"stacks", 'k', 0, G_OPTION_ARG_NONE, &options->stacks,
	     "Show the recorded frames of each call, the call site marked", NULL},
	    {"summary", 's', 0, G_OPTION_ARG_NONE, &options->summary,
	     "Show what the trace is, and its calls counted by library", NULL},
	    {"pid", 'p', 0, G_OPTION_ARG_INT, &options->pid,
	     "Show this process or thread only, all its threads included", "PID"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("TRACE|MODEL");

	g_option_context_set_summary(
	    context, "Prints a trace like strace would, with the library and call "
	             "site of each call;\nor what a model has learned. - is a trace on "
	             "standard input.");
	g_option_context_set_description(context, "Examples:\n"
	                                          "  sysgait print nginx.trace | less\n"
	                                          "  sysgait print --summary nginx.trace\n"
	                                          "  sysgait print --json nginx.trace | jq "
	                                          "'select(.syscall == \"openat\")'\n"
	                                          "  sysgait print nginx.gait\n");
	if (!gait_command_parse(context, entries, argc, argv, error))
		return FALSE;
	if (*argc < 2)
		return gait_error_usage(error, "name a trace or a model to print; see --help");
	if (*argc > 2)
		return gait_error_usage(error, "one file at a time; see --help");
	options->path = (*argv)[1];
	if (options->json && options->stacks)
		return gait_error_usage(error, "--json always has the stacks; leave --stacks out");
	return TRUE;
}

static int
run(int argc, char **argv, GError **error)
{
	Options options = {0};

	/* `print TRACE | head` is fine: write() says so with EPIPE. */
	signal(SIGPIPE, SIG_IGN);
	if (!parse_options(&argc, &argv, &options, error))
		return GAIT_EXIT_USAGE;
	if (is_model(options.path) ? print_model(&options, error) : print_trace(&options, error))
		return GAIT_EXIT_OK;
	return GAIT_EXIT_FAILURE;
}

const GaitCommand gait_command_print = {
    .name = "print",
    .summary = "show a trace or a model as text",
    .run = run,
};
