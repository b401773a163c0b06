/* SPDX-License-Identifier: Apache-2.0 */
/* Models in memory and on disk: canonical order, names, parse∘print, and what damaged files get. */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "model/model-names.h"
#include "sysgait/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAIN ((GaitSymbolRef){GAIT_NONE, 0})

static GaitSymbol *
add_symbol(GaitLibrary *library, guint32 nr, guint64 site, const char *function)
{
	GaitSymbol *symbol = gait_library_add_symbol(library, nr, 0, site, function, 5);

	symbol->count = 7;
	symbol->n_runs = 1;
	return symbol;
}

static void
add_edge(GaitLibrary *library, guint32 from, guint32 to)
{
	GaitRoleCount count = {.role = 0, .n_runs = 1, .count = 3};
	GaitEdge *edge = gait_library_add_edge(library, from, to);

	edge->count = 3;
	edge->n_runs = 1;
	g_array_append_val(edge->roles, count);
}

/* One program, one library with read, write and fork, main and one child. */
static GaitModel *
make_small(void)
{
	GaitModel *model = gait_model_new();
	GaitProgram *program = gait_model_add_program(model, "/bin/small");
	GaitLibrary *library;
	GaitRole *role;

	gait_model_add_run(model,
	                   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	                   "small --fast", 14, FALSE);
	program->module = gait_model_add_module(model, "/bin/small", "c0ffee", FALSE);
	program->n_runs = 1;
	library = gait_program_add_library(program, program->module);
	add_symbol(library, 57, 0x300, "start_child");
	add_symbol(library, 1, 0x200, "say");
	add_symbol(library, 0, 0x100, "listen_to");
	add_edge(library, GAIT_STATE_START, GAIT_STATE_FIRST + 2);
	add_edge(library, GAIT_STATE_FIRST + 2, GAIT_STATE_FIRST);
	role = gait_program_add_role(program, GAIT_NONE, MAIN);
	role->n_instances = role->n_starts = role->n_whole = role->n_runs = 1;
	for (guint32 i = 0; i < 3; i++) {
		GaitSymbolRef ref = {0, i};

		g_array_append_val(role->symbols, ref);
	}
	g_array_append_vals(role->candidates, &(GaitCandidate){.symbol = 1, .n_instances = 1}, 1);
	gait_role_alloc_relations(role);
	role->after[0] = 2;
	role->before[0] = 5;
	gait_program_add_role(program, 0, (GaitSymbolRef){0, 0});
	gait_model_normalize(model);
	return model;
}

static void
assert_round_trip(const GaitModel *model)
{
	GError *error = NULL;
	g_autofree char *text = print_model(model);
	g_autoptr(GaitModel) read = gait_model_parse("text", text, strlen(text), &error);

	g_assert_no_error(error);
	assert_same(model, read);
	gait_model_normalize(read);
	assert_same(model, read);
}

static void
test_round_trip(void)
{
	g_autoptr(GaitModel) empty = gait_model_new();
	g_autoptr(GaitModel) small = make_small();

	gait_model_normalize(empty);
	assert_round_trip(empty);
	assert_round_trip(small);
	for (guint i = 0; i < 40; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) model =
		    world_learn(world, (RunSet)g_test_rand_int_range(0, 1 << WORLD_RUNS));

		assert_round_trip(model);
	}
}

/* --- names --- */

static void
test_text(void)
{
	static const char *const raws[] = {"",      "/bin/ls",      "Grüße",
	                                   "a\\b",  "\xff\xfe",     "\xc3(",
	                                   "\\x41", "tab\tquote\"", "\xed\xa0\x80"};

	for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
		g_autofree char *text = gait_text_encode(raws[i]);
		g_autofree char *raw = gait_text_decode(text);

		g_assert_true(g_utf8_validate(text, -1, NULL));
		g_assert_cmpstr(raw, ==, raws[i]);
	}
	g_assert_null(gait_text_decode("\\"));
	g_assert_null(gait_text_decode("\\n"));
	g_assert_null(gait_text_decode("\\x0"));
	g_assert_null(gait_text_decode("\\x00"));
}

