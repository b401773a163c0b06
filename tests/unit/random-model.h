/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds and the models of runs in them, learned the naive way: by the definitions in
 * model.h, over all instances at once, in an order that is shuffled. Whatever merges, sorts or
 * stores models has to agree with that. Random numbers are g_test_rand's, whose seed is printed.
 */
#pragma once

#include "sysgait/model.h"
#include "sysgait/syscall.h"

enum {
	WORLD_MODULES = 4,
	WORLD_PROGRAMS = 2,
	WORLD_SYMBOLS = 24, /* of a program, over all its libraries */
	WORLD_ROLES = 4,    /* of a program */
	WORLD_RUNS = 6,
	WORLD_INSTANCES = 5, /* of a run, at most */
	WORLD_EVENTS = 120,  /* of an instance, at most */
};

typedef enum { INSTANCE_WHOLE, INSTANCE_CUT, INSTANCE_JOINED } InstanceKind;

typedef struct {
	guint32 program, role;
	InstanceKind kind;
	guint32 n_events;
	guint32 events[WORLD_EVENTS]; /* symbols of the program */
} Instance;

typedef struct {
	char id[65];
	guint32 n_instances;
	Instance instances[WORLD_INSTANCES];
} Run;

typedef struct {
	guint32 module, nr, klass;
	guint64 site;
} WorldSymbol;

typedef struct {
	WorldSymbol symbols[WORLD_PROGRAMS][WORLD_SYMBOLS];
	guint32 parent[WORLD_PROGRAMS][WORLD_ROLES];
	guint32 creation[WORLD_PROGRAMS][WORLD_ROLES]; /* symbol */
	Run runs[WORLD_RUNS];
} World;

/* --- making one --- */

static inline void
world_make_instance(Instance *instance)
{
	guint32 width = (guint32)g_test_rand_int_range(4, WORLD_SYMBOLS);

	instance->program = (guint32)g_test_rand_int_range(0, WORLD_PROGRAMS);
	instance->role = (guint32)g_test_rand_int_range(0, WORLD_ROLES);
	instance->kind = (InstanceKind)g_test_rand_int_range(0, 3);
	instance->n_events = (guint32)g_test_rand_int_range(0, WORLD_EVENTS / 3);
	/* A life that moves through the symbols: some come early, some late. */
	for (guint32 i = 0; i < instance->n_events; i++)
		instance->events[i] = (i * 3 * WORLD_SYMBOLS / WORLD_EVENTS +
		                       (guint32)g_test_rand_int_range(0, (gint32)width) / 4) %
		                      WORLD_SYMBOLS;
}

static inline World *
world_new(void)
{
	/* read, readv, poll (which waits), fork, truncate, umask, setregid, mknod */
	static const guint32 calls[] = {0, 19, 7, 57, 76, 95, 114, 133};
	World *world = g_new0(World, 1);

	for (guint32 p = 0; p < WORLD_PROGRAMS; p++) {
		for (guint32 s = 0; s < WORLD_SYMBOLS; s++)
			world->symbols[p][s] =
			    (WorldSymbol){(guint32)g_test_rand_int_range(0, WORLD_MODULES),
			                  calls[g_test_rand_int_range(0, G_N_ELEMENTS(calls))],
			                  (guint32)g_test_rand_int_range(0, 2), 0x100 + s * 0x10};
		/* Creation symbols differ from each other, so that no chain folds. */
		for (guint32 r = 0; r < WORLD_ROLES; r++) {
			world->parent[p][r] =
			    r ? (guint32)g_test_rand_int_range(0, (gint32)r) : GAIT_NONE;
			world->creation[p][r] = WORLD_SYMBOLS - 1 - r;
		}
	}
	for (guint32 i = 0; i < WORLD_RUNS; i++) {
		Run *run = &world->runs[i];

		for (guint k = 0; k < 64; k++)
			run->id[k] = "0123456789abcdef"[g_test_rand_int_range(0, 16)];
		run->n_instances = (guint32)g_test_rand_int_range(1, WORLD_INSTANCES + 1);
		for (guint32 k = 0; k < run->n_instances; k++)
			world_make_instance(&run->instances[k]);
	}
	return world;
}

