/* SPDX-License-Identifier: Apache-2.0 */
/* Interludes: which are found in lives written by hand, and how a walker is held to them. */
#include "tests/unit/random-model.h"
#include "tests/unit/unit.h"

#include "model/diff.h"
#include "model/life.h"
#include "model/report.h"
#include "sysgait/graph.h"
#include "sysgait/summary.h"
#include "sysgait/walker.h"

#include <string.h>

/* Letters of lives; f and g are the loop, h waits. */
static const char *const names[] = {"mprotect", "socket", "bind",  "listen", "setuid",
                                    "read",     "write",  "poll",  "openat", "rename",
                                    "chmod",    "close",  "getpid"};

typedef struct {
	World *world;
	GaitModel *model;
	GaitWalkTable *table;
	GaitWalker *walker;
} Fixture;

static void
add_life(World *world, guint run, const char *life)
{
	Instance *instance = &world->runs[run].instances[world->runs[run].n_instances++];

	*instance = (Instance){.kind = INSTANCE_WHOLE, .n_events = (guint32)strlen(life)};
	g_assert_cmpuint(instance->n_events, <=, WORLD_EVENTS);
	for (guint32 i = 0; life[i]; i++)
		instance->events[i] = (guint32)(life[i] - 'a');
}

/* lives: one for each run, WORLD_RUNS of them. */
static void
set_up(Fixture *fixture, const char *const *lives)
{
	World *world = fixture->world = g_new0(World, 1);
	GError *error = NULL;

	for (guint32 s = 0; s < WORLD_SYMBOLS; s++) {
		const char *name = s < G_N_ELEMENTS(names) ? names[s] : "getpid";

		world->symbols[0][s] =
		    (WorldSymbol){2, (guint32)gait_syscall_from_name(name), 0, 0x100 + s};
	}
	for (guint32 r = 0; r < WORLD_ROLES; r++) {
		world->parent[0][r] = r ? 0 : GAIT_NONE;
		world->creation[0][r] = WORLD_SYMBOLS - 1 - r;
	}
	for (guint i = 0; i < WORLD_RUNS; i++) {
		memset(world->runs[i].id, 'a' + (int)i, 64);
		add_life(world, i, lives[i]);
	}
	fixture->model = world_learn(world, (1u << WORLD_RUNS) - 1);
	fixture->table = gait_walk_table_new(fixture->model, &error);
	g_assert_no_error(error);
	fixture->walker = gait_walker_new(fixture->table, 0);
}

static void
tear_down(Fixture *fixture)
{
	gait_walker_free(fixture->walker);
	gait_walk_table_unref(fixture->table);
	gait_model_free(fixture->model);
	g_free(fixture->world);
}

static GaitVerdict
step(Fixture *fixture, char letter)
{
	const WorldSymbol *symbol = &fixture->world->symbols[0][letter - 'a'];
	struct gait_walk_event event = {
	    .nr = symbol->nr,
	    .issuer_module = GAIT_NONE,
	    .module = 0,
	    .site = symbol->site,
	    .flags = GAIT_WALK_STALE_ISSUER,
	};
	GaitVerdict verdict = gait_walker_step(fixture->walker, &event);

	/* Sequence and site are not what is tested here. */
	if (verdict == GAIT_VERDICT_SEQUENCE || verdict == GAIT_VERDICT_SITE) {
		gait_walker_resync(fixture->walker, &event);
		return GAIT_VERDICT_ALLOW;
	}
	return verdict;
}

static void
walk(Fixture *fixture, const char *life)
{
	for (; *life; life++)
		g_assert_cmpint(step(fixture, *life), ==, GAIT_VERDICT_ALLOW);
}

