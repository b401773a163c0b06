// SPDX-License-Identifier: Apache-2.0
/*
 * Address spaces against the one process whose mappings a test can change and knows: this one. What
 * a recorder would see of it is told to the space by hand.
 */
#include "process/maps.h"
#include "process/module-private.h"
#include "process/source.h"
#include "process/space-private.h"
#include "unit.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/shm.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TASK = 1001, /* in its call; any number will do */
	OTHER = 1002,
	SIZE = 16384,
};

typedef struct {
	GaitModules *modules;
	GaitSpace *space;
	char *directory;
	char *path[2];
	guint8 *code; /* path[0] is mapped here */
} Fixture;

static guint8 *
map_file(const char *path, void *at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	guint8 *code =
	    mmap(at, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | (at ? MAP_FIXED : 0), fd, 0);

	g_assert_true(code != MAP_FAILED);
	close(fd);
	return code;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
	g_autofree char *zeros = g_malloc0(SIZE);

	fixture->modules = gait_modules_new(NULL);
	fixture->space = gait_space_new(fixture->modules, getpid());
	fixture->directory = g_dir_make_tmp("sysgait-XXXXXX", NULL);
	g_assert_nonnull(fixture->directory);
	for (guint i = 0; i < 2; i++) {
		g_autofree char *name = g_strdup_printf("file%u", i);

		fixture->path[i] = g_build_filename(fixture->directory, name, NULL);
		zeros[0] = (char)i;
		g_assert_true(g_file_set_contents(fixture->path[i], zeros, SIZE, NULL));
	}
	fixture->code = map_file(fixture->path[0], NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	munmap(fixture->code, SIZE);
	for (guint i = 0; i < 2; i++) {
		g_unlink(fixture->path[i]);
		g_free(fixture->path[i]);
	}
	g_rmdir(fixture->directory);
	g_free(fixture->directory);
	gait_space_unref(fixture->space);
	gait_modules_free(fixture->modules);
}

static void
note(GaitSpace *space, pid_t task, guint32 nr, guint64 a, guint64 b, guint64 c, guint64 d)
{
	const guint64 args[6] = {a, b, c, d, 0, 0};

	gait_space_note_syscall(space, task, nr, args);
}

/* Any event that changes nothing. */
static void
tick(Fixture *fixture, pid_t task)
{
	note(fixture->space, task, __NR_getpid, 0, 0, 0, 0);
}

static const char *
find(Fixture *fixture, gsize offset)
{
	guint64 found = G_MAXUINT64;
	GaitModule *module = gait_space_find(fixture->space, getpid(),
	                                     (guint64)(guintptr)fixture->code + offset, &found);

	if (!module)
		return "";
	if (gait_module_get_kind(module) == GAIT_MODULE_FILE)
		g_assert_cmpuint(found, ==, offset);
	else
		g_assert_cmpuint(found, ==, 0);
	return gait_module_get_path(module);
}

static void
test_find(Fixture *fixture, gconstpointer data)
{
	guint64 generation;

	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[0]);
	g_assert_cmpstr(find(fixture, SIZE - 1), ==, fixture->path[0]);
	generation = gait_space_get_generation(fixture->space);
	g_assert_cmpuint(generation, !=, 0);
	tick(fixture, TASK);
	g_assert_cmpstr(find(fixture, 100), ==, fixture->path[0]);
	g_assert_cmpuint(gait_space_get_generation(fixture->space), ==, generation);
	g_assert_true(gait_space_has_runtime(fixture->space, getpid()));
}

/* From the entry of munmap to the next event of the same task, both answers are looked up. */
static void
test_unmap(Fixture *fixture, gconstpointer data)
{
	guint64 address = (guint64)(guintptr)fixture->code, generation;

	find(fixture, 0);
	generation = gait_space_get_generation(fixture->space);
	note(fixture->space, TASK, __NR_munmap, address, SIZE, 0, 0);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[0]);
	tick(fixture, OTHER);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[0]);
	/* It happens: the other file takes the place. */
	map_file(fixture->path[1], fixture->code);
	tick(fixture, OTHER);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[1]);
	munmap(fixture->code, SIZE);
	tick(fixture, OTHER);
	g_assert_cmpstr(find(fixture, 0), ==, "");
	tick(fixture, TASK);
	g_assert_cmpstr(find(fixture, 0), ==, "");
	g_assert_cmpuint(gait_space_get_generation(fixture->space), !=, generation);
}

