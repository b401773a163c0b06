/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process in which the recorder runs. It is the target's parent and tracer, and nobody's
 * foreground: the session's other process (record-session.c) has the terminal. When told to detach,
 * or when that process is gone, it ends the file at once; joined processes it lets go, launched
 * ones it keeps going without a sound until the last is gone, since their filter needs a tracer.
 */
#include "learn/record-link.h"

#include "sysgait/error.h"
#include "sysgait/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the link ------------------------------------------------------------------------------------
 */

gboolean
gait_link_send(int link, GaitLinkType type, int value, const char *text)
{
	GaitLinkMessage message = {.type = type, .value = value};
	ssize_t n;

	g_strlcpy(message.text, text ? text : "", sizeof(message.text));
	do
		n = send(link, &message,
		         G_STRUCT_OFFSET(GaitLinkMessage, text) + strlen(message.text) + 1,
		         MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

gboolean
gait_link_receive(int link, gboolean wait, GaitLinkMessage *message)
{
	ssize_t n;

	memset(message, 0, sizeof(*message));
	/* Who has gone with mail unread is told of by an error, once, before what it said last. */
	do
		n = recv(link, message, sizeof(*message) - 1, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && ((errno == EINTR && wait) || errno == ECONNRESET));
	if (n < 0 && !wait && (errno == EAGAIN || errno == EINTR)) {
		message->type = GAIT_LINK_N_;
		return TRUE;
	}
	return n > 0;
}

/* --- the worker ----------------------------------------------------------------------------------
 */

typedef struct {
	int link;
	pid_t parent;
	GaitLinkShared *shared;
	GaitRecorder *recorder;
	gboolean is_recording;
	gboolean is_alone; /* nobody listens any more */
} Worker;

/* For the signal handler. */
static GaitRecorder *volatile recorder_to_wake;
static volatile sig_atomic_t has_mail;

static void
on_mail(int signo)
{
	has_mail = TRUE;
	if (recorder_to_wake)
		gait_recorder_wake(recorder_to_wake);
}

static void
say(Worker *worker, GaitLinkType type, int value, const char *text)
{
	if (!worker->is_alone && !gait_link_send(worker->link, type, value, text))
		worker->is_alone = TRUE;
}

/*
 * When the target goes on, so must who stands in for it: the message first, then the signal (see
 * stop_too() in record-session.c). SIGSTOP cannot be held back there, so it is sent from here: both
 * by one process, they arrive in their order.
 */
static void
on_stopped(int signo, gpointer data)
{
	Worker *worker = data;

	if (signo == SIGSTOP) {
		if (!worker->is_alone)
			kill(worker->parent, SIGSTOP);
		return;
	}
	say(worker, GAIT_LINK_STOPPED, signo, NULL);
	if (signo == 0 && !worker->is_alone)
		kill(worker->parent, SIGCONT);
}

static void
on_ended(int status, gpointer data)
{
	say(data, GAIT_LINK_ENDED, status, NULL);
}

/*
 * Whatever the target sends to its process group, or a terminal to a session, is not for us. Until
 * here all signals were blocked, so as not to be ignored in the target.
 */
static void
ignore_signals(void)
{
	struct sigaction action = {.sa_handler = on_mail};
	sigset_t none;

	for (int signo = 1; signo < 32; signo++)
		if (signo != SIGCHLD && signo != SIGSEGV && signo != SIGBUS && signo != SIGFPE &&
		    signo != SIGILL && signo != SIGABRT && signo != SIGTRAP)
			signal(signo, SIG_IGN);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Out of the target's process group and session, so that they are as if we were not there, and off
 * its terminal and pipes, whose readers wait for the last writer. A trace may go to stdout.
 */
static void
withdraw(const GaitRecorderOptions *options)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	setsid();
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (fd != STDOUT_FILENO || strcmp(options->output, "-") != 0)
			dup2(null, fd);
	if (null > 2)
		close(null);
}

/* Ends the file, and says so. */
static void
end_recording(Worker *worker, GaitLinkType type)
{
	g_autoptr(GError) error = NULL;

	if (worker->is_recording) {
		worker->is_recording = FALSE;
		gait_recorder_get_attribution(worker->recorder, &worker->shared->attribution);
		if (!gait_recorder_finish(worker->recorder, &error))
			say(worker, GAIT_LINK_FAILED, 0, error->message);
		gait_recorder_get_kernel_stats(worker->recorder, &worker->shared->kernel);
	}
	say(worker, type, 0, NULL);
}

static void
read_mail(Worker *worker)
{
	GaitLinkMessage message;

	has_mail = FALSE;
	do {
		if (!gait_link_receive(worker->link, FALSE, &message)) {
			worker->is_alone = TRUE;
			end_recording(worker, GAIT_LINK_FILED);
			return;
		}
		if (message.type == GAIT_LINK_FLUSH)
			gait_recorder_flush(worker->recorder);
		/* A target that signals its own process group means itself, not us. */
		if (message.type == GAIT_LINK_DETACH &&
		    !gait_recorder_is_target(worker->recorder, message.value))
			end_recording(worker, GAIT_LINK_FILED);
	} while (message.type != GAIT_LINK_N_);
}

static void
work(Worker *worker)
{
	g_autoptr(GError) error = NULL;

	/* The other process may have died before it was watched. */
	has_mail = TRUE;
	while (gait_recorder_iterate(worker->recorder, &error)) {
		if (G_UNLIKELY(has_mail))
			read_mail(worker);
		if (G_UNLIKELY(worker->is_recording && gait_recorder_has_failed(worker->recorder)))
			end_recording(worker, GAIT_LINK_FILED);
	}
	if (error)
		say(worker, GAIT_LINK_FAILED, 0, error->message);
	end_recording(worker, GAIT_LINK_DONE);
}

void
gait_record_worker_run(int link, GaitLinkShared *shared, const GaitRecorderOptions *options)
{
	Worker worker = {.link = link, .parent = getppid(), .shared = shared, .is_recording = TRUE};
	GaitRecorderEvents events = {on_stopped, on_ended, &worker};
	g_autoptr(GError) error = NULL;
	const char *fallback;
	int exec_status = 0;

	/* When the other process dies: see read_mail(). */
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	worker.recorder = gait_recorder_new(options, &events, &shared->stats, &exec_status, &error);
	/* All is loaded and open, and the target has been started with all it had. */
	if (!worker.recorder || !gait_privileges_drop(&error)) {
		if (!g_error_matches(error, GAIT_PROCESS_ERROR, GAIT_ERROR_EXEC))
			exec_status = 0;
		say(&worker, GAIT_LINK_FAILED, exec_status, error->message);
		say(&worker, GAIT_LINK_DONE, 0, NULL);
		return;
	}
	fallback = gait_recorder_get_fallback(worker.recorder, &shared->is_fallback_unforeseen);
	g_strlcpy(shared->fallback, fallback ? fallback : "", sizeof(shared->fallback));
	recorder_to_wake = worker.recorder;
	ignore_signals();
	withdraw(options);
	say(&worker, GAIT_LINK_STARTED, gait_recorder_get_root(worker.recorder), NULL);
	work(&worker);
	recorder_to_wake = NULL;
	gait_recorder_free(worker.recorder);
}
