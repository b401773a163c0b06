/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "Trace Event Format" of chrome://tracing, which Perfetto reads, too. A trace knows when a
 * call was entered and not when it returned, so a call is an instant ("i") and no slice: a slice up
 * to the next call would show computing as waiting. Phases are slices ("X" would need their end in
 * advance: so "B" and "E").
 */
#include "learn/timeline-perfetto.h"

#include "learn/checker.h"
#include "learn/site.h"
#include "sysgait/error.h"
#include "sysgait/summary.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct {
	gint32 pid, tid;
	guint32 program, role, phase; /* of the model; of the slice that is open */
	gboolean is_open;
} Task;

typedef struct {
	GaitTraceReader *reader;
	const GaitWalkTable *table;
	const char *const *runtime;
	FILE *out;
	GString *line;
	GArray *tasks;     /* Task, by index */
	GPtrArray *shapes; /* char*: the middle of a call's line, by shape; NULL: not made yet */
	gboolean is_first;
	guint64 n_events;
	gboolean has_times;
} Writer;

static void
writer_clear(Writer *writer)
{
	g_string_free(writer->line, TRUE);
	g_array_unref(writer->tasks);
	g_ptr_array_unref(writer->shapes);
	if (writer->out && writer->out != stdout)
		fclose(writer->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Writer, writer_clear)

/* {"ph":"i","ts":12.345,"pid":1,"tid":1 … without the end. */
static void
begin(Writer *writer, const char *phase, const Task *task, const GaitEvent *event)
{
	guint64 at = writer->has_times ? event->time_ns : writer->n_events * 1000;

	g_string_printf(writer->line,
	                "%s{\"ph\":\"%s\",\"ts\":%" G_GUINT64_FORMAT ".%03u,\"pid\":%d,\"tid\":%d",
	                writer->is_first ? "\n" : ",\n", phase, at / 1000, (guint)(at % 1000),
	                task->pid, task->tid);
	writer->is_first = FALSE;
}

static void
end(Writer *writer)
{
	g_string_append_c(writer->line, '}');
	fwrite(writer->line->str, 1, writer->line->len, writer->out);
}

/* ,"s":"t","name":"openat(O_RDONLY)","cat":"libc.so.6","args":{…} */
static char *
describe_shape(const Writer *writer, guint32 index)
{
	const GaitShape *shape = gait_trace_reader_get_shape(writer->reader, index);
	g_autoptr(GString) name = g_string_new(NULL);
	GString *text = g_string_new(",\"s\":\"t\",\"name\":");
	const char *library = "[unknown]";
	GaitSite site;

	gait_site_from_shape(&site, writer->reader, shape, writer->runtime);
	if (site.module != G_MAXUINT32)
		library = gait_text_basename(
		    gait_trace_reader_get_module(writer->reader, site.module)->path);
	gait_syscall_format_args(name, shape->nr, shape->args);
	gait_text_append_json(text, name->str);
	g_string_append(text, ",\"cat\":");
	gait_text_append_json(text, library);
	g_string_append(text, ",\"args\":{\"library\":");
	gait_text_append_json(text, library);
	if (site.function) {
		g_string_append(text, ",\"function\":");
		gait_text_append_json(text, site.function);
	}
	g_string_append_printf(text, ",\"site\":\"0x%" G_GINT64_MODIFIER "x\"}", site.site);
	return g_string_free(text, FALSE);
}

static void
write_call(Writer *writer, const Task *task, const GaitEvent *event)
{
	if (event->shape >= writer->shapes->len)
		g_ptr_array_set_size(writer->shapes, (gint)event->shape + 1);
	if (!g_ptr_array_index(writer->shapes, event->shape))
		g_ptr_array_index(writer->shapes, event->shape) =
		    describe_shape(writer, event->shape);
	begin(writer, "i", task, event);
	g_string_append(writer->line, g_ptr_array_index(writer->shapes, event->shape));
	end(writer);
	writer->n_events++;
}

static void
write_name(Writer *writer, const Task *task, const GaitEvent *event, guint32 program)
{
	const char *path = program < gait_trace_reader_get_n_modules(writer->reader)
	                       ? gait_trace_reader_get_module(writer->reader, program)->path
	                       : "?";

	begin(writer, "M", task, event);
	g_string_append(writer->line, ",\"name\":\"process_name\",\"args\":{\"name\":");
	gait_text_append_json(writer->line, gait_text_basename(path));
	g_string_append_c(writer->line, '}');
	end(writer);
}

static void
close_phase(Writer *writer, Task *task, const GaitEvent *event)
{
	if (!task->is_open)
		return;
	begin(writer, "E", task, event);
	end(writer);
	task->is_open = FALSE;
}

static void
write_phase(Writer *writer, Task *task, const GaitEvent *event, const GaitWalker *walker)
{
	const GaitModel *model = gait_walk_table_get_model(writer->table);
	guint32 phase = gait_walker_get_phase(walker), role = gait_walker_get_role(walker);
	guint32 index = gait_walker_get_program(walker);
	const GaitProgram *program;
	g_autofree char *name = NULL;
	g_autofree char *text = NULL;

	if (task->is_open && task->phase == phase && task->role == role && task->program == index)
		return;
	close_phase(writer, task, event);
	if (index == GAIT_NONE || role == GAIT_NONE || phase == GAIT_NONE)
		return;
	program = gait_model_get_program(model, index);
	name =
	    gait_model_dup_phase_name(model, program, gait_program_get_role(program, role), phase);
	text = g_strdup_printf("phase %u: %s", phase + 1, name);
	task->program = index;
	task->role = role;
	task->phase = phase;
	task->is_open = TRUE;
	begin(writer, "B", task, event);
	g_string_append(writer->line, ",\"cat\":\"phase\",\"name\":");
	gait_text_append_json(writer->line, text);
	end(writer);
}

static Task *
get_task(Writer *writer, guint32 index)
{
	if (index >= writer->tasks->len)
		g_array_set_size(writer->tasks, index + 1);
	return &g_array_index(writer->tasks, Task, index);
}

static void
write_event(const GaitEvent *event, const GaitWalker *walker, GaitVerdict verdict, gpointer data)
{
	Writer *writer = data;
	Task *task;

	if (event->kind == GAIT_EVENT_FORK) {
		task = get_task(writer, event->child);
		*task = (Task){.pid = event->pid, .tid = event->tid};
	}
	task = get_task(writer, event->task);
	if (event->kind == GAIT_EVENT_START)
		*task = (Task){.pid = event->pid, .tid = event->tid};
	if (event->kind == GAIT_EVENT_START || event->kind == GAIT_EVENT_EXEC)
		write_name(writer, task, event, event->program);
	if (event->kind == GAIT_EVENT_SYSCALL)
		write_call(writer, task, event);
	if (walker)
		write_phase(writer, task, event, walker);
	if (event->kind == GAIT_EVENT_EXIT)
		close_phase(writer, task, event);
	if (G_LIKELY(verdict == GAIT_VERDICT_ALLOW))
		return;
	begin(writer, "i", task, event);
	g_string_append_printf(writer->line,
	                       ",\"s\":\"p\",\"cat\":\"violation\",\"name\":\"violation: %s\"",
	                       gait_verdict_name(verdict));
	end(writer);
}

static gboolean
write_all(Writer *writer, const char *name, GError **error)
{
	const GaitCheckOptions options = {
	    .runtime = writer->runtime,
	    .event = write_event,
	    .data = writer,
	};
	GaitCheckStats stats;

	if (!writer->table)
		return gait_check_events(writer->reader, &options, error);
	return gait_check_trace(writer->reader, name, writer->table, &options, &stats, error);
}

gboolean
gait_perfetto_write(const char *input, const char *output, const GaitWalkTable *table,
                    const char *const *runtime, GError **error)
{
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(input, error);
	gboolean is_stdout = !output || strcmp(output, "-") == 0;
	g_auto(Writer) writer = {
	    .reader = reader,
	    .table = table,
	    .runtime = runtime,
	    .line = g_string_new(NULL),
	    .tasks = g_array_new(FALSE, TRUE, sizeof(Task)),
	    .shapes = g_ptr_array_new_with_free_func(g_free),
	    .is_first = TRUE,
	};

	if (!reader)
		return FALSE;
	writer.has_times = gait_trace_reader_get_info(reader)->has_times;
	writer.out = is_stdout ? stdout : fopen(output, "we");
	if (!writer.out)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "open %s", output);
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", writer.out);
	if (!write_all(&writer, input, error))
		return FALSE;
	fputs("\n]}\n", writer.out);
	if (fflush(writer.out) == 0 && !ferror(writer.out))
		return TRUE;
	return gait_error_system(error, GAIT_LEARN_ERROR, errno, "write(%s)",
	                         is_stdout ? "standard output" : output);
}
