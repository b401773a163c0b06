/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: a small model whose figures can be counted by hand, and sums that have to agree. */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "sysgait/metrics.h"
#include "sysgait/syscall.h"
#include "sysgait/walker.h"

#define EPSILON 1e-9

static void
add_symbol(GaitLibrary *library, guint32 nr, guint64 site, guint32 n_runs)
{
	GaitSymbol *symbol = gait_library_add_symbol(library, nr, 0, site, "f", 0);

	symbol->n_runs = n_runs;
	symbol->count = 10;
}

static void
add_edge(GaitLibrary *library, guint32 from, guint32 to, guint64 count, guint32 n_runs)
{
	GaitRoleCount in_main = {.role = 0, .n_runs = n_runs, .count = count};
	GaitEdge *edge = gait_library_add_edge(library, from, to);

	edge->count = count;
	edge->n_runs = n_runs;
	g_array_append_val(edge->roles, in_main);
}

/*
 * Two libraries of four runs. In a: read from two sites, the second (0x20) in one run; write in one
 * run. In b: read, in one run.
 */
static GaitModel *
make_model(void)
{
	GaitModel *model = gait_model_new();
	GaitProgram *program = gait_model_add_program(model, "/bin/p");
	GaitLibrary *a, *b;

	for (guint i = 0; i < 4; i++) {
		g_autofree char *id = g_strnfill(64, (gchar)('0' + i));

		gait_model_add_run(model, id, "p", 10, FALSE);
	}
	program->n_runs = 4;
	a = gait_program_add_library(program, gait_model_add_module(model, "/a", "", FALSE));
	b = gait_program_add_library(program, gait_model_add_module(model, "/b", "", FALSE));
	add_symbol(a, 0, 0x10, 4);
	add_symbol(a, 0, 0x20, 1);
	add_symbol(a, 1, 0x30, 1);
	add_symbol(b, 0, 0x10, 1);
	add_edge(a, GAIT_STATE_START, 2, 4, 4);
	add_edge(a, 2, 2, 60, 1);
	add_edge(a, 2, 3, 20, 1);
	add_edge(a, 3, 4, 12, 1);
	add_edge(a, 4, 2, 4, 1);
	add_edge(b, GAIT_STATE_START, 2, 1, 1);
	gait_program_add_role(program, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, 0})->n_runs = 4;
	gait_model_normalize(model);
	return model;
}

static void
test_library(void)
{
	g_autoptr(GaitModel) model = make_model();
	GaitMetrics metrics;

	gait_metrics_library(model, gait_model_get_program(model, 0), 0, &metrics);
	g_assert_cmpuint(metrics.n_symbols, ==, 3);
	g_assert_cmpuint(metrics.n_sites, ==, 3);
	g_assert_cmpuint(metrics.n_edges, ==, 5);
	g_assert_cmpuint(metrics.n_syscalls, ==, 2);
	g_assert_cmpuint(metrics.n_events, ==, 30);
	/* 80 of 100 steps leave a state with two edges. */
	g_assert_cmpfloat_with_epsilon(metrics.branching, 1.8, EPSILON);
	g_assert_cmpfloat_with_epsilon(metrics.branching_p95, 2, EPSILON);
	g_assert_cmpuint(metrics.n_singletons, ==, 4);
	g_assert_cmpfloat_with_epsilon(metrics.unseen_per_run, 1, EPSILON);
}

static void
test_program_and_role(void)
{
	g_autoptr(GaitModel) model = make_model();
	const GaitProgram *program = gait_model_get_program(model, 0);
	GaitMetrics metrics, main_role;

	gait_metrics_program(model, program, &metrics);
	g_assert_cmpuint(metrics.n_symbols, ==, 4);
	g_assert_cmpuint(metrics.n_sites, ==, 4);
	g_assert_cmpuint(metrics.n_edges, ==, 6);
	g_assert_cmpuint(metrics.n_syscalls, ==, 2);
	g_assert_cmpuint(metrics.n_events, ==, 40);
	g_assert_cmpfloat_with_epsilon(metrics.branching, 181 / 101.0, EPSILON);
	g_assert_cmpfloat_with_epsilon(metrics.unseen_per_run, 1.25, EPSILON);
	/* All edges are main's. */
	gait_metrics_role(model, program, 0, &main_role);
	g_assert_cmpuint(main_role.n_edges, ==, 6);
	g_assert_cmpfloat_with_epsilon(main_role.branching, metrics.branching, EPSILON);
	g_assert_cmpuint(main_role.n_singletons, ==, 5);
}

