/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching a run. Signal handlers only note that something is due and wake the tracer; it is done
 * in the loop, where walkers stand still. The state is global because signal handlers are.
 */
#include "enforce/watch.h"

#include "enforce/say.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#define TICK_US (G_USEC_PER_SEC / 2)

static GaitEnforcer *enforcer;
static GaitTracer *tracer;
static volatile gint is_asked, is_tick;
static volatile pid_t asker;
static struct sigaction saved_alarm;
static guint64 last_n_events;
static gint64 last_us;

static void
note_asked(int signo, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	asker = info->si_pid;
	g_atomic_int_set(&is_asked, 1);
	gait_tracer_wake(tracer);
	errno = saved_errno;
}

static void
note_tick(int signo)
{
	int saved_errno = errno;

	g_atomic_int_set(&is_tick, 1);
	gait_tracer_wake(tracer);
	errno = saved_errno;
}

static void
start_ticks(void)
{
	const struct itimerval interval = {{0, TICK_US}, {0, TICK_US}};
	struct sigaction action = {.sa_handler = note_tick, .sa_flags = SA_RESTART};

	last_n_events = 0;
	last_us = g_get_monotonic_time();
	sigfillset(&action.sa_mask);
	sigaction(SIGALRM, &action, &saved_alarm);
	setitimer(ITIMER_REAL, &interval, NULL);
}

void
gait_watch_start(GaitEnforcer *the_enforcer, GaitTracer *the_tracer)
{
	struct sigaction action = {.sa_sigaction = note_asked, .sa_flags = SA_SIGINFO | SA_RESTART};

	enforcer = the_enforcer;
	tracer = the_tracer;
	is_asked = is_tick = 0;
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	if (gait_log_get_terminal(gait_enforcer_get_log(enforcer)))
		start_ticks();
}

static void
show_walkers(void)
{
	GaitLog *log = gait_enforcer_get_log(enforcer);
	g_autoptr(GString) text = NULL;

	/* A tree that asks for itself could fill the terminal. */
	if (gait_tracer_find(tracer, asker))
		return;
	text = g_string_new(NULL);
	gait_enforcer_print_walkers(enforcer, text);
	gait_log_print(log, text);
}

static void
show_status(void)
{
	gint64 now_us = g_get_monotonic_time();
	g_autoptr(GString) text = g_string_new(NULL);
	GaitEnforcerStats stats;

	gait_enforcer_get_stats(enforcer, &stats);
	gait_enforcer_print_status(enforcer,
	                           (double)(stats.n_events - last_n_events) * G_USEC_PER_SEC /
	                               (double)MAX(now_us - last_us, 1),
	                           text);
	gait_terminal_draw(gait_log_get_terminal(gait_enforcer_get_log(enforcer)), text->str);
	last_n_events = stats.n_events;
	last_us = now_us;
}

gboolean
gait_watch_is_due(void)
{
	return g_atomic_int_get(&is_asked) || g_atomic_int_get(&is_tick);
}

void
gait_watch_attend(void)
{
	if (G_UNLIKELY(is_asked) && g_atomic_int_exchange(&is_asked, 0))
		show_walkers();
	if (G_UNLIKELY(is_tick) && g_atomic_int_exchange(&is_tick, 0))
		show_status();
}

void
gait_watch_stop(void)
{
	const struct itimerval never = {0};
	GaitTerminal *terminal;

	if (!enforcer)
		return;
	/* Whoever asks too late is not to kill us by it. */
	signal(SIGUSR1, SIG_IGN);
	terminal = gait_log_get_terminal(gait_enforcer_get_log(enforcer));
	if (terminal) {
		setitimer(ITIMER_REAL, &never, NULL);
		sigaction(SIGALRM, &saved_alarm, NULL);
		gait_terminal_begin_row(terminal);
	}
	enforcer = NULL;
}
