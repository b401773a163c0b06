/* SPDX-License-Identifier: Apache-2.0 */
/* A small model made by hand: /bin/app, which opens, reads, writes and makes workers. */
#pragma once

#include "sysgait/model.h"
#include "sysgait/syscall.h"
#include "sysgait/walker.h"

#include <string.h>

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

static gint
compare_indices(gconstpointer a, gconstpointer b)
{
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

	return x < y ? -1 : x > y;
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
	g_array_sort(phase->allowed, compare_indices);
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