/* While it is in flux, what cannot be read anew is not known any more. */
static void
test_hidden(Fixture *fixture, gconstpointer data)
{
	const pid_t nobody = G_MAXINT;
	guint64 start = (guint64)(guintptr)fixture->code, offset;

	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[0]);
	g_assert_nonnull(gait_space_find(fixture->space, nobody, start, &offset));
	note(fixture->space, TASK, __NR_munmap, start, SIZE, 0, 0);
	g_assert_null(gait_space_find(fixture->space, nobody, start, &offset));
	tick(fixture, TASK);
	g_assert_null(gait_space_find(fixture->space, nobody, start, &offset));
	tick(fixture, TASK);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[0]);
}

/* Each call that can take code away: after the task's next event the table is right. */
static void
test_replaced(Fixture *fixture, gconstpointer data)
{
	guint64 address = (guint64)(guintptr)fixture->code;
	const struct {
		guint32 nr;
		guint64 args[4];
	} calls[] = {
	    {__NR_munmap, {address, SIZE, 0, 0}},
	    {__NR_munmap, {address + 4096, 1, 0, 0}},
	    {__NR_mmap, {address, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE}},
	    {__NR_mprotect, {address, SIZE, PROT_READ, 0}},
	    {__NR_pkey_mprotect, {address, SIZE, PROT_READ, 0}},
	    {__NR_mremap, {address, SIZE, 4096, 0}},
	    {__NR_mremap, {0x10000, 4096, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED}},
	    {__NR_remap_file_pages, {address, SIZE, 0, 1}},
	    {__NR_shmdt, {address, 0, 0, 0}},
	    {__NR_shmat, {0, address, SHM_REMAP, 0}},
	    {G_MAXUINT32, {0, 0, 0, 0}},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
		guint64 args[6] = {calls[i].args[0], calls[i].args[1], calls[i].args[2],
		                   calls[i].args[3], address,          0};
		const char *expected = fixture->path[(i + 1) % 2];

		g_test_message("call %u", calls[i].nr);
		g_assert_cmpstr(find(fixture, 0), ==, fixture->path[i % 2]);
		gait_space_note_syscall(fixture->space, TASK, calls[i].nr, args);
		map_file(expected, fixture->code);
		tick(fixture, TASK);
		g_assert_cmpstr(find(fixture, 0), ==, expected);
		g_assert_cmpstr(find(fixture, 5000), ==, expected);
	}
}

/* A task that vanishes in the middle of its call leaves nothing in flux. */
static void
test_exit(Fixture *fixture, gconstpointer data)
{
	find(fixture, 0);
	note(fixture->space, TASK, __NR_munmap, (guint64)(guintptr)fixture->code, SIZE, 0, 0);
	map_file(fixture->path[1], fixture->code);
	gait_space_note_exit(fixture->space, TASK);
	tick(fixture, OTHER);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[1]);
}

/* Executable memory without a file; it comes and goes without changing the generation. */
static void
test_anon(Fixture *fixture, gconstpointer data)
{
	guint8 *jit = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guint64 address = (guint64)(guintptr)jit, offset, generation;
	GaitModule *module;

	find(fixture, 0);
	generation = gait_space_get_generation(fixture->space);
	module = gait_space_find(fixture->space, getpid(), address + 5, &offset);
	g_assert_cmpint(gait_module_get_kind(module), ==, GAIT_MODULE_ANON);
	g_assert_cmpuint(gait_module_get_id(module), ==, 1);
	g_assert_cmpuint(offset, ==, 0);
	note(fixture->space, TASK, __NR_mprotect, address, 4096, PROT_READ | PROT_WRITE, 0);
	mprotect(jit, 4096, PROT_READ | PROT_WRITE);
	tick(fixture, TASK);
	g_assert_null(gait_space_find(fixture->space, getpid(), address + 5, &offset));
	g_assert_cmpuint(gait_space_get_generation(fixture->space), ==, generation);
	munmap(jit, 4096);
}

