/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model as JSON text, by hand rather than by json-glib: a stable order with one run, module,
 * symbol or edge a line is what makes a diff readable. Expects a normalized model.
 */
#include "model/model-print-private.h"
#include "sysgait/syscall.h"

void
gait_printer_print_ref(GaitPrinter *printer, GaitSymbolRef ref)
{
	const GaitLibrary *library;

	if (ref.library == GAIT_NONE) {
		g_string_append(printer->out, "null");
		return;
	}
	library = gait_program_get_library(printer->program, ref.library);
	g_string_append_c(printer->out, '[');
	gait_json_string(printer->out, name_at(printer->modules, library->module));
	g_string_append(printer->out, ", ");
	gait_json_string(printer->out,
	                 name_at(g_ptr_array_index(printer->symbols, ref.library), ref.symbol));
	g_string_append_c(printer->out, ']');
}

/* --- libraries --- */

static void
print_symbol(GaitPrinter *printer, const GaitSymbol *symbol, const char *name)
{
	guint32 call = gait_calls_find(printer->program->calls, symbol->nr, symbol->klass);

	g_string_append(printer->out, "{\"id\": ");
	gait_json_string(printer->out, name);
	gait_json_text(printer->out, "call", name_at(printer->calls, call));
	gait_json_hex(printer->out, "site", symbol->site);
	if (symbol->function) {
		gait_json_text(printer->out, "function", symbol->function);
		gait_json_number(printer->out, "delta", symbol->delta);
	}
	gait_json_number(printer->out, "count", symbol->count);
	gait_json_number(printer->out, "runs", symbol->n_runs);
	if (symbol->is_amended)
		gait_json_flag(printer->out, "amended", TRUE);
	g_string_append_c(printer->out, '}');
}

static void
print_state(GaitPrinter *printer, guint32 state, const GPtrArray *names)
{
	if (state == GAIT_STATE_START)
		g_string_append(printer->out, "\"start\"");
	else if (state == GAIT_STATE_SIGNAL)
		g_string_append(printer->out, "\"signal\"");
	else
		gait_json_string(printer->out, name_at(names, state - GAIT_STATE_FIRST));
}

static void
print_edge(GaitPrinter *printer, const GaitEdge *edge, const GPtrArray *names)
{
	g_string_append(printer->out, "{\"from\": ");
	print_state(printer, edge->from, names);
	gait_json_key(printer->out, "to");
	print_state(printer, edge->to, names);
	gait_json_number(printer->out, "count", edge->count);
	gait_json_number(printer->out, "runs", edge->n_runs);
	if (edge->is_amended)
		gait_json_flag(printer->out, "amended", TRUE);
	gait_json_key(printer->out, "roles");
	g_string_append_c(printer->out, '[');
	for (guint32 i = 0; i < edge->roles->len; i++) {
		const GaitRoleCount *count = &g_array_index(edge->roles, GaitRoleCount, i);

		g_string_append(printer->out, i ? ", [" : "[");
		gait_json_string(printer->out,
		                 gait_program_get_role(printer->program, count->role)->name);
		g_string_append_printf(printer->out, ", %" G_GUINT64_FORMAT ", %u]", count->count,
		                       count->n_runs);
	}
	g_string_append(printer->out, "]}");
}

static void
print_library_calls(GaitPrinter *printer, const GaitLibrary *library)
{
	g_string_append(printer->out, "\"calls\": [");
	for (guint32 i = 0; i < library->calls->len; i++) {
		const GaitCall *call = &g_array_index(library->calls, GaitCall, i);
		guint32 name = gait_calls_find(printer->program->calls, call->nr, call->klass);

		g_string_append(printer->out, i ? ", [" : "[");
		gait_json_string(printer->out, name_at(printer->calls, name));
		g_string_append_printf(printer->out, ", %u]", call->n_runs);
	}
	g_string_append_c(printer->out, ']');
}

