/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdict tables: a small model made by hand, what happens to a task, and the verdict expected at
 * each step.
 */
#include "tests/unit/unit.h"

#include "sysgait/model.h"
#include "sysgait/syscall.h"
#include "sysgait/walker.h"

#include <string.h>

/* Rows of tables leave out what is nothing special. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { LIBC, APP, ZIP, N_MODULES };
static const char *const module_paths[] = {
    [LIBC] = "/lib/libc.so.6", [APP] = "/bin/app", [ZIP] = "/lib/libzip.so.1"};

/* The alphabet of the model. */
enum { OPEN, READ, WRITE, CLONE, FUTEX, UNLINK, SIGRETURN, ZREAD, ZMMAP, N_LETTERS };

typedef struct {
	guint32 module;
	const char *call;
	guint32 klass;
	guint64 site;
} Letter;

static const Letter letters[] = {
    [OPEN] = {APP, "openat", 0, 0x10},
    [READ] = {APP, "read", 0, 0x20},
    [WRITE] = {APP, "write", 0, 0x30},
    [CLONE] = {APP, "clone", 0x11, 0x40},
    [FUTEX] = {APP, "futex", 0, 0x50},
    [UNLINK] = {APP, "unlink", 0, 0x60},
    [SIGRETURN] = {LIBC, "rt_sigreturn", 0, 0x70},
    [ZREAD] = {ZIP, "read", 0, 0x10},
    [ZMMAP] = {ZIP, "mmap", 2, 0x20},
};

enum { FROM_START = -1, FROM_SIGNAL = -2 };

/* start → open → read ⇄ write, write → clone → read, write → unlink; in handlers: write. */
static const struct {
	int from, to;
} arcs[] = {
    {FROM_START, OPEN}, {OPEN, READ},        {READ, WRITE},   {WRITE, READ},
    {WRITE, CLONE},     {CLONE, READ},       {WRITE, UNLINK}, {FROM_SIGNAL, WRITE},
    {FROM_START, READ}, {FROM_START, ZREAD}, {ZREAD, ZMMAP},  {FROM_SIGNAL, SIGRETURN},
};

typedef struct {
	GaitModel *model;
	GaitWalkTable *table;
	guint32 modules[N_MODULES]; /* after normalize */
	guint32 program, other;
} Fixture;

static guint32
find_module(const GaitModel *model, const char *path)
{
	for (guint32 i = 0; i < model->modules->len; i++)
		if (strcmp(((GaitModelModule *)g_ptr_array_index(model->modules, i))->path, path) ==
		    0)
			return i;
	g_assert_not_reached();
}

/* Where a letter is in the program as it is now. */
static GaitSymbolRef
find_letter(const GaitModel *model, const GaitProgram *program, const Letter *letter)
{
	for (guint32 l = 0; l < program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(program, l);
		const GaitModelModule *module = g_ptr_array_index(model->modules, library->module);

		if (strcmp(module->path, module_paths[letter->module]) != 0)
			continue;
		for (guint32 s = 0; s < library->symbols->len; s++) {
			const GaitSymbol *symbol = g_ptr_array_index(library->symbols, s);

			if (symbol->site == letter->site &&
			    symbol->nr == (guint32)gait_syscall_from_name(letter->call))
				return (GaitSymbolRef){l, s};
		}
	}
	g_assert_not_reached();
}

static guint32
find_call(const GaitProgram *program, const Letter *letter)
{
	for (guint32 i = 0; i < program->calls->len; i++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, i);

		if (call->nr == (guint32)gait_syscall_from_name(letter->call) &&
		    call->klass == letter->klass)
			return i;
	}
	g_assert_not_reached();
}

static void
add_letters(const GaitModel *model, GaitProgram *program)
{
	for (guint i = 0; i < N_LETTERS; i++) {
		guint32 module = find_module(model, module_paths[letters[i].module]);
		guint32 l = 0;

		while (l < program->libraries->len &&
		       gait_program_get_library(program, l)->module != module)
			l++;
		if (l == program->libraries->len)
			gait_program_add_library(program, module);
		gait_library_add_symbol(gait_program_get_library(program, l),
		                        (guint32)gait_syscall_from_name(letters[i].call),
		                        letters[i].klass, letters[i].site, "f", 0);
	}
}

