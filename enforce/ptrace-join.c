/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining what runs already: processes, all their threads, and all that descends from them. No
 * filter can be put into them from outside, so every call stops at its entry and at its exit; and
 * for that, they can be let go again, as if never held.
 *
 * What of the tree is created while we look is found by looking again, once every task that we have
 * got has stopped: then none is in a call that began before it was ours, and what its calls create
 * from then on the kernel gives us by itself.
 */
#include "enforce/ptrace-private.h"
#include "enforce/watch.h"

#include "sysgait/error.h"
#include "sysgait/process-tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* --- signals to the supervisor: the state is global because handlers are ------------------------
 */

static const int letting_go[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
/* A supervisor that stops would hold whom it has joined. */
static const int ignored[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR2, SIGXFSZ};

static GaitTracer *tracer_to_wake;
static volatile sig_atomic_t asked_signal;
static volatile pid_t asked_by; /* UNKNOWN, or 0: the terminal */

/* Whoever sends it may put any number into some signals; those that the kernel makes of a timer or
 * a descriptor have none. */
#define UNKNOWN (-1)

static void
note(int signo, siginfo_t *info, void *context)
{
	asked_by = info->si_code == SI_KERNEL                              ? 0
	           : info->si_code == SI_USER || info->si_code == SI_TKILL ? info->si_pid
	                                                                   : UNKNOWN;
	asked_signal = signo;
	gait_tracer_wake(tracer_to_wake);
}

/* Not given back: nothing follows but the summary, during which a second Ctrl-C does no harm. */
static void
take_signals(GaitTracer *tracer)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};

	tracer_to_wake = tracer;
	asked_signal = 0;
	sigfillset(&action.sa_mask);
	action.sa_sigaction = note;
	for (guint i = 0; i < G_N_ELEMENTS(letting_go); i++)
		sigaction(letting_go[i], &action, NULL);
	action = (struct sigaction){.sa_handler = SIG_IGN};
	for (guint i = 0; i < G_N_ELEMENTS(ignored); i++)
		sigaction(ignored[i], &action, NULL);
}

static void
leave_signals(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(letting_go); i++)
		signal(letting_go[i], SIG_IGN);
	tracer_to_wake = NULL;
}

/* --- the tree -----------------------------------------------------------------------------------
 */

typedef struct {
	GaitPtraceRun run; /* first: a GaitPtraceRun * is a Joining * */
	const pid_t *pids;
	guint n_pids;
	gboolean is_complete;
} Joining;

/* Before anything is touched: whether all of it runs what the model knows. */
static gboolean
check(const Joining *joining, GError **error)
{
	for (guint i = 0; i < joining->n_pids; i++) {
		g_autoptr(GArray) tree = gait_process_tree_look(joining->pids[i]);

		if (tree->len == 0) {
			g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_GONE,
			            "there is no process %d", joining->pids[i]);
			return FALSE;
		}
		for (guint k = 0; k < tree->len; k++)
			if (!gait_enforcer_check_joined(joining->run.enforcer,
			                                g_array_index(tree, pid_t, k), error))
				return FALSE;
	}
	return TRUE;
}

/* A descendant that is gone meanwhile is none; and who cannot be had ends the joining. */
static gboolean
attach(Joining *joining, GError **error)
{
	for (guint i = 0; i < joining->n_pids; i++) {
		g_autoptr(GArray) tree = gait_process_tree_look(joining->pids[i]);

		for (guint k = 0; k < tree->len; k++) {
			g_autoptr(GError) failure = NULL;

			if (gait_tracer_attach(joining->run.tracer, g_array_index(tree, pid_t, k),
			                       &failure) ||
			    (failure->code == GAIT_ERROR_GONE && k > 0))
				continue;
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
	}
	return TRUE;
}

static void
let_go(GaitPtraceRun *run)
{
	run->is_letting_go = TRUE;
	gait_tracer_detach_all(run->tracer);
	gait_log_message(gait_enforcer_get_log(run->enforcer),
	                 "let go of process %d: it runs on, and nobody holds it to its gait",
	                 run->root);
}

/*
 * Closed: who is held does not say when that ends. Who sent the signal is here, or has ended since:
 * it stopped at its call's exit, and had to be looked at before it went on.
 */
static gboolean
may_ask(GaitPtraceRun *run, pid_t sender)
{
	gboolean is_ours = sender == UNKNOWN || gait_tracer_find(run->tracer, sender);

	for (guint i = 0; i < MIN(run->n_gone, GAIT_PTRACE_N_GONE); i++)
		is_ours |= run->gone[i] == sender;
	if (is_ours)
		gait_log_message(gait_enforcer_get_log(run->enforcer),
		                 "a joined process asked to be let go: it is not");
	return !is_ours;
}

/* Between events. */
static void
take_turn(GaitPtraceRun *run)
{
	Joining *joining = (Joining *)run;
	guint n_before = gait_tracer_get_n_tasks(run->tracer);

	if (G_UNLIKELY(asked_signal != 0)) {
		asked_signal = 0;
		if (may_ask(run, asked_by)) {
			let_go(run);
			return;
		}
	}
	if (G_LIKELY(joining->is_complete) || !gait_tracer_is_settled(run->tracer))
		return;
	/* Closed: part of a tree held and part not is not what was asked for. */
	if (!attach(joining, &run->error)) {
		gait_tracer_stop(run->tracer);
		return;
	}
	if (gait_tracer_get_n_tasks(run->tracer) != n_before)
		return;
	joining->is_complete = TRUE;
	gait_log_message(gait_enforcer_get_log(run->enforcer),
	                 "joined process %d%s: %u tasks in all; Ctrl-C or SIGTERM lets go",
	                 run->root, joining->n_pids > 1 ? " and others" : "", n_before);
}

gboolean
gait_ptrace_join(GaitEnforcer *enforcer, const pid_t *pids, guint n_pids, int *status,
                 GError **error)
{
	Joining joining = {
	    .run = {.enforcer = enforcer,
	            .floor = gait_enforcer_get_floor(enforcer),
	            .is_started = TRUE,
	            .root = pids[0],
	            .root_status = -1},
	    .pids = pids,
	    .n_pids = n_pids,
	};
	GaitPtraceRun *run = &joining.run;
	gboolean is_good;

	if (!check(&joining, error))
		return FALSE;
	run->tracer = gait_tracer_new(gait_enforcer_get_modules(enforcer),
	                              GAIT_TRACE_SYSCALLS_PTRACE, &gait_ptrace_callbacks, run);
	gait_tracer_set_exit_kill(run->tracer);
	prctl(PR_SET_DUMPABLE, 0);
	take_signals(run->tracer);
	gait_watch_start(enforcer, run->tracer);
	is_good = attach(&joining, error);
	/* Nothing has been judged yet: who was got already goes on as before. */
	if (!is_good) {
		run->is_letting_go = TRUE;
		gait_tracer_detach_all(run->tracer);
	}
	is_good = is_good && gait_ptrace_supervise(run, take_turn, error);
	*status = run->root_status == -1 ? 0 : run->root_status;
	leave_signals();
	gait_watch_stop();
	gait_tracer_free(run->tracer);
	g_clear_error(&run->error);
	return is_good;
}
