/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model at a glance, for people: how much was learned and how sure it is, who does what in
 * which phase, and which libraries make the calls. What could not be attributed is said, not hidden
 * in a table.
 */
#include "sysgait/summary.h"

#include "model/summary-amended.h"

#include "model/life.h"
#include "model/table.h"
#include "sysgait/metrics.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

/* Escaped, to be freed. */
static char *
escape(const char *text)
{
	GString *out = g_string_new(NULL);

	gait_text_append(out, text);
	return g_string_free(out, FALSE);
}

/* Distinct system calls in a set of the program's calls, which are sorted by number. */
static guint
count_syscalls(const GaitProgram *program, const GArray *set)
{
	guint32 last = GAIT_NONE;
	guint n = 0;

	for (guint32 i = 0; i < set->len; i++) {
		guint32 call = g_array_index(set, guint32, i);
		guint32 nr = g_array_index(program->calls, GaitCall, call).nr;

		n += nr != last;
		last = nr;
	}
	return n;
}

static guint
count_role_syscalls(const GaitProgram *program, const GaitRole *role)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);

		g_hash_table_add(seen, GUINT_TO_POINTER(gait_program_get_symbol(program, ref)->nr));
	}
	return g_hash_table_size(seen);
}

/* --- roles and phases ------------------------------------------------------------------------ */

char *
gait_model_dup_symbol_name(const GaitModel *model, const GaitProgram *program, GaitSymbolRef ref)
{
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);
	const GaitLibrary *library = gait_program_get_library(program, ref.library);
	g_autoptr(GString) text = g_string_new(NULL);

	gait_syscall_format(text, symbol->nr, symbol->klass);
	if (model->is_stackless)
		return g_string_free(g_steal_pointer(&text), FALSE);
	if (symbol->function) {
		g_string_append(text, " in ");
		gait_text_append(text, symbol->function);
		g_string_append(text, ", ");
	} else {
		g_string_append(text, " by ");
	}
	gait_text_append(text, gait_model_module_name(model, library->module));
	if (!symbol->function && symbol->site)
		g_string_append_printf(text, "+0x%" G_GINT64_MODIFIER "x", symbol->site);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
gait_model_dup_phase_name(const GaitModel *model, const GaitProgram *program, const GaitRole *role,
                          guint32 index)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);

	if (phase->milestone == GAIT_NONE)
		return g_strdup("start");
	return gait_model_dup_symbol_name(
	    model, program, g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
}

/* "  2  listen in ngx_open_listening_sockets, nginx" */
static char *
describe_phase(const GaitModel *model, const GaitProgram *program, const GaitRole *role,
               guint32 index)
{
	g_autofree char *name = gait_model_dup_phase_name(model, program, role, index);

	return g_strdup_printf("  %u  %s", index + 1, name);
}

/* "       + now and then, from recvmsg in ngx_read_channel, nginx" */
static void
add_interlude(GaitTable *table, const GaitModel *model, const GaitProgram *program,
              const GaitRole *role, const GaitPhase *phase, const GaitInterlude *interlude)
{
	g_autofree char *entry = gait_model_dup_symbol_name(
	    model, program, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));

	gait_table_add(table, "     now and then: %s", entry);
	for (guint i = 0; i < 3; i++)
		gait_table_add(table, "%s", "");
	gait_table_add(table, "+%u", gait_interlude_count(program, phase, interlude));
	gait_table_add(table, "%s", "");
	gait_table_add(table, "%s", "");
}

static void
add_phase(GaitTable *table, const GaitModel *model, const GaitProgram *program,
          const GaitRole *role, guint32 index)
{
	const GaitPhase *phase = g_ptr_array_index(role->phases, index);
	g_autoptr(GArray) steady = gait_phase_dup_steady(phase);

	gait_table_take(table, describe_phase(model, program, role, index));
	gait_table_add(table, "%s", "");
	gait_table_add_share(table, phase->event_share);
	if (role->time_ns)
		gait_table_add_share(table, phase->time_share);
	else
		gait_table_add(table, "%s", "");
	gait_table_add(table, "%u", count_syscalls(program, steady));
	gait_table_add(table, "%u", count_syscalls(program, phase->retained));
	gait_table_add(table, "%s", "");
	for (guint32 i = 0; i < phase->interludes->len; i++)
		add_interlude(table, model, program, role, phase,
		              g_ptr_array_index(phase->interludes, i));
}

