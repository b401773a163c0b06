/* SPDX-License-Identifier: Apache-2.0 */
/* The violation log, read again: nothing of a line is lost, what says the same is one, what is torn
 * is left out, and everything else is an error that names its line. */
#include "tests/unit/app-model.h"
#include "tests/unit/unit.h"

#include "sysgait/violation-log.h"
#include "sysgait/violation.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define LINE                                                                                       \
	"{\"time\":1.5,\"pid\":7,\"tid\":8,\"kind\":\"site\",\"action\":null,\"program\":\"/bin/"  \
	"app\",\"role\":\"main\",\"phase\":1,\"phases\":2,\"call\":\"read\",\"nr\":0,\"class\":0," \
	"\"library\":\"/bin/app\",\"site\":{\"offset\":\"0x30\"},\"state\":\"start\",\"allowed\":" \
	"[],\"n_allowed\":0}"

static GaitViolationLog *
parse(const char *text)
{
	GaitViolationLog *log = gait_violation_log_new();
	g_autoptr(GError) error = NULL;

	gait_violation_log_parse(log, "LOG", text, strlen(text), &error);
	g_assert_no_error(error);
	return log;
}

static const GaitLogRecord *
get(GaitViolationLog *log, guint group)
{
	return gait_log_group_get(g_ptr_array_index(gait_violation_log_get_groups(log), group));
}

/* What violation-json.c writes, from a task in a role of its own, in its second phase. */
static void
test_round_trip(Fixture *fixture, gconstpointer data)
{
	GaitViolation violation = {
	    .time_s = 1795163151.25,
	    .pid = 10,
	    .tid = 11,
	    .verdict = GAIT_VERDICT_SEQUENCE,
	    .action = "errno EPERM",
	    .event = {.nr = 0,
	              .site = 0x20,
	              .module = fixture->modules[APP],
	              .issuer_offset = 0x77},
	    .library = "/bin/app",
	    .library_build_id = "ab",
	    .function = "f\xff\"\\",
	    .delta = 4,
	    .issuer = "/lib/libc.so.6",
	    .issuer_build_id = "",
	    .exec_path = "/bin/sh\n",
	    .n_repeats = 3,
	};
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);
	g_autoptr(GString) line = g_string_new(NULL);
	g_autoptr(GaitViolationLog) log = NULL;
	struct gait_walk_event open = {.nr = 257,
	                               .module = fixture->modules[APP],
	                               .site = 0x10,
	                               .issuer_module = fixture->modules[LIBC],
	                               .issuer_offset = 0x1000 + 257};
	const GaitLogRecord *record;

	g_assert_cmpint(gait_walker_step(walker, &open), ==, GAIT_VERDICT_ALLOW);
	gait_violation_print_json(&violation, walker, line);
	log = parse(line->str);
	record = get(log, 0);
	g_assert_cmpfloat(record->time_s, ==, 1795163151.25);
	g_assert_cmpint(record->pid, ==, 10);
	g_assert_cmpint(record->tid, ==, 11);
	g_assert_cmpint(record->kind, ==, GAIT_VERDICT_SEQUENCE);
	g_assert_cmpstr(record->action, ==, "errno EPERM");
	g_assert_cmpstr(record->program, ==, "/bin/app");
	g_assert_cmpstr(record->role, ==, "main");
	g_assert_cmpuint(record->phase, ==, 0);
	g_assert_cmpuint(record->n_phases, ==, 3);
	g_assert_null(record->since);
	g_assert_cmpuint(record->until->site, ==, 0x20);
	g_assert_cmpstr(record->site.module, ==, "/bin/app");
	g_assert_cmpstr(record->site.build_id, ==, "ab");
	g_assert_cmpuint(record->site.offset, ==, 0x20);
	g_assert_cmpstr(record->site.function, ==, "f\xff\"\\");
	g_assert_cmpuint(record->site.delta, ==, 4);
	g_assert_cmpstr(record->issuer.module, ==, "/lib/libc.so.6");
	g_assert_cmpuint(record->issuer.offset, ==, 0x77);
	g_assert_cmpstr(record->exec_path, ==, "/bin/sh\n");
	g_assert_cmpint(record->state, ==, GAIT_LOG_SYMBOL);
	g_assert_cmpuint(record->from->nr, ==, 257);
	g_assert_cmpuint(record->from->site, ==, 0x10);
	g_assert_cmpuint(record->n_repeats, ==, 3);
	g_assert_cmpstr(record->model, ==, gait_walk_table_get_digest(fixture->table));
	g_assert_cmpuint(gait_violation_log_get_n_violations(log), ==, 4);
	g_assert_cmpuint(gait_violation_log_count_foreign(log, record->model), ==, 0);
	g_assert_cmpuint(gait_violation_log_count_foreign(log, "other"), ==, 1);
}

static char *
edit(const char *from, const char *to)
{
	g_auto(GStrv) parts = g_strsplit(LINE, from, 2);

	g_assert_nonnull(parts[1]);
	return g_strjoinv(to, parts);
}

