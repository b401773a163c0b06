/* SPDX-License-Identifier: Apache-2.0 */
/* Violations in words and in JSON: what each kind says, and that nothing from outside gets through
 * raw. */
#include "tests/unit/app-model.h"
#include "tests/unit/unit.h"

#include "sysgait/violation.h"

#include <json-glib/json-glib.h>
#include <linux/audit.h>

static struct gait_walk_event
make_event(const Fixture *fixture, int letter)
{
	struct gait_walk_event event = {
	    .nr = (guint32)gait_syscall_from_name(letters[letter].call),
	    .klass = letters[letter].klass,
	    .module = fixture->modules[letters[letter].module],
	    .site = letters[letter].site,
	    .issuer_module = fixture->modules[LIBC],
	};

	event.issuer_offset = 0x1000 + event.nr;
	return event;
}

/* A walker that has opened and read. */
static GaitWalker *
new_serving(const Fixture *fixture)
{
	GaitWalker *walker = gait_walker_new(fixture->table, fixture->program);
	struct gait_walk_event open = make_event(fixture, OPEN), read = make_event(fixture, READ);

	g_assert_cmpint(gait_walker_step(walker, &open), ==, GAIT_VERDICT_ALLOW);
	g_assert_cmpint(gait_walker_step(walker, &read), ==, GAIT_VERDICT_ALLOW);
	return walker;
}

static GaitViolation
make_violation(const Fixture *fixture, int letter, GaitVerdict verdict)
{
	return (GaitViolation){
	    .time_s = 1.5,
	    .pid = 10,
	    .tid = 11,
	    .verdict = verdict,
	    .event = make_event(fixture, letter),
	    .library = module_paths[letters[letter].module],
	    .function = "f",
	    .delta = 4,
	    .issuer = module_paths[LIBC],
	};
}

static void
assert_text(const Fixture *fixture, const GaitViolation *violation, const char *expected)
{
	g_autoptr(GaitWalker) walker = new_serving(fixture);
	g_autoptr(GString) text = g_string_new(NULL);

	gait_violation_print_text(violation, walker, text);
	g_assert_cmpstr(text->str, ==, expected);
}

static void
test_text(Fixture *fixture, gconstpointer data)
{
	GaitViolation v = make_violation(fixture, READ, GAIT_VERDICT_SEQUENCE);

	assert_text(fixture, &v,
	            "sequence: app 10/11, main in phase 2 of 3: read for app (f+0x4): never after "
	            "read at f+0x0\n"
	            "    what may follow: write at f+0x0\n");
	v = make_violation(fixture, READ, GAIT_VERDICT_SYSCALL);
	v.event.nr = (guint32)gait_syscall_from_name("getpid");
	assert_text(
	    fixture, &v,
	    "syscall: app 10/11, main in phase 2 of 3: getpid for app (f+0x4): this program "
	    "never makes this call\n"
	    "    it may call: read, write, rt_sigreturn, clone(0), futex(FUTEX_WAIT)\n");
	v.arch = AUDIT_ARCH_I386;
	v.event.nr = 5;
	v.library = NULL;
	v.tid = v.pid;
	v.action = "kill";
	assert_text(
	    fixture, &v,
	    "syscall: app 10, main in phase 2 of 3: call 5 of i386: this program never makes "
	    "this call [kill]\n"
	    "    it may call: read, write, rt_sigreturn, clone(0), futex(FUTEX_WAIT)\n");
	v = make_violation(fixture, READ, GAIT_VERDICT_ISSUER);
	v.event.issuer_offset = 0x77;
	assert_text(fixture, &v,
	            "issuer: app 10/11, main in phase 2 of 3: read for app (f+0x4): never by the "
	            "instruction in libc.so.6+0x77\n"
	            "    this call is issued by: libc.so.6+0x1000\n");
	v = make_violation(fixture, UNLINK, GAIT_VERDICT_LIBRARY);
	v.library = "[anon]";
	v.function = NULL;
	v.event.module = GAIT_NONE;
	v.event.site = 0;
	assert_text(
	    fixture, &v,
	    "library: app 10/11, main in phase 2 of 3: unlink for [anon]: never on behalf of "
	    "this library\n"
	    "    this call is made for: app\n");
	v = make_violation(fixture, WRITE, GAIT_VERDICT_SITE);
	v.event.site = 0x99;
	assert_text(fixture, &v,
	            "site: app 10/11, main in phase 2 of 3: write for app (f+0x4): never from this "
	            "call site\n"
	            "    this library makes the call as: write at f+0x0\n");
	v = make_violation(fixture, OPEN, GAIT_VERDICT_EXEC);
	v.exec_path = "/bin/sh";
	assert_text(fixture, &v,
	            "exec: app 10/11, main in phase 2 of 3: openat(O_RDONLY) for app (f+0x4): this "
	            "program never runs /bin/sh\n"
	            "    it may run: /bin/other\n");
}

