/* SPDX-License-Identifier: Apache-2.0 */
/* A report for a terminal. */
#include "model/report.h"

#include "model/life.h"
#include "model/table.h"
#include "sysgait/summary.h"
#include "sysgait/text.h"

static void
add_heads(GaitTable *table, const char *const *heads, guint n)
{
	gait_table_init(table, n);
	for (guint i = 0; i < n; i++)
		gait_table_add(table, "%s", heads[i]);
}

static char *
escape(const char *text)
{
	GString *out = g_string_new(NULL);

	gait_text_append(out, text);
	return g_string_free(out, FALSE);
}

/* "11 (+3)" */
static void
add_payloads(GaitTable *table, guint n_plain, guint n_padded)
{
	if (n_padded)
		gait_table_add(table, "%u (+%u)", n_plain, n_padded);
	else
		gait_table_add(table, "%u", n_plain);
}

static void
print_filters(const GaitReportProgram *program, GString *out)
{
	static const char *const heads[] = {"what may come next, under", "syscalls", "95%",
	                                    "surface", "payloads"};
	g_auto(GaitTable) table = {0};

	add_heads(&table, heads, G_N_ELEMENTS(heads));
	for (GaitFilter i = 0; i < GAIT_FILTER_N_; i++) {
		const GaitFiltered *filtered = &program->filtered[i];

		gait_table_add(&table, "%s", gait_filter_text(i));
		gait_table_add(&table, "%.1f", filtered->n_syscalls);
		gait_table_add(&table, "%.0f", filtered->n_p95);
		gait_table_add(&table, "%.1f", filtered->surface);
		add_payloads(&table, filtered->n_payloads, filtered->n_padded);
	}
	gait_table_print(&table, 2, out);
}

static void
add_interludes(GaitTable *table, const GaitModel *model, const GaitProgram *program,
               const GaitRole *role, guint32 index)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);

	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);
		g_autofree char *entry = gait_model_dup_symbol_name(
		    model, program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));

		gait_table_add(table, "     now and then: %s", entry);
		gait_table_add(table, "%s", "");
		gait_table_add(table, "+%u", gait_interlude_count(program, phase, interlude));
		for (guint k = 0; k < 6; k++)
			gait_table_add(table, "%s", "");
	}
}

static void
print_phases(const GaitModel *model, const GaitReportProgram *program, GString *out)
{
	static const char *const heads[] = {"role; phase", "time", "calls", "kept",    "surface",
	                                    "kept",        "next", "95%",   "payloads"};
	g_auto(GaitTable) table = {0};
	guint32 last = GAIT_NONE;

	add_heads(&table, heads, G_N_ELEMENTS(heads));
	for (guint i = 0; i < program->phases->len; i++) {
		const GaitReportPhase *phase = &g_array_index(program->phases, GaitReportPhase, i);
		const GaitRole *role = gait_program_get_role(program->program, phase->role);
		g_autofree char *name =
		    gait_model_dup_phase_name(model, program->program, role, phase->phase);

		if (phase->role != last) {
			gait_table_take(&table, escape(role->name));
			for (guint k = 1; k < G_N_ELEMENTS(heads); k++)
				gait_table_add(&table, "%s", "");
		}
		last = phase->role;
		gait_table_add(&table, "  %u  %s", phase->phase + 1, name);
		gait_table_add_share(&table, phase->share);
		gait_table_add(&table, "%u", phase->n_allowed);
		gait_table_add(&table, "%u", phase->n_retained);
		gait_table_add(&table, "%.1f", phase->surface);
		gait_table_add(&table, "%.1f", phase->retained_surface);
		gait_table_add(&table, "%.1f", phase->branching.mean);
		gait_table_add(&table, "%.0f", phase->branching.p95);
		add_payloads(&table, phase->n_plain, phase->n_padded);
		add_interludes(&table, model, program->program, role, phase->phase);
	}
	gait_table_print(&table, 2, out);
}

