/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that executes itself: which role its tasks go on in, by a model made by hand of
 * /bin/sh, which forks children that run it anew or run something else.
 */
#include "tests/unit/unit.h"

#include "sysgait/model.h"
#include "sysgait/syscall.h"
#include "sysgait/walker.h"

enum { READ, WRITE, FORK, EXEC, EXEC_ELSEWHERE, N_LETTERS };

static const struct {
	const char *call;
	guint64 site;
} letters[N_LETTERS] = {
    [READ] = {"read", 0x10},   [WRITE] = {"write", 0x20},           [FORK] = {"fork", 0x30},
    [EXEC] = {"execve", 0x40}, [EXEC_ELSEWHERE] = {"execve", 0x50},
};

typedef struct {
	GaitModel *model;
	GaitWalkTable *table;
	guint32 program, other;
} Fixture;

static GaitSymbolRef
find_letter(const GaitProgram *program, int letter)
{
	const GaitLibrary *library = gait_program_get_library(program, 0);

	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		if (symbol->site == letters[letter].site)
			return (GaitSymbolRef){0, i};
	}
	g_assert_not_reached();
}

static void
add_role(GaitProgram *program, guint32 parent, int creation, const int *does)
{
	GaitSymbolRef ref = {GAIT_NONE, GAIT_NONE};
	GaitRole *role;

	if (parent != GAIT_NONE)
		ref = find_letter(program, creation);
	role = gait_program_add_role(program, parent, ref);
	for (; *does >= 0; does++) {
		ref = find_letter(program, *does);
		g_array_append_val(role->symbols, ref);
	}
	gait_role_alloc_relations(role);
}

static void
add_program(GaitModel *model, GaitProgram *program)
{
	gait_program_add_library(program, 0);
	for (guint i = 0; i < N_LETTERS; i++)
		gait_library_add_symbol(gait_program_get_library(program, 0),
		                        (guint32)gait_syscall_from_name(letters[i].call), 0,
		                        letters[i].site, NULL, 0);
	for (guint32 from = 0; from < GAIT_STATE_FIRST + N_LETTERS; from++)
		for (guint32 to = 0; to < N_LETTERS && from != GAIT_STATE_SIGNAL; to++)
			gait_library_add_edge(gait_program_get_library(program, 0), from,
			                      GAIT_STATE_FIRST + to);
}

