/* SPDX-License-Identifier: Apache-2.0 */
/* One event as a line of text or of JSON. Everything that came from outside is escaped. */
#include "learn/print-private.h"

#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <linux/audit.h>
#include <string.h>
#include <sys/wait.h>

/* Where the call's text ends and its site begins, if it is short enough. */
#define SITE_COLUMN 64

typedef struct {
	gint32 pid, tid;
} Ids;

static const char *const kind_names[] = {
    [GAIT_EVENT_SYSCALL] = "syscall", [GAIT_EVENT_START] = "start",
    [GAIT_EVENT_FORK] = "fork",       [GAIT_EVENT_EXEC] = "exec",
    [GAIT_EVENT_SIGNAL] = "signal",   [GAIT_EVENT_UNWIND] = "unwind",
    [GAIT_EVENT_EXIT] = "exit",       [GAIT_EVENT_LOST] = "lost",
};

G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == GAIT_EVENT_N_);

GaitPrinter *
gait_printer_new(const GaitTraceReader *reader)
{
	GaitPrinter *printer = g_new0(GaitPrinter, 1);

	printer->reader = reader;
	printer->out = g_string_new(NULL);
	printer->tasks = g_array_new(FALSE, TRUE, sizeof(Ids));
	printer->counts = g_array_new(FALSE, TRUE, sizeof(guint64));
	return printer;
}

void
gait_printer_free(GaitPrinter *printer)
{
	if (!printer)
		return;
	g_string_free(printer->out, TRUE);
	g_array_unref(printer->tasks);
	g_array_unref(printer->counts);
	g_free(printer);
}

void
gait_printer_note(GaitPrinter *printer, const GaitEvent *event)
{
	if (event->kind == GAIT_EVENT_START || event->kind == GAIT_EVENT_FORK) {
		Ids ids = {event->pid, event->tid};

		/* The reader sees to it that tasks come in order. */
		g_array_append_val(printer->tasks, ids);
	}
	printer->last_ns = MAX(printer->last_ns, event->time_ns);
}

gboolean
gait_printer_is_of(const GaitPrinter *printer, const GaitEvent *event, gint32 pid)
{
	const Ids *ids = &g_array_index(printer->tasks, Ids, event->task);

	return ids->pid == pid || ids->tid == pid;
}

/* --- parts --------------------------------------------------------------------------------------
 */

static const char *
module_path(const GaitPrinter *printer, guint32 module)
{
	return gait_trace_reader_get_module(printer->reader, module)->path;
}

/* "libsqlite3.so.0 sqlite3_step+0x13f" */
static void
append_frame(GaitPrinter *printer, const GaitTraceFrame *frame)
{
	gait_text_append(printer->out, gait_text_basename(module_path(printer, frame->module)));
	if (frame->function) {
		g_string_append_c(printer->out, ' ');
		gait_text_append(printer->out, frame->function);
		g_string_append_printf(printer->out, "+0x%" G_GINT64_MODIFIER "x", frame->delta);
	} else if (frame->offset != 0) {
		g_string_append_printf(printer->out, " 0x%" G_GINT64_MODIFIER "x", frame->offset);
	}
}

/* A call of another architecture is a number: its name would need another table. */
static void
append_call(GString *out, const GaitShape *shape)
{
	if (shape->arch == AUDIT_ARCH_X86_64)
		gait_syscall_format_args(out, shape->nr, shape->args);
	else
		g_string_append_printf(out, "syscall_%u [arch 0x%x]", shape->nr, shape->arch);
}

static void
append_status(GString *out, gint32 status)
{
	if (status == -1) {
		g_string_append(out, "+++ is gone +++");
	} else if (WIFEXITED(status)) {
		g_string_append_printf(out, "+++ exited with %d +++", WEXITSTATUS(status));
	} else {
		g_string_append(out, "+++ killed by ");
		gait_signal_format(out, WTERMSIG(status));
		g_string_append(out, WCOREDUMP(status) ? " (core dumped) +++" : " +++");
	}
}