static void
print_library(GaitPrinter *printer, guint32 index)
{
	const GaitLibrary *library = gait_program_get_library(printer->program, index);
	const GPtrArray *names = g_ptr_array_index(printer->symbols, index);

	g_string_append(printer->out, "{\"module\": ");
	gait_json_string(printer->out, name_at(printer->modules, library->module));
	g_string_append(printer->out, ",\n          ");
	print_library_calls(printer, library);
	g_string_append(printer->out, ",\n          \"symbols\": [");
	for (guint32 i = 0; i < library->symbols->len; i++) {
		gait_json_begin_line(printer->out, i, "            ");
		print_symbol(printer, g_ptr_array_index(library->symbols, i), name_at(names, i));
	}
	gait_json_end_list(printer->out, library->symbols->len, "          ");
	g_string_append(printer->out, ",\n          \"edges\": [");
	for (guint32 i = 0; i < library->edges->len; i++) {
		gait_json_begin_line(printer->out, i, "            ");
		print_edge(printer, g_ptr_array_index(library->edges, i), names);
	}
	gait_json_end_list(printer->out, library->edges->len, "          ");
	g_string_append(printer->out, "\n        }");
}

/* --- programs and the whole --- */

static void
print_execs(GaitPrinter *printer, const char *key, const GArray *execs)
{
	gait_json_key(printer->out, key);
	g_string_append_c(printer->out, '[');
	for (guint32 i = 0; i < execs->len; i++) {
		guint32 exec = g_array_index(execs, guint32, i);

		g_string_append(printer->out, i ? ", " : "");
		gait_json_string(printer->out, gait_model_get_program(printer->model, exec)->path);
	}
	g_string_append_c(printer->out, ']');
}

static void
print_program_head(GaitPrinter *printer, const GaitProgram *program)
{
	g_string_append(printer->out, "{\"path\": ");
	gait_json_string(printer->out, program->path);
	gait_json_key(printer->out, "module");
	if (program->module == GAIT_NONE)
		g_string_append(printer->out, "null");
	else
		gait_json_string(printer->out, name_at(printer->modules, program->module));
	gait_json_number(printer->out, "runs", program->n_runs);
	print_execs(printer, "execs", program->execs);
	if (program->amended_execs->len)
		print_execs(printer, "amended_execs", program->amended_execs);
}

static void
print_calls(GaitPrinter *printer, const GaitProgram *program)
{
	g_string_append(printer->out, ",\n      \"calls\": [");
	for (guint32 i = 0; i < program->calls->len; i++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, i);

		gait_json_begin_line(printer->out, i, "        ");
		g_string_append(printer->out, "{\"id\": ");
		gait_json_string(printer->out, name_at(printer->calls, i));
		gait_json_number(printer->out, "nr", call->nr);
		gait_json_number(printer->out, "class", call->klass);
		gait_json_number(printer->out, "runs", call->n_runs);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, program->calls->len, "      ");
}

static void
print_issuers(GaitPrinter *printer, const GaitProgram *program)
{
	g_string_append(printer->out, ",\n      \"issuers\": [");
	for (guint32 i = 0; i < program->issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(program->issuers, GaitIssuer, i);

		gait_json_begin_line(printer->out, i, "        ");
		g_string_append_printf(printer->out, "{\"nr\": %u", issuer->nr);
		gait_json_text(printer->out, "name", gait_syscall_name(issuer->nr));
		gait_json_text(printer->out, "module", name_at(printer->modules, issuer->module));
		gait_json_hex(printer->out, "offset", issuer->offset);
		gait_json_number(printer->out, "runs", issuer->n_runs);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, program->issuers->len, "      ");
}

static void
name_parts(GaitPrinter *printer, const GaitProgram *program)
{
	printer->program = program;
	printer->calls = gait_program_name_calls(program);
	printer->symbols = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	for (guint32 i = 0; i < program->libraries->len; i++)
		g_ptr_array_add(printer->symbols,
		                gait_library_name_symbols(
		                    program, gait_program_get_library(program, i), printer->calls));
}

static void
print_program(GaitPrinter *printer, const GaitProgram *program)
{
	name_parts(printer, program);
	print_program_head(printer, program);
	print_calls(printer, program);
	print_issuers(printer, program);
	g_string_append(printer->out, ",\n      \"libraries\": [");
	for (guint32 i = 0; i < program->libraries->len; i++) {
		gait_json_begin_line(printer->out, i, "        ");
		print_library(printer, i);
	}
	gait_json_end_list(printer->out, program->libraries->len, "      ");
	g_string_append(printer->out, ",\n      \"roles\": [");
	for (guint32 i = 0; i < program->roles->len; i++) {
		gait_json_begin_line(printer->out, i, "        ");
		gait_printer_print_role(printer, gait_program_get_role(program, i));
	}
	gait_json_end_list(printer->out, program->roles->len, "      ");
	g_string_append(printer->out, "\n    }");
	g_clear_pointer(&printer->calls, g_ptr_array_unref);
	g_clear_pointer(&printer->symbols, g_ptr_array_unref);
}