static void
add_arcs(const GaitModel *model, GaitProgram *program)
{
	for (guint i = 0; i < G_N_ELEMENTS(arcs); i++) {
		GaitSymbolRef to = find_letter(model, program, &letters[arcs[i].to]);
		guint32 from = arcs[i].from == FROM_START ? GAIT_STATE_START : GAIT_STATE_SIGNAL;

		if (arcs[i].from >= 0)
			from = GAIT_STATE_FIRST +
			       find_letter(model, program, &letters[arcs[i].from]).symbol;
		gait_library_add_edge(gait_program_get_library(program, to.library), from,
		                      GAIT_STATE_FIRST + to.symbol);
	}
}

static void
add_role_letters(const GaitModel *model, GaitProgram *program, guint32 role, const int *which)
{
	for (; *which >= 0; which++) {
		GaitSymbolRef ref = find_letter(model, program, &letters[*which]);

		g_array_append_val(gait_program_get_role(program, role)->symbols, ref);
	}
}

static void
add_issuers(const GaitModel *model, GaitProgram *program)
{
	for (guint i = 0; i < N_LETTERS; i++) {
		GaitIssuer issuer = {
		    .nr = (guint32)gait_syscall_from_name(letters[i].call),
		    .module = find_module(model, module_paths[LIBC]),
		    .offset = 0x1000 + (guint32)gait_syscall_from_name(letters[i].call),
		};
		gboolean is_there = FALSE;

		for (guint k = 0; k < program->issuers->len; k++)
			is_there |= g_array_index(program->issuers, GaitIssuer, k).nr == issuer.nr;
		if (!is_there)
			g_array_append_val(program->issuers, issuer);
	}
}

/* Two candidates of main, and what comes after them: what phases of unknown bounds are made of. */
static void
add_relations(const GaitModel *model, GaitProgram *program)
{
	static const int after_read[] = {READ,   WRITE,     CLONE, FUTEX,
	                                 UNLINK, SIGRETURN, ZREAD, ZMMAP};
	static const int after_unlink[] = {READ, WRITE, UNLINK};
	GaitRole *role = gait_program_get_role(program, 0);
	GaitCandidate candidates[] = {{.symbol = READ}, {.symbol = UNLINK}};

	/* main has all letters, in their order. */
	g_array_append_vals(role->candidates, candidates, 2);
	gait_role_alloc_relations(role);
	for (guint i = 0; i < G_N_ELEMENTS(after_read); i++)
		gait_bit_set(role->after, (guint32)after_read[i]);
	for (guint i = 0; i < G_N_ELEMENTS(after_unlink); i++)
		gait_bit_set(role->after + role->row_words, (guint32)after_unlink[i]);
	gait_role_alloc_relations(gait_program_get_role(program, 1));
}

/* Phase of a role by hand: what gait_model_normalize() derives from measurements is tested
 * elsewhere. */
static void
add_phase(const Fixture *fixture, guint32 role_index, int milestone, const int *allowed)
{
	const GaitProgram *program = gait_model_get_program(fixture->model, fixture->program);
	GaitRole *role = gait_program_get_role(program, role_index);
	guint32 index = GAIT_NONE;
	GaitPhase *phase;

	if (milestone >= 0) {
		GaitSymbolRef ref = find_letter(fixture->model, program, &letters[milestone]);

		for (guint32 i = 0; i < role->symbols->len; i++) {
			GaitSymbolRef s = g_array_index(role->symbols, GaitSymbolRef, i);

			if (s.library == ref.library && s.symbol == ref.symbol)
				index = i;
		}
		g_assert_cmpuint(index, !=, GAIT_NONE);
	}
	phase = gait_role_add_phase(role, index);
	for (; *allowed >= 0; allowed++) {
		guint32 call = find_call(program, &letters[*allowed]);

		g_array_append_val(phase->allowed, call);
	}
}

