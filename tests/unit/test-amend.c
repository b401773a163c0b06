/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amending: what a trace was refused for, accepted, is refused no longer, in this model and in what
 * it is merged into; and what was accepted is marked and is no evidence. On random traces, and case
 * by case.
 */
#include "tests/unit/random-trace.h"
#include "tests/unit/unit.h"

#include "learn/checker.h"
#include "learn/learner.h"
#include "sysgait/amend.h"
#include "sysgait/metrics.h"
#include "sysgait/violation.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define N_ROUNDS  20
#define MAX_TURNS 40

static void
collect_line(const GaitViolation *violation, const GaitWalker *walker, gpointer data)
{
	gait_violation_print_json(violation, walker, data);
}

/* The violation log of a trace. */
static GString *
check(const char *path, const GaitModel *model)
{
	GString *lines = g_string_new(NULL);
	const GaitCheckOptions options = {.violation = collect_line, .data = lines};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitWalkTable) table = gait_walk_table_new(model, &error);
	g_autoptr(GaitTraceReader) reader = NULL;
	GaitCheckStats stats;

	g_assert_no_error(error);
	reader = gait_trace_reader_new(path, &error);
	g_assert_no_error(error);
	gait_check_trace(reader, path, table, &options, &stats, &error);
	g_assert_no_error(error);
	return lines;
}

static GaitViolationLog *
parse_log(const GString *lines)
{
	GaitViolationLog *log = gait_violation_log_new();
	g_autoptr(GError) error = NULL;

	gait_violation_log_parse(log, "log", lines->str, lines->len, &error);
	g_assert_no_error(error);
	return log;
}

/* Accepts all that is in the log; returns how many of it could not be. */
static guint
amend_all(GaitModel *model, const GString *lines)
{
	const GaitAmendOrigin origin = {.log = "", .date = "2026-11-20", .reason = "a test"};
	g_autoptr(GaitViolationLog) log = parse_log(lines);
	g_autoptr(GArray) outcomes =
	    gait_model_amend(model, gait_violation_log_get_groups(log), &origin);
	guint n = 0;

	for (guint i = 0; i < outcomes->len; i++) {
		const GaitAmendOutcome *outcome = &g_array_index(outcomes, GaitAmendOutcome, i);

		n += outcome->result == GAIT_AMEND_IMPOSSIBLE;
	}
	return n;
}

static GaitModel *
copy_model(const GaitModel *model)
{
	g_autoptr(GString) text = gait_model_print(model);
	g_autoptr(GError) error = NULL;
	GaitModel *copy = gait_model_parse("copy", text->str, text->len, &error);

	g_assert_no_error(error);
	return copy;
}

static void
assert_same(const GaitModel *a, const GaitModel *b)
{
	g_autoptr(GString) x = gait_model_print(a), y = gait_model_print(b);

	g_assert_cmpstr(x->str, ==, y->str);
}

static char *
write_random(GRand *rand, const RandomOptions *options)
{
	char *path = g_build_filename(g_get_tmp_dir(), "sysgait-test-XXXXXX", NULL);

	close(g_mkstemp(path));
	g_array_unref(random_trace_write(path, rand, options));
	return path;
}

static GaitModel *
learn(const char *path)
{
	const GaitLearnOptions options = {.allow_partial = TRUE};
	g_autoptr(GError) error = NULL;
	GaitModel *model = gait_learn_files(&path, 1, &options, &error);

	g_assert_no_error(error);
	return model;
}

/*
 * What was accepted is allowed, as far as this model has the milestones that it came between. A
 * milestone that came out of sequence took its task to its phase, and was nothing that came before
 * it; where it no longer is one, nobody knows where it belongs.
 */
static void
assert_known(GaitModel *model, const GString *lines)
{
	const GaitAmendOrigin origin = {.log = "", .date = "", .reason = NULL};
	g_autoptr(GaitViolationLog) log = parse_log(lines);
	const GPtrArray *groups = gait_violation_log_get_groups(log);
	g_autoptr(GArray) outcomes = gait_model_amend(model, groups, &origin);

	for (guint i = 0; i < outcomes->len; i++) {
		const GaitLogGroup *group = g_ptr_array_index(groups, i);
		g_autofree char *line = gait_log_group_dup_line(group);
		const GaitLogRecord *record = gait_log_group_get(group);
		gboolean may_be_milestone =
		    gait_verdict_rank(record->kind) > gait_verdict_rank(GAIT_VERDICT_PHASE);

		/* Possible roles go by name, and names are one model's own. */
		if (record->possible->len > 0)
			continue;

		if (g_array_index(outcomes, GaitAmendOutcome, i).result == GAIT_AMEND_APPLIED &&
		    !may_be_milestone)
			g_error("is not allowed any longer: %s", line);
	}
}

/* How often a log has to be accepted until nothing of the trace is refused. all: the lines. */
static guint
amend_until_clean(GaitModel *model, const char *path, GString *all)
{
	for (guint turn = 0; turn < MAX_TURNS; turn++) {
		g_autoptr(GString) lines = check(path, model);
		g_autoptr(GaitModel) twice = NULL;

		if (lines->len == 0)
			return turn;
		g_string_append(all, lines->str);
		amend_all(model, lines);
		twice = copy_model(model);
		assert_same(model, twice);
		amend_all(twice, lines);
		assert_same(model, twice);
	}
	g_error("still refused after %d turns: %s", MAX_TURNS, check(path, model)->str);
}