static void
test_strange_paths(void)
{
	g_autoptr(GaitModel) model = make_small();
	GaitModelModule *module = g_ptr_array_index(model->modules, 0);
	GaitProgram *program = gait_model_get_program(model, 0);
	GaitSymbol *symbol = g_ptr_array_index(gait_program_get_library(program, 0)->symbols, 0);

	g_free(module->path);
	module->path = g_strdup("/bin/\xff\\\"\n\x01");
	g_free(program->path);
	program->path = g_strdup("/bin/\xff\\\"\n\x01");
	g_free(symbol->function);
	symbol->function = g_strdup("f\xe9");
	gait_model_add_module(model, "/opt/a", "", FALSE);
	gait_model_add_module(model, "/opt/b/a", "", FALSE);
	gait_model_add_module(model, "/opt/c/a", "11", FALSE);
	gait_model_add_module(model, "/opt/d/a", "22", FALSE);
	gait_model_add_module(model, "/opt/e/a#22", "33", FALSE);
	gait_model_normalize(model);
	assert_round_trip(model);
}

static void
test_module_identity(void)
{
	GaitModelModule a = {.path = (char *)"/usr/lib/libz.so", .build_id = (char *)"aa"};
	GaitModelModule b = {.path = (char *)"/opt/libz.so", .build_id = (char *)"aa"};

	g_assert_true(gait_module_equal(&a, &b));
	g_assert_cmpuint(gait_module_hash(&a), ==, gait_module_hash(&b));
	b.build_id = (char *)"ab";
	g_assert_false(gait_module_equal(&a, &b));
	a.build_id = b.build_id = (char *)"";
	g_assert_false(gait_module_equal(&a, &b));
}

