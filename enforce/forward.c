/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding. A pidfd and not a number, so that a signal that comes when the process has ended does
 * not reach a stranger. The state is global because signal handlers are.
 */
#include "enforce/forward.h"

#include "sysgait/error.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	int signo;
	gboolean is_forwarded; /* else ignored */
} caught[] = {
    {SIGHUP, TRUE},  {SIGINT, TRUE},   {SIGQUIT, TRUE},  {SIGTERM, TRUE},
    {SIGUSR2, TRUE}, {SIGPIPE, FALSE}, {SIGTTOU, FALSE}, {SIGXFSZ, FALSE},
};

static GaitTracer *tracer;
static volatile int target = -1;                     /* pidfd of its first process */
static volatile guint64 pending;                     /* bit i: caught[i] has come */
static volatile pid_t senders[G_N_ELEMENTS(caught)]; /* 0: the terminal */
static struct sigaction saved[G_N_ELEMENTS(caught)];

/* Who sent it is looked up where no handler may look: in the loop. */
static void
note(int signo, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	guint i = 0;

	while (caught[i].signo != signo)
		i++;
	/* The terminal's come from the kernel. */
	senders[i] = info->si_code > 0 ? 0 : info->si_pid;
	__atomic_fetch_or(&pending, G_GUINT64_CONSTANT(1) << i, __ATOMIC_SEQ_CST);
	gait_tracer_wake(tracer);
	errno = saved_errno;
}

gboolean
gait_forward_start(GaitTracer *the_tracer, GError **error)
{
	pid_t root = gait_tracer_get_root(the_tracer);

	target = (int)syscall(SYS_pidfd_open, root, 0);
	if (target < 0)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "pidfd_open(%d)", root);
	tracer = the_tracer;
	pending = 0;
	for (guint i = 0; i < G_N_ELEMENTS(caught); i++) {
		struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};

		sigfillset(&action.sa_mask);
		action.sa_sigaction = note;
		if (!caught[i].is_forwarded)
			action = (struct sigaction){.sa_handler = SIG_IGN};
		sigaction(caught[i].signo, &action, &saved[i]);
	}
	return TRUE;
}

/* FALSE: it is gone. Signal 0 only asks. */
static gboolean
send_to_target(int signo)
{
	return syscall(SYS_pidfd_send_signal, target, signo, NULL, 0) == 0 || errno != ESRCH;
}

void
gait_forward_deliver(void)
{
	guint64 taken;

	if (G_LIKELY(pending == 0))
		return;
	taken = __atomic_exchange_n(&pending, 0, __ATOMIC_SEQ_CST);
	for (guint i = 0; i < G_N_ELEMENTS(caught); i++) {
		if (!(taken >> i & 1))
			continue;
		/* kill(0, …) in the tree: it has reached whom it was meant for. */
		if (senders[i] != 0 && gait_tracer_find(tracer, senders[i]))
			continue;
		if (!send_to_target(senders[i] == 0 ? 0 : caught[i].signo))
			gait_tracer_signal_all(tracer, caught[i].signo);
	}
}

void
gait_forward_stop(void)
{
	if (target < 0)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(caught); i++)
		sigaction(caught[i].signo, &saved[i], NULL);
	close(target);
	target = -1;
}
