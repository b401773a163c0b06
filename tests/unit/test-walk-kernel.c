/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker's step as the kernel runs it, and as user space does: of random models, over random
 * events, both come to the same verdict, position and states. The kernel's is run by the kernel
 * (BPF_PROG_TEST_RUN), from the very source that the in-kernel tier is made of.
 */
#include "sysgait/contexts.h"
#include "sysgait/walker.h"

#include "kernel/shared.h"

#include "random-model.h"
#include "unit.h"

#include <string.h>

#ifndef GAIT_WITHOUT_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Lives are short: who did what nobody expects is in no phase for sure from then on. */
enum { N_WORLDS = 12, N_LIVES = 50, N_EVENTS = 30, RT_SIGRETURN = 15 };

/* As in walk-kernel.bpf.c. */
struct gait_test_question {
	struct gait_walk_event event;
	guint32 depth, verdict;
	guint32 stands_still, is_repeated;
};

typedef struct {
	GaitModel *model;
	GaitWalkTable *table;
	GaitWalker *walker;
	struct bpf_object *object;
	struct gait_tier_config config;
	struct gait_tier_slot *slot;
	guint32 *rows;
	struct gait_walk_event recent[8];
	guint64 n_repeated; /* steps that were remembered */
} Fixture;

static int
find_map(const Fixture *fixture, const char *name)
{
	return bpf_object__find_map_fd_by_name(fixture->object, name);
}

static void
configure(Fixture *fixture)
{
	const struct gait_walk_header *header = gait_walk_table_get_header(fixture->table);
	const struct gait_walk_program *programs =
	    (const void *)((const char *)header + header->programs);
	guint32 stride = 1;

	for (guint32 i = 0; i < header->n_programs; i++)
		stride = MAX(stride, 1 + programs[i].n_libraries);
	fixture->config = (struct gait_tier_config){
	    .is_enforcing = 1,
	    .table_size = MAX(header->size + 64, 4096),
	    .stride = stride,
	    .n_states = (stride * GAIT_TIER_MAX_CONTEXTS + 1) & ~1u,
	    .anon_module = GAIT_WALK_NONE,
	    .unknown_module = GAIT_WALK_NONE,
	};
}

static struct bpf_map *
get_map(const Fixture *fixture, const char *name)
{
	return bpf_object__find_map_by_name(fixture->object, name);
}

static void
fill_table(const Fixture *fixture)
{
	const struct gait_walk_header *header = gait_walk_table_get_header(fixture->table);
	g_autofree guint8 *bytes = g_malloc0(fixture->config.table_size);
	guint32 zero = 0;

	memcpy(bytes, header, header->size);
	g_assert_cmpint(bpf_map_update_elem(find_map(fixture, "table"), &zero, bytes, BPF_ANY), ==,
	                0);
}

/* FALSE: not here. */
static gboolean
load(Fixture *fixture)
{
	configure(fixture);
	fixture->object =
	    bpf_object__open_file(GAIT_BPF_DIRECTORY "/tests/unit/walk-kernel.bpf.o", NULL);
	g_assert_nonnull(fixture->object);
	bpf_map__set_initial_value(get_map(fixture, ".rodata.config"), &fixture->config,
	                           sizeof(fixture->config));
	bpf_map__set_value_size(get_map(fixture, "table"), fixture->config.table_size);
	bpf_map__set_value_size(get_map(fixture, "states"),
	                        fixture->config.n_states * sizeof(guint32));
	if (bpf_object__load(fixture->object) != 0)
		return FALSE;
	fill_table(fixture);
	return TRUE;
}

static void
put(const Fixture *fixture)
{
	guint32 zero = 0;

	g_assert_true(gait_walker_put(fixture->walker, &fixture->slot->position, fixture->rows,
	                              fixture->config.stride, GAIT_TIER_MAX_CONTEXTS,
	                              &fixture->slot->depth));
	g_assert_cmpint(
	    bpf_map_update_elem(find_map(fixture, "slots"), &zero, fixture->slot, BPF_ANY), ==, 0);
	g_assert_cmpint(
	    bpf_map_update_elem(find_map(fixture, "states"), &zero, fixture->rows, BPF_ANY), ==, 0);
}

