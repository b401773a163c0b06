/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor's filter, run by a cBPF machine of our own on every number, architecture and argument
 * that matters, against a table of what must come out; and by the kernel, on every number there is,
 * against that machine.
 */
#include "enforce/floor.h"
#include "sysgait/syscall.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SYSCALL 462

/* The subset of classic BPF that seccomp takes (kernel/seccomp.c, seccomp_check_filter()). */
static guint32
simulate(const struct sock_fprog *filter, const struct seccomp_data *data)
{
	guint32 accumulator = 0, index = 0, memory[BPF_MEMWORDS] = {0};

	for (guint pc = 0; pc < filter->len; pc++) {
		const struct sock_filter *at = &filter->filter[pc];
		guint32 operand = BPF_SRC(at->code) == BPF_X ? index : at->k;

		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			g_assert_cmpuint(at->k % 4, ==, 0);
			g_assert_cmpuint(at->k, <, sizeof *data);
			memcpy(&accumulator, (const char *)data + at->k, 4);
			break;
		case BPF_LD | BPF_IMM:
			accumulator = at->k;
			break;
		case BPF_LD | BPF_MEM:
			accumulator = memory[at->k % BPF_MEMWORDS];
			break;
		case BPF_ST:
			memory[at->k % BPF_MEMWORDS] = accumulator;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			accumulator &= at->k;
			break;
		case BPF_MISC | BPF_TAX:
			index = accumulator;
			break;
		case BPF_JMP | BPF_JA:
			pc += at->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JEQ | BPF_X:
			pc += accumulator == operand ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_X:
			pc += accumulator > operand ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_X:
			pc += accumulator >= operand ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_X:
			pc += accumulator & operand ? at->jt : at->jf;
			break;
		case BPF_RET | BPF_K:
			return at->k;
		case BPF_RET | BPF_A:
			return accumulator;
		default:
			g_error("instruction %u: unknown code 0x%x", pc, at->code);
		}
	}
	g_error("the filter ends without an answer");
}

static GaitModel *
make_model(void)
{
	GaitModel *model = gait_model_new();

	g_free(model->arch);
	model->arch = g_strdup("x86_64");
	model->max_syscall = MAX_SYSCALL;
	return model;
}

/* Teaches the model's only program a call. */
static void
teach(GaitModel *model, guint32 nr, guint64 argument)
{
	const guint64 args[6] = {argument};
	GaitCall call = {.nr = nr, .klass = gait_syscall_class(nr, args)};
	GaitProgram *program = model->programs->len ? gait_model_get_program(model, 0)
	                                            : gait_model_add_program(model, "/bin/x");

	g_array_append_val(program->calls, call);
}

static guint32
decide(const GaitFloor *floor, guint32 arch, guint32 nr, guint64 argument)
{
	struct seccomp_data data = {.arch = arch, .nr = (int)nr, .args = {argument}};

	return simulate(gait_floor_get_filter(floor), &data);
}

static const guint32 handovers[GAIT_FLOOR_N_] = {
    [GAIT_FLOOR_NOTIFY] = SECCOMP_RET_USER_NOTIF,
    [GAIT_FLOOR_TRACE] = SECCOMP_RET_TRACE,
    [GAIT_FLOOR_ALLOW] = SECCOMP_RET_ALLOW,
};

/* Those that hand over some calls only, which test_acts() is about. */
static gboolean
is_partial(GaitFloorHandover handover)
{
	return handovers[handover] == 0;
}

static void
check_handed_over(GaitFloorHandover handover, guint32 answer)
{
	if (is_partial(handover))
		g_assert_true(answer == SECCOMP_RET_USER_NOTIF || answer == SECCOMP_RET_ALLOW);
	else
		g_assert_cmphex(answer, ==, handovers[handover]);
}

static const guint32 arches[] = {
    AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64 & 0xffff, 0, 0xffffffff};

