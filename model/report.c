/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a report. Every filter is learned from the same runs, so what they differ in is
 * what they can tell apart, not what they have seen. Surfaces are counted in acts (act.h) and
 * weighed by danger: a list that is shorter by three ways to ask for the time is no safer.
 */
#include "model/report.h"

#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"

#include <string.h>

static const char *const filter_texts[GAIT_FILTER_N_] = {
#define X(name, text) text,
    GAIT_FILTERS(X)
#undef X
};

const char *
gait_filter_text(GaitFilter filter)
{
	return filter_texts[filter];
}

const char *
gait_cover_text(GaitCover cover)
{
	static const char *const texts[GAIT_COVER_N_] = {
	    [GAIT_COVER_NONE] = "refused",
	    [GAIT_COVER_PADDED] = "with padding",
	    [GAIT_COVER_PLAIN] = "as it is",
	};

	return texts[cover];
}

/* --- sets ---------------------------------------------------------------------------------------
 */

typedef struct {
	guint n;
	guint64 acts;
} Set;

/* Of calls sorted by number. */
static Set
measure_calls(const GArray *calls)
{
	guint32 last = GAIT_NONE;
	Set set = {0};

	for (guint32 i = 0; i < calls->len; i++) {
		const GaitCall *call = &g_array_index(calls, GaitCall, i);

		set.n += call->nr != last;
		set.acts |= gait_act_mask(call->nr, call->klass);
		last = call->nr;
	}
	return set;
}

/* Of indices into the program's calls. */
static Set
measure_indices(const GaitProgram *program, const GArray *indices)
{
	g_autoptr(GArray) calls = g_array_new(FALSE, FALSE, sizeof(GaitCall));

	for (guint32 i = 0; i < indices->len; i++) {
		guint32 index = g_array_index(indices, guint32, i);

		g_array_append_val(calls, g_array_index(program->calls, GaitCall, index));
	}
	return measure_calls(calls);
}

static guint
count_fitting(guint64 acts)
{
	guint n_payloads, n = 0;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	for (guint i = 0; i < n_payloads; i++)
		n += gait_payload_fits_mask(&payloads[i], acts);
	return n;
}

/* --- means --------------------------------------------------------------------------------------
 */

typedef struct {
	double weight, n, surface;
} Sample;