/* --- learning --- */

/* A set of runs as bits. */
typedef guint32 RunSet;

static inline gboolean
has_run(RunSet set, guint32 run)
{
	return (set >> run) & 1;
}

static inline void
shuffle(guint32 *order, guint32 n)
{
	for (guint32 i = 0; i < n; i++)
		order[i] = i;
	for (guint32 i = n; i > 1; i--) {
		guint32 k = (guint32)g_test_rand_int_range(0, (gint32)i);
		guint32 swapped = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swapped;
	}
}

/* Who executes what in a set of runs; facts of an instance's symbol. */
#define FOR_EACH_INSTANCE(world, set, run, instance)                                               \
	for (guint32 run = 0; run < WORLD_RUNS; run++)                                             \
		for (const Instance *instance = (world)->runs[run].instances;                      \
		     has_run(set, run) &&                                                          \
		     instance < (world)->runs[run].instances + (world)->runs[run].n_instances;     \
		     instance++)

/* Where it first occurs; n_events where it does not. */
static inline guint32
first_of(const Instance *instance, guint32 symbol)
{
	guint32 i = 0;

	while (i < instance->n_events && instance->events[i] != symbol)
		i++;
	return i;
}

static inline gboolean
is_world_role_of(const World *world, const Instance *instance, guint32 program, guint32 role)
{
	/* The parents of a role that is there are there, too. */
	if (instance->program != program)
		return FALSE;
	for (guint32 r = instance->role; r != GAIT_NONE; r = world->parent[program][r])
		if (r == role)
			return TRUE;
	return FALSE;
}

typedef struct {
	const World *world;
	RunSet set;
	GaitModel *model;
	guint32 module[WORLD_MODULES];
	guint32 p; /* program of the world */
	GaitProgram *program;
	GaitSymbolRef ref[WORLD_SYMBOLS];
	guint32 role[WORLD_ROLES];
} Naive;

/* A symbol is there where it occurs, or creates a role that is there. */
static inline gboolean
symbol_in(const World *world, const Instance *instance, guint32 program, guint32 symbol)
{
	if (instance->program != program)
		return FALSE;
	if (first_of(instance, symbol) < instance->n_events)
		return TRUE;
	for (guint32 r = 1; r < WORLD_ROLES; r++)
		if (world->creation[program][r] == symbol &&
		    is_world_role_of(world, instance, program, r))
			return TRUE;
	return FALSE;
}

/* The number of runs of the set in which one of the program's instances has a symbol that test
 * accepts. */
static inline guint32
count_runs(const Naive *naive, gboolean (*test)(const WorldSymbol *a, const WorldSymbol *b),
           guint32 symbol)
{
	const WorldSymbol *symbols = naive->world->symbols[naive->p];
	RunSet seen = 0;

	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	for (guint32 s = 0; s < WORLD_SYMBOLS; s++)
		if (test(&symbols[s], &symbols[symbol]) &&
		    symbol_in(naive->world, instance, naive->p, s))
			seen |= 1u << run;
	return (guint32)__builtin_popcount(seen);
}

static inline gboolean
same_symbol(const WorldSymbol *a, const WorldSymbol *b)
{
	return a == b;
}

static inline gboolean
same_call(const WorldSymbol *a, const WorldSymbol *b)
{
	return a->nr == b->nr && a->klass == b->klass;
}

static inline gboolean
same_library_call(const WorldSymbol *a, const WorldSymbol *b)
{
	return same_call(a, b) && a->module == b->module;
}

/* Some traces know no function for a site, others differ. */
static inline char *
function_in_run(const WorldSymbol *symbol, guint32 run)
{
	static const char *const prefixes[] = {"zeta", "alpha", "net/beta"};
	guint32 hash = (guint32)(symbol->site * 31 + run * 17);

	if (hash % 4 == 3)
		return NULL;
	return g_strdup_printf("%s_%x", prefixes[hash % 4 % 3], (guint)symbol->site);
}

