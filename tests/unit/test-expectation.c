/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a model before it is enforced: how much it lacks, and how strict it bears to be.
 */
#include "enforce/expectation.h"
#include "tests/unit/unit.h"

static void
add_symbol(GaitLibrary *library, guint32 nr, guint64 site, guint32 n_runs)
{
	gait_library_add_symbol(library, nr, 0, site, NULL, 0)->n_runs = n_runs;
}

/* One library that makes one call in all runs, from a second site in one; and another in one. */
static GaitModel *
make_model(guint n_runs, gboolean has_rare_site, gboolean has_rare_call)
{
	GaitModel *model = gait_model_new();
	GaitProgram *program = gait_model_add_program(model, "/bin/p");
	GaitLibrary *library;

	for (guint i = 0; i < n_runs; i++) {
		g_autofree char *id = g_strnfill(64, (gchar)('0' + i));

		gait_model_add_run(model, id, "p", 10, FALSE);
	}
	program->n_runs = n_runs;
	library = gait_program_add_library(program, gait_model_add_module(model, "/a", "", FALSE));
	add_symbol(library, 0, 0x10, n_runs);
	if (has_rare_site)
		add_symbol(library, 0, 0x20, 1);
	if (has_rare_call)
		add_symbol(library, 1, 0x30, 1);
	gait_program_add_role(program, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, 0})->n_runs = n_runs;
	gait_model_normalize(model);
	return model;
}

static const struct {
	guint n_runs;
	gboolean has_rare_site, has_rare_call;
	const char *policy, *strict;
	const char *described, *advice; /* "": nothing is said; else what is in it */
} cases[] = {
    {4, FALSE, FALSE, "errno", "sequence", "after 4 runs the model expects no violations a run",
     ""},
    {4, TRUE, FALSE, "errno", "sequence",
     "after 4 runs the model expects 0.25 violations a run at sequence, 0.00 at phase",
     "0.25 of these would be acted on in a run that does nothing wrong: train more, or until then "
     "say --strict phase (0.00) or --on-violation log"},
    {4, TRUE, TRUE, "kill", "sequence",
     "after 4 runs the model expects 0.50 violations a run at sequence, 0.25 at phase",
     "0.50 of these would be acted on in a run that does nothing wrong: train more, or until then "
     "--on-violation log"},
    {4, TRUE, FALSE, "errno", "library", "0.25 violations a run at sequence, 0.00 at phase", ""},
    {4, TRUE, TRUE, "errno", "library", "0.25 at phase", "0.25 of these"},
    {4, TRUE, TRUE, "log", "sequence", "0.50 violations a run at sequence", ""},
    {2, TRUE, FALSE, "errno", "sequence",
     "after 2 runs, too few to tell, the model expects 0.50 violations a run at sequence",
     "train more, or until then --on-violation log"},
    {1, TRUE, FALSE, "errno", "sequence", "after 1 run, too few to tell, the model expects ", ""},
};

static void
test_cases(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GaitModel) model =
		    make_model(cases[i].n_runs, cases[i].has_rare_site, cases[i].has_rare_call);
		g_autoptr(GString) described = g_string_new(NULL);
		g_autoptr(GString) advice = g_string_new(NULL);
		GaitVerdict strict;
		GaitPolicy policy;

		g_assert_true(gait_policy_parse(&policy, cases[i].policy, NULL));
		g_assert_true(gait_policy_parse_strict(cases[i].strict, &strict, NULL));
		g_assert_true(gait_policy_set_strict(&policy, strict, NULL));
		gait_expectation_describe(model, described);
		g_test_message("%s", described->str);
		g_assert_nonnull(strstr(described->str, cases[i].described));
		g_assert_cmpint(gait_expectation_advise(model, &policy, advice), ==,
		                advice->len > 0);
		g_test_message("%s", advice->str);
		if (*cases[i].advice)
			g_assert_nonnull(strstr(advice->str, cases[i].advice));
		else if (cases[i].n_runs > 1)
			g_assert_cmpstr(advice->str, ==, "");
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/expectation/cases", test_cases);
	return g_test_run();
}