static void
test_foreign(void)
{
	g_autoptr(GaitModel) model = make_model();

	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, 0, NULL);

		for (guint a = 0; a < G_N_ELEMENTS(arches); a++)
			for (guint32 nr = 0; nr < 1024; nr++)
				g_assert_cmphex(decide(floor, arches[a], nr, 0), ==,
				                SECCOMP_RET_KILL_PROCESS);
		for (guint32 nr = 0; nr < 1024; nr++)
			g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, nr | 0x40000000, 0), ==,
			                SECCOMP_RET_KILL_PROCESS);
		g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, 0x7fffffff, 0), ==,
		                SECCOMP_RET_KILL_PROCESS);
	}
}

static void
test_ranges(void)
{
	g_autoptr(GaitModel) model = make_model();

	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		static const guint32 beyond[] = {
		    MAX_SYSCALL + 1, 500,        1000,       4096,
		    0x3fffffff,      0x80000000, 0xc0000000, 0xffffffff};
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, 0, NULL);

		for (guint i = 0; i < G_N_ELEMENTS(beyond); i++)
			g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, beyond[i], 0), ==,
			                SECCOMP_RET_ERRNO | ENOSYS);
		for (guint32 nr = 0; nr <= MAX_SYSCALL; nr++) {
			const guint64 args[6] = {0};

			if (gait_floor_get_refusal(floor, nr, args) == 0)
				check_handed_over(h, decide(floor, AUDIT_ARCH_X86_64, nr, 0));
		}
	}
}

/* What must be refused, and what lies right beside it. */
static const struct {
	guint32 nr;
	guint64 argument;
	int error; /* 0: not refused */
} guarded[] = {
    {SYS_seccomp, 0, EPERM},
    {SYS_seccomp, 1, EPERM},
    {SYS_ptrace, 0, EPERM},
    {SYS_process_vm_writev, 1, EPERM},
    {SYS_process_vm_readv, 1, 0},
    {SYS_pidfd_getfd, 3, EPERM},
    {SYS_pidfd_open, 3, 0},
    {SYS_io_uring_setup, 8, ENOSYS},
    {SYS_io_uring_enter, 8, ENOSYS},
    {SYS_io_uring_register, 8, ENOSYS},
    {SYS_prctl, PR_SET_SECCOMP, EPERM},
    {SYS_prctl, PR_GET_SECCOMP, 0},
    {SYS_prctl, PR_SET_NAME, 0},
    /* The kernel takes an int: what is in the high half does not make it another call. */
    {SYS_prctl, PR_SET_SECCOMP | G_GUINT64_CONSTANT(0x100000000), EPERM},
    {SYS_prctl, PR_SET_SECCOMP | G_GUINT64_CONSTANT(0xffffffff00000000), EPERM},
    {SYS_clone, 0x00800000, EPERM},
    {SYS_clone, 0x00800000 | 0x3d0f00, EPERM},
    {SYS_clone, 0x3d0f00, 0},
    {SYS_clone, 17, 0},
    {SYS_execve, 0, 0},
    {SYS_read, PR_SET_SECCOMP, 0},
};

static void
test_guards(void)
{
	g_autoptr(GaitModel) model = make_model();

	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, 0, NULL);

		for (guint i = 0; i < G_N_ELEMENTS(guarded); i++) {
			const guint64 args[6] = {guarded[i].argument};
			guint32 answer =
			    decide(floor, AUDIT_ARCH_X86_64, guarded[i].nr, guarded[i].argument);

			g_assert_cmpint(gait_floor_get_refusal(floor, guarded[i].nr, args), ==,
			                guarded[i].error);
			/* Where nobody sees the call later it is the filter that refuses it. */
			if (h == GAIT_FLOOR_ALLOW && guarded[i].error != 0)
				g_assert_cmphex(answer, ==, SECCOMP_RET_ERRNO | guarded[i].error);
			else if (is_partial(h) && guarded[i].error != 0)
				g_assert_cmphex(answer, ==, SECCOMP_RET_USER_NOTIF);
			else
				check_handed_over(h, answer);
		}
	}
}

