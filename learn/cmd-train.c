/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sysgait train`: records runs of a server under load and learns them, until there are enough. The
 * model is saved after every run, so what was learned is never lost.
 */
#include "learn/learner.h"
#include "learn/train-run.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/metrics.h"
#include "sysgait/summary.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RUNS        5
#define DEFAULT_RUNS_MATURE 30 /* with --until-mature */
#define MIN_RUNS_MATURE     3  /* fewer say nothing about maturity */
#define MATURE_EDGES        1.0
#define MAX_RUNS            10000
#define DEFAULT_GRACE_S     10
#define UNSET               G_MININT

typedef struct {
	char *output, *driver, *backend, *keep, *stop;
	int n_runs, grace_s;
	gboolean until_mature, calm, json, quiet;
	double maturity; /* fewer unseen edges expected than this */
	GaitTrainRunOptions run;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->output);
	g_free(options->driver);
	g_free(options->backend);
	g_free(options->keep);
	g_free(options->stop);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* "QUIT", "SIGQUIT" or "3"; 0 where it is none. */
static int
parse_signal(const char *text)
{
	guint64 number;

	if (g_ascii_string_to_unsigned(text, 10, 1, SIGRTMAX, &number, NULL))
		return (int)number;
	if (g_ascii_strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && g_ascii_strcasecmp(name, text) == 0)
			return i;
	}
	return 0;
}

static gboolean
check_options(Options *options, char **server, GError **error)
{
	if (*server && strcmp(*server, "--") == 0)
		server++;
	if (!options->output)
		return gait_error_usage(error, "name the model to write with -o MODEL; see --help");
	if (!*server)
		return gait_error_usage(error, "name the program to train on; see --help");
	if (options->maturity != UNSET)
		options->until_mature = TRUE;
	else
		options->maturity = MATURE_EDGES;
	/* Not a number is not above it, either. */
	if (!(options->maturity > 0))
		return gait_error_usage(error,
		                        "--maturity is a number of edges above 0, such as 0.1");
	if (options->n_runs == UNSET)
		options->n_runs = options->until_mature ? DEFAULT_RUNS_MATURE : DEFAULT_RUNS;
	if (options->n_runs < 1 || options->n_runs > MAX_RUNS)
		return gait_error_usage(error, "--runs is a number from 1 to 10000");
	if (options->grace_s < 0)
		return gait_error_usage(error, "--grace is a number of seconds");
	if (options->backend && strcmp(options->backend, "ptrace") != 0 &&
	    strcmp(options->backend, "bpf") != 0 && strcmp(options->backend, "auto") != 0)
		return gait_error_usage(error, "--backend %s: must be ptrace, bpf or auto",
		                        options->backend);
	options->run = (GaitTrainRunOptions){
	    .server = server,
	    .driver = options->driver,
	    .calm = options->calm,
	    .backend = options->backend ? options->backend : "auto",
	    .stop_signal = options->stop ? parse_signal(options->stop) : SIGTERM,
	    .grace_s = (guint)options->grace_s,
	};
	if (options->run.stop_signal == 0)
		return gait_error_usage(error, "--stop is the name of a signal, such as QUIT");
	return TRUE;
}

static gboolean
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Where the model goes; needed", "MODEL"},
	    {"driver", 'd', 0, G_OPTION_ARG_STRING, &options->driver,
	     "Shell command that gives the server its work; the server is stopped when it ends "
	     "(none: the program ends by itself)",
	     "CMD"},
	    {"runs", 'n', 0, G_OPTION_ARG_INT, &options->n_runs,
	     "How many runs, at most (5; with --until-mature 30)", "N"},
	    {"until-mature", 0, 0, G_OPTION_ARG_NONE, &options->until_mature,
	     "End when the next run is expected to bring less than one unseen edge", NULL},
	    {"maturity", 0, 0, G_OPTION_ARG_DOUBLE, &options->maturity,
	     "The same, with another number of edges: 0.1 is for a model to be enforced strictly",
	     "EDGES"},
	    {"stop", 0, 0, G_OPTION_ARG_STRING, &options->stop,
	     "Signal that the server is stopped with (TERM)", "SIGNAL"},
	    {"grace", 0, 0, G_OPTION_ARG_INT, &options->grace_s,
	     "How long it may take to stop before it is killed (10)", "SECONDS"},
	    {"backend", 0, 0, G_OPTION_ARG_STRING, &options->backend,
	     "What records the runs that are not perturbed, as `record --backend` (auto)",
	     "ptrace|bpf|auto"},
	    {"calm", 0, 0, G_OPTION_ARG_NONE, &options->calm,
	     "Do not perturb every second run, as `record --perturb` does", NULL},
	    {"keep", 0, 0, G_OPTION_ARG_FILENAME, &options->keep,
	     "Keep the traces, as DIR/run-N.trace", "DIR"},
	    {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json,
	     "Show what was learned as JSON, not as tables", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
	     "Show nothing but warnings and errors", NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("[--] SERVER [ARGUMENT…]");

	g_option_context_set_strict_posix(context, TRUE);
	g_option_context_set_summary(
	    context, "Starts a server under the recorder, lets the driver use it, stops it and "
	             "learns the run;\nagain and again.");
	g_option_context_set_description(
	    context,
	    "The driver finds the number of the run in SYSGAIT_RUN and the server's process id in\n"
	    "SYSGAIT_PID. It waits by itself until the server is ready, and should do different\n"
	    "things in each run.\n\n"
	    "Examples:\n"
	    "  sysgait train -o app.gait --until-mature --driver './load --seed $SYSGAIT_RUN' -- "
	    "./app\n"
	    "  sysgait train -o nginx.gait --stop QUIT -d ./requests -- nginx -g 'daemon off;'\n"
	    "  sysgait train -o sort.gait -- sort /etc/services\n");
	return gait_command_parse(context, entries, argc, argv, error) &&
	       check_options(options, *argv + 1, error);
}

/* --- the model ------------------------------------------------------------------------------- */

static void
measure(const GaitModel *model, guint *n_edges, double *unseen)
{
	*n_edges = 0;
	*unseen = 0;
	for (guint32 i = 0; model && i < model->programs->len; i++) {
		GaitMetrics metrics;

		gait_metrics_program(model, gait_model_get_program(model, i), &metrics);
		*n_edges += metrics.n_edges;
		*unseen += metrics.unseen_per_run;
	}
}

static void
report_run(const Options *options, const GaitModel *model, guint index, guint n_before)
{
	guint n_edges;
	double unseen;

	if (options->quiet)
		return;
	measure(model, &n_edges, &unseen);
	fprintf(stderr, "sysgait train: run %u of %d: %u new edges, %u in all", index,
	        options->n_runs, n_edges - n_before, n_edges);
	if (index > 1)
		fprintf(stderr, "; expect %.2f in the next run", unseen);
	fputc('\n', stderr);
}

/* Adds the run to *model and saves it. */
static gboolean
learn_run(const Options *options, GaitModel **model, const char *trace, guint index, GError **error)
{
	g_autoptr(GaitModel) run = gait_learn_files(&trace, 1, NULL, error);
	guint n_before;
	double unseen;

	if (!run)
		return FALSE;
	measure(*model, &n_before, &unseen);
	if (*model) {
		GaitModel *both[] = {*model, run};
		GaitModel *merged = gait_model_merge(both, 2, error);

		if (!merged)
			return FALSE;
		gait_model_free(*model);
		*model = merged;
	} else {
		*model = g_steal_pointer(&run);
	}
	if (!gait_model_save(*model, options->output, error))
		return FALSE;
	report_run(options, *model, index, n_before);
	return TRUE;
}

/*
 * Rather (f1 + 1) / (n + 1) than f1 / n: three runs without a novelty do not promise that one in
 * twenty will not bring one. For a bound of one edge it is the same.
 */
static gboolean
is_mature(const Options *options, const GaitModel *model, guint index)
{
	guint n_edges;
	double unseen;

	measure(model, &n_edges, &unseen);
	return index >= MIN_RUNS_MATURE && (unseen * index + 1) / (index + 1) < options->maturity;
}

static void
show(const Options *options, const GaitModel *model)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (options->json)
		gait_model_print_summary_json(model, out);
	else if (!options->quiet)
		gait_model_print_summary(model, out);
	fwrite(out->str, 1, out->len, stdout);
}

/* --- all runs -------------------------------------------------------------------------------- */

static GaitTrainResult
train_once(const Options *options, GaitModel **model, const char *directory, guint index,
           GError **error)
{
	g_autofree char *name = g_strdup_printf("run-%u.trace", index);
	g_autofree char *trace = g_build_filename(directory, name, NULL);
	GaitTrainResult result = gait_train_run(&options->run, index, trace, error);

	if (result == GAIT_TRAIN_DONE && !learn_run(options, model, trace, index, error))
		result = GAIT_TRAIN_FAILED;
	if (!options->keep || result == GAIT_TRAIN_INTERRUPTED)
		g_unlink(trace);
	return result;
}

static int
train(const Options *options, const char *directory, GError **error)
{
	g_autoptr(GaitModel) model = NULL;
	GaitTrainResult result = GAIT_TRAIN_DONE;
	guint index = 0;

	while (result == GAIT_TRAIN_DONE && index < (guint)options->n_runs) {
		result = train_once(options, &model, directory, ++index, error);
		if (result == GAIT_TRAIN_DONE && options->until_mature &&
		    is_mature(options, model, index))
			break;
	}
	if (result == GAIT_TRAIN_INTERRUPTED)
		fprintf(stderr, "sysgait train: broken off in run %u; %s has the runs before\n",
		        index, model ? options->output : "no model");
	if (model)
		show(options, model);
	if (result != GAIT_TRAIN_DONE)
		return GAIT_EXIT_FAILURE;
	if (options->until_mature && !is_mature(options, model, index))
		fprintf(stderr,
		        "sysgait train: not mature after %u runs; give it more with --runs\n",
		        index);
	return GAIT_EXIT_OK;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {.n_runs = UNSET, .maturity = UNSET, .grace_s = DEFAULT_GRACE_S};
	g_autofree char *directory = NULL;
	int status;

	if (!parse_options(&argc, &argv, &options, error))
		return GAIT_EXIT_USAGE;
	if (!gait_model_check_output(options.output, error) || !gait_train_prepare(error))
		return GAIT_EXIT_FAILURE;
	if (options.keep && g_mkdir_with_parents(options.keep, 0777) == 0)
		directory = g_strdup(options.keep);
	else if (!options.keep)
		directory = g_dir_make_tmp("sysgait-train-XXXXXX", error);
	else
		gait_error_system(error, GAIT_LEARN_ERROR, errno, "mkdir %s", options.keep);
	if (!directory)
		return GAIT_EXIT_FAILURE;
	status = train(&options, directory, error);
	if (!options.keep)
		g_rmdir(directory);
	return status;
}

const GaitCommand gait_command_train = {
    .name = "train",
    .summary = "record and learn runs of a server until the model is ready",
    .run = run,
};
