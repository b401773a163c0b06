/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace summed up: what it is of, and how often each library made each call. Memory follows the
 * number of different calls, not of events: shapes are counted first and joined at the end.
 */
#include "learn/print-private.h"

#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <linux/audit.h>
#include <string.h>

typedef struct {
	const char *library; /* path, or NULL where the trace has no stacks */
	GHashTable *calls;   /* name → guint64* */
	guint64 n_events;
} Library;

typedef struct {
	const char *name;
	guint64 n_events;
} Call;

void
gait_print_sum(GaitPrinter *printer, const GaitEvent *event)
{
	printer->n_events[event->kind]++;
	if (event->kind != GAIT_EVENT_SYSCALL)
		return;
	if (event->shape >= printer->counts->len)
		g_array_set_size(printer->counts, event->shape + 1);
	g_array_index(printer->counts, guint64, event->shape)++;
}

static void
free_library(gpointer data)
{
	Library *library = data;

	g_hash_table_unref(library->calls);
	g_free(library);
}

static const char *
shape_library(const GaitPrinter *printer, const GaitShape *shape)
{
	const GaitTraceStack *stack;

	if (shape->stack == G_MAXUINT32)
		return "";
	stack = gait_trace_reader_get_stack(printer->reader, shape->stack);
	return gait_trace_reader_get_module(printer->reader, stack->frames[stack->site].module)
	    ->path;
}

static const char *
shape_call(const GaitShape *shape)
{
	return shape->arch == AUDIT_ARCH_X86_64 ? gait_syscall_name(shape->nr) : "[foreign]";
}

static Library *
get_library(GHashTable *libraries, const char *path)
{
	Library *library = g_hash_table_lookup(libraries, path);

	if (library)
		return library;
	library = g_new0(Library, 1);
	library->library = path;
	library->calls = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	g_hash_table_insert(libraries, (gpointer)path, library);
	return library;
}

static void
add_shape(GaitPrinter *printer, GHashTable *libraries, guint32 i)
{
	const GaitShape *shape = gait_trace_reader_get_shape(printer->reader, i);
	guint64 n_events = g_array_index(printer->counts, guint64, i), *count;
	Library *library;

	if (n_events == 0)
		return;
	library = get_library(libraries, shape_library(printer, shape));
	library->n_events += n_events;
	count = g_hash_table_lookup(library->calls, shape_call(shape));
	if (!count) {
		count = g_new0(guint64, 1);
		g_hash_table_insert(library->calls, (gpointer)shape_call(shape), count);
	}
	*count += n_events;
}

static gint
compare_libraries(gconstpointer a, gconstpointer b)
{
	const Library *one = *(const Library *const *)a, *two = *(const Library *const *)b;

	if (one->n_events != two->n_events)
		return one->n_events < two->n_events ? 1 : -1;
	return strcmp(one->library, two->library);
}

static gint
compare_calls(gconstpointer a, gconstpointer b)
{
	const Call *one = a, *two = b;

	if (one->n_events != two->n_events)
		return one->n_events < two->n_events ? 1 : -1;
	return strcmp(one->name, two->name);
}

/* Most frequent first. */
static GArray *
sorted_calls(const Library *library)
{
	GArray *calls = g_array_new(FALSE, FALSE, sizeof(Call));
	GHashTableIter iter;
	gpointer name, count;

	g_hash_table_iter_init(&iter, library->calls);
	while (g_hash_table_iter_next(&iter, &name, &count)) {
		Call call = {name, *(guint64 *)count};

		g_array_append_val(calls, call);
	}
	g_array_sort(calls, compare_calls);
	return calls;
}

static void
append_libraries_text(GString *out, const GPtrArray *libraries)
{
	for (guint i = 0; i < libraries->len; i++) {
		const Library *library = g_ptr_array_index(libraries, i);
		g_autoptr(GArray) calls = sorted_calls(library);

		g_string_append_printf(out, "\n%10" G_GUINT64_FORMAT "  ", library->n_events);
		gait_text_append(out, *library->library ? library->library
		                                        : "(no stacks: library unknown)");
		g_string_append_c(out, '\n');
		for (guint c = 0; c < calls->len; c++) {
			const Call *call = &g_array_index(calls, Call, c);

			g_string_append_printf(out, "%14" G_GUINT64_FORMAT "  %s\n", call->n_events,
			                       call->name);
		}
	}
}

static void
append_libraries_json(GString *out, const GPtrArray *libraries)
{
	for (guint i = 0; i < libraries->len; i++) {
		const Library *library = g_ptr_array_index(libraries, i);
		g_autoptr(GArray) calls = sorted_calls(library);

		g_string_append(out, i ? ", {\"library\": " : "{\"library\": ");
		gait_text_append_json(out, library->library);
		g_string_append_printf(out, ", \"events\": %" G_GUINT64_FORMAT ", \"calls\": {",
		                       library->n_events);
		for (guint c = 0; c < calls->len; c++) {
			const Call *call = &g_array_index(calls, Call, c);

			g_string_append_printf(out, "%s\"%s\": %" G_GUINT64_FORMAT, c ? ", " : "",
			                       call->name, call->n_events);
		}
		g_string_append(out, "}}");
	}
}

