/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor's filter, run by a cBPF machine of our own on every number, architecture and argument
 * that matters, against a table of what must come out; and the live kernel's answer to the same
 * programs is what e2e tests see.
 */
#include "enforce/floor.h"
#include "sysgait/syscall.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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

static const guint32 arches[] = {
    AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64 & 0xffff, 0, 0xffffffff};

static void
test_foreign(void)
{
	g_autoptr(GaitModel) model = make_model();

	for (guint h = 0; h < GAIT_FLOOR_N_; h++) {
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, NULL);

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
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, NULL);

		for (guint i = 0; i < G_N_ELEMENTS(beyond); i++)
			g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, beyond[i], 0), ==,
			                SECCOMP_RET_ERRNO | ENOSYS);
		for (guint32 nr = 0; nr <= MAX_SYSCALL; nr++) {
			const guint64 args[6] = {0};

			if (gait_floor_get_refusal(floor, nr, args) == 0)
				g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, nr, 0), ==,
				                handovers[h]);
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
		g_autoptr(GaitFloor) floor = gait_floor_new(model, h, NULL);

		for (guint i = 0; i < G_N_ELEMENTS(guarded); i++) {
			const guint64 args[6] = {guarded[i].argument};
			guint32 expected = handovers[h];

			/* Where nobody sees the call later it is the filter that refuses it. */
			if (h == GAIT_FLOOR_ALLOW && guarded[i].error != 0)
				expected = SECCOMP_RET_ERRNO | guarded[i].error;
			g_assert_cmpint(gait_floor_get_refusal(floor, guarded[i].nr, args), ==,
			                guarded[i].error);
			g_assert_cmphex(
			    decide(floor, AUDIT_ARCH_X86_64, guarded[i].nr, guarded[i].argument),
			    ==, expected);
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
	floor = gait_floor_new(model, GAIT_FLOOR_ALLOW, NULL);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_ptrace, none), ==, 0);
	g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, SYS_ptrace, 0), ==, SECCOMP_RET_ALLOW);
	/* One operation of prctl was learned, not the other one. */
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_prctl, set_seccomp), ==, EPERM);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_seccomp, none), ==, EPERM);
	g_assert_cmpstr(gait_floor_get_learned(floor)[0], ==, "ptrace");
	g_assert_null(gait_floor_get_learned(floor)[1]);

	teach(model, SYS_prctl, PR_SET_SECCOMP);
	g_clear_pointer(&floor, gait_floor_free);
	floor = gait_floor_new(model, GAIT_FLOOR_ALLOW, NULL);
	g_assert_cmpint(gait_floor_get_refusal(floor, SYS_prctl, set_seccomp), ==, 0);
}

/* A model of nothing: every number there is lies above it. */
static void
test_empty(void)
{
	g_autoptr(GaitModel) model = gait_model_new();
	g_autoptr(GaitFloor) floor = gait_floor_new(model, GAIT_FLOOR_NOTIFY, NULL);

	for (guint32 nr = model->max_syscall + 1; nr < 600; nr++)
		g_assert_cmphex(decide(floor, AUDIT_ARCH_X86_64, nr, 0), ==,
		                SECCOMP_RET_ERRNO | ENOSYS);
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
	return g_test_run();
}