/* "mil": entry, then the calls; all interludes of main, by phase. */
static char *
describe(const Fixture *fixture)
{
	const GaitProgram *program = gait_model_get_program(fixture->model, 0);
	const GaitRole *role = gait_program_get_role(program, 0);
	g_autoptr(GString) out = g_string_new(NULL);

	for (guint32 p = 0; p < role->phases->len; p++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);

		for (guint32 i = 0; i < phase->interludes->len; i++) {
			const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
			const GaitSymbol *entry = gait_program_get_symbol(
			    program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));

			g_string_append_printf(out, "%s%c:", out->len ? " " : "",
			                       'a' + (char)(entry->site - 0x100));
			for (guint32 k = 0; k < interlude->calls->len; k++) {
				guint32 call = g_array_index(interlude->calls, guint32, k);

				g_string_append_printf(
				    out, " %s",
				    gait_syscall_name(
				        g_array_index(program->calls, GaitCall, call).nr));
			}
		}
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

#define LOOP "fghfghfghfghfghfghfghfghfgh"

/* m begins it: i, j and k come only in a round in which m came before. Not in every run, so that it
 * is no milestone. */
static const char *const reloads[WORLD_RUNS] = {"abcdeh" LOOP "mijkh" LOOP "mijkh" LOOP,
                                                "abcdeh" LOOP LOOP,
                                                "abcdeh" LOOP "fmijkh" LOOP,
                                                "abcdeh" LOOP "mijkgh" LOOP "mijkhg" LOOP,
                                                "abcdeh" LOOP LOOP "mijkh",
                                                "abcdeh" LOOP "mijkh" LOOP};

static void
test_reload(void)
{
	Fixture fixture;
	g_autofree char *found = NULL;

	set_up(&fixture, reloads);
	found = describe(&fixture);
	g_assert_cmpstr(found, ==, "m: rename chmod openat");
	walk(&fixture, "abcdeh" LOOP);
	g_assert_cmpint(step(&fixture, 'k'), ==, GAIT_VERDICT_PHASE);
	g_assert_cmpint(step(&fixture, 'i'), ==, GAIT_VERDICT_PHASE);
	walk(&fixture, "mijk");
	/* Waiting ends it. */
	walk(&fixture, "h" LOOP);
	g_assert_cmpint(step(&fixture, 'i'), ==, GAIT_VERDICT_PHASE);
	walk(&fixture, "fmijkh");
	tear_down(&fixture);
}

/* One surprise is one line: what was let through brings the rest of it along. */
static void
test_resync(void)
{
	const WorldSymbol *symbol;
	struct gait_walk_event event = {.issuer_module = GAIT_NONE,
	                                .flags = GAIT_WALK_STALE_ISSUER};
	Fixture fixture;

	set_up(&fixture, reloads);
	walk(&fixture, "abcdeh" LOOP);
	g_assert_cmpint(step(&fixture, 'i'), ==, GAIT_VERDICT_PHASE);
	symbol = &fixture.world->symbols[0]['i' - 'a'];
	event.nr = symbol->nr;
	event.site = symbol->site;
	gait_walker_resync(fixture.walker, &event);
	walk(&fixture, "jkh");
	g_assert_cmpint(step(&fixture, 'j'), ==, GAIT_VERDICT_PHASE);
	tear_down(&fixture);
}

/* Once it came without m in its round: nothing can be told. */
static void
test_not_always(void)
{
	const char *lives[WORLD_RUNS];
	Fixture fixture;
	g_autofree char *found = NULL;

	memcpy(lives, reloads, sizeof lives);
	lives[3] = "abcdeh" LOOP "mh" LOOP "jhkhih" LOOP;
	set_up(&fixture, lives);
	found = describe(&fixture);
	g_assert_cmpstr(found, ==, "");
	tear_down(&fixture);
}

/* With each request, and not now and then. */
static void
test_every_round(void)
{
#define OFTEN "mijkhmijkhmijkhmijkhmijkhmijkhmijkhmijkh"
	const char *lives[WORLD_RUNS];
	Fixture fixture;
	g_autofree char *found = NULL;

	for (guint i = 0; i < WORLD_RUNS; i++)
		lives[i] = "abcdeh" LOOP OFTEN LOOP;
	set_up(&fixture, lives);
	found = describe(&fixture);
	g_assert_cmpstr(found, ==, "");
	tear_down(&fixture);
}

