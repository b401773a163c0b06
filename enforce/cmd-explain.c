/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait explain`: a violation log in words. Reads log and model; what source code is at a place
 * it asks the debug information of this machine. */
#include "enforce/choice.h"
#include "sysgait/command.h"
#include "sysgait/debug-lines.h"
#include "sysgait/error.h"
#include "sysgait/explain.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	char *model;
	char **numbers, **kinds, **logs;
	gboolean is_json, has_no_source;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->model);
	g_strfreev(options->numbers);
	g_strfreev(options->kinds);
	g_strfreev(options->logs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char description[] =
    "Violations that say the same (program, role, call site, call, kind) are one, with a number\n"
    "for `sysgait amend` and an id that stays the same in any log.\n\n"
    "Examples:\n"
    "  sysgait enforce -m nginx.gait --on-violation log --log new.jsonl -- nginx\n"
    "  sysgait explain -m nginx.gait new.jsonl\n"
    "  sysgait explain -m nginx.gait --kind exec,syscall new.jsonl\n"
    "  sysgait check -m app.gait --json run.trace | sysgait explain -m app.gait -";

static gboolean
parse_options(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model,
	     "the model that was enforced, or another one to compare with", "MODEL"},
	    {"number", 'n', 0, G_OPTION_ARG_STRING_ARRAY, &options->numbers,
	     "only these violations: numbers, ranges, or ids", "N[,N…]"},
	    {"kind", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &options->kinds,
	     "only violations of these kinds", "KIND[,KIND…]"},
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->is_json, "one JSON object", NULL},
	    {"no-source", 0, 0, G_OPTION_ARG_NONE, &options->has_no_source,
	     "do not look for debug information in the files that the log names", NULL},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->logs, NULL, "LOG…"},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(context,
	                             "Says in words what a violation log holds: who did what "
	                             "where, why it is wrong,\nwhat comes nearest to it in the "
	                             "model, and what would accept it.");
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (!options->model)
		return gait_error_usage(error, "no model; say which with -m MODEL");
	if (!options->logs)
		return gait_error_usage(error, "no violation log was given; see --help");
	if (strcmp(options->model, "-") == 0 &&
	    g_strv_contains((const char *const *)options->logs, "-"))
		return gait_error_usage(error, "model and log cannot both be standard input");
	return TRUE;
}

static char *
find_source(const GaitLogPlace *place, gpointer data)
{
	return gait_debug_lines_dup(data, place->module, place->build_id, place->offset);
}

static gboolean
choose(const Options *options, const GPtrArray *groups, GPtrArray **chosen, GError **error)
{
	if (!options->numbers && !options->kinds)
		return TRUE;
	*chosen = gait_choose(groups, FALSE, options->numbers, options->kinds, error);
	return *chosen != NULL;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GaitViolationLog) log = gait_violation_log_new();
	g_autoptr(GaitDebugLines) lines = gait_debug_lines_new();
	g_autoptr(GPtrArray) chosen = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	GaitExplainOptions explain = {0};

	if (!parse_options(&options, argc, argv, error))
		return GAIT_EXIT_USAGE;
	model = gait_model_load(options.model, error);
	for (char **path = options.logs; model && *path; path++)
		if (!gait_violation_log_read(log, *path, error))
			return GAIT_EXIT_FAILURE;
	if (!model)
		return GAIT_EXIT_FAILURE;
	if (!choose(&options, gait_violation_log_get_groups(log), &chosen, error))
		return GAIT_EXIT_USAGE;
	explain = (GaitExplainOptions){options.model, options.logs,
	                               options.has_no_source ? NULL : find_source, lines, chosen};
	if (options.is_json)
		gait_explain_print_json(model, log, &explain, out);
	else
		gait_explain_print(model, log, &explain, out);
	fwrite(out->str, 1, out->len, stdout);
	return GAIT_EXIT_OK;
}

const GaitCommand gait_command_explain = {
    .name = "explain",
    .summary = "say in words what a violation log holds",
    .run = run,
};
