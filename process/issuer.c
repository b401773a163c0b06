// SPDX-License-Identifier: Apache-2.0
/*
 * Issuers. A libc function that is a point of cancellation holds its system call twice: for a
 * program of one thread, and between two calls that let a thread be cancelled meanwhile. Which of
 * them a run takes depends on whether it has started a thread by then, not on what it does. So an
 * instruction is known by the first one of its function that the code right before loads with the
 * same constant number.
 *
 * Whoever has taken the program over gains nothing by that. The number comes from a register at the
 * time of the call, and is looked up together with the instruction; what the code loads only
 * narrows which instructions are one. So a jump to the second instruction does what a jump to the
 * first does, with the same number, and that one was learned.
 */
#include "process/issuer.h"

#include "process/code.h"

#include <string.h>

enum {
	SYSCALL_SIZE = 2,         /* 0f 05 */
	MAX_FUNCTION = 64 * 1024, /* bytes of one that are looked at */
};

static gboolean
is_syscall(const guint8 *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

/* The number that is loaded for the instruction at `at`, by the function's own code. */
static gboolean
get_number(const guint8 *function, gsize at, guint32 *nr)
{
	guint8 before[GAIT_CODE_BEFORE] = {0};
	gsize size = MIN(at, sizeof(before));

	memcpy(before + sizeof(before) - size, function + at - size, size);
	return gait_code_get_number(before, nr);
}

static gsize
find_first(const guint8 *function, gsize at)
{
	guint32 own, other;

	if (!is_syscall(function + at) || !get_number(function, at, &own))
		return at;
	for (gsize i = 0; i < at; i++)
		if (is_syscall(function + i) && get_number(function, i, &other) && other == own)
			return i;
	return at;
}

guint64
gait_issuer_find_first(GaitModule *module, guint64 offset)
{
	const GaitCfi *cfi = gait_module_get_cfi(module);
	g_autofree guint8 *function = NULL;
	guint64 vaddr, begin;
	GaitCfiFde fde;

	if (!cfi || offset < SYSCALL_SIZE ||
	    !gait_module_get_vaddr(module, offset - SYSCALL_SIZE, &vaddr) ||
	    !gait_cfi_find_function(cfi, vaddr, &fde) || fde.end - vaddr < SYSCALL_SIZE ||
	    vaddr - fde.start > MAX_FUNCTION || vaddr - fde.start > offset - SYSCALL_SIZE)
		return offset;
	begin = offset - SYSCALL_SIZE - (vaddr - fde.start);
	function = g_malloc(vaddr - fde.start + SYSCALL_SIZE);
	if (!gait_module_read(module, begin, vaddr - fde.start + SYSCALL_SIZE, function))
		return offset;
	return begin + find_first(function, vaddr - fde.start) + SYSCALL_SIZE;
}
