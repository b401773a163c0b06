/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding arguments as people write them: "O_RDONLY|O_CREAT", "AF_INET, SOCK_STREAM". The names of
 * all their values, and printing; syscall-parse.c reads them back.
 */
#include "model/syscall-names.h"
#include "model/syscall-private.h"
#include "sysgait/syscall.h"

#include <asm/prctl.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/blktrace_api.h>
#include <linux/bpf.h>
#include <linux/dqblk_xfs.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kd.h>
#include <linux/keyctl.h>
#include <linux/kvm.h>
#include <linux/loop.h>
#include <linux/mman.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/quota.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sched.h>
#include <linux/serial.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <linux/vt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define X(name) {#name, (guint32)(name)},

static const GaitArgName open_names[] = {
    GAIT_OPEN_NAMES(X){"O_TMPFILE", O_TMPFILE & ~O_DIRECTORY}, /* as the class has it */
    {"O_LARGEFILE", 0100000},                                  /* the kernel's, not glibc's 0 */
};
static const GaitArgName prot_names[] = {GAIT_PROT_NAMES(X)};
static const GaitArgName domain_names[] = {GAIT_DOMAIN_NAMES(X)};
static const GaitArgName type_names[] = {GAIT_TYPE_NAMES(X)};
static const GaitArgName clone_names[] = {GAIT_CLONE_NAMES(X)};
static const GaitArgName namespace_names[] = {GAIT_NAMESPACE_NAMES(X)};
static const GaitArgName futex_names[] = {GAIT_FUTEX_NAMES(X)};
static const GaitArgName msgctl_names[] = {GAIT_MSGCTL_NAMES(X){"IPC_64", 0x100}};
static const GaitArgName semctl_names[] = {GAIT_SEMCTL_NAMES(X){"IPC_64", 0x100}};
static const GaitArgName shmctl_names[] = {GAIT_SHMCTL_NAMES(X){"IPC_64", 0x100}};
static const GaitArgName fcntl_names[] = {GAIT_FCNTL_NAMES(X)};
static const GaitArgName ioctl_names[] = {GAIT_IOCTL_NAMES(X)};
static const GaitArgName prctl_names[] = {GAIT_PRCTL_NAMES(X)};
static const GaitArgName arch_prctl_names[] = {GAIT_ARCH_PRCTL_NAMES(X)};
static const GaitArgName madvise_names[] = {GAIT_MADVISE_NAMES(X)};
static const GaitArgName keyctl_names[] = {GAIT_KEYCTL_NAMES(X)};
static const GaitArgName bpf_names[] = {GAIT_BPF_NAMES(X)};
static const GaitArgName epoll_names[] = {GAIT_EPOLL_NAMES(X)};
static const GaitArgName personality_names[] = {GAIT_PERSONALITY_NAMES(X)};

#undef X

/* By hand: the headers of these declare functions that act on processes, which model/ does not. */
static const GaitArgName ptrace_names[] = {
    {"PTRACE_TRACEME", 0},
    {"PTRACE_PEEKTEXT", 1},
    {"PTRACE_PEEKDATA", 2},
    {"PTRACE_PEEKUSER", 3},
    {"PTRACE_POKETEXT", 4},
    {"PTRACE_POKEDATA", 5},
    {"PTRACE_POKEUSER", 6},
    {"PTRACE_CONT", 7},
    {"PTRACE_KILL", 8},
    {"PTRACE_SINGLESTEP", 9},
    {"PTRACE_GETREGS", 12},
    {"PTRACE_SETREGS", 13},
    {"PTRACE_GETFPREGS", 14},
    {"PTRACE_SETFPREGS", 15},
    {"PTRACE_ATTACH", 16},
    {"PTRACE_DETACH", 17},
    {"PTRACE_SYSCALL", 24},
    {"PTRACE_ARCH_PRCTL", 30},
    {"PTRACE_SYSEMU", 31},
    {"PTRACE_SYSEMU_SINGLESTEP", 32},
    {"PTRACE_SETOPTIONS", 0x4200},
    {"PTRACE_GETEVENTMSG", 0x4201},
    {"PTRACE_GETSIGINFO", 0x4202},
    {"PTRACE_SETSIGINFO", 0x4203},
    {"PTRACE_GETREGSET", 0x4204},
    {"PTRACE_SETREGSET", 0x4205},
    {"PTRACE_SEIZE", 0x4206},
    {"PTRACE_INTERRUPT", 0x4207},
    {"PTRACE_LISTEN", 0x4208},
    {"PTRACE_PEEKSIGINFO", 0x4209},
    {"PTRACE_GETSIGMASK", 0x420a},
    {"PTRACE_SETSIGMASK", 0x420b},
    {"PTRACE_SECCOMP_GET_FILTER", 0x420c},
    {"PTRACE_SECCOMP_GET_METADATA", 0x420d},
    {"PTRACE_GET_SYSCALL_INFO", 0x420e},
    {"PTRACE_GET_RSEQ_CONFIGURATION", 0x420f},
};

