/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner against its oracle on random traces (the seed is printed by g_test; run with --seed=
 * to repeat), and what it refuses.
 */
#include "tests/unit/naive-learner.h"
#include "tests/unit/unit.h"

#include "learn/learner.h"
#include "sysgait/error.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define N_TRACES 300

/* --- a model as the oracle's lines ----------------------------------------------------------- */

static char *
symbol_text(const GaitModel *model, const GaitProgram *program, GaitSymbolRef ref)
{
	const GaitLibrary *library = gait_program_get_library(program, ref.library);
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);

	return g_strdup_printf("%s %s/%u@%" G_GINT64_MODIFIER "x",
	                       gait_model_module_name(model, library->module),
	                       gait_syscall_name(symbol->nr), symbol->klass, symbol->site);
}

static char *
role_text(const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitRole *role = gait_program_get_role(program, index);
	g_autofree char *parent = NULL, *creation = NULL;

	if (role->parent == GAIT_NONE)
		return g_strdup_printf("%s: main", program->path);
	parent = role_text(model, program, role->parent);
	creation = symbol_text(model, program, role->creation);
	return g_strconcat(parent, ">", creation, NULL);
}

static void
add_library_lines(GPtrArray *lines, const GaitModel *model, const GaitProgram *program, guint32 l)
{
	const GaitLibrary *library = gait_program_get_library(program, l);

	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		g_autofree char *text = symbol_text(model, program, (GaitSymbolRef){l, i});

		g_ptr_array_add(lines, g_strdup_printf("symbol %s: %s = %u", program->path, text,
		                                       (guint)symbol->count));
	}
	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);
		g_autofree char *to =
		    symbol_text(model, program, (GaitSymbolRef){l, edge->to - GAIT_STATE_FIRST});
		g_autofree char *from =
		    edge->from == GAIT_STATE_START ? g_strdup("start")
		    : edge->from == GAIT_STATE_SIGNAL
		        ? g_strdup("signal")
		        : symbol_text(model, program,
		                      (GaitSymbolRef){l, edge->from - GAIT_STATE_FIRST});
		guint64 sum = 0;

		for (guint k = 0; k < edge->roles->len; k++) {
			const GaitRoleCount *count = &g_array_index(edge->roles, GaitRoleCount, k);
			g_autofree char *role = role_text(model, program, count->role);

			sum += count->count;
			g_ptr_array_add(lines, g_strdup_printf("edge %s: %s -> %s by %s = %u",
			                                       program->path, from, to, role,
			                                       (guint)count->count));
		}
		g_assert_cmpuint(sum, ==, edge->count);
	}
}

static void
add_relation_lines(GPtrArray *lines, const GaitModel *model, const GaitProgram *program,
                   guint32 index, guint32 c)
{
	const GaitRole *role = gait_program_get_role(program, index);
	g_autofree char *name = role_text(model, program, index);
	g_autofree char *candidate = g_strdup("never");
	const GaitCandidate *entry = NULL;

	if (c < role->candidates->len) {
		entry = &g_array_index(role->candidates, GaitCandidate, c);
		g_free(candidate);
		candidate = symbol_text(model, program,
		                        g_array_index(role->symbols, GaitSymbolRef, entry->symbol));
		g_ptr_array_add(lines,
		                g_strdup_printf("candidate %s: %s n=%u t=%u e=%u", name, candidate,
		                                entry->n_instances, (guint)entry->time_ns,
		                                (guint)entry->n_events));
	}
	for (guint32 s = 0; s < role->symbols->len; s++) {
		g_autofree char *symbol =
		    symbol_text(model, program, g_array_index(role->symbols, GaitSymbolRef, s));

		if (gait_bit_test(role->before + (gsize)c * role->row_words, s))
			g_ptr_array_add(
			    lines, g_strdup_printf("before %s: %s | %s", name, candidate, symbol));
		if (gait_bit_test(role->after + (gsize)c * role->row_words, s))
			g_ptr_array_add(
			    lines, g_strdup_printf("after %s: %s | %s", name, candidate, symbol));
	}
}

