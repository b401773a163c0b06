// SPDX-License-Identifier: Apache-2.0
/*
 * The registry of modules. A module is a file as it was when it was first seen mapped: device,
 * inode and path name it, size and time of change tell it from one that later took over its inode.
 * Images are opened when the module appears, because the file may be gone at the next look.
 */
#include "process/modules-private.h"

#include "process/source.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MAX_MODULES = 65536,
	/* So many files stay open for their symbols; of further ones all is read at once. */
	MAX_OPEN_FILES = 256,
};
/* A process may map ever new files. What there is no room for has no tables: its calls are
 * [unknown], as those of a file without any. */
static const gsize MAX_TABLES = 512 * 1024 * 1024;

static const char *const default_runtime[] = {
    "libc.so.6",
    "ld-linux-x86-64.so.2",
    "libpthread.so.0",
    "ld-musl-x86_64.so.1",
    "libc.so",
    "[vdso]",
    NULL,
};

static guint
hash_module(gconstpointer data)
{
	const GaitModule *module = data;

	return g_str_hash(module->path) ^ (guint)module->inode ^ (guint)module->device;
}

static gboolean
equal_modules(gconstpointer a, gconstpointer b)
{
	const GaitModule *left = a, *right = b;

	return left->inode == right->inode && left->device == right->device &&
	       strcmp(left->path, right->path) == 0;
}

