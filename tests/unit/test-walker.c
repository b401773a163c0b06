/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdict tables: a small model made by hand, what happens to a task, and the verdict expected at
 * each step.
 */
#include "tests/unit/app-model.h"
#include "tests/unit/unit.h"

/* Rows of tables leave out what is nothing special. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* --- tables ---------------------------------------------------------------------------------- */

typedef enum {
	CALL,       /* step; then resync where it was refused */
	REFUSED,    /* step, and no resync */
	SIGNAL_IN,  /* a handler starts */
	UNWIND,     /* `letter` handlers are left */
	LOST,       /* events are missing */
	EXEC_OTHER, /* /bin/other */
	FORK,       /* becomes its own child */
	THREAD,     /* the same as a thread */
} Action;

typedef struct {
	Action action;
	int letter;
	GaitVerdict verdict;
	guint32 phase; /* afterwards */
	/* What is different from the letter: */
	const char *call;
	guint32 klass;
	guint64 site;
	guint32 flags;
	gboolean is_foreign_module, is_foreign_issuer, is_other_instruction;
} Row;

static struct gait_walk_event
make_event(const Fixture *fixture, const Row *row)
{
	const Letter *letter = &letters[row->letter];
	struct gait_walk_event event = {
	    .nr = (guint32)gait_syscall_from_name(row->call ? row->call : letter->call),
	    .klass = row->klass ? row->klass : letter->klass,
	    .module = row->is_foreign_module ? GAIT_NONE : fixture->modules[letter->module],
	    .site = row->site ? row->site : letter->site,
	    .issuer_module = row->is_foreign_issuer ? GAIT_NONE : fixture->modules[LIBC],
	    .flags = row->flags,
	};

	event.issuer_offset = (row->is_other_instruction ? 0x2000 : 0x1000) + event.nr;
	return event;
}

static void
act(const Fixture *fixture, GaitWalker **walker, const Row *row, guint index)
{
	struct gait_walk_event event = make_event(fixture, row);
	GaitVerdict verdict;
	GaitWalker *child;

	switch (row->action) {
	case CALL:
	case REFUSED:
		verdict = gait_walker_step(*walker, &event);
		if (verdict != row->verdict)
			g_error("row %u: %s, not %s", index, gait_verdict_name(verdict),
			        gait_verdict_name(row->verdict));
		if (verdict != GAIT_VERDICT_ALLOW && row->action == CALL)
			gait_walker_resync(*walker, &event);
		break;
	case SIGNAL_IN:
		gait_walker_signal(*walker);
		break;
	case UNWIND:
		gait_walker_unwind(*walker, (guint64)row->letter);
		break;
	case LOST:
		gait_walker_lost(*walker);
		break;
	case EXEC_OTHER:
		gait_walker_exec(*walker, fixture->other);
		break;
	case FORK:
	case THREAD:
		child = gait_walker_fork(*walker, row->action == THREAD ? GAIT_TASK_THREAD : 0);
		gait_walker_free(*walker);
		*walker = child;
		break;
	}
	if (gait_walker_get_phase(*walker) != row->phase)
		g_error("row %u: phase %u, not %u", index, gait_walker_get_phase(*walker),
		        row->phase);
}

static void
walk(const Fixture *fixture, GaitWalker *walker, const Row *rows, guint n_rows)
{
	for (guint i = 0; i < n_rows; i++)
		act(fixture, &walker, &rows[i], i);
	gait_walker_free(walker);
}

#define WALK(rows)                                                                                 \
	walk(fixture, gait_walker_new(fixture->table, fixture->program), rows, G_N_ELEMENTS(rows))
#define ALLOW    GAIT_VERDICT_ALLOW
#define SYSCALL  GAIT_VERDICT_SYSCALL
#define ISSUER   GAIT_VERDICT_ISSUER
#define LIBRARY  GAIT_VERDICT_LIBRARY
#define PHASE    GAIT_VERDICT_PHASE
#define SITE     GAIT_VERDICT_SITE
#define SEQUENCE GAIT_VERDICT_SEQUENCE
#define ROLE     GAIT_VERDICT_ROLE

