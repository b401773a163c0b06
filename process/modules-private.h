/* SPDX-License-Identifier: Apache-2.0 */
/* A module and the registry, as they know each other. */
#pragma once

#include "process/module-private.h"
#include "process/symbols.h"

struct _GaitModule {
	GaitModuleKind kind;
	guint32 id;
	dev_t device;
	guint64 inode;
	char *path, *build_id;
	gboolean is_runtime;
	gboolean has_version; /* size and mtime are known */
	gint64 size;
	struct timespec mtime;
	GaitImage *image; /* NULL: [anon], [unknown] */
	GaitModules *owner;
	gboolean cfi_loaded, go_loaded, rows_loaded, symbols_loaded;
	GaitCfi *cfi;
	GaitGoTable *go;
	struct gait_unwind_row *rows;
	guint32 n_rows;
	GaitSymbols *symbols;
	GaitModule *whole;        /* of a part: what it is part of */
	GaitModule *runtime_part; /* NULL: not asked for yet */
};

struct _GaitModules {
	GPtrArray *modules;
	GHashTable *latest; /* by device, inode and path: the last version of each */
	char **runtime;
	GaitModule *unknown, *anon, *vdso;
	guint n_open;
	gsize n_table_bytes; /* of all modules */
	gint shortage;       /* errno, once there was one */
};

void gait_module_free(gpointer module);
/* Reads all tables while they can be had, and closes the file. */
void gait_module_read_all(GaitModule *module);
/* Whether there is room for so many more bytes of tables; takes it. */
gboolean gait_modules_take_room(GaitModules *modules, gsize size);
