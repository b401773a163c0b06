/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads log lines of any length up to a bound, and merges files. Each file is looked at one line
 * ahead, parsed; the one with the earliest time goes first and keeps its turn until another one is
 * earlier. Lines without a time (frames of a stack) belong to the line before.
 */
#include "learn/strace-input.h"

#include "sysgait/error.h"
#include "sysgait/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE  (16u << 20) /* bytes; strace -s can make lines of any length */
#define MAX_FILES 1000u       /* that are open at once */
#define READ_SIZE (64u << 10)
#define LOOKAHEAD (256u << 10) /* where the first stack must be, if there are any */

#define NS_PER_DAY (G_GUINT64_CONSTANT(24) * 3600 * 1000000000)

typedef struct {
	char *name;
	int fd; /* -1: all is in the buffer */
	GString *buffer;
	gsize at; /* of what is not taken yet */
	gboolean is_at_end;
	guint64 number;
	gint32 pid; /* from the name; 0 */
	/* The line ahead. */
	gboolean has_line, has_newline;
	char *raw, *text; /* the same; text is taken apart by the parser */
	GaitStraceLine line;
	guint64 time_ns; /* absolute */
} File;

struct _GaitStraceInput {
	GPtrArray *files; /* File*; those at their end are removed */
	File *current;
	char *raw, *text; /* of the line given out */
	gboolean has_origin;
	guint64 origin_ns;
	gboolean has_stacks, has_children;
};

static void
free_file(gpointer data)
{
	File *file = data;

	if (file->fd >= 0)
		close(file->fd);
	g_string_free(file->buffer, TRUE);
	g_free(file->raw);
	g_free(file->text);
	g_free(file->name);
	g_free(file);
}

/* --- one file -----------------------------------------------------------------------------------
 */

/* More bytes into the buffer. FALSE on error. */
static gboolean
fill(File *file, GError **error)
{
	gsize length;
	ssize_t n;

	if (file->at > 0) {
		g_string_erase(file->buffer, 0, (gssize)file->at);
		file->at = 0;
	}
	length = file->buffer->len;
	if (file->fd < 0) {
		file->is_at_end = TRUE;
		return TRUE;
	}
	g_string_set_size(file->buffer, length + READ_SIZE);
	do
		n = read(file->fd, file->buffer->str + length, READ_SIZE);
	while (n < 0 && errno == EINTR);
	g_string_truncate(file->buffer, length + (gsize)MAX(n, 0));
	if (n < 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "cannot read %s",
		                         file->name);
	file->is_at_end = n == 0;
	return TRUE;
}

/* The end of the line that starts at the buffer's position; NULL where it is not there yet. */
static char *
find_newline(const File *file, gsize from)
{
	return memchr(file->buffer->str + file->at + from, '\n',
	              file->buffer->len - file->at - from);
}

static gboolean
refuse(const File *file, int code, const char *what, GError **error)
{
	g_set_error(error, GAIT_LEARN_ERROR, code, "%s:%" G_GUINT64_FORMAT ": %s", file->name,
	            file->number, what);
	return FALSE;
}

/* Takes the next raw line, without newline. *is_done at the end of the file. */
static gboolean
take_raw(File *file, gboolean *is_done, GError **error)
{
	char *newline = find_newline(file, 0);
	gsize length;

	while (!newline && !file->is_at_end) {
		gsize seen = file->buffer->len - file->at;

		if (seen > MAX_LINE) {
			file->number++;
			return refuse(file, GAIT_ERROR_TOO_LARGE,
			              "the line is longer than 16 MiB; record with a smaller -s",
			              error);
		}
		if (!fill(file, error))
			return FALSE;
		newline = find_newline(file, seen);
	}
	length = newline ? (gsize)(newline - file->buffer->str) - file->at
	                 : file->buffer->len - file->at;
	*is_done = !newline && length == 0;
	if (*is_done)
		return TRUE;
	file->number++;
	g_free(file->raw);
	file->raw = g_strndup(file->buffer->str + file->at, length);
	file->has_newline = newline != NULL;
	file->at += length + (newline ? 1 : 0);
	if (strlen(file->raw) != length)
		return refuse(file, GAIT_ERROR_MALFORMED,
		              "there is a NUL byte in the line; this is not an strace log", error);
	if (length > 0 && file->raw[length - 1] == '\r')
		file->raw[length - 1] = '\0';
	return TRUE;
}

