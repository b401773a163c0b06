/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor. libseccomp writes the part of the filter that speaks of calls by name and argument; in
 * front of it go a few instructions of our own for what libseccomp cannot say: a range of numbers.
 * It does not install anything: a backend loads the program in the child, by system calls alone.
 */
#include "enforce/floor.h"

#include "enforce/passive.h"
#include "enforce/rare.h"
#include "enforce/terminal.h"
#include "kernel/denial.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef CLONE_UNTRACED
#define CLONE_UNTRACED 0x00800000
#endif

/* Set in the number of a call made through the x32 ABI. */
#define X32_BIT 0x40000000u

/*
 * Calls that could undo supervision. Where mask is not 0, only with (args[argument] & mask) ==
 * value: the kernel looks at no more than 32 bits of these arguments, so neither may we, or a set
 * high half would slip past.
 */
typedef struct {
	const char *name;  /* of the system call */
	const char *label; /* for people */
	guint64 mask, value;
	int error;
	guint argument;
	gboolean is_always; /* whatever was learned */
} Guard;

static const Guard guards[] = {
    /* A filter of the target's own can only take calls away, but its listener could answer for us.
       So there is never one: as if ours were a listener, whatever carries our rulings out. */
    {.name = "seccomp", .label = "seccomp", .error = EPERM},
    {.name = "seccomp",
     .label = "seccomp(NEW_LISTENER)",
     .argument = 1,
     .mask = SECCOMP_FILTER_FLAG_NEW_LISTENER,
     .value = SECCOMP_FILTER_FLAG_NEW_LISTENER,
     .error = EBUSY,
     .is_always = TRUE},
    {.name = "prctl",
     .label = "prctl(PR_SET_SECCOMP)",
     .mask = 0xffffffff,
     .value = PR_SET_SECCOMP,
     .error = EPERM},
    /* Writing into, or taking descriptors from, a sibling makes that one speak in its stead. */
    {.name = "ptrace", .label = "ptrace", .error = EPERM},
    {.name = "process_vm_writev", .label = "process_vm_writev", .error = EPERM},
    {.name = "pidfd_getfd", .label = "pidfd_getfd", .error = EPERM},
    /* Memory that one task pages for another keeps the supervisor waiting that reads it, and with
       it everybody who waits for a verdict. The device's ioctl (USERFAULTFD_IOC_NEW) is the same
       call. */
    {.name = "userfaultfd", .label = "userfaultfd", .error = EPERM},
    {.name = "ioctl",
     .label = "ioctl(USERFAULTFD_IOC_NEW)",
     .argument = 1,
     .mask = 0xffffffff,
     .value = _IO(0xAA, 0x00),
     .error = EPERM},
    /* A ring does its work without system calls. */
    {.name = "io_uring_setup", .label = "io_uring_setup", .error = ENOSYS},
    {.name = "io_uring_enter", .label = "io_uring_enter", .error = ENOSYS},
    {.name = "io_uring_register", .label = "io_uring_register", .error = ENOSYS},
    /* A task without its tracer: nobody would know whose child it is. clone3 keeps its flags in
       memory; what it makes in this way is known by having no creator, and killed. */
    {.name = "clone",
     .label = "clone(CLONE_UNTRACED)",
     .mask = CLONE_UNTRACED,
     .value = CLONE_UNTRACED,
     .error = EPERM},
};

struct _GaitFloor {
	guint32 max_syscall;
	gint32 nrs[G_N_ELEMENTS(guards)]; /* -1: this build does not know the call */
	gboolean is_learned[G_N_ELEMENTS(guards)];
	GPtrArray *learned; /* labels, NULL-terminated */
	guint8 *is_asked;   /* by number up to max_syscall: always; NULL: none */
	GArray *instructions;
	struct sock_fprog filter;
};

