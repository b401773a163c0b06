/* SPDX-License-Identifier: Apache-2.0 */
/* The little that unwinding wants to know of machine code around a return address. */
#pragma once

#include <glib.h>

typedef enum {
	GAIT_CALL_NONE,     /* no call instruction ends there */
	GAIT_CALL_DIRECT,   /* *target is where it goes */
	GAIT_CALL_SLOT,     /* *target is where the destination's address lies (call *x(%rip)) */
	GAIT_CALL_INDIRECT, /* through a register or other memory */
	GAIT_CALL_N_,
} GaitCall;

enum {
	GAIT_CODE_BEFORE = 32, /* bytes wanted before the return address */
	GAIT_CODE_AFTER = 16,  /* and from it on */
};

/* What kind of call the bytes before a return address end in. */
GaitCall gait_code_get_call(const guint8 before[GAIT_CODE_BEFORE], guint64 address,
                            guint64 *target);
/* Whether code is the trampoline that returns from a signal handler: mov $15,%rax; syscall. */
gboolean gait_code_is_signal_return(const guint8 code[GAIT_CODE_AFTER]);
/*
 * Whether the return address is at the start of, or in, the function that makecontext() leaves as
 * its function's caller. It begins by exchanging the stack (mov %rbx,%rsp; mov (%rsp),%rdi): nobody
 * has called it, whatever its CFI says.
 */
gboolean gait_code_is_context_start(const guint8 code[GAIT_CODE_BEFORE + GAIT_CODE_AFTER]);
/* Whether code is a PLT entry ([endbr64] [bnd] jmp *x(%rip)); *slot is where the destination's
 * address lies. */
gboolean gait_code_is_plt_entry(const guint8 code[GAIT_CODE_AFTER], guint64 address, guint64 *slot);
/*
 * Which number the bytes before a system call instruction load for it: mov $N,%eax or xor
 * %eax,%eax, and then nothing but moves between other registers and memory. FALSE where they do not
 * show it.
 */
gboolean gait_code_get_number(const guint8 before[GAIT_CODE_BEFORE], guint32 *nr);