static void
test_learned(void)
{
	g_autoptr(GaitModel) model = make_model();
	g_autoptr(GaitFloor) floor = NULL;
	const guint64 set_seccomp[6] = {PR_SET_SECCOMP}, none[6] = {0};

	teach(model, SYS_ptrace, 0);
	teach(model, SYS_prctl, PR_SET_NAME);
	floor = gait_floor_new(model, GAIT_FLOOR_ALLOW, 0, NULL);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_ptrace, none), ==, 0);
	g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, SYS_ptrace, 0), ==, SECCOMP_RET_ALLOW);
	/* One operation of prctl was learned, not the other one. */
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_prctl, set_seccomp), ==, EPERM);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_seccomp, none), ==, EPERM);
	g_assert_cmpstr(gait_floor_get_learned(floor)[0], ==, "ptrace");
	g_assert_null(gait_floor_get_learned(floor)[1]);

	teach(model, SYS_prctl, PR_SET_SECCOMP);
	g_clear_pointer(&floor, gait_floor_free);
	floor = gait_floor_new(model, GAIT_FLOOR_ALLOW, 0, NULL);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_prctl, set_seccomp), ==, 0);
}

/* A model of nothing: every number there is lies above it. */
static void
test_empty(void)
{
	g_autoptr(GaitModel) model = gait_model_new();
	g_autoptr(GaitFloor) floor = gait_floor_new(model, GAIT_FLOOR_NOTIFY, 0, NULL);

	for (guint32 nr = model->max_syscall + 1; nr < 600; nr++)
		g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, nr, 0), ==,
		                SECCOMP_RET_ERRNO | ENOSYS);
}

/* --- the whole space ---------------------------------------------------------------------------
 */

/*
 * The law, written down once more, by number and not as floor.c has it: the errno with which a
 * native call fails whatever handles the rest, 0 where it is handed over. `learned` is a guarded
 * call that the model has learned; -1 is none.
 */
static int
get_law(guint32 nr, const guint64 args[6], int learned)
{
	gboolean is_seccomp_free = learned == SYS_seccomp;

	if (nr > MAX_SYSCALL)
		return ENOSYS;
	if (nr == SYS_seccomp && is_seccomp_free)
		return (guint32)args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER ? EBUSY : 0;
	if ((int)nr == learned)
		return 0;
	switch (nr) {
	case SYS_seccomp:
	case SYS_ptrace:
	case SYS_process_vm_writev:
	case SYS_pidfd_getfd:
	case SYS_userfaultfd:
		return EPERM;
	case SYS_ioctl:
		return (guint32)args[1] == 0xaa00 ? EPERM : 0;
	case SYS_io_uring_setup:
	case SYS_io_uring_enter:
	case SYS_io_uring_register:
		return ENOSYS;
	case SYS_prctl:
		return (guint32)args[0] == PR_SET_SECCOMP ? EPERM : 0;
	case SYS_clone:
		return (guint32)args[0] & 0x00800000 ? EPERM : 0;
	}
	return 0;
}

/* What distinguishes the guarded calls from what lies beside them, in both halves. */
static const guint64 first_args[] = {
    0,
    1,
    PR_SET_SECCOMP,
    PR_GET_SECCOMP,
    0x00800000,
    0x01900000 | 17,
    G_GUINT64_CONSTANT(0x7fffffff00000000) | PR_SET_SECCOMP,
    G_GUINT64_CONSTANT(0x0080000000000000),
    G_GUINT64_CONSTANT(0x1600000000),
    G_MAXUINT64,
};
static const guint64 second_args[] = {
    0,    8,      1 | 8,  G_GUINT64_CONSTANT(0x800000000), G_GUINT64_CONSTANT(0xffffffff00000008),
    0x10, 0xaa00, 0xaa01, G_GUINT64_CONSTANT(0x10000aa00), G_GUINT64_CONSTANT(0xaa0000000000),
};

