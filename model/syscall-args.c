/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding arguments as people write them: "O_RDONLY|O_CREAT", "AF_INET, SOCK_STREAM". Prints
 * classes, and reads them back from our own text and from strace's lines.
 *
 * It knows no other arguments: of a strace line the other ones are only skipped, with their
 * strings, structures and decorated descriptors.
 */
#include "model/syscall-names.h"
#include "model/syscall-private.h"

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

typedef struct {
	const char *name;
	guint32 value;
} Name;

#define X(name) {#name, (guint32)(name)},

static const Name open_names[] = {
    GAIT_OPEN_NAMES(X){"O_TMPFILE", O_TMPFILE & ~O_DIRECTORY}, /* as the class has it */
    {"O_LARGEFILE", 0100000},                                  /* the kernel's, not glibc's 0 */
};
static const Name prot_names[] = {GAIT_PROT_NAMES(X)};
static const Name domain_names[] = {GAIT_DOMAIN_NAMES(X)};
static const Name type_names[] = {GAIT_TYPE_NAMES(X)};
static const Name clone_names[] = {GAIT_CLONE_NAMES(X)};
static const Name namespace_names[] = {GAIT_NAMESPACE_NAMES(X)};
static const Name futex_names[] = {GAIT_FUTEX_NAMES(X)};
static const Name msgctl_names[] = {GAIT_MSGCTL_NAMES(X){"IPC_64", 0x100}};
static const Name semctl_names[] = {GAIT_SEMCTL_NAMES(X){"IPC_64", 0x100}};
static const Name shmctl_names[] = {GAIT_SHMCTL_NAMES(X){"IPC_64", 0x100}};
static const Name fcntl_names[] = {GAIT_FCNTL_NAMES(X)};
static const Name ioctl_names[] = {GAIT_IOCTL_NAMES(X)};
static const Name prctl_names[] = {GAIT_PRCTL_NAMES(X)};
static const Name arch_prctl_names[] = {GAIT_ARCH_PRCTL_NAMES(X)};
static const Name madvise_names[] = {GAIT_MADVISE_NAMES(X)};
static const Name keyctl_names[] = {GAIT_KEYCTL_NAMES(X)};
static const Name bpf_names[] = {GAIT_BPF_NAMES(X)};
static const Name epoll_names[] = {GAIT_EPOLL_NAMES(X)};
static const Name personality_names[] = {GAIT_PERSONALITY_NAMES(X)};

#undef X