/* The absolute time of a line, in its file. */
static guint64
advance(const File *file, const GaitStraceLine *line)
{
	guint64 days = file->time_ns - file->time_ns % NS_PER_DAY;
	guint64 time_ns = days + line->time_ns;

	switch (line->time) {
	case GAIT_STRACE_EPOCH:
		return line->time_ns;
	case GAIT_STRACE_RELATIVE:
		return file->time_ns + line->time_ns;
	case GAIT_STRACE_CLOCK:
		/* Half a day back is midnight; less is two tasks that overtook each other. */
		if (time_ns + NS_PER_DAY / 2 < file->time_ns)
			time_ns += NS_PER_DAY;
		return time_ns;
	case GAIT_STRACE_NO_TIME:
		break;
	}
	return file->time_ns;
}

/* Parses the next line ahead. */
static gboolean
look_ahead(File *file, GError **error)
{
	gboolean is_done = FALSE;

	file->has_line = FALSE;
	if (!take_raw(file, &is_done, error))
		return FALSE;
	if (is_done)
		return TRUE;
	file->has_line = TRUE;
	g_free(file->text);
	file->text = g_strdup(file->raw);
	gait_strace_parse_line(file->text, &file->line);
	file->time_ns = advance(file, &file->line);
	if (file->pid != 0 && file->line.pid == 0)
		file->line.pid = file->pid;
	return TRUE;
}

/* --- several ------------------------------------------------------------------------------------
 */

/* "trace.1234" is process 1234's. */
static gint32
pid_of_name(const char *name)
{
	const char *dot = strrchr(gait_text_basename(name), '.');
	guint64 pid;

	if (!dot || !g_ascii_string_to_unsigned(dot + 1, 10, 1, G_MAXINT32, &pid, NULL))
		return 0;
	return (gint32)pid;
}

static File *
open_file(const char *path, GError **error)
{
	gboolean is_stdin = strcmp(path, "-") == 0;
	File *file;
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		gait_error_system(error, GAIT_LEARN_ERROR, errno, "cannot read %s",
		                  is_stdin ? "standard input" : path);
		return NULL;
	}
	file = g_new0(File, 1);
	file->fd = fd;
	file->name = g_strdup(is_stdin ? "standard input" : path);
	file->buffer = g_string_new(NULL);
	return file;
}

/* " > /lib/libc.so.6(__write+0x4d) [0xf7190]" */
static gboolean
has_frame(const GString *buffer)
{
	const char *at = buffer->str;

	while ((at = strstr(at, "\n > "))) {
		const char *end = strchr(++at, '\n'), *offset = strstr(at, " [0x");

		if (offset && (!end || offset < end))
			return TRUE;
	}
	return FALSE;
}

static void
look_for_options(GaitStraceInput *input, const GString *buffer)
{
	input->has_stacks |= has_frame(buffer);
	input->has_children |= memmem(buffer->str, buffer->len, "[pid ", 5) != NULL;
}

/* Reads the beginning, and the first line. */
static gboolean
prime(GaitStraceInput *input, File *file, GError **error)
{
	while (file->buffer->len < LOOKAHEAD && !file->is_at_end)
		if (!fill(file, error))
			return FALSE;
	look_for_options(input, file->buffer);
	return look_ahead(file, error);
}

static gint
compare_pids(gconstpointer a, gconstpointer b)
{
	const File *one = *(const File *const *)a, *two = *(const File *const *)b;

	return (one->pid > two->pid) - (one->pid < two->pid);
}