static int
compare_samples(gconstpointer a, gconstpointer b)
{
	const Sample *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

static void
add_sample(GArray *samples, double weight, double n, double surface)
{
	Sample sample = {weight, n, surface};

	if (weight > 0)
		g_array_append_val(samples, sample);
}

/* The weighted mean of both, and the 95th percentile of n. */
static void
average(GArray *samples, GaitFiltered *out)
{
	double all = 0, passed = 0;

	for (guint i = 0; i < samples->len; i++)
		all += g_array_index(samples, Sample, i).weight;
	g_array_sort(samples, compare_samples);
	for (guint i = 0; i < samples->len; i++) {
		const Sample *sample = &g_array_index(samples, Sample, i);

		out->n_syscalls += sample->weight / all * sample->n;
		out->surface += sample->weight / all * sample->surface;
		if (passed < 0.95 * all)
			out->n_p95 = sample->n;
		passed += sample->weight;
	}
}

/* --- phases -------------------------------------------------------------------------------------
 */

/* Where the runs carried no times, the share of calls stands for that of time. */
static double
role_weight(const GaitProgram *program, const GaitRole *role)
{
	for (guint32 i = 0; i < program->roles->len; i++)
		if (gait_program_get_role(program, i)->time_ns)
			return (double)role->time_ns;
	return (double)role->n_events;
}

static void
cover_phase(GaitReportProgram *report, GaitReportPhase *phase)
{
	guint n_payloads;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	phase->covers = g_new0(GaitCover, n_payloads);
	for (guint i = 0; i < n_payloads; i++) {
		phase->covers[i] =
		    gait_payload_cover(report->program, phase->role, phase->phase, &payloads[i]);
		phase->n_plain += phase->covers[i] == GAIT_COVER_PLAIN;
		phase->n_padded += phase->covers[i] == GAIT_COVER_PADDED;
		report->covers[i] = MAX(report->covers[i], phase->covers[i]);
	}
}

static void
add_phase(GaitReportProgram *report, guint32 role_index, guint32 phase_index)
{
	const GaitRole *role = gait_program_get_role(report->program, role_index);
	const GaitPhase *phase = g_ptr_array_index(role->phases, phase_index);
	GaitReportPhase out = {.role = role_index, .phase = phase_index};
	g_autoptr(GArray) steady = gait_phase_dup_steady(phase);
	Set allowed = measure_indices(report->program, steady);
	Set all = measure_indices(report->program, phase->allowed);
	Set retained = measure_indices(report->program, phase->retained);

	out.share = role_weight(report->program, role) *
	            (role->time_ns ? phase->time_share : phase->event_share);
	out.n_allowed = allowed.n;
	out.acts = allowed.acts;
	out.surface = gait_act_surface(allowed.acts);
	out.n_all = all.n;
	out.all_acts = all.acts;
	out.n_retained = retained.n;
	out.retained_acts = retained.acts;
	out.retained_surface = gait_act_surface(retained.acts);
	cover_phase(report, &out);
	g_array_append_val(report->phases, out);
}

static void
add_phases(GaitReportProgram *report)
{
	double all = 0;

	for (guint32 i = 0; i < report->program->roles->len; i++) {
		const GaitRole *role = gait_program_get_role(report->program, i);

		for (guint32 k = 0; k < role->phases->len; k++)
			add_phase(report, i, k);
	}
	for (guint i = 0; i < report->phases->len; i++)
		all += g_array_index(report->phases, GaitReportPhase, i).share;
	for (guint i = 0; i < report->phases->len && all > 0; i++)
		g_array_index(report->phases, GaitReportPhase, i).share /= all;
}

/* --- libraries ----------------------------------------------------------------------------------
 */

static int
compare_libraries(gconstpointer a, gconstpointer b)
{
	const GaitReportLibrary *x = a, *y = b;

	if (x->metrics.n_events != y->metrics.n_events)
		return x->metrics.n_events > y->metrics.n_events ? -1 : 1;
	return x->library < y->library ? -1 : x->library > y->library;
}

static void
add_libraries(GaitReportProgram *report, const GaitModel *model)
{
	for (guint32 i = 0; i < report->program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(report->program, i);
		GaitReportLibrary out = {.library = i};

		gait_metrics_library(model, report->program, i, &out.metrics);
		out.acts = measure_calls(library->calls).acts;
		out.surface = gait_act_surface(out.acts);
		if (report->metrics.n_events)
			out.share = (double)out.metrics.n_events / (double)report->metrics.n_events;
		g_array_append_val(report->libraries, out);
	}
	g_array_sort(report->libraries, compare_libraries);
}

/* --- filters ------------------------------------------------------------------------------------
 */

static void
filter_none(GaitFiltered *out)
{
	guint64 acts = 0;

	for (guint32 nr = 0; nr <= gait_syscall_get_max(); nr++)
		out->n_syscalls += !g_str_has_prefix(gait_syscall_name(nr), "syscall_");
	for (GaitAct act = 0; act < GAIT_ACT_N_; act++)
		acts |= G_GUINT64_CONSTANT(1) << act;
	out->n_p95 = out->n_syscalls;
	out->surface = gait_act_surface(acts);
	out->n_payloads = count_fitting(acts);
}

static void
filter_program(const GaitProgram *program, GaitFiltered *out)
{
	Set set = measure_calls(program->calls);

	out->n_syscalls = out->n_p95 = set.n;
	out->surface = gait_act_surface(set.acts);
	out->n_payloads = count_fitting(set.acts);
}

/* How many of the payloads fit one of the sets. */
static guint
count_fitting_any(const GArray *masks)
{
	guint n_payloads, n = 0;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	for (guint i = 0; i < n_payloads; i++) {
		gboolean fits = FALSE;

		for (guint k = 0; k < masks->len; k++)
			fits |=
			    gait_payload_fits_mask(&payloads[i], g_array_index(masks, guint64, k));
		n += fits;
	}
	return n;
}

static void
filter_libraries(const GaitReportProgram *report, GaitFiltered *out)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(Sample));
	g_autoptr(GArray) masks = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (guint i = 0; i < report->libraries->len; i++) {
		const GaitReportLibrary *library =
		    &g_array_index(report->libraries, GaitReportLibrary, i);

		add_sample(samples, library->share, library->metrics.n_syscalls, library->surface);
		g_array_append_val(masks, library->acts);
	}
	average(samples, out);
	out->n_payloads = count_fitting_any(masks);
}

/* As for sequences: a task that is created goes on in a role of its own. */
static gboolean
fits_phase(const GaitReportProgram *report, const GaitReportPhase *phase, const GaitAct *acts,
           guint n_acts)
{
	for (guint i = 0; i < n_acts; i++) {
		if (!(phase->all_acts >> acts[i] & 1))
			return FALSE;
		for (guint k = 0; acts[i] == GAIT_ACT_SPAWN && k < report->phases->len; k++) {
			const GaitReportPhase *other =
			    &g_array_index(report->phases, GaitReportPhase, k);
			const GaitRole *role = gait_program_get_role(report->program, other->role);

			if (role->parent == phase->role &&
			    fits_phase(report, other, acts + i + 1, n_acts - i - 1))
				return TRUE;
		}
	}
	return TRUE;
}

static gboolean
fits_any_phase(const GaitReportProgram *report, const GaitPayload *payload)
{
	for (guint i = 0; i < report->phases->len; i++)
		if (fits_phase(report, &g_array_index(report->phases, GaitReportPhase, i),
		               payload->acts, payload->n_acts))
			return TRUE;
	return FALSE;
}

