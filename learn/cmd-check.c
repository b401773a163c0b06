/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait check`: what a model says of recorded traces; each violation, and a summary a trace. */
#include "learn/checker.h"
#include "learn/progress.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/metrics.h"
#include "sysgait/text.h"

#include <stdio.h>

typedef struct {
	char *model;
	char *strict_name;
	char **runtime;
	GaitVerdict strict; /* kinds further in than this one are notes */
	gboolean json, quiet, verbose;
	char **paths; /* borrowed */
	guint n_paths;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->model);
	g_free(options->strict_name);
	g_strfreev(options->runtime);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

typedef struct {
	const Options *options;
	GaitProgress progress;
	GString *line;
} Output;

static gboolean
check_options(Options *options, GError **error)
{
	if (!options->model)
		return gait_error_usage(
		    error, "name the model to check against with -m MODEL; see --help");
	if (options->n_paths == 0)
		return gait_error_usage(error, "name a trace to check; see --help");
	options->strict = GAIT_VERDICT_SEQUENCE;
	if (!options->strict_name)
		return TRUE;
	options->strict = gait_verdict_from_name(options->strict_name);
	if (options->strict == GAIT_VERDICT_ALLOW || options->strict == GAIT_VERDICT_EXEC ||
	    options->strict == GAIT_VERDICT_ROLE || options->strict == GAIT_VERDICT_N_)
		return gait_error_usage(
		    error, "--strict goes up to one of: syscall, issuer, library, phase, "
		           "site, sequence");
	return TRUE;
}

static gboolean
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model,
	     "The model to check against; needed", "MODEL"},
	    {"strict", 0, 0, G_OPTION_ARG_STRING, &options->strict_name,
	     "Count violations up to this kind (syscall, issuer, library, phase, site, sequence: "
	     "all); what is further in is noted only",
	     "KIND"},
	    {"runtime", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->runtime,
	     "As given to `sysgait learn`", "NAME"},
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json,
	     "One JSON object a violation, as in the violation log", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
	     "Show the summary only; with --json nothing but violations", NULL},
	    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose,
	     "Compare with what the model expected of a run", NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("TRACE…");

	g_option_context_set_summary(
	    context, "Walks recorded traces through a model. Shows each call that is not in the "
	             "gait, why,\nand what would have been allowed instead.");
	g_option_context_set_description(
	    context, "Exits with 3 where there is a violation, with 0 where there is none.\n\n"
	             "Examples:\n"
	             "  sysgait check -m nginx.gait today.trace\n"
	             "  sysgait check -m nginx.gait --json *.trace | jq .kind | sort | uniq -c\n"
	             "  sysgait check -m nginx.gait --strict site today.trace\n");
	if (!gait_command_parse(context, entries, argc, argv, error))
		return FALSE;
	options->paths = *argv + 1;
	options->n_paths = (guint)*argc - 1;
	return check_options(options, error);
}

static gboolean
is_counted(const Options *options, GaitVerdict verdict)
{
	return gait_verdict_rank(verdict) <= gait_verdict_rank(options->strict);
}

static void
show_violation(const GaitViolation *violation, const GaitWalker *walker, gpointer data)
{
	Output *output = data;
	gboolean is_note = !is_counted(output->options, violation->verdict);

	if (output->options->quiet && !output->options->json)
		return;
	gait_progress_clear(&output->progress);
	g_string_truncate(output->line, 0);
	if (output->options->json) {
		gait_violation_print_json(violation, walker, output->line);
	} else {
		g_string_append_printf(output->line, "%10.3f %s", violation->time_s,
		                       is_note ? "(note) " : "");
		gait_violation_print_text(violation, walker, output->line);
	}
	fwrite(output->line->str, 1, output->line->len, stdout);
}

static void
show_progress(guint64 n_read, guint64 n_total, gpointer data)
{
	Output *output = data;

	gait_progress_update(&output->progress, n_read, n_total);
}

static guint64
count_violations(const Options *options, const GaitCheckStats *stats)
{
	guint64 n = 0;

	for (GaitVerdict v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++)
		n += is_counted(options, v) ? stats->n_violations[v] : 0;
	return n;
}

/* What keeps verdicts from being as sharp as they could be. */
static void
append_limits(GString *out, const GaitCheckStats *stats)
{
	if (stats->is_partial)
		g_string_append(out, "  the trace is partial: its end was never recorded\n");
	if (stats->has_no_stacks)
		g_string_append(out,
		                "  the trace has no stacks: checked by syscall and phase only\n");
	if (stats->n_stale)
		g_string_append_printf(
		    out,
		    "  %" G_GUINT64_FORMAT
		    " calls are by libraries that were rebuilt since the model was "
		    "learned: checked up to the phase only\n",
		    stats->n_stale);
	if (stats->n_unjudged)
		g_string_append_printf(out,
		                       "  %" G_GUINT64_FORMAT
		                       " calls are by programs that the model does not know: not "
		                       "checked\n",
		                       stats->n_unjudged);
}

static void
append_counts(GString *out, const Options *options, const GaitCheckStats *stats)
{
	const char *separator = ": ";

	for (GaitVerdict v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++) {
		if (!stats->n_violations[v])
			continue;
		g_string_append_printf(out, "%s%" G_GUINT64_FORMAT " %s%s", separator,
		                       stats->n_violations[v], gait_verdict_name(v),
		                       is_counted(options, v) ? "" : " (noted)");
		separator = ", ";
	}
}

static void
show_summary(const char *path, const Options *options, const GaitModel *model,
             const GaitCheckStats *stats)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint64 n = count_violations(options, stats);

	gait_text_append(out, path);
	g_string_append_printf(out,
	                       ": %" G_GUINT64_FORMAT " calls, %" G_GUINT64_FORMAT " violation%s",
	                       stats->n_events, n, n == 1 ? "" : "s");
	append_counts(out, options, stats);
	g_string_append_printf(out, "; %u unseen edge%s", stats->n_unseen_edges,
	                       stats->n_unseen_edges == 1 ? "" : "s");
	if (options->verbose) {
		double expected = 0;

		for (guint32 i = 0; i < model->programs->len; i++) {
			GaitMetrics metrics;

			gait_metrics_program(model, gait_model_get_program(model, i), &metrics);
			expected += metrics.unseen_per_run;
		}
		g_string_append_printf(out, " (the model expected %.2f)", expected);
	}
	g_string_append_c(out, '\n');
	append_limits(out, stats);
	/* With --json stdout is for the violations. */
	fputs(out->str, options->json ? stderr : stdout);
}

static gboolean
check_file(const char *path, Output *output, const GaitWalkTable *table, guint64 *n_violations,
           GError **error)
{
	const GaitCheckOptions check_options = {
	    .runtime = (const char *const *)output->options->runtime,
	    .violation = show_violation,
	    .progress = show_progress,
	    .data = output,
	};
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, error);
	GaitCheckStats stats;
	gboolean is_read;

	if (!reader)
		return FALSE;
	gait_progress_init(&output->progress, "checking", output->options->quiet);
	is_read = gait_check_trace(reader, path, table, &check_options, &stats, error);
	gait_progress_clear(&output->progress);
	if (!is_read)
		return FALSE;
	*n_violations += count_violations(output->options, &stats);
	if (!output->options->json || !output->options->quiet)
		show_summary(path, output->options, gait_walk_table_get_model(table), &stats);
	return TRUE;
}

static int
check_files(const Options *options, GError **error)
{
	g_autoptr(GaitModel) model = gait_model_load(options->model, error);
	g_autoptr(GaitWalkTable) table = model ? gait_walk_table_new(model, error) : NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	Output output = {.options = options, .line = line};
	guint64 n_violations = 0;

	if (!table)
		return GAIT_EXIT_FAILURE;
	for (guint i = 0; i < options->n_paths; i++)
		if (!check_file(options->paths[i], &output, table, &n_violations, error))
			return GAIT_EXIT_FAILURE;
	return n_violations ? GAIT_EXIT_VIOLATIONS : GAIT_EXIT_OK;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};

	if (!parse_options(&argc, &argv, &options, error))
		return GAIT_EXIT_USAGE;
	return check_files(&options, error);
}

const GaitCommand gait_command_check = {
    .name = "check",
    .summary = "walk traces through a model, offline",
    .run = run,
};
