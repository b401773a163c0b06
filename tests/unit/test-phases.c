/* SPDX-License-Identifier: Apache-2.0 */
/* Phases: the cheapest chain by a naive search; nothing seen is forbidden; lives written by hand.
 */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "model/phases-private.h"
#include "sysgait/syscall.h"

#include <string.h>

#define ALL ((1u << WORLD_RUNS) - 1)

/* --- lives by hand --- */

/* A world of one program with one role, in which symbol i makes call names[i]. */
static World *
world_with_calls(const char *const *names)
{
	World *world = g_new0(World, 1);

	for (guint32 s = 0; s < WORLD_SYMBOLS; s++) {
		gint32 nr = gait_syscall_from_name(*names ? *names++ : "read");

		g_assert_cmpint(nr, >=, 0);
		world->symbols[0][s] = (WorldSymbol){2, (guint32)nr, 0, 0x100 + s};
	}
	for (guint32 r = 0; r < WORLD_ROLES; r++) {
		world->parent[0][r] = r ? 0 : GAIT_NONE;
		world->creation[0][r] = WORLD_SYMBOLS - 1 - r;
	}
	memset(world->runs[0].id, 'a', 64);
	return world;
}

/* Adds an instance of main; life names one symbol a letter: 'a' is symbol 0. */
static void
add_life(World *world, const char *life)
{
	Instance *instance = &world->runs[0].instances[world->runs[0].n_instances++];

	*instance = (Instance){.kind = INSTANCE_WHOLE, .n_events = (guint32)strlen(life)};
	g_assert_cmpuint(instance->n_events, <=, WORLD_EVENTS);
	for (guint32 i = 0; life[i]; i++)
		instance->events[i] = (guint32)(life[i] - 'a');
}

