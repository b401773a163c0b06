/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of an strace log: whose each is, and what it means for that task. Tasks are met by their
 * first line; who created them may be said before or after.
 */
#include "learn/import-private.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

const char *
gait_import_note_text(GaitImportNoteKind kind)
{
	static const char *const texts[] = {
#define X(name, text) [GAIT_IMPORT_NOTE_##name] = text,
	    GAIT_IMPORT_NOTES(X)
#undef X
	};

	return texts[kind];
}

void
gait_import_report_clear(GaitImportReport *report)
{
	for (int i = 0; i < GAIT_IMPORT_NOTE_N_; i++) {
		g_clear_pointer(&report->notes[i].what, g_free);
		g_clear_pointer(&report->notes[i].place, g_free);
	}
}

void
gait_import_note(GaitImport *import, GaitImportNoteKind kind, const char *what)
{
	GaitImportNote *note = &import->report->notes[kind];

	if (note->n++ > 0)
		return;
	note->what = g_strndup(what, 60);
	note->place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, import->at.name, import->at.number);
}

gboolean
gait_import_refuse(GaitImport *import, GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED, "%s:%" G_GUINT64_FORMAT ": %s",
	            import->at.name, import->at.number, what);
	return FALSE;
}

/* --- signals and ends ---------------------------------------------------------------------------
 */

static void
deliver_signal(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line)
{
	gint32 signo = gait_signal_from_name(line->name, strlen(line->name));

	if (signo <= 0 || signo >= 64)
		return;
	task->last_signal = signo;
	if (!(task->process->handled >> signo & 1))
		return;
	task->n_handlers++;
	gait_import_task_push(task, GAIT_EVENT_SIGNAL, import->at.time_ns)->event.signo = signo;
}

/* A thread has executed a program: it is the leader now, under the leader's number. */
static void
supersede(GaitImport *import, GaitImportTask *leader, gint32 tid)
{
	GaitImportTask *heir = gait_import_tasks_find(import->tasks, tid);

	if (!heir || heir == leader)
		return;
	gait_import_close_unknown(import, leader);
	gait_import_end_task(import, leader, -1);
	gait_import_tasks_rename(import->tasks, heir, leader->tid);
}

/* --- lines --------------------------------------------------------------------------------------
 */

/* Lines of a task that is not known yet: the first of a log, a child, or one that strace joined. */
static GaitImportTask *
meet_task(GaitImport *import, const GaitStraceLine *line)
{
	GaitImportTask *task = gait_import_tasks_add(import->tasks, line->pid);
	gboolean is_call = line->kind == GAIT_STRACE_CALL || line->kind == GAIT_STRACE_UNFINISHED;

	/* Whoever creates a task just now may have created this one. */
	if (import->n_creating > 0)
		return task;
	if (is_call && strcmp(line->name, "execve") == 0)
		task->is_starting = TRUE;
	else
		gait_import_tasks_start(task, import->program, GAIT_TASK_JOINED,
		                        import->at.time_ns);
	return task;
}

/* While there is only one task a log on a terminal leaves its number out. */
static gboolean
is_unnamed(const GaitImport *import, const GaitStraceLine *line)
{
	const GaitImportTask *task = import->unnamed;

	if (!task || task->tid != 0 || line->pid == 0)
		return FALSE;
	if (line->kind == GAIT_STRACE_RESUMED && task->is_in_call)
		return strcmp(task->name, line->name) == 0;
	return import->n_creating == 0 &&
	       !g_hash_table_contains(import->announced, GINT_TO_POINTER(line->pid));
}

static GaitImportTask *
find_task(GaitImport *import, const GaitStraceLine *line)
{
	GaitImportTask *task = NULL;

	if (line->pid != 0)
		task = gait_import_tasks_find(import->tasks, line->pid);
	else if (!(task = gait_import_tasks_find_only(import->tasks)))
		task = import->unnamed;
	if (!task && is_unnamed(import, line)) {
		task = import->unnamed;
		gait_import_tasks_rename(import->tasks, task, line->pid);
	}
	/* What a task that is gone does not do any more is no reason to meet it again. */
	if (!task && line->kind != GAIT_STRACE_EXITED && line->kind != GAIT_STRACE_RESUMED)
		task = meet_task(import, line);
	if (task) {
		task->is_seen = TRUE;
		if (line->pid == 0 && task->tid == 0)
			import->unnamed = task;
	}
	return task;
}

