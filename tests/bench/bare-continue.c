/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a supervisor by user notification can do: it receives, and says CONTINUE. It looks
 * at nothing. What the notify backend is measured against. usage: bare-continue PROGRAM [ARG…]
 *
 * poll(), RECV, SEND in one thread, with WAIT_KILLABLE_RECV and SYNC_WAKE_UP, as
 * gait_listener_take() sets them up.
 */
#include "enforce/listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter notify_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
static const struct sock_fprog filter = {G_N_ELEMENTS(notify_all), notify_all};

static void
run_child(GaitListener *listener, char **argv)
{
	/* A bench that gives up takes both with it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (gait_listener_install(listener) != 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

/* Room for what a newer kernel writes beyond what our headers know of. */
typedef union {
	struct seccomp_notif notification;
	guint8 bytes[1024];
} Buffer;

static void
serve(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	Buffer buffer;

	for (;;) {
		struct seccomp_notif_resp response = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			return;
		/* The last filtered task is gone. */
		if (!(ready.revents & POLLIN))
			return;
		memset(&buffer, 0, sizeof buffer);
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &buffer) < 0)
			continue;
		response.id = buffer.notification.id;
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitListener) listener = gait_listener_new(&filter, &error);
	GaitListenerTake take = GAIT_LISTENER_NOT_YET;
	int status = 0;
	pid_t pid;

	if (argc < 2 || !listener)
		return 2;
	pid = fork();
	if (pid == 0)
		run_child(listener, argv + 1);
	while (pid > 0 && take == GAIT_LISTENER_NOT_YET)
		take = gait_listener_take(listener, &error);
	if (take != GAIT_LISTENER_TAKEN) {
		fprintf(stderr, "%s\n", error ? error->message : "fork failed");
		return 1;
	}
	serve(gait_listener_get_fd(listener));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
