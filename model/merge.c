/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging models without their traces. Everything in a model is a counter, a set or an or-able
 * relation, and what is for people only is chosen by an order (the smaller name, the newer kernel),
 * so merging is commutative and associative; runs have ids, so it is idempotent. Programs are
 * merged in merge-program.c, roles in merge-roles.c.
 *
 * Counts can be summed only where no run is counted twice. So models are summed that are pairwise
 * disjoint and have all runs together (merge-cover.c); the others, whose runs are all there by
 * then, add nothing but what was amended by hand. Where no such choice exists it is a conflict.
 */
#include "model/merge-private.h"
#include "sysgait/error.h"

#include <string.h>

/* --- facts about the whole --- */

/* Releases as people order them: 6.9 before 6.18. Total, so that the newest does not depend on
 * order. */
static int
compare_releases(const char *a, const char *b)
{
	int order = strverscmp(a, b);

	return order ? order : strcmp(a, b);
}

static void
replace_string(char **string, const char *by)
{
	char *copy = g_strdup(by);

	g_free(*string);
	*string = copy;
}

static void
add_facts(GaitMerger *merger)
{
	GaitModel *model = merger->model;
	const GaitModel *from = merger->from;

	if (compare_releases(from->kernel, model->kernel) > 0)
		replace_string(&model->kernel, from->kernel);
	replace_string(&model->arch, from->arch);
	model->max_syscall = MAX(model->max_syscall, from->max_syscall);
	model->is_stackless = from->is_stackless;
	model->is_amended = model->is_amended || from->is_amended;
}

static void
add_runs(GaitMerger *merger)
{
	for (guint32 i = 0; i < merger->from->runs->len; i++) {
		const GaitRun *run = g_ptr_array_index(merger->from->runs, i);
		GaitRun *there = g_hash_table_lookup(merger->runs, run->id);

		if (there) {
			if (strcmp(run->command, there->command) < 0)
				replace_string(&there->command, run->command);
			there->n_events = MAX(there->n_events, run->n_events);
			there->is_partial = there->is_partial || run->is_partial;
			continue;
		}
		gait_model_add_run(merger->model, run->id, run->command, run->n_events,
		                   run->is_partial);
		there = g_ptr_array_index(merger->model->runs, merger->model->runs->len - 1);
		g_hash_table_insert(merger->runs, there->id, there);
	}
}

static void
add_amendments(GaitMerger *merger)
{
	for (guint32 i = 0; i < merger->from->amendments->len; i++) {
		const GaitAmendment *amendment = g_ptr_array_index(merger->from->amendments, i);
		GaitAmendment *there = g_hash_table_lookup(merger->amendments, amendment->id);

		if (!there) {
			there =
			    gait_model_add_amendment(merger->model, amendment->id, amendment->log,
			                             amendment->date, amendment->reason);
			for (guint k = 0; k < amendment->accepted->len; k++)
				g_ptr_array_add(there->accepted, g_strdup(g_ptr_array_index(
				                                     amendment->accepted, k)));
			g_hash_table_insert(merger->amendments, there->id, there);
			continue;
		}
		/* Accepted twice: the first time counts, and any one of its reasons. */
		if (strcmp(amendment->date, there->date) < 0)
			replace_string(&there->date, amendment->date);
		if (strcmp(amendment->reason, there->reason) < 0)
			replace_string(&there->reason, amendment->reason);
		if (strcmp(amendment->log, there->log) < 0)
			g_strlcpy(there->log, amendment->log, sizeof there->log);
	}
}

/* The same file may have been at several paths: the smallest one names it. */
static guint32
add_module(GaitMerger *merger, const GaitModelModule *module)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(merger->modules, module));
	GaitModelModule *there;

	if (!index) {
		index = gait_model_add_module(merger->model, module->path, module->build_id,
		                              module->is_runtime) +
		        1;
		there = g_ptr_array_index(merger->model->modules, index - 1);
		g_hash_table_insert(merger->modules, there, GUINT_TO_POINTER(index));
		return index - 1;
	}
	there = g_ptr_array_index(merger->model->modules, index - 1);
	there->is_runtime = there->is_runtime || module->is_runtime;
	if (strcmp(module->path, there->path) < 0)
		replace_string(&there->path, module->path);
	return index - 1;
}

static guint32
add_program_path(GaitMerger *merger, const char *path)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(merger->programs, path));
	GaitMergeProgram *part;

	if (index)
		return index - 1;
	part = g_new0(GaitMergeProgram, 1);
	part->program = gait_model_add_program(merger->model, path);
	g_ptr_array_add(merger->parts, part);
	g_hash_table_insert(merger->programs, part->program->path,
	                    GUINT_TO_POINTER(merger->parts->len));
	return merger->parts->len - 1;
}

/* Adds one model; its runs are all new, or all known. */
static void
add_model(GaitMerger *merger, const GaitModel *from, gboolean is_known)
{
	g_autofree guint32 *module_map = g_new(guint32, from->modules->len + 1);
	g_autofree guint32 *program_map = g_new(guint32, from->programs->len + 1);

	merger->from = from;
	merger->is_known = is_known;
	merger->module_map = module_map;
	merger->program_map = program_map;
	add_facts(merger);
	add_runs(merger);
	add_amendments(merger);
	for (guint32 i = 0; i < from->modules->len; i++)
		module_map[i] = add_module(merger, g_ptr_array_index(from->modules, i));
	for (guint32 i = 0; i < from->programs->len; i++)
		program_map[i] = add_program_path(merger, gait_model_get_program(from, i)->path);
	for (guint32 i = 0; i < from->programs->len; i++)
		gait_merger_add_program(merger, gait_model_get_program(from, i));
}

