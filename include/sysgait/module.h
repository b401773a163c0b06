/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: the files (and the vdso, and anonymous executable memory) that hold a process's code,
 * with what is needed of their ELF images: build-id, unwind tables, symbol tables. Every offset
 * read from an image is checked against its size: the file may be an attacker's.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum {
	GAIT_MODULE_FILE,
	GAIT_MODULE_VDSO, /* "[vdso]" */
	GAIT_MODULE_ANON, /* "[anon]": executable memory without a file (JIT code, injected code) */
	GAIT_MODULE_UNKNOWN, /* "[unknown]": what could not be attributed */
	GAIT_MODULE_N_,
} GaitModuleKind;

typedef struct _GaitModule GaitModule;

/* Strings of a module are borrowed and live as long as it does: as long as its GaitModules. */

/* What it is; never changes. */
GaitModuleKind gait_module_get_kind(const GaitModule *module);
/* Dense, from 0, in order of appearance; 0 is [unknown], 1 is [anon]. For arrays beside the module.
 */
guint32 gait_module_get_id(const GaitModule *module);
/* As the process saw it when it was mapped; of those without a file, the name in brackets. */
const char *gait_module_get_path(const GaitModule *module);
/* Lower-case hex of the GNU build-id, else of the Go one, else "sha1:…" of the file; "" where there
 * is none. */
const char *gait_module_get_build_id(const GaitModule *module);
/* Whether it is in the runtime set. */
gboolean gait_module_is_runtime(const GaitModule *module);
/*
 * Nearest function symbol (Go's own table, .symtab, else .dynsym) at or before a file offset. Loads
 * the tables on first use; not for the hot path. *name is borrowed, *delta in bytes. FALSE where
 * there is none.
 */
gboolean gait_module_symbolize(GaitModule *module, guint64 offset, const char **name,
                               guint64 *delta);

struct gait_unwind_row;
/*
 * The module's unwind table (unwind-table.h), made on first use: a few milliseconds for libc. NULL,
 * and *n_rows 0, where nothing can be said of its code: anonymous memory, musl. n_rows may be NULL.
 * It is the file's own: a build-id is whatever a file says that it is.
 */
const struct gait_unwind_row *gait_module_get_unwind_rows(GaitModule *module, guint32 *n_rows);

/*
 * All modules seen, by (device, inode, path); shared by all address spaces of a session. Owns them.
 * runtime: names of the runtime set (NULL-terminated, last path components; "*" allowed at the
 * end), or NULL for the default: libc.so.6, ld-linux-x86-64.so.2, libpthread.so.0,
 * ld-musl-x86_64.so.1, libc.so (musl's, where that is its name), [vdso].
 */
typedef struct _GaitModules GaitModules;

/* Never NULL; copies runtime. */
GaitModules *gait_modules_new(const char *const *runtime);
void gait_modules_free(GaitModules *modules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitModules, gait_modules_free)
/* How many there are: ids are below it. */
guint32 gait_modules_get_n(const GaitModules *modules);
/* By id; borrowed. */
GaitModule *gait_modules_get(const GaitModules *modules, guint32 id);
/* The names of the runtime set, NULL-terminated, borrowed. */
const char *const *gait_modules_get_runtime(const GaitModules *modules);
/*
 * 0, or the errno with which the kernel once refused to show a file or a process for lack of
 * descriptors or memory. Then modules may be other than they seem, and nothing that is concluded
 * from them can be relied on any more. From any thread.
 */
int gait_modules_get_shortage(const GaitModules *modules);
/* The module of the program that a process runs (/proc/PID/exe). NULL with error where it is gone.
 */
GaitModule *gait_modules_get_program(GaitModules *modules, pid_t pid, GError **error);
