/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The violation log: JSON lines into a file, sentences to stderr. Writing never blocks and never
 * fails the target: what could not be written is counted and said.
 */
#pragma once

#include "enforce/terminal.h"
#include "sysgait/violation.h"

typedef struct _GaitLog GaitLog;

/*
 * path: appended to; NULL for none. A FIFO must have its reader. out: descriptor for messages and,
 * where has_sentences, for a sentence or two about each violation (borrowed).
 */
GaitLog *gait_log_new(const char *path, int out, gboolean has_sentences, GError **error);
void gait_log_free(GaitLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitLog, gait_log_free)

/* The terminal that out is, if it has a status line, which gives way to what is written; borrowed.
 */
void gait_log_set_terminal(GaitLog *log, GaitTerminal *terminal);
GaitTerminal *gait_log_get_terminal(const GaitLog *log);

/* violation->n_repeats: like it, that went before and were not told of. */
void gait_log_violation(GaitLog *log, const GaitViolation *violation, const GaitWalker *walker);
/* n violations of which no more is known than their kind. */
void gait_log_withhold(GaitLog *log, GaitVerdict verdict, guint64 n);
/* A message of the enforcer's own: "sysgait enforce: …". */
void gait_log_message(GaitLog *log, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Whole lines, as they are. */
void gait_log_print(GaitLog *log, const GString *lines);

guint64 gait_log_get_n_violations(const GaitLog *log, GaitVerdict verdict);
/* Repetitions that no line counts. */
guint64 gait_log_get_n_withheld(const GaitLog *log);
/* Lines that did not get into the file, and sentences that were not printed. */
guint64 gait_log_get_n_lost(const GaitLog *log);
guint64 gait_log_get_n_silent(const GaitLog *log);