static guint32
step_in_kernel(Fixture *fixture, const struct gait_walk_event *event, guint32 depth)
{
	/* As the policy has it in the kernel, and gait_walker_resync() here. */
	struct gait_test_question asked = {
	    .event = *event,
	    .depth = depth,
	    .verdict = GAIT_VERDICT_N_,
	    .stands_still = gait_walk_call_flags(event->nr) & GAIT_WALK_INCIDENTAL ? 1 : 0,
	};
	const struct bpf_program *program =
	    bpf_object__find_program_by_name(fixture->object, "on_step");
	LIBBPF_OPTS(bpf_test_run_opts, options);
	guint32 zero = 0;

	bpf_map_update_elem(find_map(fixture, "question"), &zero, &asked, BPF_ANY);
	g_assert_cmpint(bpf_prog_test_run_opts(bpf_program__fd(program), &options), ==, 0);
	bpf_map_lookup_elem(find_map(fixture, "question"), &zero, &asked);
	fixture->n_repeated += asked.is_repeated;
	return asked.verdict;
}

/* The kernel's walker is where user space's is, as far as that goes: rows inside of handlers that
 * were left do not count any more. */
static void
assert_same_place(const Fixture *fixture)
{
	g_autofree guint32 *rows = g_new0(guint32, fixture->config.n_states);
	struct gait_walk_position position;
	guint32 zero = 0, depth;

	bpf_map_lookup_elem(find_map(fixture, "slots"), &zero, fixture->slot);
	bpf_map_lookup_elem(find_map(fixture, "states"), &zero, fixture->rows);
	g_assert_true(gait_walker_put(fixture->walker, &position, rows, fixture->config.stride,
	                              GAIT_TIER_MAX_CONTEXTS, &depth));
	g_assert_cmpmem(&position, sizeof(position), &fixture->slot->position, sizeof(position));
	for (guint32 i = 0; i < (depth + 1) * fixture->config.stride; i++)
		g_assert_cmpuint(rows[i], ==, fixture->rows[i]);
}

/* --- events -------------------------------------------------------------------------------------
 */

static guint32
below(guint32 n)
{
	return (guint32)g_test_rand_int_range(0, (gint32)n);
}

/* A symbol that may follow where the library's automaton is; any one, where none may. */
static const GaitSymbol *
choose_symbol(const Fixture *fixture, const GaitLibrary *library)
{
	guint32 at = gait_walker_get_state(fixture->walker, library->module);
	guint32 first = below(library->edges->len + 1);

	for (guint32 i = 0; below(4) > 0 && i < library->edges->len; i++) {
		const GaitEdge *edge =
		    g_ptr_array_index(library->edges, (first + i) % library->edges->len);

		if (edge->from == at && edge->to > 0 && edge->to <= library->symbols->len)
			return g_ptr_array_index(library->symbols, edge->to - 1);
	}
	return g_ptr_array_index(library->symbols, below(library->symbols->len));
}

static guint32
find_module(const Fixture *fixture, guint32 index)
{
	const GaitModelModule *module = g_ptr_array_index(fixture->model->modules, index);
	gboolean is_stale;

	return gait_walk_table_find_module(fixture->table, module->path, module->build_id,
	                                   &is_stale);
}

static void
choose_issuer(const Fixture *fixture, const GaitProgram *program, struct gait_walk_event *event)
{
	for (guint32 i = 0; i < program->issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(program->issuers, GaitIssuer, i);

		if (issuer->nr != event->nr)
			continue;
		event->issuer_module = find_module(fixture, issuer->module);
		event->issuer_offset = issuer->offset;
		if (below(3) == 0)
			return;
	}
}

/* What is not as it was learned. */
static void
disturb(struct gait_walk_event *event)
{
	switch (below(40)) {
	case 0:
		event->nr = below(400);
		break;
	case 1:
		event->klass ^= 1;
		break;
	case 2:
		event->site++;
		break;
	case 3:
		event->module = below(4) ? below(WORLD_MODULES) : GAIT_WALK_NONE;
		break;
	case 4:
		event->issuer_offset++;
		break;
	case 5:
		event->flags |= GAIT_WALK_STALE_SITES;
		break;
	case 6:
		event->flags |= GAIT_WALK_STALE_ISSUER;
		break;
	case 7:
		event->flags |= GAIT_WALK_NO_STACK;
		break;
	}
}

/* Any one; every third is one of the last few again, whose memo may no longer hold. */
static void
choose_event(Fixture *fixture, struct gait_walk_event *event)
{
	const GaitProgram *program =
	    gait_model_get_program(fixture->model, gait_walker_get_program(fixture->walker));
	const GaitLibrary *library =
	    g_ptr_array_index(program->libraries, below(program->libraries->len));
	const GaitSymbol *symbol = choose_symbol(fixture, library);
	struct gait_walk_event *recent = &fixture->recent[below(G_N_ELEMENTS(fixture->recent))];

	if (below(3) == 0 && recent->site) {
		*event = *recent;
		return;
	}
	*event = (struct gait_walk_event){.nr = symbol->nr,
	                                  .klass = symbol->klass,
	                                  .issuer_module = GAIT_WALK_NONE,
	                                  .module = find_module(fixture, library->module),
	                                  .site = symbol->site};
	choose_issuer(fixture, program, event);
	disturb(event);
	*recent = *event;
}