static void
append_start(GString *out, gint64 start_us)
{
	g_autoptr(GDateTime) start = g_date_time_new_from_unix_utc(start_us / G_USEC_PER_SEC);
	g_autofree char *text = start && start_us > 0 ? g_date_time_format_iso8601(start) : NULL;

	g_string_append(out, text ? text : "");
}

static void
append_command(GString *out, char *const *command)
{
	for (guint i = 0; command[i]; i++) {
		if (i > 0)
			g_string_append_c(out, ' ');
		gait_text_append(out, command[i]);
	}
}

static const char *
completeness(const GaitTraceReader *reader)
{
	if (!gait_trace_reader_is_complete(reader))
		return "no (its end was never recorded)";
	return gait_trace_reader_get_n_lost(reader) > 0 ? "no (events were lost)" : "yes";
}

static void
append_facts_text(GaitPrinter *printer)
{
	const GaitTraceInfo *info = gait_trace_reader_get_info(printer->reader);
	GString *out = printer->out;

	g_string_append(out, "command    ");
	append_command(out, info->command);
	g_string_append(out, "\nrecorded   ");
	append_start(out, info->start_us);
	g_string_append_printf(out, " by %s on %s %s\n", info->backend,
	                       *info->kernel ? info->kernel : "an unknown kernel", info->arch);
	g_string_append_printf(out, "duration   %.3f s\n", (double)printer->last_ns / 1e9);
	g_string_append_printf(out, "tasks      %u\n",
	                       gait_trace_reader_get_n_tasks(printer->reader));
	g_string_append_printf(
	    out,
	    "events     %" G_GUINT64_FORMAT " system calls, %" G_GUINT64_FORMAT
	    " execs, %" G_GUINT64_FORMAT " signals, %" G_GUINT64_FORMAT " lost\n",
	    printer->n_events[GAIT_EVENT_SYSCALL], printer->n_events[GAIT_EVENT_EXEC],
	    printer->n_events[GAIT_EVENT_SIGNAL], gait_trace_reader_get_n_lost(printer->reader));
	g_string_append_printf(out, "stacks     %u, %u shapes of calls\n",
	                       gait_trace_reader_get_n_stacks(printer->reader),
	                       gait_trace_reader_get_n_shapes(printer->reader));
	g_string_append_printf(out, "complete   %s\n", completeness(printer->reader));
	g_string_append_printf(out, "run id     %s\n",
	                       gait_trace_reader_get_run_id(printer->reader));
}

static void
append_facts_json(GaitPrinter *printer)
{
	const GaitTraceInfo *info = gait_trace_reader_get_info(printer->reader);
	GString *out = printer->out;

	g_string_append(out, "{\"command\": [");
	for (guint i = 0; info->command[i]; i++) {
		g_string_append(out, i ? ", " : "");
		gait_text_append_json(out, info->command[i]);
	}
	g_string_append(out, "], \"kernel\": ");
	gait_text_append_json(out, info->kernel);
	g_string_append(out, ", \"arch\": ");
	gait_text_append_json(out, info->arch);
	g_string_append(out, ", \"backend\": ");
	gait_text_append_json(out, info->backend);
	g_string_append_printf(out, ", \"start\": %" G_GINT64_FORMAT ".%06d, \"duration\": %.9f",
	                       info->start_us / G_USEC_PER_SEC,
	                       (int)ABS(info->start_us % G_USEC_PER_SEC),
	                       (double)printer->last_ns / 1e9);
	g_string_append_printf(
	    out,
	    ", \"tasks\": %u, \"events\": %" G_GUINT64_FORMAT ", \"lost\": %" G_GUINT64_FORMAT
	    ", \"is_complete\": %s, \"has_stacks\": %s, \"run\": \"%s\", \"libraries\": [",
	    gait_trace_reader_get_n_tasks(printer->reader), printer->n_events[GAIT_EVENT_SYSCALL],
	    gait_trace_reader_get_n_lost(printer->reader),
	    gait_trace_reader_is_complete(printer->reader) ? "true" : "false",
	    info->has_stacks ? "true" : "false", gait_trace_reader_get_run_id(printer->reader));
}

void
gait_print_summary(GaitPrinter *printer, gboolean as_json)
{
	g_autoptr(GHashTable) table =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_library);
	g_autoptr(GPtrArray) libraries = g_ptr_array_new();
	GHashTableIter iter;
	gpointer library;

	for (guint32 i = 0; i < printer->counts->len; i++)
		add_shape(printer, table, i);
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &library))
		g_ptr_array_add(libraries, library);
	g_ptr_array_sort(libraries, compare_libraries);
	if (as_json) {
		append_facts_json(printer);
		append_libraries_json(printer->out, libraries);
		g_string_append(printer->out, "]}\n");
	} else {
		append_facts_text(printer);
		append_libraries_text(printer->out, libraries);
	}
}
