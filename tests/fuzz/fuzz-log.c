/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a violation log: refused with a message, or explained and accepted into a model that
 * then is printed and read back the same, and to which nothing is left to accept.
 */
#include "sysgait/amend.h"
#include "sysgait/explain.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

/* /bin/app reads and then makes a worker, so that there are phases and roles to be found. */
static GaitModel *
make_model(void)
{
	GaitModel *model = gait_model_new();
	GaitProgram *program;
	GaitLibrary *library;
	GaitSymbolRef none = {GAIT_NONE, 0}, clone = {0, 1};

	gait_model_add_module(model, "/bin/app", "ab", FALSE);
	program = gait_model_add_program(model, "/bin/app");
	library = gait_program_add_library(program, 0);
	gait_library_add_symbol(library, 0, 0, 0x10, "main", 4);
	gait_library_add_symbol(library, 56, 0, 0x20, "spawn", 4);
	gait_library_add_edge(library, GAIT_STATE_START, GAIT_STATE_FIRST);
	gait_program_add_role(program, GAIT_NONE, none);
	gait_program_add_role(program, 0, clone);
	for (guint32 i = 0; i < 2; i++)
		for (guint32 r = 0; r < 2; r++) {
			GaitSymbolRef ref = {0, i};

			g_array_append_val(gait_program_get_role(program, r)->symbols, ref);
		}
	gait_model_normalize(model);
	return model;
}

static void
amend(GaitModel *model, GaitViolationLog *log, gboolean is_first)
{
	static const GaitAmendOrigin origin = {"", "2026-11-20", "fuzz"};
	g_autoptr(GArray) outcomes =
	    gait_model_amend(model, gait_violation_log_get_groups(log), &origin);

	for (guint i = 0; i < outcomes->len && !is_first; i++)
		g_assert(g_array_index(outcomes, GaitAmendOutcome, i).result != GAIT_AMEND_APPLIED);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	static char *paths[] = {(char *)"log", NULL};
	const GaitExplainOptions options = {.model_path = "model", .log_paths = paths};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitViolationLog) log = gait_violation_log_new();
	g_autoptr(GaitModel) model = make_model();
	g_autoptr(GString) out = g_string_new(NULL);

	if (!gait_violation_log_parse(log, "input", (const char *)data, size, &error)) {
		g_assert(strstr(error->message, "input: line "));
		return 0;
	}
	gait_explain_print(model, log, &options, out);
	gait_explain_print_json(model, log, &options, out);
	g_assert(g_utf8_validate(out->str, (gssize)out->len, NULL));
	amend(model, log, TRUE);
	amend(model, log, FALSE);
	g_autoptr(GString) text = gait_model_print(model);
	g_autoptr(GaitModel) again = gait_model_parse("again", text->str, text->len, &error);
	g_assert_no_error(error);
	g_autoptr(GString) text_again = gait_model_print(again);
	g_assert_cmpstr(text->str, ==, text_again->str);
	return 0;
}
