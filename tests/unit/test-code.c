/* SPDX-License-Identifier: Apache-2.0 */
/* Which number the code before a system call instruction loads, as compilers write it. */
#include "unit.h"

#include "process/code.h"

#include <string.h>

enum { NONE = -1 };

static const struct {
	const char *what;
	guint size;
	guint8 bytes[GAIT_CODE_BEFORE];
	int nr;
} cases[] = {
    {"mov $3,%eax", 5, {0xb8, 3, 0, 0, 0}, 3},
    {"xor %eax,%eax", 2, {0x31, 0xc0}, 0},
    {"mov $0x2c,%eax; mov 0x10(%rsp),%rsi; mov 0x8(%rsp),%edi",
     14,
     {0xb8, 0x2c, 0, 0, 0, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x7c, 0x24, 0x08},
     0x2c},
    {"mov $0x10e,%eax; mov %r8,%r10; xor %r8d,%r8d",
     11,
     {0xb8, 0x0e, 1, 0, 0, 0x4d, 0x89, 0xc2, 0x45, 0x31, 0xc0},
     0x10e},
    {"mov $1,%eax; mov $2,%eax", 10, {0xb8, 1, 0, 0, 0, 0xb8, 2, 0, 0, 0}, 2},
    {"mov $1,%eax; mov %edi,%eax", 7, {0xb8, 1, 0, 0, 0, 0x89, 0xf8}, NONE},
    {"mov $1,%eax; mov (%rdi),%eax", 7, {0xb8, 1, 0, 0, 0, 0x8b, 0x07}, NONE},
    {"mov $1,%r8d", 6, {0x41, 0xb8, 1, 0, 0, 0}, NONE},
    {"mov $1,%eax; call", 10, {0xb8, 1, 0, 0, 0, 0xe8, 0, 0, 0, 0}, NONE},
    {"mov %edi,%eax", 2, {0x89, 0xf8}, NONE},
    {"xor %r8d,%r8d", 3, {0x45, 0x31, 0xc0}, NONE},
    {"half of a mov", 4, {3, 0, 0, 0}, NONE},
    {"a jump to just before the instruction", 2, {0x74, 0x05}, NONE},
};

static void
test_numbers(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint8 before[GAIT_CODE_BEFORE] = {0};
		guint32 nr = 0;

		memcpy(before + sizeof before - cases[i].size, cases[i].bytes, cases[i].size);
		g_test_message("%s", cases[i].what);
		g_assert_cmpint(gait_code_get_number(before, &nr), ==, cases[i].nr != NONE);
		if (cases[i].nr != NONE)
			g_assert_cmpuint(nr, ==, (guint)cases[i].nr);
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/code/numbers", test_numbers);
	return g_test_run();
}
