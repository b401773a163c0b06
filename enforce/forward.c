/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding. A pidfd and not a number, so that a signal that comes when the process has ended goes
 * nowhere. The state is global because signal handlers are.
 */
#include "enforce/forward.h"

#include "sysgait/error.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR2};

static volatile int target = -1; /* pidfd */
static struct sigaction saved[G_N_ELEMENTS(forwarded)];
static struct sigaction saved_pipe;

static void
forward(int signo, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	/* The terminal's come from the kernel, and reach the whole foreground group by themselves.
	 */
	if (info->si_code <= 0 && target >= 0)
		syscall(SYS_pidfd_send_signal, target, signo, NULL, 0);
	errno = saved_errno;
}

gboolean
gait_forward_start(pid_t pid, GError **error)
{
	struct sigaction action = {.sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	target = (int)syscall(SYS_pidfd_open, pid, 0);
	if (target < 0)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "pidfd_open(%d)", pid);
	sigfillset(&action.sa_mask);
	for (guint i = 0; i < G_N_ELEMENTS(forwarded); i++)
		sigaction(forwarded[i], &action, &saved[i]);
	sigaction(SIGPIPE, &ignore, &saved_pipe);
	return TRUE;
}

void
gait_forward_stop(void)
{
	if (target < 0)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(forwarded); i++)
		sigaction(forwarded[i], &saved[i], NULL);
	sigaction(SIGPIPE, &saved_pipe, NULL);
	close(target);
	target = -1;
}
