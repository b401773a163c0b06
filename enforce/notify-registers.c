/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a task in a seccomp notification. /proc/TID/syscall shows the stack pointer of a
 * task that sleeps in a call; the file stays open, a read costs about a microsecond. Nothing that
 * it says is used unless it speaks of the same call at the same instruction.
 */
#include "enforce/notify-registers.h"

#include "sysgait/descriptor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel's, for a call that is to be issued again; see gait_listener_restart(). */
#define ERESTARTNOINTR 513

/* DWARF's numbers for the registers that carry arguments, in order; and for the result's. */
enum { REGISTER_RAX = 0, REGISTER_RDX = 1, REGISTER_RSI = 4, REGISTER_RDI = 5 };
static const guint8 argument_registers[6] = {REGISTER_RDI, REGISTER_RSI, REGISTER_RDX, 10, 8, 9};

void
gait_notify_registers_init(GaitNotifyRegisters *registers, GaitAsleep *asleep, pid_t tid)
{
	memset(registers, 0, sizeof *registers);
	registers->tid = tid;
	registers->slot = gait_asleep_add(asleep, tid);
	registers->syscall_fd = -1;
}

void
gait_notify_registers_clear(GaitNotifyRegisters *registers, GaitAsleep *asleep)
{
	gait_asleep_remove(asleep, registers->slot, registers->tid);
	registers->slot = -1;
	if (registers->syscall_fd >= 0)
		close(registers->syscall_fd);
	registers->syscall_fd = -1;
}

/* A hexadecimal number that ends where end points; moves end before it. */
static gboolean
parse_backwards(const char *start, const char **end, guint64 *value)
{
	const char *word = *end;

	while (word > start && word[-1] != ' ')
		word--;
	if (word == *end || word == start || strncmp(word, "0x", 2) != 0)
		return FALSE;
	*value = strtoull(word, NULL, 16);
	*end = word - 1;
	return TRUE;
}

/* "NR 0xARG1 … 0xARG6 0xSP 0xPC": the stack pointer, if it is this call that is shown. */
static gboolean
read_stack_pointer(GaitNotifyRegisters *registers, const struct seccomp_data *call, guint64 *sp)
{
	char line[256];
	const char *end;
	gboolean is_new = registers->syscall_fd < 0;
	guint64 pc;
	ssize_t n;

	if (is_new) {
		g_snprintf(line, sizeof line, "/proc/%d/syscall", registers->tid);
		registers->syscall_fd = open(line, O_RDONLY | O_CLOEXEC);
	}
	if (registers->syscall_fd < 0)
		return FALSE;
	n = pread(registers->syscall_fd, line, sizeof line - 1, 0);
	if (is_new)
		registers->syscall_fd = gait_descriptor_keep(registers->syscall_fd);
	if (n <= 0)
		return FALSE;
	line[n] = '\0';
	end = line + n - (line[n - 1] == '\n');
	return atoi(line) == call->nr && parse_backwards(line, &end, &pc) &&
	       parse_backwards(line, &end, sp) && pc == call->instruction_pointer;
}

static gboolean
is_same_call(const struct user_regs_struct *full, const struct seccomp_data *call)
{
	return full->rip == call->instruction_pointer && (int)full->orig_rax == call->nr &&
	       full->rdi == call->args[0] && full->rsi == call->args[1] &&
	       full->rdx == call->args[2] && full->r10 == call->args[3] &&
	       full->r8 == call->args[4] && full->r9 == call->args[5];
}

gboolean
gait_notify_registers_get(GaitNotifyRegisters *registers, const GaitAsleep *asleep,
                          const struct seccomp_data *call, GaitRegisters *out, GaitStackTop *top)
{
	GaitAsleepNote note;

	if (registers->is_full && is_same_call(&registers->full, call)) {
		gait_registers_from_user(out, &registers->full);
		top->size = 0;
		return TRUE;
	}
	if (gait_asleep_get(asleep, registers->slot, registers->tid, registers->spent, &note) &&
	    is_same_call(&note.registers, call)) {
		registers->seen = note.sequence;
		gait_registers_from_user(out, &note.registers);
		*top = note.top;
		return TRUE;
	}
	top->size = 0;
	memset(out, 0, sizeof *out);
	if (!read_stack_pointer(registers, call, &out->value[GAIT_REGISTER_RSP]))
		return FALSE;
	out->value[GAIT_REGISTER_RIP] = call->instruction_pointer;
	out->value[REGISTER_RAX] = call->nr;
	out->known = 1u << GAIT_REGISTER_RSP | 1u << GAIT_REGISTER_RIP | 1u << REGISTER_RAX;
	for (guint i = 0; i < 6; i++) {
		out->value[argument_registers[i]] = call->args[i];
		out->known |= 1u << argument_registers[i];
	}
	return TRUE;
}

void
gait_notify_registers_keep(GaitNotifyRegisters *registers, const struct user_regs_struct *full)
{
	registers->is_full = (gint64)full->rax == -ERESTARTNOINTR;
	registers->full = *full;
}

void
gait_notify_registers_drop(GaitNotifyRegisters *registers)
{
	registers->spent = registers->seen;
	registers->is_full = FALSE;
}

void
gait_notify_registers_watch(GaitNotifyRegisters *registers, GaitAsleep *asleep)
{
	if (registers->slot < 0)
		registers->slot = gait_asleep_add(asleep, registers->tid);
}

void
gait_notify_registers_renew(GaitNotifyRegisters *registers, GaitAsleep *asleep, pid_t tid)
{
	gait_notify_registers_clear(registers, asleep);
	gait_notify_registers_init(registers, asleep, tid);
}