/* "read write | close": the names of each phase's calls, then the milestones' letters. */
static char *
describe(const GaitProgram *program, const GaitRole *role)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const GaitSymbol *symbol;

	for (guint32 i = 0; i < role->phases->len; i++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, i);

		if (i) {
			symbol = gait_program_get_symbol(
			    program, g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
			g_string_append_printf(out, " |%c| ", 'a' + (char)(symbol->site - 0x100));
		}
		for (guint32 k = 0; k < phase->allowed->len; k++) {
			guint32 call = g_array_index(phase->allowed, guint32, k);

			g_string_append_printf(
			    out, "%s%s", k ? " " : "",
			    gait_syscall_name(g_array_index(program->calls, GaitCall, call).nr));
		}
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
assert_phases(World *world, const char *expected)
{
	g_autoptr(GaitModel) model = world_learn(world, 1);
	const GaitProgram *program = gait_model_get_program(model, 0);
	g_autofree char *found = describe(program, gait_program_get_role(program, 0));

	g_assert_cmpstr(found, ==, expected);
}

#define SERVING "fgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfgfg"

#define ROUNDS      "dededededededededededededededededededededededededededededede"
#define ROUNDS_OF_C "dcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc"

/* A server's life: start-up, a loop, shutdown. */
static void
test_server(void)
{
	g_autofree World *world =
	    world_with_calls((const char *const[]){"mprotect", "socket", "bind", "listen", "setuid",
	                                           "read", "write", "unlink", "exit_group", NULL});

	add_life(world, "abcdeabcde" SERVING "hi");
	add_life(world, "abcdeabcde" SERVING "hi");
	assert_phases(world,
	              "mprotect socket bind listen setuid |f| read write |h| unlink exit_group");
}

/* With no call that is worth taking away there is nothing to cut. */
static void
test_loop_alone(void)
{
	g_autofree World *world =
	    world_with_calls((const char *const[]){"read", "write", "close", NULL});

	add_life(world, "abcabcabcabcabcabcabcabcabcabc");
	assert_phases(world, "read write close");
}

static void
test_short_life(void)
{
	g_autofree World *world =
	    world_with_calls((const char *const[]){"mmap", "socket", "connect", "exit", NULL});

	add_life(world, "abcd");
	assert_phases(world, "mmap socket connect exit");
}

/* futex comes when threads collide, clock_gettime on some hosts: neither begins a phase. */
static void
test_no_milestones(void)
{
	g_autofree World *world = world_with_calls((const char *const[]){
	    "execve", "socket", "bind", "futex", "clock_gettime", "read", "write", NULL});

	add_life(world, "abcabcde" SERVING);
	assert_phases(world, "socket bind execve futex clock_gettime |f| read write");
}

/*
 * Calls b and c are both first made where the loop begins, b once, c again and again: b is the
 * better milestone though it comes a little later.
 */
static void
test_once_is_better_than_again(void)
{
	g_autofree World *world =
	    world_with_calls((const char *const[]){"execve", "getpid", "write", "read", NULL});

	add_life(world, "aaaacdbcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
	assert_phases(world, "read write execve |b| read write getpid");
}

/* Where the start ends with what serving does, too, the main loop's first wait tells them apart. */
static void
test_loop_begins_at_its_wait(void)
{
	g_autofree World *world = world_with_calls(
	    (const char *const[]){"execve", "socket", "read", "epoll_wait", "read", NULL});

	add_life(world, "ababababababababc" ROUNDS);
	add_life(world, "ababababababababc" ROUNDS);
	assert_phases(world, "read socket execve |d| read epoll_wait");
}

/* What recurs in rounds was asked for: e, first met late, would take much away. */
static void
test_asked_for_is_no_milestone(void)
{
	g_autofree World *world = world_with_calls(
	    (const char *const[]){"getpid", "getpid", "read", "poll", "execve", NULL});

	add_life(world, "ab" ROUNDS_OF_C ROUNDS_OF_C "dedede");
	add_life(world, "ab" ROUNDS_OF_C ROUNDS_OF_C "dedededede");
	assert_phases(world, "getpid |d| read poll execve");
}

/* So was what comes once, e, when it is in the midst of them; at the end it is the end. */
static void
test_asked_for_once(void)
{
	static const char *const names[] = {"socket", "bind",   "read", "poll",
	                                    "setuid", "execve", NULL};
	g_autofree World *amidst = world_with_calls(names), *at_end = world_with_calls(names);

	add_life(amidst, "ab" ROUNDS_OF_C "ef" ROUNDS_OF_C);
	assert_phases(amidst, "socket bind |d| read poll execve setuid");
	add_life(at_end, "ab" ROUNDS_OF_C ROUNDS_OF_C "ef");
	assert_phases(at_end, "socket bind |d| read poll |e| execve setuid");
}

/* A heap that shrinks or grows just then is no milestone, nor is a signal that was handled. */
static void
test_luck_is_no_milestone(void)
{
	static const char *const lucky[] = {"mmap", "munmap", "rt_sigreturn"};

	for (guint i = 0; i < G_N_ELEMENTS(lucky); i++) {
		g_autofree World *world = world_with_calls((const char *const[]){
		    "execve", "socket", lucky[i], "getpid", "read", "write", NULL});
		g_autofree char *expected =
		    g_strdup_printf("%s socket execve |d| read write getpid", lucky[i]);

		add_life(world, "abababababababababababcd"
		                "efefefefefefefefefefefefefefefefefefefefefefefef");
		assert_phases(world, expected);
	}
}

/* What is harmless is worth no cut where there is danger: c came once, and could come again. */
static void
test_harmless(void)
{
	g_autofree World *world = world_with_calls((const char *const[]){
	    "execve", "clone", "uname", "getpid", "setuid", "socket", "read", NULL});

	add_life(world, "abcdefgabcdefg"
	                "abdefgabdefgabdefgabdefgabdefgabdefgabdefgabdefgabdefgabdefgabdefgabdefg"
	                "abdefgabdefg");
	assert_phases(world, "read getpid socket clone execve uname setuid");
}

/* a and b come in either order: each could be a milestone, but not both. */
static void
test_order_has_to_agree(void)
{
	g_autofree World *world =
	    world_with_calls((const char *const[]){"execve", "connect", "read", "write", NULL});

	add_life(world, "abcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
	add_life(world, "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdba");
	assert_phases(world, "read write connect |a| read write connect execve");
}

/* A symbol that was accepted by hand without saying when: no phase forbids it. */
static void
test_without_place(void)
{
	g_autofree World *world = world_with_calls(
	    (const char *const[]){"socket", "execve", "unlink", "read", "write", NULL});

	add_life(world, "abababababababababcdededededededededededededededededededededededededede");
	g_autoptr(GaitModel) model = world_learn(world, 1);
	const GaitProgram *program = gait_model_get_program(model, 0);
	GaitRole *role = gait_program_get_role(program, 0);
	GaitLibrary *library = gait_program_get_library(program, 0);
	GaitSymbolRef ref = {0, library->symbols->len};
	g_autofree char *found = NULL;

	gait_library_add_symbol(library, (guint32)gait_syscall_from_name("getuid"), 0, 0x999, NULL,
	                        0)
	    ->is_amended = TRUE;
	/* The rows have room for it, and no bit. */
	g_assert_cmpuint(role->symbols->len, <, 64);
	g_array_append_val(role->symbols, ref);
	role->led = g_renew(guint64, role->led, (gsize)role->row_words * role->symbols->len);
	memset(gait_role_row(role, role->led, role->symbols->len - 1), 0,
	       role->row_words * sizeof *role->led);
	gait_model_normalize(model);
	found = describe(program, role);
	g_assert_cmpstr(found, ==, "socket execve getuid |c| read write unlink getuid");
}

/* --- any world --- */

static const GaitPhase *
get_phase(const GaitRole *role, guint32 i)
{
	return g_ptr_array_index(role->phases, i);
}

/* The role of the model that is role r of the world's program p; NULL where it has no instance. */
static GaitRole *
find_role(const World *world, const GaitProgram *program, guint32 p, guint32 r)
{
	for (guint32 i = 0; i < program->roles->len; i++) {
		GaitRole *role = gait_program_get_role(program, i);
		const GaitSymbol *creation = gait_program_get_symbol(program, role->creation);

		if (r == 0 ? !creation
		           : creation &&
		                 creation->site == world->symbols[p][world->creation[p][r]].site)
			return role;
	}
	return NULL;
}

static guint32
world_symbol(const World *world, guint32 p, const GaitProgram *program, GaitSymbolRef ref)
{
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);

	for (guint32 s = 0; s < WORLD_SYMBOLS; s++)
		if (world->symbols[p][s].site == symbol->site)
			return s;
	g_assert_not_reached();
}

static gboolean
is_allowed(const GaitProgram *program, const GaitPhase *phase, const WorldSymbol *symbol)
{
	guint32 call = gait_calls_find(program->calls, symbol->nr, symbol->klass);

	for (guint32 i = 0; i < phase->allowed->len; i++)
		if (g_array_index(phase->allowed, guint32, i) == call)
			return TRUE;
	return FALSE;
}

/* Walks one instance by its milestones: each call is allowed where it is made. */
static void
walk(const World *world, const GaitProgram *program, const GaitRole *role, const Instance *instance)
{
	guint32 at = 0;

	for (guint32 i = 0; i < instance->n_events; i++) {
		for (guint32 k = at + 1; k < role->phases->len; k++) {
			GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef,
			                                  get_phase(role, k)->milestone);

			if (world_symbol(world, instance->program, program, ref) ==
			    instance->events[i]) {
				/* Milestones are reached in order: none is left out. */
				g_assert_cmpuint(k, ==, at + 1);
				at = k;
				break;
			}
		}
		g_assert_true(is_allowed(program, get_phase(role, at),
		                         &world->symbols[instance->program][instance->events[i]]));
	}
}

static void
test_nothing_seen_is_forbidden(void)
{
	for (guint i = 0; i < 60; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) model = world_learn(world, ALL);

		FOR_EACH_INSTANCE(world, ALL, run, instance)
		{
			g_autofree char *path =
			    g_strdup_printf("/usr/bin/program%u", instance->program);
			const GaitProgram *program =
			    gait_model_get_program(model, gait_model_find_program(model, path));

			if (instance->kind != INSTANCE_JOINED)
				walk(world, program,
				     find_role(world, program, instance->program, instance->role),
				     instance);
		}
	}
}

