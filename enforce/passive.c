/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two lists, as libseccomp's rules. What is in neither acts: it changes files, other processes,
 * or what others see of a socket or pipe, and may have done so before a kill takes effect (unlink,
 * rename, writes to pipes and sockets, chmod, connect, mount: measured, tests/attacks).
 *
 * Passive calls, in full: waiting; reading; asking; memory of one's own that is not made
 * executable, nor shared with others and written to; descriptors and locks of the process's own,
 * which are closed and released with it; opening what exists to read it.
 *
 * Not among them is what belongs to an open file, or the like, that another process may have open
 * as well: its offset, its flock and OFD locks, what an epoll instance, timer, inotify or signal
 * descriptor was told; and what makes the kernel load a module (sockets of any family), or memory
 * that others could open at /proc/PID/fd. All of that outlives the process (measured:
 * tests/e2e/remains).
 *
 * What can be left of a passive call: what it has read from a pipe, socket or terminal is gone for
 * others who read there, and what it accepted was a connection; offsets have moved by what was
 * read; somebody has seen a lock for a moment, or a reader at a FIFO.
 */
#include "enforce/passive.h"

#include "sysgait/error.h"

#include <fcntl.h>
#include <sys/mman.h>

/* Where mask is not 0, only with (args[argument] & mask) == value; where no_bits is not 0, only
 * with (args[3] & no_bits) == 0. */
typedef struct {
	const char *name;
	guint64 mask, value;
	guint argument;
	guint64 no_bits;
} Rule;

/* Opening that changes a file, or makes one, or lets write. __O_TMPFILE is the bit that O_TMPFILE
 * adds. */
#define CHANGES (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static const Rule passive[] = {
    /* Reading. */
    {.name = "read"},
    {.name = "pread64"},
    {.name = "readv"},
    {.name = "preadv"},
    {.name = "preadv2"},
    {.name = "recvfrom"},
    {.name = "recvmsg"},
    {.name = "recvmmsg"},
    {.name = "readlink"},
    {.name = "readlinkat"},
    {.name = "getdents"},
    {.name = "getdents64"},
    {.name = "getxattr"},
    {.name = "lgetxattr"},
    {.name = "fgetxattr"},
    {.name = "listxattr"},
    {.name = "llistxattr"},
    {.name = "flistxattr"},
    {.name = "readahead"},
    {.name = "fadvise64"},
    {.name = "getrandom"},
    /* Waiting. */
    {.name = "poll"},
    {.name = "ppoll"},
    {.name = "select"},
    {.name = "pselect6"},
    {.name = "epoll_wait"},
    {.name = "epoll_pwait"},
    {.name = "epoll_pwait2"},
    {.name = "futex"},
    {.name = "sched_yield"},
    {.name = "nanosleep"},
    {.name = "clock_nanosleep"},
    {.name = "pause"},
    {.name = "wait4"},
    {.name = "waitid"},
    {.name = "rt_sigtimedwait"},
    {.name = "rt_sigsuspend"},
    {.name = "restart_syscall"},
    {.name = "accept"},
    {.name = "accept4"},
    {.name = "fsync"},
    {.name = "fdatasync"},
    {.name = "exit"},
    {.name = "exit_group"},
    /* Asking. */
    {.name = "stat"},
    {.name = "fstat"},
    {.name = "lstat"},
    {.name = "newfstatat"},
    {.name = "statx"},
    {.name = "statfs"},
    {.name = "fstatfs"},
    {.name = "access"},
    {.name = "faccessat"},
    {.name = "faccessat2"},
    {.name = "getcwd"},
    {.name = "uname"},
    {.name = "sysinfo"},
    {.name = "times"},
    {.name = "time"},
    {.name = "gettimeofday"},
    {.name = "clock_gettime"},
    {.name = "clock_getres"},
    {.name = "getcpu"},
    {.name = "getpid"},
    {.name = "gettid"},
    {.name = "getppid"},
    {.name = "getpgrp"},
    {.name = "getpgid"},
    {.name = "getsid"},
    {.name = "getuid"},
    {.name = "geteuid"},
    {.name = "getgid"},
    {.name = "getegid"},
    {.name = "getresuid"},
    {.name = "getresgid"},
    {.name = "getgroups"},
    {.name = "getrlimit"},
    {.name = "getrusage"},
    {.name = "getpriority"},
    {.name = "getitimer"},
    {.name = "getsockname"},
    {.name = "getpeername"},
    {.name = "getsockopt"},
    {.name = "capget"},
    {.name = "sched_getaffinity"},
    {.name = "sched_getparam"},
    {.name = "sched_getscheduler"},
    {.name = "sched_get_priority_max"},
    {.name = "sched_get_priority_min"},
    {.name = "timer_gettime"},
    {.name = "timerfd_gettime"},
    {.name = "rt_sigpending"},
    {.name = "mincore"},
    /* Its own: gone with it. */
    {.name = "rt_sigaction"},
    {.name = "rt_sigprocmask"},
    {.name = "rt_sigreturn"},
    {.name = "sigaltstack"},
    {.name = "set_tid_address"},
    {.name = "set_robust_list"},
    {.name = "get_robust_list"},
    {.name = "rseq"},
    {.name = "arch_prctl"},
    {.name = "alarm"},
    {.name = "brk"},
    {.name = "munmap"},
    {.name = "membarrier"},
    {.name = "close"},
    {.name = "close_range"},
    {.name = "dup"},
    {.name = "dup2"},
    {.name = "dup3"},
    {.name = "pipe"},
    {.name = "pipe2"},
    {.name = "eventfd"},
    {.name = "eventfd2"},
    {.name = "epoll_create"},
    {.name = "epoll_create1"},
    {.name = "timerfd_create"},
    {.name = "inotify_init"},
    {.name = "inotify_init1"},
    {.name = "mmap", .argument = 2, .mask = PROT_EXEC | PROT_WRITE, .value = 0},
    {.name = "mmap", .argument = 2, .mask = PROT_EXEC, .value = 0, .no_bits = MAP_SHARED},
    {.name = "mprotect", .argument = 2, .mask = PROT_EXEC, .value = 0},
    {.name = "pkey_mprotect", .argument = 2, .mask = PROT_EXEC, .value = 0},
    {.name = "open", .argument = 1, .mask = CHANGES, .value = 0},
    {.name = "openat", .argument = 2, .mask = CHANGES, .value = 0},
