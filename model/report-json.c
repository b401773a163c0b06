/* SPDX-License-Identifier: Apache-2.0 */
/* A report as one JSON object. */
#include "model/report.h"

#include "model/life.h"
#include "sysgait/summary.h"
#include "sysgait/text.h"

static void
append_string(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, "\"%s\":", key);
	gait_text_append_json(out, value);
}

static void
append_acts(GString *out, const char *key, guint64 acts)
{
	const char *separator = "";

	g_string_append_printf(out, ",\"%s\":[", key);
	for (GaitAct act = 0; act < GAIT_ACT_N_; act++) {
		if (!(acts >> act & 1))
			continue;
		g_string_append(out, separator);
		gait_text_append_json(out, gait_act_text(act));
		separator = ",";
	}
	g_string_append_c(out, ']');
}

static void
append_filters(const GaitReportProgram *program, GString *out)
{
	g_string_append(out, ",\"filters\":[");
	for (GaitFilter i = 0; i < GAIT_FILTER_N_; i++) {
		const GaitFiltered *filtered = &program->filtered[i];

		g_string_append(out, i ? ",{" : "{");
		append_string(out, "filter", gait_filter_text(i));
		g_string_append_printf(out,
		                       ",\"syscalls\":%.4f,\"syscalls_p95\":%.0f,\"surface\":%.4f,"
		                       "\"payloads\":%u,\"payloads_padded\":%u}",
		                       filtered->n_syscalls, filtered->n_p95, filtered->surface,
		                       filtered->n_payloads, filtered->n_padded);
	}
	g_string_append_c(out, ']');
}

static void
append_covers(const GaitCover *covers, GString *out)
{
	guint n_payloads;
	const GaitPayload *payloads = gait_payloads(&n_payloads);
	const char *separator = "";

	g_string_append(out, ",\"payloads\":[");
	for (guint i = 0; i < n_payloads; i++) {
		if (covers[i] == GAIT_COVER_NONE)
			continue;
		g_string_append_printf(out, "%s{", separator);
		append_string(out, "payload", payloads[i].name);
		g_string_append_c(out, ',');
		append_string(out, "family", payloads[i].family);
		g_string_append_c(out, ',');
		append_string(out, "passes", gait_cover_text(covers[i]));
		g_string_append_c(out, '}');
		separator = ",";
	}
	g_string_append_c(out, ']');
}

static void
append_phase(const GaitModel *model, const GaitReportProgram *program, const GaitReportPhase *phase,
             GString *out)
{
	const GaitRole *role = gait_program_get_role(program->program, phase->role);
	g_autofree char *name =
	    gait_model_dup_phase_name(model, program->program, role, phase->phase);

	g_string_append_c(out, '{');
	append_string(out, "role", role->name);
	g_string_append_printf(out, ",\"phase\":%u,", phase->phase + 1);
	append_string(out, "entered_at", name);
	g_string_append_printf(out,
	                       ",\"time_share\":%.6f,\"allowed\":%u,\"retained\":%u,"
	                       "\"surface\":%.4f,\"retained_surface\":%.4f,"
	                       "\"branching\":%.4f,\"branching_p95\":%.0f",
	                       phase->share, phase->n_allowed, phase->n_retained, phase->surface,
	                       phase->retained_surface, phase->branching.mean,
	                       phase->branching.p95);
	append_acts(out, "acts", phase->acts);
	append_acts(out, "retained_acts", phase->retained_acts);
	g_string_append_c(out, ',');
	gait_model_print_interludes_json(model, program->program, role,
	                                 g_ptr_array_index(role->phases, phase->phase), out);
	append_covers(phase->covers, out);
	g_string_append_c(out, '}');
}

static void
append_library(const GaitModel *model, const GaitReportProgram *program,
               const GaitReportLibrary *library, GString *out)
{
	guint32 module = gait_program_get_library(program->program, library->library)->module;

	g_string_append_c(out, '{');
	append_string(out, "library", gait_model_module_name(model, module));
	g_string_append_printf(out,
	                       ",\"event_share\":%.6f,\"syscalls\":%u,\"surface\":%.4f,"
	                       "\"branching\":%.4f,\"branching_p95\":%.0f,"
	                       "\"unseen_per_run\":%.4f",
	                       library->share, library->metrics.n_syscalls, library->surface,
	                       library->metrics.branching, library->metrics.branching_p95,
	                       library->metrics.unseen_per_run);
	append_acts(out, "acts", library->acts);
	g_string_append_c(out, '}');
}

static void
append_program(const GaitModel *model, const GaitReportProgram *program, GString *out)
{
	g_string_append_c(out, '{');
	append_string(out, "path", program->program->path);
	g_string_append_printf(out,
	                       ",\"runs\":%u,\"events\":%" G_GUINT64_FORMAT ",\"branching\":%.4f,"
	                       "\"branching_p95\":%.0f,\"unseen_per_run\":%.4f",
	                       program->program->n_runs, program->metrics.n_events,
	                       program->metrics.branching, program->metrics.branching_p95,
	                       program->metrics.unseen_per_run);
	append_filters(program, out);
	g_string_append(out, ",\"phases\":[");
	for (guint i = 0; i < program->phases->len; i++) {
		g_string_append(out, i ? "," : "");
		append_phase(model, program, &g_array_index(program->phases, GaitReportPhase, i),
		             out);
	}
	g_string_append(out, "],\"libraries\":[");
	for (guint i = 0; i < program->libraries->len; i++) {
		g_string_append(out, i ? "," : "");
		append_library(model, program,
		               &g_array_index(program->libraries, GaitReportLibrary, i), out);
	}
	g_string_append_c(out, ']');
	append_covers(program->covers, out);
	g_string_append_c(out, '}');
}

void
gait_report_print_json(const GaitReport *report, GString *out)
{
	guint n_payloads;

	gait_payloads(&n_payloads);
	g_string_append_printf(out, "{\"runs\":%u,\"payloads_tried\":%u,\"programs\":[",
	                       report->model->runs->len, n_payloads);
	for (guint i = 0; i < report->programs->len; i++) {
		g_string_append(out, i ? "," : "");
		append_program(report->model, g_ptr_array_index(report->programs, i), out);
	}
	g_string_append(out, "]}\n");
}