static GaitStraceInput *
new_input(void)
{
	GaitStraceInput *input = g_new0(GaitStraceInput, 1);

	input->files = g_ptr_array_new_with_free_func(free_file);
	return input;
}

GaitStraceInput *
gait_strace_input_new(const char *const *paths, guint n_paths, GError **error)
{
	g_autoptr(GaitStraceInput) input = new_input();

	if (n_paths > MAX_FILES) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_TOO_LARGE,
		            "more than %u logs; merge them first, with strace-log-merge(1)",
		            MAX_FILES);
		return NULL;
	}
	for (guint i = 0; i < n_paths; i++) {
		File *file = open_file(paths[i], error);

		if (!file)
			return NULL;
		g_ptr_array_add(input->files, file);
		file->pid = n_paths > 1 ? pid_of_name(paths[i]) : 0;
		if (!prime(input, file, error))
			return NULL;
	}
	input->has_children |= n_paths > 1;
	g_ptr_array_sort(input->files, compare_pids);
	return g_steal_pointer(&input);
}

GaitStraceInput *
gait_strace_input_new_for_data(const char *name, const char *data, gsize size)
{
	GaitStraceInput *input = new_input();
	File *file = g_new0(File, 1);

	file->fd = -1;
	file->is_at_end = TRUE;
	file->name = g_strdup(name);
	file->buffer = g_string_new_len(data, (gssize)size);
	g_ptr_array_add(input->files, file);
	look_for_options(input, file->buffer);
	return input;
}

void
gait_strace_input_free(GaitStraceInput *input)
{
	if (!input)
		return;
	g_ptr_array_unref(input->files);
	g_free(input->raw);
	g_free(input->text);
	g_free(input);
}

/* The file whose turn it is; NULL at the end of all. */
static File *
choose(GaitStraceInput *input)
{
	File *best = NULL;

	for (guint i = 0; i < input->files->len; i++) {
		File *file = g_ptr_array_index(input->files, i);

		if (!file->has_line)
			continue;
		if (file == input->current && file->line.time == GAIT_STRACE_NO_TIME)
			return file;
		if (!best || file->time_ns < best->time_ns)
			best = file;
	}
	return best;
}

static void
give_out(GaitStraceInput *input, File *file, GaitStraceInputLine *out)
{
	g_free(input->raw);
	g_free(input->text);
	input->raw = g_steal_pointer(&file->raw);
	input->text = g_steal_pointer(&file->text);
	if (!input->has_origin && file->line.time != GAIT_STRACE_NO_TIME) {
		input->has_origin = TRUE;
		input->origin_ns = file->time_ns;
	}
	*out = (GaitStraceInputLine){
	    .line = file->line,
	    .raw = input->raw,
	    .name = file->name,
	    .number = file->number,
	    .time_ns = file->time_ns - MIN(file->time_ns, input->origin_ns),
	    .has_newline = file->has_newline,
	};
}

GaitInput
gait_strace_input_next(GaitStraceInput *input, GaitStraceInputLine *out, GError **error)
{
	File *file;

	if (!input->current)
		for (guint i = 0; i < input->files->len; i++) {
			file = g_ptr_array_index(input->files, i);
			if (!file->has_line && file->number == 0 && !look_ahead(file, error))
				return GAIT_INPUT_ERROR;
		}
	file = choose(input);
	if (!file)
		return GAIT_INPUT_END;
	input->current = file;
	give_out(input, file, out);
	if (!look_ahead(file, error))
		return GAIT_INPUT_ERROR;
	return GAIT_INPUT_LINE;
}

gboolean
gait_strace_input_has_stacks(const GaitStraceInput *input)
{
	return input->has_stacks;
}

gboolean
gait_strace_input_has_children(const GaitStraceInput *input)
{
	return input->has_children;
}

const char *
gait_strace_input_get_name(const GaitStraceInput *input)
{
	const File *file = g_ptr_array_index(input->files, 0);

	return file->name;
}
