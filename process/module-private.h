/* SPDX-License-Identifier: Apache-2.0 */
/* What spaces and the unwinder need of modules. */
#pragma once

#include "process/cfi.h"
#include "process/go-table.h"
#include "process/maps.h"
#include "sysgait/module.h"

/* The module of an executable mapping of a task. Never NULL: [unknown] where there are too many. */
GaitModule *gait_modules_intern(GaitModules *modules, pid_t task, const GaitMapping *mapping);

/* To be told when a file or a maps could not be opened; see gait_modules_get_shortage(). */
void gait_modules_note_failure(GaitModules *modules, int error);

/* Unwind tables, read on first use. NULL where there are none. Borrowed. */
const GaitCfi *gait_module_get_cfi(GaitModule *module);
/* The function table of a Go program; NULL where there is none. Borrowed. */
const GaitGoTable *gait_module_get_go_table(GaitModule *module);
/* The row of the module's unwind table at a file offset, without making the table; see
 * unwind-table.h. */
gboolean gait_module_find_unwind_row(GaitModule *module, guint64 offset,
                                     struct gait_unwind_row *row);
/*
 * What a module's own runtime calls for itself counts as a library of its own (path
 * GAIT_RUNTIME_PART, the same offsets and build-id). Only Go programs have one.
 */
GaitModule *gait_modules_get_runtime_part(GaitModules *modules, GaitModule *module);
/* Link-time address of a file offset. FALSE where the image has none. */
gboolean gait_module_get_vaddr(const GaitModule *module, guint64 offset, guint64 *vaddr);
/* Bytes of the file at offset. FALSE where they cannot be had (any more). */
gboolean gait_module_read(GaitModule *module, guint64 offset, gsize size, void *buffer);
/* Link-time address of the program's first instruction; 0: none. */
guint64 gait_module_get_entry(const GaitModule *module);
