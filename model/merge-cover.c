/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which models to sum, so that each run counts exactly once: pairwise disjoint ones that together
 * have all runs (an exact cover). Searched for with backtracking, from the lowest run that is not
 * covered yet, larger models first. Models that are disjoint or inside each other, as nearly all
 * are, need no step back; the number of steps is bounded, for the problem is hard in general.
 */
#include "model/merge-private.h"

#define MAX_STEPS 1000000

typedef struct {
	GHashTable *indices;   /* id of a run → index */
	GPtrArray *by_run;     /* per run: GArray of the models (guint32) that have it */
	GPtrArray *model_runs; /* per model: GArray of its runs (guint32) */
	GArray *taken;         /* per run: whether a chosen model has it */
	guint32 n_steps;
} Search;

static void
search_clear(Search *search)
{
	g_hash_table_unref(search->indices);
	g_ptr_array_unref(search->by_run);
	g_ptr_array_unref(search->model_runs);
	g_array_unref(search->taken);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static GArray *
new_indices(void)
{
	return g_array_new(FALSE, FALSE, sizeof(guint32));
}

static guint32
index_of_run(Search *search, const GaitRun *run)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(search->indices, run->id));
	guint8 taken = FALSE;

	if (index)
		return index - 1;
	g_ptr_array_add(search->by_run, new_indices());
	g_array_append_val(search->taken, taken);
	g_hash_table_insert(search->indices, (gpointer)run->id,
	                    GUINT_TO_POINTER(search->by_run->len));
	return search->by_run->len - 1;
}

static void
search_init(Search *search, const GPtrArray *models)
{
	*search = (Search){.indices = g_hash_table_new(g_str_hash, g_str_equal)};
	search->by_run = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	search->model_runs = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	search->taken = g_array_new(FALSE, FALSE, sizeof(guint8));
	for (guint32 i = 0; i < models->len; i++) {
		const GaitModel *model = g_ptr_array_index(models, i);
		GArray *runs = new_indices();

		for (guint32 k = 0; k < model->runs->len; k++) {
			guint32 run = index_of_run(search, g_ptr_array_index(model->runs, k));

			g_array_append_val(runs, run);
			g_array_append_val(g_ptr_array_index(search->by_run, run), i);
		}
		g_ptr_array_add(search->model_runs, runs);
	}
}

static void
mark(Search *search, guint32 model, guint8 taken)
{
	const GArray *runs = g_ptr_array_index(search->model_runs, model);

	for (guint32 i = 0; i < runs->len; i++)
		g_array_index(search->taken, guint8, g_array_index(runs, guint32, i)) = taken;
}

static gboolean
is_free(const Search *search, guint32 model)
{
	const GArray *runs = g_ptr_array_index(search->model_runs, model);

	for (guint32 i = 0; i < runs->len; i++)
		if (g_array_index(search->taken, guint8, g_array_index(runs, guint32, i)))
			return FALSE;
	return TRUE;
}

/* A choice: the run that was to be covered, and which of its models is tried. */
typedef struct {
	guint32 run, at;
} Choice;

/* Takes the first model from choice->at on that fits. */
static gboolean
choose(Search *search, Choice *choice)
{
	const GArray *models = g_ptr_array_index(search->by_run, choice->run);

	for (; choice->at < models->len; choice->at++) {
		guint32 model = g_array_index(models, guint32, choice->at);

		search->n_steps++;
		if (!is_free(search, model))
			continue;
		mark(search, model, TRUE);
		return TRUE;
	}
	return FALSE;
}

static guint32
chosen_model(const Search *search, const Choice *choice)
{
	return g_array_index((GArray *)g_ptr_array_index(search->by_run, choice->run), guint32,
	                     choice->at);
}

/* Takes back the last choices until one of them has another model to try. */
static gboolean
step_back(Search *search, GArray *choices)
{
	while (choices->len > 0) {
		Choice *last = &g_array_index(choices, Choice, choices->len - 1);

		mark(search, chosen_model(search, last), FALSE);
		last->at++;
		if (choose(search, last))
			return TRUE;
		g_array_set_size(choices, choices->len - 1);
	}
	return FALSE;
}

/* The lowest run from `from` on that is not covered. */
static guint32
next_run(const Search *search, guint32 from)
{
	while (from < search->taken->len && g_array_index(search->taken, guint8, from))
		from++;
	return from;
}

gboolean
gait_merge_find_cover(const GPtrArray *models, guint8 *is_chosen)
{
	g_auto(Search) search = {0};
	g_autoptr(GArray) choices = g_array_new(FALSE, FALSE, sizeof(Choice));

	search_init(&search, models);
	for (;;) {
		guint32 from =
		    choices->len ? g_array_index(choices, Choice, choices->len - 1).run : 0;
		Choice choice = {next_run(&search, from), 0};

		if (choice.run == search.taken->len)
			break;
		if (choose(&search, &choice))
			g_array_append_val(choices, choice);
		else if (!step_back(&search, choices))
			return FALSE;
		if (search.n_steps > MAX_STEPS)
			return FALSE;
	}
	for (guint32 i = 0; i < choices->len; i++)
		is_chosen[chosen_model(&search, &g_array_index(choices, Choice, i))] = TRUE;
	return TRUE;
}
