/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes descend from which, asked of /proc: a look at a moment, which may be past when it
 * is returned. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Process pid and all its living descendants, parents first; without zombies. pid_t; may be empty.
 */
GArray *gait_process_tree_look(pid_t pid);
