/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp listener. The child cannot hand it over by any system call, since it would wait for an
 * answer that nobody can give yet; it writes the descriptor's number into shared memory, and the
 * supervisor takes a copy with pidfd_getfd(). The child's own is closed by its exec.
 */
#include "enforce/listener.h"

#include "sysgait/error.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newer than the headers of Debian 12 (Linux 6.6). */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* The kernel's own, never meant for user space (include/linux/errno.h): restart the call, always.
 */
#define ERESTARTNOINTR 513

/* What the child tells. In shared memory; fd is written last. */
typedef struct {
	pid_t pid;
	int is_killable; /* it has WAIT_KILLABLE_RECV */
	int fd;          /* -1 until the filter is there */
} Seat;

/* As GaitNotification. */
typedef union {
	struct seccomp_notif_resp response;
	guint8 bytes[64];
} Response;

struct _GaitListener {
	const struct sock_fprog *filter;
	Seat *seat;
	int fd;
	gboolean is_sync;
};

static int
seccomp_call(unsigned operation, unsigned flags, const void *argument)
{
	return (int)syscall(SYS_seccomp, operation, flags, argument);
}

GaitListener *
gait_listener_new(const struct sock_fprog *filter, GError **error)
{
	g_autoptr(GaitListener) listener = g_new0(GaitListener, 1);
	struct seccomp_notif_sizes sizes;

	listener->fd = -1;
	listener->filter = filter;
	if (seccomp_call(SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0) {
		gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
		                  "seccomp(GET_NOTIF_SIZES); user notification needs Linux 5.5");
		return NULL;
	}
	if (sizes.seccomp_notif > sizeof(GaitNotification) ||
	    sizes.seccomp_notif_resp > sizeof(Response)) {
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "this kernel's seccomp notifications have %u and %u bytes, more than "
		            "are provided for",
		            sizes.seccomp_notif, sizes.seccomp_notif_resp);
		return NULL;
	}
	listener->seat =
	    mmap(NULL, sizeof(Seat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (listener->seat == MAP_FAILED) {
		listener->seat = NULL;
		gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "mmap");
		return NULL;
	}
	listener->seat->fd = -1;
	return g_steal_pointer(&listener);
}

void
gait_listener_free(GaitListener *listener)
{
	if (!listener)
		return;
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->seat)
		munmap(listener->seat, sizeof(Seat));
	g_free(listener);
}

/* --- in the child -------------------------------------------------------------------------------
 */

/* WAIT_KILLABLE_RECV where the kernel has it: an older one answers EINVAL. */
static int
install_filter(GaitListener *listener)
{
	int fd =
	    seccomp_call(SECCOMP_SET_MODE_FILTER,
	                 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	                 listener->filter);

	listener->seat->is_killable = fd >= 0;
	if (fd < 0 && errno == EINVAL)
		fd = seccomp_call(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		                  listener->filter);
	return fd;
}

int
gait_listener_install(gpointer data)
{
	GaitListener *listener = data;
	int fd;

	listener->seat->pid = getpid();
	fd = install_filter(listener);
	/* Without CAP_SYS_ADMIN a filter is only for those who renounce setuid programs. */
	if (fd < 0 && errno == EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return errno;
		fd = install_filter(listener);
	}
	if (fd < 0)
		return errno;
	__atomic_store_n(&listener->seat->fd, fd, __ATOMIC_RELEASE);
	return 0;
}

static int
try_filter(void)
{
	struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog filter = {G_N_ELEMENTS(allow), allow};
	Seat seat = {0};
	GaitListener listener = {.filter = &filter, .seat = &seat};

	return gait_listener_install(&listener);
}

int
gait_listener_try(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(try_filter());
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

/* --- in the supervisor --------------------------------------------------------------------------
 */

GaitListenerTake
gait_listener_take(GaitListener *listener, GError **error)
{
	int remote = __atomic_load_n(&listener->seat->fd, __ATOMIC_ACQUIRE);
	int pidfd;

	if (remote < 0)
		return GAIT_LISTENER_NOT_YET;
	pidfd = (int)syscall(SYS_pidfd_open, listener->seat->pid, 0);
	if (pidfd < 0) {
		gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "pidfd_open(%d)",
		                  listener->seat->pid);
		return GAIT_LISTENER_FAILED;
	}
	listener->fd = (int)syscall(SYS_pidfd_getfd, pidfd, remote, 0);
	if (listener->fd < 0)
		gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "pidfd_getfd(%d, %d)",
		                  listener->seat->pid, remote);
	close(pidfd);
	if (listener->fd < 0)
		return GAIT_LISTENER_FAILED;
	/* Answers wake the target on this core; slower without (before Linux 6.6), and as right. */
	listener->is_sync = ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
	                          SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	return GAIT_LISTENER_TAKEN;
}

GaitListenerFeatures
gait_listener_get_features(const GaitListener *listener)
{
	if (listener->fd < 0)
		return (GaitListenerFeatures){FALSE, FALSE};
	return (GaitListenerFeatures){listener->seat->is_killable != 0, listener->is_sync};
}

int
gait_listener_get_fd(const GaitListener *listener)
{
	return listener->fd;
}

GaitNotify
gait_listener_receive(const GaitListener *listener, GaitNotification *received)
{
	/* The kernel insists on zeroes. */
	memset(received, 0, sizeof(*received));
	if (ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, received) < 0)
		return errno == ENOENT || errno == EINTR ? GAIT_NOTIFY_GONE : GAIT_NOTIFY_ERROR;
	return GAIT_NOTIFY_DONE;
}

gboolean
gait_listener_is_valid(const GaitListener *listener, guint64 id)
{
	return ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static GaitNotify
send_response(const GaitListener *listener, guint64 id, int error, guint32 flags)
{
	Response sent = {.response = {.id = id, .error = -error, .flags = flags}};
	int result;

	do
		result = ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, &sent);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return GAIT_NOTIFY_DONE;
	return errno == ENOENT ? GAIT_NOTIFY_GONE : GAIT_NOTIFY_ERROR;
}

GaitNotify
gait_listener_continue(const GaitListener *listener, guint64 id)
{
	return send_response(listener, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

GaitNotify
gait_listener_refuse(const GaitListener *listener, guint64 id, int error)
{
	/* Zero would be success. */
	g_assert(error > 0);
	return send_response(listener, id, error, 0);
}

/*
 * The seccomp wait ends with this as the call's result. On its way out the task meets what is
 * pending (get_signal()), and then arch_do_signal_or_restart() sets the call up again, exactly as
 * for a call that the kernel itself wants repeated.
 */
GaitNotify
gait_listener_restart(const GaitListener *listener, guint64 id)
{
	return send_response(listener, id, ERESTARTNOINTR, 0);
}
