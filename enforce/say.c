/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to stderr, which is the target's too: it must not be made non-blocking, and must not be
 * waited for while a task waits for us. So it is asked first whether it has room.
 */
#include "enforce/say.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static gboolean
is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The target writes there too, and may have filled it since it was asked whether it has room. */
static ssize_t
write_at_once(int fd, const char *text, gsize size, gboolean has_room)
{
	struct iovec piece = {(char *)text, size};
	ssize_t n = pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);

	/* A terminal knows no such thing; a file says so where it would wait for its disk. */
	if (n < 0 && has_room && (errno == EOPNOTSUPP || (errno == EAGAIN && is_file(fd))))
		n = write(fd, text, size);
	return n;
}

/* A pipe that is ready takes PIPE_BUF bytes; a terminal that was stopped with Ctrl-S is not ready.
 */
gboolean
gait_say(int fd, const char *text, gsize size)
{
	while (size > 0) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		int n_ready = poll(&ready, 1, 0);
		ssize_t n;

		/* Who has taken all descriptors from us (RLIMIT_NOFILE 0) has taken poll(), too. */
		if (n_ready == 0 || (n_ready > 0 && !(ready.revents & POLLOUT)))
			return FALSE;
		n = write_at_once(fd, text, MIN(size, PIPE_BUF), n_ready > 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		text += n;
		size -= n;
	}
	return TRUE;
}