static void
test_role_names(void)
{
	g_autoptr(GaitModel) model = gait_model_new();
	GaitProgram *program = gait_model_add_program(model, "/bin/p");
	GaitLibrary *library =
	    gait_program_add_library(program, gait_model_add_module(model, "/bin/p", "", FALSE));
	static const struct {
		guint64 site;
		const char *function, *name;
	} cases[] = {
	    {0x10, "spawn", "main/spawn"},
	    {0x20, "spawn", "main/spawn@20"},
	    {0x30, NULL, "main/fork@30"},
	    {0x40, "net/http.(*Server).Serve", "main/http.(*Server).Serve"},
	    {0x50, "a b\tc", "main/a_b_c"},
	    {0x60, "0123456789012345678901234567890123456789012345678901234567890",
	     "main/012345678901234567890123456789012345678901234567"},
	};

	gait_program_add_role(program, GAIT_NONE, MAIN);
	for (guint32 i = 0; i < G_N_ELEMENTS(cases); i++) {
		add_symbol(library, 57, cases[i].site, cases[i].function);
		gait_program_add_role(program, 0, (GaitSymbolRef){0, i});
	}
	gait_program_add_role(program, 1, (GaitSymbolRef){0, 2});
	gait_model_normalize(model);
	/* The child of main/spawn comes right after it. */
	g_assert_cmpstr(gait_program_get_role(program, 2)->name, ==, "main/spawn/fork@30");
	g_assert_cmpuint(gait_program_get_role(program, 2)->parent, ==, 1);
	for (guint32 i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpstr(gait_program_get_role(program, i == 0 ? 1 : i + 2)->name, ==,
		                cases[i].name);
}

/* --- damage --- */

typedef struct {
	const char *from, *to; /* replaced once in the small model's text */
	GaitErrorCode code;
	const char *message;
} Damage;

static const Damage damages[] = {
    {"sysgait-model", "other", GAIT_ERROR_MALFORMED, "m.gait: it is not a sysgait model"},
    {"\"version\": 2", "\"version\": 3", GAIT_ERROR_VERSION, "version 3"},
    {"\"version\": 2", "\"version\": 0", GAIT_ERROR_MALFORMED, "version"},
    {"\"version\": 2", "\"version\": -1", GAIT_ERROR_MALFORMED, "version"},
    {"\"version\": 2", "\"version\": 1.5", GAIT_ERROR_MALFORMED, "has to be a whole number"},
    {"\"kernel\": \"\"", "\"kernel\": 5", GAIT_ERROR_MALFORMED,
     "\"kernel\" has to be a string, but it is a number"},
    {"\"stackless\": false", "\"stackless\": null", GAIT_ERROR_MALFORMED, "stackless"},
    {"\"stackless\"", "\"stakless\"", GAIT_ERROR_MALFORMED, "stakless"},
    {"{\"id\": \"0123", "{\"id\": \"x123", GAIT_ERROR_MALFORMED,
     "m.gait: runs[0]: its id is not 64 hexadecimal digits"},
    {"{\"id\": \"0123", "{\"id\": \"00123", GAIT_ERROR_MALFORMED, "runs[0]: its id is too long"},
    {"\"events\": 14", "\"events\": -14", GAIT_ERROR_MALFORMED, "\"events\" is not between"},
    {"\"events\": 14", "\"events\": 99999999999999999999", GAIT_ERROR_MALFORMED, "runs[0]"},
    {"\"events\": 14", "\"events\": \"14\"", GAIT_ERROR_MALFORMED,
     "\"events\" has to be a whole number, but it is a string"},
    {"small --fast", "small \\\\q", GAIT_ERROR_MALFORMED, "backslash"},
    {"small --fast", "small \\u0000", GAIT_ERROR_MALFORMED, "NUL"},
    {"small --fast", "small \xff", GAIT_ERROR_MALFORMED, "UTF-8"},
    {"\"c0ffee\"", "\"C0FFEE\"", GAIT_ERROR_MALFORMED, "modules[0]: its build-id"},
    {"\"path\": \"/bin/small\", \"build", "\"path\": \"\", \"build", GAIT_ERROR_MALFORMED,
     "modules[0]: its path is empty"},
    {"\"path\": \"/bin/small\", \"module\": \"small\"",
     "\"path\": \"/bin/small\", \"module\": \"big\"", GAIT_ERROR_MALFORMED,
     "programs[0]: \"module\" names \"big\", but there is no such module"},
    {"\"execs\": []", "\"execs\": [\"/bin/sh\"]", GAIT_ERROR_MALFORMED, "no such program"},
    {"\"execs\": []", "\"execs\": [\"/bin/small\", \"/bin/small\"]", GAIT_ERROR_MALFORMED,
     "execs[1] is there twice"},
    {"\"id\": \"write\", \"nr\": 1", "\"id\": \"read\", \"nr\": 1", GAIT_ERROR_MALFORMED,
     "programs[0].calls[1]: \"read\" is there twice"},
    {"\"id\": \"write\", \"nr\": 1", "\"id\": \"write\", \"nr\": 0", GAIT_ERROR_MALFORMED, "twice"},
    {"\"id\": \"write\", \"nr\": 1, \"class\": 0, \"runs\": 1",
     "\"id\": \"write\", \"nr\": 1, \"class\": 0, \"runs\": 2", GAIT_ERROR_MALFORMED,
     "calls[1]: it was seen in 2 runs, but the model has 1"},
    {"[[\"read\", 1], ", "[[\"read\", 1, 1], ", GAIT_ERROR_MALFORMED, "has to be a list of 2"},
    {"[[\"read\", 1], ", "[", GAIT_ERROR_MALFORMED, "programs[0].libraries[0]"},
    {"\"id\": \"write@200\"", "\"id\": \"read@100\"", GAIT_ERROR_MALFORMED,
     "libraries[0].symbols[1]: \"read@100\" is there twice"},
    {"\"site\": \"0x200\"", "\"site\": \"200\"", GAIT_ERROR_MALFORMED, "\"site\""},
    {"\"site\": \"0x200\"", "\"site\": \"0x10000000000000000\"", GAIT_ERROR_MALFORMED, "\"site\""},
    {"\"call\": \"write\", \"site\"", "\"call\": \"read\", \"site\"", GAIT_ERROR_MALFORMED,
     "programs[0].libraries[0]"},
    {"\"to\": \"fork@300\"", "\"to\": \"write@99\"", GAIT_ERROR_MALFORMED,
     "m.gait: programs[0].libraries[0].edges[1]: \"to\" names \"write@99\", but there is no such "
     "symbol of this library"},
    {"\"to\": \"fork@300\"", "\"to\": \"start\"", GAIT_ERROR_MALFORMED, "no call enters"},
    {"\"from\": \"start\"", "\"from\": \"signal\"", GAIT_ERROR_MALFORMED, NULL},
    {"\"from\": \"start\"", "\"from\": \"write@200\"", GAIT_ERROR_MALFORMED,
     "edges[1]: it is there twice, or out of order"},
    {"[\"main\", 3, 1]", "[\"nobody\", 3, 1]", GAIT_ERROR_MALFORMED,
     "edges[0]: \"roles\" names \"nobody\""},
    {"[\"main\", 3, 1]", "[\"main\", 4, 1]", GAIT_ERROR_MALFORMED, "more runs or events"},
    {"[\"main\", 3, 1]", "[\"main\", 3, 1], [\"main\", 3, 1]", GAIT_ERROR_MALFORMED, "twice"},
    {"\"parent\": \"main\"", "\"parent\": \"main/start_child\"", GAIT_ERROR_MALFORMED,
     "roles[1]: \"parent\" names"},
    {"\"parent\": \"main\"", "\"parent\": null", GAIT_ERROR_MALFORMED, "parent"},
    {"\"name\": \"main/start_child\"", "\"name\": \"main\"", GAIT_ERROR_MALFORMED, "twice"},
    {"\"creation\": [\"small\", \"fork@300\"]", "\"creation\": [\"small\", \"fork@3\"]",
     GAIT_ERROR_MALFORMED, "fork@3"},
    {"\"creation\": [\"small\", \"fork@300\"]", "\"creation\": null", GAIT_ERROR_MALFORMED,
     "its creation is not a symbol"},
    {"\"creation\": null", "\"creation\": [\"small\", \"read@100\"]", GAIT_ERROR_MALFORMED,
     "main, which none creates"},
    {"\"whole\": 1", "\"whole\": 2", GAIT_ERROR_MALFORMED, "roles[0]"},
    {"\"after\": \"2\"", "\"after\": \"22\"", GAIT_ERROR_MALFORMED,
     "candidates[0]: \"after\" has 2 digits"},
    {"\"after\": \"2\"", "\"after\": \"g\"", GAIT_ERROR_MALFORMED, "hexadecimal"},
    {"\"after\": \"2\"", "\"after\": \"8\"", GAIT_ERROR_MALFORMED, "beyond the last symbol"},
    {"\"symbol\": null", "\"symbol\": [\"small\", \"read@100\"]", GAIT_ERROR_MALFORMED,
     "the last candidate is null"},
    {"\"milestone\": null", "\"milestone\": [\"small\", \"read@100\"]", GAIT_ERROR_MALFORMED,
     "phases[0]"},
    {"\"event_share\": 1.000000", "\"event_share\": 1.100000", GAIT_ERROR_MALFORMED,
     "not between 0 and 1"},
    {"\"allowed\": [\"read\", ", "\"allowed\": [\"reed\", ", GAIT_ERROR_MALFORMED,
     "\"allowed\" names \"reed\""},
    {"\"allowed\": [\"read\", ", "\"allowed\": [\"write\", \"read\", ", GAIT_ERROR_MALFORMED,
     "allowed[1] is there twice, or out of order"},
    {"\"retained\": [\"read\", ", "\"retained\": [", GAIT_ERROR_MALFORMED,
     "\"retained\" has to list"},
    {"\"allowed\": [\"read\", ", "\"allowed\": [", GAIT_ERROR_MALFORMED,
     "\"retained\" has to list"},
};

static char *
replace_once(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		g_error("the small model has no %s", from);
	return g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void
test_damage(void)
{
	g_autoptr(GaitModel) small = make_small();
	g_autofree char *text = print_model(small);

	for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
		const Damage *damage = &damages[i];
		g_autofree char *bad = replace_once(text, damage->from, damage->to);
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitModel) model = gait_model_parse("m.gait", bad, strlen(bad), &error);

		/* Without a message it is a change that is still a model. */
		if (!damage->message) {
			g_assert_no_error(error);
			continue;
		}
		g_test_message("%s", error ? error->message : "(taken)");
		g_assert_null(model);
		g_assert_error(error, GAIT_MODEL_ERROR, (gint)damage->code);
		g_assert_true(g_str_has_prefix(error->message, "m.gait: "));
		g_assert_nonnull(strstr(error->message, damage->message));
	}
}