static inline guint32
naive_module(Naive *naive, guint32 m)
{
	static const char *const names[WORLD_MODULES] = {"liba.so.1", "libb.so", "prog", "[anon]"};
	static const char *const ids[WORLD_MODULES] = {"aa01", "bb02", "cc03", ""};
	g_autofree char *best = NULL;

	if (naive->module[m] != GAIT_NONE)
		return naive->module[m];
	/* The same library may lie elsewhere in another run. */
	for (guint32 run = 0; run < WORLD_RUNS; run++) {
		g_autofree char *path =
		    ids[m][0] ? g_strdup_printf("/%s/%s", run % 2 ? "usr/lib" : "opt", names[m])
		              : g_strdup(names[m]);
		gboolean used = FALSE;

		for (guint32 k = 0;
		     has_run(naive->set, run) && k < naive->world->runs[run].n_instances; k++) {
			const Instance *instance = &naive->world->runs[run].instances[k];

			for (guint32 s = 0; s < WORLD_SYMBOLS; s++)
				used |= naive->world->symbols[instance->program][s].module == m &&
				        symbol_in(naive->world, instance, instance->program, s);
		}
		if (used && (!best || g_strcmp0(path, best) < 0)) {
			g_free(best);
			best = g_steal_pointer(&path);
		}
	}
	naive->module[m] = gait_model_add_module(naive->model, best, ids[m], m == 0);
	return naive->module[m];
}

static inline guint32
naive_library(Naive *naive, guint32 m)
{
	guint32 module = naive_module(naive, m);

	for (guint32 i = 0; i < naive->program->libraries->len; i++)
		if (gait_program_get_library(naive->program, i)->module == module)
			return i;
	gait_program_add_library(naive->program, module);
	return naive->program->libraries->len - 1;
}

static inline void
naive_add_call(GArray *calls, const WorldSymbol *symbol, guint32 n_runs)
{
	GaitCall call = {symbol->nr, symbol->klass, n_runs};

	for (guint32 i = 0; i < calls->len; i++)
		if (g_array_index(calls, GaitCall, i).nr == call.nr &&
		    g_array_index(calls, GaitCall, i).klass == call.klass)
			return;
	g_array_append_val(calls, call);
}

static inline void
naive_add_symbol(Naive *naive, guint32 s)
{
	const WorldSymbol *from = &naive->world->symbols[naive->p][s];
	guint32 n_runs = count_runs(naive, same_symbol, s);
	GaitLibrary *library;
	GaitSymbol *symbol;

	if (n_runs == 0)
		return;
	naive->ref[s].library = naive_library(naive, from->module);
	library = gait_program_get_library(naive->program, naive->ref[s].library);
	naive->ref[s].symbol = library->symbols->len;
	symbol = gait_library_add_symbol(library, from->nr, from->klass, from->site, NULL, 0);
	symbol->n_runs = n_runs;
	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	{
		g_autofree char *function = function_in_run(from, run);

		if (!symbol_in(naive->world, instance, naive->p, s))
			continue;
		for (guint32 i = 0; i < instance->n_events; i++)
			symbol->count += instance->events[i] == s;
		if (function && (!symbol->function || g_strcmp0(function, symbol->function) < 0)) {
			g_free(symbol->function);
			symbol->function = g_steal_pointer(&function);
		}
	}
	naive_add_call(library->calls, from, count_runs(naive, same_library_call, s));
	naive_add_call(naive->program->calls, from, count_runs(naive, same_call, s));
}

static inline GaitEdge *
naive_edge(GaitLibrary *library, guint32 from, guint32 to)
{
	for (guint32 i = 0; i < library->edges->len; i++) {
		GaitEdge *edge = g_ptr_array_index(library->edges, i);

		if (edge->from == from && edge->to == to)
			return edge;
	}
	return gait_library_add_edge(library, from, to);
}

