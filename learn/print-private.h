/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `sysgait print`: one event as text or JSON, and the summary. */
#pragma once

#include "learn/trace.h"

typedef struct {
	const GaitTraceReader *reader; /* borrowed */
	GString *out;
	GArray *tasks;  /* pid and tid of each task so far */
	GArray *counts; /* summary: guint64 by shape */
	guint64 n_events[GAIT_EVENT_N_];
	guint64 last_ns;
} GaitPrinter;

GaitPrinter *gait_printer_new(const GaitTraceReader *reader);
void gait_printer_free(GaitPrinter *printer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitPrinter, gait_printer_free)

/* Keeps what later lines need of an event: to be called for each, before the others. */
void gait_printer_note(GaitPrinter *printer, const GaitEvent *event);
/* Whether the event belongs to this process or thread. */
gboolean gait_printer_is_of(const GaitPrinter *printer, const GaitEvent *event, gint32 pid);

void gait_print_event_text(GaitPrinter *printer, const GaitEvent *event, gboolean with_stack);
void gait_print_event_json(GaitPrinter *printer, const GaitEvent *event);

/* Counts an event; prints the sums. */
void gait_print_sum(GaitPrinter *printer, const GaitEvent *event);
void gait_print_summary(GaitPrinter *printer, gboolean as_json);
