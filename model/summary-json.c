/* SPDX-License-Identifier: Apache-2.0 */
/* The model at a glance, for scripts: the figures of summary.c as one JSON object. */
#include "sysgait/summary.h"

#include "model/life.h"
#include "model/summary-amended.h"

#include "sysgait/metrics.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"
#include "sysgait/walker.h"

static void
append_string(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, "\"%s\":", key);
	gait_text_append_json(out, value);
}

static void
append_metrics(GString *out, const GaitMetrics *metrics)
{
	g_string_append_printf(out,
	                       ",\"events\":%" G_GUINT64_FORMAT
	                       ",\"syscalls\":%u,\"symbols\":%u,\"sites\":%u,\"edges\":%u,"
	                       "\"branching\":%.4f,\"branching_p95\":%.4f,\"unseen_per_run\":%.4f",
	                       metrics->n_events, metrics->n_syscalls, metrics->n_symbols,
	                       metrics->n_sites, metrics->n_edges, metrics->branching,
	                       metrics->branching_p95, metrics->unseen_per_run);
}

static void
append_milestone(GString *out, const GaitModel *model, const GaitProgram *program,
                 GaitSymbolRef ref)
{
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);
	const GaitLibrary *library = gait_program_get_library(program, ref.library);
	g_autoptr(GString) call = g_string_new(NULL);

	gait_syscall_format(call, symbol->nr, symbol->klass);
	g_string_append(out, ",\"milestone\":{");
	append_string(out, "call", call->str);
	g_string_append_c(out, ',');
	append_string(out, "library", gait_model_module_name(model, library->module));
	g_string_append_printf(out, ",\"site\":\"0x%" G_GINT64_MODIFIER "x\"", symbol->site);
	if (symbol->function) {
		g_string_append_c(out, ',');
		append_string(out, "function", symbol->function);
	}
	g_string_append_c(out, '}');
}

void
gait_model_print_interludes_json(const GaitModel *model, const GaitProgram *program,
                                 const GaitRole *role, const GaitPhase *phase, GString *out)
{
	g_string_append(out, "\"interludes\":[");
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		g_autofree char *entry = gait_model_dup_symbol_name(
		    model, program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));

		g_string_append(out, i ? ",{" : "{");
		append_string(out, "entry", entry);
		g_string_append_printf(out, ",\"calls\":%u}",
		                       gait_interlude_count(program, phase, interlude));
	}
	g_string_append_c(out, ']');
}

static void
append_phase(GString *out, const GaitModel *model, const GaitProgram *program, const GaitRole *role,
             const GaitPhase *phase)
{
	g_string_append_printf(
	    out, "{\"allowed\":%u,\"retained\":%u,\"time_share\":%.4f,\"event_share\":%.4f",
	    phase->allowed->len, phase->retained->len, phase->time_share, phase->event_share);
	if (phase->milestone != GAIT_NONE)
		append_milestone(out, model, program,
		                 g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
	g_string_append_c(out, ',');
	gait_model_print_interludes_json(model, program, role, phase, out);
	g_string_append_c(out, '}');
}

static void
append_role(GString *out, const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitRole *role = gait_program_get_role(program, index);
	GaitMetrics metrics;

	gait_metrics_role(model, program, index, &metrics);
	g_string_append_c(out, '{');
	append_string(out, "name", role->name);
	g_string_append_printf(out,
	                       ",\"tasks\":%" G_GUINT64_FORMAT ",\"runs\":%u,\"is_thread\":%s,"
	                       "\"events\":%" G_GUINT64_FORMAT ",\"time_s\":%.6f,"
	                       "\"unseen_per_run\":%.4f,\"phases\":[",
	                       role->n_instances, role->n_runs, role->is_thread ? "true" : "false",
	                       role->n_events, (double)role->time_ns / 1e9, metrics.unseen_per_run);
	for (guint32 i = 0; i < role->phases->len; i++) {
		g_string_append(out, i ? "," : "");
		append_phase(out, model, program, role, g_ptr_array_index(role->phases, i));
	}
	g_string_append(out, "]}");
}

static void
append_library(GString *out, const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitLibrary *library = gait_program_get_library(program, index);
	const GaitModelModule *module = g_ptr_array_index(model->modules, library->module);
	GaitMetrics metrics;

	gait_metrics_library(model, program, index, &metrics);
	g_string_append_c(out, '{');
	append_string(out, "path", module->path);
	g_string_append_c(out, ',');
	append_string(out, "build_id", module->build_id);
	append_metrics(out, &metrics);
	g_string_append_c(out, '}');
}

static double
append_program(GString *out, const GaitModel *model, const GaitProgram *program)
{
	GaitMetrics metrics;

	gait_metrics_program(model, program, &metrics);
	g_string_append_c(out, '{');
	append_string(out, "path", program->path);
	g_string_append_printf(out, ",\"runs\":%u", program->n_runs);
	append_metrics(out, &metrics);
	g_string_append(out, ",\"execs\":[");
	for (guint32 i = 0; i < program->execs->len; i++) {
		guint32 other = g_array_index(program->execs, guint32, i);

		g_string_append(out, i ? "," : "");
		gait_text_append_json(out, gait_model_get_program(model, other)->path);
	}
	g_string_append(out, "],\"roles\":[");
	for (guint32 i = 0; i < program->roles->len; i++) {
		g_string_append(out, i ? "," : "");
		append_role(out, model, program, i);
	}
	g_string_append(out, "],\"libraries\":[");
	for (guint32 i = 0; i < program->libraries->len; i++) {
		g_string_append(out, i ? "," : "");
		append_library(out, model, program, i);
	}
	g_string_append(out, "]}");
	return metrics.unseen_per_run;
}

static void
append_expected(GString *out, const GaitModel *model)
{
	double per_run[GAIT_VERDICT_N_] = {0};

	gait_metrics_expected(model, per_run, GAIT_VERDICT_N_);
	g_string_append(out, ",\"expected\":{");
	for (GaitVerdict v = GAIT_VERDICT_ALLOW + 1; v < GAIT_VERDICT_N_; v++)
		g_string_append_printf(out, "%s\"%s\":%.4f", v > GAIT_VERDICT_ALLOW + 1 ? "," : "",
		                       gait_verdict_name(v), per_run[v]);
	g_string_append_c(out, '}');
}

void
gait_model_print_summary_json(const GaitModel *model, GString *out)
{
	double unseen = 0;

	g_string_append_printf(out, "{\"runs\":%u,", model->runs->len);
	append_string(out, "kernel", model->kernel);
	g_string_append_printf(out, ",\"is_stackless\":%s,\"is_amended\":%s,\"programs\":[",
	                       model->is_stackless ? "true" : "false",
	                       model->is_amended ? "true" : "false");
	for (guint32 i = 0; i < model->programs->len; i++) {
		g_string_append(out, i ? "," : "");
		unseen += append_program(out, model, gait_model_get_program(model, i));
	}
	g_string_append_printf(out, "],\"unseen_per_run\":%.4f", unseen);
	gait_summary_print_amended_json(model, out);
	append_expected(out, model);
	g_string_append(out, "}\n");
}
