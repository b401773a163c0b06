/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, as the in-kernel tier knows them: by the kernel's own inode, because that is what a
 * mapping leads to. Which inode it is the kernel says: the file is mapped here, for as long as the
 * tier lives, and the program is asked what lies there. So no file system's numbers have to be
 * believed, and no inode's memory is ever another's.
 *
 * Of files of the runtime set, of Go programs and of static ones the program gets the unwind rows;
 * of others it needs to know no more than which module they are.
 */
#include "kernel/tier-private.h"

#include "process/issuer.h"
#include "process/maps.h"
#include "process/module-private.h"
#include "process/source.h"
#include "process/unwind-table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* Of a file's code, at a time. */
	CHUNK = 1024 * 1024,
	/* What looks like a system call instruction: libc has some six hundred. */
	MAX_INSTRUCTIONS = 20000,
	/* How often, and after how long, what could not be told is told again. */
	MAX_TELLINGS = 10000,
	TELLING_US = 100,
};

void
gait_tier_files_init(GaitTierFiles *files, const GaitWalkTable *table)
{
	files->table = table ? gait_walk_table_ref((GaitWalkTable *)table) : NULL;
	files->indices = g_hash_table_new(NULL, NULL);
	files->modules = g_ptr_array_new();
	files->devices = g_hash_table_new(NULL, NULL);
	files->mappings = g_ptr_array_new();
}

void
gait_tier_files_clear(GaitTierFiles *files)
{
	for (guint i = 0; files->mappings && i < files->mappings->len; i++)
		munmap(g_ptr_array_index(files->mappings, i), 1);
	g_clear_pointer(&files->mappings, g_ptr_array_unref);
	g_clear_pointer(&files->indices, g_hash_table_unref);
	g_clear_pointer(&files->modules, g_ptr_array_unref);
	g_clear_pointer(&files->devices, g_hash_table_unref);
	g_clear_pointer(&files->table, gait_walk_table_unref);
}

static int
find_map(GaitTier *tier, const char *name)
{
	return bpf_object__find_map_fd_by_name(tier->object, name);
}

/* --- what a file is -----------------------------------------------------------------------------
 */

/* Where there is no room they stay out: calls through the file are then [unknown]. */
static void
add_rows(GaitTier *tier, GaitModule *module, struct gait_tier_file *file)
{
	guint32 n, first = tier->files.n_rows;
	const struct gait_unwind_row *rows = gait_module_get_unwind_rows(module, &n);
	g_autofree guint32 *keys = NULL;
	LIBBPF_OPTS(bpf_map_batch_opts, options);

	if (n == 0 || n > GAIT_TIER_MAX_ROWS - first)
		return;
	keys = g_new(guint32, n);
	for (guint32 i = 0; i < n; i++)
		keys[i] = first + i;
	if (bpf_map_update_batch(find_map(tier, "rows"), keys, rows, &n, &options) != 0)
		return;
	file->first_row = first;
	file->n_rows = n;
	tier->files.n_rows += n;
}

static void
add_twin(GaitTier *tier, GaitModule *module, guint32 index, guint64 offset)
{
	struct {
		guint64 file, offset;
	} key = {index, offset};
	guint64 first = gait_issuer_find_first(module, offset);

	if (first != offset)
		bpf_map_update_elem(find_map(tier, "twins"), &key, &first, BPF_ANY);
}

/* Instructions that count as an earlier one of their function. */
static void
add_twins(GaitTier *tier, GaitModule *module, guint32 index, const GaitMapping *mapping)
{
	g_autofree guint8 *code = g_malloc(CHUNK + 1);
	guint64 end = mapping->offset + (mapping->end - mapping->start);
	guint n = 0;

	for (guint64 at = mapping->offset; at < end; at += CHUNK) {
		gsize size = MIN(CHUNK + 1, end - at);

		while (size > 1 && !gait_module_read(module, at, size, code))
			size /= 2; /* the file ends before its last page does */
		for (gsize i = 0; i + 1 < size && n < MAX_INSTRUCTIONS; i++)
			if (code[i] == 0x0f && code[i + 1] == 0x05) {
				add_twin(tier, module, index, at + i + 2);
				n++;
			}
	}
}

static void
find_in_model(GaitTier *tier, GaitModule *module, struct gait_tier_file *file)
{
	gboolean is_stale = FALSE;

	file->walk_module = file->part_module = GAIT_WALK_NONE;
	if (!tier->files.table)
		return;
	file->walk_module =
	    gait_walk_table_find_module(tier->files.table, gait_module_get_path(module),
	                                gait_module_get_build_id(module), &is_stale);
	if (is_stale)
		file->flags |= GAIT_TIER_FILE_STALE;
	if (file->flags & GAIT_TIER_FILE_GO) {
		GaitModule *part = gait_modules_get_runtime_part(tier->modules, module);

		file->part_module =
		    gait_walk_table_find_module(tier->files.table, gait_module_get_path(part),
		                                gait_module_get_build_id(part), &is_stale);
	}
}

