/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which calls do which act. That calls come in such groups, and that a specialised attack takes
 * whichever member is left, is from Ghavamnia et al., "Temporal System Call Specialization for
 * Attack Surface Reduction" (USENIX Security 2020), §6.2, who count payloads with their variants.
 * Classes of arguments tell apart what a number does not: opening to read or to write, mapping data
 * or code.
 */
#include "model/act.h"

#include "sysgait/syscall.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Of the argument class. */
typedef enum {
	WHEN_ALWAYS,
	WHEN_READS,      /* open flags */
	WHEN_WRITES,     /* open flags */
	WHEN_EXECUTABLE, /* PROT_EXEC */
	WHEN_INTERNET,   /* socket domain, and no raw type */
	WHEN_RAW,        /* any other domain but AF_UNIX, or SOCK_RAW */
	WHEN_DUPLICATES, /* fcntl operation */
} When;

typedef struct {
	guint32 nr;
	GaitAct act;
	When when;
} Row;

#define ROW(call, what)                                                                            \
	{                                                                                          \
		SYS_##call, GAIT_ACT_##what, WHEN_ALWAYS                                           \
	}
#define ROW_IF(call, what, condition)                                                              \
	{                                                                                          \
		SYS_##call, GAIT_ACT_##what, WHEN_##condition                                      \
	}

static const Row rows[] = {
    ROW(execve, EXECUTE),
    ROW(execveat, EXECUTE),
    ROW(fork, SPAWN),
    ROW(vfork, SPAWN),
    ROW(clone, SPAWN),
    ROW(clone3, SPAWN),
    ROW_IF(mmap, MAP_CODE, EXECUTABLE),
    ROW_IF(mprotect, MAP_CODE, EXECUTABLE),
    ROW_IF(pkey_mprotect, MAP_CODE, EXECUTABLE),
    ROW(memfd_create, CREATE_MEMFD),
    ROW_IF(socket, SOCKET, INTERNET),
    ROW_IF(socket, RAW_SOCKET, RAW),
    ROW(connect, CONNECT),
    ROW(bind, BIND),
    ROW(listen, LISTEN),
    ROW(accept, ACCEPT),
    ROW(accept4, ACCEPT),
    ROW(dup, DUPLICATE),
    ROW(dup2, DUPLICATE),
    ROW(dup3, DUPLICATE),
    ROW_IF(fcntl, DUPLICATE, DUPLICATES),
    ROW_IF(open, OPEN_READ, READS),
    ROW_IF(open, OPEN_WRITE, WRITES),
    ROW_IF(openat, OPEN_READ, READS),
    ROW_IF(openat, OPEN_WRITE, WRITES),
    ROW(openat2, OPEN_READ), /* its flags lie behind a pointer */
    ROW(openat2, OPEN_WRITE),
    ROW(creat, OPEN_WRITE),
    ROW(read, READ),
    ROW(readv, READ),
    ROW(pread64, READ),
    ROW(preadv, READ),
    ROW(preadv2, READ),
    ROW(recvfrom, READ),
    ROW(recvmsg, READ),
    ROW(recvmmsg, READ),
    ROW(write, WRITE),
    ROW(writev, WRITE),
    ROW(pwrite64, WRITE),
    ROW(pwritev, WRITE),
    ROW(pwritev2, WRITE),
    ROW(sendto, WRITE),
    ROW(sendmsg, WRITE),
    ROW(sendmmsg, WRITE),
    ROW(sendfile, TRANSFER),
    ROW(splice, TRANSFER),
    ROW(copy_file_range, TRANSFER),
    ROW(lseek, SEEK),
    ROW(unlink, REMOVE),
    ROW(unlinkat, REMOVE),
    ROW(rmdir, REMOVE),
    ROW(rename, RENAME),
    ROW(renameat, RENAME),
    ROW(renameat2, RENAME),
    ROW(link, LINK),
    ROW(linkat, LINK),
    ROW(symlink, LINK),
    ROW(symlinkat, LINK),
    ROW(mkdir, MAKE_DIRECTORY),
    ROW(mkdirat, MAKE_DIRECTORY),
    ROW(truncate, TRUNCATE),
    ROW(ftruncate, TRUNCATE),
    ROW(chmod, CHANGE_MODE),
    ROW(fchmod, CHANGE_MODE),
    ROW(fchmodat, CHANGE_MODE),
    ROW(chown, CHANGE_OWNER),
    ROW(fchown, CHANGE_OWNER),
    ROW(lchown, CHANGE_OWNER),
    ROW(fchownat, CHANGE_OWNER),
    ROW(setuid, BECOME_USER),
    ROW(setreuid, BECOME_USER),
    ROW(setresuid, BECOME_USER),
    ROW(setfsuid, BECOME_USER),
    ROW(setgid, BECOME_GROUP),
    ROW(setregid, BECOME_GROUP),
    ROW(setresgid, BECOME_GROUP),
    ROW(setfsgid, BECOME_GROUP),
    ROW(setgroups, BECOME_GROUP),
    ROW(capset, SET_CAPABILITIES),
    ROW(chdir, CHANGE_DIRECTORY),
    ROW(fchdir, CHANGE_DIRECTORY),
    ROW(chroot, CHANGE_ROOT),
    ROW(pivot_root, CHANGE_ROOT),
    ROW(mount, MOUNT),
    ROW(move_mount, MOUNT),
    ROW(umount2, UNMOUNT),
    ROW(unshare, NAMESPACE),
    ROW(setns, NAMESPACE),
    ROW(kill, SIGNAL),
    ROW(tkill, SIGNAL),
    ROW(tgkill, SIGNAL),
    ROW(rt_sigqueueinfo, SIGNAL),
    ROW(rt_tgsigqueueinfo, SIGNAL),
    ROW(pidfd_send_signal, SIGNAL),
    ROW(ptrace, TRACE),
    ROW(process_vm_writev, WRITE_MEMORY),
    ROW(pidfd_getfd, TAKE_DESCRIPTOR),
    ROW(init_module, LOAD_MODULE),
    ROW(finit_module, LOAD_MODULE),
    ROW(kexec_load, LOAD_MODULE),
    ROW(kexec_file_load, LOAD_MODULE),
    ROW(bpf, LOAD_BPF),
    ROW(io_uring_setup, SETUP_URING),
    ROW(keyctl, USE_KEYS),
    ROW(add_key, USE_KEYS),
    ROW(request_key, USE_KEYS),
    ROW(personality, CHANGE_PERSONALITY),
    ROW(open_by_handle_at, OPEN_HANDLE),
    ROW(ioctl, CONTROL),
    ROW(reboot, REBOOT),
    ROW(sethostname, NAME_HOST),
    ROW(setdomainname, NAME_HOST),
};

