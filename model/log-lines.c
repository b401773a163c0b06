/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a violation log: bytes are cut into lines with a bound, what was torn is told from
 * what never was a line, and records go to violation-log.c.
 */
#include "model/violation-log-private.h"
#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_START "{\"time\":"

/* The last line in what may be several, of which only the last was finished. */
static gsize
find_last_start(const char *line, gsize size)
{
	for (gsize i = size; i-- > 1;)
		if (size - i >= strlen(LINE_START) &&
		    memcmp(line + i, LINE_START, strlen(LINE_START)) == 0)
			return i;
	return 0;
}

static gboolean
is_torn(const char *line, gsize size)
{
	return line[size - 1] != '}' &&
	       memcmp(line, LINE_START, MIN(size, strlen(LINE_START))) == 0;
}

static gboolean
take_line(GaitViolationLog *log, const char *place, const char *line, gsize size, GError **error)
{
	g_autoptr(GError) why = NULL;
	GaitLogRecord *record;
	gsize start;

	while (size > 0 && g_ascii_isspace(line[size - 1]))
		size--;
	if (size == 0)
		return TRUE;
	if (is_torn(line, size)) {
		gait_violation_log_count_torn(log);
		return TRUE;
	}
	record = gait_log_record_parse(place, line, size, &why);
	if (!record && (start = find_last_start(line, size)) > 0) {
		gait_violation_log_count_torn(log);
		g_clear_error(&why);
		line += start;
		size -= start;
		record = gait_log_record_parse(place, line, size, &why);
	}
	if (!record) {
		g_propagate_prefixed_error(error, g_steal_pointer(&why),
		                           "not a violation log (of `enforce --log` or `check "
		                           "--json`): ");
		return FALSE;
	}
	if (gait_violation_log_add(log, record, size, error))
		return TRUE;
	g_prefix_error(error, "%s: ", place);
	return FALSE;
}

typedef struct {
	GaitViolationLog *log;
	const char *name;
	guint64 n_lines; /* before the data */
	GByteArray *data;
} Feed;

/* Takes the lines that are whole; at the end the rest, too. */
static gboolean
feed_lines(Feed *feed, gboolean is_end, GError **error)
{
	const char *data = (const char *)feed->data->data;
	gsize done = 0;

	while (done < feed->data->len) {
		const char *end = memchr(data + done, '\n', feed->data->len - done);
		gsize size = end ? (gsize)(end - data) - done : feed->data->len - done;
		g_autofree char *place = NULL;

		if (size > GAIT_LOG_MAX_LINE) {
			g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
			            "%s: line %" G_GUINT64_FORMAT
			            ": longer than a line of a violation log may be (%u KiB)",
			            feed->name, feed->n_lines + 1, GAIT_LOG_MAX_LINE >> 10);
			return FALSE;
		}
		if (!end && !is_end)
			break;
		place = g_strdup_printf("%s: line %" G_GUINT64_FORMAT, feed->name, ++feed->n_lines);
		if (!take_line(feed->log, place, data + done, size, error))
			return FALSE;
		done += size + (end != NULL);
	}
	g_byte_array_remove_range(feed->data, 0, (guint)done);
	return TRUE;
}

static gboolean
feed_bytes(Feed *feed, const guint8 *bytes, gsize size, GError **error)
{
	gait_violation_log_update_digest(feed->log, bytes, size);
	g_byte_array_append(feed->data, bytes, (guint)size);
	return feed_lines(feed, FALSE, error);
}

gboolean
gait_violation_log_parse(GaitViolationLog *log, const char *name, const char *data, gsize size,
                         GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	Feed feed = {log, name, 0, bytes};

	for (gsize done = 0; done < size;) {
		gsize n = MIN(size - done, 65536);

		if (!feed_bytes(&feed, (const guint8 *)data + done, n, error))
			return FALSE;
		done += n;
	}
	return feed_lines(&feed, TRUE, error);
}

static gboolean
read_from(Feed *feed, int fd, GError **error)
{
	guint8 block[65536];

	for (;;) {
		ssize_t n = read(fd, block, sizeof block);

		if (n == 0)
			return feed_lines(feed, TRUE, error);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gait_error_system(error, GAIT_MODEL_ERROR, errno, "read(%s)",
			                         feed->name);
		if (!feed_bytes(feed, block, (gsize)n, error))
			return FALSE;
	}
}

gboolean
gait_violation_log_read(GaitViolationLog *log, const char *path, GError **error)
{
	gboolean is_stdin = strcmp(path, "-") == 0;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	Feed feed = {log, is_stdin ? "standard input" : path, 0, bytes};
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	gboolean is_read;

	if (fd < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "open(%s)", feed.name);
	is_read = read_from(&feed, fd, error);
	close(fd);
	return is_read;
}
