/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles in a model file: first what a person reads, their phases with the calls that each allows;
 * at the end what only merging needs, the relations as rows of hexadecimal digits.
 */
#include "model/model-print-private.h"

/* --- roles --- */

static void
print_calls_of_phase(GaitPrinter *printer, const char *key, const GArray *calls)
{
	gait_json_key(printer->out, key);
	g_string_append_c(printer->out, '[');
	for (guint32 i = 0; i < calls->len; i++) {
		g_string_append(printer->out, i ? ", " : "");
		gait_json_string(printer->out,
		                 name_at(printer->calls, g_array_index(calls, guint32, i)));
	}
	g_string_append_c(printer->out, ']');
}

static void
print_interludes(GaitPrinter *printer, const GaitRole *role, const GaitPhase *phase)
{
	gait_json_key(printer->out, "interludes");
	g_string_append_c(printer->out, '[');
	for (guint32 i = 0; i < phase->interludes->len; i++) {
		const GaitInterlude *interlude = g_ptr_array_index(phase->interludes, i);

		g_string_append(printer->out, i ? ", {\"entry\": " : "{\"entry\": ");
		gait_printer_print_ref(
		    printer, g_array_index(role->symbols, GaitSymbolRef, interlude->entry));
		print_calls_of_phase(printer, "calls", interlude->calls);
		g_string_append_c(printer->out, '}');
	}
	g_string_append_c(printer->out, ']');
}