static inline void
naive_count_role(GaitEdge *edge, guint32 role, gboolean is_new_run)
{
	GaitRoleCount count = {role, 1, 1};

	for (guint32 i = 0; i < edge->roles->len; i++) {
		GaitRoleCount *there = &g_array_index(edge->roles, GaitRoleCount, i);

		if (there->role == role) {
			there->count++;
			there->n_runs += is_new_run;
			return;
		}
	}
	g_array_append_val(edge->roles, count);
}

/* One instance's walk; seen remembers (edge, role or none) of this run. */
static inline void
naive_walk(Naive *naive, const Instance *instance, GHashTable *seen)
{
	guint32 *state = g_newa0(guint32, naive->program->libraries->len + 1);

	for (guint32 i = 0; i < instance->n_events; i++) {
		GaitSymbolRef ref = naive->ref[instance->events[i]];
		GaitLibrary *library = gait_program_get_library(naive->program, ref.library);
		GaitEdge *edge =
		    naive_edge(library, state[ref.library], GAIT_STATE_FIRST + ref.symbol);

		edge->count++;
		edge->n_runs += g_hash_table_add(seen, edge);
		naive_count_role(edge, naive->role[instance->role],
		                 g_hash_table_add(seen, (char *)edge + 1 + instance->role));
		state[ref.library] = edge->to;
	}
}

static inline void
naive_add_edges(Naive *naive)
{
	for (guint32 run = 0; run < WORLD_RUNS; run++) {
		g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

		for (guint32 k = 0;
		     has_run(naive->set, run) && k < naive->world->runs[run].n_instances; k++)
			if (naive->world->runs[run].instances[k].program == naive->p)
				naive_walk(naive, &naive->world->runs[run].instances[k], seen);
	}
}

/* --- roles --- */

/* The bit that one instance has, by the definitions: s at or after (or before) the first c. */
static inline gboolean
naive_bit(const Instance *instance, guint32 c, guint32 s, gboolean is_after)
{
	guint32 first = c == GAIT_NONE ? instance->n_events : first_of(instance, c);

	for (guint32 i = 0; i < instance->n_events; i++)
		if (instance->events[i] == s &&
		    (instance->kind == INSTANCE_JOINED ? is_after : (i >= first) == is_after))
			return TRUE;
	return FALSE;
}

static inline void
naive_fill_row(const Naive *naive, guint32 r, GaitRole *role, const guint32 *symbols, guint32 row)
{
	guint32 c = row < role->candidates->len
	                ? symbols[g_array_index(role->candidates, GaitCandidate, row).symbol]
	                : GAIT_NONE;
	gsize at = (gsize)row * role->row_words;

	for (guint32 s = 0; s < role->symbols->len; s++) {
		RunSet after = 0, before = 0;

		FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
		{
			if (instance->program != naive->p || instance->role != r)
				continue;
			after |= (guint32)naive_bit(instance, c, symbols[s], TRUE) << run;
			before |= (guint32)naive_bit(instance, c, symbols[s], FALSE) << run;
		}
		if (after)
			gait_bit_set(role->after + at, s);
		if (before)
			gait_bit_set(role->before + at, s);
		if (after & (after - 1))
			gait_bit_set(role->after_twice + at, s);
		if (before & (before - 1))
			gait_bit_set(role->before_twice + at, s);
	}
}

/* Whether entry (WORLD_SYMBOLS: anything) was before event i, in its round. */
static inline gboolean
naive_is_led(const Naive *naive, const Instance *instance, guint32 i, guint32 entry,
             gboolean *is_in_round)
{
	gboolean is_there = FALSE;

	*is_in_round = FALSE;
	while (i-- > 0 && !*is_in_round) {
		guint32 event = instance->events[i];

		*is_in_round = gait_syscall_is_wait(naive->world->symbols[naive->p][event].nr);
		is_there |= event == entry && !*is_in_round;
	}
	return is_there;
}