/* --- the cheapest of all chains --- */

typedef struct {
	const World *world;
	guint32 p, r;
	const GaitProgram *program;
	const GaitRole *role;
	guint32 symbols[WORLD_SYMBOLS]; /* the candidates' */
	guint32 n_symbols;
	double life, price;
	double least;
} Search;

#define FOR_EACH_OF_ROLE(search, instance)                                                         \
	FOR_EACH_INSTANCE((search)->world, ALL, run_, instance)                                    \
	if (instance->program == (search)->p && instance->role == (search)->r)

static gboolean
seen_on_side(const Search *search, guint32 c, guint32 s, gboolean is_after)
{
	FOR_EACH_OF_ROLE(search, instance)
	if (naive_bit(instance, c, s, is_after))
		return TRUE;
	return FALSE;
}

/* Danger of the distinct calls between candidates from and to; GAIT_NONE: start, end. */
static double
naive_danger(const Search *search, guint32 from, guint32 to)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	double sum = 0;

	for (guint32 s = 0; s < WORLD_SYMBOLS; s++) {
		gboolean occurs = seen_on_side(search, GAIT_NONE, s, TRUE) ||
		                  seen_on_side(search, GAIT_NONE, s, FALSE);
		guint32 nr = search->world->symbols[search->p][s].nr;

		if (occurs && (from == GAIT_NONE || seen_on_side(search, from, s, TRUE)) &&
		    (to == GAIT_NONE || seen_on_side(search, to, s, FALSE)) &&
		    g_hash_table_add(numbers, GUINT_TO_POINTER(nr)))
			sum +=
			    gait_syscall_is_harmless(nr) ? GAIT_HARMLESS : gait_syscall_danger(nr);
	}
	return sum;
}

