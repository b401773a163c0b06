/* SPDX-License-Identifier: Apache-2.0 */
/* "12%" on a terminal while a file is read; nothing where stderr is none. */
#pragma once

#include <glib.h>

typedef struct {
	const char *what; /* "learning" */
	gboolean is_shown;
	gint64 next_us;
} GaitProgress;

void gait_progress_init(GaitProgress *progress, const char *what, gboolean is_quiet);
/* n_total 0: not known. Prints a few times a second, whatever it is called. */
void gait_progress_update(GaitProgress *progress, guint64 n_read, guint64 n_total);
/* Takes the line away, before anything else is printed. */
void gait_progress_clear(GaitProgress *progress);