/* A role weighs with its own counts how many symbols the whole automaton allows. */
static void
test_role_weights(void)
{
	g_autoptr(GaitModel) model = make_model();
	GaitProgram *program = gait_model_get_program(model, 0);
	const GaitLibrary *library = gait_program_get_library(program, 0);
	GaitMetrics metrics;
	GaitEdge *edge;

	gait_program_add_role(program, 0, (GaitSymbolRef){0, 2})->n_runs = 1;
	edge = g_ptr_array_index(library->edges, 1); /* 2 → 2, beside 2 → 3 */
	g_array_append_vals(edge->roles, &(GaitRoleCount){.role = 1, .n_runs = 1, .count = 6}, 1);
	edge = g_ptr_array_index(library->edges, 4); /* 4 → 2 */
	g_array_append_vals(edge->roles, &(GaitRoleCount){.role = 1, .n_runs = 1, .count = 2}, 1);
	gait_model_normalize(model);
	gait_metrics_role(model, program, 1, &metrics);
	g_assert_cmpuint(metrics.n_edges, ==, 2);
	g_assert_cmpfloat_with_epsilon(metrics.branching, (6 * 2 + 2 * 1) / 8.0, EPSILON);
}

static void
assert_expected(const GaitModel *model, GaitVerdict verdict, double per_run)
{
	double all[GAIT_VERDICT_N_];

	gait_metrics_expected(model, all, GAIT_VERDICT_N_);
	g_test_message("%s", gait_verdict_name(verdict));
	g_assert_cmpfloat_with_epsilon(all[verdict], per_run, EPSILON);
}

static void
test_expected(void)
{
	g_autoptr(GaitModel) model = make_model();

	assert_expected(model, GAIT_VERDICT_ALLOW, 0);
	/* write */
	assert_expected(model, GAIT_VERDICT_SYSCALL, 0.25);
	/* read in b; write in a is a syscall already */
	assert_expected(model, GAIT_VERDICT_LIBRARY, 0.25);
	/* read at 0x20 */
	assert_expected(model, GAIT_VERDICT_SITE, 0.25);
	/* 2 → 2; the other edges of one run touch symbols of one run */
	assert_expected(model, GAIT_VERDICT_SEQUENCE, 0.25);
	assert_expected(model, GAIT_VERDICT_PHASE, 0);
	assert_expected(model, GAIT_VERDICT_ISSUER, 0);
	assert_expected(model, GAIT_VERDICT_ROLE, 0);
	assert_expected(model, GAIT_VERDICT_EXEC, 0);
}

static void
test_expected_issuer(void)
{
	g_autoptr(GaitModel) model = make_model();
	GArray *issuers = gait_model_get_program(model, 0)->issuers;
	/* One of read, which is known from four runs, and one of write, which is not. */
	GaitIssuer read = {0, 0, 0x99, 1}, write = {1, 0, 0x99, 1};

	g_array_append_val(issuers, read);
	g_array_append_val(issuers, write);
	gait_model_normalize(model);
	assert_expected(model, GAIT_VERDICT_ISSUER, 0.25);
}

static void
test_expected_role_and_exec(void)
{
	g_autoptr(GaitModel) model = make_model();
	GaitProgram *program = gait_model_get_program(model, 0);
	GaitProgram *other = gait_model_add_program(model, "/bin/q");
	guint32 exec = 1;

	/* A role of one run with a child, and a program of one run with a call of its own. */
	gait_program_add_role(program, 0, (GaitSymbolRef){0, 0})->n_runs = 1;
	gait_program_add_role(program, 1, (GaitSymbolRef){0, 1})->n_runs = 1;
	g_array_append_val(program->execs, exec);
	other->n_runs = 1;
	gait_program_add_role(other, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, 0})->n_runs = 1;
	add_symbol(gait_program_add_library(other, 0), 5, 0x40, 1);
	gait_model_normalize(model);
	assert_expected(model, GAIT_VERDICT_ROLE, 0.25);
	assert_expected(model, GAIT_VERDICT_EXEC, 0.25);
	assert_expected(model, GAIT_VERDICT_SYSCALL, 0.25);
}