/* Mean place of the first c: times are the events times 7, so both shares are the same. */
static double
naive_place(const Search *search, guint32 c)
{
	guint32 n = 0, sum = 0;

	FOR_EACH_OF_ROLE(search, instance)
	{
		guint32 first = first_of(instance, c);

		if (instance->kind == INSTANCE_JOINED || first == instance->n_events)
			continue;
		n++;
		sum += first;
	}
	return n ? MIN((double)sum / n / search->life, 1) : 0;
}

static gboolean
naive_is_again(const Search *search, guint32 c)
{
	guint32 n = 0, n_instances = 0;

	FOR_EACH_OF_ROLE(search, instance)
	{
		n_instances++;
		for (guint32 i = 0; i < instance->n_events; i++)
			n += instance->events[i] == c;
	}
	return n > GAIT_IS_AGAIN * n_instances;
}

static gboolean
naive_is_wait(const Search *search, guint32 c)
{
	return gait_syscall_is_wait(search->world->symbols[search->p][c].nr);
}

/* Some task had waited when it made call c. */
static gboolean
naive_is_in_rounds(const Search *search, guint32 c)
{
	FOR_EACH_OF_ROLE(search, instance)
	{
		gboolean has_waited = FALSE;

		for (guint32 i = 0; i < instance->n_events; i++) {
			if (has_waited && instance->events[i] == c)
				return TRUE;
			has_waited |= naive_is_wait(search, instance->events[i]);
		}
	}
	return FALSE;
}