/* It hardly ever waits: what is between two waits is no round of a main loop. */
static void
test_rare_waits(void)
{
#define WORK "fgfgfgfgfgfgfgfgfgfgfgfg"
	const char *lives[WORLD_RUNS];
	Fixture fixture;
	g_autofree char *found = NULL;

	for (guint i = 0; i < WORLD_RUNS; i++)
		lives[i] = i == 1 ? "abcdeh" WORK WORK : "abcdeh" WORK "m" WORK "ijk" WORK "ijk";
	set_up(&fixture, lives);
	found = describe(&fixture);
	g_assert_cmpstr(found, ==, "");
	tear_down(&fixture);
}

/* Two runs are too few to tell. */
static void
test_support(void)
{
	const char *lives[WORLD_RUNS];
	Fixture fixture;
	g_autofree char *found = NULL;

	for (guint i = 0; i < WORLD_RUNS; i++)
		lives[i] = i < 2 ? "abcdeh" LOOP "mijkh" LOOP "mijkh"
		                   "mijkh" LOOP
		                 : "abcdeh" LOOP LOOP;
	set_up(&fixture, lives);
	found = describe(&fixture);
	g_assert_cmpstr(found, ==, "");
	tear_down(&fixture);
}

/* What start-up does before the first wait needs no entry. */
static void
test_before_first_wait(void)
{
	const char *lives[WORLD_RUNS];
	Fixture fixture;
	g_autofree char *found = NULL;

	for (guint i = 0; i < WORLD_RUNS; i++)
		lives[i] = i == 1 ? "abmijkcdeh" LOOP LOOP : "abmijkcdeh" LOOP "mijkh" LOOP;
	set_up(&fixture, lives);
	found = describe(&fixture);
	g_assert_nonnull(strstr(found, "rename"));
	walk(&fixture, "abijk");
	walk(&fixture, "cdeh" LOOP);
	g_assert_cmpint(step(&fixture, 'j'), ==, GAIT_VERDICT_PHASE);
	tear_down(&fixture);
}

/* "phase rename in …": what of reloads' phases another model has anew. */
static char *
diff_phases(const char *const *lives_a, const char *const *lives_b, GaitChange change)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GaitDiff) diff = NULL;
	Fixture a, b;

	set_up(&a, lives_a);
	set_up(&b, lives_b);
	diff = gait_diff_new(a.model, b.model);
	for (guint i = 0; i < diff->differences->len; i++) {
		const GaitDifference *difference = g_ptr_array_index(diff->differences, i);

		if (difference->change == change && difference->kind == GAIT_VERDICT_PHASE)
			g_string_append_printf(out, "%s%s", out->len ? "; " : "", difference->what);
	}
	tear_down(&a);
	tear_down(&b);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A drawing of what changed says the same. */
static void
assert_drawn(const char *const *lives, const char *text)
{
	GaitGraphOptions options = {.view = GAIT_GRAPH_PHASES, .names = {"a", "b"}};
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) drawing = NULL;
	Fixture a, b;

	set_up(&a, reloads);
	set_up(&b, lives);
	options.before = a.model;
	drawing = gait_graph_print(b.model, &options, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(drawing->str, text));
	tear_down(&a);
	tear_down(&b);
}

