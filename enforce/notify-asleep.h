/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers that tasks went to sleep with, by a BPF program that looks at context switches. A task
 * that waits in a notification sleeps, so this tells all its registers without stopping it, and for
 * the price of reading memory. Where BPF is not to be had, notify-registers.h has slower ways.
 */
#pragma once

#include "sysgait/attribute.h"

#include <glib.h>
#include <sys/types.h>
#include <sys/user.h>

typedef struct _GaitAsleep GaitAsleep;

/* NULL with error where the kernel, or our privileges, do not let us: not a failure. */
GaitAsleep *gait_asleep_new(GError **error);
void gait_asleep_free(GaitAsleep *asleep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitAsleep, gait_asleep_free)

/* A slot for a task; -1 where there is none left. asleep may be NULL. */
int gait_asleep_add(GaitAsleep *asleep, pid_t tid);
/* The task is gone, or has another number now. -1 is nothing. */
void gait_asleep_remove(GaitAsleep *asleep, int slot, pid_t tid);

/* What was noted of a task that sleeps. */
typedef struct {
	guint64 sequence; /* another one each time that it goes to sleep */
	struct user_regs_struct registers;
	GaitStackTop top; /* of its stack */
} GaitAsleepNote;

/*
 * What was noted of a task that is known to be inside a system call now. FALSE where it has not
 * gone to sleep in there yet, which is so, too, where all there is is the note with this sequence.
 * From any thread.
 */
gboolean gait_asleep_get(const GaitAsleep *asleep, int slot, pid_t tid, guint64 spent,
                         GaitAsleepNote *note);
