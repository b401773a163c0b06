/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The violation log under bad conditions: it loses lines, counts them and says so, but never waits.
 * (A test that waited would hang, and be ended by the alarm.)
 */
#include "enforce/log.h"
#include "enforce/repeats.h"
#include "sysgait/error.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_S 60

typedef struct {
	GaitModel *model;
	GaitWalkTable *table;
	GaitWalker *walker;
	char *directory, *path;
	int out[2]; /* pipe */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
	GaitProgram *program;
	GaitLibrary *library;
	GaitRole *role;

	alarm(PATIENCE_S);
	fixture->model = gait_model_new();
	gait_model_add_module(fixture->model, "/bin/app", "ab", FALSE);
	program = gait_model_add_program(fixture->model, "/bin/app");
	library = gait_program_add_library(program, 0);
	gait_library_add_symbol(library, SYS_read, 0, 0x10, "main", 4);
	role = gait_program_add_role(program, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, GAIT_NONE});
	gait_role_alloc_relations(role);
	gait_model_normalize(fixture->model);
	fixture->table = gait_walk_table_new(fixture->model, NULL);
	fixture->walker = gait_walker_new(fixture->table, 0);
	fixture->directory = g_dir_make_tmp("sysgait-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->directory, "log", NULL);
	g_assert_cmpint(pipe(fixture->out), ==, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	close(fixture->out[0]);
	close(fixture->out[1]);
	unlink(fixture->path);
	rmdir(fixture->directory);
	g_free(fixture->path);
	g_free(fixture->directory);
	gait_walker_free(fixture->walker);
	gait_walk_table_unref(fixture->table);
	gait_model_free(fixture->model);
	alarm(0);
}

static void
write_violations(Fixture *fixture, GaitLog *log, guint n)
{
	const guint64 args[6] = {0};
	GaitViolation violation = {
	    .pid = 7,
	    .tid = 8,
	    .verdict = GAIT_VERDICT_SYSCALL,
	    .action = "errno EPERM",
	    .event = {.nr = SYS_unlink, .module = 0, .site = 0x20, .issuer_module = GAIT_NONE},
	    .args = args,
	    .library = "/bin/app",
	};

	/* Each of another task: none is a repetition. */
	for (guint i = 0; i < n; i++, violation.tid++)
		gait_log_violation(log, &violation, fixture->walker);
}

static char *
read_out(Fixture *fixture)
{
	static char text[1 << 17];
	ssize_t n;

	fcntl(fixture->out[0], F_SETFL, O_NONBLOCK);
	n = read(fixture->out[0], text, sizeof text - 1);
	text[MAX(n, 0)] = '\0';
	return text;
}

/* How many lines there are; each must be a JSON object. */
static guint
count_objects(const char *path)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint n = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (; lines[n] && *lines[n]; n++) {
		g_autoptr(JsonParser) parser = json_parser_new();

		g_assert_true(json_parser_load_from_data(parser, lines[n], -1, NULL));
		g_assert_true(JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)));
	}
	return n;
}

static void
test_appends(Fixture *fixture, gconstpointer data)
{
	struct stat status;

	for (guint i = 1; i <= 2; i++) {
		g_autoptr(GaitLog) log = gait_log_new(fixture->path, fixture->out[1], FALSE, NULL);

		write_violations(fixture, log, 3);
		g_assert_cmpuint(gait_log_get_n_violations(log, GAIT_VERDICT_SYSCALL), ==, 3);
		g_assert_cmpuint(gait_log_get_n_violations(log, GAIT_VERDICT_SITE), ==, 0);
		g_assert_cmpuint(gait_log_get_n_lost(log), ==, 0);
		g_assert_cmpuint(count_objects(fixture->path), ==, 3 * i);
	}
	/* Arguments may be secrets. */
	g_assert_cmpint(stat(fixture->path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 077, ==, 0);
	g_assert_cmpstr(read_out(fixture), ==, "");
}

/* What a killed run left unfinished spoils no line of the next one. */
static void
test_torn(Fixture *fixture, gconstpointer data)
{
	g_autofree char *text = NULL;

	for (guint i = 0; i < 2; i++) {
		g_autoptr(GaitLog) log = gait_log_new(fixture->path, fixture->out[1], FALSE, NULL);

		write_violations(fixture, log, 1);
		if (i == 0)
			g_assert_cmpint(truncate(fixture->path, 20), ==, 0);
	}
	g_assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
	g_assert_cmpuint(strcspn(text, "\n"), ==, 20);
	g_assert_true(g_str_has_prefix(text + 20, "\n{\"time\""));
	g_assert_true(g_str_has_suffix(text, "}\n"));
}

static void
test_full_disk(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitLog) log = gait_log_new("/dev/full", fixture->out[1], FALSE, NULL);
	const char *said;

	write_violations(fixture, log, 100);
	g_assert_cmpuint(gait_log_get_n_lost(log), ==, 100);
	g_assert_cmpuint(gait_log_get_n_violations(log, GAIT_VERDICT_SYSCALL), ==, 100);
	said = read_out(fixture);
	/* Once. */
	g_assert_nonnull(strstr(said, "/dev/full: No space left on device"));
	g_assert_null(strstr(strchr(said, '\n') + 1, "/dev/full"));
}