/* What an editor adds to a phase counts, and stays. */
/* Version 1 had no roles of what executes its own program; else it was the same. */
static void
test_version_1(void)
{
	g_autoptr(GaitModel) model = make_small(), read = NULL;
	g_autofree char *text = print_model(model);
	GError *error = NULL;
	char *version = strstr(text, "\"version\": 2");

	g_assert_nonnull(version);
	version[strlen("\"version\": ")] = '1';
	read = gait_model_parse("m.gait", text, strlen(text), &error);
	g_assert_no_error(error);
	assert_round_trip(read);
}

static void
test_phases_of_the_file_count(void)
{
	g_autoptr(GaitModel) small = make_small();
	GaitRole *role = gait_program_get_role(gait_model_get_program(small, 0), 1);
	GaitPhase *phase = g_ptr_array_index(role->phases, 0);
	GError *error = NULL;
	guint32 call = 1;

	g_assert_cmpuint(phase->allowed->len, ==, 0);
	g_array_append_val(phase->allowed, call);
	gait_role_derive_retained(role);
	g_autofree char *text = print_model(small);
	g_autoptr(GaitModel) read = gait_model_parse("text", text, strlen(text), &error);

	g_assert_no_error(error);
	assert_same(small, read);
	role = gait_program_get_role(gait_model_get_program(read, 0), 1);
	phase = g_ptr_array_index(role->phases, 0);
	g_assert_cmpuint(phase->allowed->len, ==, 1);
}

