/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk table as an object that walkers share, and the one question that is asked of it by name
 * instead of by index: which module is this. How a model becomes a table is walk-compile.c's.
 */
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

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

guint32
gait_walk_table_find_module(const GaitWalkTable *table, const char *path, const char *build_id,
                            gboolean *is_stale)
{
	const GPtrArray *modules = table->model->modules;
	guint32 stale = GAIT_NONE;

	*is_stale = FALSE;
	for (guint32 i = 0; i < modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(modules, i);

		if (strcmp(last_component(module->path), last_component(path)) != 0)
			continue;
		/* "[anon]" and "[unknown]" are what they are called: no file, no build. */
		if (path[0] == '[' && !*build_id && !*module->build_id)
			return i;
		if (*build_id && strcmp(module->build_id, build_id) == 0)
			return i;
		/* Less is checked of another build, so a name alone does not make it one: whoever
		   may bring a library along could bring one of that name. */
		if (strcmp(module->path, path) == 0)
			stale = i;
	}
	*is_stale = stale != GAIT_NONE;
	return stale;
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
