/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a sleeping task, as BPF noted them, are those that ptrace sees: of a child that
 * sleeps in a call with values of its own in every register that a call leaves alone.
 */
#include "enforce/notify-asleep.h"

#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sleeps with known registers, for ever. */
G_GNUC_NORETURN static void
sleep_in_call(void)
{
	for (;;)
		__asm__ volatile(
		    "mov $0x1111, %%rbx\n\tmov $0x2222, %%r12\n\tmov $0x3333, %%r13\n\t"
		    "mov $0x4444, %%r14\n\tmov $0x5555, %%r15\n\tsyscall"
		    :
		    : "a"(SYS_pause)
		    : "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "memory");
}

typedef struct {
	GaitAsleep *asleep;
	pid_t child;
	int slot;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	int go[2];

	fixture->asleep = gait_asleep_new(&error);
	if (!fixture->asleep) {
		unit_skip(error->message);
		return;
	}
	g_assert_cmpint(pipe(go), ==, 0);
	fixture->child = fork();
	if (fixture->child == 0) {
		char byte;

		if (read(go[0], &byte, 1) == 1)
			sleep_in_call();
		_exit(1);
	}
	g_assert_cmpint(ptrace(PTRACE_SEIZE, fixture->child, NULL, PTRACE_O_EXITKILL), ==, 0);
	fixture->slot = gait_asleep_add(fixture->asleep, fixture->child);
	g_assert_cmpint(fixture->slot, >=, 0);
	g_assert_cmpint(write(go[1], "", 1), ==, 1);
	close(go[0]);
	close(go[1]);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	if (fixture->child > 0) {
		kill(fixture->child, SIGKILL);
		waitpid(fixture->child, NULL, __WALL);
		gait_asleep_remove(fixture->asleep, fixture->slot, fixture->child);
	}
	gait_asleep_free(fixture->asleep);
}

/* Until it sleeps in pause(). */
static void
wait_for_sleep(Fixture *fixture, GaitAsleepNote *note)
{
	memset(note, 0, sizeof *note);
	while (!gait_asleep_get(fixture->asleep, fixture->slot, fixture->child, 0, note) ||
	       note->registers.orig_rax != SYS_pause)
		g_usleep(100);
}

static void
test_agrees_with_ptrace(Fixture *fixture, gconstpointer data)
{
	struct user_regs_struct seen;
	const struct user_regs_struct *noted;
	GaitAsleepNote note;
	guint64 word;
	int status;

	if (!fixture->asleep)
		return;
	wait_for_sleep(fixture, &note);
	noted = &note.registers;
	g_assert_cmphex(noted->rbx, ==, 0x1111);
	g_assert_cmphex(noted->r15, ==, 0x5555);
	g_assert_cmpint(ptrace(PTRACE_INTERRUPT, fixture->child, NULL, NULL), ==, 0);
	g_assert_cmpint(waitpid(fixture->child, &status, __WALL), ==, fixture->child);
	g_assert_cmpint(ptrace(PTRACE_GETREGS, fixture->child, NULL, &seen), ==, 0);
	g_assert_cmphex(noted->rip, ==, seen.rip);
	g_assert_cmphex(noted->rsp, ==, seen.rsp);
	g_assert_cmphex(noted->rbp, ==, seen.rbp);
	g_assert_cmphex(noted->r12, ==, seen.r12);
	g_assert_cmphex(noted->r13, ==, seen.r13);
	g_assert_cmphex(noted->r14, ==, seen.r14);
	g_assert_cmphex(noted->rdi, ==, seen.rdi);
	g_assert_cmpuint(note.top.size, ==, sizeof(note.top.bytes));
	for (gsize i = 0; i < sizeof(note.top.bytes); i += sizeof word) {
		memcpy(&word, note.top.bytes + i, sizeof word);
		g_assert_cmphex(
		    word, ==,
		    (guint64)ptrace(PTRACE_PEEKDATA, fixture->child, (void *)(seen.rsp + i), NULL));
	}
}

/* What is asked for under another number is not told; nor is what was noted for a slot's last
 * owner. */
static void
test_is_of_its_task(Fixture *fixture, gconstpointer data)
{
	GaitAsleepNote note;

	if (!fixture->asleep)
		return;
	wait_for_sleep(fixture, &note);
	g_assert_false(
	    gait_asleep_get(fixture->asleep, fixture->slot, fixture->child + 1, 0, &note));
	g_assert_true(gait_asleep_get(fixture->asleep, fixture->slot, fixture->child, 0, &note));
	g_assert_false(
	    gait_asleep_get(fixture->asleep, fixture->slot, fixture->child, note.sequence, &note));
	gait_asleep_remove(fixture->asleep, fixture->slot, fixture->child);
	fixture->slot = gait_asleep_add(fixture->asleep, fixture->child);
	g_assert_false(gait_asleep_get(fixture->asleep, fixture->slot, fixture->child, 0, &note));
}

static void
test_runs_out_of_slots(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(int));
	int slot;

	if (!fixture->asleep)
		return;
	while ((slot = gait_asleep_add(fixture->asleep, 5000000 + (pid_t)slots->len)) >= 0)
		g_array_append_val(slots, slot);
	g_assert_cmpuint(slots->len, >, 1000);
	for (guint i = 0; i < slots->len; i++)
		gait_asleep_remove(fixture->asleep, g_array_index(slots, int, i),
		                   5000000 + (pid_t)i);
	slot = gait_asleep_add(fixture->asleep, 5000000);
	g_assert_cmpint(slot, >=, 0);
	gait_asleep_remove(fixture->asleep, slot, 5000000);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add("/asleep/agrees-with-ptrace", Fixture, NULL, set_up, test_agrees_with_ptrace,
	           tear_down);
	g_test_add("/asleep/is-of-its-task", Fixture, NULL, set_up, test_is_of_its_task, tear_down);
	g_test_add("/asleep/runs-out-of-slots", Fixture, NULL, set_up, test_runs_out_of_slots,
	           tear_down);
	return g_test_run();
}