static void
filter_phases(const GaitReportProgram *report, GaitFiltered *out)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(Sample));
	guint n_payloads;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	for (guint i = 0; i < report->phases->len; i++) {
		const GaitReportPhase *phase = &g_array_index(report->phases, GaitReportPhase, i);

		add_sample(samples, phase->share, phase->n_all, gait_act_surface(phase->all_acts));
	}
	average(samples, out);
	for (guint i = 0; i < n_payloads; i++)
		out->n_payloads += fits_any_phase(report, &payloads[i]);
}

/* What may follow in each state of a library, weighed by how often the state was left. */
static void
sample_states(const GaitLibrary *library, GArray *samples)
{
	guint32 from = 0;

	while (from < library->edges->len) {
		const GaitEdge *first = g_ptr_array_index(library->edges, from);
		g_autoptr(GHashTable) syscalls = g_hash_table_new(NULL, NULL);
		guint64 acts = 0, count = 0;
		guint32 i = from;

		for (; i < library->edges->len; i++) {
			const GaitEdge *edge = g_ptr_array_index(library->edges, i);
			const GaitSymbol *symbol;

			if (edge->from != first->from)
				break;
			symbol = g_ptr_array_index(library->symbols, edge->to - GAIT_STATE_FIRST);
			g_hash_table_add(syscalls, GUINT_TO_POINTER(symbol->nr));
			acts |= gait_act_mask(symbol->nr, symbol->klass);
			count = gait_counter_add(count, edge->count);
		}
		add_sample(samples, (double)count, g_hash_table_size(syscalls),
		           gait_act_surface(acts));
		from = i;
	}
}

static void
filter_gait(const GaitReportProgram *report, GaitFiltered *out)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(Sample));
	guint n_payloads;

	gait_payloads(&n_payloads);
	for (guint32 i = 0; i < report->program->libraries->len; i++)
		sample_states(gait_program_get_library(report->program, i), samples);
	average(samples, out);
	for (guint i = 0; i < n_payloads; i++) {
		out->n_payloads += report->covers[i] == GAIT_COVER_PLAIN;
		out->n_padded += report->covers[i] == GAIT_COVER_PADDED;
	}
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static GaitReportProgram *
report_program(const GaitModel *model, guint32 index)
{
	GaitReportProgram *report = g_new0(GaitReportProgram, 1);
	guint n_payloads;

	gait_payloads(&n_payloads);
	report->program = gait_model_get_program(model, index);
	report->index = index;
	report->phases = g_array_new(FALSE, FALSE, sizeof(GaitReportPhase));
	report->libraries = g_array_new(FALSE, FALSE, sizeof(GaitReportLibrary));
	report->covers = g_new0(GaitCover, n_payloads);
	gait_metrics_program(model, report->program, &report->metrics);
	add_phases(report);
	add_libraries(report, model);
	filter_none(&report->filtered[GAIT_FILTER_NONE]);
	filter_program(report->program, &report->filtered[GAIT_FILTER_PROGRAM]);
	filter_libraries(report, &report->filtered[GAIT_FILTER_LIBRARY]);
	filter_phases(report, &report->filtered[GAIT_FILTER_PHASE]);
	filter_gait(report, &report->filtered[GAIT_FILTER_GAIT]);
	return report;
}

static void
free_program(gpointer data)
{
	GaitReportProgram *report = data;

	for (guint i = 0; i < report->phases->len; i++)
		g_free(g_array_index(report->phases, GaitReportPhase, i).covers);
	g_array_unref(report->phases);
	g_array_unref(report->libraries);
	g_free(report->covers);
	g_free(report);
}

GaitReport *
gait_report_new(const GaitModel *model)
{
	GaitReport *report = g_new0(GaitReport, 1);

	report->model = model;
	report->programs = g_ptr_array_new_with_free_func(free_program);
	for (guint32 i = 0; i < model->programs->len; i++)
		g_ptr_array_add(report->programs, report_program(model, i));
	return report;
}

static gint
compare_events(gconstpointer a, gconstpointer b)
{
	const GaitReportProgram *x = *(GaitReportProgram *const *)a;
	const GaitReportProgram *y = *(GaitReportProgram *const *)b;

	if (x->metrics.n_events != y->metrics.n_events)
		return x->metrics.n_events > y->metrics.n_events ? -1 : 1;
	return strcmp(x->program->path, y->program->path);
}

GPtrArray *
gait_report_dup_busiest(const GaitReport *report)
{
	GPtrArray *programs = g_ptr_array_copy(report->programs, NULL, NULL);

	g_ptr_array_set_free_func(programs, NULL);
	g_ptr_array_sort(programs, compare_events);
	return programs;
}

void
gait_report_free(GaitReport *report)
{
	if (!report)
		return;
	g_ptr_array_unref(report->programs);
	g_free(report);
}