static gboolean
is_guarded(const GaitFloor *floor, guint i, guint32 nr, const guint64 args[6])
{
	if (floor->nrs[i] < 0 || (guint32)floor->nrs[i] != nr)
		return FALSE;
	return (args[guards[i].argument] & guards[i].mask) == guards[i].value;
}

/*
 * Whether some program of the model makes this call. The argument class of prctl and ioctl is its
 * operation, of clone its flags; a call without a mask is learned by its number.
 */
static gboolean
has_learned(const GaitModel *model, const Guard *guard, guint32 nr)
{
	guint64 args[6] = {0};
	guint32 klass;

	args[guard->argument] = guard->value;
	klass = gait_syscall_class(nr, args);
	for (guint p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint c = 0; c < program->calls->len; c++) {
			const GaitCall *call = &g_array_index(program->calls, GaitCall, c);

			if (call->nr == nr && (guard->mask == 0 || call->klass == klass))
				return TRUE;
		}
	}
	return FALSE;
}

static void
look_up_guards(GaitFloor *floor, const GaitModel *model)
{
	for (guint i = 0; i < G_N_ELEMENTS(guards); i++) {
		floor->nrs[i] = gait_syscall_from_name(guards[i].name);
		if (floor->nrs[i] < 0 || guards[i].is_always ||
		    !has_learned(model, &guards[i], floor->nrs[i]))
			continue;
		floor->is_learned[i] = TRUE;
		g_ptr_array_add(floor->learned, (gpointer)guards[i].label);
	}
	g_ptr_array_add(floor->learned, NULL);
}

/* Whether all calls of its number are refused anyway. */
static gboolean
is_covered(const GaitFloor *floor, guint i)
{
	for (guint j = 0; j < i; j++)
		if (floor->nrs[j] == floor->nrs[i] && guards[j].mask == 0 && !floor->is_learned[j])
			return TRUE;
	return FALSE;
}

static gboolean
add_rule(scmp_filter_ctx context, const Guard *guard, gint32 nr, guint32 action, GError **error)
{
	struct scmp_arg_cmp compare =
	    SCMP_CMP(guard->argument, SCMP_CMP_MASKED_EQ, guard->mask, guard->value);
	int result = seccomp_rule_add_exact_array(context, action, nr, guard->mask != 0, &compare);

	/* One without arguments says so already. */
	if (result < 0 && result != -EEXIST)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, -result, "seccomp_rule_add(%s)",
		                         guard->label);
	return TRUE;
}

/* libseccomp's part, appended to the instructions. */
static gboolean
append_exported(GaitFloor *floor, scmp_filter_ctx context, GError **error)
{
	struct sock_filter chunk[64];
	ssize_t size;
	int fd = memfd_create("floor", MFD_CLOEXEC);
	int result;

	if (fd < 0)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "memfd_create");
	result = seccomp_export_bpf(context, fd);
	if (result < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return gait_error_system(error, GAIT_ENFORCE_ERROR, result < 0 ? -result : errno,
		                         "seccomp_export_bpf");
	}
	while ((size = read(fd, chunk, sizeof chunk)) > 0)
		g_array_append_vals(floor->instructions, chunk, size / sizeof chunk[0]);
	close(fd);
	return TRUE;
}

/* A rare call is as well judged before it happens; so each of the many hooks that only rare calls
 * need is one less that every task of the machine runs into, and that takes the kernel a tenth of a
 * second to let go of (a grace period of RCU). */
static gboolean
add_unhooked(GaitFloor *floor, const GaitModel *model, scmp_filter_ctx context, GError **error)
{
	guint32 max = MIN(floor->max_syscall, gait_syscall_get_max());

	floor->is_asked = gait_rare_find(model, floor->max_syscall);
	for (guint32 nr = 0; nr <= max; nr++) {
		guint8 *is_asked = &floor->is_asked[nr];
		int result;

		*is_asked |= !gait_denial_has_hooks((int)nr) && !gait_passive_is_always((int)nr);
		result = *is_asked ? seccomp_rule_add(context, SCMP_ACT_NOTIFY, (int)nr, 0) : 0;
		*is_asked |= gait_pivotal_is_always((int)nr);
		/* Numbers that nobody has given a name. */
		if (result < 0 && result != -EEXIST && result != -EDOM && result != -EINVAL)
			return gait_error_system(error, GAIT_ENFORCE_ERROR, -result,
			                         "seccomp_rule_add(%u)", nr);
	}
	return TRUE;
}

