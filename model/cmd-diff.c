/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait diff`: what a model has that another has not, with an exit status to gate on. */
#include "model/diff.h"
#include "sysgait/command.h"
#include "sysgait/error.h"

#include <errno.h>
#include <stdio.h>

/* As diff(1)'s, but that trouble must not look like "new behaviour": a script tells it apart. */
enum { EXIT_SAME = 0, EXIT_ONLY_GONE = 1, EXIT_NEW = 2, EXIT_TROUBLE = 4 };

typedef struct {
	char **files;
	gboolean is_quiet, is_json, with_weights;
} Options;

static void
options_clear(Options *options)
{
	g_strfreev(options->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->is_json, "One JSON object a line", NULL},
	    {"weights", 'w', 0, G_OPTION_ARG_NONE, &options->with_weights,
	     "Also edges of both that are taken clearly more or less often", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet, "Print nothing", NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, "A B"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
	    context,
	    "Says what model B has that model A has not (+), and the other way round (-).\n"
	    "Each line has the kind of violation that enforcing A would make of it.");
	g_option_context_set_description(
	    context,
	    "Call sites in files that were rebuilt are matched by function and order.\n\n"
	    "Exit status: 0 the same, 1 only things gone, 2 new behaviour, 4 trouble.\n\n"
	    "Examples:\n"
	    "  sysgait diff old.gait new.gait\n"
	    "  sysgait diff -q approved.gait tonight.gait; [ $? -le 1 ] || echo 'look at it'");
	if (!gait_command_parse(context, entries, &argc, &argv, error))
		return FALSE;
	if (!options->files || g_strv_length(options->files) != 2)
		return gait_error_usage(error, "two models are compared; see --help");
	return TRUE;
}

static gboolean
print(const GaitDiff *diff, const Options *options, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (options->is_quiet)
		return TRUE;
	if (options->is_json)
		gait_diff_print_json(diff, options->with_weights, text);
	else
		gait_diff_print(diff, options->with_weights, text);
	if (fwrite(text->str, 1, text->len, stdout) != text->len || fflush(stdout) != 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "write(standard output)");
	if (!options->is_json)
		fprintf(stderr, "%u new, %u gone\n", diff->n[GAIT_CHANGE_NEW],
		        diff->n[GAIT_CHANGE_GONE]);
	return TRUE;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GaitModel) a = NULL;
	g_autoptr(GaitModel) b = NULL;
	g_autoptr(GaitDiff) diff = NULL;

	if (!parse_options(&options, argc, argv, error))
		return EXIT_TROUBLE;
	a = gait_model_load(options.files[0], error);
	b = a ? gait_model_load(options.files[1], error) : NULL;
	if (!b)
		return EXIT_TROUBLE;
	if (a->is_stackless != b->is_stackless) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT,
		            "%s was learned with call stacks and %s without: they have nothing in "
		            "common",
		            options.files[a->is_stackless], options.files[b->is_stackless]);
		return EXIT_TROUBLE;
	}
	diff = gait_diff_new(a, b);
	if (!print(diff, &options, error))
		return EXIT_TROUBLE;
	if (diff->n[GAIT_CHANGE_NEW] > 0)
		return EXIT_NEW;
	return diff->n[GAIT_CHANGE_GONE] > 0 ? EXIT_ONLY_GONE : EXIT_SAME;
}

const GaitCommand gait_command_diff = {
    .name = "diff",
    .summary = "say what one model has that another has not",
    .run = run,
};
