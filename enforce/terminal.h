/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status line: one line at the bottom of a terminal that the target prints to as well. It is
 * there only while the cursor is at the beginning of a row and nobody types: taken away before
 * anything is printed, and for good once the target reads from the terminal.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct _GaitTerminal GaitTerminal;

/* NULL where fd (borrowed) is no terminal. */
GaitTerminal *gait_terminal_new(int fd);
void gait_terminal_free(GaitTerminal *terminal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTerminal, gait_terminal_free)

/* Which of the standard descriptors it is, as bits: 1 << 0 to 1 << 2. None for NULL. */
guint gait_terminal_get_streams(const GaitTerminal *terminal);
/* Appends to a filter (of struct sock_filter) that the calls of gait_terminal_may_concern() are
 * asked about (SECCOMP_RET_USER_NOTIF), on these descriptors; and goes on with all others. */
void gait_terminal_append_filter(guint streams, GArray *filter);

/* Whether the target could be using the terminal with this call: cheap, and often wrong. */
gboolean gait_terminal_may_concern(guint32 nr, const guint64 args[6]);
/* Tells of such a call before it happens; the task is stopped at it. From any thread. */
void gait_terminal_note_call(GaitTerminal *terminal, pid_t task, guint32 nr, const guint64 args[6]);

/* Puts text (plain, no line ends; what does not fit is cut) there if this is a good moment, which
 * is asked for now and then. */
void gait_terminal_draw(GaitTerminal *terminal, const char *text);
/* Before we write whole rows: takes the line away, and leaves a row that the target has begun. NULL
 * is fine. From any thread. */
void gait_terminal_begin_row(GaitTerminal *terminal);