static void
test_unwilling_reader(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitLog) log = NULL;
	int reader;

	g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
	log = gait_log_new(fixture->path, fixture->out[1], FALSE, &error);
	g_assert_null(log);
	g_assert_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_SYSTEM);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
	log = gait_log_new(fixture->path, fixture->out[1], FALSE, NULL);
	g_assert_nonnull(log);
	write_violations(fixture, log, 5000);
	g_assert_cmpuint(gait_log_get_n_lost(log), >, 0);
	g_assert_cmpuint(gait_log_get_n_lost(log), <, 5000);
	close(reader);
}

static void
test_bad_path(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = g_build_filename(fixture->directory, "not", "there", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(gait_log_new(path, fixture->out[1], FALSE, &error));
	g_assert_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, path));
}

/* A target that is refused in a loop does not drown its own messages. */
static void
test_rationed(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitLog) log = gait_log_new(fixture->path, fixture->out[1], TRUE, NULL);

	write_violations(fixture, log, 2000);
	g_assert_cmpuint(gait_log_get_n_silent(log), >, 1000);
	g_assert_cmpuint(gait_log_get_n_silent(log), <, 1985);
	g_assert_cmpuint(count_objects(fixture->path), ==, 2000);
	g_assert_nonnull(strstr(read_out(fixture), "unlink"));
}

/* Nobody reads stderr, and its pipe is full. */
static void
test_full_pipe(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitLog) log = gait_log_new(fixture->path, fixture->out[1], TRUE, NULL);
	static const char filling[4096];

	fcntl(fixture->out[1], F_SETFL, O_NONBLOCK);
	while (write(fixture->out[1], filling, sizeof filling) > 0)
		;
	fcntl(fixture->out[1], F_SETFL, 0);
	write_violations(fixture, log, 3);
	g_assert_cmpuint(gait_log_get_n_silent(log), ==, 3);
	g_assert_cmpuint(count_objects(fixture->path), ==, 3);
}

/* The same again and again: its first lines, and a count of the others once a second. */
static void
test_repetitions(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitRepeats) repeats = gait_repeats_new();
	GaitViolation violation = {.tid = 8, .verdict = GAIT_VERDICT_SYSCALL};
	GaitViolation other = violation;
	guint64 n_withheld;

	other.event.site = 1;
	for (guint i = 0; i < 1000; i++) {
		gboolean is_due = gait_repeats_is_due(repeats, &violation, fixture->walker,
		                                      1000 + i, &n_withheld);

		g_assert_cmpint(is_due, ==, i < GAIT_REPEATS_BURST);
		g_assert_cmpuint(n_withheld, ==, 0);
	}
	g_assert_true(gait_repeats_is_due(repeats, &other, fixture->walker, 2000, &n_withheld));
	g_assert_cmpuint(gait_repeats_get_n_withheld(repeats), ==, 1000 - GAIT_REPEATS_BURST);
	g_assert_true(
	    gait_repeats_is_due(repeats, &violation, fixture->walker, 3000000, &n_withheld));
	g_assert_cmpuint(n_withheld, ==, 1000 - GAIT_REPEATS_BURST);
	g_assert_cmpuint(gait_repeats_get_n_withheld(repeats), ==, 0);
	g_assert_false(
	    gait_repeats_is_due(repeats, &violation, fixture->walker, 3000001, &n_withheld));
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
#define ADD(name, function) g_test_add("/log/" name, Fixture, NULL, set_up, function, tear_down)
	ADD("appends", test_appends);
	ADD("torn", test_torn);
	ADD("full-disk", test_full_disk);
	ADD("unwilling-reader", test_unwilling_reader);
	ADD("bad-path", test_bad_path);
	ADD("rationed", test_rationed);
	ADD("full-pipe", test_full_pipe);
	ADD("repetitions", test_repetitions);
#undef ADD
	return g_test_run();
}
