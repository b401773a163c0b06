/* SPDX-License-Identifier: Apache-2.0 */
/* What an execve or execveat that a task is stopped at would run. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum {
	GAIT_EXEC_TARGET_FOUND,      /* *path is set */
	GAIT_EXEC_TARGET_ABSENT,     /* no such file, or none that can be run: the exec will fail */
	GAIT_EXEC_TARGET_UNREADABLE, /* the task's memory cannot be read */
	GAIT_EXEC_TARGET_N_,
} GaitExecTarget;

/*
 * The real path of the program: symbolic links followed, the interpreter where the file is a
 * script. An advance notice and not a guarantee, since path and file can change until the kernel
 * looks: what really runs is to be checked again after the exec.
 */
GaitExecTarget gait_exec_target_find(pid_t task, guint32 nr, const guint64 args[6], char **path);

/* The same for a command that is not yet running: name is searched in PATH where it has no slash.
 * NULL where there is none. */
char *gait_exec_target_dup_command(const char *name);
