// SPDX-License-Identifier: Apache-2.0
/*
 * From a mapping to its file. The path in maps is a name, and names are the target's to change, so
 * device and inode decide. /proc/PID/map_files leads to the file even when it is deleted, for the
 * privileged; /proc/PID/root leads into a container; the plain path out of a chroot (the kernel
 * prints what this process would have to open). Only regular files are opened: a fifo would block,
 * a device might act.
 */
#include "process/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

static const guint64 MAX_COPY = 64 * 1024 * 1024;

/*
 * btrfs and overlayfs show one device number in maps and another in stat(), so there the inode has
 * to do.
 */
static gboolean
has_private_devices(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 &&
	       (status.f_type == BTRFS_SUPER_MAGIC || status.f_type == OVERLAYFS_SUPER_MAGIC);
}

/* A path descriptor of the mapped file, or -1. */
static int
open_path(const char *path, const GaitMapping *mapping, struct stat *status)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
	    status->st_ino == mapping->inode &&
	    (status->st_dev == mapping->device || has_private_devices(fd)))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

static int
open_any(pid_t task, const GaitMapping *mapping, const char *path, struct stat *status)
{
	char buffer[PATH_MAX + 32];
	int fd;

	snprintf(buffer, sizeof(buffer),
	         "/proc/%d/map_files/%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", (int)task,
	         mapping->start, mapping->end);
	fd = open_path(buffer, mapping, status);
	if (fd >= 0 || *path != '/')
		return fd;
	if (snprintf(buffer, sizeof(buffer), "/proc/%d/root%s", (int)task, path) <
	    (int)sizeof(buffer))
		fd = open_path(buffer, mapping, status);
	if (fd < 0)
		fd = open_path(path, mapping, status);
	if (fd < 0) {
		snprintf(buffer, sizeof(buffer), "/proc/%d/exe", (int)task);
		fd = open_path(buffer, mapping, status);
	}
	return fd;
}

int
gait_source_open(pid_t task, const GaitMapping *mapping, const char *path, struct stat *status)
{
	struct stat unused;
	char buffer[32];
	int path_fd = open_any(task, mapping, path, status ? status : &unused), fd;

	if (path_fd < 0)
		return -1;
	snprintf(buffer, sizeof(buffer), "/proc/self/fd/%d", path_fd);
	fd = open(buffer, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	close(path_fd);
	return fd;
}

gboolean
gait_source_stat(pid_t task, const GaitMapping *mapping, const char *path, struct stat *status)
{
	int fd = open_any(task, mapping, path, status);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

typedef struct {
	const GaitMapping *wanted;
	pid_t task;
	guint64 size; /* of the copy; bytes is NULL while it is measured */
	guint8 *bytes;
} Copy;

static gboolean
is_part(const GaitMapping *wanted, const GaitMapping *mapping)
{
	return mapping->inode == wanted->inode && mapping->device == wanted->device &&
	       mapping->is_readable && !mapping->is_writable && mapping->offset < MAX_COPY &&
	       mapping->end - mapping->start <= MAX_COPY - mapping->offset;
}

static gboolean
measure(const GaitMapping *mapping, gpointer data)
{
	Copy *copy = data;

	if (is_part(copy->wanted, mapping))
		copy->size = MAX(copy->size, mapping->offset + (mapping->end - mapping->start));
	return TRUE;
}

static gboolean
copy_part(const GaitMapping *mapping, gpointer data)
{
	Copy *copy = data;
	struct iovec local, remote;

	/* The mappings may have grown since they were measured. */
	if (!is_part(copy->wanted, mapping) ||
	    mapping->offset + (mapping->end - mapping->start) > copy->size)
		return TRUE;
	local = (struct iovec){copy->bytes + mapping->offset, mapping->end - mapping->start};
	remote = (struct iovec){GSIZE_TO_POINTER(mapping->start), mapping->end - mapping->start};
	/* What cannot be read (beyond the end of the file) stays zero. */
	(void)process_vm_readv(copy->task, &local, 1, &remote, 1, 0);
	return TRUE;
}

GaitImage *
gait_source_copy_memory(pid_t task, const GaitMapping *mapping)
{
	Copy copy = {.wanted = mapping, .task = task};

	if (!gait_maps_foreach(task, FALSE, measure, &copy) || copy.size == 0)
		return gait_image_new_for_memory(NULL, 0);
	copy.bytes = g_malloc0(copy.size);
	gait_maps_foreach(task, FALSE, copy_part, &copy);
	return gait_image_new_for_memory(copy.bytes, copy.size);
}

GaitImage *
gait_source_copy_range(pid_t task, guint64 start, guint64 end)
{
	gsize size = (gsize)MIN(end - start, MAX_COPY);
	g_autofree guint8 *bytes = g_malloc0(size);
	struct iovec local = {bytes, size}, remote = {GSIZE_TO_POINTER(start), size};

	if (process_vm_readv(task, &local, 1, &remote, 1, 0) != (gssize)size)
		return gait_image_new_for_memory(NULL, 0);
	return gait_image_new_for_memory(g_steal_pointer(&bytes), size);
}
