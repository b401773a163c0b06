/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path lookup as another task does it, a component at a time. openat2() cannot do it for us: ".."
 * and absolute symbolic links have to stay inside the task's root, also where a path is relative,
 * and what /proc/self leads to depends on who asks (/dev/fd/N, by which fexecve() may run a file,
 * leads there).
 */
#include "enforce/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	MAX_LINKS = 40, /* MAXSYMLINKS */
	MAX_COMPONENTS = 4096,
	PROC_ROOT_INODE = 1,
};

typedef struct {
	pid_t task;
	int root;
	int at; /* what is opened so far */
	guint n_links;
	GString *rest; /* still to be walked */
	gboolean follow_last;
} Lookup;

/* Takes fd; FALSE where there is none. */
static gboolean
move_to(Lookup *lookup, int fd)
{
	if (fd < 0)
		return FALSE;
	close(lookup->at);
	lookup->at = fd;
	return TRUE;
}

static gboolean
is_root(const Lookup *lookup)
{
	const unsigned mask = STATX_INO | STATX_MNT_ID;
	struct statx at, root;

	return statx(lookup->at, "", AT_EMPTY_PATH, mask, &at) == 0 &&
	       statx(lookup->root, "", AT_EMPTY_PATH, mask, &root) == 0 &&
	       at.stx_ino == root.stx_ino && at.stx_dev_major == root.stx_dev_major &&
	       at.stx_dev_minor == root.stx_dev_minor && at.stx_mnt_id == root.stx_mnt_id;
}

/* Goes on with the text of a symbolic link. */
static gboolean
follow_text(Lookup *lookup, int link)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(link, "", text, sizeof text);

	if (length <= 0)
		return FALSE;
	g_string_prepend_c(lookup->rest, '/');
	g_string_prepend_len(lookup->rest, text, length);
	return text[0] != '/' || move_to(lookup, fcntl(lookup->root, F_DUPFD_CLOEXEC, 0));
}

/* In /proc "self" is who asks, and what lies deeper is no text but leads straight to a file. */
static gboolean
follow_in_proc(Lookup *lookup, int link, const char *name)
{
	char task[32];
	struct stat status;

	if (fstat(lookup->at, &status) != 0)
		return FALSE;
	if (status.st_ino != PROC_ROOT_INODE)
		return move_to(lookup, openat(lookup->at, name, O_PATH | O_CLOEXEC));
	if (strcmp(name, "self") != 0 && strcmp(name, "thread-self") != 0)
		return follow_text(lookup, link);
	g_snprintf(task, sizeof task, "/proc/%d", (int)lookup->task);
	return move_to(lookup, open(task, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static gboolean
follow_link(Lookup *lookup, int link, const char *name)
{
	struct statfs file_system;

	if (++lookup->n_links > MAX_LINKS) {
		errno = ELOOP;
		return FALSE;
	}
	if (fstatfs(link, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC)
		return follow_in_proc(lookup, link, name);
	return follow_text(lookup, link);
}

static gboolean
walk_component(Lookup *lookup, const char *name)
{
	gboolean is_last = lookup->rest->str[strspn(lookup->rest->str, "/")] == '\0';
	struct stat status;
	gboolean is_good;
	int next;

	if (strcmp(name, ".") == 0 || (strcmp(name, "..") == 0 && is_root(lookup)))
		return TRUE;
	next = openat(lookup->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0)
		return FALSE;
	if (fstat(next, &status) != 0 || !S_ISLNK(status.st_mode) ||
	    (is_last && !lookup->follow_last))
		return move_to(lookup, next);
	is_good = follow_link(lookup, next, name);
	close(next);
	return is_good;
}

/* The next component, taken off the rest; empty at the end. */
static char *
take_component(GString *rest)
{
	gsize start = strspn(rest->str, "/"), length = strcspn(rest->str + start, "/");
	char *name = g_strndup(rest->str + start, length);

	g_string_erase(rest, 0, (gssize)(start + length));
	return name;
}

int
gait_lookup_open(pid_t task, int directory, int root, const char *path, gboolean follow_last)
{
	g_autoptr(GString) rest = g_string_new(path);
	Lookup lookup = {
	    .task = task,
	    .root = root,
	    .at = fcntl(path[0] == '/' ? root : directory, F_DUPFD_CLOEXEC, 0),
	    .rest = rest,
	    .follow_last = follow_last,
	};

	if (lookup.at < 0)
		return -1;
	for (guint i = 0; i < MAX_COMPONENTS; i++) {
		g_autofree char *name = take_component(rest);

		if (!*name)
			return lookup.at;
		if (!walk_component(&lookup, name))
			break;
	}
	close(lookup.at);
	return -1;
}