/* Rows of one role; one phase alone is no news. */
static void
add_role(GaitTable *table, const GaitModel *model, const GaitProgram *program, guint32 index)
{
	const GaitRole *role = gait_program_get_role(program, index);
	g_autofree char *name = escape(role->name);
	GaitMetrics metrics;

	gait_metrics_role(model, program, index, &metrics);
	gait_table_add(table, "%s%s", name, role->is_thread ? " (thread)" : "");
	gait_table_add_count(table, role->n_instances);
	gait_table_add_count(table, role->n_events);
	if (role->time_ns)
		gait_table_add(table, "%.1f s", (double)role->time_ns / 1e9);
	else
		gait_table_add(table, "%s", "");
	gait_table_add(table, "%u", count_role_syscalls(program, role));
	gait_table_add(table, "%s", "");
	gait_table_add(table, "%.2f", metrics.unseen_per_run);
	for (guint32 i = 0; role->phases->len > 1 && i < role->phases->len; i++)
		add_phase(table, model, program, role, i);
}

static void
print_roles(const GaitModel *model, const GaitProgram *program, GString *out)
{
	static const char *const heads[] = {
	    "role; phase, entered at", "tasks", "events", "time", "calls", "kept", "unseen"};
	g_auto(GaitTable) table = {0};

	gait_table_init(&table, G_N_ELEMENTS(heads));
	for (guint i = 0; i < G_N_ELEMENTS(heads); i++)
		gait_table_add(&table, "%s", heads[i]);
	for (guint32 i = 0; i < program->roles->len; i++)
		add_role(&table, model, program, i);
	gait_table_print(&table, 2, out);
}

/* --- libraries ------------------------------------------------------------------------------- */

typedef struct {
	guint32 library;
	GaitMetrics metrics;
} LibraryRow;

/* The busiest first. */
static int
compare_rows(gconstpointer a, gconstpointer b)
{
	const LibraryRow *x = a, *y = b;

	if (x->metrics.n_events != y->metrics.n_events)
		return x->metrics.n_events < y->metrics.n_events ? 1 : -1;
	return x->library < y->library ? -1 : x->library > y->library;
}

static void
add_library(GaitTable *table, const GaitModel *model, const GaitProgram *program,
            const LibraryRow *row, guint64 n_events)
{
	const GaitLibrary *library = gait_program_get_library(program, row->library);
	const GaitMetrics *metrics = &row->metrics;

	gait_table_take(table, escape(gait_model_module_name(model, library->module)));
	gait_table_add_share(table, n_events ? (double)metrics->n_events / (double)n_events : 0);
	gait_table_add(table, "%u", metrics->n_syscalls);
	gait_table_add(table, "%u", metrics->n_sites);
	gait_table_add(table, "%u", metrics->n_edges);
	gait_table_add(table, "%.1f", metrics->branching);
	gait_table_add(table, "%.2f", metrics->unseen_per_run);
}

static void
print_libraries(const GaitModel *model, const GaitProgram *program, GString *out)
{
	static const char *const heads[] = {"library", "events",    "calls", "sites",
	                                    "edges",   "branching", "unseen"};
	g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(LibraryRow));
	g_auto(GaitTable) table = {0};
	guint64 n_events = 0;

	for (guint32 i = 0; i < program->libraries->len; i++) {
		LibraryRow row = {.library = i};

		gait_metrics_library(model, program, i, &row.metrics);
		n_events += row.metrics.n_events;
		g_array_append_val(rows, row);
	}
	g_array_sort(rows, compare_rows);
	gait_table_init(&table, G_N_ELEMENTS(heads));
	for (guint i = 0; i < G_N_ELEMENTS(heads); i++)
		gait_table_add(&table, "%s", heads[i]);
	for (guint i = 0; i < rows->len; i++)
		add_library(&table, model, program, &g_array_index(rows, LibraryRow, i), n_events);
	gait_table_print(&table, 2, out);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void
append_n(GString *out, guint64 n, const char *what)
{
	gait_table_append_count(out, n);
	g_string_append_printf(out, " %s%s", what, n == 1 ? "" : "s");
}