static void
test_walk(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},   {CALL, READ, ALLOW, 1}, {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1},  {CALL, READ, ALLOW, 1}, {CALL, WRITE, ALLOW, 1},
	    {CALL, UNLINK, ALLOW, 2},
	};

	WALK(rows);
}

static void
test_kinds(Fixture *fixture, gconstpointer data)
{
	/* Each wrong in one more respect than the table's next row: the outermost is reported. */
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 1},
	    {REFUSED, READ, SYSCALL, 1, .call = "socket", .is_foreign_issuer = TRUE},
	    {REFUSED, READ, SYSCALL, 1, .klass = 7},
	    {REFUSED, OPEN, ISSUER, 1, .is_foreign_issuer = TRUE, .is_foreign_module = TRUE},
	    {REFUSED, UNLINK, LIBRARY, 1, .is_foreign_module = TRUE},
	    {REFUSED, ZREAD, LIBRARY, 1, .call = "write"},
	    {REFUSED, OPEN, PHASE, 1, .site = 0x99},
	    {REFUSED, READ, SITE, 1, .site = 0x99},
	    {REFUSED, READ, SEQUENCE, 1},
	    /* Refused steps moved nothing. */
	    {CALL, WRITE, ALLOW, 1},
	};

	WALK(rows);
}

static void
test_resync(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 1},
	    /* One surprise is one line: the walk goes on from the known symbol. */
	    {CALL, READ, SEQUENCE, 1},
	    {CALL, WRITE, ALLOW, 1},
	    /* From an unknown site the library's state is anywhere. */
	    {CALL, READ, SITE, 1, .site = 0x99},
	    {CALL, CLONE, ALLOW, 1},
	};
	/* A phase may be skipped, where the sequence has nothing against it; there is no way back.
	 */
	static const Row skip[] = {
	    {CALL, OPEN, SITE, 0, .site = 0x99},
	    {CALL, UNLINK, ALLOW, 2},
	    {REFUSED, OPEN, PHASE, 2},
	};
	/* The milestone of a later phase: out of sequence, not out of phase; let through, it is
	 * reached. */
	static const Row jump[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, UNLINK, SEQUENCE, 2},
	    {CALL, WRITE, SEQUENCE, 2},
	    {CALL, READ, ALLOW, 2},
	    /* So it was not: a stretch of an earlier phase is one line. */
	    {CALL, CLONE, PHASE, 1},
	    {CALL, FUTEX, ALLOW, 1},
	    {CALL, READ, ALLOW, 1},
	    {CALL, OPEN, PHASE, 0},
	    {CALL, READ, ALLOW, 1},
	    {REFUSED, OPEN, PHASE, 1},
	};

	WALK(rows);
	WALK(skip);
	WALK(jump);
}

static void
test_incidental(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, FUTEX, ALLOW, 0},
	    {CALL, FUTEX, ALLOW, 0, .is_other_instruction = TRUE},
	    {REFUSED, FUTEX, ISSUER, 0, .is_foreign_issuer = TRUE},
	    {REFUSED, READ, ISSUER, 0, .is_other_instruction = TRUE},
	    {CALL, READ, ALLOW, 1},
	    {CALL, FUTEX, ALLOW, 1, .site = 0x51},
	    {CALL, FUTEX, SYSCALL, 1, .klass = 9},
	    {REFUSED, READ, SEQUENCE, 1},
	    /* What it continues was checked. */
	    {CALL, READ, ALLOW, 1, .call = "restart_syscall", .is_foreign_issuer = TRUE},
	    {CALL, WRITE, ALLOW, 1},
	    {CALL, UNLINK, ALLOW, 2},
	    {CALL, FUTEX, ALLOW, 2}, /* not in this phase before, but by main */
	    /* Let through by any policy, so it must not lead anywhere. */
	    {CALL, FUTEX, ISSUER, 2, .is_foreign_issuer = TRUE},
	    {CALL, FUTEX, LIBRARY, 2, .is_foreign_module = TRUE},
	    {REFUSED, OPEN, PHASE, 2},
	    {REFUSED, CLONE, PHASE, 2},
	    {REFUSED, FUTEX, SITE, 2, .call = "unlink"},
	    {REFUSED, ZREAD, LIBRARY, 2, .call = "futex"},
	};

	WALK(rows);
}

