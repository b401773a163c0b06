/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of an strace log: what one is about, and what its return says of it: a child, another
 * program, a signal handler. A call is an event at its entry, where the log has it first.
 *
 * Signals run a handler only if one is set: rt_sigaction is followed, per process. Programs come
 * from the paths of successful execs.
 */
#include "learn/import-private.h"

#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>

/* --- what a call is about -----------------------------------------------------------------------
 */

static gint32
call_number(const GaitImportTask *task, const GaitStraceLine *line)
{
	gint32 nr;

	if (task->is_32bit)
		nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, line->name);
	else
		nr = gait_syscall_from_name(line->name);
	return nr >= 0 ? nr : line->nr;
}

static gboolean
is_native(const GaitImportTask *task, guint32 nr)
{
	return !task->is_32bit && task->nr == (gint32)nr;
}

static gboolean
is_creation(const GaitImportTask *task)
{
	return task->nr >= 0 && !task->is_32bit && gait_syscall_is_creation((guint32)task->nr);
}

static gboolean
is_exec(const GaitImportTask *task)
{
	return strcmp(task->name, "execve") == 0 || strcmp(task->name, "execveat") == 0;
}

static guint32
fork_flags(const GaitImportTask *task, const char *args)
{
	if (is_native(task, SYS_vfork))
		return GAIT_TASK_VFORK;
	if (strstr(args, "CLONE_THREAD"))
		return GAIT_TASK_THREAD;
	/* Not CLONE_VFORK alone: that shares no memory. */
	return strstr(args, "CLONE_VM") ? GAIT_TASK_VFORK : 0;
}

/* "\"/bin/true\", …", or of execveat "3</dir>, \"name\", …". */
static char *
exec_path(const GaitImportTask *task, const char *args)
{
	g_autofree char *directory = NULL, *name = NULL;
	const char *open, *close, *comma;

	if (strcmp(task->name, "execve") == 0)
		return gait_strace_dup_string(args);
	open = strchr(args, '<');
	close = open ? strchr(open, '>') : NULL;
	comma = strstr(close ? close : args, ", ");
	name = comma ? gait_strace_dup_string(comma + 2) : NULL;
	if (close)
		directory = g_strndup(open + 1, (gsize)(close - open) - 1);
	if (!name || *name == '/' || !directory)
		return g_steal_pointer(&name);
	return *name ? g_build_filename(directory, name, NULL) : g_steal_pointer(&directory);
}

/* "SIGCHLD, {sa_handler=0x55e7, …". A missing second argument (NULL) only asks. */
static void
note_sigaction(GaitImportTask *task, const char *args)
{
	gint32 signo = gait_signal_from_name(args, strcspn(args, ", "));
	const char *handler = strstr(args, ", {sa_");

	task->handler_bit = 0;
	if (signo <= 0 || signo >= 64 || !handler || strchr(args, ',') != handler)
		return;
	handler = strchr(handler, '=');
	task->handler_bit = G_GUINT64_CONSTANT(1) << signo;
	task->sets_handler = handler && !g_str_has_prefix(handler, "=SIG_DFL") &&
	                     !g_str_has_prefix(handler, "=SIG_IGN");
}

/* The handler that runs returns. Where none was known to be set, one was before strace came. */
static void
note_sigreturn(GaitImportTask *task)
{
	if (task->n_handlers > 0)
		task->n_handlers--;
	else if (task->last_signal > 0 && task->last_signal < 64)
		task->process->handled |= G_GUINT64_CONSTANT(1) << task->last_signal;
}

/* --- entry and return ---------------------------------------------------------------------------
 */

static void
abandon_call(GaitImport *import, GaitImportTask *task)
{
	if (task->is_in_call && is_creation(task))
		import->n_creating--;
	task->is_in_call = FALSE;
	gait_import_close_unknown(import, task);
}

static void
push_lost(GaitImport *import, GaitImportTask *task)
{
	import->n_lost++;
	gait_import_task_push(task, GAIT_EVENT_LOST, import->at.time_ns)->event.count = 1;
}

static void
push_call(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line)
{
	GaitShape shape = {.nr = (guint32)task->nr, .stack = G_MAXUINT32};
	GaitImportItem *item;
	gboolean is_known;

	if (task->nr < 0) {
		gait_import_note(import, GAIT_IMPORT_NOTE_UNKNOWN_CALL, task->name);
		push_lost(import, task);
		return;
	}
	shape.arch = task->is_32bit ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	is_known = task->is_32bit || gait_syscall_parse_registers(shape.nr, line->args, shape.args);
	/* What is missing of a call that was torn apart is not guessed. */
	if (!is_known && line->kind == GAIT_STRACE_FRAGMENT) {
		push_lost(import, task);
		return;
	}
	if (!is_known)
		gait_import_note(import, GAIT_IMPORT_NOTE_UNKNOWN_ARGUMENT, task->name);
	import->report->n_events++;
	item = gait_import_task_push(task, GAIT_EVENT_SYSCALL, import->at.time_ns);
	item->shape = shape;
	item->is_open = import->report->has_stacks;
	task->call = item->is_open ? item : NULL;
}