static void
add_round_lines(GPtrArray *lines, const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitRole *role = gait_program_get_role(program, index);
	g_autofree char *name = role_text(model, program, index);

	for (guint32 s = 0; s < role->symbols->len; s++) {
		g_autofree char *symbol =
		    symbol_text(model, program, g_array_index(role->symbols, GaitSymbolRef, s));

		if (!gait_bit_test(role->in_rounds, s))
			continue;
		g_ptr_array_add(lines, g_strdup_printf("round %s: %s", name, symbol));
		for (guint32 e = 0; e < role->symbols->len; e++) {
			g_autofree char *entry = symbol_text(
			    model, program, g_array_index(role->symbols, GaitSymbolRef, e));

			if (gait_bit_test(role->led + (gsize)s * role->row_words, e))
				g_ptr_array_add(
				    lines, g_strdup_printf("led %s: %s | %s", name, symbol, entry));
		}
	}
}

static void
add_role_lines(GPtrArray *lines, const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitRole *role = gait_program_get_role(program, index);
	g_autofree char *name = role_text(model, program, index);

	/* main is there even where no task ran in it: programs that were only exec'd into. */
	g_ptr_array_add(
	    lines,
	    g_strdup_printf("role %s n=%u starts=%u whole=%u events=%u time=%u thread=%d", name,
	                    (guint)role->n_instances, (guint)role->n_starts, (guint)role->n_whole,
	                    (guint)role->n_events, (guint)role->time_ns, role->is_thread));
	for (guint32 c = 0; c <= role->candidates->len; c++)
		add_relation_lines(lines, model, program, index, c);
	add_round_lines(lines, model, program, index);
}

static char *
model_lines(const GaitModel *model)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint32 p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint32 l = 0; l < program->libraries->len; l++)
			add_library_lines(lines, model, program, l);
		for (guint32 r = 0; r < program->roles->len; r++)
			add_role_lines(lines, model, program, r);
		for (guint32 e = 0; e < program->execs->len; e++)
			g_ptr_array_add(
			    lines,
			    g_strdup_printf("exec %s: %s", program->path,
			                    gait_model_get_program(
			                        model, g_array_index(program->execs, guint32, e))
			                        ->path));
	}
	return naive_join(lines);
}

/* --- tests ----------------------------------------------------------------------------------- */

static char *
new_path(void)
{
	char *path = g_build_filename(g_get_tmp_dir(), "sysgait-test-XXXXXX", NULL);

	close(g_mkstemp(path));
	return path;
}

static GaitModel *
learn(const char *path, const GaitLearnOptions *options, GError **error)
{
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, error);

	return reader ? gait_learn_trace(reader, path, options, error) : NULL;
}

/* Shows the first line that only one of them has. */
static void
assert_same_lines(const char *learned, const char *expected)
{
	g_auto(GStrv) a = g_strsplit(learned, "\n", -1), b = g_strsplit(expected, "\n", -1);

	for (guint i = 0; a[i] || b[i]; i++)
		if (g_strcmp0(a[i], b[i]) != 0)
			g_error("line %u: learned '%s', expected '%s'", i, a[i], b[i]);
}

static void
compare_with_oracle(GRand *rand, const RandomOptions *options)
{
	g_autofree char *path = new_path();
	g_autoptr(GArray) events = random_trace_write(path, rand, options);
	const GaitLearnOptions learn_options = {.allow_partial = options->has_losses};
	g_autofree char *learned = NULL, *expected = naive_learn(&events, 1, options);
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) model = learn(path, &learn_options, &error);

	g_assert_no_error(error);
	g_assert_true(gait_model_validate(model, &error));
	g_assert_no_error(error);
	learned = model_lines(model);
	assert_same_lines(learned, expected);
	g_assert_cmpint(model->is_stackless, ==, options->is_stackless);
	g_unlink(path);
}

static void
test_oracle(gconstpointer data)
{
	const RandomOptions *options = data;
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)g_test_rand_int());

	for (guint i = 0; i < N_TRACES; i++) {
		RandomOptions sized = *options;

		sized.n_events = (guint)g_rand_int_range(rand, 1, 400);
		compare_with_oracle(rand, &sized);
	}
}