static void
print_program(const GaitModel *model, const GaitProgram *program, GString *out)
{
	GaitMetrics metrics;

	gait_metrics_program(model, program, &metrics);
	g_string_append_c(out, '\n');
	gait_text_append(out, program->path);
	g_string_append(out, ": ");
	append_n(out, program->n_runs, "run");
	g_string_append(out, ", ");
	append_n(out, metrics.n_syscalls, "syscall");
	g_string_append(out, ", ");
	append_n(out, metrics.n_sites, "site");
	g_string_append(out, ", ");
	append_n(out, metrics.n_edges, "edge");
	g_string_append_printf(out, ", branching %.1f\n", metrics.branching);
	for (guint32 i = 0; i < program->execs->len; i++) {
		guint32 other = g_array_index(program->execs, guint32, i);

		g_string_append(out, i ? ", " : "  runs ");
		gait_text_append(out, gait_model_get_program(model, other)->path);
	}
	if (program->execs->len)
		g_string_append_c(out, '\n');
	print_roles(model, program, out);
	g_string_append_c(out, '\n');
	print_libraries(model, program, out);
}

/* Events that no library could be found for, of all. */
static guint64
count_unknown(const GaitModel *model, guint64 *n_all)
{
	guint64 n = 0;

	*n_all = 0;
	for (guint32 p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint32 l = 0; l < program->libraries->len; l++) {
			const GaitLibrary *library = gait_program_get_library(program, l);
			const char *name = gait_model_module_name(model, library->module);

			for (guint32 s = 0; s < library->symbols->len; s++) {
				const GaitSymbol *symbol = g_ptr_array_index(library->symbols, s);

				*n_all += symbol->count;
				n += strcmp(name, "[unknown]") == 0 ? symbol->count : 0;
			}
		}
	}
	return n;
}

static void
print_attribution(const GaitModel *model, GString *out)
{
	guint64 n_all, n_unknown = count_unknown(model, &n_all);

	if (model->is_stackless) {
		g_string_append(out, "Learned from logs without stacks: the library is not known, "
		                     "and each program\nhas one automaton as a whole.\n");
		return;
	}
	if (!n_unknown) {
		g_string_append(out, "Every call was attributed to a library.\n");
		return;
	}
	gait_table_append_count(out, n_unknown);
	g_string_append(out, " of ");
	append_n(out, n_all, "call");
	g_string_append_printf(out, " (%.2f%%) could not be attributed to a library: [unknown].\n",
	                       100.0 * (double)n_unknown / (double)n_all);
}

static double
sum_unseen(const GaitModel *model)
{
	double sum = 0;

	for (guint32 i = 0; i < model->programs->len; i++) {
		GaitMetrics metrics;

		gait_metrics_program(model, gait_model_get_program(model, i), &metrics);
		sum += metrics.unseen_per_run;
	}
	return sum;
}

static void
print_maturity(const GaitModel *model, GString *out)
{
	append_n(out, model->runs->len, "run");
	if (model->runs->len < 2)
		g_string_append(out, ": too few to say what the next one brings.\n");
	else
		g_string_append_printf(out, "; expect %.2f unseen edges in the next run.\n",
		                       sum_unseen(model));
}

void
gait_model_print_summary(const GaitModel *model, GString *out)
{
	guint64 n_events = 0;
	guint n_partial = 0;

	for (guint i = 0; i < model->runs->len; i++) {
		const GaitRun *run = g_ptr_array_index(model->runs, i);

		n_events += run->n_events;
		n_partial += run->is_partial;
	}
	append_n(out, model->runs->len, "run");
	g_string_append(out, ", ");
	append_n(out, n_events, "system call");
	g_string_append(out, ", on Linux ");
	gait_text_append(out, model->kernel);
	g_string_append(out, model->is_amended ? "; amended by hand\n" : "\n");
	if (n_partial) {
		append_n(out, n_partial, "run");
		g_string_append(out, " of these only in part.\n");
	}
	for (guint32 i = 0; i < model->programs->len; i++)
		print_program(model, gait_model_get_program(model, i), out);
	g_string_append(out,
	                "\ncalls: distinct system calls that a phase allows (+N: now and then, in "
	                "rounds of the "
	                "main loop\nthat begin so); kept: those that this or a later phase needs; "
	                "unseen: edges that the next run is\nexpected to bring.\n\n");
	print_attribution(model, out);
	gait_summary_print_amended(model, out);
	print_maturity(model, out);
}
