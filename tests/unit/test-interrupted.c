/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls are told to be the same one again: tables of what happens to a task. */
#include "tests/unit/unit.h"

#include "sysgait/interrupted.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum { AGAIN = 512, AGAIN_ALWAYS = 513, AGAIN_WITHOUT_HANDLER = 514, AGAIN_BY_ITSELF = 516 };

/* One thing that happens: a signal that finds a call with this result, or a call. */
typedef struct {
	enum { END, SIGNAL, CALL } kind;
	guint depth;
	guint32 nr;
	guint64 sp;
	int result;        /* SIGNAL: negated */
	gboolean is_again; /* CALL */
} Step;

typedef struct {
	const char *name;
	Step steps[8];
} Case;

static const Case cases[] = {
    {"nothing was interrupted", {{CALL, 0, SYS_read, 8, 0, FALSE}}},
    {"without a handler", {{SIGNAL, 0, SYS_read, 8, AGAIN, 0}, {CALL, 0, SYS_read, 8, 0, TRUE}}},
    {"only once",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {CALL, 0, SYS_read, 8, 0, TRUE},
      {CALL, 0, SYS_read, 8, 0, FALSE}}},
    {"three kernel numbers",
     {{SIGNAL, 0, SYS_clone, 8, AGAIN_ALWAYS, 0},
      {CALL, 0, SYS_clone, 8, 0, TRUE},
      {SIGNAL, 0, SYS_rt_sigsuspend, 8, AGAIN_WITHOUT_HANDLER, 0},
      {CALL, 0, SYS_rt_sigsuspend, 8, 0, TRUE}}},
    {"restart_syscall speaks for itself",
     {{SIGNAL, 0, SYS_nanosleep, 8, AGAIN_BY_ITSELF, 0}, {CALL, 0, SYS_nanosleep, 8, 0, FALSE}}},
    {"a call that had ended",
     {{SIGNAL, 0, SYS_read, 8, 0, 0},
      {CALL, 0, SYS_read, 8, 0, FALSE},
      {SIGNAL, 0, SYS_read, 8, 4, 0},
      {CALL, 0, SYS_read, 8, 0, FALSE}}},
    {"from elsewhere", {{SIGNAL, 0, SYS_read, 8, AGAIN, 0}, {CALL, 0, SYS_read, 16, 0, FALSE}}},
    {"another call came first",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {CALL, 0, SYS_write, 8, 0, FALSE},
      {CALL, 0, SYS_read, 8, 0, FALSE}}},
    {"after a handler that makes calls",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {CALL, 1, SYS_write, 4, 0, FALSE},
      {CALL, 0, SYS_rt_sigreturn, 5, 0, FALSE},
      {CALL, 0, SYS_read, 8, 0, TRUE}}},
    {"a handler's call is not the one outside",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {CALL, 1, SYS_read, 8, 0, FALSE},
      {CALL, 0, SYS_rt_sigreturn, 5, 0, FALSE},
      {CALL, 0, SYS_read, 8, 0, TRUE}}},
    {"handlers within handlers",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {SIGNAL, 1, SYS_write, 4, AGAIN, 0},
      {CALL, 1, SYS_rt_sigreturn, 2, 0, FALSE},
      {CALL, 1, SYS_write, 4, 0, TRUE},
      {CALL, 0, SYS_rt_sigreturn, 5, 0, FALSE},
      {CALL, 0, SYS_read, 8, 0, TRUE}}},
    {"stopped and continued: two signals, one repetition",
     {{SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {SIGNAL, 0, SYS_read, 8, AGAIN, 0},
      {CALL, 0, SYS_read, 8, 0, TRUE},
      {CALL, 0, SYS_read, 8, 0, FALSE}}},
    {"left by siglongjmp",
     {{SIGNAL, 1, SYS_read, 8, AGAIN, 0},
      {CALL, 0, SYS_write, 32, 0, FALSE},
      {CALL, 1, SYS_read, 8, 0, FALSE}}},
};

static void
take_step(GaitInterruptedCalls *interrupted, const Step *step)
{
	if (step->kind == SIGNAL) {
		struct user_regs_struct registers = {
		    .rip = 0x1000,
		    .rsp = step->sp,
		    .orig_rax = step->nr,
		    .rax = (guint64) - (gint64)step->result,
		    .rdi = 1,
		    .r9 = 6,
		};

		gait_interrupted_calls_note(interrupted, step->depth, &registers);
	} else {
		GaitIssuedCall call = {
		    .ip = 0x1000, .sp = step->sp, .nr = step->nr, .args = {1, 0, 0, 0, 0, 6}};

		g_assert_cmpint(gait_interrupted_calls_take(interrupted, step->depth, &call), ==,
		                step->is_again);
	}
}

static void
test_case(gconstpointer data)
{
	const Case *test = data;
	GaitInterruptedCalls interrupted = {NULL};

	for (const Step *step = test->steps; step->kind != END; step++)
		take_step(&interrupted, step);
	gait_interrupted_calls_clear(&interrupted);
	g_assert_null(interrupted.calls);
}

/* Each part of a call has to agree. */
static void
test_parts(void)
{
	static const struct user_regs_struct registers = {
	    .rip = 1, .rsp = 2, .orig_rax = SYS_read, .rax = -AGAIN, .rdx = 3};
	static const GaitIssuedCall same = {.ip = 1, .sp = 2, .nr = SYS_read, .args = {0, 0, 3}};
	GaitIssuedCall others[10];
	GaitInterruptedCalls interrupted = {NULL};

	for (guint i = 0; i < G_N_ELEMENTS(others); i++)
		others[i] = same;
	others[0].ip++;
	others[1].sp++;
	others[2].nr++;
	for (guint i = 0; i < 6; i++)
		others[3 + i].args[i]++;
	for (guint i = 0; i < 9; i++) {
		gait_interrupted_calls_note(&interrupted, 0, &registers);
		g_assert_false(gait_interrupted_calls_take(&interrupted, 0, &others[i]));
	}
	gait_interrupted_calls_note(&interrupted, 0, &registers);
	g_assert_true(gait_interrupted_calls_take(&interrupted, 0, &others[9]));
	gait_interrupted_calls_clear(&interrupted);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/interrupted/%s", cases[i].name);

		g_test_add_data_func(path, &cases[i], test_case);
	}
	g_test_add_func("/interrupted/parts", test_parts);
	return g_test_run();
}