/* data: not NULL: as one of format 1, in which main is all. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
	GaitModel *model = fixture->model = gait_model_new();
	GaitProgram *program = gait_model_add_program(model, "/bin/sh");
	GaitProgram *other = gait_model_add_program(model, "/bin/true");
	const guint32 execs[] = {0, 1};

	gait_model_add_module(model, "/bin/sh", "b1", FALSE);
	add_program(model, program);
	add_role(program, GAIT_NONE, 0, (const int[]){READ, FORK, EXEC, EXEC_ELSEWHERE, -1});
	add_role(program, 0, FORK, (const int[]){EXEC, EXEC_ELSEWHERE, -1});
	if (!data)
		add_role(program, 1, EXEC, (const int[]){WRITE, FORK, EXEC, -1});
	add_role(other, GAIT_NONE, 0, (const int[]){-1});
	g_array_append_vals(program->execs, execs, 2);
	g_array_append_vals(other->execs, execs, 1);
	gait_model_normalize(model);
	fixture->program = gait_model_find_program(model, "/bin/sh");
	fixture->other = gait_model_find_program(model, "/bin/true");
	fixture->table = gait_walk_table_new(model, NULL);
	g_assert_nonnull(fixture->table);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
	gait_walk_table_unref(fixture->table);
	gait_model_free(fixture->model);
}

static GaitVerdict
call(GaitWalker *walker, int letter)
{
	struct gait_walk_event event = {
	    .nr = (guint32)gait_syscall_from_name(letters[letter].call),
	    .site = letters[letter].site,
	};

	return gait_walker_step(walker, &event);
}

static void
fork_and_exec(const Fixture *fixture, GaitWalker **walker)
{
	GaitWalker *child;

	g_assert_cmpint(call(*walker, FORK), ==, GAIT_VERDICT_ALLOW);
	child = gait_walker_fork(*walker, 0);
	gait_walker_free(*walker);
	*walker = child;
	g_assert_cmpint(call(*walker, EXEC), ==, GAIT_VERDICT_ALLOW);
	gait_walker_exec(*walker, fixture->program);
}

static const char *
name_role(const Fixture *fixture, const GaitWalker *walker)
{
	guint32 role = gait_walker_get_role(walker);

	return role == GAIT_NONE
	           ? "none"
	           : gait_program_get_role(
	                 gait_model_get_program(fixture->model, gait_walker_get_program(walker)),
	                 role)
	                 ->name;
}

#define AGAIN "main/fork@30/execve@40"

static void
test_again(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);

	fork_and_exec(fixture, &walker);
	g_assert_cmpstr(name_role(fixture, walker), ==, AGAIN);
	g_assert_cmpint(call(walker, READ), ==, GAIT_VERDICT_PHASE);
	g_assert_cmpint(call(walker, WRITE), ==, GAIT_VERDICT_ALLOW);
	/* Its children, and what they run, are of the roles that made it. */
	fork_and_exec(fixture, &walker);
	g_assert_cmpstr(name_role(fixture, walker), ==, AGAIN);
	g_assert_cmpint(call(walker, EXEC), ==, GAIT_VERDICT_ALLOW);
	gait_walker_exec(walker, fixture->program);
	g_assert_cmpstr(name_role(fixture, walker), ==, AGAIN);
}

static void
test_another(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);

	g_assert_cmpint(call(walker, EXEC), ==, GAIT_VERDICT_ALLOW);
	gait_walker_exec(walker, fixture->other);
	g_assert_cmpuint(gait_walker_get_program(walker), ==, fixture->other);
	g_assert_cmpstr(name_role(fixture, walker), ==, "main");
	gait_walker_exec(walker, fixture->program);
	g_assert_cmpstr(name_role(fixture, walker), ==, "main");
	g_assert_cmpint(call(walker, WRITE), ==, GAIT_VERDICT_PHASE);
}

/* By a call that never did in training, or that nobody saw: of the roles that an exec leads to. */
static void
test_unsure(Fixture *fixture, gconstpointer data)
{
	for (guint is_lost = 0; is_lost < 2; is_lost++) {
		g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);

		g_assert_cmpint(call(walker, is_lost ? EXEC : EXEC_ELSEWHERE), ==,
		                GAIT_VERDICT_ALLOW);
		if (is_lost)
			gait_walker_lost(walker);
		gait_walker_exec(walker, fixture->program);
		g_assert_cmpstr(name_role(fixture, walker), ==, "none");
		g_assert_cmpint(call(walker, EXEC), ==, GAIT_VERDICT_ALLOW);
		g_assert_cmpstr(name_role(fixture, walker), ==, "none");
		g_assert_cmpint(call(walker, EXEC_ELSEWHERE), ==, GAIT_VERDICT_ALLOW);
		g_assert_cmpstr(name_role(fixture, walker), ==, "main");
	}
}

static void
test_old(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);

	fork_and_exec(fixture, &walker);
	g_assert_cmpstr(name_role(fixture, walker), ==, "main");
	g_assert_cmpint(call(walker, READ), ==, GAIT_VERDICT_ALLOW);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add("/again/again", Fixture, NULL, set_up, test_again, tear_down);
	g_test_add("/again/another", Fixture, NULL, set_up, test_another, tear_down);
	g_test_add("/again/unsure", Fixture, NULL, set_up, test_unsure, tear_down);
	g_test_add("/again/old", Fixture, "1", set_up, test_old, tear_down);
	return g_test_run();
}
