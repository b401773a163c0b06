/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Births: how the tracer learns of a new task, and from whom. Two statuses tell of it, in either
 * order: the creator's event, and the newborn's first stop. The event decides: until then a newborn
 * is an orphan and stays stopped. Where its creator is killed in between, nobody ever announces it;
 * see gait_tracer_adopt_orphans().
 */
#include "process/tracer-private.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long an orphan waits for its creator's event, which comes within microseconds or never: where
 * there is nobody who could be the creator, and where there is. */
#define PATIENCE_US      20000
#define LONG_PATIENCE_US (2 * G_USEC_PER_SEC)

/* The flags that the creating call was given; what the kernel made of them is asked first, below.
 */
static guint64
get_clone_flags(const TracerTask *parent, const struct user_regs_struct *registers)
{
	guint64 flags = 0;
	struct iovec local = {&flags, sizeof(flags)};
	struct iovec remote = {(void *)registers->rdi, sizeof(flags)};

	switch ((guint32)registers->orig_rax) {
	case SYS_clone:
		return registers->rdi;
	case SYS_clone3:
		return process_vm_readv(parent->task.tid, &local, 1, &remote, 1, 0) == sizeof(flags)
		           ? flags
		           : 0;
	case SYS_vfork:
		return CLONE_VM | CLONE_VFORK;
	default:
		return 0;
	}
}

/*
 * Who shares what is asked of the kernel, not read from arguments, which may lie in memory that
 * another thread rewrites. The arguments serve where the newborn is dead already, and where kcmp is
 * not to be had (a non-dumpable program, CONFIG_KCMP off).
 */
static guint32
get_creation_flags(const TracerTask *parent, pid_t child, gboolean is_alive)
{
	struct user_regs_struct registers = {0};
	guint64 flags;
	long compared = -1;

	ptrace(PTRACE_GETREGS, parent->task.tid, NULL, &registers);
	flags = get_clone_flags(parent, &registers);
	if (is_alive && syscall(SYS_tgkill, parent->task.pid, child, 0) == 0)
		return GAIT_TASK_THREAD;
	if (!is_alive && (flags & CLONE_THREAD))
		return GAIT_TASK_THREAD;
	if (is_alive)
		compared = syscall(SYS_kcmp, parent->task.tid, child, KCMP_VM, 0, 0);
	if (compared == 0 || (compared < 0 && (flags & CLONE_VM)))
		return GAIT_TASK_VFORK;
	return 0;
}

static TracerTask *
add_child(GaitTracer *tracer, TracerTask *parent, pid_t tid, gboolean is_alive)
{
	guint32 flags = get_creation_flags(parent, tid, is_alive);
	TracerTask *child =
	    gait_tracer_add(tracer, tid, flags & GAIT_TASK_THREAD ? parent->task.pid : tid);

	child->task.flags = flags;
	if (parent->task.space)
		child->task.space = flags & (GAIT_TASK_THREAD | GAIT_TASK_VFORK)
		                        ? gait_space_ref(parent->task.space)
		                        : gait_space_copy(parent->task.space, tid);
	child->stops_at_entry = parent->stops_at_entry;
	return child;
}

static gboolean
take_orphan(GaitTracer *tracer, pid_t tid, int *status)
{
	for (guint i = 0; i < tracer->orphans->len; i++) {
		TracerOrphan *orphan = &g_array_index(tracer->orphans, TracerOrphan, i);

		if (orphan->tid == tid) {
			*status = orphan->status;
			g_array_remove_index(tracer->orphans, i);
			return TRUE;
		}
	}
	return FALSE;
}

/* The newborn's first status: it may have come already; if not, it comes at once. */
static gboolean
get_first_status(GaitTracer *tracer, pid_t tid, int *status)
{
	pid_t waited;

	if (take_orphan(tracer, tid, status))
		return TRUE;
	do
		waited = waitpid(tid, status, __WALL | __WNOTHREAD);
	while (waited < 0 && errno == EINTR);
	return waited == tid;
}

