/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that the user started. It forks the worker, which launches the target and records it,
 * and then does what the target does in the eyes of a shell: stops with it, goes on with it, ends
 * with it. Both are in one process group, so a terminal's signals reach the target by themselves;
 * this process takes those that mean "end the recording", and no others. It needs no capability for
 * any of this.
 */
#include "learn/record-session.h"
#include "learn/record-link.h"

#include "sysgait/error.h"
#include "sysgait/privileges.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 250
/*
 * How long a target may take to end by the signal that ended the recording, before it is left. The
 * terminal's it has got, too; one that a process sent may have been for us alone.
 */
#define GRACE_US          G_USEC_PER_SEC
#define TERMINAL_GRACE_US (3 * G_USEC_PER_SEC)

typedef struct {
	const GaitRecordSessionOptions *options;
	GaitRecordSessionResult *result;
	GaitLinkShared *shared;
	int link, signals;
	pid_t worker;
	sigset_t saved_mask;
	gboolean ignores_sigint;
	gboolean is_started, is_filed, is_done;
	char *failure;      /* that the worker told of */
	int asked_signal;   /* by which we were asked to end the recording */
	gint64 grace_us;    /* what it leaves the target */
	gint64 deadline_us; /* once it is to be detached */
	guint64 n_flushed, n_ticks;
} Session;

/* --- signals -------------------------------------------------------------------------------------
 */

/*
 * Everything is blocked: what the target sends to its process group must not hit us. A signal that
 * was ignored when we were started (nohup) stays so; but a shell ignores SIGINT for what it runs in
 * the background only to keep the terminal's away, so kill -INT is heard.
 */
static gboolean
take_signals(Session *session, GError **error)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action;
	sigset_t taken, all;

	sigemptyset(&taken);
	for (guint i = 0; i < G_N_ELEMENTS(ending); i++) {
		sigaction(ending[i], NULL, &action);
		if (ending[i] == SIGINT)
			session->ignores_sigint = action.sa_handler == SIG_IGN;
		else if (action.sa_handler == SIG_IGN)
			continue;
		sigaddset(&taken, ending[i]);
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &session->saved_mask);
	session->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	return session->signals >= 0 ||
	       gait_error_system(error, GAIT_LEARN_ERROR, errno, "signalfd");
}

/* What came for the target (a terminal's SIGTSTP, which it ignored) must not hit us at the end. */
static void
give_signals_back(const Session *session)
{
	static const struct timespec no_time;
	sigset_t all;

	sigfillset(&all);
	while (sigtimedwait(&all, NULL, &no_time) > 0)
		;
	sigprocmask(SIG_SETMASK, &session->saved_mask, NULL);
}

static void
tell_worker(Session *session, GaitLinkType type, int value)
{
	if (gait_link_send(session->link, type, value, NULL))
		kill(session->worker, SIGUSR1);
}

static void
read_signals(Session *session)
{
	struct signalfd_siginfo info;

	while (read(session->signals, &info, sizeof(info)) == sizeof(info)) {
		gboolean is_sent = info.ssi_code <= 0; /* by a process, not the kernel */

		if (info.ssi_signo == SIGINT && session->ignores_sigint && !is_sent)
			continue;
		/* The user insists: no further waiting for the target. */
		if (session->deadline_us != 0)
			session->deadline_us = 1;
		session->asked_signal = (int)info.ssi_signo;
		session->grace_us = is_sent ? GRACE_US : TERMINAL_GRACE_US;
		tell_worker(session, GAIT_LINK_DETACH, is_sent ? (int)info.ssi_pid : 0);
	}
}

/*
 * The target has stopped, so do we. The signal is made pending first and let in afterwards: should
 * the target go on in between, the SIGCONT that the worker then sends takes it back; should it have
 * gone on before, the worker's message is there already. (SIGSTOP, which cannot be held back, comes
 * from the worker itself.)
 */
static void
stop_too(int link, int signo)
{
	struct pollfd poll_link = {.fd = link, .events = POLLIN};
	sigset_t set, saved;

	sigemptyset(&set);
	sigaddset(&set, signo);
	signal(signo, SIG_DFL);
	kill(getpid(), signo); /* not raise(): the terminal's own, pending too, is the same one */
	if (poll(&poll_link, 1, 0) > 0) {
		sigwait(&set, &signo);
		return;
	}
	sigprocmask(SIG_UNBLOCK, &set, &saved);
	sigprocmask(SIG_SETMASK, &saved, NULL);
}

/* --- what the worker says ------------------------------------------------------------------------
 */

/* The file is ended, well or not, while the target lives on. */
static void
handle_filed(Session *session)
{
	session->is_filed = TRUE;
	if (session->failure) {
		session->result->has_failed = TRUE;
		session->options->warn(session->failure, session->options->data);
		g_clear_pointer(&session->failure, g_free);
	}
	if (session->asked_signal != 0 && session->deadline_us == 0)
		session->deadline_us = g_get_monotonic_time() + session->grace_us;
}

/* The worker is through; a failure that it told of before is what came of it. */
static gboolean
handle_done(Session *session, GError **error)
{
	session->is_done = TRUE;
	if (!session->failure)
		return TRUE;
	g_set_error_literal(error, GAIT_LEARN_ERROR,
	                    session->result->exec_status ? GAIT_ERROR_EXEC : GAIT_ERROR_SYSTEM,
	                    session->failure);
	return FALSE;
}

