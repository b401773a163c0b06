/* SPDX-License-Identifier: Apache-2.0 */
/* What a path means to another task. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/*
 * Opens (O_PATH) what path leads the task to: from directory where it is relative, inside the
 * task's root, by the task's own /proc/self. directory and root are descriptors of the task's,
 * which stay the caller's. The last component is only followed, where it is a symbolic link, if
 * follow_last is set. -1 with errno. It opens no file for reading, no device and no FIFO.
 */
int gait_lookup_open(pid_t task, int directory, int root, const char *path, gboolean follow_last);
