/* SPDX-License-Identifier: Apache-2.0 */
/* A control group (version 2), as the set of processes that are in it or below it. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct _GaitCgroup GaitCgroup;

/*
 * path: of its directory, or as /proc/PID/cgroup has it, from the root of the hierarchy on. NULL
 * with error where it is none.
 */
GaitCgroup *gait_cgroup_open(const char *path, GError **error);
void gait_cgroup_free(GaitCgroup *cgroup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitCgroup, gait_cgroup_free)

typedef gboolean (*GaitCgroupFunc)(pid_t pid, gpointer data, GError **error);

/*
 * Calls func for each process that is in there now, in no order, maybe twice, until it returns
 * FALSE, which is then returned. *is_there: whether the group itself still is.
 */
gboolean gait_cgroup_foreach(const GaitCgroup *cgroup, GaitCgroupFunc func, gpointer data,
                             gboolean *is_there, GError **error);
