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
    {SIGUSR2, TRUE}, {SIGPIPE, FALSE}, {SIGTTOU, FALSE},
};

static GaitTracer *tracer;
static volatile int target = -1; /* pidfd of its first process */
static volatile guint64 pending;
static struct sigaction saved[G_N_ELEMENTS(caught)];

static gboolean
send_to_target(int signo)
{
	return syscall(SYS_pidfd_send_signal, target, signo, NULL, 0) == 0 || errno != ESRCH;
}

static void
forward(int signo, siginfo_t *info, void *context)
{
	/* The terminal's come from the kernel. Signal 0 only asks whether it lives. */
	gboolean is_terminals = info->si_code > 0;
	int saved_errno = errno;

	if (!send_to_target(is_terminals ? 0 : signo)) {
		__atomic_fetch_or(&pending, G_GUINT64_CONSTANT(1) << (signo - 1), __ATOMIC_SEQ_CST);
		gait_tracer_wake(tracer);
	}
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
		action.sa_sigaction = forward;
		if (!caught[i].is_forwarded)
			action = (struct sigaction){.sa_handler = SIG_IGN};
		sigaction(caught[i].signo, &action, &saved[i]);
	}
	return TRUE;
}

guint64
gait_forward_take(void)
{
	if (G_LIKELY(pending == 0))
		return 0;
	return __atomic_exchange_n(&pending, 0, __ATOMIC_SEQ_CST);
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