static const GaitArgName seccomp_names[] = {
    {"SECCOMP_SET_MODE_STRICT", 0},
    {"SECCOMP_SET_MODE_FILTER", 1},
    {"SECCOMP_GET_ACTION_AVAIL", 2},
    {"SECCOMP_GET_NOTIF_SIZES", 3},
};

#define QUOTAS(command)                                                                            \
	{#command "|USRQUOTA", QCMD(command, USRQUOTA)},                                           \
	    {#command "|GRPQUOTA", QCMD(command, GRPQUOTA)},                                       \
	{                                                                                          \
#command "|PRJQUOTA", QCMD(command, PRJQUOTA)                                      \
	}
static const GaitArgName quota_names[] = {
    QUOTAS(Q_SYNC),      QUOTAS(Q_QUOTAON),   QUOTAS(Q_QUOTAOFF),   QUOTAS(Q_GETFMT),
    QUOTAS(Q_GETINFO),   QUOTAS(Q_SETINFO),   QUOTAS(Q_GETQUOTA),   QUOTAS(Q_SETQUOTA),
    QUOTAS(Q_XQUOTAON),  QUOTAS(Q_XQUOTAOFF), QUOTAS(Q_XGETQUOTA),  QUOTAS(Q_XSETQLIM),
    QUOTAS(Q_XGETQSTAT), QUOTAS(Q_XQUOTARM),  QUOTAS(Q_XQUOTASYNC), QUOTAS(Q_GETNEXTQUOTA),
};

#define WORDS(names) names, G_N_ELEMENTS(names)

static const GaitVocabulary vocabularies[GAIT_ARG_N_] = {
    [GAIT_ARG_OPEN] = {WORDS(open_names), O_ACCMODE},
    [GAIT_ARG_PROT] = {WORDS(prot_names), 0},
    [GAIT_ARG_DOMAIN] = {WORDS(domain_names), G_MAXUINT32},
    [GAIT_ARG_TYPE] = {WORDS(type_names), 0xf},
    [GAIT_ARG_CLONE] = {WORDS(clone_names), 0xff},
    [GAIT_ARG_NAMESPACE] = {WORDS(namespace_names), 0},
    [GAIT_ARG_SIGNAL] = {NULL, 0, G_MAXUINT32},
    [GAIT_ARG_FUTEX] = {WORDS(futex_names), 0xff},
    [GAIT_ARG_MSGCTL] = {WORDS(msgctl_names), G_MAXUINT32},
    [GAIT_ARG_SEMCTL] = {WORDS(semctl_names), G_MAXUINT32},
    [GAIT_ARG_SHMCTL] = {WORDS(shmctl_names), G_MAXUINT32},
    [GAIT_ARG_FCNTL] = {WORDS(fcntl_names), G_MAXUINT32},
    [GAIT_ARG_IOCTL] = {WORDS(ioctl_names), G_MAXUINT32},
    [GAIT_ARG_PRCTL] = {WORDS(prctl_names), G_MAXUINT32},
    [GAIT_ARG_ARCH_PRCTL] = {WORDS(arch_prctl_names), G_MAXUINT32},
    [GAIT_ARG_MADVISE] = {WORDS(madvise_names), G_MAXUINT32},
    [GAIT_ARG_KEYCTL] = {WORDS(keyctl_names), G_MAXUINT32},
    [GAIT_ARG_BPF] = {WORDS(bpf_names), G_MAXUINT32},
    [GAIT_ARG_PTRACE] = {WORDS(ptrace_names), G_MAXUINT32},
    [GAIT_ARG_SECCOMP] = {WORDS(seccomp_names), G_MAXUINT32},
    [GAIT_ARG_QUOTA] = {WORDS(quota_names), G_MAXUINT32},
    [GAIT_ARG_EPOLL] = {WORDS(epoll_names), G_MAXUINT32},
    [GAIT_ARG_PERSONALITY] = {WORDS(personality_names), 0xff},
};

/* --- signals ------------------------------------------------------------------------------------
 */

/* Signals from here on have numbers instead of names, as in strace; glibc's SIGRTMIN is higher. */
#define FIRST_REALTIME 32
#define MAX_SIGNAL     64

void
gait_signal_format(GString *out, gint32 signo)
{
	const char *name = signo > 0 && signo < FIRST_REALTIME ? sigabbrev_np(signo) : NULL;

	if (name)
		g_string_append_printf(out, "SIG%s", name);
	else if (signo >= FIRST_REALTIME && signo <= MAX_SIGNAL)
		g_string_append_printf(out, "SIGRT_%d", signo - FIRST_REALTIME);
	else
		g_string_append_printf(out, "%d", signo);
}

gint32
gait_signal_from_name(const char *name, gsize length)
{
	g_autofree char *text = g_strndup(name, MIN(length, 16));
	guint64 value;

	if (length > 16 || !g_str_has_prefix(text, "SIG"))
		return -1;
	for (int signo = 1; signo < FIRST_REALTIME; signo++)
		if (g_strcmp0(sigabbrev_np(signo), text + 3) == 0)
			return signo;
	if (strcmp(text, "SIGRTMIN") == 0)
		return FIRST_REALTIME;
	if (g_str_has_prefix(text, "SIGRT_") &&
	    g_ascii_string_to_unsigned(text + 6, 10, 0, MAX_SIGNAL - FIRST_REALTIME, &value, NULL))
		return FIRST_REALTIME + (gint32)value;
	return -1;
}

/* --- printing -----------------------------------------------------------------------------------
 */

gboolean
gait_arg_has_signal(GaitArgKind kind)
{
	return kind == GAIT_ARG_SIGNAL || kind == GAIT_ARG_CLONE;
}

const GaitVocabulary *
gait_arg_get_vocabulary(GaitArgKind kind)
{
	return &vocabularies[kind];
}

static const char *
find_value(const GaitVocabulary *words, guint32 value)
{
	for (gsize i = 0; i < words->n_names; i++)
		if (words->names[i].value == value)
			return words->names[i].name;
	return NULL;
}

static void
append_flag(GString *out, gsize start, const char *text)
{
	if (out->len > start)
		g_string_append_c(out, '|');
	g_string_append(out, text);
}

/* The flags of value; those without a name as one number. */
static void
format_flags(GString *out, gsize start, const GaitVocabulary *words, guint32 value)
{
	char rest[16];

	for (gsize i = 0; i < words->n_names; i++) {
		guint32 flag = words->names[i].value;

		if ((flag & words->one_of) != 0 || flag == 0 || (value & flag) != flag)
			continue;
		append_flag(out, start, words->names[i].name);
		value &= ~flag;
	}
	if (value != 0) {
		g_snprintf(rest, sizeof(rest), "0x%x", value);
		append_flag(out, start, rest);
	}
}

static void
format_value(GString *out, GaitArgKind kind, guint32 value)
{
	const GaitVocabulary *words = gait_arg_get_vocabulary(kind);
	guint32 one = value & words->one_of, flags = value & ~words->one_of;
	const char *name = gait_arg_has_signal(kind) ? NULL : find_value(words, one);
	gsize start = out->len;

	if (gait_arg_has_signal(kind)) {
		/* The exit signal of clone comes last, where there is one. */
		format_flags(out, start, words, flags);
		if (one != 0 || flags == 0) {
			if (out->len > start)
				g_string_append_c(out, '|');
			gait_signal_format(out, (gint32)one);
		}
		return;
	}
	if (words->one_of != 0 && !name) {
		g_string_append_printf(out, "0x%x", value);
		return;
	}
	/* A zero is only worth a word where it has one: O_RDONLY, PROT_NONE. */
	if (name && (words->one_of != 0 || flags == 0))
		g_string_append(out, name);
	format_flags(out, start, words, flags);
	if (out->len == start)
		g_string_append_c(out, '0');
}

void
gait_syscall_format(GString *out, guint32 nr, guint32 klass)
{
	const GaitArg *arg = gait_syscall_get_args(nr);

	g_string_append(out, gait_syscall_name(nr));
	for (guint i = 0; i < GAIT_MAX_ARGS && arg[i].kind != GAIT_ARG_NONE; i++) {
		g_string_append(out, i == 0 ? "(" : ", ");
		format_value(out, arg[i].kind,
		             (klass >> arg[i].shift) & gait_arg_class_mask(arg[i].kind));
	}
	if (arg[0].kind != GAIT_ARG_NONE)
		g_string_append_c(out, ')');
}

char *
gait_syscall_dup(guint32 nr, guint32 klass)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_syscall_format(text, nr, klass);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

void
gait_syscall_format_args(GString *out, guint32 nr, const guint64 args[6])
{
	const GaitArg *arg = gait_syscall_get_args(nr);
	guint64 kept[6];

	gait_syscall_keep_args(nr, args, kept);
	g_string_append(out, gait_syscall_name(nr));
	for (guint i = 0; i < GAIT_MAX_ARGS && arg[i].kind != GAIT_ARG_NONE; i++) {
		g_string_append(out, i == 0 ? "(" : ", ");
		format_value(out, arg[i].kind, (guint32)kept[arg[i].index]);
	}
	if (arg[0].kind != GAIT_ARG_NONE)
		g_string_append_c(out, ')');
}
