/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait merge`: several models become one, as if all their runs had been learned together. */
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/model.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	char *output;
	char **inputs;
	gboolean is_quiet;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->output);
	g_strfreev(options->inputs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Write the merged model here; - is standard output", "MODEL"},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet, "Do not say what was done",
	     NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->inputs, NULL,
	     "MODEL…"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
	    context,
	    "Makes one model of several, as if all their runs had been learned together.\n"
	    "Neither order nor grouping matters; a run that is in several of them counts once.");
	g_option_context_set_description(
	    context,
	    "Models can overlap in some of their runs only where another one given has all\n"
	    "of these runs: what each run counts cannot be taken apart again.\n\n"
	    "Examples:\n"
	    "  sysgait merge -o nginx.gait monday.gait tuesday.gait\n"
	    "  sysgait merge -o all.gait hosts/*.gait");
	if (!gait_command_parse(context, entries, &argc, &argv, error))
		return FALSE;
	if (!options->output)
		return gait_error_usage(error,
		                        "where to write was not given (-o MODEL); see --help");
	if (!options->inputs)
		return gait_error_usage(error, "no model to merge was given; see --help");
	return TRUE;
}

static gboolean
load_all(GPtrArray *models, char **paths, GError **error)
{
	for (char **path = paths; *path; path++) {
		GaitModel *model = gait_model_load(*path, error);

		if (!model)
			return FALSE;
		g_ptr_array_add(models, model);
	}
	return TRUE;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GPtrArray) models =
	    g_ptr_array_new_with_free_func((GDestroyNotify)gait_model_free);
	g_autoptr(GaitModel) merged = NULL;

	if (!parse_options(&options, argc, argv, error))
		return GAIT_EXIT_FAILURE;
	if (strcmp(options.output, "-") != 0 && !gait_model_check_output(options.output, error))
		return GAIT_EXIT_FAILURE;
	if (!load_all(models, options.inputs, error))
		return GAIT_EXIT_FAILURE;
	merged = gait_model_merge((GaitModel *const *)models->pdata, models->len, error);
	if (!merged || !gait_model_write(merged, options.output, error))
		return GAIT_EXIT_FAILURE;
	if (!options.is_quiet)
		fprintf(stderr, "merged %u %s: %u %s, %u %s\n", models->len,
		        models->len == 1 ? "model" : "models", merged->runs->len,
		        merged->runs->len == 1 ? "run" : "runs", merged->programs->len,
		        merged->programs->len == 1 ? "program" : "programs");
	return GAIT_EXIT_OK;
}

const GaitCommand gait_command_merge = {
    .name = "merge",
    .summary = "make one model of several",
    .run = run,
};
