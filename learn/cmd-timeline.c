/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait timeline`: a trace over time, as a picture or for a trace viewer. */
#include "learn/progress.h"
#include "learn/timeline-perfetto.h"
#include "learn/timeline.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/output.h"

#include <string.h>

typedef enum { FORMAT_SVG, FORMAT_HTML, FORMAT_PERFETTO, FORMAT_N_ } Format;

static const struct {
	const char *name, *ending;
} formats[FORMAT_N_] = {
    [FORMAT_SVG] = {"svg", ".svg"},
    [FORMAT_HTML] = {"html", ".html"},
    [FORMAT_PERFETTO] = {"perfetto", ".json"},
};

typedef struct {
	char *model, *output, *format_name;
	char **runtime, **files;
	gboolean by_events, is_quiet;
	Format format;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->model);
	g_free(options->output);
	g_free(options->format_name);
	g_strfreev(options->runtime);
	g_strfreev(options->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
choose_format(Options *options, GError **error)
{
	for (Format i = 0; options->format_name && i < FORMAT_N_; i++)
		if (strcmp(options->format_name, formats[i].name) == 0) {
			options->format = i;
			return TRUE;
		}
	if (options->format_name)
		return gait_error_usage(error, "--format %s: it is one of svg, html, perfetto",
		                        options->format_name);
	for (Format i = 0; options->output && i < FORMAT_N_; i++)
		if (g_str_has_suffix(options->output, formats[i].ending))
			options->format = i;
	return TRUE;
}

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model,
	     "Show the phases that this model knows, and mark violations of it", "MODEL"},
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Write to FILE instead of standard output", "FILE"},
	    {"format", 0, 0, G_OPTION_ARG_STRING, &options->format_name,
	     "svg, html or perfetto; else what the name of the output ends with, else svg",
	     "FORMAT"},
	    {"by-events", 0, 0, G_OPTION_ARG_NONE, &options->by_events,
	     "Let a system call be the unit, not a second", NULL},
	    {"runtime", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->runtime,
	     "As given to `sysgait learn`", "NAME"},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet, "Show no progress", NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, "TRACE"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
	    context, "Draws a trace over time: a lane for each task with its phases, bars for its\n"
	             "calls, a row for each library, violations in red.");
	g_option_context_set_description(
	    context, "Examples:\n"
	             "  sysgait timeline nginx.trace -m nginx.gait -o nginx.svg\n"
	             "  sysgait timeline nginx.trace -m nginx.gait -o nginx.html\n"
	             "  sysgait timeline nginx.trace -o nginx.json   (for Perfetto or "
	             "chrome://tracing)");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (!options->files || g_strv_length(options->files) != 1)
		return gait_error_usage(error, "one trace is drawn; see --help");
	return choose_format(options, error);
}

static void
show_progress(guint64 n_read, guint64 n_total, gpointer data)
{
	gait_progress_update(data, n_read, n_total);
}

static gboolean
draw(const Options *options, const GaitModel *model, const GaitWalkTable *table, GError **error)
{
	const char *path = options->files[0];
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, error);
	g_autoptr(GaitTimeline) timeline = NULL;
	g_autoptr(GString) text = NULL;
	GaitProgress progress;
	const GaitTimelineOptions timeline_options = {
	    .runtime = (const char *const *)options->runtime,
	    .table = table,
	    .by_events = options->by_events,
	    .progress = show_progress,
	    .data = &progress,
	};

	if (!reader)
		return FALSE;
	gait_progress_init(&progress, "drawing", options->is_quiet);
	timeline = gait_timeline_new(reader, path, &timeline_options, error);
	gait_progress_clear(&progress);
	if (!timeline)
		return FALSE;
	text = gait_timeline_draw(timeline, reader, model, options->format == FORMAT_HTML);
	return gait_output_write(options->output, text, error);
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GaitWalkTable) table = NULL;

	if (!parse_options(&options, argc, argv, error))
		return GAIT_EXIT_USAGE;
	if (options.model) {
		model = gait_model_load(options.model, error);
		table = model ? gait_walk_table_new(model, error) : NULL;
		if (!table)
			return GAIT_EXIT_FAILURE;
	}
	if (options.format == FORMAT_PERFETTO)
		return gait_perfetto_write(options.files[0], options.output, table,
		                           (const char *const *)options.runtime, error)
		           ? GAIT_EXIT_OK
		           : GAIT_EXIT_FAILURE;
	return draw(&options, model, table, error) ? GAIT_EXIT_OK : GAIT_EXIT_FAILURE;
}

const GaitCommand gait_command_timeline = {
    .name = "timeline",
    .summary = "draw a trace over time",
    .run = run,
};
