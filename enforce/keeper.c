/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper is nobody's child, so that the tracer does not wait for it, and of a session of its
 * own, so that no terminal's signal comes to it. It has no descriptors but those it keeps, and no
 * capability, since to let go of them takes none. It ends
 * when it is told to, or with its master: a pidfd tells of that death after whom the master traced
 * has been killed. It does nothing else.
 */
#include "enforce/keeper.h"

#include "sysgait/error.h"
#include "sysgait/privileges.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct _GaitKeeper {
	int orders; /* an eventfd: that there is one ends it */
};

/* --- in the keeper: async-signal-safe calls only ------------------------------------------------
 */

static void
close_others(const GArray *kept)
{
	unsigned first = 0;

	for (guint i = 0; i < kept->len; i++) {
		unsigned fd = (unsigned)g_array_index(kept, int, i);

		if (fd > first)
			syscall(SYS_close_range, first, fd - 1, 0);
		first = fd + 1;
	}
	syscall(SYS_close_range, first, ~0u, 0);
}

static G_NORETURN void
keep(const GArray *kept, int master, int orders)
{
	struct pollfd fds[] = {{.fd = master, .events = POLLIN}, {.fd = orders, .events = POLLIN}};

	prctl(PR_SET_NAME, "sysgait-keeper");
	prctl(PR_SET_DUMPABLE, 0);
	close_others(kept);
	/* It is of use with them all the same. */
	gait_privileges_drop_all();
	if (chdir("/") != 0)
		_exit(1);
	while (poll(fds, G_N_ELEMENTS(fds), -1) < 0)
		;
	_exit(0);
}

/* --- in the master ------------------------------------------------------------------------------
 */

static gint
compare(gconstpointer a, gconstpointer b)
{
	return *(const int *)a - *(const int *)b;
}

/* All that is BPF's: links, and what old kernels have in their place. */
static GArray *
find_kept(GError **error)
{
	g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, error);
	GArray *kept;
	const char *name;

	if (!directory)
		return NULL;
	kept = g_array_new(FALSE, FALSE, sizeof(int));
	while ((name = g_dir_read_name(directory))) {
		g_autofree char *path = g_strconcat("/proc/self/fd/", name, NULL);
		g_autofree char *target = g_file_read_link(path, NULL);
		int fd = atoi(name);

		if (target && g_str_has_prefix(target, "anon_inode:bpf"))
			g_array_append_val(kept, fd);
	}
	return kept;
}

/* Whether the keeper runs. */
static gboolean
start(const GArray *kept, int master, int orders)
{
	sigset_t all, before;
	pid_t between;
	int status = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	between = fork();
	if (between == 0) {
		pid_t keeper;

		setsid();
		keeper = fork();
		if (keeper == 0)
			keep(kept, master, orders);
		_exit(keeper < 0);
	}
	while (between > 0 && waitpid(between, &status, 0) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return between > 0 && status == 0;
}

/* FALSE with error where it does not run. */
static gboolean
start_with(GArray *kept, int master, int orders, GError **error)
{
	g_array_append_val(kept, master);
	g_array_append_val(kept, orders);
	g_array_sort(kept, compare);
	return (master >= 0 && orders >= 0 && start(kept, master, orders)) ||
	       gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "starting a process");
}

GaitKeeper *
gait_keeper_new(GError **error)
{
	g_autoptr(GArray) kept = find_kept(error);
	GaitKeeper *keeper;
	int master, orders;

	if (!kept)
		return NULL;
	orders = eventfd(0, EFD_CLOEXEC);
	master = (int)syscall(SYS_pidfd_open, getpid(), 0);
	keeper = start_with(kept, master, orders, error) ? g_new0(GaitKeeper, 1) : NULL;
	if (master >= 0)
		close(master);
	if (keeper)
		keeper->orders = orders;
	else if (orders >= 0)
		close(orders);
	return keeper;
}

void
gait_keeper_free(GaitKeeper *keeper)
{
	if (!keeper)
		return;
	eventfd_write(keeper->orders, 1);
	close(keeper->orders);
	g_free(keeper);
}
