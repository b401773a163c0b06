/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large and how tight an automaton is, and how mature. Branching is what an attacker has to
 * choose from; f1 / n, the number of things seen in exactly one of n runs, estimates how many
 * unseen ones the next run brings (Good, Biometrika 40, 1953). Expected violations are in
 * expected.c.
 */
#include "sysgait/metrics.h"

#include "model/model-private.h"

/* One edge's part in the branching of what is measured. */
typedef struct {
	guint32 degree; /* next symbols that are allowed where it begins */
	guint64 count;
} Step;

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	GaitMetrics *out;
	GArray *steps;
	GHashTable *syscalls; /* distinct numbers */
	GHashTable *sites;    /* distinct sites of one library */
} Measure;

static void
measure_init(Measure *measure, const GaitModel *model, const GaitProgram *program, GaitMetrics *out)
{
	*out = (GaitMetrics){0};
	*measure = (Measure){.model = model, .program = program, .out = out};
	measure->steps = g_array_new(FALSE, FALSE, sizeof(Step));
	measure->syscalls = g_hash_table_new(NULL, NULL);
	measure->sites = g_hash_table_new(g_int64_hash, g_int64_equal);
}

static void
measure_clear(Measure *measure)
{
	g_array_unref(measure->steps);
	g_hash_table_unref(measure->syscalls);
	g_hash_table_unref(measure->sites);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Measure, measure_clear)

static int
compare_steps(gconstpointer a, gconstpointer b)
{
	const Step *x = a, *y = b;

	return (x->degree > y->degree) - (x->degree < y->degree);
}

/* Mean and 95th percentile of the degrees, weighted by count. */
static void
measure_branching(Measure *measure)
{
	double total = 0, sum = 0, passed = 0;

	for (guint i = 0; i < measure->steps->len; i++) {
		const Step *step = &g_array_index(measure->steps, Step, i);

		total += (double)step->count;
		sum += (double)step->count * step->degree;
	}
	if (total <= 0)
		return;
	measure->out->branching = sum / total;
	g_array_sort(measure->steps, compare_steps);
	for (guint i = 0; i < measure->steps->len && passed < 0.95 * total; i++) {
		const Step *step = &g_array_index(measure->steps, Step, i);

		passed += (double)step->count;
		measure->out->branching_p95 = step->degree;
	}
}

static void
finish(Measure *measure)
{
	GaitMetrics *out = measure->out;

	measure_branching(measure);
	out->n_syscalls = g_hash_table_size(measure->syscalls);
	if (measure->model->runs->len)
		out->unseen_per_run = (double)out->n_singletons / measure->model->runs->len;
}

static void
count_symbol(Measure *measure, const GaitSymbol *symbol)
{
	measure->out->n_symbols++;
	measure->out->n_sites += g_hash_table_add(measure->sites, (gpointer)&symbol->site);
	g_hash_table_add(measure->syscalls, GUINT_TO_POINTER(symbol->nr));
}

static void
count_edge(Measure *measure, guint32 degree, guint64 count, guint32 n_runs)
{
	Step step = {degree, count};

	measure->out->n_edges++;
	measure->out->n_singletons += n_runs == 1;
	g_array_append_val(measure->steps, step);
}

/* The number of edges with the same beginning as edge i; edges are sorted by it. */
static guint32
degree_at(const GaitLibrary *library, guint32 i)
{
	guint32 from = ((const GaitEdge *)g_ptr_array_index(library->edges, i))->from, n = 0;

	while (i + n < library->edges->len &&
	       ((const GaitEdge *)g_ptr_array_index(library->edges, i + n))->from == from)
		n++;
	return n;
}

/* The edges of a library; of one role only, unless it is GAIT_NONE. */
static void
count_edges(Measure *measure, const GaitLibrary *library, guint32 role)
{
	guint32 degree = 0, next = 0;

	for (guint32 i = 0; i < library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(library->edges, i);
		const GaitRoleCount *count;

		if (i == next) {
			degree = degree_at(library, i);
			next = i + degree;
		}
		if (role == GAIT_NONE) {
			count_edge(measure, degree, edge->count, edge->n_runs);
			continue;
		}
		count = gait_edge_find_role(edge, role);
		if (count)
			count_edge(measure, degree, count->count, count->n_runs);
	}
}

