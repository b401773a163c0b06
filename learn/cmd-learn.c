/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait learn`: traces, and models from before, become one model; what it holds is shown as a
 * table. */
#include "learn/learner.h"
#include "learn/progress.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/summary.h"
#include "sysgait/text.h"

#include <stdio.h>

typedef struct {
	char *output;
	char **runtime;
	gboolean json, quiet, verbose, allow_partial;
	char **paths; /* of what is learned from; borrowed */
	guint n_paths;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->output);
	g_strfreev(options->runtime);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Where the model goes; needed", "MODEL"},
	    {"allow-partial", 0, 0, G_OPTION_ARG_NONE, &options->allow_partial,
	     "Take traces that lost events or have no end", NULL},
	    {"runtime", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->runtime,
	     "File that is never the responsible library while another is on the stack (* at the "
	     "end matches any rest); may be repeated; replaces the set of the recording",
	     "NAME"},
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json,
	     "Show what was learned as JSON, not as tables", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
	     "Show nothing but warnings and errors", NULL},
	    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose,
	     "Name the runs that the model is made of", NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("TRACE|MODEL…");

	g_option_context_set_summary(
	    context,
	    "Learns a model from recorded traces: roles, phases, and an automaton for each "
	    "library.\nModels may be among the inputs; a run that is there twice counts once, and "
	    "the order\ndoes not matter.");
	g_option_context_set_description(
	    context, "Examples:\n"
	             "  sysgait learn -o nginx.gait run1.trace run2.trace run3.trace\n"
	             "  sysgait learn -o nginx.gait nginx.gait run4.trace    one run more\n"
	             "  sysgait learn -q --json -o app.gait *.trace\n");
	if (!gait_command_parse(context, entries, argc, argv, error))
		return FALSE;
	options->paths = *argv + 1;
	options->n_paths = (guint)*argc - 1;
	if (!options->output)
		return gait_error_usage(error, "name the model to write with -o MODEL; see --help");
	if (options->n_paths == 0)
		return gait_error_usage(error, "name a trace to learn from; see --help");
	return TRUE;
}

static void
show_progress(guint64 n_read, guint64 n_total, gpointer data)
{
	gait_progress_update(data, n_read, n_total);
}

static void
show_warning(const char *message, gpointer data)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_progress_clear(data);
	gait_text_append(text, message);
	fprintf(stderr, "sysgait learn: %s\n", text->str);
}

static void
print_runs(const GaitModel *model, GString *out)
{
	for (guint i = 0; i < model->runs->len; i++) {
		const GaitRun *run = g_ptr_array_index(model->runs, i);

		g_string_append_printf(out, "run %.12s  %" G_GUINT64_FORMAT " calls%s  ", run->id,
		                       run->n_events, run->is_partial ? " (partial)" : "");
		gait_text_append(out, run->command);
		g_string_append_c(out, '\n');
	}
}

static void
show_model(const GaitModel *model, const Options *options)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (options->json) {
		gait_model_print_summary_json(model, out);
	} else if (!options->quiet) {
		gait_model_print_summary(model, out);
		if (options->verbose)
			print_runs(model, out);
	}
	fwrite(out->str, 1, out->len, stdout);
}

static gboolean
learn(const Options *options, GError **error)
{
	GaitProgress progress;
	GaitLearnOptions learn_options = {
	    .allow_partial = options->allow_partial,
	    .runtime = (const char *const *)options->runtime,
	    .progress = show_progress,
	    .warn = show_warning,
	    .data = &progress,
	};
	g_autoptr(GaitModel) model = NULL;

	gait_progress_init(&progress, "learning", options->quiet);
	model = gait_learn_files((const char *const *)options->paths, options->n_paths,
	                         &learn_options, error);
	gait_progress_clear(&progress);
	if (!model || !gait_model_save(model, options->output, error))
		return FALSE;
	show_model(model, options);
	return TRUE;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};

	if (!parse_options(&argc, &argv, &options, error))
		return GAIT_EXIT_USAGE;
	if (!gait_model_check_output(options.output, error) || !learn(&options, error))
		return GAIT_EXIT_FAILURE;
	return GAIT_EXIT_OK;
}

const GaitCommand gait_command_learn = {
    .name = "learn",
    .summary = "learn a model from traces",
    .run = run,
};
