/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bytes behind a mapping come from: its file, or the memory of a process that maps it. */
#pragma once

#include "process/image.h"
#include "process/maps.h"

#include <sys/stat.h>

/*
 * Opens the very file that is mapped (device and inode agree), whatever has become of its name.
 * path: the mapping's, without " (deleted)". -1 where it cannot be had. status may be NULL.
 */
int gait_source_open(pid_t task, const GaitMapping *mapping, const char *path, struct stat *status);
/* What /proc says of the mapped file without opening it for reading. */
gboolean gait_source_stat(pid_t task, const GaitMapping *mapping, const char *path,
                          struct stat *status);
/* A copy of what the task has mapped, unchanged, of the file. Never NULL. */
GaitImage *gait_source_copy_memory(pid_t task, const GaitMapping *mapping);
/* The same of memory without a file (the vdso). */
GaitImage *gait_source_copy_range(pid_t task, guint64 start, guint64 end);