static gboolean
task_line(GaitImport *import, GaitImportTask *task, const GaitStraceLine *line, GError **error)
{
	switch (line->kind) {
	case GAIT_STRACE_CALL:
		gait_import_enter(import, task, line);
		return gait_import_leave(import, task, line, error);
	case GAIT_STRACE_UNFINISHED:
	case GAIT_STRACE_FRAGMENT:
		gait_import_enter(import, task, line);
		break;
	case GAIT_STRACE_DETACHED:
		gait_import_enter(import, task, line);
		/* strace says so of the task it looked at, and lets go of all. */
		import->is_detached = TRUE;
		break;
	case GAIT_STRACE_RESUMED:
		return gait_import_resume(import, task, line, error);
	case GAIT_STRACE_SIGNAL:
		deliver_signal(import, task, line);
		break;
	case GAIT_STRACE_EXITED:
		gait_import_end_task(import, task, line->status);
		import->stack_task = task;
		break;
	case GAIT_STRACE_SUPERSEDED:
		supersede(import, task, line->other_pid);
		break;
	case GAIT_STRACE_BLANK:
	case GAIT_STRACE_STOPPED:
	case GAIT_STRACE_FRAME:
	case GAIT_STRACE_ATTACHED:
	case GAIT_STRACE_MODE:
	case GAIT_STRACE_MESSAGE:
	case GAIT_STRACE_OTHER:
	case GAIT_STRACE_N_:
		break;
	}
	return TRUE;
}

/* strace says that a task has changed to 32-bit code, or back. */
static void
change_mode(GaitImport *import, const GaitStraceLine *line)
{
	GaitImportTask *task =
	    import->tasks ? gait_import_tasks_find(import->tasks, line->other_pid) : NULL;

	if (!task)
		task = import->unnamed;
	if (task)
		task->is_32bit = line->is_32bit;
}

/* What is not a task's. TRUE where the line is dealt with. */
static gboolean
common_line(GaitImport *import, const GaitStraceLine *line)
{
	if (line->kind == GAIT_STRACE_ATTACHED) {
		g_hash_table_add(import->announced, GINT_TO_POINTER(line->other_pid));
		import->is_following = TRUE;
	}
	if (line->kind == GAIT_STRACE_MODE)
		change_mode(import, line);
	return line->kind == GAIT_STRACE_BLANK || line->kind == GAIT_STRACE_MESSAGE ||
	       line->kind == GAIT_STRACE_STOPPED || line->kind == GAIT_STRACE_ATTACHED ||
	       line->kind == GAIT_STRACE_MODE;
}

static gboolean
unrelated_line(GaitImport *import, const GaitStraceLine *line, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_text_append(text, import->at.raw);
	g_string_truncate(text, MIN(text->len, 60));
	if (!import->at.has_newline) {
		gait_import_note(import, GAIT_IMPORT_NOTE_CUT, text->str);
		import->is_cut = TRUE;
		return TRUE;
	}
	/* A log in a file is strace's alone; on a terminal others write, too. */
	if ((line->pid != 0 && !line->has_bracket) || line->time != GAIT_STRACE_NO_TIME)
		return gait_import_refuse(import, error, "not understood: %s", text->str);
	gait_import_note(import, GAIT_IMPORT_NOTE_UNRELATED, text->str);
	return TRUE;
}

gboolean
gait_import_line(GaitImport *import, const GaitStraceLine *line, GError **error)
{
	GaitImportTask *task;

	if (line->kind == GAIT_STRACE_FRAME && import->report->has_stacks) {
		gait_import_add_frame(import, line);
		return TRUE;
	}
	if (!gait_import_end_stack(import, error))
		return FALSE;
	if (line->kind == GAIT_STRACE_OTHER || line->kind == GAIT_STRACE_FRAME)
		return unrelated_line(import, line, error);
	if (common_line(import, line))
		return TRUE;
	if (!import->sink && !gait_import_open(import, line, error))
		return FALSE;
	import->is_following |= line->pid != 0;
	task = find_task(import, line);
	if (!task)
		return TRUE;
	if (!task_line(import, task, line, error))
		return FALSE;
	if (import->n_creating == 0)
		gait_import_tasks_start_rest(import->tasks, import->program, FALSE);
	/* A stack, and what a task's end says of it, may be still to come. */
	return import->stack_task == task || gait_import_tasks_flush(import->tasks, task, error);
}
