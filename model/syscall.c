/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls by number: names, argument classes, and what else sysgait has to know of a few.
 *
 * Names come from libseccomp, numbers from the kernel's headers. The class of a call is made of at
 * most two arguments that decide what it does, packed side by side, so that it can be printed again
 * (syscall-args.c). Whatever a pointer points to is left out: another thread can change it after we
 * looked.
 */
#include "model/syscall-private.h"

#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define ONE(kind, index)                                                                           \
	{                                                                                          \
		{                                                                                  \
			GAIT_ARG_##kind, index, 0                                                  \
		}                                                                                  \
	}

static const GaitArg args_of[][GAIT_MAX_ARGS] = {
    [SYS_open] = ONE(OPEN, 1),
    [SYS_openat] = ONE(OPEN, 2),
    [SYS_open_by_handle_at] = ONE(OPEN, 2),
    [SYS_mq_open] = ONE(OPEN, 1),
    [SYS_mmap] = ONE(PROT, 2),
    [SYS_mprotect] = ONE(PROT, 2),
    [SYS_pkey_mprotect] = ONE(PROT, 2),
    [SYS_socket] = {{GAIT_ARG_DOMAIN, 0, 0}, {GAIT_ARG_TYPE, 1, 16}},
    [SYS_socketpair] = {{GAIT_ARG_DOMAIN, 0, 0}, {GAIT_ARG_TYPE, 1, 16}},
    [SYS_clone] = ONE(CLONE, 0),
    [SYS_unshare] = ONE(NAMESPACE, 0),
    [SYS_setns] = ONE(NAMESPACE, 1),
    [SYS_kill] = ONE(SIGNAL, 1),
    [SYS_tkill] = ONE(SIGNAL, 1),
    [SYS_tgkill] = ONE(SIGNAL, 2),
    [SYS_rt_sigqueueinfo] = ONE(SIGNAL, 1),
    [SYS_rt_tgsigqueueinfo] = ONE(SIGNAL, 2),
    [SYS_pidfd_send_signal] = ONE(SIGNAL, 1),
    [SYS_futex] = ONE(FUTEX, 1),
    [SYS_msgctl] = ONE(MSGCTL, 1),
    [SYS_shmctl] = ONE(SHMCTL, 1),
    [SYS_semctl] = ONE(SEMCTL, 2),
    [SYS_fcntl] = ONE(FCNTL, 1),
    [SYS_ioctl] = ONE(IOCTL, 1),
    [SYS_prctl] = ONE(PRCTL, 0),
    [SYS_arch_prctl] = ONE(ARCH_PRCTL, 0),
    [SYS_madvise] = ONE(MADVISE, 2),
    [SYS_process_madvise] = ONE(MADVISE, 3),
    [SYS_keyctl] = ONE(KEYCTL, 0),
    [SYS_bpf] = ONE(BPF, 0),
    [SYS_ptrace] = ONE(PTRACE, 0),
    [SYS_seccomp] = ONE(SECCOMP, 0),
    [SYS_quotactl] = ONE(QUOTA, 0),
    [SYS_quotactl_fd] = ONE(QUOTA, 1),
    [SYS_epoll_ctl] = ONE(EPOLL, 1),
    [SYS_personality] = ONE(PERSONALITY, 0),
};

static const guint32 class_masks[] = {[GAIT_ARG_NONE] = 0,
#define X(name, klass, kept, width) [GAIT_ARG_##name] = (klass),
                                      GAIT_ARG_KINDS(X)
#undef X
};

static const guint32 kept_masks[] = {[GAIT_ARG_NONE] = 0,
#define X(name, klass, kept, width) [GAIT_ARG_##name] = (kept),
                                     GAIT_ARG_KINDS(X)
#undef X
};

const GaitArg *
gait_syscall_get_args(guint32 nr)
{
	static const GaitArg none[GAIT_MAX_ARGS];

	return nr < G_N_ELEMENTS(args_of) ? args_of[nr] : none;
}

guint32
gait_arg_class_mask(GaitArgKind kind)
{
	return class_masks[kind];
}

guint32
gait_syscall_class(guint32 nr, const guint64 args[6])
{
	const GaitArg *arg;
	guint32 klass = 0;

	if (nr >= G_N_ELEMENTS(args_of))
		return 0;
	arg = args_of[nr];
	for (guint i = 0; i < GAIT_MAX_ARGS && arg[i].kind != GAIT_ARG_NONE; i++)
		klass |= ((guint32)args[arg[i].index] & class_masks[arg[i].kind]) << arg[i].shift;
	return klass;
}

void
gait_syscall_get_class_parts(guint32 nr, GaitClassPart parts[GAIT_MAX_CLASS_PARTS])
{
	const GaitArg *arg = gait_syscall_get_args(nr);

	G_STATIC_ASSERT(GAIT_MAX_CLASS_PARTS == GAIT_MAX_ARGS);
	for (guint i = 0; i < GAIT_MAX_ARGS; i++)
		parts[i] = (GaitClassPart){arg[i].index, arg[i].shift, class_masks[arg[i].kind]};
}