static gboolean
describe(GaitTier *tier, GaitModule *module, const GaitMapping *mapping, gboolean is_static,
         guint32 index)
{
	struct gait_tier_file file = {0};

	if (gait_module_is_runtime(module))
		file.flags |= GAIT_TIER_FILE_RUNTIME;
	if (gait_module_get_go_table(module))
		file.flags |= GAIT_TIER_FILE_GO;
	find_in_model(tier, module, &file);
	if (tier->callbacks.file)
		tier->callbacks.file(module, tier->data);
	if (file.flags & (GAIT_TIER_FILE_RUNTIME | GAIT_TIER_FILE_GO) || is_static) {
		add_rows(tier, module, &file);
		add_twins(tier, module, index, mapping);
	}
	return bpf_map_update_elem(find_map(tier, "files"), &index, &file, BPF_ANY) == 0;
}

/* --- which inode it is --------------------------------------------------------------------------
 */

static gboolean
tell(GaitTier *tier, const void *address, guint32 index)
{
	guint64 arguments[2] = {(guint64)address, index};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments,
	            .ctx_size_in = sizeof(arguments));
	struct bpf_program *program = bpf_object__find_program_by_name(tier->object, "on_file");

	for (guint i = 0; i < MAX_TELLINGS; i++) {
		if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0)
			return FALSE;
		/* Another thread of ours changes our own mappings at this moment. */
		if ((gint32)options.retval != -EBUSY)
			return options.retval == 0;
		g_usleep(TELLING_US);
	}
	return FALSE;
}

static gboolean
tell_descriptor(GaitTier *tier, int fd, guint32 index)
{
	void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);

	if (page == MAP_FAILED)
		return FALSE;
	if (!tell(tier, page, index)) {
		munmap(page, 1);
		return FALSE;
	}
	g_ptr_array_add(tier->files.mappings, page);
	return TRUE;
}

/* The index of a module; a new one where *is_new. GAIT_TIER_NONE: there are too many. */
static guint32
get_index(GaitTier *tier, GaitModule *module, gboolean *is_new)
{
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(tier->files.indices, module));

	*is_new = index == 0;
	if (index > 0)
		return index - 1;
	if (tier->files.n_files >= GAIT_TIER_MAX_FILES)
		return GAIT_TIER_NONE;
	index = tier->files.n_files++;
	g_hash_table_insert(tier->files.indices, module, GUINT_TO_POINTER(index + 1));
	g_ptr_array_add(tier->files.modules, module);
	return index;
}

GaitModule *
gait_tier_get_module(const GaitTier *tier, guint32 file)
{
	if (file == (GAIT_TIER_ANON & G_MAXUINT16))
		return gait_modules_get(tier->modules, 1);
	return file < tier->files.modules->len ? g_ptr_array_index(tier->files.modules, file)
	                                       : NULL;
}

/* fd: taken; -1 where the file cannot be had: then the program does not know it. */
static void
learn(GaitTier *tier, GaitModule *module, const GaitMapping *mapping, gboolean is_static, int fd)
{
	gboolean is_new;
	guint32 index = get_index(tier, module, &is_new);

	/* What could not be told is told the next time. */
	if (index != GAIT_TIER_NONE && is_new &&
	    (fd < 0 || !describe(tier, module, mapping, is_static, index) ||
	     !tell_descriptor(tier, fd, index)))
		g_hash_table_remove(tier->files.indices, module);
	if (fd >= 0)
		close(fd);
}

static gboolean
find_vdso(const GaitMapping *mapping, gpointer data)
{
	GaitTier *tier = data;
	GaitModule *module;
	gboolean is_new;
	guint32 index;

	if (strcmp(mapping->path, "[vdso]") != 0)
		return TRUE;
	module = gait_modules_intern(tier->modules, getpid(), mapping);
	index = get_index(tier, module, &is_new);
	if (index != GAIT_TIER_NONE && describe(tier, module, mapping, FALSE, index))
		tell(tier, (const void *)mapping->start, index);
	return FALSE;
}

void
gait_tier_learn_vdso(GaitTier *tier)
{
	gait_maps_foreach(getpid(), TRUE, find_vdso, tier);
}

/* --- whose code is mapped -----------------------------------------------------------------------
 */

typedef struct {
	GaitTier *tier;
	pid_t pid;
	gboolean is_static;
	guint64 start, end; /* of what is learned */
} Search;