static gboolean
append_guards(GaitFloor *floor, const GaitModel *model, GaitFloorHandover handover, GError **error)
{
	static const guint32 actions[GAIT_FLOOR_N_] = {
	    [GAIT_FLOOR_NOTIFY] = SCMP_ACT_NOTIFY,
	    [GAIT_FLOOR_TRACE] = SCMP_ACT_TRACE(0),
	    [GAIT_FLOOR_ALLOW] = SCMP_ACT_ALLOW,
	    [GAIT_FLOOR_NOTIFY_PIVOTAL] = SCMP_ACT_ALLOW,
	    [GAIT_FLOOR_NOTIFY_UNHOOKED] = SCMP_ACT_ALLOW,
	    [GAIT_FLOOR_NOTIFY_ACTIVE] = SCMP_ACT_NOTIFY,
	};
	scmp_filter_ctx context = seccomp_init(actions[handover]);
	gboolean is_good = TRUE;

	if (!context) {
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "libseccomp cannot make a filter for this kernel");
		return FALSE;
	}
	/* A tree instead of a list; where libseccomp is too old for that, a list. */
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0) {
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "this kernel cannot kill a process from a seccomp filter");
		is_good = FALSE;
	}
	if (is_good &&
	    (handover == GAIT_FLOOR_NOTIFY_PIVOTAL || handover == GAIT_FLOOR_NOTIFY_UNHOOKED))
		is_good = gait_pivotal_add_rules(context, SCMP_ACT_NOTIFY, error);
	if (is_good && handover == GAIT_FLOOR_NOTIFY_UNHOOKED)
		is_good = add_unhooked(floor, model, context, error);
	if (is_good && handover == GAIT_FLOOR_NOTIFY_ACTIVE)
		is_good = gait_passive_add_rules(context, SCMP_ACT_ALLOW, error);
	/* The others are the supervisor's to refuse, so that they are logged. */
	for (guint i = 0; is_good && i < G_N_ELEMENTS(guards); i++)
		if (floor->nrs[i] >= 0 && !is_covered(floor, i) &&
		    (handover == GAIT_FLOOR_NOTIFY_PIVOTAL ||
		     handover == GAIT_FLOOR_NOTIFY_UNHOOKED ||
		     (handover == GAIT_FLOOR_ALLOW && !floor->is_learned[i])))
			is_good =
			    add_rule(context, &guards[i], floor->nrs[i],
			             handover == GAIT_FLOOR_ALLOW ? SCMP_ACT_ERRNO(guards[i].error)
			                                          : SCMP_ACT_NOTIFY,
			             error);
	is_good = is_good && append_exported(floor, context, error);
	seccomp_release(context);
	return is_good;
}

/*
 * Ours, in front. The architecture comes first: a number means nothing without it. Negative numbers
 * are what the kernel itself answers with ENOSYS; testing for them before the x32 bit keeps
 * syscall(-1), which some programs use as a probe, from being taken for x32.
 */
static void
append_ranges(GaitFloor *floor)
{
	const struct sock_filter ranges[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000u, 3, 0),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, floor->max_syscall, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	g_array_append_vals(floor->instructions, ranges, G_N_ELEMENTS(ranges));
}

static gboolean
is_in_kernel(GaitFloorHandover handover)
{
	return handover == GAIT_FLOOR_NOTIFY_PIVOTAL || handover == GAIT_FLOOR_NOTIFY_UNHOOKED ||
	       handover == GAIT_FLOOR_NOTIFY_ACTIVE;
}