void
gait_syscall_keep_args(guint32 nr, const guint64 args[6], guint64 kept[6])
{
	const GaitArg *arg = gait_syscall_get_args(nr);

	memset(kept, 0, 6 * sizeof(*kept));
	for (guint i = 0; i < GAIT_MAX_ARGS && arg[i].kind != GAIT_ARG_NONE; i++)
		kept[arg[i].index] = (guint32)args[arg[i].index] & kept_masks[arg[i].kind];
}

/* --- names --------------------------------------------------------------------------------------
 */

#define MAX_NAMED     1024
#define MAX_STRANGERS 4096
#define X32_BIT       0x40000000u

static const char *names[MAX_NAMED];

static const char *
resolve_name(guint32 nr)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);

	return name ? name : g_strdup_printf("syscall_%u", nr);
}

/*
 * Numbers that the kernel does not have. A hostile target can make four thousand million of them,
 * so only so many get names of their own.
 */
static const char *
stranger_name(guint32 nr)
{
	static GMutex lock;
	static GHashTable *strangers;
	gpointer key = GUINT_TO_POINTER(nr);
	g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
	const char *name;

	if (!strangers)
		strangers = g_hash_table_new(NULL, NULL);
	name = g_hash_table_lookup(strangers, key);
	if (name)
		return name;
	if (g_hash_table_size(strangers) == MAX_STRANGERS)
		return "syscall_unknown";
	name = g_strdup_printf("syscall_%u", nr);
	g_hash_table_insert(strangers, key, (gpointer)name);
	return name;
}

const char *
gait_syscall_name(guint32 nr)
{
	static gsize once;

	if (g_once_init_enter(&once)) {
		for (guint32 i = 0; i < MAX_NAMED; i++)
			names[i] = resolve_name(i);
		g_once_init_leave(&once, 1);
	}
	return nr < MAX_NAMED ? names[nr] : stranger_name(nr);
}

gint32
gait_syscall_from_name(const char *name)
{
	guint64 value;
	int nr;

	if (g_str_has_prefix(name, "syscall_")) {
		const char *digits = name + strlen("syscall_");
		gboolean is_hex = g_str_has_prefix(digits, "0x"); /* as strace writes it */

		if (g_ascii_string_to_unsigned(digits + (is_hex ? 2 : 0), is_hex ? 16 : 10, 0,
		                               G_MAXINT32, &value, NULL))
			return (gint32)value;
		return -1;
	}
	/* Negative numbers of libseccomp's own stand for calls that other architectures have. */
	nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
	return nr < 0 ? -1 : nr;
}

guint32
gait_syscall_get_max(void)
{
	static gsize max;

	if (g_once_init_enter(&max)) {
		gsize nr = MAX_NAMED - 1;

		while (nr > 1 && g_str_has_prefix(gait_syscall_name((guint32)nr), "syscall_"))
			nr--;
		g_once_init_leave(&max, nr);
	}
	return (guint32)max;
}

/* --- properties ---------------------------------------------------------------------------------
 */

gboolean
gait_syscall_is_incidental(guint32 nr)
{
	return nr == SYS_futex || nr == SYS_sched_yield || nr == SYS_brk;
}

gboolean
gait_syscall_is_vdso(guint32 nr)
{
	return nr == SYS_clock_gettime || nr == SYS_gettimeofday || nr == SYS_time ||
	       nr == SYS_getcpu;
}

gboolean
gait_syscall_is_heap(guint32 nr, guint32 klass)
{
	if (nr == SYS_mmap || nr == SYS_mprotect)
		return klass == PROT_NONE || klass == (PROT_READ | PROT_WRITE);
	return nr == SYS_munmap || nr == SYS_mremap || nr == SYS_madvise;
}

gboolean
gait_syscall_is_wait(guint32 nr)
{
	static const guint32 waits[] = {
	    SYS_poll,         SYS_ppoll,         SYS_select,
	    SYS_pselect6,     SYS_epoll_wait,    SYS_epoll_pwait,
	    SYS_pause,        SYS_nanosleep,     SYS_clock_nanosleep,
	    SYS_wait4,        SYS_rt_sigsuspend, SYS_rt_sigtimedwait,
	    SYS_waitid,
#ifdef SYS_epoll_pwait2
	    SYS_epoll_pwait2,
#endif
	};

	for (guint i = 0; i < G_N_ELEMENTS(waits); i++)
		if (nr == waits[i])
			return TRUE;
	return FALSE;
}

gboolean
gait_syscall_is_creation(guint32 nr)
{
	return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork;
}

gboolean
gait_syscall_is_exec(guint32 nr)
{
	return nr == SYS_execve || nr == SYS_execveat;
}

/*
 * The critical ones are those of Ghavamnia et al., "Temporal System Call Specialization for Attack
 * Surface Reduction" (USENIX Security 2020), in its three groups: execution, permission, network.
 * What gives control over a file system, another process's memory or the kernel is added after
 * Bernaschi, Gabrielli and Mancini, "REMUS" (ACM TISSEC 5(1), 2002), whose first threat level is
 * "full control of the system". Calls that do the same thing with other arguments weigh the same.
 */
