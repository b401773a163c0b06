/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in a control group. The kernel tells nobody who comes in, so it is looked at again and
 * again: a few microseconds for each group below it.
 */
#include "learn/cgroup.h"

#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Groups inside groups; the kernel has no bound below this. */
#define MAX_DEPTH 64

/* Where distributions have version 2: alone, or beside version 1. */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

struct _GaitCgroup {
	char *path;
	dev_t device; /* with inode: another of the same name is another group */
	ino_t inode;
};

/* The root, which is no group but the whole machine, has no type. */
static gboolean
is_cgroup(const char *path)
{
	g_autofree char *type = g_build_filename(path, "cgroup.type", NULL);
	struct statfs system;

	return statfs(path, &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC &&
	       access(type, F_OK) == 0;
}

static char *
find_directory(const char *path)
{
	if (is_cgroup(path))
		return g_strdup(path);
	for (guint i = 0; i < G_N_ELEMENTS(mounts); i++) {
		g_autofree char *whole = g_build_filename(mounts[i], path, NULL);

		if (is_cgroup(whole))
			return g_steal_pointer(&whole);
	}
	return NULL;
}

GaitCgroup *
gait_cgroup_open(const char *path, GError **error)
{
	g_autofree char *directory = find_directory(path);
	GaitCgroup *cgroup;
	struct stat status;

	if (!directory || stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_GONE,
		            "%s: no control group of version 2; /proc/PID/cgroup says, behind "
		            "'0::', which one a process is in",
		            path);
		return NULL;
	}
	cgroup = g_new0(GaitCgroup, 1);
	cgroup->path = g_steal_pointer(&directory);
	cgroup->device = status.st_dev;
	cgroup->inode = status.st_ino;
	return cgroup;
}

void
gait_cgroup_free(GaitCgroup *cgroup)
{
	if (!cgroup)
		return;
	g_free(cgroup->path);
	g_free(cgroup);
}

typedef struct {
	GaitCgroupFunc func;
	gpointer data;
	GError **error;
} Visit;

/* That it cannot be read says that it is gone, or threaded: then a group above has them all. */
static gboolean
visit_processes(const char *directory, const Visit *visit)
{
	g_autofree char *path = g_build_filename(directory, "cgroup.procs", NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return TRUE;
	for (char *next = text, *end;; next = end) {
		long pid = strtol(next, &end, 10);

		if (end == next)
			return TRUE;
		/* 0: in a PID namespace that is not below ours. */
		if (pid > 0 && !visit->func((pid_t)pid, visit->data, visit->error))
			return FALSE;
	}
}

static gboolean
visit_below(const char *directory, guint depth, const Visit *visit)
{
	g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
	const char *name;

	if (!visit_processes(directory, visit))
		return FALSE;
	while (entries && depth < MAX_DEPTH && (name = g_dir_read_name(entries))) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR) && !visit_below(path, depth + 1, visit))
			return FALSE;
	}
	return TRUE;
}

gboolean
gait_cgroup_foreach(const GaitCgroup *cgroup, GaitCgroupFunc func, gpointer data,
                    gboolean *is_there, GError **error)
{
	Visit visit = {func, data, error};
	struct stat status;

	*is_there = stat(cgroup->path, &status) == 0 && status.st_dev == cgroup->device &&
	            status.st_ino == cgroup->inode;
	return !*is_there || visit_below(cgroup->path, 0, &visit);
}