static gboolean
is_in_runtime(const GaitModules *modules, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (char **entry = modules->runtime; *entry; entry++) {
		gsize length = strlen(*entry);

		if (length > 0 && (*entry)[length - 1] == '*'
		        ? strncmp(name, *entry, length - 1) == 0
		        : strcmp(name, *entry) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Takes image. */
static GaitModule *
add_module(GaitModules *modules, GaitModuleKind kind, const char *path, GaitImage *image)
{
	GaitModule *module = g_new0(GaitModule, 1);

	module->owner = modules;
	module->kind = kind;
	module->id = modules->modules->len;
	module->path = g_strdup(path);
	module->image = image;
	module->build_id = image ? gait_image_dup_build_id(image) : g_strdup("");
	module->is_runtime =
	    (kind == GAIT_MODULE_FILE || kind == GAIT_MODULE_VDSO) && is_in_runtime(modules, path);
	g_ptr_array_add(modules->modules, module);
	return module;
}

GaitModules *
gait_modules_new(const char *const *runtime)
{
	GaitModules *modules = g_new0(GaitModules, 1);

	modules->modules = g_ptr_array_new_with_free_func(gait_module_free);
	modules->latest = g_hash_table_new(hash_module, equal_modules);
	modules->runtime = g_strdupv((char **)(runtime ? runtime : default_runtime));
	modules->unknown = add_module(modules, GAIT_MODULE_UNKNOWN, "[unknown]", NULL);
	modules->anon = add_module(modules, GAIT_MODULE_ANON, "[anon]", NULL);
	return modules;
}

void
gait_modules_free(GaitModules *modules)
{
	if (!modules)
		return;
	g_hash_table_unref(modules->latest);
	g_ptr_array_unref(modules->modules);
	g_strfreev(modules->runtime);
	g_free(modules);
}

void
gait_modules_note_failure(GaitModules *modules, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		g_atomic_int_set(&modules->shortage, error);
}

int
gait_modules_get_shortage(const GaitModules *modules)
{
	return g_atomic_int_get(&modules->shortage);
}

/* "PATH (deleted)" is PATH, unless a file of that very name is what is mapped. */
static char *
dup_clean_path(const GaitMapping *mapping)
{
	static const char suffix[] = " (deleted)";
	struct stat status;

	if (!g_str_has_suffix(mapping->path, suffix) ||
	    (stat(mapping->path, &status) == 0 && status.st_ino == mapping->inode))
		return g_strdup(mapping->path);
	return g_strndup(mapping->path, strlen(mapping->path) - strlen(suffix));
}

/* Memory that has a file behind it in the kernel's books only. */
static gboolean
is_nameless(const char *path)
{
	return *path != '/' || strcmp(path, "/dev/zero") == 0 || g_str_has_prefix(path, "/SYSV");
}

static gboolean
is_same_version(const GaitModule *module, const struct stat *status)
{
	return module->has_version && module->size == status->st_size &&
	       module->mtime.tv_sec == status->st_mtim.tv_sec &&
	       module->mtime.tv_nsec == status->st_mtim.tv_nsec;
}

static GaitModule *
find_module(GaitModules *modules, const GaitMapping *mapping, char *path)
{
	GaitModule key = {.device = mapping->device, .inode = mapping->inode, .path = path};

	return g_hash_table_lookup(modules->latest, &key);
}

gboolean
gait_modules_take_room(GaitModules *modules, gsize size)
{
	if (size > MAX_TABLES - modules->n_table_bytes)
		return FALSE;
	modules->n_table_bytes += size;
	return TRUE;
}

static GaitModule *
add_file(GaitModules *modules, pid_t task, const GaitMapping *mapping, const char *path)
{
	struct stat status;
	int fd = gait_source_open(task, mapping, path, &status), error = errno;
	GaitImage *image =
	    fd >= 0 ? gait_image_new_for_fd(fd) : gait_source_copy_memory(task, mapping);
	GaitModule *module;

	if (fd < 0)
		gait_modules_note_failure(modules, error);
	/* A memfd without code in ELF form is a JIT's: its offsets mean nothing elsewhere. */
	if (!image->elf && g_str_has_prefix(path, "/memfd:")) {
		gait_image_free(image);
		return modules->anon;
	}
	module = add_module(modules, GAIT_MODULE_FILE, path, image);
	module->device = mapping->device;
	module->inode = mapping->inode;
	if (fd >= 0) {
		module->has_version = TRUE;
		module->size = status.st_size;
		module->mtime = status.st_mtim;
		if (++modules->n_open > MAX_OPEN_FILES)
			gait_module_read_all(module);
	} else if (!gait_modules_take_room(modules, image->size)) {
		gait_image_close(image);
	}
	g_hash_table_replace(modules->latest, module, module);
	return module;
}

static gboolean
copy_vdso(const GaitMapping *mapping, gpointer data)
{
	GaitImage **image = data;

	if (strcmp(mapping->path, "[vdso]") != 0)
		return TRUE;
	*image = gait_source_copy_range(getpid(), mapping->start, mapping->end);
	return FALSE;
}

/* The kernel gives the same one to every process of an ABI; our own copy nobody has tampered with.
 */
static GaitModule *
get_vdso(GaitModules *modules)
{
	GaitImage *image = NULL;

	if (modules->vdso)
		return modules->vdso;
	gait_maps_foreach(getpid(), TRUE, copy_vdso, &image);
	modules->vdso = add_module(modules, GAIT_MODULE_VDSO, "[vdso]", image);
	return modules->vdso;
}

GaitModule *
gait_modules_intern(GaitModules *modules, pid_t task, const GaitMapping *mapping)
{
	g_autofree char *path = NULL;
	GaitModule *module;
	struct stat status;

	if (strcmp(mapping->path, "[vdso]") == 0)
		return get_vdso(modules);
	path = dup_clean_path(mapping);
	if (is_nameless(path))
		return modules->anon;
	module = find_module(modules, mapping, path);
	/* What cannot be looked at (deleted) was mapped before under the same number and name. */
	if (module && !gait_source_stat(task, mapping, path, &status)) {
		gait_modules_note_failure(modules, errno);
		return module;
	}
	if (module && is_same_version(module, &status))
		return module;
	if (modules->modules->len >= MAX_MODULES)
		return modules->unknown;
	return add_file(modules, task, mapping, path);
}

guint32
gait_modules_get_n(const GaitModules *modules)
{
	return modules->modules->len;
}

GaitModule *
gait_modules_get(const GaitModules *modules, guint32 id)
{
	g_assert(id < modules->modules->len);
	return g_ptr_array_index(modules->modules, id);
}

const char *const *
gait_modules_get_runtime(const GaitModules *modules)
{
	return (const char *const *)modules->runtime;
}

typedef struct {
	GaitModules *modules;
	pid_t task;
	const char *path;
	GaitModule *module;
} ProgramSearch;

static gboolean
match_program(const GaitMapping *mapping, gpointer data)
{
	ProgramSearch *search = data;

	if (strcmp(mapping->path, search->path) != 0)
		return TRUE;
	search->module = gait_modules_intern(search->modules, search->task, mapping);
	return FALSE;
}

GaitModule *
gait_modules_get_program(GaitModules *modules, pid_t pid, GError **error)
{
	char link[32], path[PATH_MAX + 1];
	ProgramSearch search = {modules, pid, path, NULL};
	gssize length;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0) {
		int saved_errno = errno;

		gait_error_system(error, GAIT_PROCESS_ERROR, saved_errno, "readlink(%s)", link);
		if (error && *error && (saved_errno == ENOENT || saved_errno == ESRCH))
			(*error)->code = GAIT_ERROR_GONE;
		return NULL;
	}
	path[length] = '\0';
	/* By way of maps, so that it is the very module that code addresses lead to. */
	if (!gait_maps_foreach(pid, TRUE, match_program, &search) ||
	    (!search.module && !gait_maps_foreach(pid, FALSE, match_program, &search)))
		gait_modules_note_failure(modules, errno);
	if (!search.module)
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_GONE,
		            "process %d does not have its program %s mapped", (int)pid, path);
	return search.module;
}

GaitModule *
gait_modules_get_runtime_part(GaitModules *modules, GaitModule *module)
{
	g_autofree char *path = NULL;
	GaitModule *part;

	if (module->runtime_part)
		return module->runtime_part;
	if (modules->modules->len >= MAX_MODULES)
		return module;
	path = g_strconcat(module->path, GAIT_RUNTIME_PART, NULL);
	part = add_module(modules, GAIT_MODULE_FILE, path, NULL);
	g_free(part->build_id);
	part->build_id = g_strdup(module->build_id);
	part->whole = module;
	module->runtime_part = part;
	return part;
}