static void
test_signals(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 1},
	    {SIGNAL_IN, 0, ALLOW, 1},
	    {REFUSED, READ, SEQUENCE, 1},
	    {CALL, WRITE, ALLOW, 1},
	    {SIGNAL_IN, 0, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1},
	    {CALL, SIGRETURN, ALLOW, 1},
	    {CALL, READ, ALLOW, 1}, /* write was the outer handler's */
	    {CALL, SIGRETURN, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1}, /* after the interrupted read */
	    /* Nothing to return from: a forged signal frame. */
	    {REFUSED, SIGRETURN, SEQUENCE, 1},
	    {SIGNAL_IN, 0, ALLOW, 1},
	    {SIGNAL_IN, 0, ALLOW, 1},
	    {UNWIND, 2, ALLOW, 1},
	    {REFUSED, SIGRETURN, SEQUENCE, 1},
	    {CALL, READ, ALLOW, 1},
	    {UNWIND, 5, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1},
	};

	WALK(rows);
}

static void
test_deep_signals(Fixture *fixture, gconstpointer data)
{
	GaitWalker *walker = gait_walker_new(fixture->table, fixture->program);
	const Row open = {CALL, OPEN, ALLOW, 0}, read = {CALL, READ, ALLOW, 1};
	const Row handled = {CALL, SIGRETURN, ALLOW, 1};
	const Row refused = {REFUSED, SIGRETURN, SEQUENCE, 1};

	act(fixture, &walker, &open, 0);
	act(fixture, &walker, &read, 1);
	for (guint i = 0; i < 1000; i++)
		gait_walker_signal(walker);
	/* Beyond the bound handlers share their states, where only the first return is after a
	   start; the others are counted all the same. */
	gait_walker_unwind(walker, 999);
	act(fixture, &walker, &handled, 2);
	act(fixture, &walker, &refused, 3);
	gait_walker_free(walker);
}

static void
test_forks(Fixture *fixture, gconstpointer data)
{
	static const Row forked[] = {
	    {CALL, OPEN, ALLOW, 0},  {CALL, READ, ALLOW, 1},      {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1}, {FORK, 0, ALLOW, 0},         {CALL, READ, ALLOW, 0},
	    {CALL, WRITE, ALLOW, 0}, {REFUSED, UNLINK, PHASE, 0},
	};
	static const Row threaded[] = {
	    {CALL, OPEN, ALLOW, 0},    {CALL, READ, ALLOW, 1}, {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1},   {THREAD, 0, ALLOW, 0},  {REFUSED, WRITE, SEQUENCE, 0},
	    {REFUSED, OPEN, PHASE, 0}, {CALL, READ, ALLOW, 0},
	};
	/* A fork inside of a handler is inside of it, too. */
	static const Row handling[] = {
	    {CALL, OPEN, ALLOW, 0},      {CALL, READ, ALLOW, 1},  {SIGNAL_IN, 0, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1},     {CALL, CLONE, ALLOW, 1}, {FORK, 0, ALLOW, 0},
	    {CALL, SIGRETURN, ALLOW, 0}, {CALL, WRITE, ALLOW, 0},
	};
	/* A signal interrupts the creation, and the kernel makes it again: not the handler's child.
	 */
	static const Row interrupted[] = {
	    {CALL, OPEN, ALLOW, 0},      {CALL, READ, ALLOW, 1},      {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1},     {SIGNAL_IN, 0, ALLOW, 1},    {CALL, WRITE, ALLOW, 1},
	    {CALL, SIGRETURN, ALLOW, 1}, {FORK, 0, ALLOW, 0},         {CALL, READ, ALLOW, 0},
	    {REFUSED, OPEN, PHASE, 0},   {REFUSED, UNLINK, PHASE, 0},
	};
	/* A worker never made a task. Let through, its child is one more worker. */
	static const Row role[] = {
	    {CALL, OPEN, ALLOW, 0},  {CALL, READ, ALLOW, 1},    {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1}, {FORK, 0, ALLOW, 0},       {CALL, READ, ALLOW, 0},
	    {CALL, WRITE, ALLOW, 0}, {CALL, CLONE, PHASE, 0},   {FORK, 0, ALLOW, 0},
	    {CALL, READ, ALLOW, 0},  {REFUSED, OPEN, PHASE, 0},
	};

	WALK(forked);
	WALK(threaded);
	WALK(handling);
	WALK(interrupted);
	WALK(role);
}