/* A child has what its parent had, under the same generation, until it changes something. */
static void
test_copy(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitSpace) copy = NULL;
	guint64 address = (guint64)(guintptr)fixture->code, offset;
	int ready[2];
	char byte;
	pid_t pid;

	g_assert_cmpint(pipe2(ready, O_CLOEXEC), ==, 0);
	find(fixture, 0);
	pid = fork();
	if (pid == 0) {
		close(ready[1]);
		/* Until the parent is done. */
		_exit(read(ready[0], &byte, 1) != 0);
	}
	/* What happens in the parent after the fork is none of the child's. */
	map_file(fixture->path[1], fixture->code);
	note(fixture->space, TASK, __NR_munmap, address, SIZE, 0, 0);
	tick(fixture, TASK);
	g_assert_cmpstr(find(fixture, 0), ==, fixture->path[1]);
	copy = gait_space_copy(fixture->space, pid);
	g_assert_cmpstr(gait_module_get_path(gait_space_find(copy, pid, address, &offset)), ==,
	                fixture->path[0]);
	gait_space_unref(g_steal_pointer(&copy));
	map_file(fixture->path[0], fixture->code);
	note(fixture->space, TASK, __NR_munmap, address, SIZE, 0, 0);
	tick(fixture, TASK);
	find(fixture, 0);
	copy = gait_space_copy(fixture->space, pid);
	g_assert_cmpuint(gait_space_get_generation(copy), ==,
	                 gait_space_get_generation(fixture->space));
	close(ready[1]);
	close(ready[0]);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* The same inode number and name, another file: another module. */
static void
test_rewritten(Fixture *fixture, gconstpointer data)
{
	guint64 address = (guint64)(guintptr)fixture->code, offset;
	GaitModule *first = gait_space_find(fixture->space, getpid(), address, &offset), *second;
	g_autofree char *zeros = g_malloc0(SIZE + 4096);
	int fd = open(fixture->path[0], O_WRONLY | O_TRUNC | O_CLOEXEC);

	g_assert_cmpint(write(fd, zeros, SIZE + 4096), ==, SIZE + 4096);
	close(fd);
	note(fixture->space, TASK, __NR_munmap, address, SIZE, 0, 0);
	map_file(fixture->path[0], fixture->code);
	tick(fixture, TASK);
	second = gait_space_find(fixture->space, getpid(), address, &offset);
	g_assert_cmpstr(gait_module_get_path(second), ==, gait_module_get_path(first));
	g_assert_true(second != first);
	g_assert_cmpstr(gait_module_get_build_id(second), !=, gait_module_get_build_id(first));
}

/* A deleted file keeps its name and, where it was known before, its module. */
static void
test_deleted(Fixture *fixture, gconstpointer data)
{
	guint64 address = (guint64)(guintptr)fixture->code, offset;
	GaitModule *module = gait_space_find(fixture->space, getpid(), address, &offset);
	g_autoptr(GaitSpace) space = gait_space_new(fixture->modules, getpid());

	g_unlink(fixture->path[0]);
	g_assert_true(gait_space_find(space, getpid(), address, &offset) == module);
	g_assert_cmpstr(gait_module_get_path(module), ==, fixture->path[0]);
}

/* --- maps and images ----------------------------------------------------------------------------
 */

static void
test_lines(void)
{
	static const struct {
		const char *line;
		gboolean ok, is_executable;
		const char *path;
	} lines[] = {
	    {"7f00-8f00 r-xp 00001000 08:01 42     /lib/x y.so", TRUE, TRUE, "/lib/x y.so"},
	    {"7f00-8f00 r--p 00001000 08:01 42     /a\\012b\\012", TRUE, FALSE, "/a\nb\n"},
	    {"7f00-8f00 rwxp 00000000 00:00 0", TRUE, TRUE, ""},
	    {"7f00-8f00 rwxp 00000000 00:00 0 ", TRUE, TRUE, ""},
	    {"7f00-8f00 r-xp 00000000 00:00 0 [vdso]", TRUE, TRUE, "[vdso]"},
	    {"8f00-7f00 r-xp 00000000 00:00 0", FALSE, FALSE, ""},
	    {"7f00-8f00 r-x", FALSE, FALSE, ""},
	    {"7f00-8f00", FALSE, FALSE, ""},
	    {"-8f00 r-xp 00000000 00:00 0", FALSE, FALSE, ""},
	    {"7f00-8f00 r-xp 00000000 0000 0", FALSE, FALSE, ""},
	    {"7f00-8f00 r-xp 00000000 00:00 x", FALSE, FALSE, ""},
	    {"", FALSE, FALSE, ""},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autofree char *line = g_strdup(lines[i].line);
		GaitMapping mapping;

		g_assert_cmpint(gait_maps_parse_line(line, &mapping), ==, lines[i].ok);
		if (!lines[i].ok)
			continue;
		g_assert_cmpint(mapping.is_executable, ==, lines[i].is_executable);
		g_assert_cmpstr(mapping.path, ==, lines[i].path);
		g_assert_cmpuint(mapping.start, ==, 0x7f00);
		g_assert_cmpuint(mapping.end, ==, 0x8f00);
	}
}