static void
count_library(Measure *measure, const GaitLibrary *library)
{
	g_hash_table_remove_all(measure->sites);
	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		count_symbol(measure, symbol);
		measure->out->n_events += symbol->count;
	}
	count_edges(measure, library, GAIT_NONE);
}

void
gait_metrics_library(const GaitModel *model, const GaitProgram *program, guint32 library,
                     GaitMetrics *out)
{
	g_auto(Measure) measure = {0};

	measure_init(&measure, model, program, out);
	count_library(&measure, gait_program_get_library(program, library));
	finish(&measure);
}

void
gait_metrics_role(const GaitModel *model, const GaitProgram *program, guint32 role,
                  GaitMetrics *out)
{
	const GaitRole *found = gait_program_get_role(program, role);
	g_auto(Measure) measure = {0};
	guint32 library = GAIT_NONE;

	measure_init(&measure, model, program, out);
	for (guint32 i = 0; i < found->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(found->symbols, GaitSymbolRef, i);

		if (ref.library != library)
			g_hash_table_remove_all(measure.sites);
		library = ref.library;
		count_symbol(&measure, gait_program_get_symbol(program, ref));
	}
	for (guint32 i = 0; i < program->libraries->len; i++)
		count_edges(&measure, gait_program_get_library(program, i), role);
	out->n_events = found->n_events;
	finish(&measure);
}

/* The edges with the same beginning as edge i, as far as the phase allows where they lead. Returns
 * the next edge. */
static guint32
count_phase_edges(Measure *measure, const GaitLibrary *library, guint32 i, guint32 role,
                  const gboolean *is_allowed)
{
	guint32 end = i + degree_at(library, i), degree = 0;

	for (guint32 pass = 0; pass < 2; pass++)
		for (guint32 k = i; k < end; k++) {
			const GaitEdge *edge = g_ptr_array_index(library->edges, k);
			const GaitSymbol *symbol =
			    g_ptr_array_index(library->symbols, edge->to - GAIT_STATE_FIRST);
			guint32 call =
			    gait_calls_find(measure->program->calls, symbol->nr, symbol->klass);
			const GaitRoleCount *count = gait_edge_find_role(edge, role);

			if (call == GAIT_NONE || !is_allowed[call])
				continue;
			if (pass == 0)
				degree++;
			else if (count)
				count_edge(measure, degree, count->count, count->n_runs);
		}
	return end;
}

GaitBranching
gait_metrics_phase_branching(const GaitProgram *program, guint32 role, guint32 phase)
{
	const GaitRole *found = gait_program_get_role(program, role);
	const GArray *allowed =
	    ((const GaitPhase *)g_ptr_array_index(found->phases, phase))->allowed;
	g_autofree gboolean *is_allowed = g_new0(gboolean, program->calls->len + 1);
	g_auto(Measure) measure = {0};
	GaitMetrics metrics;

	measure_init(&measure, NULL, program, &metrics);
	for (guint i = 0; i < allowed->len; i++)
		is_allowed[g_array_index(allowed, guint32, i)] = TRUE;
	for (guint32 l = 0; l < program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(program, l);
		guint32 i = 0;

		while (i < library->edges->len)
			i = count_phase_edges(&measure, library, i, role, is_allowed);
	}
	measure_branching(&measure);
	return (GaitBranching){metrics.branching, metrics.branching_p95};
}

void
gait_metrics_program(const GaitModel *model, const GaitProgram *program, GaitMetrics *out)
{
	g_auto(Measure) measure = {0};

	measure_init(&measure, model, program, out);
	for (guint32 i = 0; i < program->libraries->len; i++)
		count_library(&measure, gait_program_get_library(program, i));
	finish(&measure);
}
