/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping: what comes from outside can neither move a cursor nor leave its JSON string. */
#include "unit.h"

#include "sysgait/text.h"

static const struct {
	const char *text, *plain, *json;
} cases[] = {
    {"", "", "\"\""},
    {"/usr/bin/nginx", "/usr/bin/nginx", "\"/usr/bin/nginx\""},
    {"a\nb\tc", "a\\nb\\tc", "\"a\\u000ab\\u0009c\""},
    {"\x1b[2J", "\\x1b[2J", "\"\\u001b[2J\""},
    {"say \"hi\"\\", "say \"hi\"\\\\", "\"say \\\"hi\\\"\\\\\\\\\""},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
    {"gr\xfc\xdf", "gr\\xfc\\xdf", "\"gr\\\\xfc\\\\xdf\""},
    {"\xc3", "\\xc3", "\"\\\\xc3\""},
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\"\xe2\x80\xae\""}, /* right-to-left override */
    {"\xc2\x9b", "\\xc2\\x9b", "\"\xc2\x9b\""},              /* CSI in one character */
    {"\x7f", "\\x7f", "\"\x7f\""},
};

static void
test_escapes(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) plain = g_string_new(NULL);
		g_autoptr(GString) json = g_string_new(NULL);

		gait_text_append(plain, cases[i].text);
		gait_text_append_json(json, cases[i].text);
		g_assert_cmpstr(plain->str, ==, cases[i].plain);
		g_assert_cmpstr(json->str, ==, cases[i].json);
		g_assert_true(g_utf8_validate(plain->str, -1, NULL));
		g_assert_true(g_utf8_validate(json->str, -1, NULL));
	}
}

static void
test_lines(void)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	gait_text_append_lines(lines,
	                       "has:\n\ta\\x1b \x1b[2J gr\xfc\xdf gr\xc3\xbc\xc3\x9f \xc2\x9b");
	g_assert_cmpstr(lines->str, ==,
	                "has:\n\ta\\x1b \\x1b[2J gr\\xfc\\xdf gr\xc3\xbc\xc3\x9f \\xc2\\x9b");
}

static void
test_basename(void)
{
	g_assert_cmpstr(gait_text_basename("/usr/lib/libc.so.6"), ==, "libc.so.6");
	g_assert_cmpstr(gait_text_basename("[vdso]"), ==, "[vdso]");
	g_assert_cmpstr(gait_text_basename("/"), ==, "");
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/text/escapes", test_escapes);
	g_test_add_func("/text/lines", test_lines);
	g_test_add_func("/text/basename", test_basename);
	return g_test_run();
}