/* What comes in a round without its entry is new, though its phase allows it. */
static void
test_diff(void)
{
	const char *lives[WORLD_RUNS];
	g_autofree char *same = NULL, *found = NULL, *start = NULL;

	memcpy(lives, reloads, sizeof lives);
	lives[1] = "abcdeh" LOOP "mijkh" LOOP;
	same = diff_phases(reloads, lives, GAIT_CHANGE_NEW);
	g_assert_cmpstr(same, ==, "");
	lives[3] = "abcdeh" LOOP "fjgh" LOOP "mijkgh" LOOP;
	found = diff_phases(reloads, lives, GAIT_CHANGE_NEW);
	g_assert_true(g_str_has_prefix(found, "rename in phase 2, from "));
	g_assert_nonnull(strstr(found, ", without getpid at alpha_10c+0x0 before"));
	g_assert_null(strchr(found, ';'));
	assert_drawn(lives, "without getpid in alpha_10c+0x0 before");
	/* Before the first wait there are no rounds. */
	lives[3] = "abcdejh" LOOP "mijkgh" LOOP;
	start = diff_phases(reloads, lives, GAIT_CHANGE_NEW);
	g_assert_null(strstr(start, "without"));
}

/* Interludes that only the second model has, and such that begin otherwise there. */
static void
test_diff_gone(void)
{
	const char *lives[WORLD_RUNS], *others[WORLD_RUNS];
	g_autofree char *same = NULL, *new = NULL, *gone = NULL;
	g_autofree char *changed_new = NULL, *changed_gone = NULL;

	memcpy(lives, reloads, sizeof lives);
	same = diff_phases(lives, reloads, GAIT_CHANGE_GONE);
	g_assert_cmpstr(same, ==, "");
	lives[3] = "abcdeh" LOOP "fjgh" LOOP "mijkgh" LOOP;
	new = diff_phases(lives, reloads, GAIT_CHANGE_NEW);
	g_assert_cmpstr(new, ==, "");
	gone = diff_phases(lives, reloads, GAIT_CHANGE_GONE);
	g_assert_true(g_str_has_prefix(gone, "rename in phase 2, from "));
	g_assert_nonnull(strstr(gone, ", without getpid at alpha_10c+0x0 before"));
	g_assert_null(strchr(gone, ';'));

	for (guint i = 0; i < WORLD_RUNS; i++)
		others[i] = g_strdelimit(g_strdup(reloads[i]), "m", 'l');
	changed_new = diff_phases(reloads, others, GAIT_CHANGE_NEW);
	changed_gone = diff_phases(reloads, others, GAIT_CHANGE_GONE);
	for (guint i = 0; i < WORLD_RUNS; i++)
		g_free((char *)others[i]);
	g_assert_nonnull(strstr(changed_new, ", without getpid at alpha_10c+0x0 before"));
	g_assert_nonnull(strstr(changed_gone, ", without close at alpha_10b+0x0 before"));
	for (guint i = 0; i < 2; i++) {
		const char *text = i ? changed_gone : changed_new;

		g_assert_nonnull(strstr(text, "openat("));
		g_assert_nonnull(strstr(text, "rename "));
		g_assert_nonnull(strstr(text, "chmod "));
	}
}

/* Whoever reads one reads the other. */
static void
test_json(void)
{
	static const char said[] =
	    "\"interludes\":[{\"entry\":\"getpid in alpha_10c, prog\",\"calls\":3}]";
	g_autoptr(GString) summary = g_string_new(NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	GaitReport *report;
	Fixture fixture;

	set_up(&fixture, reloads);
	gait_model_print_summary_json(fixture.model, summary);
	report = gait_report_new(fixture.model);
	gait_report_print_json(report, text);
	g_assert_nonnull(strstr(summary->str, said));
	g_assert_nonnull(strstr(text->str, said));
	gait_report_free(report);
	tear_down(&fixture);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/interludes/reload", test_reload);
	g_test_add_func("/interludes/resync", test_resync);
	g_test_add_func("/interludes/not-always", test_not_always);
	g_test_add_func("/interludes/every-round", test_every_round);
	g_test_add_func("/interludes/rare-waits", test_rare_waits);
	g_test_add_func("/interludes/support", test_support);
	g_test_add_func("/interludes/before-first-wait", test_before_first_wait);
	g_test_add_func("/interludes/diff", test_diff);
	g_test_add_func("/interludes/diff-gone", test_diff_gone);
	g_test_add_func("/interludes/json", test_json);
	return g_test_run();
}
