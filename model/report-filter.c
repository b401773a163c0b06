/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sysgait leaves to an attacker beside what coarser filters would. Every filter is learned
 * from the same runs, so what they differ in is what they can tell apart, not what they have seen.
 */
#include "model/report-private.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"

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

/* --- filters ------------------------------------------------------------------------------------
 */

static guint
count_fitting(guint64 acts)
{
	guint n_payloads, n = 0;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	for (guint i = 0; i < n_payloads; i++)
		n += gait_payload_fits_mask(&payloads[i], acts);
	return n;
}

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
	GaitActs set = gait_report_measure_calls(program->calls);

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

void
gait_report_filter(GaitReportProgram *report)
{
	filter_none(&report->filtered[GAIT_FILTER_NONE]);
	filter_program(report->program, &report->filtered[GAIT_FILTER_PROGRAM]);
	filter_libraries(report, &report->filtered[GAIT_FILTER_LIBRARY]);
	filter_phases(report, &report->filtered[GAIT_FILTER_PHASE]);
	filter_gait(report, &report->filtered[GAIT_FILTER_GAIT]);
}
