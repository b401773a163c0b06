/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of a command that reads, on a terminal only: one line that is overwritten and taken
 * away. */
#include "learn/progress.h"

#include <stdio.h>
#include <unistd.h>

#define INTERVAL_US (G_USEC_PER_SEC / 5)

void
gait_progress_init(GaitProgress *progress, const char *what, gboolean is_quiet)
{
	progress->what = what;
	progress->is_shown = FALSE;
	/* What is done at once needs no progress. */
	progress->next_us =
	    !is_quiet && isatty(STDERR_FILENO) ? g_get_monotonic_time() + INTERVAL_US : G_MAXINT64;
}

void
gait_progress_update(GaitProgress *progress, guint64 n_read, guint64 n_total)
{
	gint64 now_us;

	if (progress->next_us == G_MAXINT64)
		return;
	now_us = g_get_monotonic_time();
	if (now_us < progress->next_us)
		return;
	progress->next_us = now_us + INTERVAL_US;
	progress->is_shown = TRUE;
	if (n_total)
		fprintf(stderr, "\r\033[K%s: %.0f%%", progress->what,
		        100.0 * (double)n_read / (double)n_total);
	else
		fprintf(stderr, "\r\033[K%s: %.1f MB", progress->what, (double)n_read / 1e6);
	fflush(stderr);
}

void
gait_progress_clear(GaitProgress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = FALSE;
}
