/* SPDX-License-Identifier: Apache-2.0 */
/* Merging: equal to learning everything at once, in any order and grouping; and what it refuses. */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "sysgait/error.h"

#include <string.h>

#define ALL ((1u << WORLD_RUNS) - 1)

static GaitModel *
merge(GaitModel *const *models, guint n)
{
	GError *error = NULL;
	GaitModel *merged = gait_model_merge(models, n, &error);

	g_assert_no_error(error);
	g_assert_true(gait_model_validate(merged, &error));
	g_assert_no_error(error);
	return merged;
}

static GaitModel *
merge_two(GaitModel *a, GaitModel *b)
{
	return merge((GaitModel *[]){a, b}, 2);
}

static void
test_order_does_not_matter(void)
{
	for (guint i = 0; i < 10; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) a = world_learn(world, ALL);
		g_autoptr(GaitModel) b = world_learn(world, ALL);

		assert_same(a, b);
	}
}

static void
test_equals_learning_together(void)
{
	for (guint i = 0; i < 40; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) together = world_learn(world, ALL);
		g_autoptr(GaitModel) merged = NULL;
		GaitModel *each[WORLD_RUNS];

		for (guint32 run = 0; run < WORLD_RUNS; run++)
			each[run] = world_learn(world, 1u << run);
		merged = merge(each, WORLD_RUNS);
		assert_same(together, merged);
		for (guint32 run = 0; run < WORLD_RUNS; run++)
			gait_model_free(each[run]);
	}
}

static void
test_laws(void)
{
	for (guint i = 0; i < 40; i++) {
		g_autofree World *world = world_new();
		RunSet left = (RunSet)g_test_rand_int_range(1, ALL), rest = ALL & ~left;
		RunSet middle = rest & (RunSet)g_test_rand_int_range(0, ALL + 1);
		g_autoptr(GaitModel) a = world_learn(world, left);
		g_autoptr(GaitModel) b = world_learn(world, middle);
		g_autoptr(GaitModel) c = world_learn(world, rest & ~middle);
		g_autoptr(GaitModel) ab = merge_two(a, b);
		g_autoptr(GaitModel) ba = merge_two(b, a);
		g_autoptr(GaitModel) bc = merge_two(b, c);
		g_autoptr(GaitModel) ab_c = merge_two(ab, c);
		g_autoptr(GaitModel) a_bc = merge_two(a, bc);
		g_autoptr(GaitModel) aa = merge_two(a, a);
		g_autoptr(GaitModel) again = merge_two(ab_c, b);

		assert_same(ab, ba);
		assert_same(ab_c, a_bc);
		assert_same(aa, a);
		assert_same(again, ab_c);
	}
}

/* Models that overlap can be merged where one brings what the others have, in whatever order. */
static void
test_overlaps_that_are_covered(void)
{
	static const RunSet sets[][4] = {
	    {3, 6, 7, 0}, {7, 3, 6, 0}, {6, 7, 3, 0}, {3, 6, 12, 0}, {12, 6, 3, 2},
	};
	g_autofree World *world = world_new();

	for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
		GaitModel *models[4];
		RunSet set = 0;
		guint n = 0;

		for (; n < 4 && sets[i][n]; n++) {
			models[n] = world_learn(world, sets[i][n]);
			set |= sets[i][n];
		}
		g_autoptr(GaitModel) merged = merge(models, n);
		g_autoptr(GaitModel) together = world_learn(world, set);

		assert_same(merged, together);
		while (n > 0)
			gait_model_free(models[--n]);
	}
}

static void
assert_conflict(GaitModel *a, GaitModel *b, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) merged = gait_model_merge((GaitModel *[]){a, b}, 2, &error);

	g_assert_null(merged);
	g_assert_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT);
	g_assert_nonnull(strstr(error->message, message));
}

static void
test_conflicts(void)
{
	g_autofree World *world = world_new();
	g_autoptr(GaitModel) a = world_learn(world, 3);
	g_autoptr(GaitModel) b = world_learn(world, 6);
	g_autoptr(GaitModel) c = world_learn(world, 4);
	g_autofree char *run = g_strndup(world->runs[1].id, 12);

	assert_conflict(a, b, run);
	assert_conflict(b, a, "program -x");
	c->is_stackless = TRUE;
	assert_conflict(a, c, "without");
	c->is_stackless = FALSE;
	g_free(c->arch);
	c->arch = g_strdup("aarch64");
	assert_conflict(a, c, "aarch64");
}

/* What was accepted by hand survives merging with the model as it was before, in either order. */
static void
test_amended(void)
{
	g_autofree World *world = world_new();
	g_autoptr(GaitModel) plain = world_learn(world, 3);
	g_autoptr(GaitModel) amended = world_learn(world, 3);
	g_autoptr(GaitModel) other = world_learn(world, 4);
	GaitLibrary *library = gait_program_get_library(gait_model_get_program(amended, 0), 0);
	GaitSymbol *symbol = gait_library_add_symbol(library, 321, 0, 0x999, "by_hand", 1);
	GaitEdge *edge = gait_library_add_edge(library, GAIT_STATE_SIGNAL,
	                                       GAIT_STATE_FIRST + library->symbols->len - 1);

	symbol->is_amended = edge->is_amended = amended->is_amended = TRUE;
	gait_model_normalize(amended);
	g_autoptr(GaitModel) ab = merge_two(plain, amended);
	g_autoptr(GaitModel) ba = merge_two(amended, plain);
	g_autoptr(GaitModel) abc = merge_two(ab, other);
	g_autoptr(GaitModel) bc = merge_two(amended, other);

	assert_same(ab, amended);
	assert_same(ba, amended);
	assert_same(abc, bc);
	g_assert_true(abc->is_amended);
}

static void
test_newest_kernel(void)
{
	g_autofree World *world = world_new();
	g_autoptr(GaitModel) a = world_learn(world, 1);
	g_autoptr(GaitModel) b = world_learn(world, 2);

	g_free(a->kernel);
	g_free(b->kernel);
	a->kernel = g_strdup("6.9.0-1");
	b->kernel = g_strdup("6.18.44");
	a->max_syscall = 450;
	b->max_syscall = 467;
	g_autoptr(GaitModel) merged = merge_two(a, b);

	g_assert_cmpstr(merged->kernel, ==, "6.18.44");
	g_assert_cmpuint(merged->max_syscall, ==, 467);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/merge/order-does-not-matter", test_order_does_not_matter);
	g_test_add_func("/merge/equals-learning-together", test_equals_learning_together);
	g_test_add_func("/merge/laws", test_laws);
	g_test_add_func("/merge/overlaps-that-are-covered", test_overlaps_that_are_covered);
	g_test_add_func("/merge/conflicts", test_conflicts);
	g_test_add_func("/merge/amended", test_amended);
	g_test_add_func("/merge/newest-kernel", test_newest_kernel);
	return g_test_run();
}