static void
print_runs(GaitPrinter *printer)
{
	g_string_append(printer->out, ",\n  \"runs\": [");
	for (guint32 i = 0; i < printer->model->runs->len; i++) {
		const GaitRun *run = g_ptr_array_index(printer->model->runs, i);

		gait_json_begin_line(printer->out, i, "    ");
		g_string_append(printer->out, "{\"id\": ");
		gait_json_string(printer->out, run->id);
		gait_json_text(printer->out, "command", run->command);
		gait_json_number(printer->out, "events", run->n_events);
		gait_json_flag(printer->out, "partial", run->is_partial);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, printer->model->runs->len, "  ");
}

static void
print_amendment(GaitPrinter *printer, const GaitAmendment *amendment)
{
	g_string_append(printer->out, "{\"id\": ");
	gait_json_string(printer->out, amendment->id);
	gait_json_text(printer->out, "log", amendment->log);
	gait_json_text(printer->out, "date", amendment->date);
	gait_json_text(printer->out, "reason", amendment->reason);
	gait_json_key(printer->out, "accepted");
	g_string_append_c(printer->out, '[');
	for (guint32 i = 0; i < amendment->accepted->len; i++) {
		gait_json_begin_line(printer->out, i, "      ");
		gait_json_string(printer->out, g_ptr_array_index(amendment->accepted, i));
	}
	gait_json_end_list(printer->out, amendment->accepted->len, "    ");
	g_string_append_c(printer->out, '}');
}

/* Left out where nothing was accepted, as in most models. */
static void
print_amendments(GaitPrinter *printer)
{
	const GPtrArray *amendments = printer->model->amendments;

	if (amendments->len == 0)
		return;
	g_string_append(printer->out, ",\n  \"amendments\": [");
	for (guint32 i = 0; i < amendments->len; i++) {
		gait_json_begin_line(printer->out, i, "    ");
		print_amendment(printer, g_ptr_array_index(amendments, i));
	}
	gait_json_end_list(printer->out, amendments->len, "  ");
}

static void
print_modules(GaitPrinter *printer)
{
	g_string_append(printer->out, ",\n  \"modules\": [");
	for (guint32 i = 0; i < printer->model->modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(printer->model->modules, i);

		gait_json_begin_line(printer->out, i, "    ");
		g_string_append(printer->out, "{\"id\": ");
		gait_json_string(printer->out, name_at(printer->modules, i));
		gait_json_text(printer->out, "path", module->path);
		gait_json_text(printer->out, "build_id", module->build_id);
		gait_json_flag(printer->out, "runtime", module->is_runtime);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, printer->model->modules->len, "  ");
}

GString *
gait_model_print(const GaitModel *model)
{
	GaitPrinter printer = {.out = g_string_new(NULL), .model = model};
	GString *out = printer.out;

	printer.modules = gait_model_name_modules(model);
	g_string_append(out, "{\"format\": \"sysgait-model\"");
	gait_json_number(out, "version", GAIT_MODEL_VERSION);
	gait_json_text(out, "kernel", model->kernel);
	gait_json_text(out, "arch", model->arch);
	gait_json_number(out, "max_syscall", model->max_syscall);
	gait_json_flag(out, "stackless", model->is_stackless);
	gait_json_flag(out, "amended", model->is_amended);
	print_runs(&printer);
	print_amendments(&printer);
	print_modules(&printer);
	g_string_append(out, ",\n  \"programs\": [");
	for (guint32 i = 0; i < model->programs->len; i++) {
		gait_json_begin_line(out, i, "    ");
		print_program(&printer, gait_model_get_program(model, i));
	}
	gait_json_end_list(out, model->programs->len, "  ");
	g_string_append(out, "}\n");
	g_ptr_array_unref(printer.modules);
	return out;
}

char *
gait_model_dup_digest(const GaitModel *model)
{
	g_autoptr(GString) text = gait_model_print(model);

	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text->str, text->len);
}