static JsonObject *
parse(JsonParser *parser, const GString *line)
{
	GError *error = NULL;

	g_assert_true(g_utf8_validate(line->str, (gssize)line->len, NULL));
	g_assert_cmpuint(line->len, >, 0);
	/* One line, and only one. */
	g_assert_true(strchr(line->str, '\n') == line->str + line->len - 1);
	json_parser_load_from_data(parser, line->str, (gssize)line->len, &error);
	g_assert_no_error(error);
	return json_node_get_object(json_parser_get_root(parser));
}

static void
test_json(Fixture *fixture, gconstpointer data)
{
	static const guint64 args[6] = {1, G_MAXUINT64, 3};
	GaitViolation v = make_violation(fixture, READ, GAIT_VERDICT_SEQUENCE);
	g_autoptr(GaitWalker) walker = new_serving(fixture);
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *digest = NULL;
	JsonObject *object, *from;

	v.args = args;
	v.library_build_id = "ab";
	gait_violation_print_json(&v, walker, line);
	object = parse(parser, line);
	g_assert_cmpstr(json_object_get_string_member(object, "kind"), ==, "sequence");
	g_assert_cmpstr(json_object_get_string_member(object, "program"), ==, "/bin/app");
	g_assert_cmpstr(json_object_get_string_member(object, "role"), ==, "main");
	g_assert_cmpint(json_object_get_int_member(object, "phase"), ==, 2);
	g_assert_cmpstr(json_object_get_string_member(object, "syscall"), ==, "read");
	g_assert_cmpstr(
	    json_array_get_string_element(json_object_get_array_member(object, "args"), 1), ==,
	    "0xffffffffffffffff");
	g_assert_cmpint(json_object_get_int_member(object, "phases"), ==, 3);
	g_assert_cmpstr(
	    json_object_get_string_member(json_object_get_object_member(object, "since"), "site"),
	    ==, "0x20");
	g_assert_cmpstr(json_object_get_string_member(json_object_get_object_member(object, "site"),
	                                              "build_id"),
	                ==, "ab");
	digest = gait_model_dup_digest(fixture->model);
	g_assert_cmpstr(json_object_get_string_member(object, "model"), ==, digest);
	from = json_object_get_object_member(object, "from");
	g_assert_cmpstr(json_object_get_string_member(from, "site"), ==, "0x20");
	g_assert_cmpint(json_object_get_int_member(object, "n_allowed"), ==, 1);
	g_assert_true(json_object_get_null_member(object, "action"));
}

/* Names are chosen by whoever made the file: they forge no line and move no cursor. */
static void
test_hostile(Fixture *fixture, gconstpointer data)
{
	GaitViolation v = make_violation(fixture, READ, GAIT_VERDICT_SITE);
	g_autoptr(GaitWalker) walker = new_serving(fixture);
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GString) text = g_string_new(NULL);

	v.library = "/tmp/a\n\"}\033[2J\xff\xfe";
	v.function = "\r\x01\xc3(";
	v.issuer = "\xed\xa0\x80";
	v.exec_path = "\\\x7f";
	v.action = "\xf0\x9f";
	gait_violation_print_json(&v, walker, text);
	parse(parser, text);
	g_string_truncate(text, 0);
	gait_violation_print_text(&v, walker, text);
	g_assert_true(g_utf8_validate(text->str, (gssize)text->len, NULL));
	for (const char *c = text->str; *c; c++)
		g_assert_true(!g_ascii_iscntrl(*c) || *c == '\n');
	g_assert_true(g_str_has_suffix(text->str, "\n"));
	g_assert_true(strchr(strchr(text->str, '\n') + 1, '\n') == text->str + text->len - 1);
}

/* A long list is cut, and says so. */
static void
test_bounded(Fixture *fixture, gconstpointer data)
{
	GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);
	GaitViolation v = make_violation(fixture, READ, GAIT_VERDICT_ISSUER);
	g_autoptr(GaitWalker) walker = new_serving(fixture);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < 100; i++) {
		GaitIssuer issuer = {v.event.nr, fixture->modules[LIBC], 0x5000 + i, 1};

		g_array_append_val(program->issuers, issuer);
	}
	gait_violation_print_text(&v, walker, text);
	g_assert_nonnull(strstr(text->str, " and 85 more\n"));
}

#define CASE(name)                                                                                 \
	g_test_add("/violation/" #name, Fixture, NULL, fixture_set_up, test_##name,                \
	           fixture_tear_down)

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	CASE(text);
	CASE(json);
	CASE(hostile);
	CASE(bounded);
	return g_test_run();
}
