/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The violation log. The target is blocked while a line is written, so nothing here may wait: the
 * file is non-blocking, stderr is asked first whether it has room (it is shared with the target and
 * must not be made non-blocking), and sentences are rationed, since a target that is refused in a
 * loop produces thousands of them a second. The file gets every line that fits on the disk, but for
 * repetitions, which are counted (repeats.h).
 */
#include "enforce/log.h"

#include "enforce/repeats.h"
#include "enforce/say.h"
#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Sentences: this many at once, then so many a second. */
#define BURST      20
#define PER_SECOND 5

struct _GaitLog {
	char *path;
	int fd; /* -1: no file */
	int out;
	GaitTerminal *terminal;
	gboolean has_sentences;
	GString *line;
	GaitRepeats *repeats;
	gboolean is_torn; /* the last line broke off in the middle */
	gboolean has_failed;
	guint64 n_violations[GAIT_VERDICT_N_];
	guint64 n_lost, n_silent, n_unsaid;
	guint tokens;
	gint64 refilled_us;
};

/* Whether what an earlier run left ends in the middle of a line: it was killed, or the disk was
 * full. Where that cannot be told it is assumed not to. */
static gboolean
ends_torn(const char *path, int fd)
{
	struct stat status;
	char last = '\n';
	int reader;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return FALSE;
	reader = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (reader < 0)
		return FALSE;
	if (pread(reader, &last, 1, status.st_size - 1) != 1)
		last = '\n';
	close(reader);
	return last != '\n';
}

GaitLog *
gait_log_new(const char *path, int out, gboolean has_sentences, GError **error)
{
	g_autoptr(GaitLog) log = g_new0(GaitLog, 1);

	log->fd = -1;
	log->out = out;
	log->has_sentences = has_sentences;
	log->line = g_string_sized_new(4096);
	log->repeats = gait_repeats_new();
	log->tokens = BURST;
	log->refilled_us = g_get_monotonic_time();
	if (path) {
		log->path = g_strdup(path);
		log->fd = open(
		    path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
		if (log->fd < 0) {
			gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
			                  "cannot open the violation log %s%s", path,
			                  errno == ENXIO ? " (a FIFO needs its reader first)" : "");
			return NULL;
		}
		log->is_torn = ends_torn(path, log->fd);
	}
	return g_steal_pointer(&log);
}

void
gait_log_free(GaitLog *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	g_string_free(log->line, TRUE);
	gait_repeats_free(log->repeats);
	g_free(log->path);
	g_free(log);
}

void
gait_log_set_terminal(GaitLog *log, GaitTerminal *terminal)
{
	log->terminal = terminal;
}

GaitTerminal *
gait_log_get_terminal(const GaitLog *log)
{
	return log->terminal;
}

static gboolean
say(GaitLog *log, const char *text, gsize size)
{
	gait_terminal_begin_row(log->terminal);
	return gait_say(log->out, text, size);
}

void
gait_log_print(GaitLog *log, const GString *lines)
{
	say(log, lines->str, lines->len);
}

void
gait_log_message(GaitLog *log, const char *format, ...)
{
	g_autofree char *what = NULL;
	g_autofree char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	line = g_strdup_printf("sysgait enforce: %s\n", what);
	say(log, line, strlen(line));
}

/* A line that does not get into the file is lost, not waited for: the violation was acted on all
 * the same, and it is the target that would wait. */
static void
write_line(GaitLog *log)
{
	ssize_t n;

	if (log->is_torn)
		g_string_prepend_c(log->line, '\n');
	do
		n = write(log->fd, log->line->str, log->line->len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)log->line->len) {
		log->is_torn = FALSE;
		return;
	}
	if (n > 0)
		log->is_torn = TRUE;
	log->n_lost++;
	if (log->has_failed)
		return;
	log->has_failed = TRUE;
	gait_log_message(log, "cannot write the violation log %s: %s; lines are being lost",
	                 log->path, n < 0 ? g_strerror(errno) : "no more room");
}

static gboolean
take_token(GaitLog *log)
{
	gint64 now_us = g_get_monotonic_time();
	gint64 earned = (now_us - log->refilled_us) * PER_SECOND / G_USEC_PER_SEC;

	if (earned > 0) {
		log->tokens = MIN(BURST, log->tokens + MIN(earned, BURST));
		log->refilled_us = now_us;
	}
	if (log->tokens == 0)
		return FALSE;
	log->tokens--;
	return TRUE;
}

static void
print_sentence(GaitLog *log, const GaitViolation *violation, const GaitWalker *walker)
{
	if (!take_token(log)) {
		log->n_silent++;
		log->n_unsaid++;
		return;
	}
	if (log->n_unsaid > 0)
		gait_log_message(log, "%" G_GUINT64_FORMAT " more violations not shown%s",
		                 log->n_unsaid, log->fd >= 0 ? " (they are in the log)" : "");
	log->n_unsaid = 0;
	g_string_truncate(log->line, 0);
	gait_violation_print_text(violation, walker, log->line);
	if (!say(log, log->line->str, log->line->len))
		log->n_silent++;
}

void
gait_log_violation(GaitLog *log, const GaitViolation *violation, const GaitWalker *walker)
{
	GaitViolation counted = *violation;

	log->n_violations[violation->verdict] += 1 + violation->n_repeats;
	if (!gait_repeats_is_due(log->repeats, violation, walker, g_get_monotonic_time(),
	                         &counted.n_repeats))
		return;
	if (log->fd >= 0) {
		g_string_truncate(log->line, 0);
		gait_violation_print_json(&counted, walker, log->line);
		write_line(log);
	}
	if (log->has_sentences)
		print_sentence(log, &counted, walker);
}

void
gait_log_withhold(GaitLog *log, GaitVerdict verdict, guint64 n)
{
	log->n_violations[verdict] += n;
	gait_repeats_withhold(log->repeats, n);
}

guint64
gait_log_get_n_violations(const GaitLog *log, GaitVerdict verdict)
{
	return log->n_violations[verdict];
}

guint64
gait_log_get_n_withheld(const GaitLog *log)
{
	return gait_repeats_get_n_withheld(log->repeats);
}

guint64
gait_log_get_n_lost(const GaitLog *log)
{
	return log->n_lost;
}

guint64
gait_log_get_n_silent(const GaitLog *log)
{
	return log->n_silent;
}