/* A creation that other roles know, in one that may make the call otherwise. */
static void
test_role(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},  {CALL, READ, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1}, {CALL, CLONE, ALLOW, 1},
	    {FORK, 0, ALLOW, 0},     {CALL, READ, ALLOW, 0},
	    {CALL, WRITE, ALLOW, 0}, {CALL, CLONE, ROLE, 0},
	    {FORK, 0, ALLOW, 0}, /* taken for one more of its parent's role */
	    {CALL, READ, ALLOW, 0},  {REFUSED, OPEN, PHASE, 0},
	};
	const GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);
	GaitPhase *phase = g_ptr_array_index(gait_program_get_role(program, 1)->phases, 0);
	guint32 call = find_call(program, &letters[CLONE]);

	g_array_append_val(phase->allowed, call);
	gait_walk_table_unref(fixture->table);
	fixture->table = gait_walk_table_new(fixture->model, NULL);
	WALK(rows);
}

/* A creation that never made a task: nothing was ever wrong with the call. */
static void
test_failed_creation(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},  {CALL, READ, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1}, {CALL, CLONE, ALLOW, 1},
	    {CALL, READ, ALLOW, 1},  {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1}, {FORK, 0, ALLOW, 0},
	    {CALL, READ, ALLOW, 1}, /* main's child is taken for main, in a phase that is not known
	                             */
	};
	GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);

	g_ptr_array_set_size(program->roles, 1);
	gait_walk_table_unref(fixture->table);
	fixture->table = gait_walk_table_new(fixture->model, NULL);
	WALK(rows);
}

/* What only shows once the task is there. */
static void
test_check_fork(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 1},
	    {CALL, WRITE, ALLOW, 1},
	    {CALL, CLONE, ALLOW, 1},
	};
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);
	GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);

	g_assert_cmpint(gait_walker_check_fork(walker, 0), ==, GAIT_VERDICT_ROLE);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		act(fixture, &walker, &rows[i], i);
	g_assert_cmpint(gait_walker_check_fork(walker, 0), ==, GAIT_VERDICT_ALLOW);
	/* Where only processes were ever made, clone3's flags being out of sight. */
	g_assert_cmpint(gait_walker_check_fork(walker, GAIT_TASK_THREAD), ==, GAIT_VERDICT_ROLE);
	gait_program_get_role(program, 1)->is_thread = TRUE;
	g_assert_cmpint(gait_walker_check_fork(walker, GAIT_TASK_THREAD), ==, GAIT_VERDICT_ALLOW);
	/* A creation that always failed. */
	g_ptr_array_set_size(program->roles, 1);
	gait_walk_table_unref(fixture->table);
	fixture->table = gait_walk_table_new(fixture->model, NULL);
	gait_walker_free(walker);
	walker = gait_walker_new(fixture->table, fixture->program);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		act(fixture, &walker, &rows[i], i);
	g_assert_cmpint(gait_walker_check_fork(walker, 0), ==, GAIT_VERDICT_ROLE);
}