void
gait_import_enter(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line)
{
	abandon_call(import, task);
	g_free(task->name);
	task->name = g_strdup(line->name);
	task->nr = call_number(task, line);
	task->is_in_call = TRUE;
	task->handler_bit = 0;
	g_clear_pointer(&task->exec_path, g_free);
	if (is_exec(task))
		task->exec_path = exec_path(task, line->args);
	if (is_creation(task)) {
		task->fork_flags = fork_flags(task, line->args);
		import->n_creating++;
	}
	if (is_native(task, SYS_rt_sigaction))
		note_sigaction(task, line->args);
	if (is_native(task, SYS_rt_sigreturn))
		note_sigreturn(task);
	/* The exec that starts a program is strace's doing: the task begins with what it runs. */
	if (!task->is_starting)
		push_call(import, task, line);
}

static void
child_created(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line)
{
	gint64 pid = line->own_result > 0 ? line->own_result : line->result;
	GaitImportTask *child;

	if (!line->has_result || pid <= 0 || pid > G_MAXINT32)
		return;
	/* Without -f nobody watches the child: there is none in this trace. */
	if (!import->is_following)
		return;
	child = gait_import_tasks_find_new(import->tasks, (gint32)pid);
	/* One that was there already has lost its end, and its number to this one. */
	if (!child || child == task)
		child = gait_import_tasks_add(import->tasks, (gint32)pid);
	gait_import_tasks_adopt(import->tasks, task, child, task->fork_flags, import->at.time_ns);
}

void
gait_import_end_task(GaitImport *import, GaitImportTask *task, gint32 status)
{
	if (task->is_in_call && is_creation(task))
		import->n_creating--;
	task->is_in_call = FALSE;
	gait_import_tasks_exit(import->tasks, task, status, import->at.time_ns);
	if (import->unnamed == task)
		import->unnamed = NULL;
}

/* The other threads of a process that runs another program are gone, whether or not the log says
 * so. */
static gboolean
end_others(GaitImport *import, GaitImportTask *task, GError **error)
{
	g_autoptr(GPtrArray) others = gait_import_tasks_dup_others(import->tasks, task);

	if (!gait_import_tasks_flush(import->tasks, task, error))
		return FALSE;
	for (guint i = 0; i < others->len; i++) {
		GaitImportTask *other = g_ptr_array_index(others, i);

		gait_import_close_unknown(import, other);
		gait_import_end_task(import, other, -1);
		if (!gait_import_tasks_flush(import->tasks, other, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
program_executed(GaitImport *import, GaitImportTask *task, GError **error)
{
	const char *path = task->exec_path ? task->exec_path : "[unknown]";
	guint32 program = gait_import_sink_program(import->sink, path);

	task->process->handled = 0;
	task->process->has_runtime = FALSE;
	task->n_handlers = 0;
	if (task->is_starting) {
		/* A relative path could be anywhere; the user knows. */
		if (*path != '/' && import->options->program)
			program = import->program;
		task->is_starting = FALSE;
		gait_import_tasks_start(task, program, 0, import->at.time_ns);
		return TRUE;
	}
	/* strace shows the stack that the new program begins with: not the one that called. */
	gait_import_close_unknown(import, task);
	if (!end_others(import, task, error))
		return FALSE;
	gait_import_task_push(task, GAIT_EVENT_EXEC, import->at.time_ns)->event.program = program;
	return TRUE;
}

gboolean
gait_import_leave(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line,
                  GError **error)
{
	gboolean is_done = line->has_result && line->result == 0;

	task->is_in_call = FALSE;
	if (is_creation(task)) {
		import->n_creating--;
		child_created(import, task, line);
	}
	if (is_exec(task) && is_done && !program_executed(import, task, error))
		return FALSE;
	if (task->handler_bit && is_done && task->sets_handler)
		task->process->handled |= task->handler_bit;
	else if (task->handler_bit && is_done)
		task->process->handled &= ~task->handler_bit;
	/* Frames follow on the next lines; after a call that never returns, behind the task's end.
	 */
	import->stack_task = task;
	import->may_come_later = !line->has_result;
	return TRUE;
}

gboolean
gait_import_resume(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line,
                   GError **error)
{
	/* The log begins within the call. */
	if (!task->is_in_call && !task->name)
		return TRUE;
	if (!task->is_in_call || strcmp(task->name, line->name) != 0)
		return gait_import_refuse(import, error,
		                          "'%s' of pid %d goes on, but it never began", line->name,
		                          task->tid);
	return gait_import_leave(import, task, line, error);
}