static void
assert_refused(const char *data, gsize size, GaitErrorCode code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(gait_model_parse("m.gait", data, size, &error));
	g_assert_error(error, GAIT_MODEL_ERROR, (gint)code);
}

/* None of these may cost memory or stack before it is refused. */
static void
test_bombs(void)
{
	g_autofree char *deep = g_strnfill(8 << 20, '[');
	g_autofree char *wide = g_strnfill(8 << 20, ',');
	g_autofree char *quoted = g_strnfill(1 << 20, '\\');

	assert_refused(deep, strlen(deep), GAIT_ERROR_TOO_LARGE);
	wide[0] = '[';
	assert_refused(wide, strlen(wide), GAIT_ERROR_TOO_LARGE);
	quoted[0] = '"';
	assert_refused(quoted, strlen(quoted), GAIT_ERROR_MALFORMED);
	/* Refused for its size alone: the text is not looked at. */
	assert_refused("{}", (gsize)GAIT_MAX_MODEL_SIZE + 1, GAIT_ERROR_TOO_LARGE);
	assert_refused("", 0, GAIT_ERROR_MALFORMED);
	assert_refused("null", 4, GAIT_ERROR_MALFORMED);
	assert_refused("[]", 2, GAIT_ERROR_MALFORMED);
}

static void
test_truncated(void)
{
	g_autoptr(GaitModel) small = make_small();
	g_autofree char *text = print_model(small);

	/* Without its last newline it is whole. */
	for (gsize size = 0; size + 1 < strlen(text); size++)
		assert_refused(text, size, GAIT_ERROR_MALFORMED);
}

