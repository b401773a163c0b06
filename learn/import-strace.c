/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An strace log as a whole: its beginning, which says what the trace is of; lines that were torn
 * apart by other output on the same terminal, which are put together again; its end.
 */
#include "learn/import-private.h"

#include "sysgait/error.h"
#include "sysgait/module.h"

#include <string.h>

#define MAX_TORN (16u << 20) /* bytes of a call that other output runs through */

/* A call whose end has not been seen. */
typedef struct {
	GString *raw; /* empty: there is none */
	GaitStraceInputLine at;
	char *text; /* taken apart by the parser */
} Torn;

/* --- beginning ----------------------------------------------------------------------------------
 */

/* The arguments of "execve(\"/bin/ls\", [\"ls\", \"-l\"], …": from its own. */
static char **
parse_command(const char *args)
{
	g_autoptr(GPtrArray) command = g_ptr_array_new();
	const char *at = strstr(args, ", [\"");

	for (at = at ? at + 3 : NULL; at;) {
		char *argument = gait_strace_dup_string(at);

		if (!argument)
			break;
		g_ptr_array_add(command, argument);
		at = strstr(at + 1, "\", \"");
		at = at ? at + 3 : NULL;
	}
	g_ptr_array_add(command, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&command), FALSE);
}

gboolean
gait_import_open(GaitImport *import, const GaitStraceLine *line, GError **error)
{
	gboolean is_exec = line->args && g_strcmp0(line->name, "execve") == 0;
	g_autoptr(GaitModules) modules = gait_modules_new(NULL);
	g_auto(GStrv) command = parse_command(is_exec ? line->args : "");
	const char *program = import->options->program;
	GaitTraceInfo info = {
	    .kernel = (char *)"",
	    .arch = (char *)"x86_64",
	    .backend = (char *)"strace",
	    .command = command,
	    .runtime = (char **)gait_modules_get_runtime(modules),
	    .start_us = line->time == GAIT_STRACE_EPOCH ? (gint64)(line->time_ns / 1000) : 0,
	    .has_stacks = import->report->has_stacks,
	    .has_times = line->time != GAIT_STRACE_NO_TIME,
	};

	import->sink = gait_import_sink_new(import->options->output, &info,
	                                    import->options->is_foreign, error);
	if (!import->sink)
		return FALSE;
	import->report->has_output = TRUE;
	import->tasks = gait_import_tasks_new(import->sink);
	import->program = program ? gait_import_sink_program(import->sink, program)
	                          : gait_import_sink_module(import->sink, "[unknown]");
	return TRUE;
}

static void
init(GaitImport *import)
{
	import->announced = g_hash_table_new(NULL, NULL);
	import->frames = g_array_new(FALSE, TRUE, sizeof(GaitTraceFrame));
	import->functions = g_string_chunk_new(4096);
	import->report->has_stacks = gait_strace_input_has_stacks(import->input);
	import->is_following = gait_strace_input_has_children(import->input);
}

static void
clear(GaitImport *import)
{
	gait_import_tasks_free(import->tasks);
	gait_import_sink_free(import->sink);
	g_hash_table_unref(import->announced);
	g_array_unref(import->frames);
	g_string_chunk_free(import->functions);
}

/* --- torn calls ---------------------------------------------------------------------------------
 */

/* "strace: Process 12 attached" in the middle of the call that created 12. */
static void
cut_announcement(GaitImport *import, GString *raw)
{
	char *message = g_strrstr(raw->str, "strace: Process ");
	GaitStraceLine line;
	g_autofree char *text = g_strdup(message);

	if (!message)
		return;
	gait_strace_parse_line(text, &line);
	if (line.kind != GAIT_STRACE_ATTACHED)
		return;
	g_hash_table_add(import->announced, GINT_TO_POINTER(line.other_pid));
	import->is_following = TRUE;
	g_string_truncate(raw, (gsize)(message - raw->str));
}

static void
begin_torn(GaitImport *import, Torn *torn)
{
	g_string_assign(torn->raw, import->at.raw);
	torn->at = import->at;
	cut_announcement(import, torn->raw);
}