static const char *const texts[GAIT_ACT_N_] = {
#define X(name, text) text,
    GAIT_ACTS(X)
#undef X
};

G_STATIC_ASSERT(GAIT_ACT_N_ <= 64);

const char *
gait_act_text(GaitAct act)
{
	return texts[act];
}

/* Domain in the low half of the class, type above (syscall.c). */
static gboolean
is_raw_socket(guint32 klass)
{
	guint32 domain = klass & 0xffff, type = klass >> 16;

	return type == SOCK_RAW || type == SOCK_PACKET ||
	       (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6);
}

static gboolean
holds(When when, guint32 klass)
{
	switch (when) {
	case WHEN_ALWAYS:
		return TRUE;
	case WHEN_READS:
		return (klass & O_ACCMODE) != O_WRONLY;
	case WHEN_WRITES:
		return (klass & O_ACCMODE) != O_RDONLY || (klass & (O_CREAT | O_TRUNC)) != 0;
	case WHEN_EXECUTABLE:
		return (klass & PROT_EXEC) != 0;
	case WHEN_INTERNET:
		return (klass & 0xffff) != AF_UNIX && !is_raw_socket(klass);
	case WHEN_RAW:
		return is_raw_socket(klass);
	case WHEN_DUPLICATES:
		return klass == F_DUPFD || klass == F_DUPFD_CLOEXEC;
	}
	g_assert_not_reached();
}

gboolean
gait_act_matches(GaitAct act, guint32 nr, guint32 klass)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].nr == nr && rows[i].act == act)
			return holds(rows[i].when, klass);
	return FALSE;
}

guint64
gait_act_mask(guint32 nr, guint32 klass)
{
	guint64 mask = 0;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].nr == nr && holds(rows[i].when, klass))
			mask |= G_GUINT64_CONSTANT(1) << rows[i].act;
	return mask;
}

double
gait_act_danger(GaitAct act)
{
	double danger = 0;

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].act == act)
			danger = MAX(danger, gait_syscall_danger(rows[i].nr));
	return danger;
}

double
gait_act_surface(guint64 mask)
{
	double sum = 0;

	for (GaitAct act = 0; act < GAIT_ACT_N_; act++)
		if (mask >> act & 1)
			sum += gait_act_danger(act);
	return sum;
}