static void
test_exec(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GaitWalker) walker = gait_walker_new(fixture->table, fixture->program);
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {SIGNAL_IN, 0, ALLOW, 0},
	    {EXEC_OTHER, 0, ALLOW, 0},
	    {REFUSED, OPEN, PHASE, 0}, /* it knows the calls, but main there never made any */
	};

	g_assert_cmpint(gait_walker_check_exec(walker, fixture->other), ==, GAIT_VERDICT_ALLOW);
	g_assert_cmpint(gait_walker_check_exec(walker, fixture->program), ==, GAIT_VERDICT_EXEC);
	g_assert_cmpint(gait_walker_check_exec(walker, GAIT_NONE), ==, GAIT_VERDICT_EXEC);
	WALK(rows);
}

static void
test_stale(Fixture *fixture, gconstpointer data)
{
	/* A rebuilt library is checked up to the phase, of which no more is known than a bound. */
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 0, .site = 0x99, .flags = GAIT_WALK_STALE_SITES},
	    {CALL, READ, SYSCALL, 0, .klass = 7, .flags = GAIT_WALK_STALE_SITES},
	    {CALL, OPEN, ALLOW, 0, .site = 0x99, .flags = GAIT_WALK_STALE_SITES},
	    {REFUSED, ZREAD, LIBRARY, 0, .call = "write", .flags = GAIT_WALK_STALE_SITES},
	};
	/* One without milestones leaves the phase as sharp as it was. */
	static const Row sharp[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, READ, ALLOW, 1},
	    {CALL, ZREAD, ALLOW, 1, .site = 0x99, .flags = GAIT_WALK_STALE_SITES},
	    {REFUSED, OPEN, PHASE, 1},
	    {CALL, WRITE, ALLOW, 1, .is_foreign_issuer = TRUE, .flags = GAIT_WALK_STALE_ISSUER},
	};
	static const Row stackless[] = {
	    {CALL, OPEN, ALLOW, 0, .is_foreign_module = TRUE, .flags = GAIT_WALK_NO_STACK},
	    {CALL, UNLINK, ALLOW, 0, .is_foreign_module = TRUE, .flags = GAIT_WALK_NO_STACK},
	    {CALL, OPEN, SYSCALL, 0, .call = "socket", .flags = GAIT_WALK_NO_STACK},
	};
	/* The role is told by the call alone where only one fits. */
	static const Row forked[] = {
	    {CALL, CLONE, ALLOW, 0, .flags = GAIT_WALK_NO_STACK},
	    {FORK, 0, ALLOW, 0},
	    {CALL, READ, ALLOW, 0, .flags = GAIT_WALK_NO_STACK},
	    {REFUSED, OPEN, PHASE, 0, .flags = GAIT_WALK_NO_STACK},
	};

	WALK(rows);
	WALK(sharp);
	WALK(stackless);
	walk(fixture, gait_walker_new_joined(fixture->table, fixture->program, 0), forked,
	     G_N_ELEMENTS(forked));
}

static void
test_lost(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},       {LOST, 0, ALLOW, 0},
	    {CALL, WRITE, ALLOW, 0}, /* some read may have been lost */
	    {REFUSED, OPEN, SEQUENCE, 0}, {CALL, UNLINK, ALLOW, 2},
	    {REFUSED, OPEN, PHASE, 2},    {LOST, 0, ALLOW, 2},
	    {CALL, FUTEX, ALLOW, 2},      {REFUSED, CLONE, PHASE, 2},
	};

	WALK(rows);
}

static void
test_joined(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {REFUSED, READ, SYSCALL, 0, .call = "socket"},
	    {CALL, READ, ALLOW, 0},
	    {REFUSED, READ, SEQUENCE, 0},
	    {CALL, WRITE, ALLOW, 0},
	    /* Only main unlinks, and only in its last phase: from here on nothing is unsure. */
	    {CALL, UNLINK, ALLOW, 2},
	    {REFUSED, OPEN, PHASE, 2},
	    {REFUSED, WRITE, SEQUENCE, 2},
	    {CALL, ZREAD, ALLOW, 2},
	};
	g_autoptr(GaitWalker) walker = gait_walker_new_joined(fixture->table, fixture->program, 0);

	g_assert_cmpuint(gait_walker_get_role(walker), ==, GAIT_NONE);
	g_assert_cmpuint(gait_walker_get_state(walker, fixture->modules[APP]), ==, GAIT_NONE);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		act(fixture, &walker, &rows[i], i);
	g_assert_cmpuint(gait_walker_get_role(walker), ==, 0);
}