#define N_ARGS  (G_N_ELEMENTS(first_args) * G_N_ELEMENTS(second_args))
#define N_SWEPT 1100
#define SWEPT(i)                                                                                   \
	{                                                                                          \
		first_args[(i) % G_N_ELEMENTS(first_args)],                                        \
		    second_args[(i) / G_N_ELEMENTS(first_args)]                                    \
	}

static const guint32 learned_calls[] = {
    SYS_seccomp,        SYS_ptrace,         SYS_process_vm_writev, SYS_pidfd_getfd,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_userfaultfd};

static GaitFloor *
make_floor(GaitFloorHandover handover, int learned)
{
	/* A floor does not keep its model. */
	g_autoptr(GaitModel) model = make_model();
	GError *error = NULL;
	GaitFloor *floor;

	if (learned >= 0)
		teach(model, (guint32)learned, 0);
	floor = gait_floor_new(model, handover, 0, &error);
	g_assert_no_error(error);
	return floor;
}

/* Where somebody looks at what is handed over, the filter refuses nothing but what has no number.
 */
static gboolean
is_expected(guint32 answer, GaitFloorHandover handover, guint32 nr, const guint64 args[6],
            int learned)
{
	int error = get_law(nr, args, learned);

	if (nr > MAX_SYSCALL || (handover == GAIT_FLOOR_ALLOW && error != 0))
		return answer == (SECCOMP_RET_ERRNO | (guint32)error);
	if (!is_partial(handover))
		return answer == handovers[handover];
	return answer == SECCOMP_RET_USER_NOTIF || (answer == SECCOMP_RET_ALLOW && error == 0);
}

static void
sweep(GaitFloorHandover handover, int learned)
{
	g_autoptr(GaitFloor) floor = make_floor(handover, learned);

	for (guint32 nr = 0; nr < N_SWEPT; nr++)
		for (guint i = 0; i < N_ARGS; i++) {
			const guint64 args[6] = SWEPT(i);
			struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64, .nr = (int)nr};
			int error = get_law(nr, args, learned);

			memcpy(data.args, args, sizeof data.args);
			if (!is_expected(simulate(gait_floor_get_filter(floor), &data), handover,
			                 nr, args, learned))
				g_error("call %u(%#" G_GINT64_MODIFIER "x, %#" G_GINT64_MODIFIER
				        "x), learned %d: 0x%x",
				        nr, args[0], args[1], learned,
				        simulate(gait_floor_get_filter(floor), &data));
			g_assert_cmpint(gait_floor_asks(floor, &data), ==,
			                simulate(gait_floor_get_filter(floor), &data) ==
			                    SECCOMP_RET_USER_NOTIF);
			if (nr <= MAX_SYSCALL)
				g_assert_cmpint(gait_floor_get_refusal(floor, nr, args), ==, error);
		}
}

static void
test_space(void)
{
	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		sweep(h, -1);
		for (guint i = 0; i < G_N_ELEMENTS(learned_calls); i++)
			sweep(h, (int)learned_calls[i]);
	}
}