#define FCNTL(command)                                                                             \
	{                                                                                          \
		.name = "fcntl", .argument = 1, .mask = 0xffffffff, .value = (command)             \
	}
    FCNTL(F_DUPFD),
    FCNTL(F_DUPFD_CLOEXEC),
    FCNTL(F_GETFD),
    FCNTL(F_SETFD),
    FCNTL(F_GETFL),
    FCNTL(F_GETLK),
    FCNTL(F_SETLK),
    FCNTL(F_SETLKW),
    FCNTL(F_OFD_GETLK),
#define MADVISE(advice)                                                                            \
	{                                                                                          \
		.name = "madvise", .argument = 2, .mask = 0xffffffff, .value = (advice)            \
	}
    MADVISE(MADV_NORMAL),
    MADVISE(MADV_RANDOM),
    MADVISE(MADV_SEQUENTIAL),
    MADVISE(MADV_WILLNEED),
    MADVISE(MADV_DONTNEED),
    MADVISE(MADV_FREE),
    MADVISE(MADV_HUGEPAGE),
    MADVISE(MADV_NOHUGEPAGE),
    MADVISE(MADV_DONTDUMP),
    MADVISE(MADV_DODUMP),
    MADVISE(MADV_DONTFORK),
    MADVISE(MADV_DOFORK),
};

static const Rule pivotal[] = {
    {.name = "execve"},
    {.name = "execveat"},
    {.name = "clone"},
    {.name = "clone3"},
    {.name = "fork"},
    {.name = "vfork"},
    {.name = "kill"},
    {.name = "tkill"},
    {.name = "tgkill"},
    {.name = "rt_sigqueueinfo"},
    {.name = "rt_tgsigqueueinfo"},
    {.name = "pidfd_send_signal"},
    {.name = "mmap", .argument = 2, .mask = PROT_EXEC, .value = PROT_EXEC},
    {.name = "mprotect", .argument = 2, .mask = PROT_EXEC, .value = PROT_EXEC},
    {.name = "pkey_mprotect", .argument = 2, .mask = PROT_EXEC, .value = PROT_EXEC},
};

static gboolean
add_rules(scmp_filter_ctx context, guint32 action, const Rule *rules, gsize n, GError **error)
{
	for (gsize i = 0; i < n; i++) {
		const struct scmp_arg_cmp compare[] = {
		    SCMP_CMP(rules[i].argument, SCMP_CMP_MASKED_EQ, rules[i].mask, rules[i].value),
		    SCMP_CMP(3, SCMP_CMP_MASKED_EQ, rules[i].no_bits, 0),
		};
		int nr = seccomp_syscall_resolve_name(rules[i].name);
		int result = nr < 0 ? 0
		                    : seccomp_rule_add_exact_array(
		                          context, action, nr,
		                          (rules[i].mask != 0) + (rules[i].no_bits != 0), compare);

		if (result < 0)
			return gait_error_system(error, GAIT_ENFORCE_ERROR, -result,
			                         "seccomp_rule_add(%s)", rules[i].name);
	}
	return TRUE;
}

gboolean
gait_passive_add_rules(scmp_filter_ctx context, guint32 allow, GError **error)
{
	return add_rules(context, allow, passive, G_N_ELEMENTS(passive), error);
}

gboolean
gait_pivotal_add_rules(scmp_filter_ctx context, guint32 stop, GError **error)
{
	return add_rules(context, stop, pivotal, G_N_ELEMENTS(pivotal), error);
}

static gboolean
is_always(const Rule *rules, gsize n, int nr)
{
	for (gsize i = 0; i < n; i++)
		if (rules[i].mask == 0 && seccomp_syscall_resolve_name(rules[i].name) == nr)
			return TRUE;
	return FALSE;
}

gboolean
gait_passive_is_always(int nr)
{
	return is_always(passive, G_N_ELEMENTS(passive), nr);
}

gboolean
gait_pivotal_is_always(int nr)
{
	return is_always(pivotal, G_N_ELEMENTS(pivotal), nr);
}