/* What came before s in every round that had it. */
static inline void
naive_fill_led(const Naive *naive, guint32 r, GaitRole *role, const guint32 *symbols, guint32 s)
{
	for (guint32 e = 0; e < role->symbols->len; e++) {
		gboolean is_any = FALSE, is_always = TRUE;

		FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
		for (guint32 i = 0; i < instance->n_events; i++) {
			gboolean is_in_round, is_led;

			if (instance->program != naive->p || instance->role != r ||
			    instance->events[i] != symbols[s])
				continue;
			is_led = naive_is_led(naive, instance, i, symbols[e], &is_in_round);
			is_any |= is_in_round;
			is_always &= is_led || !is_in_round;
		}
		if (!is_any)
			continue;
		gait_bit_set(role->in_rounds, s);
		if (is_always)
			gait_bit_set(role->led + (gsize)s * role->row_words, e);
	}
}

/* Whether every whole instance has it, or, there being none, any instance. */
static inline gboolean
naive_is_candidate(const Naive *naive, guint32 r, guint32 s, guint64 n_whole)
{
	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	{
		if (instance->program == naive->p && instance->role == r &&
		    instance->kind == INSTANCE_WHOLE && first_of(instance, s) == instance->n_events)
			return FALSE;
	}
	return TRUE;
}

static inline void
naive_add_candidate(const Naive *naive, guint32 r, GaitRole *role, guint32 index, guint32 s)
{
	GaitCandidate candidate = {.symbol = index};

	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	{
		guint32 first = first_of(instance, s);

		if (instance->program != naive->p || instance->role != r ||
		    instance->kind == INSTANCE_JOINED || first == instance->n_events)
			continue;
		candidate.n_instances++;
		candidate.n_events += first;
		candidate.time_ns += first * 7;
	}
	g_array_append_val(role->candidates, candidate);
}

static inline void
naive_fill_role(const Naive *naive, guint32 r, GaitRole *role)
{
	guint32 symbols[WORLD_SYMBOLS], order[WORLD_SYMBOLS];
	RunSet runs = 0;

	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	{
		if (is_world_role_of(naive->world, instance, naive->p, r))
			runs |= 1u << run;
		if (instance->program != naive->p || instance->role != r)
			continue;
		role->n_instances++;
		role->n_starts += instance->kind != INSTANCE_JOINED;
		role->n_whole += instance->kind == INSTANCE_WHOLE;
		role->n_events += instance->n_events;
		role->time_ns += instance->n_events * 7;
	}
	role->n_runs = (guint32)__builtin_popcount(runs);
	role->is_thread = r % 2;
	shuffle(order, WORLD_SYMBOLS);
	for (guint32 i = 0; i < WORLD_SYMBOLS; i++) {
		gboolean occurs = FALSE;

		FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
		occurs |= instance->program == naive->p && instance->role == r &&
		          first_of(instance, order[i]) < instance->n_events;
		if (!occurs)
			continue;
		symbols[role->symbols->len] = order[i];
		g_array_append_val(role->symbols, naive->ref[order[i]]);
	}
	for (guint32 i = role->symbols->len; i-- > 0;)
		if (naive_is_candidate(naive, r, symbols[i], role->n_whole))
			naive_add_candidate(naive, r, role, i, symbols[i]);
	gait_role_alloc_relations(role);
	for (guint32 row = 0; row <= role->candidates->len; row++)
		naive_fill_row(naive, r, role, symbols, row);
	for (guint32 s = 0; s < role->symbols->len; s++)
		naive_fill_led(naive, r, role, symbols, s);
}