static void
print_phase(GaitPrinter *printer, const GaitRole *role, const GaitPhase *phase)
{
	g_string_append(printer->out, "{\"milestone\": ");
	if (phase->milestone == GAIT_NONE)
		g_string_append(printer->out, "null");
	else
		gait_printer_print_ref(
		    printer, g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
	gait_json_share(printer->out, "time_share", phase->time_share);
	gait_json_share(printer->out, "event_share", phase->event_share);
	print_calls_of_phase(printer, "allowed", phase->allowed);
	print_calls_of_phase(printer, "retained", phase->retained);
	if (phase->interludes->len)
		print_interludes(printer, role, phase);
	g_string_append_c(printer->out, '}');
}

static gboolean
is_empty_row(const GaitRole *role, const guint64 *row)
{
	gboolean is_empty = TRUE;

	for (guint32 i = 0; i < role->row_words; i++)
		is_empty = is_empty && row[i] == 0;
	return is_empty;
}

/* Digit i holds bits 4i to 4i+3; a row without a bit is "". */
static void
print_digits(GaitPrinter *printer, const GaitRole *role, const guint64 *row)
{
	gboolean is_empty = is_empty_row(role, row);

	g_string_append_c(printer->out, '"');
	for (guint32 i = 0; !is_empty && i < (role->symbols->len + 3) / 4; i++)
		g_string_append_c(printer->out,
		                  "0123456789abcdef"[row[i / 16] >> (i % 16 * 4) & 15]);
	g_string_append_c(printer->out, '"');
}

static void
print_row(GaitPrinter *printer, const GaitRole *role, const char *key, const guint64 *row)
{
	gait_json_key(printer->out, key);
	print_digits(printer, role, row);
}

static void
print_rows(GaitPrinter *printer, const GaitRole *role, guint32 c)
{
	print_row(printer, role, "after", gait_role_row(role, role->after, c));
	print_row(printer, role, "before", gait_role_row(role, role->before, c));
	print_row(printer, role, "after_twice", gait_role_row(role, role->after_twice, c));
	print_row(printer, role, "before_twice", gait_role_row(role, role->before_twice, c));
}

static void
print_candidates(GaitPrinter *printer, const GaitRole *role)
{
	for (guint32 i = 0; i <= role->candidates->len; i++) {
		gait_json_begin_line(printer->out, i, "            ");
		g_string_append(printer->out, "{\"symbol\": ");
		if (i < role->candidates->len) {
			const GaitCandidate *candidate =
			    &g_array_index(role->candidates, GaitCandidate, i);

			gait_printer_print_ref(printer, g_array_index(role->symbols, GaitSymbolRef,
			                                              candidate->symbol));
			gait_json_number(printer->out, "instances", candidate->n_instances);
			gait_json_number(printer->out, "time_ns", candidate->time_ns);
			gait_json_number(printer->out, "events", candidate->n_events);
		} else {
			g_string_append(printer->out, "null");
		}
		print_rows(printer, role, i);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, role->candidates->len + 1, "          ");
}

static void
print_role_head(GaitPrinter *printer, const GaitRole *role)
{
	g_string_append(printer->out, "{\"name\": ");
	gait_json_string(printer->out, role->name);
	gait_json_key(printer->out, "parent");
	if (role->parent == GAIT_NONE)
		g_string_append(printer->out, "null");
	else
		gait_json_string(printer->out,
		                 gait_program_get_role(printer->program, role->parent)->name);
	gait_json_key(printer->out, "creation");
	gait_printer_print_ref(printer, role->creation);
	gait_json_flag(printer->out, "thread", role->is_thread);
	gait_json_number(printer->out, "instances", role->n_instances);
	gait_json_number(printer->out, "starts", role->n_starts);
	gait_json_number(printer->out, "whole", role->n_whole);
	gait_json_number(printer->out, "runs", role->n_runs);
	gait_json_number(printer->out, "time_ns", role->time_ns);
	gait_json_number(printer->out, "events", role->n_events);
}

static void
print_amended(GaitPrinter *printer, const GaitRole *role)
{
	guint32 n = 0;

	for (guint32 i = 0; i < role->symbols->len; i++) {
		if (!gait_bit_test(role->amended, i))
			continue;
		g_string_append(printer->out, n++ ? ", " : ",\n          \"amended\": [");
		gait_printer_print_ref(printer, g_array_index(role->symbols, GaitSymbolRef, i));
	}
	if (n)
		g_string_append_c(printer->out, ']');
}

/* Only rows that say something; most symbols are led by nothing. */
static void
print_led(GaitPrinter *printer, const GaitRole *role)
{
	guint32 n = 0;

	for (guint32 w = 0; w < role->row_words; w++)
		n += role->in_rounds[w] != 0;
	if (n == 0)
		return;
	g_string_append(printer->out, ",\n          \"in_rounds\": ");
	print_digits(printer, role, role->in_rounds);
	g_string_append(printer->out, ",\n          \"led\": [");
	n = 0;
	for (guint32 s = 0; role->led && s < role->symbols->len; s++) {
		const guint64 *row = gait_role_row(role, role->led, s);

		if (is_empty_row(role, row))
			continue;
		gait_json_begin_line(printer->out, n++, "            ");
		g_string_append(printer->out, "{\"symbol\": ");
		gait_printer_print_ref(printer, g_array_index(role->symbols, GaitSymbolRef, s));
		print_row(printer, role, "by", row);
		g_string_append_c(printer->out, '}');
	}
	gait_json_end_list(printer->out, n, "          ");
}

void
gait_printer_print_role(GaitPrinter *printer, const GaitRole *role)
{
	print_role_head(printer, role);
	g_string_append(printer->out, ",\n          \"phases\": [");
	for (guint32 i = 0; i < role->phases->len; i++) {
		gait_json_begin_line(printer->out, i, "            ");
		print_phase(printer, role, g_ptr_array_index(role->phases, i));
	}
	gait_json_end_list(printer->out, role->phases->len, "          ");
	g_string_append(printer->out, ",\n          \"symbols\": [");
	for (guint32 i = 0; i < role->symbols->len; i++) {
		g_string_append(printer->out, i ? ", " : "");
		gait_printer_print_ref(printer, g_array_index(role->symbols, GaitSymbolRef, i));
	}
	g_string_append_c(printer->out, ']');
	print_amended(printer, role);
	g_string_append(printer->out, ",\n          \"candidates\": [");
	print_candidates(printer, role);
	print_led(printer, role);
	g_string_append(printer->out, "\n        }");
}
