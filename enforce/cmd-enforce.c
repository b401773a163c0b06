/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sysgait enforce`: options, what is said before and after, and the exit status. What happens in
 * between is the backend's and the enforcer's.
 */
#include "enforce/exec-target.h"
#include "enforce/expectation.h"
#include "enforce/supervision.h"
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/process-tree.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORKERS 64

typedef struct {
	char *model_path, *log_path, *trace_path;
	char *on_violation, *strict, *backend, *require;
	gboolean is_quiet, is_verbose, allow_partial, no_status;
	int n_workers; /* 0: as many as pay */
	char **pid_texts;
	GArray *pids;   /* pid_t: to join; or */
	char **command; /* to start, NULL-terminated */
} Options;

static void
options_clear(Options *options)
{
	g_free(options->model_path);
	g_free(options->log_path);
	g_free(options->trace_path);
	g_free(options->on_violation);
	g_free(options->strict);
	g_free(options->backend);
	g_free(options->require);
	g_strfreev(options->pid_texts);
	g_clear_pointer(&options->pids, g_array_unref);
	g_strfreev(options->command);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char description[] =
    "Starts CMD and holds it, and every task that it creates, to the gait that MODEL has\n"
    "learned. A call that is not in the gait is a violation; its kind says how far in:\n"
    "syscall, issuer, library, phase, site, sequence; exec, role.\n\n"
    "The exit status is CMD's own; 128+N where a signal N ended it (137 where enforce killed it);\n"
    "126 or 127 where it could not be executed. When sysgait itself is killed, so is the tree.\n\n"
    "With -p it joins a process that runs already, with all its threads and descendants. INT, "
    "TERM\n"
    "and HUP (Ctrl-C) let go of it again; killed with -9, sysgait takes it along.\n\n"
    "Examples:\n"
    "  sysgait enforce -m nginx.gait -- nginx -g 'daemon off;'\n"
    "  sysgait enforce -m nginx.gait --on-violation log --log new.jsonl -- nginx\n"
    "  sysgait enforce -m app.gait --on-violation errno:EACCES,exec=kill -- ./app\n"
    "  sysgait enforce -m app.gait --strict library -- ./app\n"
    "  sysgait enforce -m nginx.gait -p $(cat /run/nginx.pid)";

/* What is to be held: either a command or processes. */
static gboolean
take_target(Options *options, char **rest, GError **error)
{
	options->command = g_strdupv(rest);
	options->pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	if (!gait_process_ids_take(options->pid_texts, options->pids, error))
		return FALSE;
	if (options->pids->len > 0 && options->command[0])
		return gait_error_usage(error, "either -p or a command, not both");
	if (options->pids->len == 0 && !options->command[0])
		return gait_error_usage(error,
		                        "no command; put it after --, or join a process with -p");
	return TRUE;
}

static gboolean
parse_options(int argc, char **argv, Options *options, GError **error)
{
	const GOptionEntry entries[] = {
	    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model_path, "what it may do",
	     "MODEL"},
	    {"on-violation", 0, 0, G_OPTION_ARG_STRING, &options->on_violation,
	     "log, errno[:E] or kill; or KIND=ACTION for one kind, in a list with commas "
	     "(default: errno:EPERM)",
	     "ACTION"},
	    {"strict", 0, 0, G_OPTION_ARG_STRING, &options->strict,
	     "act on this kind and those outside it, only log the rest (default: sequence, all)",
	     "KIND"},
	    {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pid_texts,
	     "join a running process, its threads and descendants; may be given again", "PID"},
	    {"backend", 0, 0, G_OPTION_ARG_STRING, &options->backend,
	     "auto (default), bpf, bpf-notify, bpf-kill, notify or ptrace", "NAME"},
	    {"require", 0, 0, G_OPTION_ARG_STRING, &options->require,
	     "preexec: no backend by which a call may take effect before it is stopped", "WHAT"},
	    {"workers", 0, 0, G_OPTION_ARG_INT, &options->n_workers,
	     "threads that judge calls, for notify (default: as many as pay)", "N"},
	    {"log", 0, 0, G_OPTION_ARG_FILENAME, &options->log_path,
	     "append violations to FILE, one JSON object a line", "FILE"},
	    {"trace", 0, 0, G_OPTION_ARG_FILENAME, &options->trace_path,
	     "record what is judged as a trace in FILE", "FILE"},
	    {"allow-partial", 0, 0, G_OPTION_ARG_NONE, &options->allow_partial,
	     "take a model that was learned from partial traces", NULL},
	    {"no-status", 0, 0, G_OPTION_ARG_NONE, &options->no_status,
	     "show no status line on a terminal", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet,
	     "say nothing but warnings and errors", NULL},
	    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->is_verbose, "say more", NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("-- CMD [ARG…] | -p PID");
	int first = 1;

	g_option_context_set_summary(
	    context, "Runs a command, or joins a process, and holds it to its gait.");
	g_option_context_set_description(context, description);
	/* What follows the command's name is the command's. */
	g_option_context_set_strict_posix(context, TRUE);
	if (!gait_command_parse(context, entries, &argc, &argv, error))
		return FALSE;
	if (argc > first && strcmp(argv[first], "--") == 0)
		first++;
	if (!options->model_path)
		return gait_error_usage(error, "no model; say which with -m MODEL");
	if (options->require && strcmp(options->require, "preexec") != 0)
		return gait_error_usage(error, "--require %s: can only be preexec",
		                        options->require);
	if (options->n_workers < 0 || options->n_workers > MAX_WORKERS)
		return gait_error_usage(error, "--workers takes a number from 1 to %d",
		                        MAX_WORKERS);
	return take_target(options, argv + first, error);
}

/* A mistake in the options is a mistake of usage, wherever it is found. */
static gboolean
as_usage(GError **error)
{
	if (error && *error) {
		(*error)->domain = G_OPTION_ERROR;
		(*error)->code = G_OPTION_ERROR_BAD_VALUE;
	}
	return FALSE;
}

static gboolean
parse_policy(const Options *options, GaitPolicy *policy, GError **error)
{
	GaitVerdict strict = GAIT_VERDICT_SEQUENCE;

	gait_policy_init(policy);
	if (options->on_violation && !gait_policy_parse(policy, options->on_violation, error)) {
		g_prefix_error(error, "--on-violation: ");
		return as_usage(error);
	}
	if (options->strict && !gait_policy_parse_strict(options->strict, &strict, error)) {
		g_prefix_error(error, "--strict: ");
		return as_usage(error);
	}
	if (!gait_policy_set_strict(policy, strict, error)) {
		g_prefix_error(error, "--strict: ");
		return as_usage(error);
	}
	return TRUE;
}

static gboolean
check_model(const GaitModel *model, const Options *options, GError **error)
{
	for (guint i = 0; i < model->runs->len && !options->allow_partial; i++) {
		const GaitRun *run = g_ptr_array_index(model->runs, i);

		if (!run->is_partial)
			continue;
		g_set_error(
		    error, GAIT_ENFORCE_ERROR, GAIT_ERROR_PARTIAL,
		    "%s was learned from a partial trace (of `%s`), so it lacks what that run "
		    "did later; learn again without it, or say --allow-partial",
		    options->model_path, run->command);
		return FALSE;
	}
	return TRUE;
}

/* Whether the model knows the command, said before anything runs. Sets *status where not. */
static gboolean
check_command(const GaitModel *model, const Options *options, int *status, GError **error)
{
	g_autofree char *path =
	    options->command[0] ? gait_exec_target_dup_command(options->command[0]) : NULL;
	g_autoptr(GString) known = g_string_new(NULL);

	/* That it cannot be executed is found by trying, which tells 126 from 127. */
	if (!path || gait_model_find_program(model, path) != GAIT_NONE)
		return TRUE;
	for (guint i = 0; i < model->programs->len; i++)
		g_string_append_printf(known, "%s%s", i ? ", " : "",
		                       gait_model_get_program(model, i)->path);
	g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_CONFLICT,
	            "%s does not know the program %s, only: %s", options->model_path, path,
	            known->str);
	*status = GAIT_EXIT_FAILURE;
	return FALSE;
}

static void
print_start(const Options *options, const GaitModel *model, const GaitPolicy *policy,
            const GaitBackend *backend, const GaitFloor *floor, GaitLog *log)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) advice = g_string_new(NULL);
	g_autofree char *described = gait_floor_describe(floor);

	for (const char *const *name = gait_floor_get_learned(floor); *name; name++)
		gait_log_message(log,
		                 "warning: the model has learned %s, with which the target could "
		                 "undo its supervision; it is let through where it was learned",
		                 *name);
	if (options->is_quiet)
		return;
	gait_expectation_describe(model, text);
	gait_log_message(log, "%s%s%s; %s; %s", backend->name, backend->get_means ? " by " : "",
	                 backend->get_means ? backend->get_means() : "", text->str,
	                 options->is_verbose ? described : "floor in place");
	if (options->is_verbose || !backend->has_errno)
		gait_log_message(log, "%s: %s", backend->name,
		                 gait_policy_has(policy, GAIT_ACTION_ERRNO) ||
		                         gait_policy_has(policy, GAIT_ACTION_KILL)
		                     ? backend->promise
		                     : "violations are only logged, as --on-violation says");
	if (gait_expectation_advise(model, policy, advice))
		gait_log_message(log, "%s", advice->str);
}

static void
print_summary(const Options *options, GaitEnforcer *enforcer, GaitLog *log)
{
	g_autoptr(GString) text = g_string_new(NULL);
	GaitEnforcerStats stats;
	guint64 n_all = 0;

	gait_enforcer_get_stats(enforcer, &stats);
	for (guint i = GAIT_VERDICT_ALLOW + 1; i < GAIT_VERDICT_N_; i++) {
		guint64 n = gait_log_get_n_violations(log, i);

		n_all += n;
		if (n > 0)
			g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " %s",
			                       text->len ? ", " : ": ", n, gait_verdict_name(i));
	}
	if (n_all > 0)
		g_string_append_printf(
		    text, "; %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT " killed",
		    stats.n_refused, stats.n_killed);
	if (gait_log_get_n_lost(log) > 0)
		gait_log_message(
		    log, "%" G_GUINT64_FORMAT " violation%s did not get into the violation log %s",
		    gait_log_get_n_lost(log), gait_log_get_n_lost(log) == 1 ? "" : "s",
		    options->log_path);
	if (options->log_path && gait_log_get_n_withheld(log) > 0)
		gait_log_message(log,
		                 "%" G_GUINT64_FORMAT
		                 " repetition%s at the end not counted in the violation log %s",
		                 gait_log_get_n_withheld(log),
		                 gait_log_get_n_withheld(log) == 1 ? "" : "s", options->log_path);
	if (!options->is_quiet)
		gait_log_message(log,
		                 "%" G_GUINT64_FORMAT " events of %" G_GUINT64_FORMAT
		                 " task%s, %" G_GUINT64_FORMAT " violation%s%s",
		                 stats.n_events, stats.n_tasks, stats.n_tasks == 1 ? "" : "s",
		                 n_all, n_all == 1 ? "" : "s", text->str);
}

static int
exit_status(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : GAIT_EXIT_FAILURE;
}

static gboolean
hold(const Options *options, const GaitBackend *backend, GaitEnforcer *enforcer, int *status,
     GError **error)
{
	if (options->pids->len == 0)
		return backend->run(enforcer, (const char *const *)options->command, status, error);
	return backend->join(enforcer, (const pid_t *)(void *)options->pids->data,
	                     options->pids->len, status, error);
}

/* The target is held whether its recording goes well or not; at the end it is said if not. */
static gboolean
run_backend(const Options *options, const GaitBackend *backend, GaitEnforcer *enforcer, int *status,
            GError **error)
{
	g_autoptr(GaitRecording) recording = NULL;
	g_autoptr(GError) failure = NULL;
	gboolean is_good;

	if (!options->trace_path)
		return hold(options, backend, enforcer, status, error);
	recording = gait_recording_new(
	    options->trace_path, backend->name,
	    options->pids->len == 0 ? (const char *const *)options->command : NULL,
	    gait_enforcer_get_modules(enforcer), NULL, error);
	if (!recording)
		return FALSE;
	gait_enforcer_set_recording(enforcer, recording);
	is_good = hold(options, backend, enforcer, status, error);
	gait_enforcer_set_recording(enforcer, NULL);
	if (!gait_recording_finish(recording, &failure))
		gait_log_message(gait_enforcer_get_log(enforcer), "%s", failure->message);
	return is_good;
}

/* The first of them only, unless all are asked for. */
static void
print_passed_over(const char *why, gboolean is_all)
{
	g_auto(GStrv) lines = g_strsplit(why, "\n", -1);

	for (char **line = lines; *line && **line && (is_all || line == lines); line++)
		g_printerr("sysgait enforce: not %s\n", *line);
}

static gboolean
run_supervision(const Options *options, const GaitBackendWish *wish, const GaitModel *model,
                const GaitSupervision *supervision, int *status, GError **error)
{
	GaitEnforcer *enforcer = supervision->enforcer;
	GaitLog *log = gait_enforcer_get_log(enforcer);

	gait_enforcer_set_n_workers(enforcer, (guint)options->n_workers);
	gait_enforcer_set_verbose(enforcer, options->is_verbose);
	print_start(options, model, wish->policy, supervision->backend, supervision->floor, log);
	if (!run_backend(options, supervision->backend, enforcer, status, error))
		return FALSE;
	print_summary(options, enforcer, log);
	if (WIFSIGNALED(*status) && WTERMSIG(*status) == SIGSYS)
		gait_log_message(log, "the target ended by SIGSYS: a filter killed it; the floor "
		                      "does for a call of another architecture or of x32");
	return TRUE;
}

static int
enforce(const Options *options, const GaitBackendWish *wish, const GaitBackend *backend,
        GError **error)
{
	g_autoptr(GaitModel) model = gait_model_load(options->model_path, error);
	g_autoptr(GaitTerminal) terminal = NULL;
	g_autoptr(GaitLog) log = NULL;
	g_auto(GaitSupervision) supervision = {0};
	g_autoptr(GString) why = g_string_new(NULL);
	int status = GAIT_EXIT_FAILURE;

	if (!model || !check_model(model, options, error) ||
	    !check_command(model, options, &status, error))
		return GAIT_EXIT_FAILURE;
	log = gait_log_new(options->log_path, STDERR_FILENO, !options->is_quiet, error);
	if (log && !options->is_quiet && !options->no_status)
		terminal = gait_terminal_new(STDERR_FILENO);
	if (log)
		gait_log_set_terminal(log, terminal);
	if (!log || !gait_supervision_init(&supervision, backend, wish, model, log,
	                                   options->trace_path != NULL, why, error))
		return GAIT_EXIT_FAILURE;
	if (!options->is_quiet)
		print_passed_over(why->str, options->is_verbose);
	if (run_supervision(options, wish, model, &supervision, &status, error))
		return exit_status(status);
	/* Where it could not be executed status says how. */
	return g_error_matches(*error, GAIT_PROCESS_ERROR, GAIT_ERROR_EXEC) ? status
	                                                                    : GAIT_EXIT_FAILURE;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GString) why = g_string_new(NULL);
	const GaitBackend *backend;
	GaitBackendWish wish;
	GaitPolicy policy;

	if (!parse_options(argc, argv, &options, error) || !parse_policy(&options, &policy, error))
		return GAIT_EXIT_USAGE;
	wish = (GaitBackendWish){
	    .name = options.backend,
	    .policy = &policy,
	    .is_joining = options.pids->len > 0,
	    .must_be_preexec = options.require != NULL,
	};
	backend = gait_backend_choose(&wish, why, error);
	if (!backend)
		return *error && (*error)->domain == G_OPTION_ERROR ? GAIT_EXIT_USAGE
		                                                    : GAIT_EXIT_FAILURE;
	if (options.is_verbose)
		print_passed_over(why->str, TRUE);
	return enforce(&options, &wish, backend, error);
}

const GaitCommand gait_command_enforce = {
    .name = "enforce",
    .summary = "hold a command to its gait",
    .run = run,
};
