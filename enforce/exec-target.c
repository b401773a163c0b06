/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves what an exec would run, as the kernel will: the path from the task's memory, relative to
 * its directory or descriptor, inside its root (lookup.c); then `#!` lines, a bounded number of
 * them. Works on a descriptor that stays the same file from lookup to /proc/self/fd, so a renamed
 * file cannot be half of each.
 */
#include "enforce/exec-target.h"

#include "enforce/lookup.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel follows this many interpreters (BINPRM_BUF_SIZE, exec_binprm()). */
#define MAX_INTERPRETERS 5
#define SCRIPT_LINE      256

/*
 * A string of the task's memory, at most PATH_MAX with its end, page by page: the page after the
 * string may not be there.
 */
static char *
read_path(pid_t task, guint64 address)
{
	g_autofree char *path = g_malloc(PATH_MAX);
	gsize size = 0;

	while (size < PATH_MAX) {
		gsize room = MIN(PATH_MAX - size, 4096 - ((address + size) & 4095));
		struct iovec local = {path + size, room};
		struct iovec remote = {(void *)(address + size), room};
		ssize_t n = process_vm_readv(task, &local, 1, &remote, 1, 0);

		if (n <= 0)
			return NULL;
		if (memchr(path + size, '\0', n))
			return g_steal_pointer(&path);
		size += n;
	}
	return NULL;
}

/* Where a task looks names up; descriptors of ours. */
typedef struct {
	pid_t task;
	int directory, root;
} Places;

static int
open_of_task(pid_t task, const char *what)
{
	char name[64];

	g_snprintf(name, sizeof name, "/proc/%d/%s", task, what);
	return open(name, O_PATH | O_CLOEXEC);
}

static void
places_clear(Places *places)
{
	if (places->directory >= 0)
		close(places->directory);
	if (places->root >= 0)
		close(places->root);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Places, places_clear)

static int
open_directory(pid_t task, int dirfd)
{
	char name[32];

	if (dirfd == AT_FDCWD)
		return open_of_task(task, "cwd");
	g_snprintf(name, sizeof name, "fd/%d", dirfd);
	return open_of_task(task, name);
}

/* Takes the place of a descriptor where the path could not even be read. */
#define UNREADABLE (-2)

static int
open_at(pid_t task, int dirfd, guint64 address, guint64 at_flags)
{
	g_auto(Places) places = {task, open_directory(task, dirfd), open_of_task(task, "root")};
	g_autofree char *path = read_path(task, address);

	if (!path)
		return UNREADABLE;
	if (path[0] == '\0' && !(at_flags & AT_EMPTY_PATH))
		return -1;
	return gait_lookup_open(task, places.directory, places.root, path,
	                        !(at_flags & AT_SYMLINK_NOFOLLOW));
}

typedef enum {
	FILE_PROGRAM,
	FILE_SCRIPT,
	FILE_REFUSED, /* by the kernel: EACCES, or ENOEXEC where no handler is registered for it */
} FileKind;

/* *interpreter is what a script names in its first line. */
static FileKind
look_at(int fd, char **interpreter)
{
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	char line[SCRIPT_LINE] = "";
	struct stat status;
	char *start;
	ssize_t n;
	int file;

	if (fstat(fd, &status) != 0)
		return FILE_PROGRAM;
	/* To open a device or a FIFO does something; the target may not be allowed to. */
	if (!S_ISREG(status.st_mode) || !(status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return FILE_REFUSED;
	file = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* It may be run and not be read. */
	if (file < 0)
		return FILE_PROGRAM;
	n = pread(file, line, sizeof line - 1, 0);
	close(file);
	if (n >= SELFMAG && memcmp(line, ELFMAG, SELFMAG) == 0)
		return FILE_PROGRAM;
	if (n < 2 || line[0] != '#' || line[1] != '!')
		return FILE_REFUSED;
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	*interpreter = g_strdup(start);
	return FILE_SCRIPT;
}

/* A file that has no name any more goes by the one it had, as a module does. */
static char *
path_of(int fd)
{
	static const char suffix[] = " (deleted)";
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	char *path = g_file_read_link(name, NULL);
	struct stat status;

	if (path && g_str_has_suffix(path, suffix) && fstat(fd, &status) == 0 &&
	    status.st_nlink == 0)
		path[strlen(path) - strlen(suffix)] = '\0';
	return path;
}

/* Takes fd. */
static char *
follow(int fd, const Places *places)
{
	g_autofree char *path = NULL;

	for (guint i = 0; fd >= 0 && i <= MAX_INTERPRETERS; i++) {
		g_autofree char *interpreter = NULL;
		FileKind kind = look_at(fd, &interpreter);

		if (kind == FILE_PROGRAM)
			path = path_of(fd);
		if (kind != FILE_SCRIPT)
			break;
		close(fd);
		fd = gait_lookup_open(places->task, places->directory, places->root, interpreter,
		                      TRUE);
	}
	if (fd >= 0)
		close(fd);
	return g_steal_pointer(&path);
}

GaitExecTarget
gait_exec_target_find(pid_t task, guint32 nr, const guint64 args[6], char **path)
{
	g_auto(Places) places = {task, open_of_task(task, "cwd"), open_of_task(task, "root")};
	int fd;

	if (nr == SYS_execveat)
		fd = open_at(task, (int)args[0], args[1], args[4]);
	else
		fd = open_at(task, AT_FDCWD, args[0], 0);
	if (fd == UNREADABLE)
		return GAIT_EXEC_TARGET_UNREADABLE;
	*path = follow(fd, &places);
	return *path ? GAIT_EXEC_TARGET_FOUND : GAIT_EXEC_TARGET_ABSENT;
}

char *
gait_exec_target_dup_command(const char *name)
{
	g_autofree char *path = g_find_program_in_path(name);
	g_auto(Places)
	    places = {getpid(), open_of_task(getpid(), "cwd"), open_of_task(getpid(), "root")};

	if (!path)
		return NULL;
	return follow(open(path, O_PATH | O_CLOEXEC), &places);
}
