/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source lines by libdw of elfutils, which also finds separate debug files. Whoever wrote the path
 * that is asked for may be anybody, so only a regular file is opened, and only one whose build-id
 * is the one asked for is given to libdw.
 */
#include "sysgait/debug-lines.h"

#include "process/image.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 64         /* that are open at a time */
#define MAX_SIZE  (2l << 30) /* bytes of a file */

typedef struct {
	GaitImage *image; /* NULL: not to be had */
	Dwfl *dwfl;
	Dwfl_Module *module; /* NULL: libdw does not take it */
} File;

struct _GaitDebugLines {
	GHashTable *files; /* path → File */
};

static char *debuginfo_path; /* libdw's default: .debug and /usr/lib/debug */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debuginfo_path,
};

static void
file_free(gpointer data)
{
	File *file = data;

	if (file->dwfl)
		dwfl_end(file->dwfl);
	gait_image_free(file->image);
	g_free(file);
}

GaitDebugLines *
gait_debug_lines_new(void)
{
	GaitDebugLines *lines = g_new0(GaitDebugLines, 1);

	lines->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
	return lines;
}

void
gait_debug_lines_free(GaitDebugLines *lines)
{
	if (!lines)
		return;
	g_hash_table_unref(lines->files);
	g_free(lines);
}

/* A regular file, or -1. Does not wait for a FIFO and takes no terminal. */
static int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= MAX_SIZE)
		return fd;
	close(fd);
	return -1;
}

/* Gives the file to libdw, which takes the descriptor if it takes the file. */
static void
load_debug(File *file, const char *path)
{
	int fd = open_file(path);

	if (fd < 0)
		return;
	file->dwfl = dwfl_begin(&callbacks);
	if (file->dwfl) {
		dwfl_report_begin(file->dwfl);
		file->module = dwfl_report_offline(file->dwfl, path, path, fd);
		dwfl_report_end(file->dwfl, NULL, NULL);
	}
	if (!file->module)
		close(fd);
}

static File *
load(const char *path, const char *build_id)
{
	File *file = g_new0(File, 1);
	int fd = open_file(path);
	g_autofree char *found = NULL;

	if (fd < 0)
		return file;
	file->image = gait_image_new_for_fd(fd);
	found = gait_image_dup_build_id(file->image);
	if (strcmp(found, build_id) == 0)
		load_debug(file, path);
	return file;
}

static File *
get_file(GaitDebugLines *lines, const char *path, const char *build_id)
{
	g_autofree char *key = g_strconcat(build_id, " ", path, NULL);
	File *file = g_hash_table_lookup(lines->files, key);

	if (file)
		return file;
	if (g_hash_table_size(lines->files) >= MAX_FILES)
		g_hash_table_remove_all(lines->files);
	file = load(path, build_id);
	g_hash_table_insert(lines->files, g_steal_pointer(&key), file);
	return file;
}

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static char *
describe(Dwfl_Module *module, Dwarf_Addr address)
{
	const char *function = dwfl_module_addrname(module, address);
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	int number = 0;
	const char *source = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!source)
		return g_strdup(function);
	if (!function)
		return g_strdup_printf("%s:%d", last_component(source), number);
	return g_strdup_printf("%s (%s:%d)", function, last_component(source), number);
}

char *
gait_debug_lines_dup(GaitDebugLines *lines, const char *path, const char *build_id, guint64 offset)
{
	File *file;
	guint64 vaddr;
	GElf_Addr bias;

	/* Without a build-id nobody knows whether it still is the same file. */
	if (path[0] != '/' || !build_id[0] || offset == 0)
		return NULL;
	file = get_file(lines, path, build_id);
	/* The call is before the return address, and may be the last thing of its line. */
	if (!file->module || !gait_image_get_vaddr(file->image, offset - 1, &vaddr) ||
	    !dwfl_module_getelf(file->module, &bias))
		return NULL;
	return describe(file->module, vaddr + bias);
}