/* By hand: the headers of these declare functions that act on processes, which model/ does not. */
static const Name ptrace_names[] = {
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

static const Name seccomp_names[] = {
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
static const Name quota_names[] = {
    QUOTAS(Q_SYNC),      QUOTAS(Q_QUOTAON),   QUOTAS(Q_QUOTAOFF),   QUOTAS(Q_GETFMT),
    QUOTAS(Q_GETINFO),   QUOTAS(Q_SETINFO),   QUOTAS(Q_GETQUOTA),   QUOTAS(Q_SETQUOTA),
    QUOTAS(Q_XQUOTAON),  QUOTAS(Q_XQUOTAOFF), QUOTAS(Q_XGETQUOTA),  QUOTAS(Q_XSETQLIM),
    QUOTAS(Q_XGETQSTAT), QUOTAS(Q_XQUOTARM),  QUOTAS(Q_XQUOTASYNC), QUOTAS(Q_GETNEXTQUOTA),
};

/* How a kind is written: the bits under one_of are one enumerated value, the others flags. */
typedef struct {
	const Name *names;
	gsize n_names;
	guint32 one_of;
} Vocabulary;

#define WORDS(names) names, G_N_ELEMENTS(names)

static const Vocabulary vocabularies[] = {
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

static gboolean
has_signal(GaitArgKind kind)
{
	return kind == GAIT_ARG_SIGNAL || kind == GAIT_ARG_CLONE;
}

static const char *
find_value(const Vocabulary *words, guint32 value)
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
format_flags(GString *out, gsize start, const Vocabulary *words, guint32 value)
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
	const Vocabulary *words = &vocabularies[kind];
	guint32 one = value & words->one_of, flags = value & ~words->one_of;
	const char *name = has_signal(kind) ? NULL : find_value(words, one);
	gsize start = out->len;

	if (has_signal(kind)) {
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

/* --- reading ------------------------------------------------------------------------------------
 */

typedef struct {
	const char *start;
	gsize length;
} Span;

static Span
trim(Span span)
{
	while (span.length > 0 && g_ascii_isspace(span.start[0])) {
		span.start++;
		span.length--;
	}
	while (span.length > 0 && g_ascii_isspace(span.start[span.length - 1]))
		span.length--;
	return span;
}

static gboolean
span_equal(Span span, const char *text)
{
	return strlen(text) == span.length && memcmp(span.start, text, span.length) == 0;
}

const char *
gait_syscall_skip_opaque(const char *at, const char *begin, const char *end)
{
	const char *close = NULL;

	if (*at == '"') {
		for (at++; at < end && *at != '"'; at++)
			if (*at == '\\' && at + 1 < end)
				at++;
		return at < end ? at + 1 : end;
	}
	if (*at == '/' && at + 1 < end && at[1] == '*') {
		close = memmem(at + 2, (gsize)(end - at - 2), "*/", 2);
		return close ? close + 2 : end;
	}
	if (*at == '<' && at > begin && g_ascii_isalnum(at[-1]) && at + 1 < end && at[1] != '<') {
		/* An arrow inside ("TCP:[…->…]") closes nothing; strace escapes '>' in paths. */
		for (close = at + 1; close < end && (*close != '>' || close[-1] == '-'); close++)
			;
		return close < end ? close + 1 : at;
	}
	return at;
}

/* The parts of text between separators, outside of brackets and opaque pieces. */
static guint
split(Span text, char separator, Span *parts, guint max_parts)
{
	const char *end = text.start + text.length, *begin = text.start, *at = begin;
	guint n_parts = 0;
	int depth = 0;

	while (at < end && n_parts + 1 < max_parts) {
		const char *after = gait_syscall_skip_opaque(at, text.start, end);

		if (after != at) {
			at = after;
			continue;
		}
		if (strchr("([{", *at))
			depth++;
		else if (strchr(")]}", *at))
			depth--;
		else if (*at == separator && depth <= 0) {
			parts[n_parts++] = trim((Span){begin, (gsize)(at - begin)});
			begin = at + 1;
		}
		at++;
	}
	parts[n_parts++] = trim((Span){begin, (gsize)(end - begin)});
	return n_parts;
}

static gboolean
parse_number(Span span, guint32 *value)
{
	char text[32], *end;

	if (span.length == 0 || span.length >= sizeof(text))
		return FALSE;
	memcpy(text, span.start, span.length);
	text[span.length] = '\0';
	*value = (guint32)g_ascii_strtoull(text, &end, 0);
	return *end == '\0' && end != text;
}

/* "_IOC(_IOC_READ|_IOC_WRITE, 0x54, 0x1, 0x4)", as strace writes an ioctl it has no name for. */
static gboolean
parse_ioc(Span span, guint32 *value)
{
	Span parts[4], directions[3];
	guint32 direction = _IOC_NONE, part[3], bits;
	guint n_directions;

	if (span.length < 6 || memcmp(span.start, "_IOC(", 5) != 0)
		return FALSE;
	span = (Span){span.start + 5, span.length - 6};
	if (split(span, ',', parts, 4) != 4)
		return FALSE;
	n_directions = split(parts[0], '|', directions, 3);
	for (guint i = 0; i < n_directions; i++) {
		if (span_equal(directions[i], "_IOC_READ"))
			direction |= _IOC_READ;
		else if (span_equal(directions[i], "_IOC_WRITE"))
			direction |= _IOC_WRITE;
		else if (parse_number(directions[i], &bits))
			direction |= bits;
		else if (!span_equal(directions[i], "_IOC_NONE"))
			return FALSE;
	}
	for (guint i = 0; i < 3; i++)
		if (!parse_number(parts[i + 1], &part[i]))
			return FALSE;
	*value = _IOC((direction & _IOC_DIRMASK), (part[0] & _IOC_TYPEMASK),
	              (part[1] & _IOC_NRMASK), (part[2] & _IOC_SIZEMASK));
	return TRUE;
}

/* "QCMD(Q_SYNC, USRQUOTA)". */
static gboolean
parse_qcmd(Span span, guint32 *value)
{
	Span parts[2];

	if (span.length < 7 || memcmp(span.start, "QCMD(", 5) != 0)
		return FALSE;
	if (split((Span){span.start + 5, span.length - 6}, ',', parts, 2) != 2)
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(quota_names); i++) {
		const char *bar = strchr(quota_names[i].name, '|');

		if ((gsize)(bar - quota_names[i].name) == parts[0].length &&
		    memcmp(quota_names[i].name, parts[0].start, parts[0].length) == 0 &&
		    span_equal(parts[1], bar + 1)) {
			*value = quota_names[i].value;
			return TRUE;
		}
	}
	return FALSE;
}

/* One name or number. Where two ioctls share a number strace writes "TCGETS or SNDCTL_…". */
static gboolean
parse_word(GaitArgKind kind, Span span, guint32 *value)
{
	const Vocabulary *words = &vocabularies[kind];
	const char * or = memmem(span.start, span.length, " or ", 4);
	gint32 signo;

	if (or) {
		gsize length = (gsize)(or -span.start);

		return parse_word(kind, (Span){span.start, length}, value) ||
		       parse_word(kind, (Span){ or +4, span.length - length - 4}, value);
	}
	for (gsize i = 0; i < words->n_names; i++)
		if (span_equal(span, words->names[i].name)) {
			*value = words->names[i].value;
			return TRUE;
		}
	signo = has_signal(kind) ? gait_signal_from_name(span.start, span.length) : -1;
	if (signo >= 0) {
		*value = (guint32)signo;
		return TRUE;
	}
	return parse_number(span, value) || (kind == GAIT_ARG_IOCTL && parse_ioc(span, value)) ||
	       (kind == GAIT_ARG_QUOTA && parse_qcmd(span, value));
}

/* "flags=CLONE_VM|0x80 " and "0x2 (O_RDWR)" included; a comment says what the number could not. */
static gboolean
parse_value(GaitArgKind kind, Span span, guint32 *value)
{
	Span words[40];
	const char *comment = memmem(span.start, span.length, "/*", 2);
	guint n_words;
	gboolean is_known = TRUE;

	if (comment)
		span = trim((Span){span.start, (gsize)(comment - span.start)});
	*value = 0;
	/* Quota commands have a bar in their own name. */
	if (kind == GAIT_ARG_QUOTA)
		return parse_word(kind, span, value);
	n_words = split(span, '|', words, G_N_ELEMENTS(words));
	for (guint i = 0; i < n_words; i++) {
		guint32 bits = 0;

		is_known &= parse_word(kind, words[i], &bits);
		*value |= bits;
	}
	return is_known;
}

/* strace prints clone's arguments by name and in the order of the C function. */
static gboolean
find_clone_flags(Span *fields, guint n_fields)
{
	for (guint i = 0; i < n_fields; i++)
		if (fields[i].length > 6 && memcmp(fields[i].start, "flags=", 6) == 0) {
			fields[0] = (Span){fields[i].start + 6, fields[i].length - 6};
			return TRUE;
		}
	return FALSE;
}

gboolean
gait_syscall_parse_registers(guint32 nr, const char *text, guint64 args[6])
{
	const GaitArg *arg = gait_syscall_get_args(nr);
	guint64 values[6] = {0};
	Span fields[7];
	guint n_args = 0, n_fields;
	gboolean is_known = TRUE, is_ours;

	while (n_args < GAIT_MAX_ARGS && arg[n_args].kind != GAIT_ARG_NONE)
		n_args++;
	n_fields = split((Span){text, strlen(text)}, ',', fields, G_N_ELEMENTS(fields));
	/* Our own text has the deciding arguments only. No call takes just those, unless they come
	 * first anyway. */
	is_ours = n_fields == n_args;
	if (nr == SYS_clone && n_fields > 1 && !find_clone_flags(fields, n_fields))
		is_known = FALSE;
	for (guint i = 0; i < n_args; i++) {
		guint field = is_ours ? i : arg[i].index;
		guint32 value = 0;

		is_known &= field < n_fields && parse_value(arg[i].kind, fields[field], &value);
		values[arg[i].index] = value;
	}
	gait_syscall_keep_args(nr, values, args);
	return is_known;
}

gboolean
gait_syscall_parse_args(guint32 nr, const char *args, guint32 *klass)
{
	guint64 registers[6];
	gboolean is_known = gait_syscall_parse_registers(nr, args, registers);

	*klass = gait_syscall_class(nr, registers);
	return is_known;
}