/* What has come from a task, from its first status on. A tid that comes again after a death is
 * another task's. */
static void
handle_from_first(GaitTracer *tracer, pid_t tid, int status)
{
	do
		gait_tracer_handle(tracer, tid, status);
	while (gait_tracer_find(tracer, tid) && take_orphan(tracer, tid, &status));
}

void
gait_tracer_handle_creation(GaitTracer *tracer, TracerTask *parent)
{
	unsigned long message = 0;
	TracerTask *child;
	int status;

	/* A failure means that the parent was killed just now: the child becomes an orphan. */
	if (ptrace(PTRACE_GETEVENTMSG, parent->task.tid, NULL, &message) != 0)
		return;
	gait_tracer_restore(parent);
	parent->is_creating = FALSE;
	/* Known: it was taken in as an orphan. No status: it is not traced (CLONE_UNTRACED). */
	if (gait_tracer_find(tracer, message) || !get_first_status(tracer, message, &status)) {
		gait_tracer_resume(parent, 0);
		return;
	}
	child = add_child(tracer, parent, message, WIFSTOPPED(status));
	gait_tracer_announce(tracer, child, parent);
	/* First, so that a vfork child runs before its parent is let into its wait. */
	handle_from_first(tracer, message, status);
	gait_tracer_resume(parent, 0);
}

static void
adopt(GaitTracer *tracer, pid_t tid, int status)
{
	TracerTask *task = gait_tracer_add(tracer, tid, tid);

	task->task.space = gait_space_new(tracer->modules, tid);
	gait_tracer_announce(tracer, task, NULL);
	handle_from_first(tracer, tid, status);
}

/* Whether its parent is a process of ours, which then may be its creator. (CLONE_PARENT aside, a
 * killed creator's children have got another parent.) */
static gboolean
has_parent_here(GaitTracer *tracer, pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", tid);
	g_autofree char *status = NULL;
	const char *line;

	if (!g_file_get_contents(path, &status, NULL, NULL))
		return FALSE;
	line = strstr(status, "\nPPid:");
	return line && gait_tracer_find(tracer, atoi(line + strlen("\nPPid:")));
}

static gboolean
is_abandoned(GaitTracer *tracer, const TracerOrphan *orphan)
{
	gint64 waited_us = g_get_monotonic_time() - orphan->since_us;

	return g_hash_table_size(tracer->tasks) == 0 || waited_us >= LONG_PATIENCE_US ||
	       (waited_us >= PATIENCE_US && !has_parent_here(tracer, orphan->tid));
}

/*
 * The creator stops in its event right after the birth, so an orphan that nobody claims for a while
 * has none: it was killed in between. (A thread cannot be such an orphan: it dies with its
 * creator.) One that is dead did nothing, and its number may be another's by now.
 */
void
gait_tracer_adopt_orphans(GaitTracer *tracer)
{
	for (guint i = 0; i < tracer->orphans->len;) {
		TracerOrphan orphan = g_array_index(tracer->orphans, TracerOrphan, i);

		if (!is_abandoned(tracer, &orphan)) {
			i++;
			continue;
		}
		g_array_remove_index(tracer->orphans, i);
		if (WIFSTOPPED(orphan.status))
			adopt(tracer, orphan.tid, orphan.status);
		i = 0; /* adopting may have taken others */
	}
}

int
gait_tracer_get_orphan_timeout(const GaitTracer *tracer)
{
	return tracer->orphans->len > 0 ? PATIENCE_US / 1000 : -1;
}

void
gait_tracer_keep_orphan(GaitTracer *tracer, pid_t tid, int status)
{
	TracerOrphan orphan = {tid, status, g_get_monotonic_time()};

	if (tracer->is_killing && WIFSTOPPED(status))
		syscall(SYS_tkill, tid, SIGKILL);
	g_array_append_val(tracer->orphans, orphan);
}
