/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/PID/maps. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
	guint64 start, end;
	guint64 offset; /* in the file */
	guint64 inode;
	dev_t device;
	gboolean is_executable, is_writable, is_readable;
	const char *path; /* as the kernel prints it, newlines restored; "" where there is none */
} GaitMapping;

/* Parses one line in place (without its newline). FALSE where it is not a line of maps. */
gboolean gait_maps_parse_line(char *line, GaitMapping *mapping);

/* Returns FALSE to stop early. The mapping is valid during the call only. */
typedef gboolean (*GaitMappingFunc)(const GaitMapping *mapping, gpointer data);

/*
 * Calls func for each mapping of a task, in order of address; only_executable skips the others
 * before they cost anything. Returns FALSE with errno set where the maps cannot be read (ESRCH,
 * ENOENT: the task is gone; EBADMSG: not understood).
 */
gboolean gait_maps_foreach(pid_t task, gboolean only_executable, GaitMappingFunc func,
                           gpointer data);