/* What is left to a program in the kernel, and what waits for an answer. */
static void
test_acts(void)
{
	/* Whoever walks calls in the kernel has to know of each of these before it happens. */
	static const guint32 pivotal[] = {SYS_execve, SYS_execveat, SYS_clone, 435 /* clone3 */,
	                                  SYS_fork,   SYS_vfork,    SYS_kill,  SYS_tgkill};
	/* A kill at their entry comes too late. */
	static const guint32 active[] = {SYS_write,
	                                 SYS_writev,
	                                 SYS_pwrite64,
	                                 SYS_sendto,
	                                 SYS_sendmsg,
	                                 SYS_sendfile,
	                                 SYS_splice,
	                                 SYS_tee,
	                                 SYS_vmsplice,
	                                 SYS_copy_file_range,
	                                 SYS_unlink,
	                                 SYS_unlinkat,
	                                 SYS_rename,
	                                 SYS_renameat2,
	                                 SYS_mkdir,
	                                 SYS_mkdirat,
	                                 SYS_rmdir,
	                                 SYS_symlink,
	                                 SYS_link,
	                                 SYS_linkat,
	                                 SYS_mknod,
	                                 SYS_creat,
	                                 SYS_truncate,
	                                 SYS_ftruncate,
	                                 SYS_chmod,
	                                 SYS_fchmod,
	                                 SYS_fchmodat,
	                                 SYS_chown,
	                                 SYS_fchownat,
	                                 SYS_setxattr,
	                                 SYS_utimensat,
	                                 SYS_connect,
	                                 SYS_bind,
	                                 SYS_listen,
	                                 SYS_shutdown,
	                                 SYS_setsockopt,
	                                 SYS_mount,
	                                 SYS_umount2,
	                                 SYS_chroot,
	                                 SYS_pivot_root,
	                                 SYS_setuid,
	                                 SYS_setgid,
	                                 SYS_setresuid,
	                                 SYS_capset,
	                                 SYS_unshare,
	                                 SYS_setns,
	                                 SYS_ptrace,
	                                 SYS_bpf,
	                                 SYS_keyctl,
	                                 SYS_reboot,
	                                 SYS_sethostname,
	                                 SYS_init_module,
	                                 SYS_io_uring_setup,
	                                 SYS_perf_event_open,
	                                 SYS_process_vm_writev,
	                                 SYS_pidfd_send_signal,
	                                 SYS_rt_sigqueueinfo,
	                                 SYS_prlimit64,
	                                 SYS_mq_open,
	                                 SYS_msgsnd,
	                                 SYS_shmat,
	                                 SYS_semop,
	                                 SYS_fallocate,
	                                 SYS_ioctl,
	                                 SYS_prctl,
	                                 SYS_personality,
	                                 SYS_socket,
	                                 SYS_lseek,
	                                 SYS_flock,
	                                 SYS_epoll_ctl,
	                                 SYS_timerfd_settime,
	                                 SYS_inotify_add_watch,
	                                 SYS_signalfd4,
	                                 SYS_memfd_create,
	                                 437 /* openat2 */};
	static const guint32 passive[] = {SYS_read,       SYS_recvfrom, SYS_poll,
	                                  SYS_epoll_wait, SYS_brk,      SYS_newfstatat,
	                                  SYS_close,      SYS_getpid,   SYS_futex};
	g_autoptr(GaitFloor) some = make_floor(GAIT_FLOOR_NOTIFY_PIVOTAL, -1);
	g_autoptr(GaitFloor) most = make_floor(GAIT_FLOOR_NOTIFY_ACTIVE, -1);
	struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64};

	for (guint i = 0; i < G_N_ELEMENTS(pivotal); i++) {
		g_assert_cmphex(decide(some, AUDIT_ARCH_X86_64, pivotal[i], 17), ==,
		                SECCOMP_RET_USER_NOTIF);
		g_assert_cmphex(decide(most, AUDIT_ARCH_X86_64, pivotal[i], 17), ==,
		                SECCOMP_RET_USER_NOTIF);
	}
	for (guint i = 0; i < G_N_ELEMENTS(active); i++)
		g_assert_cmphex(decide(most, AUDIT_ARCH_X86_64, active[i], 0), ==,
		                SECCOMP_RET_USER_NOTIF);
	for (guint i = 0; i < G_N_ELEMENTS(passive); i++) {
		g_assert_cmphex(decide(some, AUDIT_ARCH_X86_64, passive[i], 0), ==,
		                SECCOMP_RET_ALLOW);
		g_assert_cmphex(decide(most, AUDIT_ARCH_X86_64, passive[i], 0), ==,
		                SECCOMP_RET_ALLOW);
	}
	/* Code is mapped with somebody's knowledge, whatever else the argument says. */
	for (guint64 prot = 0; prot < 16; prot++)
		for (guint high = 0; high < 2; high++) {
			guint32 answer = prot & 4 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW;

			data.nr = SYS_mmap;
			data.args[2] = prot | (guint64)high << 40;
			data.args[3] = MAP_PRIVATE;
			g_assert_cmphex(simulate(gait_floor_get_filter(some), &data), ==, answer);
			g_assert_cmphex(simulate(gait_floor_get_filter(most), &data), ==, answer);
			/* And so is what others see of it. */
			data.args[3] = MAP_SHARED;
			if (prot & PROT_WRITE)
				answer = SECCOMP_RET_USER_NOTIF;
			g_assert_cmphex(simulate(gait_floor_get_filter(most), &data), ==, answer);
		}
	/* Files are made, emptied and opened for writing so. */
	data.nr = SYS_openat;
	for (guint bit = 0; bit < 32; bit++) {
		gboolean changes =
		    (1u << bit) & 0x400243; /* O_ACCMODE, O_CREAT, O_TRUNC, __O_TMPFILE */

		data.args[2] = 1u << bit | G_GUINT64_CONSTANT(1) << 50;
		g_assert_cmphex(simulate(gait_floor_get_filter(most), &data), ==,
		                changes ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
	}
}

