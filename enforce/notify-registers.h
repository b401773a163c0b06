/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a task that waits in a seccomp notification. BPF, where it is to be had, tells them
 * all (notify-asleep.h). Otherwise the notification has the instruction pointer and the arguments,
 * /proc the stack pointer; the rest is on the kernel's stack and only ptrace can see it, which
 * needs the task to stop.
 */
#pragma once

#include "enforce/notify-asleep.h"
#include "sysgait/attribute.h"
#include "sysgait/tracer.h"

#include <linux/seccomp.h>

/* What is kept of one task. */
typedef struct {
	pid_t tid;
	int slot;            /* of asleep; -1: none */
	guint64 seen, spent; /* the note that was got last, and that of the call before */
	int syscall_fd;      /* /proc/TID/syscall, -1 while not open */
	gboolean is_full;    /* full holds the registers of the call that comes next */
	struct user_regs_struct full;
} GaitNotifyRegisters;

/* asleep may be NULL, in all of these. */
void gait_notify_registers_init(GaitNotifyRegisters *registers, GaitAsleep *asleep, pid_t tid);
void gait_notify_registers_clear(GaitNotifyRegisters *registers, GaitAsleep *asleep);

/*
 * The registers of the call that the task waits in: all of them where BPF tells or it was stopped
 * for them, otherwise what can be known from outside. FALSE where not even the stack pointer can be
 * told.
 */
gboolean gait_notify_registers_get(GaitNotifyRegisters *registers, const GaitAsleep *asleep,
                                   const struct seccomp_data *call, GaitRegisters *out,
                                   GaitStackTop *top);
/*
 * The task stopped on its way back to issuing its call again: keeps what ptrace saw. Whatever else
 * it may have stopped for is not kept.
 */
void gait_notify_registers_keep(GaitNotifyRegisters *registers,
                                const struct user_regs_struct *full);
/* The call was answered, or the task will run other code first. */
void gait_notify_registers_drop(GaitNotifyRegisters *registers);
/* asleep has come to be there. */
void gait_notify_registers_watch(GaitNotifyRegisters *registers, GaitAsleep *asleep);
/* The task has got another number or program. */
void gait_notify_registers_renew(GaitNotifyRegisters *registers, GaitAsleep *asleep, pid_t tid);
