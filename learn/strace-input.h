/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of one strace log, or of the several that -ff writes, in one order: by their time stamps
 * where there are any, else file after file.
 */
#pragma once

#include "learn/strace-line.h"

typedef struct _GaitStraceInput GaitStraceInput;

/* A line and where it was. Strings are valid until the next one is read. */
typedef struct {
	GaitStraceLine line;
	const char *raw;  /* as it was read: for joining what was torn apart */
	const char *name; /* of the file */
	guint64 number;   /* of the line, from 1 */
	guint64
	    time_ns; /* since the first line of all; that of the line before where it has none */
	gboolean has_newline; /* FALSE: the file was cut off here */
} GaitStraceInputLine;

typedef enum {
	GAIT_INPUT_LINE,
	GAIT_INPUT_END,
	GAIT_INPUT_ERROR,
	GAIT_INPUT_N_,
} GaitInput;

/* "-" is stdin. Names that end in .PID, where there are several, say whose log it is. */
GaitStraceInput *gait_strace_input_new(const char *const *paths, guint n_paths, GError **error);
GaitStraceInput *gait_strace_input_new_for_data(const char *name, const char *data, gsize size);
void gait_strace_input_free(GaitStraceInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitStraceInput, gait_strace_input_free)

GaitInput gait_strace_input_next(GaitStraceInput *input, GaitStraceInputLine *out, GError **error);

/* From a look at the beginning: whether there are stacks (-k), and children (-f). */
gboolean gait_strace_input_has_children(const GaitStraceInput *input);
gboolean gait_strace_input_has_stacks(const GaitStraceInput *input);
/* Of the first file. */
const char *gait_strace_input_get_name(const GaitStraceInput *input);
