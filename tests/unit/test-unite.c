/* SPDX-License-Identifier: Apache-2.0 */
/* Two models as one: it says of every part what a diff says, whatever was rebuilt in between. */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "model/model-private.h"
#include "model/unite-private.h"

static const char *const names[2] = {"old", "new"};

/* Some files get another build-id, and their call sites other places in the same order, or none. */
static void
rebuild(GaitModel *model)
{
	g_autofree guint64 *shift = g_new0(guint64, model->modules->len + 1);
	g_autofree gboolean *is_rebuilt = g_new0(gboolean, model->modules->len + 1);

	for (guint32 i = 0; i < model->modules->len; i++) {
		GaitModelModule *module = g_ptr_array_index(model->modules, i);

		is_rebuilt[i] = g_test_rand_int_range(0, 2);
		if (!is_rebuilt[i] || !*module->build_id)
			continue;
		shift[i] = (guint64)g_test_rand_int_range(0, 3) * 0x10;
		g_free(module->build_id);
		module->build_id = g_strdup_printf("%040x", i + 1);
	}
	for (guint32 p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint32 l = 0; l < program->libraries->len; l++) {
			const GaitLibrary *library = gait_program_get_library(program, l);

			for (guint32 s = 0; s < library->symbols->len; s++)
				((GaitSymbol *)g_ptr_array_index(library->symbols, s))->site +=
				    shift[library->module];
		}
	}
	gait_model_normalize(model);
}

/* What a drawing of the union would show, by the kinds of a diff. */
typedef struct {
	guint symbols[GAIT_CHANGE_N_], edges[GAIT_CHANGE_N_], roles[GAIT_CHANGE_N_];
	guint phases[GAIT_CHANGE_N_];
} Counts;

static GaitChange
change_of(guint sides)
{
	return sides == GAIT_SIDE_NEW ? GAIT_CHANGE_NEW : GAIT_CHANGE_GONE;
}

static guint
state_sides(const GaitUnion *both, const GaitLibrary *library, guint32 state)
{
	if (state < GAIT_STATE_FIRST)
		return GAIT_SIDE_BOTH;
	return gait_union_get_mark(both,
	                           g_ptr_array_index(library->symbols, state - GAIT_STATE_FIRST))
	    ->sides;
}

static void
count_library(const GaitUnion *both, const GaitLibrary *library, Counts *counts)
{
	gboolean is_common = gait_union_get_mark(both, library)->sides == GAIT_SIDE_BOTH;

	for (guint32 s = 0; s < library->symbols->len; s++) {
		guint sides = state_sides(both, library, GAIT_STATE_FIRST + s);

		g_assert_cmpuint(sides, !=, 0);
		if (sides != GAIT_SIDE_BOTH)
			counts->symbols[change_of(sides)]++;
	}
	for (guint32 e = 0; e < library->edges->len; e++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, e);
		const GaitUnionMark *mark = gait_union_get_mark(both, edge);

		g_assert_cmpuint(mark->sides, !=, 0);
		g_assert_cmpuint(mark->count[0] + mark->count[1], ==, edge->count);
		if (mark->has_weight)
			counts->edges[GAIT_CHANGE_WEIGHT]++;
		/* A diff leaves out what follows from a new state. */
		if (mark->sides != GAIT_SIDE_BOTH && is_common &&
		    state_sides(both, library, edge->from) == GAIT_SIDE_BOTH &&
		    state_sides(both, library, edge->to) == GAIT_SIDE_BOTH)
			counts->edges[change_of(mark->sides)]++;
	}
}

/* Whether a side's program makes a call at all. */
static gboolean
knows_call(const GaitModel *model, const char *program, const GaitCall *call)
{
	guint32 p = gait_model_find_program(model, program);

	return gait_calls_find(gait_model_get_program(model, p)->calls, call->nr, call->klass) !=
	       GAIT_NONE;
}

static void
count_phases(const GaitUnion *both, const GaitModel *const models[2], const GaitProgram *program,
             const GaitRole *role, Counts *counts)
{
	for (guint32 p = 0; p < role->phases->len; p++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);
		const GaitUnionPhase *marks = gait_union_get_phase(both, phase);

		g_assert_cmpuint(marks->last, >, marks->first);
		counts->phases[GAIT_CHANGE_NEW] +=
		    marks->last - marks->first - 1 + marks->untied->len;
		for (guint32 c = 0; c < phase->allowed->len; c++) {
			const GaitCall *call = &g_array_index(
			    program->calls, GaitCall, g_array_index(phase->allowed, guint32, c));
			guint sides = gait_union_find_call(marks, call->nr, call->klass);

			g_assert_cmpuint(sides, !=, 0);
			if (sides != GAIT_SIDE_BOTH &&
			    knows_call(models[sides == GAIT_SIDE_OLD], program->path, call))
				counts->phases[change_of(sides)]++;
		}
	}
}