static void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
	static const int all[] = {OPEN,   READ,      WRITE, CLONE, FUTEX,
	                          UNLINK, SIGRETURN, ZREAD, ZMMAP, -1};
	static const int worker[] = {READ, WRITE, FUTEX, SIGRETURN, -1};
	GaitModel *model = fixture->model = gait_model_new();
	GaitProgram *program, *other;
	guint32 to;

	for (guint i = 0; i < N_MODULES; i++)
		gait_model_add_module(model, module_paths[i], "b1", i == LIBC);
	program = gait_model_add_program(model, "/bin/app");
	other = gait_model_add_program(model, "/bin/other");
	gait_model_add_program(model, "/bin/zzz");
	for (guint i = 0; i < 3; i++)
		gait_program_add_role(gait_model_get_program(model, i), GAIT_NONE,
		                      (GaitSymbolRef){GAIT_NONE, GAIT_NONE});
	add_letters(model, program);
	add_arcs(model, program);
	add_issuers(model, program);
	gait_program_add_role(program, 0, find_letter(model, program, &letters[CLONE]));
	add_role_letters(model, program, 0, all);
	add_role_letters(model, program, 1, worker);
	add_relations(model, program);
	to = 1;
	g_array_append_val(program->execs, to);
	add_letters(model, other);
	gait_model_normalize(model);

	fixture->program = gait_model_find_program(model, "/bin/app");
	fixture->other = gait_model_find_program(model, "/bin/other");
	for (guint i = 0; i < N_MODULES; i++)
		fixture->modules[i] = find_module(model, module_paths[i]);
	program = gait_model_get_program(model, fixture->program);
	for (guint i = 0; i < 2; i++)
		g_ptr_array_set_size(gait_program_get_role(program, i)->phases, 0);
	/* main: start-up, serving from the first read on, shutdown from the first unlink on. */
	add_phase(fixture, 0, -1, (const int[]){OPEN, FUTEX, ZMMAP, -1});
	add_phase(fixture, 0, READ, (const int[]){READ, WRITE, CLONE, FUTEX, SIGRETURN, -1});
	add_phase(fixture, 0, UNLINK, (const int[]){READ, WRITE, UNLINK, -1});
	add_phase(fixture, 1, -1, (const int[]){READ, WRITE, FUTEX, SIGRETURN, -1});
	fixture->table = gait_walk_table_new(model, NULL);
	g_assert_nonnull(fixture->table);
}

static void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	gait_walk_table_unref(fixture->table);
	gait_model_free(fixture->model);
}

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
test_scheduling(Fixture *fixture, gconstpointer data)
{
	static const Row rows[] = {
	    {CALL, OPEN, ALLOW, 0},
	    {CALL, FUTEX, ALLOW, 0},
	    {CALL, FUTEX, ALLOW, 0, .is_other_instruction = TRUE},
	    {REFUSED, FUTEX, ISSUER, 0, .is_foreign_issuer = TRUE},
	    {REFUSED, READ, ISSUER, 0, .is_other_instruction = TRUE},
	    {CALL, READ, ALLOW, 1},
	    {CALL, FUTEX, ALLOW, 1, .site = 0x51},
	    {REFUSED, FUTEX, SYSCALL, 1, .klass = 9},
	    /* What it continues was checked. */
	    {CALL, READ, ALLOW, 1, .call = "restart_syscall", .is_foreign_issuer = TRUE},
	    {CALL, WRITE, ALLOW, 1},
	    {CALL, UNLINK, ALLOW, 2},
	    {CALL, FUTEX, ALLOW, 2}, /* not in this phase before, but by main */
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
	walk(fixture, gait_walker_new_joined(fixture->table, fixture->program), forked,
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
	    /* Only main unlinks: from here on the role is known. */
	    {CALL, UNLINK, ALLOW, 0},
	    {REFUSED, WRITE, SEQUENCE, 0},
	    {CALL, ZREAD, ALLOW, 0},
	};
	g_autoptr(GaitWalker) walker = gait_walker_new_joined(fixture->table, fixture->program);

	g_assert_cmpuint(gait_walker_get_role(walker), ==, GAIT_NONE);
	g_assert_cmpuint(gait_walker_get_state(walker, fixture->modules[APP]), ==, GAIT_NONE);
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
	g_assert_cmpuint(
	    gait_walk_table_find_module(fixture->table, "/lib/libx.so", "b1", &is_stale), ==,
	    GAIT_NONE);
	g_assert_false(is_stale);
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
	CASE(scheduling);
	CASE(signals);
	CASE(deep_signals);
	CASE(forks);
	CASE(role);
	CASE(failed_creation);
	CASE(exec);
	CASE(stale);
	CASE(lost);
	CASE(joined);
	CASE(modules);
	g_test_add_func("/walker/names", test_names);
	return g_test_run();
}
