/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an strace log to a trace. What a log cannot say (library and site without -k, signal
 * handlers set before strace joined, handlers left by siglongjmp) the trace does not have either.
 */
#pragma once

#include "learn/strace-input.h"

typedef struct {
	const char *output;
	const char *program; /* of tasks whose start is not in the log, or by a relative path; NULL:
	                        unknown */
	gboolean is_foreign; /* the log is of another machine: look at no files here */
} GaitImportOptions;

/* Something that was left out: how often, and where first. */
typedef struct {
	guint64 n;
	char *what, *place;
} GaitImportNote;

#define GAIT_IMPORT_NOTES(X)                                                                       \
	X(UNRELATED, "lines are not strace's and were skipped")                                    \
	X(TORN, "calls have no end, because other output is mixed in")                             \
	X(UNKNOWN_CALL, "calls have a name that is not known here: counted as lost events")        \
	X(UNKNOWN_ARGUMENT, "calls have an argument that is not known here: taken as 0")           \
	X(CUT, "line at the end is cut off")

typedef enum {
#define X(name, text) GAIT_IMPORT_NOTE_##name,
	GAIT_IMPORT_NOTES(X)
#undef X
	    GAIT_IMPORT_NOTE_N_,
} GaitImportNoteKind;

typedef struct {
	guint64 n_events; /* system calls */
	gboolean has_stacks, is_complete;
	gboolean has_output; /* the file was created */
	GaitImportNote notes[GAIT_IMPORT_NOTE_N_];
} GaitImportReport;

void gait_import_report_clear(GaitImportReport *report);
const char *gait_import_note_text(GaitImportNoteKind kind);

/* GAIT_ERROR_MALFORMED names file and line. */
gboolean gait_import_strace(GaitStraceInput *input, const GaitImportOptions *options,
                            GaitImportReport *report, GError **error);
