/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait record`: options, the live counter, the summary, and the exit status. */
#include "learn/record-session.h"

#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/process-tree.h"
#include "sysgait/syscall.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
	char *output;
	char **pids;
	char *cgroup;
	char *backend;
	char *ring;
	gboolean is_lossless;
	char *stacks;
	char **runtime;
	gboolean perturb;
	gboolean is_quiet, is_verbose;
} Options;

/* What is told meanwhile, and what the counter needs to tell a rate. */
typedef struct {
	gint64 start_us, shown_us;
	guint64 n_shown;
	gboolean is_shown;
	gboolean is_quiet, is_verbose;
} Progress;

static const char summary[] =
    "Records every system call that a program and its descendants make, and which library\n"
    "made it from where, into a trace that `sysgait learn` reads. The program behaves as\n"
    "without: signals, job control and exit status are its own.";

static const char description[] =
    "Ctrl-C (and SIGTERM, SIGHUP) ends the recording: the trace is good up to there, and\n"
    "the program finishes or ends as it would.\n"
    "\n"
    "Exit status: the program's own; 126 or 127 where it could not be run; 1 where the\n"
    "trace could not be written to its end; 2 for wrong usage; 0 where the recording was\n"
    "ended before the program.\n"
    "\n"
    "Examples:\n"
    "  sysgait record -o nginx.trace -- nginx -g 'daemon off;'\n"
    "  sysgait record -p $(pidof redis-server) -o redis.trace\n"
    "  sysgait record --backend bpf --cgroup /sys/fs/cgroup/system.slice/ssh.service\n"
    "  sysgait print sysgait.trace | head\n";

static void
options_clear(Options *options)
{
	g_free(options->output);
	g_strfreev(options->pids);
	g_free(options->cgroup);
	g_free(options->backend);
	g_free(options->ring);
	g_free(options->stacks);
	g_strfreev(options->runtime);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean
parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
	     "Write the trace to FILE (default: sysgait.trace)", "FILE"},
	    {"pid", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->pids,
	     "Join a running process with all its threads; may be given again", "PID"},
	    {"cgroup", 0, 0, G_OPTION_ARG_FILENAME, &options->cgroup,
	     "Join whoever is in a control group (version 2), and whoever comes in later", "PATH"},
	    {"backend", 0, 0, G_OPTION_ARG_STRING, &options->backend,
	     "How to look at calls: in the kernel (bpf), by stopping each (ptrace), or auto "
	     "(default): bpf where it can be had",
	     "ptrace|bpf|auto"},
	    {"lossless", 0, 0, G_OPTION_ARG_NONE, &options->is_lossless,
	     "With bpf: have the program wait rather than lose what it does", NULL},
	    {"ring", 0, 0, G_OPTION_ARG_STRING, &options->ring,
	     "With bpf: memory for what is not read yet, e.g. 1M (default: 64M)", "SIZE"},
	    {"stacks", 0, 0, G_OPTION_ARG_STRING, &options->stacks,
	     "Keep call stacks up to the site (default), or full", "site|full"},
	    {"runtime", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->runtime,
	     "A library that acts for others, as libc does ('*' at the end matches any); "
	     "replaces the default set; may be given again",
	     "NAME"},
	    {"perturb", 0, 0, G_OPTION_ARG_NONE, &options->perturb,
	     "Hold tasks back at random, so that rare orders of events show", NULL},
	    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &options->is_quiet, "No counter, no summary",
	     NULL},
	    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->is_verbose,
	     "Tell how the stacks were found", NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("[--] COMMAND [ARGUMENT…]");

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_set_strict_posix(context, TRUE);
	return gait_command_parse(context, entries, argc, argv, error);
}

/* A size with K, M or G behind it; what is no power of two becomes the next one. */
static gboolean
parse_ring(const char *text, gsize *size, GError **error)
{
	static const char units[] = "KMG";
	char *end;
	guint64 n = g_ascii_strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;

	if (!g_ascii_isdigit(*text) || (*end && (!unit || end[1])) || n > GAIT_TIER_MAX_RING)
		n = 0;
	n <<= unit ? 10 * (unit - units + 1) : 0;
	if (n < GAIT_TIER_MIN_RING || n > GAIT_TIER_MAX_RING)
		return gait_error_usage(error, "--ring %s: must be a size from 64K to 1G", text);
	for (*size = GAIT_TIER_MIN_RING; *size < n;)
		*size *= 2;
	return TRUE;
}

static gboolean
check_backend(const Options *options, GaitRecorderOptions *recorder, GError **error)
{
	const char *backend = options->backend ? options->backend : "auto";
	gboolean is_auto = strcmp(backend, "auto") == 0;

	/* What only one of them can do says which it is. */
	recorder->may_fall_back = is_auto && !options->is_lossless && !options->ring;
	recorder->in_kernel =
	    strcmp(backend, "bpf") == 0 || (is_auto && !options->perturb && !options->stacks);
	/* Who does not say which backend wants all that happens, as ptrace has it. */
	recorder->is_lossless = options->is_lossless || (is_auto && recorder->in_kernel);
	if (!is_auto && !recorder->in_kernel && strcmp(backend, "ptrace") != 0)
		return gait_error_usage(error, "--backend %s: must be ptrace, bpf or auto",
		                        backend);
	if (recorder->in_kernel && (options->perturb || options->stacks))
		return gait_error_usage(error,
		                        "--%s needs --backend ptrace, which stops every call",
		                        options->perturb ? "perturb" : "stacks");
	if (!recorder->in_kernel && (options->is_lossless || options->ring))
		return gait_error_usage(error, "--%s needs --backend bpf; ptrace never loses",
		                        options->ring ? "ring" : "lossless");
	return !options->ring || parse_ring(options->ring, &recorder->ring_size, error);
}

/* Turns what was typed into what the session wants; pids receives the -p options. */
static gboolean
check(const Options *options, int argc, char **argv, GArray *pids, GaitRecorderOptions *recorder,
      GError **error)
{
	*recorder = (GaitRecorderOptions){.argv = NULL};
	if (!check_backend(options, recorder, error))
		return FALSE;
	if (options->stacks && strcmp(options->stacks, "site") != 0 &&
	    strcmp(options->stacks, "full") != 0)
		return gait_error_usage(error, "--stacks %s: must be site or full",
		                        options->stacks);
	if (!gait_process_ids_take(options->pids, pids, error))
		return FALSE;
	if (argc > 1 && strcmp(argv[1], "--") == 0)
		argv++, argc--;
	if (argc > 1 && (pids->len > 0 || options->cgroup))
		return gait_error_usage(error, "either %s or a command, not both",
		                        options->cgroup ? "--cgroup" : "-p");
	if (argc <= 1 && pids->len == 0 && !options->cgroup)
		return gait_error_usage(error, "no command; `%s --help` explains", argv[0]);
	if (argc > 1 && options->output && strcmp(options->output, "-") == 0)
		return gait_error_usage(error,
		                        "-o -: standard output is the program's; name a file");
	recorder->argv = argc > 1 ? (const char *const *)argv + 1 : NULL;
	recorder->pids = (const pid_t *)(void *)pids->data;
	recorder->n_pids = pids->len;
	recorder->cgroup = options->cgroup;
	recorder->output = options->output ? options->output : "sysgait.trace";
	recorder->runtime = (const char *const *)options->runtime;
	recorder->perturb = options->perturb;
	recorder->full_stacks = options->stacks && strcmp(options->stacks, "full") == 0;
	return TRUE;
}

/* --- what is shown -------------------------------------------------------------------------------
 */

static void
show_counter(const GaitRecordingStats *stats, gpointer data)
{
	Progress *progress = data;
	gint64 now_us = g_get_monotonic_time();
	double seconds = (double)(now_us - progress->shown_us) / G_USEC_PER_SEC;
	double rate = (double)(stats->n_events - progress->n_shown) / MAX(seconds, 0.001);

	/* A program that has taken the terminal for itself is not written over. */
	if (tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	fprintf(stderr, "\r%'" G_GUINT64_FORMAT " events  %'.0f/s  %u tasks  %u libraries\033[K",
	        stats->n_events, rate, stats->n_live, stats->n_libraries);
	progress->shown_us = now_us;
	progress->n_shown = stats->n_events;
	progress->is_shown = TRUE;
}

static void
hide_counter(Progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = FALSE;
}

static void
warn(const char *message, gpointer data)
{
	hide_counter(data);
	fprintf(stderr, "%s: %s; the program goes on unrecorded\n", g_get_prgname(), message);
}

/* An ordinary user knows, and is told if they want to hear. */
static void
tell_fallback(const char *why, gboolean is_unforeseen, gpointer data)
{
	const Progress *progress = data;

	if (progress->is_verbose || (is_unforeseen && !progress->is_quiet))
		fprintf(stderr, "%s: by ptrace: %s\n", g_get_prgname(), why);
}

static void
print_detached(const GaitRecordSessionResult *result)
{
	g_autoptr(GString) text = g_string_new("ended by ");

	gait_signal_format(text, result->detach_signal);
	if (result->root != 0)
		g_string_append_printf(text, "; process %d goes on", result->root);
	fprintf(stderr, "%s: %s\n", g_get_prgname(), text->str);
}

static void
print_summary(const GaitRecordSessionResult *result, const char *output, double seconds)
{
	const GaitRecordingStats *stats = &result->stats;
	g_autofree char *size = g_format_size(stats->n_bytes);

	fprintf(stderr,
	        "%s: %s: %'" G_GUINT64_FORMAT " events, %u task%s, %u librar%s, %'" G_GUINT64_FORMAT
	        " unattributed, %s, %.1f s\n",
	        g_get_prgname(), output, stats->n_events, stats->n_tasks,
	        stats->n_tasks == 1 ? "" : "s", stats->n_libraries,
	        stats->n_libraries == 1 ? "y" : "ies", stats->n_unknown, size, seconds);
	if (stats->n_lost > 0)
		fprintf(stderr,
		        "%s: %'" G_GUINT64_FORMAT " events are lost: the trace is partial%s\n",
		        g_get_prgname(), stats->n_lost,
		        result->kernel.n_calls > 0 ? "; --lossless has the program wait, "
		                                     "a larger --ring is full later"
		                                   : "");
}

/* How the kernel's walks ended. */
static void
print_kernel_stats(const GaitKernelStats *stats)
{
	static const char *const names[GAIT_TIER_UNKNOWN_N_] = {
	    [GAIT_TIER_FOUND] = "walked there",     [GAIT_TIER_NO_MAPPING] = "no return address",
	    [GAIT_TIER_NO_ROW] = "no unwind table", [GAIT_TIER_NO_STACK] = "no stack",
	    [GAIT_TIER_TOO_DEEP] = "too deep",      [GAIT_TIER_BUSY] = "mappings in change",
	    [GAIT_TIER_NO_FILE] = "a new file",
	};

	fprintf(stderr, "%s: in the kernel: %'" G_GUINT64_FORMAT " calls", g_get_prgname(),
	        stats->n_calls);
	for (guint i = 0; i < GAIT_TIER_UNKNOWN_N_; i++)
		if (stats->n_how[i] > 0)
			fprintf(stderr, ", %'" G_GUINT64_FORMAT " %s", stats->n_how[i], names[i]);
	fprintf(stderr, "; %'" G_GUINT64_FORMAT " stopped; stacks %s\n", stats->n_stopped,
	        stats->reads_directly ? "read where they lie" : "copied, which takes longer");
}

static void
print_attribution(const GaitRecordSessionResult *result)
{
	const GaitAttributorStats *stats = &result->attribution;
	double n = MAX((double)stats->n_events, 1);

	if (result->kernel.n_calls > 0) {
		print_kernel_stats(&result->kernel);
		return;
	}
	fprintf(stderr,
	        "%s: stacks: %.1f%% by libunwind, %.1f%% by frame pointers, %.1f%% unknown\n",
	        g_get_prgname(), 100 * (double)stats->n_by_libunwind / n,
	        100 * (double)stats->n_frame_pointer / n, 100 * (double)stats->n_unknown / n);
}

/* --- the end -------------------------------------------------------------------------------------
 */

/* Ends as the target did, so that whoever waits for us sees the same. */
static int
end_as(int status)
{
	struct rlimit no_core = {0, 0};
	sigset_t set;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* One core is enough. */
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static int
run_session(const Options *options, const GaitRecorderOptions *recorder, GError **error)
{
	gint64 start_us = g_get_monotonic_time();
	Progress progress = {.start_us = start_us,
	                     .shown_us = start_us,
	                     .is_quiet = options->is_quiet,
	                     .is_verbose = options->is_verbose};
	GaitRecordSessionResult result;
	GaitRecordSessionOptions session = {
	    .recorder = *recorder,
	    .progress = options->is_quiet || !isatty(STDERR_FILENO) ? NULL : show_counter,
	    .fell_back = tell_fallback,
	    .warn = warn,
	    .data = &progress,
	};
	gboolean is_good = gait_record_session_run(&session, &result, error);

	hide_counter(&progress);
	if (!is_good)
		return result.exec_status != 0 ? result.exec_status : GAIT_EXIT_FAILURE;
	if (!options->is_quiet && result.detach_signal != 0)
		print_detached(&result);
	if (!options->is_quiet && !result.has_failed)
		print_summary(&result, recorder->output,
		              (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC);
	if (options->is_verbose)
		print_attribution(&result);
	if (result.has_failed)
		return GAIT_EXIT_FAILURE;
	return result.status == -1 ? GAIT_EXIT_OK : end_as(result.status);
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Options) options = {.output = NULL};
	g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	GaitRecorderOptions recorder;

	if (!parse(&options, &argc, &argv, error) ||
	    !check(&options, argc, argv, pids, &recorder, error))
		return GAIT_EXIT_USAGE;
	return run_session(&options, &recorder, error);
}

const GaitCommand gait_command_record = {
    "record",
    "record a program's system calls, with the library and site of each",
    run,
};
