/* SPDX-License-Identifier: Apache-2.0 */
/* What of a model was accepted by hand, for its summary: when, why and what, and how much of it
 * there is in each program. Silent where nothing was. */
#include "model/summary-amended.h"

#include "sysgait/text.h"

#define MAX_LINES 8 /* of one amendment; the model has them all */

static void
print_amendment(const GaitAmendment *amendment, GString *out)
{
	g_string_append(out, "  ");
	gait_text_append(out, amendment->date);
	g_string_append_printf(out, ", %u accepted", amendment->accepted->len);
	if (amendment->reason[0]) {
		g_string_append(out, ": ");
		gait_text_append(out, amendment->reason);
	}
	g_string_append_c(out, '\n');
	for (guint i = 0; i < MIN(amendment->accepted->len, MAX_LINES); i++) {
		g_string_append(out, "    ");
		gait_text_append(out, g_ptr_array_index(amendment->accepted, i));
		g_string_append_c(out, '\n');
	}
	if (amendment->accepted->len > MAX_LINES)
		g_string_append_printf(out, "    and %u more\n",
		                       amendment->accepted->len - MAX_LINES);
}

typedef struct {
	guint n_symbols, n_edges, n_places;
} Amount;

static void
count_library(const GaitLibrary *library, Amount *amount)
{
	for (guint i = 0; i < library->symbols->len; i++)
		amount->n_symbols +=
		    ((GaitSymbol *)g_ptr_array_index(library->symbols, i))->is_amended;
	for (guint i = 0; i < library->edges->len; i++)
		amount->n_edges += ((GaitEdge *)g_ptr_array_index(library->edges, i))->is_amended;
}

static void
print_program(const GaitModel *model, const GaitProgram *program, GString *out)
{
	Amount amount = {0};

	for (guint i = 0; i < program->libraries->len; i++)
		count_library(gait_program_get_library(program, i), &amount);
	if (amount.n_symbols + amount.n_edges + program->amended_execs->len > 0) {
		g_string_append(out, "  ");
		gait_text_append(out, program->path);
		g_string_append_printf(out, ": %u calls, %u edges", amount.n_symbols,
		                       amount.n_edges);
		for (guint i = 0; i < program->amended_execs->len; i++) {
			guint32 exec = g_array_index(program->amended_execs, guint32, i);

			g_string_append(out, i ? ", " : ", runs ");
			gait_text_append(out, gait_model_get_program(model, exec)->path);
		}
		g_string_append_c(out, '\n');
	}
	for (guint r = 0; r < program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(program, r);

		amount.n_places = 0;
		for (guint i = 0; i < role->symbols->len; i++)
			amount.n_places += gait_bit_test(role->amended, i);
		if (amount.n_places == 0)
			continue;
		g_string_append(out, "    role ");
		gait_text_append(out, role->name);
		g_string_append_printf(out, ": %u calls in places where none was\n",
		                       amount.n_places);
	}
}

void
gait_summary_print_amended(const GaitModel *model, GString *out)
{
	if (!model->is_amended)
		return;
	g_string_append(out, "\nAccepted by hand, and no part of the estimates:\n");
	for (guint i = 0; i < model->amendments->len; i++)
		print_amendment(g_ptr_array_index(model->amendments, i), out);
	for (guint i = 0; i < model->programs->len; i++)
		print_program(model, gait_model_get_program(model, i), out);
	g_string_append_c(out, '\n');
}

static void
append_member(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, ",\"%s\":", key);
	gait_text_append_json(out, value);
}

void
gait_summary_print_amended_json(const GaitModel *model, GString *out)
{
	g_string_append(out, ",\"amendments\":[");
	for (guint i = 0; i < model->amendments->len; i++) {
		const GaitAmendment *amendment = g_ptr_array_index(model->amendments, i);

		g_string_append_printf(out, "%s{\"id\":\"%s\"", i ? "," : "", amendment->id);
		append_member(out, "log", amendment->log);
		append_member(out, "date", amendment->date);
		append_member(out, "reason", amendment->reason);
		g_string_append(out, ",\"accepted\":[");
		for (guint k = 0; k < amendment->accepted->len; k++) {
			g_string_append(out, k ? "," : "");
			gait_text_append_json(out, g_ptr_array_index(amendment->accepted, k));
		}
		g_string_append(out, "]}");
	}
	g_string_append_c(out, ']');
}