/* Flipped bytes give an error, or a model that holds together. */
static void
test_flipped(void)
{
	g_autofree World *world = world_new();
	g_autoptr(GaitModel) model = world_learn(world, 3);
	g_autofree char *text = print_model(model);
	gsize size = strlen(text);

	for (guint i = 0; i < 300; i++) {
		g_autofree char *bad = g_memdup2(text, size + 1);
		guint n = (guint)g_test_rand_int_range(1, 4);

		while (n-- > 0)
			bad[g_test_rand_int_range(0, (gint32)size)] =
			    (char)g_test_rand_int_range(' ', 128);
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitModel) read = gait_model_parse("m.gait", bad, size, &error);

		if (!read) {
			g_assert_true(g_str_has_prefix(error->message, "m.gait: "));
			continue;
		}
		gait_model_normalize(read);
		assert_round_trip(read);
	}
}

/* --- files --- */

static void
test_files(void)
{
	g_autofree char *directory = g_dir_make_tmp("sysgait-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "m.gait", NULL);
	g_autofree char *link = g_build_filename(directory, "link.gait", NULL);
	g_autoptr(GaitModel) small = make_small();
	g_autoptr(GaitModel) read = NULL, by_link = NULL;
	GError *error = NULL;
	GStatBuf status;

	g_assert_true(gait_model_save(small, path, &error));
	read = gait_model_load(path, &error);
	g_assert_no_error(error);
	assert_same(small, read);
	/* A file that is replaced keeps its mode, and a link stays one. */
	g_assert_cmpint(g_chmod(path, 0640), ==, 0);
	g_assert_cmpint(symlink(path, link), ==, 0);
	g_assert_true(gait_model_save(small, link, &error));
	g_assert_cmpint(g_lstat(link, &status), ==, 0);
	g_assert_true(S_ISLNK(status.st_mode));
	g_assert_cmpint(g_stat(path, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 0777, ==, 0640);
	by_link = gait_model_load(link, &error);
	g_assert_no_error(error);
	g_unlink(link);
	g_unlink(path);
	g_assert_cmpint(g_rmdir(directory), ==, 0);
}

/* A full disk leaves the model that was there, and nothing else. */
static void
test_full_disk(void)
{
	g_autofree char *directory = g_dir_make_tmp("sysgait-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "m.gait", NULL);
	g_autoptr(GaitModel) small = make_small();
	g_autoptr(GaitModel) read = NULL;
	g_autoptr(GError) error = NULL;
	struct rlimit limit, tiny;

	g_assert_true(gait_model_save(small, path, NULL));
	getrlimit(RLIMIT_FSIZE, &limit);
	tiny = limit;
	tiny.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tiny);
	g_assert_false(gait_model_save(small, path, &error));
	setrlimit(RLIMIT_FSIZE, &limit);
	g_assert_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_SYSTEM);
	read = gait_model_load(path, NULL);
	assert_same(small, read);
	g_unlink(path);
	g_assert_cmpint(g_rmdir(directory), ==, 0); /* it is empty */
}

static void
test_missing_files(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;
	g_autoptr(GaitModel) small = make_small();

	g_assert_null(gait_model_load("/nowhere/m.gait", &error));
	g_assert_cmpstr(error->message, ==, "open(/nowhere/m.gait): No such file or directory");
	g_assert_false(gait_model_save(small, "/nowhere/m.gait", &other));
	g_assert_nonnull(strstr(other->message, "/nowhere/m.gait"));
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/model/round-trip", test_round_trip);
	g_test_add_func("/model/text", test_text);
	g_test_add_func("/model/strange-paths", test_strange_paths);
	g_test_add_func("/model/module-identity", test_module_identity);
	g_test_add_func("/model/role-names", test_role_names);
	g_test_add_func("/model/damage", test_damage);
	g_test_add_func("/model/version-1", test_version_1);
	g_test_add_func("/model/phases-of-the-file-count", test_phases_of_the_file_count);
	g_test_add_func("/model/bombs", test_bombs);
	g_test_add_func("/model/truncated", test_truncated);
	g_test_add_func("/model/flipped", test_flipped);
	g_test_add_func("/model/files", test_files);
	g_test_add_func("/model/full-disk", test_full_disk);
	g_test_add_func("/model/missing-files", test_missing_files);
	return g_test_run();
}