/* Where hooks refuse, what is rare is asked about all the same; what is not, only if it acts and
 * meets no hook. */
static void
test_rare(void)
{
	static const struct {
		guint32 nr;
		guint64 count;
		gboolean is_asked;
	} calls[] = {
	    {SYS_read, 10000, FALSE}, {SYS_write, 11, FALSE}, {SYS_connect, 9, TRUE},
	    {SYS_getcwd, 9, TRUE},    {SYS_close, 11, FALSE}, {SYS_umask, 11, TRUE},
	    {SYS_clone, 11, TRUE},    {SYS_getpid, 0, TRUE},
	};
	g_autoptr(GaitModel) model = make_model();
	GaitLibrary *library = gait_program_add_library(
	    gait_model_add_program(model, "/bin/x"), gait_model_add_module(model, "/lib", "", 0));
	g_autoptr(GaitFloor) floor = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
		if (calls[i].count > 0)
			gait_library_add_symbol(library, calls[i].nr, 0, 1, NULL, 0)->count =
			    calls[i].count;
	floor = gait_floor_new(model, GAIT_FLOOR_NOTIFY_UNHOOKED, 0, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, calls[i].nr, 0), ==,
		                calls[i].is_asked ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
		g_assert_cmpint(gait_floor_asks_always(floor, calls[i].nr), ==, calls[i].is_asked);
	}
}

/* A terminal's calls are asked about, by the half of the descriptor that the kernel looks at; all
 * others are as they were. */
static void
test_streams(void)
{
	static const guint32 watched[] = {SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_sendfile};
	static const guint64 fds[] = {0, 1, 2, 3, 64, 1ull << 32 | 2, 1ull << 32 | 1, G_MAXUINT64};
	g_autoptr(GaitModel) model = make_model();

	for (guint handover = 0; handover < GAIT_FLOOR_N_; handover++)
		for (guint streams = 0; streams < 8; streams++) {
			g_autoptr(GaitFloor) bare = gait_floor_new(model, handover, 0, NULL);
			g_autoptr(GaitFloor) floor = gait_floor_new(model, handover, streams, NULL);

			for (guint32 nr = 0; nr < N_SWEPT; nr++)
				for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
					gboolean is_watched = FALSE;
					guint32 expected =
					    decide(bare, AUDIT_ARCH_X86_64, nr, fds[i]);

					for (guint w = 0; w < G_N_ELEMENTS(watched); w++)
						is_watched |= nr == watched[w];
					if (is_watched && is_partial(handover) &&
					    (guint32)fds[i] < 3 &&
					    (streams & 1u << (guint32)fds[i]))
						expected = SECCOMP_RET_USER_NOTIF;
					g_assert_cmphex(
					    decide(floor, AUDIT_ARCH_X86_64, nr, fds[i]), ==,
					    expected);
				}
			g_assert_cmphex(decide(floor, AUDIT_ARCH_I386, SYS_write, 1), ==,
			                SECCOMP_RET_KILL_PROCESS);
		}
}

