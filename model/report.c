/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a report, phase by phase and library by library; what coarser filters would leave
 * is in report-filter.c. Surfaces are counted in acts (act.h) and weighed by danger: a list that is
 * shorter by three ways to ask for the time is no safer.
 */
#include "model/report-private.h"

#include "model/life.h"
#include "model/model-private.h"

#include <string.h>

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

GaitActs
gait_report_measure_calls(const GArray *calls)
{
	guint32 last = GAIT_NONE;
	GaitActs set = {0};

	for (guint32 i = 0; i < calls->len; i++) {
		const GaitCall *call = &g_array_index(calls, GaitCall, i);

		set.n += call->nr != last;
		set.acts |= gait_act_mask(call->nr, call->klass);
		last = call->nr;
	}
	return set;
}

GaitActs
gait_report_measure_indices(const GaitProgram *program, const GArray *indices)
{
	g_autoptr(GArray) calls = g_array_new(FALSE, FALSE, sizeof(GaitCall));

	for (guint32 i = 0; i < indices->len; i++) {
		guint32 index = g_array_index(indices, guint32, i);

		g_array_append_val(calls, g_array_index(program->calls, GaitCall, index));
	}
	return gait_report_measure_calls(calls);
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
	GaitActs allowed = gait_report_measure_indices(report->program, steady);
	GaitActs all = gait_report_measure_indices(report->program, phase->allowed);
	GaitActs retained = gait_report_measure_indices(report->program, phase->retained);

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
	out.branching = gait_metrics_phase_branching(report->program, role_index, phase_index);
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
		out.acts = gait_report_measure_calls(library->calls).acts;
		out.surface = gait_act_surface(out.acts);
		if (report->metrics.n_events)
			out.share = (double)out.metrics.n_events / (double)report->metrics.n_events;
		g_array_append_val(report->libraries, out);
	}
	g_array_sort(report->libraries, compare_libraries);
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
	gait_report_filter(report);
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