static void
count_union(const GaitUnion *both, const GaitModel *const models[2], Counts *counts)
{
	for (guint32 p = 0; p < both->model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(both->model, p);

		if (gait_union_get_mark(both, program)->sides != GAIT_SIDE_BOTH)
			continue;
		for (guint32 l = 0; l < program->libraries->len; l++)
			count_library(both, gait_program_get_library(program, l), counts);
		for (guint32 r = 0; r < program->roles->len; r++) {
			const GaitRole *role = gait_program_get_role(program, r);
			guint sides = gait_union_get_mark(both, role)->sides;

			g_assert_cmpuint(sides, !=, 0);
			if (sides == GAIT_SIDE_BOTH)
				count_phases(both, models, program, role, counts);
			else
				counts->roles[change_of(sides)]++;
		}
	}
}

/* By the new model's cut a call is gone that came without another one before. Drawn is the old
 * one's. */
static gboolean
is_gone_tie(const GaitDifference *difference)
{
	return difference->kind == GAIT_VERDICT_PHASE && difference->change == GAIT_CHANGE_GONE &&
	       strstr(difference->what, ", without ");
}

static void
count_diff(const GaitDiff *diff, Counts *counts)
{
	for (guint i = 0; i < diff->differences->len; i++) {
		const GaitDifference *difference = g_ptr_array_index(diff->differences, i);
		guint *counted[GAIT_VERDICT_N_] = {
		    [GAIT_VERDICT_SYSCALL] = counts->symbols,
		    [GAIT_VERDICT_LIBRARY] = counts->symbols,
		    [GAIT_VERDICT_SITE] = counts->symbols,
		    [GAIT_VERDICT_SEQUENCE] = counts->edges,
		    [GAIT_VERDICT_ROLE] = counts->roles,
		    [GAIT_VERDICT_PHASE] = counts->phases,
		};

		if (counted[difference->kind] && !is_gone_tie(difference))
			counted[difference->kind][difference->change]++;
	}
}

static void
test_agrees_with_diff(void)
{
	guint n_changes = 0;

	for (guint round = 0; round < 60; round++) {
		g_autoptr(GError) error = NULL;
		g_autofree World *world = world_new();
		RunSet sets[2] = {(RunSet)g_test_rand_int_range(1, 1 << WORLD_RUNS),
		                  (RunSet)g_test_rand_int_range(1, 1 << WORLD_RUNS)};
		g_autoptr(GaitModel) old = world_learn(world, sets[0]);
		g_autoptr(GaitModel) new = world_learn(world, sets[1]);
		const GaitModel *const models[2] = {old, new};
		Counts drawn = {0}, said = {0};

		if (round % 2)
			rebuild(new);
		g_autoptr(GaitUnion) both = gait_union_new(old, new, names, &error);
		g_assert_no_error(error);
		g_autoptr(GaitDiff) diff = gait_diff_new(old, new);
		count_union(both, models, &drawn);
		count_diff(diff, &said);
		for (GaitChange change = 0; change < GAIT_CHANGE_N_; change++) {
			g_assert_cmpuint(drawn.symbols[change], ==, said.symbols[change]);
			g_assert_cmpuint(drawn.edges[change], ==, said.edges[change]);
			g_assert_cmpuint(drawn.roles[change], ==, said.roles[change]);
			g_assert_cmpuint(drawn.phases[change], ==, said.phases[change]);
			n_changes += diff->n[change];
		}
	}
	g_assert_cmpuint(n_changes, >, 0);
}

/* The same runs, whatever was rebuilt: nothing changed. */
static void
test_rebuilt_is_the_same(void)
{
	for (guint round = 0; round < 30; round++) {
		g_autoptr(GError) error = NULL;
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) old = world_learn(world, 0x7);
		g_autoptr(GaitModel) new = world_learn(world, 0x7);
		const GaitModel *const models[2] = {old, new};
		Counts drawn = {0}, none = {0};

		rebuild(new);
		g_autoptr(GaitUnion) both = gait_union_new(old, new, names, &error);
		g_assert_no_error(error);
		count_union(both, models, &drawn);
		g_assert_cmpmem(&drawn, sizeof drawn, &none, sizeof none);
		for (guint32 p = 0; p < old->programs->len; p++) {
			const GaitProgram *before = gait_model_get_program(old, p);
			const GaitProgram *after = gait_model_get_program(
			    both->model, gait_model_find_program(both->model, before->path));

			g_assert_cmpuint(before->libraries->len, ==, after->libraries->len);
			g_assert_cmpuint(before->roles->len, ==, after->roles->len);
		}
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/unite/agrees-with-diff", test_agrees_with_diff);
	g_test_add_func("/unite/rebuilt-is-the-same", test_rebuilt_is_the_same);
	return g_test_run();
}