/* A role that does not fit what is known of the task is none that it may be in. */
static void
test_joined_thread(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {REFUSED, UNLINK, PHASE, 0},   {REFUSED, CLONE, PHASE, 0}, {CALL, WRITE, ALLOW, 0},
	    {REFUSED, WRITE, SEQUENCE, 0}, {CALL, READ, ALLOW, 0},
	};
	GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);
	g_autoptr(GaitWalker) walker = NULL;

	gait_program_get_role(program, 1)->is_thread = TRUE;
	walker = gait_walker_new_joined(fixture->table, fixture->program, GAIT_TASK_THREAD);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		act(fixture, &walker, &rows[i], i);
	g_assert_cmpuint(gait_walker_get_role(walker), ==, 1);
}

/* What is let through although no possible role does it leaves all roles possible that do. */
static void
test_joined_resync(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, UNLINK, PHASE, 2},
	    {REFUSED, OPEN, PHASE, 2},
	    {CALL, READ, SEQUENCE, 2},
	};
	GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);
	g_autoptr(GaitWalker) walker = NULL;

	gait_program_get_role(program, 1)->is_thread = TRUE;
	walker = gait_walker_new_joined(fixture->table, fixture->program, GAIT_TASK_THREAD);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
		act(fixture, &walker, &rows[i], i);
	g_assert_cmpuint(gait_walker_get_role(walker), ==, 0);
}

static void
test_modules(Fixture *fixture, gconstpointer data)
{
	gboolean is_stale = TRUE;

	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/usr/lib/libc.so.6", "b1", &is_stale), ==,
	    fixture->modules[LIBC]);
	g_assert_false(is_stale);
	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/lib/libc.so.6", "b2", &is_stale), ==,
	    fixture->modules[LIBC]);
	g_assert_true(is_stale);
	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/lib/libc.so.6", "", &is_stale), ==,
	    fixture->modules[LIBC]);
	g_assert_true(is_stale);
	/* Its name alone makes no other build of it. */
	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/tmp/libc.so.6", "b2", &is_stale), ==,
	    GAIT_NONE);
	g_assert_false(is_stale);
	g_assert_true(gait_walk_table_has_namesake(fixture->table, "/tmp/libc.so.6"));
	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/lib/libx.so", "b1", &is_stale), ==,
	    GAIT_NONE);
	g_assert_false(is_stale);
	g_assert_false(gait_walk_table_has_namesake(fixture->table, "/lib/libx.so"));
}

static void
test_names(void)
{
	for (GaitVerdict v = 0; v < GAIT_VERDICT_N_; v++)
		g_assert_cmpint(gait_verdict_from_name(gait_verdict_name(v)), ==, v);
	g_assert_cmpint(gait_verdict_from_name("nonsense"), ==, GAIT_VERDICT_N_);
}

#define CASE(name)                                                                                 \
	g_test_add("/walker/" #name, Fixture, NULL, fixture_set_up, test_##name, fixture_tear_down)

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	CASE(walk);
	CASE(kinds);
	CASE(resync);
	CASE(incidental);
	CASE(signals);
	CASE(deep_signals);
	CASE(forks);
	CASE(role);
	CASE(failed_creation);
	CASE(check_fork);
	CASE(exec);
	CASE(stale);
	CASE(lost);
	CASE(joined);
	CASE(joined_thread);
	CASE(joined_resync);
	CASE(modules);
	g_test_add_func("/walker/names", test_names);
	return g_test_run();
}
