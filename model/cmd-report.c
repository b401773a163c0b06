/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait report`: what a model leaves to an attacker. */
#include "model/report.h"
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/output.h"

typedef struct {
	char *html, *output;
	char **files;
	gboolean is_json;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->html);
	g_free(options->output);
	g_strfreev(options->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"html", 0, 0, G_OPTION_ARG_FILENAME, &options->html,
	     "Write a page with pictures to FILE; - is standard output", "FILE"},
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->is_json, "One JSON object", NULL},
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Write text or JSON to FILE instead of standard output", "FILE"},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, "MODEL"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
	    context,
	    "Says what a model leaves to an attacker: the surface of each phase and library\n"
	    "beside that of coarser filters, the exploit payloads that still pass, and how\n"
	    "sure the model is.");
	g_option_context_set_description(context, "Examples:\n"
	                                          "  sysgait report nginx.gait\n"
	                                          "  sysgait report nginx.gait --html nginx.html");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (!options->files || g_strv_length(options->files) != 1)
		return gait_error_usage(error, "one model is reported on; see --help");
	if (options->html && options->is_json)
		return gait_error_usage(error, "--html and --json are two reports; see --help");
	return TRUE;
}

static gboolean
write_report(const GaitReport *report, const Options *options, GError **error)
{
	g_autoptr(GString) text = NULL;

	if (options->html) {
		text = gait_report_print_html(report, error);
		return text && gait_output_write(options->html, text, error);
	}
	text = g_string_new(NULL);
	if (options->is_json)
		gait_report_print_json(report, text);
	else
		gait_report_print(report, text);
	return gait_output_write(options->output, text, error);
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GaitReport) report = NULL;

	if (!parse_options(&options, argc, argv, error))
		return GAIT_EXIT_USAGE;
	model = gait_model_load(options.files[0], error);
	if (!model)
		return GAIT_EXIT_FAILURE;
	report = gait_report_new(model);
	return write_report(report, &options, error) ? GAIT_EXIT_OK : GAIT_EXIT_FAILURE;
}

const GaitCommand gait_command_report = {
    .name = "report",
    .summary = "say what a model leaves to an attacker",
    .run = run,
};