static void
merger_init(GaitMerger *merger)
{
	*merger = (GaitMerger){.model = gait_model_new()};
	merger->modules =
	    g_hash_table_new((GHashFunc)gait_module_hash, (GEqualFunc)gait_module_equal);
	merger->programs = g_hash_table_new(g_str_hash, g_str_equal);
	merger->runs = g_hash_table_new(g_str_hash, g_str_equal);
	merger->amendments = g_hash_table_new(g_str_hash, g_str_equal);
	merger->parts = g_ptr_array_new_with_free_func((GDestroyNotify)gait_merge_program_free);
}

static void
merger_clear(GaitMerger *merger)
{
	gait_model_free(merger->model);
	g_hash_table_unref(merger->modules);
	g_hash_table_unref(merger->programs);
	g_hash_table_unref(merger->runs);
	g_hash_table_unref(merger->amendments);
	g_ptr_array_unref(merger->parts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitMerger, merger_clear)

/* --- which, and in what order --- */

/* Larger ones first; then by their runs, so that the order in which they were given is forgotten.
 */
static int
compare_models(gconstpointer a, gconstpointer b)
{
	const GaitModel *x = *(GaitModel *const *)a, *y = *(GaitModel *const *)b;

	if (x->runs->len != y->runs->len)
		return x->runs->len > y->runs->len ? -1 : 1;
	for (guint32 i = 0; i < x->runs->len; i++) {
		int order =
		    gait_run_compare(g_ptr_array_index(x->runs, i), g_ptr_array_index(y->runs, i));

		if (order)
			return order;
	}
	return 0;
}

static gboolean
check_alike(const GaitModel *a, const GaitModel *b, GError **error)
{
	if (strcmp(a->arch, b->arch) != 0) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT,
		            "one model is of %s and another of %s: their calls have nothing in "
		            "common",
		            a->arch, b->arch);
		return FALSE;
	}
	if (a->is_stackless != b->is_stackless) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT,
		            "one model was learned with call stacks and another without: record "
		            "again, or merge only models of one sort");
		return FALSE;
	}
	return TRUE;
}

/* A run that both have although neither has all of the other's; NULL where there is none. */
static const GaitRun *
find_overlap(const GaitModel *a, const GaitModel *b)
{
	const GaitRun *shared = NULL;
	guint32 i = 0, k = 0, n_shared = 0;

	while (i < a->runs->len && k < b->runs->len) {
		const GaitRun *x = g_ptr_array_index(a->runs, i),
		              *y = g_ptr_array_index(b->runs, k);
		int order = gait_run_compare(x, y);

		if (order == 0) {
			shared = x;
			n_shared++;
		}
		i += order <= 0;
		k += order >= 0;
	}
	return n_shared < MIN(a->runs->len, b->runs->len) ? shared : NULL;
}

static void
report_overlap(const GPtrArray *models, GError **error)
{
	for (guint i = 0; i < models->len; i++) {
		for (guint k = 0; k < i; k++) {
			const GaitModel *a = g_ptr_array_index(models, k);
			const GaitModel *b = g_ptr_array_index(models, i);
			const GaitRun *run = find_overlap(a, b);

			if (!run)
				continue;
			g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT,
			            "a model of %u runs and one of %u have some of them in common "
			            "(one is %.12s, “%s”), so what they count cannot be told "
			            "apart: merge the models that they were merged from, or learn "
			            "from the traces again",
			            a->runs->len, b->runs->len, run->id, run->command);
			return;
		}
	}
	g_assert_not_reached(); /* models without such a pair have a cover */
}

/* First those that are summed, then those that are known by then. */
static void
add_all(GaitMerger *merger, const GPtrArray *models, const guint8 *is_chosen)
{
	for (guint i = 0; i < models->len; i++)
		if (is_chosen[i])
			add_model(merger, g_ptr_array_index(models, i), FALSE);
	for (guint i = 0; i < models->len; i++)
		if (!is_chosen[i])
			add_model(merger, g_ptr_array_index(models, i), merger->from != NULL);
}

GaitModel *
gait_model_merge(GaitModel *const *models, guint n_models, GError **error)
{
	g_auto(GaitMerger) merger = {0};
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	g_autofree guint8 *is_chosen = g_malloc0(n_models + 1);

	merger_init(&merger);
	for (guint i = 0; i < n_models; i++) {
		if (i && !check_alike(models[0], models[i], error))
			return NULL;
		g_ptr_array_add(sorted, models[i]);
	}
	g_ptr_array_sort(sorted, compare_models);
	if (!gait_merge_find_cover(sorted, is_chosen)) {
		report_overlap(sorted, error);
		return NULL;
	}
	add_all(&merger, sorted, is_chosen);
	gait_model_normalize(merger.model);
	return g_steal_pointer(&merger.model);
}
