/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: make-trace SOURCE N_EVENTS TARGET
 *
 * A long trace for benchmarks: the run of SOURCE again and again, each time with tasks of its own,
 * until there are N_EVENTS. Real in everything but its length.
 */
#include "learn/trace.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
	GaitTraceReader *reader;
	GArray *events;
	guint64 length_ns;
} Source;

static gboolean
load(Source *source, const char *path, GError **error)
{
	GaitEvent event;
	GaitRead result;

	source->reader = gait_trace_reader_new(path, error);
	source->events = g_array_new(FALSE, FALSE, sizeof(GaitEvent));
	if (!source->reader)
		return FALSE;
	while ((result = gait_trace_reader_next(source->reader, &event, error)) ==
	       GAIT_READ_EVENT) {
		g_array_append_val(source->events, event);
		source->length_ns = MAX(source->length_ns, event.time_ns);
	}
	return result == GAIT_READ_END;
}

static void
copy_tables(const GaitTraceReader *reader, GaitTraceWriter *writer)
{
	for (guint32 i = 0; i < gait_trace_reader_get_n_modules(reader); i++) {
		const GaitTraceModule *module = gait_trace_reader_get_module(reader, i);

		gait_trace_writer_add_module(writer, module->path, module->build_id,
		                             module->is_runtime);
	}
	for (guint32 i = 0; i < gait_trace_reader_get_n_stacks(reader); i++)
		gait_trace_writer_add_stack(writer, gait_trace_reader_get_stack(reader, i));
	for (guint32 i = 0; i < gait_trace_reader_get_n_shapes(reader); i++)
		gait_trace_writer_add_shape(writer, gait_trace_reader_get_shape(reader, i));
}

static gboolean
repeat(const Source *source, GaitTraceWriter *writer, guint64 n_events, GError **error)
{
	guint32 n_tasks = gait_trace_reader_get_n_tasks(source->reader);
	guint64 n = 0;

	for (guint32 round = 0; n < n_events; round++)
		for (guint i = 0; i < source->events->len && n < n_events; i++, n++) {
			GaitEvent event = g_array_index(source->events, GaitEvent, i);

			event.task += round * n_tasks;
			event.child += round * n_tasks;
			event.time_ns += round * source->length_ns;
			if (!gait_trace_writer_event(writer, &event, error))
				return FALSE;
		}
	return TRUE;
}

static gboolean
run(const char *from, guint64 n_events, const char *to, GError **error)
{
	Source source = {0};
	g_autoptr(GaitTraceWriter) writer = NULL;
	gboolean is_done = load(&source, from, error);

	if (is_done && source.events->len == 0) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s has no events", from);
		is_done = FALSE;
	}
	if (is_done)
		writer =
		    gait_trace_writer_new(to, gait_trace_reader_get_info(source.reader), error);
	if (writer)
		copy_tables(source.reader, writer);
	is_done = writer && repeat(&source, writer, n_events, error) &&
	          gait_trace_writer_finish(writer, 0, TRUE, error);
	gait_trace_reader_free(source.reader);
	g_array_unref(source.events);
	return is_done;
}

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	if (argc != 4) {
		fprintf(stderr, "usage: make-trace SOURCE N_EVENTS TARGET\n");
		return 2;
	}
	if (!run(argv[1], g_ascii_strtoull(argv[2], NULL, 10), argv[3], &error)) {
		fprintf(stderr, "make-trace: %s\n", error->message);
		return 1;
	}
	return 0;
}
