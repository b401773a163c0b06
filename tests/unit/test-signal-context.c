/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers entered, nested, returned from and jumped out of, told by stack pointers alone. */
#include "tests/unit/unit.h"

#include "sysgait/signal-context.h"

#include <sys/syscall.h>

/* One step on a context, and what it must say. */
typedef struct {
	enum { END, ENTER, CALL, RETURN } kind;
	guint64 interrupted_sp, sp, stack_base; /* ENTER; CALL and RETURN: sp alone */
	guint64 n_left;
	guint depth;
} Step;

#define MAIN 0x7fff0000 /* stack pointer of the main line */
#define ALT  0x10000    /* alternate stack, of 0x4000 bytes */

typedef struct {
	const char *name;
	Step steps[12];
} Case;

static const Case cases[] = {
    {"returns",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {CALL, 0, MAIN - 0xd00, 0, 0, 1},
      {RETURN, 0, MAIN - 0xc00, 0, 0, 0},
      {CALL, 0, MAIN, 0, 0, 0}}},
    {"nested",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {ENTER, MAIN - 0xd00, MAIN - 0x1908, 0, 0, 2},
      {RETURN, 0, MAIN - 0x1900, 0, 0, 1},
      {CALL, 0, MAIN - 0xd00, 0, 0, 1},
      {RETURN, 0, MAIN - 0xc00, 0, 0, 0}}},
    {"siglongjmp",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {CALL, 0, MAIN - 0xd00, 0, 0, 1},
      {CALL, 0, MAIN + 0x40, 0, 1, 0}}},
    {"siglongjmp out of two",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {ENTER, MAIN - 0xd00, MAIN - 0x1908, 0, 0, 2},
      {CALL, 0, MAIN - 8, 0, 2, 0}}},
    {"siglongjmp out of the inner one",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {ENTER, MAIN - 0xd00, MAIN - 0x1908, 0, 0, 2},
      {CALL, 0, MAIN - 0xd00, 0, 1, 1},
      {RETURN, 0, MAIN - 0xc00, 0, 0, 0}}},
    {"deeper than the frame: noticed later, not wrongly",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {CALL, 0, MAIN - 0x8000, 0, 0, 1},
      {CALL, 0, MAIN - 8, 0, 1, 0}}},
    {"again from where it jumped to",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1}, {ENTER, MAIN, MAIN - 0xc08, 0, 1, 1}}},
    {"signal between return and rt_sigreturn",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {ENTER, MAIN - 0xc00, MAIN - 0x1808, 0, 0, 2},
      {RETURN, 0, MAIN - 0x1800, 0, 0, 1},
      {RETURN, 0, MAIN - 0xc00, 0, 0, 0}}},
    {"alternate stack",
     {{ENTER, MAIN, ALT + 0x3000, ALT, 0, 1},
      {CALL, 0, ALT + 0x2000, 0, 0, 1},
      {RETURN, 0, ALT + 0x3008, 0, 0, 0}}},
    {"siglongjmp from an alternate stack to higher memory",
     {{ENTER, MAIN, ALT + 0x3000, ALT, 0, 1}, {CALL, 0, MAIN - 0x5000, 0, 1, 0}}},
    {"siglongjmp from an alternate stack to lower memory",
     {{ENTER, ALT - 0x1000, ALT + 0x3000, ALT, 0, 1}, {CALL, 0, ALT - 0x5000, 0, 1, 0}}},
    {"rt_sigreturn through an outer frame",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1},
      {ENTER, MAIN - 0xd00, MAIN - 0x1908, 0, 0, 2},
      {RETURN, 0, MAIN - 0xc00, 0, 1, 0}}},
    {"rt_sigreturn through a frame made by hand",
     {{ENTER, MAIN, MAIN - 0xc08, 0, 0, 1}, {RETURN, 0, MAIN - 0x4000, 0, 1, 0}}},
    {"rt_sigreturn out of nothing", {{RETURN, 0, MAIN, 0, 0, 0}}},
};

static void
test_case(gconstpointer data)
{
	const Case *test = data;
	GaitSignalContext context = {NULL};

	for (const Step *step = test->steps; step->kind != END; step++) {
		GaitSignalFrame frame = {step->interrupted_sp, step->sp, step->stack_base};
		guint64 n_left;

		if (step->kind == ENTER)
			n_left = gait_signal_context_enter(&context, &frame);
		else
			n_left = gait_signal_context_note_syscall(
			    &context, step->kind == CALL ? SYS_read : SYS_rt_sigreturn, step->sp);
		g_assert_cmpuint(n_left, ==, step->n_left);
		g_assert_cmpuint(gait_signal_context_get_depth(&context), ==, step->depth);
	}
	gait_signal_context_clear(&context);
}

static void
test_copy(void)
{
	GaitSignalContext parent = {NULL}, child = {NULL};
	GaitSignalFrame frame = {MAIN, MAIN - 0xc08, 0};

	gait_signal_context_enter(&parent, &frame);
	gait_signal_context_copy(&child, &parent);
	gait_signal_context_note_syscall(&parent, SYS_rt_sigreturn, MAIN - 0xc00);
	g_assert_cmpuint(gait_signal_context_get_depth(&parent), ==, 0);
	g_assert_cmpuint(gait_signal_context_get_depth(&child), ==, 1);
	gait_signal_context_clear(&parent);
	gait_signal_context_clear(&child);
}

/* siglongjmp from one alternate stack to another, for ever. */
static void
test_bound(void)
{
	GaitSignalContext context = {NULL};
	guint64 n_left = 0;
	guint depth;

	for (guint i = 0; i < 100000; i++) {
		guint64 stack = ALT + (i % 2) * 0x100000, other = ALT + ((i + 1) % 2) * 0x100000;
		GaitSignalFrame frame = {other + 0x2000, stack + 0x3000, stack};

		n_left += gait_signal_context_enter(&context, &frame);
	}
	depth = gait_signal_context_get_depth(&context);
	g_assert_cmpuint(depth, >=, 64);
	g_assert_cmpuint(depth, <, 10000);
	g_assert_cmpuint(n_left + depth, ==, 100000);
	gait_signal_context_clear(&context);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/signal-context/%s", cases[i].name);

		g_test_add_data_func(path, &cases[i], test_case);
	}
	g_test_add_func("/signal-context/copy", test_copy);
	g_test_add_func("/signal-context/bound", test_bound);
	return g_test_run();
}