static const char *
fork_noun(guint32 flags)
{
	if (flags & GAIT_TASK_THREAD)
		return "thread";
	return flags & GAIT_TASK_VFORK ? "process (sharing memory)" : "process";
}

/* --- text ---------------------------------------------------------------------------------------
 */

static void
append_syscall(GaitPrinter *printer, const GaitEvent *event, gboolean with_stack)
{
	const GaitShape *shape = gait_trace_reader_get_shape(printer->reader, event->shape);
	const GaitTraceStack *stack;
	gsize start = printer->out->len;

	append_call(printer->out, shape);
	if (shape->stack == G_MAXUINT32)
		return;
	stack = gait_trace_reader_get_stack(printer->reader, shape->stack);
	do
		g_string_append_c(printer->out, ' ');
	while (printer->out->len < start + SITE_COLUMN);
	append_frame(printer, &stack->frames[stack->site]);
	for (guint32 i = 0; with_stack && i < stack->n_frames; i++) {
		g_string_append(printer->out, i == stack->site ? "\n   * " : "\n   > ");
		append_frame(printer, &stack->frames[i]);
	}
}

static void
append_lifecycle(GaitPrinter *printer, const GaitEvent *event)
{
	GString *out = printer->out;

	switch (event->kind) {
	case GAIT_EVENT_START:
		g_string_append(out, event->flags & GAIT_TASK_JOINED ? "+++ joined, running "
		                                                     : "+++ started ");
		gait_text_append(out, module_path(printer, event->program));
		g_string_append(out, " +++");
		break;
	case GAIT_EVENT_FORK:
		g_string_append_printf(out, "+++ created %s %d +++", fork_noun(event->flags),
		                       event->tid);
		break;
	case GAIT_EVENT_EXEC:
		g_string_append(out, "+++ executes ");
		gait_text_append(out, module_path(printer, event->program));
		g_string_append(out, " +++");
		break;
	case GAIT_EVENT_SIGNAL:
		g_string_append(out, "--- handler of ");
		gait_signal_format(out, event->signo);
		g_string_append(out, " ---");
		break;
	case GAIT_EVENT_UNWIND:
		g_string_append_printf(out,
		                       "--- %" G_GUINT64_FORMAT " handlers left without return ---",
		                       event->count);
		break;
	case GAIT_EVENT_EXIT:
		append_status(out, event->status);
		break;
	case GAIT_EVENT_LOST:
		g_string_append_printf(out, "!!! %" G_GUINT64_FORMAT " events lost !!!",
		                       event->count);
		break;
	case GAIT_EVENT_SYSCALL:
	case GAIT_EVENT_N_:
		g_assert_not_reached();
	}
}

void
gait_print_event_text(GaitPrinter *printer, const GaitEvent *event, gboolean with_stack)
{
	const Ids *ids = &g_array_index(printer->tasks, Ids, event->task);

	g_string_append_printf(printer->out, "[pid %d] ", ids->tid);
	if (gait_trace_reader_get_info(printer->reader)->has_times)
		g_string_append_printf(printer->out, "%.6f ", (double)event->time_ns / 1e9);
	if (event->kind == GAIT_EVENT_SYSCALL)
		append_syscall(printer, event, with_stack);
	else
		append_lifecycle(printer, event);
	g_string_append_c(printer->out, '\n');
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static void
append_json_frame(GaitPrinter *printer, const GaitTraceFrame *frame)
{
	const GaitTraceModule *module =
	    gait_trace_reader_get_module(printer->reader, frame->module);
	GString *out = printer->out;

	g_string_append(out, "{\"module\": ");
	gait_text_append_json(out, module->path);
	g_string_append(out, ", \"build_id\": ");
	gait_text_append_json(out, module->build_id);
	g_string_append_printf(out, ", \"offset\": \"0x%" G_GINT64_MODIFIER "x\"", frame->offset);
	if (frame->function) {
		g_string_append(out, ", \"function\": ");
		gait_text_append_json(out, frame->function);
		g_string_append_printf(out, ", \"delta\": %" G_GUINT64_FORMAT, frame->delta);
	}
	g_string_append_c(out, '}');
}

/* "openat(O_RDONLY)" as two members: "syscall": "openat", "args": "O_RDONLY". */
static void
append_json_call(GString *out, const GaitShape *shape)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char *open;

	append_call(text, shape);
	open = strchr(text->str, '(');
	if (open) {
		*open = '\0';
		text->str[text->len - 1] = '\0';
	}
	g_string_append(out, ", \"syscall\": ");
	gait_text_append_json(out, text->str);
	g_string_append_printf(out, ", \"nr\": %u", shape->nr);
	if (open) {
		g_string_append(out, ", \"args\": ");
		gait_text_append_json(out, open + 1);
	}
}