/* Parses what has been put together. */
static void
parse_torn(Torn *torn, GaitStraceLine *line)
{
	g_free(torn->text);
	torn->text = g_strdup(torn->raw->str);
	gait_strace_parse_line(torn->text, line);
}

/* The rest of the call never came: its beginning is all we know. */
static gboolean
give_up_torn(GaitImport *import, Torn *torn, GError **error)
{
	GaitStraceInputLine now = import->at;
	GaitStraceLine line;
	gboolean is_fine;

	parse_torn(torn, &line);
	import->at = torn->at;
	import->at.raw = torn->raw->str;
	if (!torn->at.has_newline) {
		gait_import_note(import, GAIT_IMPORT_NOTE_CUT, line.name);
		import->is_cut = TRUE;
		return TRUE;
	}
	if (line.pid != 0 && !line.has_bracket) {
		/* Nobody else writes into a log that is a file. */
		return gait_import_refuse(import, error, "'%s' has no end", line.name);
	}
	gait_import_note(import, GAIT_IMPORT_NOTE_TORN, line.name);
	is_fine = gait_import_line(import, &line, error);
	g_string_truncate(torn->raw, 0);
	import->at = now;
	return is_fine;
}

/* A line, and what it has to do with a call that was torn apart. */
static gboolean
take_line(GaitImport *import, Torn *torn, GError **error)
{
	GaitStraceLine line = import->at.line;

	if (torn->raw->len > 0) {
		if (line.kind == GAIT_STRACE_OTHER && torn->raw->len < MAX_TORN) {
			g_string_append(torn->raw, import->at.raw);
			cut_announcement(import, torn->raw);
			torn->at.has_newline = import->at.has_newline;
			parse_torn(torn, &line);
			if (line.kind == GAIT_STRACE_FRAGMENT)
				return TRUE;
			g_string_truncate(torn->raw, 0);
			import->at.time_ns = torn->at.time_ns;
			return gait_import_line(import, &line, error);
		}
		if (!give_up_torn(import, torn, error))
			return FALSE;
	}
	if (line.kind == GAIT_STRACE_FRAGMENT) {
		begin_torn(import, torn);
		return TRUE;
	}
	return gait_import_line(import, &line, error);
}

/* --- the log ------------------------------------------------------------------------------------
 */

static gboolean
read_log(GaitImport *import, GError **error)
{
	Torn torn = {.raw = g_string_new(NULL)};
	GaitInput result = GAIT_INPUT_END;
	gboolean is_fine = TRUE;

	while (is_fine && (result = gait_strace_input_next(import->input, &import->at, error)) ==
	                      GAIT_INPUT_LINE)
		is_fine = take_line(import, &torn, error);
	if (is_fine && result == GAIT_INPUT_END && torn.raw->len > 0)
		is_fine = give_up_torn(import, &torn, error);
	g_string_free(torn.raw, TRUE);
	g_free(torn.text);
	return is_fine && result == GAIT_INPUT_END;
}

static gboolean
finish(GaitImport *import, GError **error)
{
	/* Random bytes have something like a call in them, now and then. */
	if (!import->sink || (import->report->n_events == 0 && import->n_lost > 0)) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_MALFORMED,
		            "%s: there is no system call in it; this is not an strace log",
		            gait_strace_input_get_name(import->input));
		return FALSE;
	}
	if (!gait_import_end_stack(import, error))
		return FALSE;
	gait_import_close_all(import);
	gait_import_tasks_start_rest(import->tasks, import->program, TRUE);
	import->report->is_complete =
	    !import->is_cut && (import->is_detached || gait_import_tasks_have_ended(import->tasks));
	return gait_import_tasks_flush_all(import->tasks, error) &&
	       gait_import_sink_finish(import->sink, import->n_lost, import->report->is_complete,
	                               error);
}

gboolean
gait_import_strace(GaitStraceInput *input, const GaitImportOptions *options,
                   GaitImportReport *report, GError **error)
{
	GaitImport import = {.input = input, .options = options, .report = report};
	gboolean is_fine;

	init(&import);
	is_fine = read_log(&import, error) && finish(&import, error);
	clear(&import);
	return is_fine;
}