static gboolean
handle_message(Session *session, GError **error)
{
	GaitLinkMessage message;

	if (!gait_link_receive(session->link, TRUE, &message)) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_GONE,
		            "the recorder (process %d) was killed, and the recorded processes "
		            "with it; what was recorded is in %s",
		            session->worker, session->options->recorder.output);
		return FALSE;
	}
	switch (message.type) {
	case GAIT_LINK_STARTED:
		session->is_started = TRUE;
		session->result->root = message.value;
		if (session->shared->fallback[0])
			session->options->fell_back(session->shared->fallback,
			                            session->shared->is_fallback_unforeseen,
			                            session->options->data);
		break;
	case GAIT_LINK_STOPPED:
		if (message.value != 0)
			stop_too(session->link, message.value);
		break;
	case GAIT_LINK_ENDED:
		session->result->status = message.value;
		break;
	case GAIT_LINK_FILED:
		handle_filed(session);
		break;
	case GAIT_LINK_FAILED:
		session->failure = g_strdup(message.text);
		session->result->exec_status = message.value;
		break;
	case GAIT_LINK_DONE:
		return handle_done(session, error);
	}
	return TRUE;
}

/* --- the loop ------------------------------------------------------------------------------------
 */

static void
tick(Session *session)
{
	const GaitRecordingStats *stats = &session->shared->stats;

	if (session->options->progress && session->is_started && !session->is_filed)
		session->options->progress(stats, session->options->data);
	/* Once a second what is recorded is put on disk, for the case that all is killed. */
	if (++session->n_ticks % (1000 / TICK_MS) == 0 && stats->n_bytes != session->n_flushed) {
		session->n_flushed = stats->n_bytes;
		tell_worker(session, GAIT_LINK_FLUSH, 0);
	}
}

static gboolean
is_over(Session *session)
{
	if (session->is_done)
		return TRUE;
	return session->deadline_us != 0 &&
	       (session->result->status != -1 || g_get_monotonic_time() >= session->deadline_us);
}

static gboolean
stand_in(Session *session, GError **error)
{
	struct pollfd fds[] = {
	    {.fd = session->link, .events = POLLIN},
	    {.fd = session->signals, .events = POLLIN},
	};
	gint64 next_us = g_get_monotonic_time();

	while (!is_over(session)) {
		if (poll(fds, G_N_ELEMENTS(fds), TICK_MS) < 0 && errno != EINTR)
			return gait_error_system(error, GAIT_LEARN_ERROR, errno, "poll");
		if (fds[1].revents)
			read_signals(session);
		if (fds[0].revents && !handle_message(session, error))
			return FALSE;
		if (g_get_monotonic_time() >= next_us) {
			tick(session);
			next_us = g_get_monotonic_time() + TICK_MS * 1000;
		}
	}
	return TRUE;
}

/* --- set-up --------------------------------------------------------------------------------------
 */

static gboolean
start_worker(Session *session, GError **error)
{
	GaitRecorderOptions recorder = session->options->recorder;
	int links[2], failure;

	recorder.mask = &session->saved_mask;
	session->shared = mmap(NULL, sizeof(*session->shared), PROT_READ | PROT_WRITE,
	                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (session->shared == MAP_FAILED) {
		session->shared = NULL;
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "mmap");
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, links) != 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "socketpair");
	session->link = links[0];
	session->worker = fork();
	if (session->worker == 0) {
		close(links[0]);
		close(session->signals);
		gait_record_worker_run(links[1], session->shared, &recorder);
		_exit(0);
	}
	close(links[1]);
	if (session->worker < 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "fork");
	failure = gait_privileges_drop_all();
	return failure == 0 ||
	       gait_error_system(error, GAIT_LEARN_ERROR, failure, "giving up capabilities");
}

static gboolean
run(Session *session, GError **error)
{
	gboolean is_good;

	/* First, so that no signal of the terminal's finds one of us unprepared. */
	if (!take_signals(session, error) || !start_worker(session, error))
		return FALSE;
	is_good = stand_in(session, error);
	give_signals_back(session);
	/* Where the target lives on so does the worker. */
	if (session->is_done || !is_good)
		waitpid(session->worker, NULL, 0);
	if (session->deadline_us != 0 && session->result->status == -1)
		session->result->detach_signal = session->asked_signal;
	session->result->stats = session->shared->stats;
	session->result->attribution = session->shared->attribution;
	session->result->kernel = session->shared->kernel;
	return is_good;
}

gboolean
gait_record_session_run(const GaitRecordSessionOptions *options, GaitRecordSessionResult *result,
                        GError **error)
{
	Session session = {.options = options, .result = result, .link = -1, .signals = -1};
	gboolean is_good;

	*result = (GaitRecordSessionResult){.status = -1};
	is_good = run(&session, error);
	g_free(session.failure);
	if (session.link >= 0)
		close(session.link);
	if (session.signals >= 0)
		close(session.signals);
	if (session.shared)
		munmap(session.shared, sizeof(*session.shared));
	return is_good;
}