/* Whether the program that a trace begins with is in the model: else it cannot be checked. */
static gboolean
knows_root(const GaitModel *model, const char *path)
{
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, NULL);
	GaitEvent event;

	while (gait_trace_reader_next(reader, &event, NULL) == GAIT_READ_EVENT)
		if (event.kind == GAIT_EVENT_START &&
		    gait_model_find_program(
		        model, gait_trace_reader_get_module(reader, event.program)->path) ==
		        GAIT_NONE)
			return FALSE;
	return TRUE;
}

static void
test_accepted(gconstpointer data)
{
	RandomOptions options = *(const RandomOptions *)data;
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)g_test_rand_int());
	guint n_turns = 0, n;

	for (guint i = 0; i < N_ROUNDS; i++) {
		g_autofree char *learned = NULL, *met = NULL, *other = NULL;
		g_autoptr(GaitModel) model = NULL, plain = NULL, added = NULL;
		g_autoptr(GaitModel) ab = NULL, ba = NULL, merged = NULL;
		g_autoptr(GString) left = NULL, log = g_string_new(NULL);

		options.n_events = (guint)g_rand_int_range(rand, 50, 400);
		learned = write_random(rand, &options);
		other = write_random(rand, &options);
		options.n_events = (guint)g_rand_int_range(rand, 50, 1000);
		model = learn(learned);
		met = write_random(rand, &options);
		/* A long one has all programs, which the model may not; and a model may have none.
		 */
		while (!knows_root(model, met)) {
			g_unlink(met);
			g_free(met);
			options.n_events = MAX(options.n_events / 2, 10);
			met = write_random(rand, &options);
			if (options.n_events > 10)
				continue;
			g_unlink(learned);
			g_free(learned);
			gait_model_free(model);
			options.n_events = 400;
			learned = write_random(rand, &options);
			model = learn(learned);
		}
		plain = copy_model(model);
		n = amend_until_clean(model, met, log);
		n_turns = MAX(n_turns, n);
		/* What was learned from is accepted as before. */
		left = check(learned, model);
		g_assert_cmpstr(left->str, ==, "");
		/* The runs are the same: merging adds what was amended and nothing else. */
		ab = gait_model_merge((GaitModel *[]){model, plain}, 2, NULL);
		ba = gait_model_merge((GaitModel *[]){plain, model}, 2, NULL);
		assert_same(ab, model);
		assert_same(ba, model);
		added = learn(other);
		merged = gait_model_merge((GaitModel *[]){model, added}, 2, NULL);
		assert_known(merged, log);
		g_unlink(learned);
		g_unlink(other);
		g_unlink(met);
	}
	g_test_message("at most %u turns", n_turns);
}

/* A line may say that a call came after one for another library, of which there are more. */
static void
test_state_of_another(void)
{
	static const char line[] =
	    "{\"time\":1.5,\"pid\":7,\"tid\":8,\"kind\":\"sequence\",\"action\":null,"
	    "\"program\":\"/bin/app\",\"role\":\"main\",\"phase\":1,\"phases\":1,"
	    "\"call\":\"close\",\"syscall\":\"close\",\"nr\":3,\"class\":0,"
	    "\"library\":\"/lib/other\",\"site\":{\"offset\":\"0x30\",\"build_id\":\"cd\"},"
	    "\"state\":\"read\",\"allowed\":[],\"n_allowed\":0,\"model\":\"\","
	    "\"from\":{\"library\":\"/bin/app\",\"build_id\":\"ab\",\"syscall\":\"read\","
	    "\"nr\":0,\"class\":0,\"site\":\"0x40\"}}\n";
	const GaitSymbolRef none = {GAIT_NONE, 0};
	g_autoptr(GString) lines = g_string_new(line);
	g_autoptr(GaitModel) model = gait_model_new(), copy = NULL;
	GaitProgram *program;
	GaitLibrary *library;

	gait_model_add_module(model, "/bin/app", "ab", FALSE);
	program = gait_model_add_program(model, "/bin/app");
	library = gait_program_add_library(program, 0);
	for (guint64 site = 0x10; site <= 0x40; site += 0x10)
		gait_library_add_symbol(library, 0, 0, site, "main", 4);
	gait_program_add_role(program, GAIT_NONE, none);
	gait_model_normalize(model);
	g_assert_cmpuint(amend_all(model, lines), ==, 1);
	g_assert_cmpuint(program->libraries->len, ==, 2);
	copy = copy_model(model);
	assert_same(model, copy);
}

int
main(int argc, char **argv)
{
	static const RandomOptions plain = {0};
	static const RandomOptions lossy = {.has_losses = TRUE};
	static const RandomOptions stackless = {.is_stackless = TRUE};

	unit_init(argc, argv);
	g_test_add_data_func("/amend/accepted/plain", &plain, test_accepted);
	g_test_add_data_func("/amend/accepted/lossy", &lossy, test_accepted);
	g_test_add_data_func("/amend/accepted/stackless", &stackless, test_accepted);
	g_test_add_func("/amend/state-of-another", test_state_of_another);
	return g_test_run();
}
