/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk table as an object that walkers share, and the one question that is asked of it by name
 * instead of by index: which module is this. How a model becomes a table is walk-compile.c's.
 */
#include "model/resolve.h"
#include "model/walker-private.h"

#include <string.h>

GaitWalkTable *
gait_walk_table_new(const GaitModel *model, GError **error)
{
	struct gait_walk_header *header = gait_walk_compile(model, error);
	GaitWalkTable *table;

	if (!header)
		return NULL;
	table = g_new0(GaitWalkTable, 1);
	g_atomic_ref_count_init(&table->refs);
	table->model = model;
	table->header = header;
	return table;
}

GaitWalkTable *
gait_walk_table_ref(GaitWalkTable *table)
{
	g_atomic_ref_count_inc(&table->refs);
	return table;
}

void
gait_walk_table_unref(GaitWalkTable *table)
{
	if (!table || !g_atomic_ref_count_dec(&table->refs))
		return;
	g_free(table->header);
	g_free(table->digest);
	g_free(table);
}

const GaitModel *
gait_walk_table_get_model(const GaitWalkTable *table)
{
	return table->model;
}

const struct gait_walk_header *
gait_walk_table_get_header(const GaitWalkTable *table)
{
	return table->header;
}

const char *
gait_walk_table_get_digest(const GaitWalkTable *table)
{
	GaitWalkTable *shared = (GaitWalkTable *)table;

	if (g_once_init_enter(&shared->digest))
		g_once_init_leave(&shared->digest, gait_model_dup_digest(table->model));
	return shared->digest;
}

guint32
gait_walk_table_find_module(const GaitWalkTable *table, const char *path, const char *build_id,
                            gboolean *is_stale)
{
	return gait_resolve_module(table->model, path, build_id, is_stale);
}

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

gboolean
gait_walk_table_has_namesake(const GaitWalkTable *table, const char *path)
{
	const GPtrArray *modules = table->model->modules;

	for (guint32 i = 0; i < modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(modules, i);

		if (strcmp(last_component(module->path), last_component(path)) == 0)
			return TRUE;
	}
	return FALSE;
}
