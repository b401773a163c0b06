/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes descend from which, asked of /proc: a look at a moment, which may be past when it
 * is returned. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Process pid and all its living descendants, parents first; without zombies. pid_t; may be empty.
 */
GArray *gait_process_tree_look(pid_t pid);

/* What was typed as -p: appends each to pids (pid_t). texts ends with NULL, and may be NULL. A
 * usage error where one is no number, or this very process. */
gboolean gait_process_ids_take(char **texts, GArray *pids, GError **error);