/* Merging models of runs is learning the runs together. */
static void
test_merge_oracle(gconstpointer data)
{
	const RandomOptions *options = data;
	const GaitLearnOptions learn_options = {.allow_partial = options->has_losses};
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)g_test_rand_int());

	for (guint i = 0; i < N_TRACES / 3; i++) {
		enum { N_RUNS = 3 };
		g_autofree char *learned = NULL, *expected = NULL;
		g_autoptr(GaitModel) model = NULL;
		g_autoptr(GError) error = NULL;
		char *paths[N_RUNS];
		GArray *runs[N_RUNS];

		for (guint r = 0; r < N_RUNS; r++) {
			RandomOptions sized = *options;

			sized.n_events = (guint)g_rand_int_range(rand, 50, 200);
			paths[r] = new_path();
			runs[r] = random_trace_write(paths[r], rand, &sized);
		}
		expected = naive_learn(runs, N_RUNS, options);
		model =
		    gait_learn_files((const char *const *)paths, N_RUNS, &learn_options, &error);
		g_assert_no_error(error);
		learned = model_lines(model);
		assert_same_lines(learned, expected);
		for (guint r = 0; r < N_RUNS; r++) {
			g_unlink(paths[r]);
			g_free(paths[r]);
			g_array_unref(runs[r]);
		}
	}
}

static void
test_partial(void)
{
	static const RandomOptions options = {.has_losses = TRUE, .n_events = 100};
	g_autofree char *path = new_path();
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	G_GNUC_UNUSED g_autoptr(GArray) events = random_trace_write(path, rand, &options);
	g_autoptr(GError) error = NULL;

	g_assert_null(learn(path, NULL, &error));
	g_assert_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_PARTIAL);
	g_assert_nonnull(strstr(error->message, "--allow-partial"));
	g_unlink(path);
}

static void
keep_warning(const char *message, gpointer data)
{
	g_string_append(data, message);
}

static void
test_foreign(void)
{
	static const RandomOptions options = {.has_foreign = TRUE, .n_events = 2000};
	g_autofree char *path = new_path();
	g_autoptr(GRand) rand = g_rand_new_with_seed(2);
	G_GNUC_UNUSED g_autoptr(GArray) events = random_trace_write(path, rand, &options);
	g_autoptr(GString) warning = g_string_new(NULL);
	const GaitLearnOptions learn_options = {.warn = keep_warning, .data = warning};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) model = learn(path, &learn_options, &error);

	g_assert_no_error(error);
	g_assert_nonnull(model);
	g_assert_nonnull(strstr(warning->str, "another architecture"));
	g_unlink(path);
}

/* Another runtime set moves the site outward as far as frames were kept, and no further. */
static void
test_runtime(void)
{
	static const char *const runtime[] = {"libc.so.6", "libzip*", NULL};
	static const RandomOptions options = {.n_events = 500};
	g_autofree char *path = new_path();
	g_autoptr(GRand) rand = g_rand_new_with_seed(3);
	G_GNUC_UNUSED g_autoptr(GArray) events = random_trace_write(path, rand, &options);
	const GaitLearnOptions learn_options = {.runtime = runtime};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) model = learn(path, &learn_options, &error);
	g_autofree char *learned = NULL;

	g_assert_no_error(error);
	learned = model_lines(model);
	g_assert_null(strstr(learned, "libzip"));
	g_assert_nonnull(strstr(learned, "[unknown] mmap"));
	g_assert_nonnull(strstr(learned, "libc.so.6 brk"));
	g_unlink(path);
}

int
main(int argc, char **argv)
{
	static const RandomOptions plain = {0};
	static const RandomOptions lossy = {.has_losses = TRUE, .has_foreign = TRUE};
	static const RandomOptions stackless = {.is_stackless = TRUE};

	unit_init(argc, argv);
	g_test_add_data_func("/learner/oracle/plain", &plain, test_oracle);
	g_test_add_data_func("/learner/oracle/lossy", &lossy, test_oracle);
	g_test_add_data_func("/learner/oracle/stackless", &stackless, test_oracle);
	g_test_add_data_func("/learner/merge/plain", &plain, test_merge_oracle);
	g_test_add_data_func("/learner/merge/lossy", &lossy, test_merge_oracle);
	g_test_add_func("/learner/partial", test_partial);
	g_test_add_func("/learner/foreign", test_foreign);
	g_test_add_func("/learner/runtime", test_runtime);
	return g_test_run();
}
