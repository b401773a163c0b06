/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait amend`: violations that somebody chose from a log become part of a model. Who chooses
 * nothing is shown what there is; nothing is ever accepted by default. */
#include "enforce/choice.h"
#include "sysgait/amend.h"
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/text.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	char *model, *output, *reason;
	char **numbers, **kinds, **logs;
	gboolean is_all, is_quiet;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->model);
	g_free(options->output);
	g_free(options->reason);
	g_strfreev(options->numbers);
	g_strfreev(options->kinds);
	g_strfreev(options->logs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char description[] =
    "Numbers are those of `sysgait explain` on the same logs; its ids name the same violation\n"
    "in a log that has grown since, too. What is accepted is allowed where it was logged, is\n"
    "marked as accepted by hand, and counts as seen in no run. What lies behind a refused call\n"
    "shows only when it is no longer refused: run again and look again.\n\n"
    "Examples:\n"
    "  sysgait amend -m nginx.gait -o nginx.gait --number 2,5-7 --reason 'new module' new.jsonl\n"
    "  sysgait amend -m app.gait -o app2.gait --kind sequence,site new.jsonl\n"
    "  sysgait check -m app.gait --json run.trace | sysgait amend -m app.gait -o app2.gait --all -";

static gboolean
check_options(const Options *options, GError **error)
{
	if (!options->model)
		return gait_error_usage(error, "no model; say which with -m MODEL");
	if (!options->logs)
		return gait_error_usage(error, "no violation log was given; see --help");
	if (strcmp(options->model, "-") == 0 &&
	    g_strv_contains((const char *const *)options->logs, "-"))
		return gait_error_usage(error, "model and log cannot both be standard input");
	return TRUE;
}

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model, "the model to amend",
	     "MODEL"},
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "write the amended model here, which may be the same file; - is standard output",
	     "MODEL"},
	    {"number", 'n', 0, G_OPTION_ARG_STRING_ARRAY, &options->numbers,
	     "accept these violations: numbers, ranges, or ids", "N[,N…]"},
	    {"kind", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &options->kinds,
	     "accept all violations of these kinds", "KIND[,KIND…]"},
	    {"all", 'a', 0, G_OPTION_ARG_NONE, &options->is_all, "accept all violations", NULL},
	    {"reason", 'r', 0, G_OPTION_ARG_STRING, &options->reason,
	     "why, for those who read the model later", "TEXT"},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet,
	     "say only what could not be done", NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->logs, NULL, "LOG…"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
	    context, "Accepts chosen violations of a log into a model, marked as amended.");
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	return g_option_context_parse(context, &argc, &argv, error) &&
	       check_options(options, error);
}

static GaitViolationLog *
read_logs(const Options *options, GError **error)
{
	g_autoptr(GaitViolationLog) log = gait_violation_log_new();

	for (char **path = options->logs; *path; path++)
		if (!gait_violation_log_read(log, *path, error))
			return NULL;
	if (gait_violation_log_get_n_torn(log) > 0)
		fprintf(stderr,
		        "sysgait amend: %" G_GUINT64_FORMAT
		        " lines were cut off (full disk, or a writer that was killed) and are left "
		        "out\n",
		        gait_violation_log_get_n_torn(log));
	return g_steal_pointer(&log);
}

/* --- what is said ---------------------------------------------------------------------------- */

static void
print_escaped(FILE *out, const char *before, const char *text)
{
	g_autoptr(GString) line = g_string_new(before);

	gait_text_append(line, text);
	fprintf(out, "%s\n", line->str);
}

static void
print_group(FILE *out, guint number, const GaitLogGroup *group)
{
	g_autofree char *line = gait_log_group_dup_line(group);
	g_autofree char *before = g_strdup_printf("%3u  %s  %6" G_GUINT64_FORMAT "×  ", number,
	                                          group->id, group->n_times);

	print_escaped(out, before, line);
}

/* Nothing was chosen: what there is to choose from, and a mistake of usage. */
static int
list_groups(const GPtrArray *groups, GError **error)
{
	for (guint i = 0; i < groups->len; i++)
		print_group(stdout, i + 1, g_ptr_array_index(groups, i));
	fflush(stdout);
	if (groups->len == 0) {
		fprintf(stderr, "sysgait amend: the log holds no violation\n");
		return GAIT_EXIT_OK;
	}
	gait_error_usage(error, "nothing was chosen; say --number N[,N…], --kind KIND or --all "
	                        "(`sysgait explain` says what each is)");
	return GAIT_EXIT_USAGE;
}

static guint
number_of(const GPtrArray *groups, const GaitLogGroup *group)
{
	guint i = 0;

	while (g_ptr_array_index(groups, i) != group)
		i++;
	return i + 1;
}

static void
report_one(guint number, const GaitLogGroup *group, const GaitAmendOutcome *outcome)
{
	g_autoptr(GPtrArray) cautions = gait_log_group_dup_cautions(group);

	print_group(stderr, number, group);
	if (outcome->why)
		print_escaped(stderr, "     ", outcome->why);
	for (guint i = 0; i < cautions->len && outcome->result == GAIT_AMEND_APPLIED; i++)
		print_escaped(stderr, "     note: ", g_ptr_array_index(cautions, i));
}

/* Says what came to this result; returns how many that are. */
static guint
report_result(const Options *options, const GPtrArray *groups, const GPtrArray *chosen,
              const GArray *outcomes, GaitAmendResult result)
{
	static const char *const heads[GAIT_AMEND_N_] = {
	    [GAIT_AMEND_APPLIED] = "accepted",
	    [GAIT_AMEND_KNOWN] = "allowed already",
	    [GAIT_AMEND_IMPOSSIBLE] = "not accepted, or not all of it",
	};
	gboolean is_said = !options->is_quiet || result == GAIT_AMEND_IMPOSSIBLE;
	guint n = 0;

	for (guint i = 0; i < chosen->len; i++) {
		const GaitAmendOutcome *outcome = &g_array_index(outcomes, GaitAmendOutcome, i);
		const GaitLogGroup *group = g_ptr_array_index(chosen, i);

		if (outcome->result != result)
			continue;
		if (n++ == 0 && is_said)
			fprintf(stderr, "%s:\n", heads[result]);
		if (is_said)
			report_one(number_of(groups, group), group, outcome);
	}
	return n;
}

/* Returns how many could not be applied. */
static guint
report(const Options *options, const GPtrArray *groups, const GPtrArray *chosen,
       const GArray *outcomes)
{
	guint n[GAIT_AMEND_N_];

	for (GaitAmendResult i = 0; i < GAIT_AMEND_N_; i++)
		n[i] = report_result(options, groups, chosen, outcomes, i);
	if (!options->is_quiet)
		fprintf(stderr, "%s: %u accepted, %u allowed already, %u not applied\n",
		        options->output, n[GAIT_AMEND_APPLIED], n[GAIT_AMEND_KNOWN],
		        n[GAIT_AMEND_IMPOSSIBLE]);
	return n[GAIT_AMEND_IMPOSSIBLE];
}

/* --- what is done ---------------------------------------------------------------------------- */

static int
amend(const Options *options, GaitModel *model, GaitViolationLog *log, const GPtrArray *chosen,
      GError **error)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *date = g_date_time_format(now, "%Y-%m-%d");
	g_autofree char *digest = gait_violation_log_dup_digest(log);
	const GaitAmendOrigin origin = {digest, date, options->reason};
	g_autoptr(GArray) outcomes = gait_model_amend(model, chosen, &origin);
	guint n_failed;

	if (!gait_model_write(model, options->output, error))
		return GAIT_EXIT_FAILURE;
	n_failed = report(options, gait_violation_log_get_groups(log), chosen, outcomes);
	return n_failed ? GAIT_EXIT_FAILURE : GAIT_EXIT_OK;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GaitViolationLog) log = NULL;
	g_autoptr(GPtrArray) chosen = NULL;
	const GPtrArray *groups;

	if (!parse_options(&options, argc, argv, error))
		return GAIT_EXIT_USAGE;
	model = gait_model_load(options.model, error);
	log = model ? read_logs(&options, error) : NULL;
	if (!log)
		return GAIT_EXIT_FAILURE;
	groups = gait_violation_log_get_groups(log);
	if (!options.is_all && !options.numbers && !options.kinds)
		return list_groups(groups, error);
	if (!options.output) {
		gait_error_usage(error, "where to write was not given (-o MODEL); it may be the "
		                        "model itself");
		return GAIT_EXIT_USAGE;
	}
	chosen = gait_choose(groups, options.is_all, options.numbers, options.kinds, error);
	if (!chosen)
		return GAIT_EXIT_USAGE;
	if (strcmp(options.output, "-") != 0 && !gait_model_check_output(options.output, error))
		return GAIT_EXIT_FAILURE;
	return amend(&options, model, log, chosen, error);
}

const GaitCommand gait_command_amend = {
    .name = "amend",
    .summary = "accept chosen violations into a model",
    .run = run,
};
