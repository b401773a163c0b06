// SPDX-License-Identifier: Apache-2.0
/*
 * A module: what is known of a file, and its tables. Unwind tables and symbols are read when they
 * are needed, within what all modules together may take.
 */
#include "process/modules-private.h"

#include "process/unwind-table.h"

void
gait_module_free(gpointer data)
{
	GaitModule *module = data;

	gait_image_free(module->image);
	gait_cfi_free(module->cfi);
	gait_go_table_free(module->go);
	g_free(module->rows);
	gait_symbols_free(module->symbols);
	g_free(module->path);
	g_free(module->build_id);
	g_free(module);
}

static void
load_symbols(GaitModule *module)
{
	if (module->symbols_loaded || !module->image)
		return;
	module->symbols_loaded = TRUE;
	module->symbols = gait_symbols_new(module->image);
	if (!gait_modules_take_room(module->owner, gait_symbols_get_size(module->symbols)))
		g_clear_pointer(&module->symbols, gait_symbols_free);
}

void
gait_module_read_all(GaitModule *module)
{
	gait_module_get_cfi(module);
	if (gait_module_get_go_table(module) || module->is_runtime)
		gait_module_get_unwind_rows(module, NULL);
	load_symbols(module);
	gait_image_close(module->image);
}

GaitModuleKind
gait_module_get_kind(const GaitModule *module)
{
	return module->kind;
}

guint32
gait_module_get_id(const GaitModule *module)
{
	return module->id;
}

const char *
gait_module_get_path(const GaitModule *module)
{
	return module->path;
}

const char *
gait_module_get_build_id(const GaitModule *module)
{
	return module->build_id;
}

gboolean
gait_module_is_runtime(const GaitModule *module)
{
	return module->is_runtime;
}

static gboolean
symbolize_go(GaitModule *module, guint64 offset, const char **name, guint64 *delta)
{
	const GaitGoTable *go = gait_module_get_go_table(module);
	GaitGoFunction function;
	guint64 vaddr;

	/* The byte before, as for other symbols. */
	if (!go || offset == 0 || !gait_module_get_vaddr(module, offset - 1, &vaddr) ||
	    !gait_go_table_find(go, vaddr, &function))
		return FALSE;
	*name = function.name;
	*delta = vaddr + 1 - function.start;
	return TRUE;
}

gboolean
gait_module_symbolize(GaitModule *module, guint64 offset, const char **name, guint64 *delta)
{
	if (module->whole)
		return gait_module_symbolize(module->whole, offset, name, delta);
	if (symbolize_go(module, offset, name, delta))
		return TRUE;
	load_symbols(module);
	return module->symbols && gait_symbols_find(module->symbols, offset, name, delta);
}

const GaitGoTable *
gait_module_get_go_table(GaitModule *module)
{
	if (module->go_loaded || !module->image)
		return module->go;
	module->go = gait_go_table_new(module->image);
	if (module->go &&
	    !gait_modules_take_room(module->owner, gait_go_table_get_size(module->go)))
		g_clear_pointer(&module->go, gait_go_table_free);
	module->go_loaded = TRUE;
	return module->go;
}

const GaitCfi *
gait_module_get_cfi(GaitModule *module)
{
	if (module->cfi_loaded || !module->image)
		return module->cfi;
	module->cfi = gait_cfi_new(module->image);
	if (module->cfi && !gait_modules_take_room(module->owner, gait_cfi_get_size(module->cfi)))
		g_clear_pointer(&module->cfi, gait_cfi_free);
	module->cfi_loaded = TRUE;
	return module->cfi;
}

static void
load_rows(GaitModule *module)
{
	const GaitCfi *cfi = gait_module_get_cfi(module);
	const GaitGoTable *go = gait_module_get_go_table(module);

	module->rows_loaded = TRUE;
	if (!module->image || gait_image_is_closed(module->image))
		return;
	module->rows = gait_unwind_table_new(module->image, cfi, go, &module->n_rows);
	if (gait_modules_take_room(module->owner, module->n_rows * sizeof(*module->rows)))
		return;
	g_clear_pointer(&module->rows, g_free);
	module->n_rows = 0;
}

const struct gait_unwind_row *
gait_module_get_unwind_rows(GaitModule *module, guint32 *n_rows)
{
	GaitModule *whole = module->whole ? module->whole : module;

	if (!whole->rows_loaded)
		load_rows(whole);
	if (n_rows)
		*n_rows = whole->n_rows;
	return whole->rows;
}

gboolean
gait_module_find_unwind_row(GaitModule *module, guint64 offset, struct gait_unwind_row *row)
{
	*row = (struct gait_unwind_row){0};
	return module->image &&
	       gait_unwind_table_find(module->image, gait_module_get_cfi(module),
	                              gait_module_get_go_table(module), offset, row);
}

gboolean
gait_module_get_vaddr(const GaitModule *module, guint64 offset, guint64 *vaddr)
{
	return module->image && gait_image_get_vaddr(module->image, offset, vaddr);
}

gboolean
gait_module_read(GaitModule *module, guint64 offset, gsize size, void *buffer)
{
	return module->image && gait_image_read(module->image, offset, size, buffer);
}

guint64
gait_module_get_entry(const GaitModule *module)
{
	return module->image ? module->image->entry : 0;
}