/* Nobody is surprised by where a program waits for a lock. */
static void
test_expected_luck(void)
{
	const guint32 futex = (guint32)gait_syscall_from_name("futex");
	g_autoptr(GaitModel) model = make_model();
	GaitProgram *program = gait_model_get_program(model, 0);
	GaitLibrary *a = gait_program_get_library(program, 0);
	GaitIssuer issuers[] = {{futex, 0, 0x77, 4}, {futex, 0, 0x99, 1}};

	add_symbol(a, futex, 0x40, 4);
	add_symbol(a, futex, 0x50, 1);
	g_array_append_vals(program->issuers, issuers, G_N_ELEMENTS(issuers));
	gait_model_normalize(model);
	assert_expected(model, GAIT_VERDICT_SITE, 0.25); /* as before */
	assert_expected(model, GAIT_VERDICT_ISSUER, 0);
}

/* A call that a role was seen to make in one run only, though the program makes it in all. */
static void
test_expected_phase(void)
{
	g_autoptr(GaitModel) model = make_model();
	GaitRole *role = gait_program_get_role(gait_model_get_program(model, 0), 0);
	GaitSymbolRef ref = {0, 0};

	g_array_append_val(role->symbols, ref);
	role->n_instances = role->n_starts = 4;
	gait_role_alloc_relations(role);
	gait_model_normalize(model);
	assert_expected(model, GAIT_VERDICT_PHASE, 0.25);
	role->before_twice[0] = 1;
	assert_expected(model, GAIT_VERDICT_PHASE, 0);
}

static void
test_no_runs(void)
{
	g_autoptr(GaitModel) model = gait_model_new();
	double per_run[GAIT_VERDICT_N_ + 3];

	gait_model_normalize(model);
	gait_metrics_expected(model, per_run, G_N_ELEMENTS(per_run));
	for (guint i = 0; i < G_N_ELEMENTS(per_run); i++)
		g_assert_cmpfloat(per_run[i], ==, 0);
}

/* In any world: the program is the sum of its libraries, and of its roles no edge is missing. */
static void
test_sums(void)
{
	for (guint i = 0; i < 20; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) model = world_learn(world, 31);
		const GaitProgram *program = gait_model_get_program(model, 0);
		guint n_symbols = 0, n_edges = 0, n_role_edges = 0;
		GaitMetrics metrics;

		for (guint32 k = 0; k < program->libraries->len; k++) {
			gait_metrics_library(model, program, k, &metrics);
			n_symbols += metrics.n_symbols;
			n_edges += metrics.n_edges;
		}
		for (guint32 k = 0; k < program->roles->len; k++) {
			gait_metrics_role(model, program, k, &metrics);
			n_role_edges += metrics.n_edges;
		}
		gait_metrics_program(model, program, &metrics);
		g_assert_cmpuint(metrics.n_symbols, ==, n_symbols);
		g_assert_cmpuint(metrics.n_edges, ==, n_edges);
		g_assert_cmpuint(n_role_edges, >=, n_edges);
		g_assert_cmpfloat(metrics.branching, <=, metrics.n_symbols + EPSILON);
		g_assert_cmpfloat_with_epsilon(metrics.unseen_per_run, metrics.n_singletons / 5.0,
		                               EPSILON);
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/metrics/library", test_library);
	g_test_add_func("/metrics/program-and-role", test_program_and_role);
	g_test_add_func("/metrics/role-weights", test_role_weights);
	g_test_add_func("/metrics/expected", test_expected);
	g_test_add_func("/metrics/expected-issuer", test_expected_issuer);
	g_test_add_func("/metrics/expected-role-and-exec", test_expected_role_and_exec);
	g_test_add_func("/metrics/expected-luck", test_expected_luck);
	g_test_add_func("/metrics/expected-phase", test_expected_phase);
	g_test_add_func("/metrics/no-runs", test_no_runs);
	g_test_add_func("/metrics/sums", test_sums);
	return g_test_run();
}