/* By architecture and number alone it decides without a filter as with one. */
static void
test_decide(void)
{
	static const guint32 kinds[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0,
	                                AUDIT_ARCH_X86_64 ^ 0x40000000};
	static const guint32 blocks[] = {0,          0x40000000, 0x7ffffc00,
	                                 0x80000000, 0xc0000000, 0xfffffc00};
	static const guint32 answers[GAIT_FLOOR_DECISION_N_] = {
	    [GAIT_FLOOR_HAND_OVER] = SECCOMP_RET_TRACE,
	    [GAIT_FLOOR_KILL] = SECCOMP_RET_KILL_PROCESS,
	    [GAIT_FLOOR_ENOSYS] = SECCOMP_RET_ERRNO | ENOSYS,
	};
	g_autoptr(GaitFloor) floor = make_floor(GAIT_FLOOR_TRACE, -1);

	for (guint a = 0; a < G_N_ELEMENTS(kinds); a++)
		for (guint b = 0; b < G_N_ELEMENTS(blocks); b++)
			for (guint32 i = 0; i < 1024; i++)
				g_assert_cmphex(
				    decide(floor, kinds[a], blocks[b] + i, 0), ==,
				    answers[gait_floor_decide(floor, kinds[a], blocks[b] + i)]);
}

/*
 * Two ways to the same thing are treated alike: either both reach whoever looks, or both are
 * refused. (CLONE_UNTRACED is not in clone3's registers: what is made so has no creator, and is
 * killed.)
 */
static void
test_companions(void)
{
	static const guint32 families[][5] = {
	    {SYS_open, SYS_openat, 437 /* openat2 */, SYS_creat, SYS_open_by_handle_at},
	    {SYS_execve, SYS_execveat},
	    {SYS_fork, SYS_vfork, SYS_clone, 435 /* clone3 */},
	    {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register},
	    {SYS_ptrace, SYS_process_vm_writev, SYS_pidfd_getfd},
	    {SYS_socket, SYS_socketpair},
	    {SYS_mmap, SYS_mremap, SYS_mprotect, SYS_pkey_mprotect, SYS_remap_file_pages},
	    {SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_pidfd_send_signal},
	};

	/* Of these, too, where the kernel walks the rest. */
	static const guint pivotal[] = {1, 2, 7};

	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		g_autoptr(GaitFloor) floor = make_floor(h, -1);
		guint n = is_partial(h) ? G_N_ELEMENTS(pivotal) : G_N_ELEMENTS(families);

		for (guint p = 0; p < n; p++)
			for (guint f = is_partial(h) ? pivotal[p] : p, i = 1;
			     i < 5 && families[f][i] != 0; i++)
				g_assert_cmphex(
				    decide(floor, AUDIT_ARCH_X86_64, families[f][i], 0), ==,
				    decide(floor, AUDIT_ARCH_X86_64, families[f][0], 0));
	}
	/* Nothing that somebody is to look at gets past them. */
	for (guint h = GAIT_FLOOR_NOTIFY; h <= GAIT_FLOOR_TRACE; h++) {
		g_autoptr(GaitFloor) floor = make_floor(h, -1);

		for (guint32 nr = 0; nr < N_SWEPT; nr++)
			g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, nr, 0) &
			                    SECCOMP_RET_ACTION_FULL,
			                <, SECCOMP_RET_LOG);
	}
}

/* --- the kernel itself --------------------------------------------------------------------------
 */

/* Numbers that no call fails with. */
#define HANDED_OVER 4000
#define ALLOWED     4001

typedef struct {
	volatile int is_done;
	int failure;
	int results[N_SWEPT][N_ARGS];
} Page;

/*
 * uretprobe and uprobe (Linux 6.11, 6.18): by these the kernel's own trampolines come back to it.
 * It asks no filter about them, and kills who calls them from elsewhere.
 */
static gboolean
passes_filters(guint32 nr)
{
	return nr == 335 || nr == 336;
}