static void
test_distinct(void)
{
	g_autofree char *later = edit("1.5", "2.5"), *phase = edit("\"phase\":1", "\"phase\":2");
	g_autofree char *other = edit("0x30", "0x31"), *exec = edit("site\",\"a", "exec\",\"a");
	g_autofree char *text = g_strjoin("\n", LINE, later, "", phase, other, exec, NULL);
	g_autoptr(GaitViolationLog) log = parse(text);
	const GPtrArray *groups = gait_violation_log_get_groups(log);
	const GaitLogGroup *group;

	g_assert_cmpuint(gait_violation_log_get_n_lines(log), ==, 5);
	g_assert_cmpuint(groups->len, ==, 3);
	/* From the outside in. */
	g_assert_cmpint(get(log, 0)->kind, ==, GAIT_VERDICT_EXEC);
	group = g_ptr_array_index(groups, get(log, 1)->site.offset == 0x30 ? 1 : 2);
	g_assert_cmpuint(group->n_times, ==, 3);
	g_assert_cmpfloat(group->first_s, ==, 1.5);
	g_assert_cmpfloat(group->last_s, ==, 2.5);
	g_assert_cmpuint(group->variants->len, ==, 2); /* phases */
	/* An id is of the violation, not of the log. */
	g_autoptr(GaitViolationLog) alone = parse(LINE);
	const GaitLogGroup *same = g_ptr_array_index(gait_violation_log_get_groups(alone), 0);

	g_assert_cmpstr(same->id, ==, group->id);
}

static void
test_torn(void)
{
	/* At the end; in the middle; and a writer that went on in the same line. */
	static const char text[] =
	    LINE "\n{\"time\":1.5,\"pi\n" LINE "\n{\"time\":2,\"p" LINE "\n" LINE "\n{\"ti";
	g_autoptr(GaitViolationLog) log = parse(text);

	g_assert_cmpuint(gait_violation_log_get_n_lines(log), ==, 4);
	g_assert_cmpuint(gait_violation_log_get_n_torn(log), ==, 3);
}

static void
assert_refused(const char *text, gsize size, const char *expected)
{
	g_autoptr(GaitViolationLog) log = gait_violation_log_new();
	g_autoptr(GError) error = NULL;

	g_assert_false(gait_violation_log_parse(log, "LOG", text, size, &error));
	if (!strstr(error->message, expected))
		g_error("“%s” does not say “%s”", error->message, expected);
}

static void
test_refused(void)
{
	static const struct {
		const char *from, *to, *expected;
	} edits[] = {
	    {"\"site\",\"action", "\"nonsense\",\"action", "\"kind\" is not a kind"},
	    {"\"phase\":1", "\"phase\":0", "\"phase\" is 0 of 2"},
	    {"\"phase\":1", "\"phase\":3", "\"phase\" is 3 of 2"},
	    {"\"pid\":7", "\"pid\":-7", "\"pid\" is not between"},
	    {"\"nr\":0", "\"nr\":4294967296", "\"nr\" is not between"},
	    {"0x30", "30", "has to be a number like"},
	    {"start", "read at f", "\"from\" does not say which"},
	    {"1.5", "-1", "is not a time"},
	    {"1.5", "1e300", "is not a time"},
	    {"/bin/app\",\"role", "\\\\q\",\"role", "backslash"},
	    {"\"phases\":2", "\"phases\":2,\"since\":7", "\"since\" has to be an object"},
	};
	g_autofree char *long_line = g_strnfill(GAIT_LOG_MAX_LINE + 1, 'x');

	for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
		g_autofree char *bad = edit(edits[i].from, edits[i].to);
		g_autofree char *text = g_strconcat(LINE "\n", bad, "\n" LINE "\n", NULL);

		assert_refused(text, strlen(text), "LOG: line 2: ");
		assert_refused(text, strlen(text), edits[i].expected);
	}
	assert_refused("[]\n", 3, "LOG: line 1: it is not a JSON object");
	assert_refused("\x7f"
	               "ELF\n",
	               5, "not a violation log");
	assert_refused("\xff}\n", 3, "LOG: line 1: it is not UTF-8 text");
	assert_refused(long_line, GAIT_LOG_MAX_LINE + 1, "LOG: line 1: longer than");
}

/* A refusal, and what the task does because of it. */
static void
test_cause(void)
{
	g_autofree char *first = edit("null,\"program", "\"errno EPERM\",\"program");
	g_autofree char *second = edit("0x30", "0x31");
	g_autofree char *text = g_strjoin("\n", first, second, NULL);
	g_autoptr(GaitViolationLog) log = parse(text);
	const GPtrArray *groups = gait_violation_log_get_groups(log);
	guint which = get(log, 0)->site.offset == 0x31 ? 0 : 1;
	const GaitLogGroup *effect = g_ptr_array_index(groups, which);

	g_assert_true(effect->cause == g_ptr_array_index(groups, 1 - which));
	g_assert_null(effect->cause->cause);
}

static void
test_file(void)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "sysgait-XXXXXX", NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GaitViolationLog) log = gait_violation_log_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *digest = NULL, *expected = NULL;

	/* More than a buffer, so that lines lie across its end. */
	for (guint i = 0; i < 1000; i++)
		g_string_append(text, LINE "\n");
	close(g_mkstemp(path));
	g_file_set_contents(path, text->str, (gssize)text->len, &error);
	g_assert_no_error(error);
	gait_violation_log_read(log, path, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(gait_violation_log_get_n_lines(log), ==, 1000);
	digest = gait_violation_log_dup_digest(log);
	expected = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);
	g_assert_cmpstr(digest, ==, expected);
	g_unlink(path);
	g_assert_false(gait_violation_log_read(log, path, &error));
	g_assert_nonnull(strstr(error->message, path));
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add("/violation-log/round-trip", Fixture, NULL, fixture_set_up, test_round_trip,
	           fixture_tear_down);
	g_test_add_func("/violation-log/distinct", test_distinct);
	g_test_add_func("/violation-log/torn", test_torn);
	g_test_add_func("/violation-log/refused", test_refused);
	g_test_add_func("/violation-log/cause", test_cause);
	g_test_add_func("/violation-log/file", test_file);
	return g_test_run();
}