GaitFloor *
gait_floor_new(const GaitModel *model, GaitFloorHandover handover, guint streams, GError **error)
{
	g_autoptr(GaitFloor) floor = g_new0(GaitFloor, 1);

	floor->max_syscall = MIN(model->max_syscall, X32_BIT - 1);
	floor->learned = g_ptr_array_new();
	floor->instructions = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
	look_up_guards(floor, model);
	append_ranges(floor);
	if (is_in_kernel(handover))
		gait_terminal_append_filter(streams, floor->instructions);
	if (!append_guards(floor, model, handover, error))
		return NULL;
	g_assert(floor->instructions->len <= BPF_MAXINSNS);
	floor->filter.len = floor->instructions->len;
	floor->filter.filter = (struct sock_filter *)(void *)floor->instructions->data;
	return g_steal_pointer(&floor);
}

void
gait_floor_free(GaitFloor *floor)
{
	if (!floor)
		return;
	g_ptr_array_unref(floor->learned);
	g_free(floor->is_asked);
	g_array_unref(floor->instructions);
	g_free(floor);
}

const struct sock_fprog *
gait_floor_get_filter(const GaitFloor *floor)
{
	return &floor->filter;
}

GaitFloorDecision
gait_floor_decide(const GaitFloor *floor, guint32 arch, guint32 nr)
{
	if (arch != AUDIT_ARCH_X86_64)
		return GAIT_FLOOR_KILL;
	/* As in append_ranges(). */
	if (nr >= 0x80000000u)
		return GAIT_FLOOR_ENOSYS;
	if (nr & X32_BIT)
		return GAIT_FLOOR_KILL;
	return nr > floor->max_syscall ? GAIT_FLOOR_ENOSYS : GAIT_FLOOR_HAND_OVER;
}

/* Just what libseccomp writes; anything else is no answer. */
static guint32
run_filter(const struct sock_fprog *filter, const struct seccomp_data *call)
{
	guint32 value = 0;

	for (guint pc = 0; pc < filter->len; pc++) {
		const struct sock_filter *at = &filter->filter[pc];

		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			g_assert(at->k <= sizeof(*call) - sizeof(value));
			memcpy(&value, (const char *)call + at->k, sizeof(value));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			value &= at->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += at->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += value == at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += value > at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += value >= at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += value & at->k ? at->jt : at->jf;
			break;
		case BPF_RET | BPF_K:
			return at->k;
		default:
			g_assert_not_reached();
		}
	}
	g_assert_not_reached();
}

gboolean
gait_floor_asks(const GaitFloor *floor, const struct seccomp_data *call)
{
	return run_filter(&floor->filter, call) == SECCOMP_RET_USER_NOTIF;
}

gboolean
gait_floor_asks_always(const GaitFloor *floor, guint32 nr)
{
	return floor->is_asked && nr <= floor->max_syscall && floor->is_asked[nr];
}

int
gait_floor_get_refusal(const GaitFloor *floor, guint32 nr, const guint64 args[6])
{
	for (guint i = 0; i < G_N_ELEMENTS(guards); i++)
		if (!floor->is_learned[i] && is_guarded(floor, i, nr, args))
			return guards[i].error;
	return 0;
}

const char *const *
gait_floor_get_learned(const GaitFloor *floor)
{
	return (const char *const *)floor->learned->pdata;
}

char *
gait_floor_describe(const GaitFloor *floor)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *separator = "; refused: ";

	g_string_append_printf(
	    text, "other architectures and x32 are killed; numbers above %u get ENOSYS",
	    floor->max_syscall);
	for (guint i = 0; i < G_N_ELEMENTS(guards); i++) {
		if (floor->is_learned[i] || floor->nrs[i] < 0 || is_covered(floor, i))
			continue;
		g_string_append_printf(text, "%s%s", separator, guards[i].label);
		separator = ", ";
	}
	return g_strdup(text->str);
}