/* --- models -------------------------------------------------------------------------------------
 */

/* Lives as short and as wild as these have no interludes of their own: up to two in each phase, as
 * it comes. */
static void
add_interludes(const GaitRole *role, GaitPhase *phase)
{
	GaitInterlude *interludes[2];
	guint32 first = below(role->symbols->len), n = below(3);

	for (guint32 i = 0; i < n; i++)
		interludes[i] = gait_phase_add_interlude(phase, (first + i) % role->symbols->len);
	for (guint32 i = 0; n > 0 && i < phase->allowed->len; i++)
		if (below(3) == 0)
			g_array_append_val(interludes[below(n)]->calls,
			                   g_array_index(phase->allowed, guint32, i));
}

static GaitModel *
learn(const World *world)
{
	GaitModel *model = world_learn(world, (1u << WORLD_RUNS) - 1);

	for (guint32 p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint32 r = 0; r < program->roles->len; r++) {
			const GaitRole *role = gait_program_get_role(program, r);

			for (guint32 i = 0;
			     role->symbols->len > 4 && i < role->phases->len && i < 4; i++)
				add_interludes(role, g_ptr_array_index(role->phases, i));
		}
	}
	return model;
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void
walk(Fixture *fixture, guint64 n_verdicts[GAIT_VERDICT_N_])
{
	put(fixture);
	for (guint i = 0; i < N_EVENTS; i++) {
		struct gait_walk_event event;
		GaitVerdict verdict;
		guint32 depth;

		/* A signal arrives now and then; the task is stopped for that. */
		if (below(50) == 0 && fixture->slot->depth + 2 < GAIT_TIER_MAX_CONTEXTS)
			gait_walker_signal(fixture->walker);
		put(fixture);
		depth = fixture->slot->depth;
		choose_event(fixture, &event);
		verdict = gait_walker_step(fixture->walker, &event);
		if (verdict != GAIT_VERDICT_ALLOW)
			gait_walker_resync(fixture->walker, &event);
		g_assert_cmpuint(step_in_kernel(fixture, &event, depth), ==, verdict);
		n_verdicts[verdict]++;
		/* Out of no handler nobody knows where it goes: the caller sees to that. */
		if (event.nr != RT_SIGRETURN)
			assert_same_place(fixture);
	}
}

static void
walk_world(guint64 n_verdicts[GAIT_VERDICT_N_], guint64 *n_repeated)
{
	g_autofree World *world = world_new();
	GError *error = NULL;
	Fixture fixture = {.model = learn(world)};

	fixture.table = gait_walk_table_new(fixture.model, &error);
	g_assert_no_error(error);
	if (!load(&fixture)) {
		unit_skip("no BPF here");
	} else {
		fixture.slot = g_new0(struct gait_tier_slot, 1);
		fixture.rows = g_new0(guint32, fixture.config.n_states);
		for (guint32 p = 0; p < fixture.model->programs->len; p++) {
			/* A program that is executed finds nothing that is remembered. */
			memset(fixture.slot, 0, sizeof(*fixture.slot));
			memset(fixture.recent, 0, sizeof(fixture.recent));
			for (guint i = 0; i < N_LIVES; i++) {
				fixture.walker = gait_walker_new(fixture.table, p);
				walk(&fixture, n_verdicts);
				gait_walker_free(fixture.walker);
			}
		}
	}
	*n_repeated += fixture.n_repeated;
	bpf_object__close(fixture.object);
	g_free(fixture.slot);
	g_free(fixture.rows);
	gait_walk_table_unref(fixture.table);
	gait_model_free(fixture.model);
}

static int
say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static void
test_random(void)
{
	guint64 n_verdicts[GAIT_VERDICT_N_] = {0}, n_repeated = 0;

	libbpf_set_print(say_nothing);
	for (guint i = 0; i < N_WORLDS && !g_test_failed(); i++)
		walk_world(n_verdicts, &n_repeated);
	g_test_message("%" G_GUINT64_FORMAT " of them were remembered", n_repeated);
	g_assert_cmpuint(n_repeated, >, n_verdicts[GAIT_VERDICT_ALLOW] / 20);
	for (guint v = 0; v < GAIT_VERDICT_N_; v++)
		g_test_message("%s: %" G_GUINT64_FORMAT, gait_verdict_name(v), n_verdicts[v]);
}

#else

static void
test_random(void)
{
	unit_skip("built without the in-kernel tier");
}

#endif

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/walk-kernel/random", test_random);
	return g_test_run();
}