static gboolean
naive_begins_rounds(const Search *search, guint32 c)
{
	if (!naive_is_wait(search, c) || !naive_is_again(search, c))
		return FALSE;
	for (guint32 i = 0; i < search->n_symbols; i++) {
		guint32 other = search->symbols[i];

		if (other != c && naive_is_wait(search, other) && naive_is_again(search, other) &&
		    !seen_on_side(search, other, c, FALSE))
			return FALSE;
	}
	return TRUE;
}

/* 0: no milestone. */
static double
naive_price(const Search *search, guint32 c)
{
	double left = 1 - naive_place(search, c);

	if (naive_begins_rounds(search, c))
		return search->price * GAIT_PRICE_LOOP;
	if (naive_is_again(search, c))
		return naive_is_in_rounds(search, c) ? 0 : search->price * GAIT_PRICE_AGAIN;
	if (naive_is_in_rounds(search, c) && left > GAIT_END)
		return search->price * GAIT_PRICE_AGAIN;
	if (left > GAIT_END_FROM)
		return search->price;
	return search->price * (GAIT_PRICE_END + (1 - GAIT_PRICE_END) * left / GAIT_END_FROM);
}

static double
naive_stretch(const Search *search, guint32 from, guint32 to)
{
	double begin = from == GAIT_NONE ? 0 : naive_place(search, from);
	double end = to == GAIT_NONE ? 1 : naive_place(search, to);

	return MAX(end - begin, 0) * naive_danger(search, from, to);
}

/* All chains that go on from candidate `from`, having cost that much. */
static void
search_from(Search *search, guint32 from, double cost)
{
	search->least = MIN(search->least, cost + naive_stretch(search, from, GAIT_NONE));
	for (guint32 i = 0; i < search->n_symbols; i++) {
		guint32 to = search->symbols[i];

		/* Some instance has its first `to` before its first `from`. */
		if (to == from || naive_price(search, to) == 0 ||
		    (from != GAIT_NONE && seen_on_side(search, from, to, FALSE)))
			continue;
		search_from(search, to,
		            cost + naive_stretch(search, from, to) + naive_price(search, to));
	}
}

/* What the phases that were found cost. */
static double
cost_of_phases(const Search *search)
{
	guint32 from = GAIT_NONE;
	double cost = 0;

	for (guint32 i = 1; i <= search->role->phases->len; i++) {
		guint32 to = GAIT_NONE;

		if (i < search->role->phases->len)
			to = world_symbol(search->world, search->p, search->program,
			                  g_array_index(search->role->symbols, GaitSymbolRef,
			                                get_phase(search->role, i)->milestone));
		cost += naive_stretch(search, from, to);
		cost += to == GAIT_NONE ? 0 : naive_price(search, to);
		from = to;
	}
	return cost;
}

static void
compare_with_search(Search *search)
{
	double events = (double)search->role->n_events / (double)search->role->n_instances;

	for (guint32 i = 0; i < search->role->candidates->len; i++) {
		const GaitCandidate *candidate =
		    &g_array_index(search->role->candidates, GaitCandidate, i);

		/* One that only instances without a start reached has no place. */
		if (candidate->n_instances > 0)
			search->symbols[search->n_symbols++] = world_symbol(
			    search->world, search->p, search->program,
			    g_array_index(search->role->symbols, GaitSymbolRef, candidate->symbol));
	}
	search->life = events;
	search->price = naive_danger(search, GAIT_NONE, GAIT_NONE) *
	                (GAIT_PRICE + GAIT_PRICE_EVENTS / MAX(events, 1));
	search->least = G_MAXDOUBLE;
	search_from(search, GAIT_NONE, 0);
	g_assert_cmpfloat_with_epsilon(cost_of_phases(search), search->least, 1e-6);
}