static gboolean
note_runtime(const GaitMapping *mapping, gpointer data)
{
	Search *search = data;
	GaitModule *module = gait_modules_intern(search->tier->modules, search->pid, mapping);

	if (gait_module_get_kind(module) == GAIT_MODULE_FILE && gait_module_is_runtime(module))
		search->is_static = FALSE;
	return TRUE;
}

static gboolean
learn_mapping(const GaitMapping *mapping, gpointer data)
{
	Search *search = data;
	GaitModule *module;

	if (mapping->start >= search->end || mapping->end <= search->start)
		return TRUE;
	module = gait_modules_intern(search->tier->modules, search->pid, mapping);
	if (gait_module_get_kind(module) == GAIT_MODULE_FILE &&
	    !g_hash_table_contains(search->tier->files.indices, module))
		learn(search->tier, module, mapping, search->is_static,
		      gait_source_open(search->pid, mapping, gait_module_get_path(module), NULL));
	return TRUE;
}

gboolean
gait_tier_learn_process(GaitTier *tier, pid_t pid)
{
	Search search = {tier, pid, TRUE, 0, G_MAXUINT64};

	gait_maps_foreach(pid, TRUE, note_runtime, &search);
	gait_maps_foreach(pid, TRUE, learn_mapping, &search);
	return search.is_static;
}

void
gait_tier_learn_range(GaitTier *tier, pid_t pid, guint64 start, guint64 end)
{
	Search search = {tier, pid, FALSE, start, end};

	gait_maps_foreach(pid, FALSE, learn_mapping, &search);
}

/* Only a regular file: a fifo would block, a device might act. -1 where it is none. */
static int
open_descriptor(pid_t task, int descriptor, char path[PATH_MAX + 1], struct stat *status)
{
	char link[64];
	ssize_t length;
	int path_fd, fd;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)task, descriptor);
	length = readlink(link, path, PATH_MAX);
	path_fd = length > 0 ? open(link, O_PATH | O_CLOEXEC) : -1;
	if (path_fd < 0)
		return -1;
	path[length] = '\0';
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = fstat(path_fd, status) == 0 && S_ISREG(status->st_mode)
	         ? open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY)
	         : -1;
	close(path_fd);
	return fd;
}

typedef enum {
	AGREEMENT_NOT_TRIED,
	AGREEMENT_YES,
	AGREEMENT_NO,
} Agreement;

typedef struct {
	guint64 address;
	GaitMapping *mapping;
	gboolean is_found;
} PageSearch;

static gboolean
find_page(const GaitMapping *mapping, gpointer data)
{
	PageSearch *search = data;

	search->is_found = search->address >= mapping->start && search->address < mapping->end;
	if (search->is_found) {
		search->mapping->inode = mapping->inode;
		search->mapping->device = mapping->device;
	}
	return !search->is_found;
}

/*
 * By which numbers maps will know the file. Those of stat are others on file systems of several
 * devices or layers (btrfs, overlayfs, 9p): there a page of it is mapped, and looked at.
 */
static void
identify(GaitTier *tier, int fd, const struct stat *status, GaitMapping *mapping)
{
	gpointer device = GSIZE_TO_POINTER(status->st_dev);
	Agreement agreement =
	    (Agreement)GPOINTER_TO_INT(g_hash_table_lookup(tier->files.devices, device));
	PageSearch search = {.mapping = mapping};
	void *page;

	mapping->inode = status->st_ino;
	mapping->device = status->st_dev;
	if (agreement == AGREEMENT_YES)
		return;
	page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED)
		return;
	search.address = (guint64)page;
	gait_maps_foreach(getpid(), FALSE, find_page, &search);
	munmap(page, 1);
	if (!search.is_found || agreement != AGREEMENT_NOT_TRIED)
		return;
	agreement = mapping->inode == status->st_ino && mapping->device == status->st_dev
	                ? AGREEMENT_YES
	                : AGREEMENT_NO;
	g_hash_table_insert(tier->files.devices, device, GINT_TO_POINTER(agreement));
}

void
gait_tier_learn_descriptor(GaitTier *tier, pid_t task, int descriptor, guint64 offset, guint64 size)
{
	char path[PATH_MAX + 1];
	struct stat status;
	GaitMapping mapping = {.offset = offset, .end = size, .is_executable = TRUE, .path = path};
	GaitModule *module;
	int fd = open_descriptor(task, descriptor, path, &status);

	if (fd < 0)
		return;
	identify(tier, fd, &status, &mapping);
	module = gait_modules_intern(tier->modules, task, &mapping);
	if (gait_module_get_kind(module) == GAIT_MODULE_FILE)
		learn(tier, module, &mapping, FALSE, fd);
	else
		close(fd);
}