static void
print_libraries(const GaitModel *model, const GaitReportProgram *program, GString *out)
{
	static const char *const heads[] = {"library", "events", "calls", "surface",
	                                    "next",    "95%",    "unseen"};
	g_auto(GaitTable) table = {0};

	add_heads(&table, heads, G_N_ELEMENTS(heads));
	for (guint i = 0; i < program->libraries->len; i++) {
		const GaitReportLibrary *library =
		    &g_array_index(program->libraries, GaitReportLibrary, i);
		guint32 module =
		    gait_program_get_library(program->program, library->library)->module;

		gait_table_take(&table, escape(gait_model_module_name(model, module)));
		gait_table_add_share(&table, library->share);
		gait_table_add(&table, "%u", library->metrics.n_syscalls);
		gait_table_add(&table, "%.1f", library->surface);
		gait_table_add(&table, "%.1f", library->metrics.branching);
		gait_table_add(&table, "%.0f", library->metrics.branching_p95);
		gait_table_add(&table, "%.2f", library->metrics.unseen_per_run);
	}
	gait_table_print(&table, 2, out);
}

/* "main/worker 3, main 1": the phases that let a payload pass so. */
static void
append_places(const GaitReportProgram *program, guint payload, GaitCover cover, GString *out)
{
	const char *separator = "";

	for (guint i = 0; i < program->phases->len; i++) {
		const GaitReportPhase *phase = &g_array_index(program->phases, GaitReportPhase, i);
		const GaitRole *role = gait_program_get_role(program->program, phase->role);

		if (phase->covers[payload] != cover)
			continue;
		g_string_append(out, separator);
		gait_text_append(out, role->name);
		g_string_append_printf(out, " %u", phase->phase + 1);
		separator = ", ";
	}
}

static void
print_payloads(const GaitReportProgram *program, GString *out)
{
	guint n_payloads;
	const GaitPayload *payloads = gait_payloads(&n_payloads);

	for (guint i = 0; i < n_payloads; i++) {
		if (program->covers[i] == GAIT_COVER_NONE)
			continue;
		g_string_append_printf(out, "  %s, %s: ", payloads[i].name,
		                       gait_cover_text(program->covers[i]));
		append_places(program, i, program->covers[i], out);
		g_string_append_c(out, '\n');
	}
}

static void
print_program(const GaitReport *report, const GaitReportProgram *program, GString *out)
{
	guint n_payloads;

	gait_payloads(&n_payloads);
	g_string_append_c(out, '\n');
	gait_text_append(out, program->program->path);
	g_string_append_printf(out, ": %u run%s, ", program->program->n_runs,
	                       program->program->n_runs == 1 ? "" : "s");
	gait_table_append_count(out, program->metrics.n_events);
	g_string_append_printf(out, " system calls, %u payloads tried\n", n_payloads);
	print_filters(program, out);
	g_string_append_c(out, '\n');
	print_phases(report->model, program, out);
	g_string_append_c(out, '\n');
	print_libraries(report->model, program, out);
	if (program->filtered[GAIT_FILTER_GAIT].n_payloads +
	    program->filtered[GAIT_FILTER_GAIT].n_padded) {
		g_string_append(out, "\n  payloads that some phase lets pass:\n");
		print_payloads(program, out);
	}
}

void
gait_report_print(const GaitReport *report, GString *out)
{
	g_autoptr(GPtrArray) programs = gait_report_dup_busiest(report);

	for (guint i = 0; i < programs->len; i++)
		print_program(report, g_ptr_array_index(programs, i), out);
	g_string_append(
	    out,
	    "\nsurface: acts (ways to open a file to write are one act) weighed by danger; time: "
	    "of "
	    "all tasks' lives;\ncalls: distinct system calls that the phase allows (+N: now and "
	    "then, "
	    "in rounds that begin so); kept:\nthose that it or a later one needs; payloads: of the "
	    "catalogue, that pass as they are, (+N) with harmless\ncalls made in between; next: "
	    "choices "
	    "of the automaton; unseen: edges that the next run is expected to\nbring. All filters "
	    "are "
	    "learned from the same runs: they allow what was seen, and cannot promise, as\nstatic "
	    "analysis can, to allow what was not.\n");
}