static long
raw_call(guint64 nr, guint64 first, guint64 second)
{
	register guint64 r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(nr), "D"(first), "S"(second), "d"(0), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

/* Every call there is, none of which happens, because what is handed over fails: then one of x32.
 */
G_GNUC_NORETURN static void
sweep_live(const struct sock_fprog *filter, Page *page, gboolean is_foreign)
{
	long result = 20; /* getpid, to i386 */

	prctl(PR_SET_DUMPABLE, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) != 0) {
		page->failure = errno;
		_exit(1);
	}
	for (guint32 nr = 0; nr < N_SWEPT; nr++)
		for (guint i = 0; i < N_ARGS && !passes_filters(nr); i++) {
			const guint64 args[2] = SWEPT(i);

			/* The upper half of the number is nothing to the kernel. */
			page->results[nr][i] =
			    (int)raw_call(nr | (guint64)i << 32, args[0], args[1]);
		}
	page->is_done = TRUE;
	if (is_foreign)
		__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
	else
		raw_call(0x40000000 | SYS_getpid, 0, 0);
	for (;;)
		;
}

/* What an answer of the filter is made in the same program: what would be handed over, or run,
 * fails with a number of its own. */
static guint32
replace_answer(guint32 answer)
{
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
		return SECCOMP_RET_ERRNO | HANDED_OVER;
	case SECCOMP_RET_ALLOW:
		return SECCOMP_RET_ERRNO | ALLOWED;
	}
	return answer;
}

static struct sock_filter *
replace_answers(const struct sock_fprog *filter)
{
	struct sock_filter *copy = g_memdup2(filter->filter, filter->len * sizeof *copy);
	guint n = 0;

	for (guint i = 0; i < filter->len; i++) {
		guint32 answer = replace_answer(copy[i].k);

		if (copy[i].code != (BPF_RET | BPF_K) || answer == copy[i].k)
			continue;
		copy[i].k = answer;
		n++;
	}
	g_assert_cmpuint(n, >, 0);
	return copy;
}

static void
compare_live(GaitFloorHandover handover, gboolean is_foreign)
{
	g_autoptr(GaitFloor) floor = make_floor(handover, -1);
	const struct sock_fprog *filter = gait_floor_get_filter(floor);
	g_autofree struct sock_filter *copy = replace_answers(filter);
	struct sock_fprog program = {.len = filter->len, .filter = copy};
	Page *page =
	    mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	g_assert_true(page != MAP_FAILED);
	pid = fork();
	if (pid == 0)
		sweep_live(&program, page, is_foreign);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(page->failure, ==, 0);
	g_assert_true(page->is_done);
	g_assert_true(WIFSIGNALED(status));
	g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
	for (guint32 nr = 0; nr < N_SWEPT; nr++)
		for (guint i = 0; i < N_ARGS && !passes_filters(nr); i++) {
			struct seccomp_data data = {
			    .arch = AUDIT_ARCH_X86_64, .nr = (int)nr, .args = SWEPT(i)};
			int expected =
			    (int)(replace_answer(simulate(filter, &data)) & SECCOMP_RET_DATA);

			g_assert_cmpint(-page->results[nr][i], ==, expected);
		}
	munmap(page, sizeof *page);
}

/* The machine above is the kernel's. */
static void
test_live(void)
{
	for (guint h = 0; h < GAIT_FLOOR_N_; h++)
		for (guint is_foreign = 0; is_foreign < 2; is_foreign++)
			compare_live(h, is_foreign);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/floor/foreign", test_foreign);
	g_test_add_func("/floor/ranges", test_ranges);
	g_test_add_func("/floor/guards", test_guards);
	g_test_add_func("/floor/learned", test_learned);
	g_test_add_func("/floor/empty", test_empty);
	g_test_add_func("/floor/space", test_space);
	g_test_add_func("/floor/decide", test_decide);
	g_test_add_func("/floor/companions", test_companions);
	g_test_add_func("/floor/acts", test_acts);
	g_test_add_func("/floor/rare", test_rare);
	g_test_add_func("/floor/streams", test_streams);
	g_test_add_func("/floor/live", test_live);
	return g_test_run();
}
