// SPDX-License-Identifier: Apache-2.0
/*
 * Programs of call frame information that no compiler writes: what is malformed says nothing, from
 * there on, and costs no more than its bytes. (What compilers write: test-unwind-table.c.)
 */
#include "unit.h"

#include "process/cfi-program.h"
#include "process/unwind-rules.h"

#include <dwarf.h>
#include <string.h>

enum {
	START = 0x1000,
	SIZE = 64, /* of the function */
	MAX_PROGRAM = 24,
};

typedef struct {
	guint n_rows, n_nothing; /* rows, and those that say nothing */
	guint64 at;
	struct gait_unwind_row last;
} Seen;

static void
see(guint64 start, guint64 end, const GaitCfiState *state, gpointer data)
{
	Seen *seen = data;

	g_assert_cmpuint(start, ==, seen->at);
	g_assert_cmpuint(end, >, start);
	seen->at = end;
	gait_unwind_row_from_state(&seen->last, state);
	seen->n_rows++;
	seen->n_nothing += seen->last.cfa == GAIT_CFA_NONE;
}

/* CFA = rsp + 8, the return address below it, and then the bytes of a program. */
static gboolean
run(const guint8 *bytes, gsize size, guint64 *budget, Seen *seen)
{
	static const guint8 initial[] = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};
	GaitCfiFde fde = {
	    .cie = {.code_factor = 1,
	            .return_register = 16,
	            .data_factor = -8,
	            .encoding = GAIT_ENCODING_SDATA4 | GAIT_ENCODING_PC_RELATIVE,
	            .program = {.bytes = initial, .size = sizeof(initial)}},
	    .start = START,
	    .end = START + SIZE,
	    .program = {.bytes = bytes, .size = size},
	};
	gboolean is_sound;

	*seen = (Seen){.at = START};
	is_sound = gait_cfi_run(&fde, budget, see, seen);
	/* Whatever it is, something is said of all of the function. */
	g_assert_cmpuint(seen->at, ==, START + SIZE);
	return is_sound;
}

typedef struct {
	const char *what;
	gsize size;
	guint8 program[MAX_PROGRAM];
	gboolean is_sound;
	guint n_rows, n_nothing;
} Case;

#define ADVANCE(n) (DW_CFA_advance_loc | (n))

static const Case cases[] = {
    {"empty", 0, {0}, TRUE, 1, 0},
    {"a register of a huge number",
     7,
     {DW_CFA_offset_extended, 0xff, 0xff, 0xff, 0xff, 0x0f, 1},
     TRUE,
     1,
     0},
    {"a CFA by a register that there is not", 3, {DW_CFA_def_cfa, 77, 8}, TRUE, 1, 1},
    {"a CFA further off than a row can say",
     8,
     {DW_CFA_def_cfa, 7, 0x80, 0x80, 0x80, 0x80, 0x10, DW_CFA_nop},
     TRUE,
     1,
     1},
    {"an instruction that there is not", 3, {ADVANCE(4), 0x3f, ADVANCE(4)}, FALSE, 2, 1},
    {"an operand that is cut off", 2, {ADVANCE(4), DW_CFA_def_cfa_offset}, FALSE, 2, 1},
    {"a number that does not end",
     18,
     {DW_CFA_def_cfa_offset, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
      0x80, 0x80, 0x80, 0x80, 0},
     FALSE,
     1,
     1},
    {"beyond the function", 2, {ADVANCE(32), ADVANCE(33)}, FALSE, 2, 1},
    {"to its end, and on", 3, {ADVANCE(32), ADVANCE(32), ADVANCE(0)}, TRUE, 2, 0},
    {"backward", 6, {ADVANCE(4), DW_CFA_set_loc, 0xf0, 0xff, 0xff, 0xff}, FALSE, 2, 1},
    {"a state that was not remembered", 1, {DW_CFA_restore_state}, FALSE, 1, 1},
    {"an offset to an expression",
     6,
     {DW_CFA_def_cfa_expression, 2, DW_OP_breg0 + 7, 0, DW_CFA_def_cfa_offset, 8},
     FALSE,
     1,
     1},
    {"an expression that is cut off", 3, {DW_CFA_def_cfa_expression, 9, DW_OP_breg7}, FALSE, 1, 1},
    {"an expression that is not known",
     5,
     {DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 8, DW_OP_nop},
     TRUE,
     1,
     1},
    {"the return address elsewhere", 3, {ADVANCE(1), DW_CFA_offset | 16, 2}, TRUE, 2, 1},
};

static void
test_cases(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint64 budget = 100;
		Seen seen;

		g_test_message("%s", cases[i].what);
		g_assert_cmpint(run(cases[i].program, cases[i].size, &budget, &seen), ==,
		                cases[i].is_sound);
		g_assert_cmpuint(seen.n_rows, ==, cases[i].n_rows);
		g_assert_cmpuint(seen.n_nothing, ==, cases[i].n_nothing);
	}
}

static void
test_depth(void)
{
	guint8 program[1000];
	guint64 budget = G_MAXUINT64;
	Seen seen;

	memset(program, DW_CFA_remember_state, sizeof(program));
	g_assert_true(run(program, 16, &budget, &seen));
	g_assert_false(run(program, 17, &budget, &seen));
	g_assert_false(run(program, sizeof(program), &budget, &seen));
	g_assert_cmpuint(seen.n_nothing, ==, 1);
}

/* One function's work is taken from what all may take; two instructions are the CIE's. */
static void
test_budget(void)
{
	guint8 program[100] = {0};
	guint64 budget = 150;
	Seen seen;

	g_assert_true(run(program, sizeof(program), &budget, &seen));
	g_assert_cmpuint(budget, ==, 48);
	g_assert_cmpuint(seen.n_nothing, ==, 0);
	g_assert_false(run(program, sizeof(program), &budget, &seen));
	g_assert_cmpuint(budget, ==, 0);
	g_assert_cmpuint(seen.n_nothing, ==, 1);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/cfi-program/cases", test_cases);
	g_test_add_func("/cfi-program/depth", test_depth);
	g_test_add_func("/cfi-program/budget", test_budget);
	return g_test_run();
}
