/* SPDX-License-Identifier: Apache-2.0 */
/* The property that all of learning and walking has to keep: a model accepts what it was learned
 * from. On random traces, alone and merged; the seed is printed by g_test. */
#include "tests/unit/random-trace.h"
#include "tests/unit/unit.h"

#include "learn/checker.h"
#include "learn/learner.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define N_ROUNDS 100
#define N_RUNS   3

static void
fail_on_violation(const GaitViolation *violation, const GaitWalker *walker, gpointer data)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_violation_print_text(violation, walker, text);
	gait_violation_print_json(violation, walker, text);
	g_error("a training trace is refused: %s", text->str);
}

static void
count_violation(const GaitViolation *violation, const GaitWalker *walker, gpointer data)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_violation_print_text(violation, walker, text);
	g_assert_cmpuint(text->len, >, 0);
	g_string_truncate(text, 0);
	gait_violation_print_json(violation, walker, text);
	g_assert_true(g_utf8_validate(text->str, (gssize)text->len, NULL));
	++*(guint64 *)data;
}

static void
check(const char *path, const GaitModel *model,
      void (*violation)(const GaitViolation *, const GaitWalker *, gpointer), gpointer data,
      GaitCheckStats *stats)
{
	const GaitCheckOptions options = {.violation = violation, .data = data};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitWalkTable) table = gait_walk_table_new(model, &error);
	g_autoptr(GaitTraceReader) reader = NULL;

	g_assert_no_error(error);
	reader = gait_trace_reader_new(path, &error);
	g_assert_no_error(error);
	gait_check_trace(reader, path, table, &options, stats, &error);
	g_assert_no_error(error);
}

static void
test_accepted(gconstpointer data)
{
	RandomOptions options = *(const RandomOptions *)data;
	const GaitLearnOptions learn_options = {.allow_partial = options.has_losses};
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)g_test_rand_int());

	for (guint i = 0; i < N_ROUNDS; i++) {
		char *paths[N_RUNS];
		GaitCheckStats stats;
		g_autoptr(GError) error = NULL;

		for (guint r = 0; r < N_RUNS; r++) {
			options.n_events = (guint)g_rand_int_range(rand, 50, 2000);
			paths[r] = g_build_filename(g_get_tmp_dir(), "sysgait-test-XXXXXX", NULL);
			close(g_mkstemp(paths[r]));
			g_array_unref(random_trace_write(paths[r], rand, &options));
		}
		for (guint n = 1; n <= N_RUNS; n += N_RUNS - 1) {
			g_autoptr(GaitModel) model =
			    gait_learn_files((const char *const *)paths, n, &learn_options, &error);

			g_assert_no_error(error);
			for (guint r = 0; r < n; r++) {
				check(paths[r], model, fail_on_violation, NULL, &stats);
				g_assert_cmpuint(stats.n_unseen_edges, ==, 0);
				g_assert_cmpuint(stats.n_unjudged, ==, 0);
			}
		}
		for (guint r = 0; r < N_RUNS; r++) {
			g_unlink(paths[r]);
			g_free(paths[r]);
		}
	}
}

/* Joined at any moment, a run that the model was learned from is accepted, too; but where it is
 * joined in a handler of which nobody knows. */
static void
test_joined(gconstpointer data)
{
	RandomOptions options = *(const RandomOptions *)data;
	const GaitLearnOptions learn_options = {0};
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "sysgait-test-XXXXXX", NULL);
	g_autofree char *rest = g_strconcat(path, ".rest", NULL);

	/* What is known of them only, no phase is known for. */
	options.has_no_joined = options.has_no_handlers = TRUE;
	close(g_mkstemp(path));
	for (guint i = 0; i < N_ROUNDS; i++) {
		g_autoptr(GArray) events = NULL;
		g_autoptr(GaitModel) model = NULL;
		const char *paths[] = {path};
		g_autoptr(GError) error = NULL;
		GaitCheckStats stats;

		options.n_events = (guint)g_rand_int_range(rand, 50, 500);
		events = random_trace_write(path, rand, &options);
		model = gait_learn_files(paths, 1, &learn_options, &error);
		g_assert_no_error(error);
		for (guint k = 0; k < 5; k++) {
			random_trace_write_rest(
			    rest, events, (guint)g_rand_int_range(rand, 1, (gint32)events->len),
			    &options);
			check(rest, model, fail_on_violation, NULL, &stats);
		}
	}
	g_unlink(path);
	g_unlink(rest);
}

/* The walker is not just agreeable: a short run does not excuse a long one. */
static void
test_refused(void)
{
	RandomOptions options = {.has_foreign = TRUE, .n_events = 400};
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	g_autofree char *short_path = g_build_filename(g_get_tmp_dir(), "sysgait-XXXXXX", NULL);
	g_autofree char *long_path = g_build_filename(g_get_tmp_dir(), "sysgait-XXXXXX", NULL);
	const char *paths[] = {short_path};
	g_autoptr(GaitModel) model = NULL;
	g_autoptr(GError) error = NULL;
	guint64 n_violations = 0, sum = 0;
	GaitCheckStats stats;

	close(g_mkstemp(short_path));
	close(g_mkstemp(long_path));
	g_array_unref(random_trace_write(short_path, rand, &options));
	options.n_events = 5000;
	g_array_unref(random_trace_write(long_path, rand, &options));
	model = gait_learn_files(paths, 1, NULL, &error);
	g_assert_no_error(error);
	check(long_path, model, count_violation, &n_violations, &stats);
	for (GaitVerdict v = 0; v < GAIT_VERDICT_N_; v++)
		sum += stats.n_violations[v];
	g_assert_cmpuint(n_violations, ==, sum);
	g_assert_cmpuint(stats.n_violations[GAIT_VERDICT_SYSCALL], >, 0);
	g_assert_cmpuint(stats.n_violations[GAIT_VERDICT_SEQUENCE], >, 0);
	g_assert_cmpuint(stats.n_unseen_edges, >, 0);
	g_unlink(short_path);
	g_unlink(long_path);
}

int
main(int argc, char **argv)
{
	static const RandomOptions plain = {0};
	static const RandomOptions lossy = {.has_losses = TRUE};
	static const RandomOptions stackless = {.is_stackless = TRUE};

	unit_init(argc, argv);
	g_test_add_data_func("/checker/accepted/plain", &plain, test_accepted);
	g_test_add_data_func("/checker/accepted/lossy", &lossy, test_accepted);
	g_test_add_data_func("/checker/accepted/stackless", &stackless, test_accepted);
	g_test_add_data_func("/checker/joined/plain", &plain, test_joined);
	g_test_add_data_func("/checker/joined/stackless", &stackless, test_joined);
	g_test_add_func("/checker/refused", test_refused);
	return g_test_run();
}