static void
append_json_syscall(GaitPrinter *printer, const GaitEvent *event)
{
	const GaitShape *shape = gait_trace_reader_get_shape(printer->reader, event->shape);
	const GaitTraceStack *stack;
	GString *out = printer->out;

	append_json_call(out, shape);
	if (shape->stack == G_MAXUINT32)
		return;
	stack = gait_trace_reader_get_stack(printer->reader, shape->stack);
	g_string_append(out, ", \"library\": ");
	gait_text_append_json(out, module_path(printer, stack->frames[stack->site].module));
	g_string_append_printf(out, ", \"site\": %u, \"stack\": [", stack->site);
	for (guint32 i = 0; i < stack->n_frames; i++) {
		g_string_append(out, i ? ", " : "");
		append_json_frame(printer, &stack->frames[i]);
	}
	g_string_append_c(out, ']');
}

static void
append_json_lifecycle(GaitPrinter *printer, const GaitEvent *event)
{
	GString *out = printer->out;

	if (event->kind == GAIT_EVENT_START || event->kind == GAIT_EVENT_EXEC) {
		g_string_append(out, ", \"program\": ");
		gait_text_append_json(out, module_path(printer, event->program));
	}
	if (event->kind == GAIT_EVENT_START)
		g_string_append_printf(out, ", \"is_joined\": %s",
		                       event->flags & GAIT_TASK_JOINED ? "true" : "false");
	if (event->kind == GAIT_EVENT_FORK)
		g_string_append_printf(out,
		                       ", \"child\": %u, \"child_pid\": %d, \"child_tid\": %d, "
		                       "\"is_thread\": %s, \"is_vfork\": %s",
		                       event->child, event->pid, event->tid,
		                       event->flags & GAIT_TASK_THREAD ? "true" : "false",
		                       event->flags & GAIT_TASK_VFORK ? "true" : "false");
	if (event->kind == GAIT_EVENT_SIGNAL) {
		g_string_append(out, ", \"signal\": \"");
		gait_signal_format(out, event->signo);
		g_string_append_c(out, '"');
	}
	if (event->kind == GAIT_EVENT_EXIT)
		g_string_append_printf(out, ", \"status\": %d", event->status);
	if (event->kind == GAIT_EVENT_UNWIND || event->kind == GAIT_EVENT_LOST)
		g_string_append_printf(out, ", \"count\": %" G_GUINT64_FORMAT, event->count);
}

void
gait_print_event_json(GaitPrinter *printer, const GaitEvent *event)
{
	const Ids *ids = &g_array_index(printer->tasks, Ids, event->task);
	GString *out = printer->out;

	g_string_append_printf(out,
	                       "{\"event\": \"%s\", \"time\": %.9f, \"pid\": %d, \"tid\": %d, "
	                       "\"task\": %u, \"seq\": %" G_GUINT64_FORMAT,
	                       kind_names[event->kind], (double)event->time_ns / 1e9, ids->pid,
	                       ids->tid, event->task, event->seq);
	if (event->kind == GAIT_EVENT_SYSCALL)
		append_json_syscall(printer, event);
	else
		append_json_lifecycle(printer, event);
	g_string_append(out, "}\n");
}
