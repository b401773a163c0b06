// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/PID/maps, read in big pieces and parsed in place: no allocation, and no look at a line
 * longer than it takes to see that it is not executable. Each line is consistent in itself; the
 * whole is not while the process changes its mappings, which is for the space to know.
 */
#include "process/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	/* A path is at most PATH_MAX, each byte of which may be escaped as four. */
	BUFFER_SIZE = 32768
};

static gboolean
parse_number(const char **cursor, guint base, char terminator, guint64 *value)
{
	char *end;

	if (!g_ascii_isxdigit(**cursor))
		return FALSE;
	*value = g_ascii_strtoull(*cursor, &end, base);
	if (*end != terminator)
		return FALSE;
	*cursor = end + 1;
	return TRUE;
}

/* The kernel escapes newlines only, so nothing else is restored. */
static void
restore_newlines(char *path)
{
	char *out = strstr(path, "\\012");

	if (!out)
		return;
	for (const char *in = out; *in; out++) {
		gboolean is_newline = strncmp(in, "\\012", 4) == 0;

		*out = is_newline ? '\n' : *in;
		in += is_newline ? 4 : 1;
	}
	*out = '\0';
}

gboolean
gait_maps_parse_line(char *line, GaitMapping *mapping)
{
	const char *cursor = line;
	guint64 major_number, minor_number;
	char *path;

	if (!parse_number(&cursor, 16, '-', &mapping->start) ||
	    !parse_number(&cursor, 16, ' ', &mapping->end) || mapping->start >= mapping->end)
		return FALSE;
	if (strnlen(cursor, 5) < 5 || cursor[4] != ' ')
		return FALSE;
	mapping->is_readable = cursor[0] == 'r';
	mapping->is_writable = cursor[1] == 'w';
	mapping->is_executable = cursor[2] == 'x';
	cursor += 5;
	if (!parse_number(&cursor, 16, ' ', &mapping->offset) ||
	    !parse_number(&cursor, 16, ':', &major_number) ||
	    !parse_number(&cursor, 16, ' ', &minor_number))
		return FALSE;
	mapping->device = makedev(major_number, minor_number);
	if (!g_ascii_isdigit(*cursor))
		return FALSE;
	mapping->inode = g_ascii_strtoull(cursor, &path, 10);
	path += strspn(path, " ");
	restore_newlines(path);
	mapping->path = path;
	return TRUE;
}

/* "START-END rwxp …": the x is the third letter after the first space. */
static gboolean
is_executable_line(const char *line)
{
	const char *permissions = strchr(line, ' ');

	return permissions && strnlen(permissions, 4) == 4 && permissions[3] == 'x';
}

/* Handles the whole lines of the buffer; returns how many bytes they took, or -1 to stop. */
static gssize
parse_lines(char *buffer, gsize size, gboolean only_executable, GaitMappingFunc func, gpointer data)
{
	char *line = buffer, *newline;

	while ((newline = memchr(line, '\n', size - (gsize)(line - buffer)))) {
		GaitMapping mapping;

		*newline = '\0';
		if (!only_executable || is_executable_line(line)) {
			if (!gait_maps_parse_line(line, &mapping)) {
				errno = EBADMSG;
				return -1;
			}
			if (!func(&mapping, data)) {
				errno = 0;
				return -1;
			}
		}
		line = newline + 1;
	}
	return line - buffer;
}

static gboolean
read_lines(int fd, gboolean only_executable, GaitMappingFunc func, gpointer data)
{
	char buffer[BUFFER_SIZE];
	gsize n = 0;

	for (;;) {
		gssize n_read = TEMP_FAILURE_RETRY(read(fd, buffer + n, sizeof(buffer) - n));
		gssize n_used;

		if (n_read <= 0)
			return n_read == 0;
		n += (gsize)n_read;
		n_used = parse_lines(buffer, n, only_executable, func, data);
		if (n_used < 0)
			return errno == 0;
		n -= (gsize)n_used;
		memmove(buffer, buffer + n_used, n);
		if (n == sizeof(buffer)) {
			errno = EBADMSG;
			return FALSE;
		}
	}
}

gboolean
gait_maps_foreach(pid_t task, gboolean only_executable, GaitMappingFunc func, gpointer data)
{
	char path[32];
	gboolean ok;
	int fd, saved_errno;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return FALSE;
	ok = read_lines(fd, only_executable, func, data);
	saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return ok;
}