static void
test_cheapest(void)
{
	guint n_compared = 0, n_cut = 0;

	for (guint i = 0; i < 100; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) model = world_learn(world, ALL);

		for (guint32 k = 0; k < WORLD_PROGRAMS * WORLD_ROLES; k++) {
			Search search = {
			    .world = world, .p = k / WORLD_ROLES, .r = k % WORLD_ROLES};
			g_autofree char *path = g_strdup_printf("/usr/bin/program%u", search.p);
			guint32 program = gait_model_find_program(model, path);

			if (program == GAIT_NONE)
				continue;
			search.program = gait_model_get_program(model, program);
			search.role = find_role(world, search.program, search.p, search.r);
			if (!search.role || search.role->n_instances == 0 ||
			    search.role->candidates->len > 7)
				continue;
			compare_with_search(&search);
			n_compared++;
			n_cut += search.role->phases->len > 1;
		}
	}
	/* The search must have had something to search. */
	g_test_message("%u roles, %u of them with more than one phase", n_compared, n_cut);
	g_assert_cmpuint(n_compared, >, 20);
	g_assert_cmpuint(n_cut, >, 5);
}

/* Logs without times: only events weigh. The same events give the same milestones. */
static void
test_no_times(void)
{
	g_autofree World *world = world_with_calls((const char *const[]){
	    "execve", "socket", "bind", "read", "write", "unlink", "exit_group", NULL});

	add_life(world, "abcabcabcfdedededededededededededededededededededededededededede");
	g_autoptr(GaitModel) model = world_learn(world, 1);
	const GaitProgram *program = gait_model_get_program(model, 0);
	GaitRole *role = gait_program_get_role(program, 0);
	g_autofree char *with_times = describe(program, role);

	role->time_ns = 0;
	for (guint32 i = 0; i < role->candidates->len; i++)
		g_array_index(role->candidates, GaitCandidate, i).time_ns = 0;
	gait_model_normalize(model);
	g_autofree char *without = describe(program, role);

	g_assert_cmpstr(without, ==, with_times);
	g_assert_cmpuint(role->phases->len, >, 1);
	for (guint32 i = 0; i < role->phases->len; i++)
		g_assert_cmpfloat(get_phase(role, i)->time_share, ==, 0);
}

/* What a hostile file may say: relations in a circle, or none at all. */
static void
test_contradictions(void)
{
	for (guint i = 0; i < 40; i++) {
		g_autofree World *world = world_new();
		g_autoptr(GaitModel) model = world_learn(world, ALL);
		GaitRole *role = gait_program_get_role(gait_model_get_program(model, 0), 0);

		for (guint32 c = 0; c < role->candidates->len; c++)
			for (guint32 s = 0; s < role->row_words; s++)
				gait_role_row(role, role->before, c)[s] =
				    i % 2 ? 0 : gait_role_row(role, role->after, c)[s];
		gait_model_normalize(model);
		g_assert_true(gait_model_validate(model, NULL));
		g_assert_cmpuint(role->phases->len, >, 0);
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/phases/server", test_server);
	g_test_add_func("/phases/loop-alone", test_loop_alone);
	g_test_add_func("/phases/short-life", test_short_life);
	g_test_add_func("/phases/no-milestones", test_no_milestones);
	g_test_add_func("/phases/once-is-better-than-again", test_once_is_better_than_again);
	g_test_add_func("/phases/loop-begins-at-its-wait", test_loop_begins_at_its_wait);
	g_test_add_func("/phases/asked-for-is-no-milestone", test_asked_for_is_no_milestone);
	g_test_add_func("/phases/asked-for-once", test_asked_for_once);
	g_test_add_func("/phases/luck-is-no-milestone", test_luck_is_no_milestone);
	g_test_add_func("/phases/harmless", test_harmless);
	g_test_add_func("/phases/order-has-to-agree", test_order_has_to_agree);
	g_test_add_func("/phases/without-place", test_without_place);
	g_test_add_func("/phases/nothing-seen-is-forbidden", test_nothing_seen_is_forbidden);
	g_test_add_func("/phases/cheapest", test_cheapest);
	g_test_add_func("/phases/no-times", test_no_times);
	g_test_add_func("/phases/contradictions", test_contradictions);
	return g_test_run();
}