#define EXECUTION  1.0
#define KERNEL     1.0
#define PERMISSION 0.8
#define MEMORY     0.7
#define NETWORK    0.6
#define FILES      0.5
#define HARMLESS   0.05

static const double dangers[] = {
    [SYS_execve] = EXECUTION,
    [SYS_execveat] = EXECUTION,
    [SYS_fork] = EXECUTION,
    [SYS_vfork] = EXECUTION,
    [SYS_clone] = EXECUTION,
    [SYS_clone3] = EXECUTION,
    [SYS_ptrace] = EXECUTION,
    [SYS_process_vm_writev] = EXECUTION,
    [SYS_pidfd_getfd] = EXECUTION,
    [SYS_init_module] = KERNEL,
    [SYS_finit_module] = KERNEL,
    [SYS_delete_module] = KERNEL,
    [SYS_kexec_load] = KERNEL,
    [SYS_kexec_file_load] = KERNEL,
    [SYS_bpf] = KERNEL,
    [SYS_io_uring_setup] = KERNEL,
    [SYS_userfaultfd] = KERNEL,
    [SYS_perf_event_open] = KERNEL,
    [SYS_iopl] = KERNEL,
    [SYS_ioperm] = KERNEL,
    [SYS_reboot] = KERNEL,
    [SYS_chmod] = PERMISSION,
    [SYS_fchmod] = PERMISSION,
    [SYS_fchmodat] = PERMISSION,
    [SYS_chown] = PERMISSION,
    [SYS_fchown] = PERMISSION,
    [SYS_lchown] = PERMISSION,
    [SYS_fchownat] = PERMISSION,
    [SYS_setuid] = PERMISSION,
    [SYS_setgid] = PERMISSION,
    [SYS_setreuid] = PERMISSION,
    [SYS_setregid] = PERMISSION,
    [SYS_setresuid] = PERMISSION,
    [SYS_setresgid] = PERMISSION,
    [SYS_setfsuid] = PERMISSION,
    [SYS_setfsgid] = PERMISSION,
    [SYS_setgroups] = PERMISSION,
    [SYS_capset] = PERMISSION,
    [SYS_setns] = PERMISSION,
    [SYS_unshare] = PERMISSION,
    [SYS_chroot] = PERMISSION,
    [SYS_pivot_root] = PERMISSION,
    [SYS_mount] = PERMISSION,
    [SYS_umount2] = PERMISSION,
    [SYS_move_mount] = PERMISSION,
    [SYS_open_by_handle_at] = PERMISSION,
    [SYS_setxattr] = PERMISSION,
    [SYS_lsetxattr] = PERMISSION,
    [SYS_fsetxattr] = PERMISSION,
    [SYS_prctl] = 0.2,
    [SYS_seccomp] = 0.2,
    [SYS_keyctl] = 0.3,
    [SYS_mprotect] = MEMORY,
    [SYS_pkey_mprotect] = MEMORY,
    [SYS_mmap] = 0.3,
    [SYS_mremap] = 0.3,
    [SYS_memfd_create] = MEMORY,
    [SYS_personality] = MEMORY,
    [SYS_modify_ldt] = MEMORY,
    [SYS_socket] = NETWORK,
    [SYS_connect] = NETWORK,
    [SYS_bind] = NETWORK,
    [SYS_listen] = NETWORK,
    [SYS_accept] = NETWORK,
    [SYS_accept4] = NETWORK,
    [SYS_sendto] = 0.3,
    [SYS_sendmsg] = 0.3,
    [SYS_sendmmsg] = 0.3,
    [SYS_recvfrom] = 0.3,
    [SYS_recvmsg] = 0.3,
    [SYS_recvmmsg] = 0.3,
    [SYS_open] = FILES,
    [SYS_openat] = FILES,
    [SYS_openat2] = FILES,
    [SYS_creat] = FILES,
    [SYS_unlink] = FILES,
    [SYS_unlinkat] = FILES,
    [SYS_rename] = FILES,
    [SYS_renameat] = FILES,
    [SYS_renameat2] = FILES,
    [SYS_link] = FILES,
    [SYS_linkat] = FILES,
    [SYS_symlink] = FILES,
    [SYS_symlinkat] = FILES,
    [SYS_mknod] = FILES,
    [SYS_mknodat] = FILES,
    [SYS_mkdir] = 0.3,
    [SYS_mkdirat] = 0.3,
    [SYS_rmdir] = 0.3,
    [SYS_truncate] = FILES,
    [SYS_ftruncate] = 0.3,
    [SYS_dup2] = 0.2, /* with a socket, the other half of a shell over the network */
    [SYS_dup3] = 0.2,
    [SYS_dup] = 0.2,
    [SYS_kill] = 0.4,
    [SYS_tkill] = 0.2,
    [SYS_tgkill] = 0.2,
    [SYS_ioctl] = 0.2,
};

double
gait_syscall_danger(guint32 nr)
{
	if (nr < G_N_ELEMENTS(dangers) && dangers[nr] > 0)
		return dangers[nr];
	return HARMLESS;
}

gboolean
gait_syscall_is_harmless(guint32 nr)
{
	return gait_syscall_danger(nr) <= HARMLESS;
}