typedef struct {
	GaitMapping mapping;
	char path[4096];
} Found;

static gboolean
find_libc(const GaitMapping *mapping, gpointer data)
{
	Found *found = data;

	if (!g_str_has_suffix(mapping->path, "/libc.so.6"))
		return TRUE;
	g_strlcpy(found->path, mapping->path, sizeof(found->path));
	found->mapping = *mapping;
	found->mapping.path = found->path;
	return FALSE;
}

/* What is read of a deleted library out of memory serves as its file would. */
static void
test_memory_image(void)
{
	g_autoptr(GaitImage) file = NULL, memory = NULL;
	g_autoptr(GaitCfi) file_cfi = NULL, memory_cfi = NULL;
	g_autofree char *file_id = NULL, *memory_id = NULL;
	Found found = {0};
	guint64 file_word, memory_word, vaddr;

	g_assert_true(gait_maps_foreach(getpid(), TRUE, find_libc, &found));
	g_assert_cmpstr(found.path, !=, "");
	file = gait_image_new_for_fd(gait_source_open(getpid(), &found.mapping, found.path, NULL));
	memory = gait_source_copy_memory(getpid(), &found.mapping);
	g_assert_nonnull(file->elf);
	g_assert_nonnull(memory->elf);
	file_id = gait_image_dup_build_id(file);
	memory_id = gait_image_dup_build_id(memory);
	g_assert_cmpint(strlen(file_id), ==, 40);
	g_assert_cmpstr(file_id, ==, memory_id);
	file_cfi = gait_cfi_new(file);
	memory_cfi = gait_cfi_new(memory);
	g_assert_cmpuint(gait_cfi_get_table(file_cfi)->n_entries, >, 1000);
	g_assert_cmpuint(gait_cfi_get_table(file_cfi)->n_entries, ==,
	                 gait_cfi_get_table(memory_cfi)->n_entries);
	vaddr = gait_cfi_get_table(file_cfi)->vaddr & ~G_GUINT64_CONSTANT(7);
	g_assert_true(gait_cfi_read(file_cfi, vaddr, &file_word));
	g_assert_true(gait_cfi_read(memory_cfi, vaddr, &memory_word));
	g_assert_cmphex(file_word, ==, memory_word);
}

/* Where the function of an entry of the search table starts. */
static guint64
get_start(const GaitCfi *cfi, guint64 i)
{
	const GaitCfiTable *table = gait_cfi_get_table(cfi);
	guint64 vaddr = table->vaddr + i * 8, word;
	gint32 start[2];

	g_assert_true(gait_cfi_read(cfi, vaddr & ~G_GUINT64_CONSTANT(7), &word));
	memcpy(start, &word, sizeof(start));
	return table->base + (guint64)(gint64)start[(vaddr & 7) / 4];
}

/* Without .eh_frame_hdr, a table of the same functions is built. */
static void
test_built_table(void)
{
	g_autoptr(GaitImage) image = NULL;
	g_autoptr(GaitCfi) with = NULL, without = NULL;
	Found found = {0};
	guint64 n_entries;

	g_assert_true(gait_maps_foreach(getpid(), TRUE, find_libc, &found));
	image = gait_image_new_for_fd(gait_source_open(getpid(), &found.mapping, found.path, NULL));
	with = gait_cfi_new(image);
	image->eh_frame_hdr.size = 0;
	without = gait_cfi_new(image);
	g_assert_nonnull(without);
	n_entries = gait_cfi_get_table(with)->n_entries;
	g_assert_cmpuint(n_entries, ==, gait_cfi_get_table(without)->n_entries);
	for (guint64 i = 0; i < n_entries; i++)
		g_assert_cmphex(get_start(with, i), ==, get_start(without, i));
}

#define ADD(name, function) g_test_add("/space/" name, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	ADD("find", test_find);
	ADD("unmap", test_unmap);
	ADD("replaced", test_replaced);
	ADD("hidden", test_hidden);
	ADD("exit", test_exit);
	ADD("anon", test_anon);
	ADD("copy", test_copy);
	ADD("rewritten", test_rewritten);
	ADD("deleted", test_deleted);
	g_test_add_func("/maps/lines", test_lines);
	g_test_add_func("/image/memory", test_memory_image);
	g_test_add_func("/cfi/built-table", test_built_table);
	return g_test_run();
}