static inline void
naive_add_roles(Naive *naive)
{
	/* Parents have smaller numbers than their children, here and in a model. */
	for (guint32 r = 0; r < WORLD_ROLES; r++) {
		guint32 parent = naive->world->parent[naive->p][r];
		gboolean is_there = FALSE;

		FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
		is_there |= is_world_role_of(naive->world, instance, naive->p, r);
		if (!is_there)
			continue;
		naive->role[r] = naive->program->roles->len;
		gait_program_add_role(naive->program,
		                      parent == GAIT_NONE ? GAIT_NONE : naive->role[parent],
		                      r ? naive->ref[naive->world->creation[naive->p][r]]
		                        : (GaitSymbolRef){GAIT_NONE, 0});
		naive_fill_role(naive, r, gait_program_get_role(naive->program, naive->role[r]));
	}
}

/* --- the whole --- */

static inline void
naive_add_program(Naive *naive, guint32 p)
{
	g_autofree char *path = g_strdup_printf("/usr/bin/program%u", p);
	guint32 order[WORLD_SYMBOLS];
	RunSet runs = 0;

	naive->p = p;
	FOR_EACH_INSTANCE(naive->world, naive->set, run, instance)
	if (instance->program == p)
		runs |= 1u << run;
	if (!runs)
		return;
	naive->program = gait_model_add_program(naive->model, path);
	naive->program->n_runs = (guint32)__builtin_popcount(runs);
	shuffle(order, WORLD_SYMBOLS);
	for (guint32 i = 0; i < WORLD_SYMBOLS; i++)
		naive_add_symbol(naive, order[i]);
	for (guint32 i = 0; i < naive->program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(naive->program, i);

		for (guint32 k = 0; k < library->symbols->len; k++) {
			const GaitSymbol *symbol = g_ptr_array_index(library->symbols, k);
			GaitIssuer issuer = {symbol->nr, library->module, symbol->site + 2,
			                     symbol->n_runs};

			g_array_append_val(naive->program->issuers, issuer);
		}
	}
	for (guint32 i = 0; i < naive->program->issuers->len; i++)
		for (guint32 k = naive->program->issuers->len; k-- > i + 1;) {
			GaitIssuer *a = &g_array_index(naive->program->issuers, GaitIssuer, i);
			GaitIssuer *b = &g_array_index(naive->program->issuers, GaitIssuer, k);

			g_assert_false(a->nr == b->nr && a->module == b->module &&
			               a->offset == b->offset);
		}
	naive_add_roles(naive);
	naive_add_edges(naive);
}

/* The model of a set of runs, normalized. */
static inline GaitModel *
world_learn(const World *world, RunSet set)
{
	Naive naive = {.world = world, .set = set, .model = gait_model_new()};
	guint32 order[WORLD_RUNS], programs[WORLD_PROGRAMS];

	for (guint32 m = 0; m < WORLD_MODULES; m++)
		naive.module[m] = GAIT_NONE;
	shuffle(order, WORLD_RUNS);
	for (guint32 i = 0; i < WORLD_RUNS; i++)
		if (has_run(set, order[i]))
			gait_model_add_run(naive.model, world->runs[order[i]].id, "program -x",
			                   order[i] * 100, FALSE);
	shuffle(programs, WORLD_PROGRAMS);
	for (guint32 i = 0; i < WORLD_PROGRAMS; i++)
		naive_add_program(&naive, programs[i]);
	for (guint32 i = 0; i < naive.model->programs->len; i++)
		g_array_append_val(gait_model_get_program(naive.model, i)->execs, i);
	gait_model_normalize(naive.model);
	return naive.model;
}

static inline char *
print_model(const GaitModel *model)
{
	return g_string_free(gait_model_print(model), FALSE);
}

/* The same bytes, or the first lines that differ. */
static inline void
assert_same_text(const char *a, const char *b)
{
	g_auto(GStrv) x = g_strsplit(a, "\n", -1);
	g_auto(GStrv) y = g_strsplit(b, "\n", -1);

	for (guint i = 0; x[i] && y[i]; i++)
		g_assert_cmpstr(x[i], ==, y[i]);
	g_assert_cmpstr(a, ==, b);
}

static inline void
assert_same(const GaitModel *a, const GaitModel *b)
{
	g_autofree char *x = print_model(a);
	g_autofree char *y = print_model(b);

	assert_same_text(x, y);
}
