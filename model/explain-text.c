/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations as text: a block for each violation, its parts behind labels, wrapped. */
#include "model/explain-private.h"

#include "sysgait/text.h"

#include <string.h>

#define WIDTH  100
#define INDENT 12

#define MAX_FIRST    12 /* numbers of violations that came of themselves */
#define MAX_COMMANDS 3  /* of training runs that are named */
#define MAX_COMMAND  90 /* characters of one */

/* --- layout ---------------------------------------------------------------------------------- */

/* The length of the word at text, in bytes. */
static gsize
word_length(const char *text)
{
	return strcspn(text, " ");
}

/* text is escaped; behind a label, later lines below the first. */
static void
append_wrapped(GString *out, const char *label, const char *text)
{
	glong column = INDENT;

	g_string_append_printf(out, "   %-*s", INDENT - 3, label);
	while (*text) {
		gsize length = word_length(text);
		glong width = g_utf8_strlen(text, (gssize)length);

		if (column > INDENT && column + 1 + width > WIDTH) {
			g_string_append_printf(out, "\n%*s", INDENT + 2, "");
			column = INDENT + 2;
		} else if (column > INDENT) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append_len(out, text, (gssize)length);
		column += width;
		text += length;
		text += strspn(text, " ");
	}
	g_string_append_c(out, '\n');
}

static void
append_field(GString *out, const char *label, const char *raw)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (!raw)
		return;
	gait_text_append(text, raw);
	append_wrapped(out, label, text->str);
}

/* Each behind the label, which is said once. */
static void
append_fields(GString *out, const char *label, const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++)
		append_field(out, i ? "" : label, g_ptr_array_index(list, i));
}

/* --- parts ----------------------------------------------------------------------------------- */

static void
append_time(GString *out, double time_s)
{
	g_autoptr(GDateTime) time = NULL;
	g_autofree char *text = NULL;

	if (!gait_log_is_unix_time(time_s)) {
		g_string_append_printf(out, "%.6f s into the trace", time_s);
		return;
	}
	time = g_date_time_new_from_unix_local((gint64)time_s);
	text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
	g_string_append(out, text ? text : "at no time that there is");
}

static char *
dup_action(const char *action)
{
	if (strcmp(action, "log") == 0)
		return g_strdup("let through");
	if (strcmp(action, "kill") == 0)
		return g_strdup("the process was killed");
	if (g_str_has_prefix(action, "errno "))
		return g_strdup_printf("refused with %s", action + strlen("errno "));
	return g_strdup(action);
}

static void
append_seen(GString *out, const GaitExplanation *explanation)
{
	const GaitLogGroup *group = explanation->group;
	g_autoptr(GString) text = g_string_new(NULL);

	if (group->n_times == 1)
		g_string_append(text, "once, ");
	else
		g_string_append_printf(text, "%" G_GUINT64_FORMAT " times, ", group->n_times);
	append_time(text, group->first_s);
	if (group->last_s - group->first_s >= 1) {
		g_string_append(text, " to ");
		append_time(text, group->last_s);
	}
	g_string_append_printf(text, ", %s process %d", group->n_times > 1 ? "first in" : "in",
	                       explanation->record->pid);
	if (explanation->record->tid != explanation->record->pid)
		g_string_append_printf(text, ", thread %d", explanation->record->tid);
	for (guint i = 0; i < group->actions->len; i++) {
		g_autofree char *action = dup_action(g_ptr_array_index(group->actions, i));

		g_string_append_printf(text, "%s%s", i ? ", " : "; ", action);
	}
	append_field(out, "seen", text->str);
}

static void
append_allowed(GString *out, const GaitExplanation *explanation)
{
	static const char *const heads[GAIT_VERDICT_N_] = {
	    [GAIT_VERDICT_SYSCALL] = "calls: ",         [GAIT_VERDICT_ISSUER] = "this call by: ",
	    [GAIT_VERDICT_LIBRARY] = "this call for: ", [GAIT_VERDICT_PHASE] = "in this phase: ",
	    [GAIT_VERDICT_SITE] = "this call as: ",     [GAIT_VERDICT_SEQUENCE] = "next: ",
	    [GAIT_VERDICT_EXEC] = "to run: ",           [GAIT_VERDICT_ROLE] = "a task by: ",
	};
	g_autoptr(GString) text = g_string_new(heads[explanation->record->kind]);
	guint n = explanation->allowed->len;

	for (guint i = 0; i < n; i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "",
		                       (const char *)g_ptr_array_index(explanation->allowed, i));
	if (explanation->n_allowed > n)
		g_string_append_printf(text, " and %u more", explanation->n_allowed - n);
	if (explanation->n_allowed == 0)
		g_string_append(text, "nothing");
	append_field(out, "allowed", text->str);
}

static void
append_where(GString *out, const GaitExplanation *explanation)
{
	g_autofree char *text = NULL;

	if (!explanation->where)
		return;
	text = explanation->source
	           ? g_strdup_printf("%s, %s", explanation->where, explanation->source)
	           : g_strdup(explanation->where);
	append_field(out, "where", text);
}

static void
append_explanation(const GaitExplanation *explanation, gpointer data)
{
	GString *out = data;
	g_autoptr(GString) head = g_string_new(NULL);

	gait_text_append(head, explanation->call);
	g_string_append_printf(out, "\n%u  %s: %s  [%s]\n", explanation->number,
	                       gait_verdict_name(explanation->record->kind), head->str,
	                       explanation->group->id);
	append_field(out, "who", explanation->who);
	append_fields(out, "phase", explanation->phases);
	append_where(out, explanation);
	append_field(out, "issuer", explanation->instruction);
	append_fields(out, "after", explanation->states);
	append_field(out, "why", explanation->why);
	append_allowed(out, explanation);
	append_fields(out, "nearest", explanation->nearest);
	append_seen(out, explanation);
	if (explanation->cause) {
		g_autofree char *cause =
		    g_strdup_printf("perhaps because %u was refused just before in the same task",
		                    explanation->cause);

		append_field(out, "cause", cause);
	}
	append_field(out, "accept", explanation->accept);
	append_fields(out, "beware", explanation->cautions);
}

/* --- head and foot --------------------------------------------------------------------------- */

static void
append_command(GString *out, const char *command)
{
	g_autofree char *head =
	    g_utf8_validate(command, -1, NULL) && g_utf8_strlen(command, -1) > MAX_COMMAND
	        ? g_utf8_substring(command, 0, MAX_COMMAND)
	        : NULL;

	g_string_append(out, "\n  ");
	gait_text_append(out, head ? head : command);
	g_string_append(out, head ? "…" : "");
}

static void
append_runs(const GaitModel *model, GString *out)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	g_string_append_printf(out, "The model was learned from %u %s:", model->runs->len,
	                       model->runs->len == 1 ? "run" : "runs");
	for (guint i = 0; i < model->runs->len; i++) {
		const GaitRun *run = g_ptr_array_index(model->runs, i);

		if (g_hash_table_add(seen, run->command) && g_hash_table_size(seen) <= MAX_COMMANDS)
			append_command(out, run->command);
	}
	if (g_hash_table_size(seen) > MAX_COMMANDS)
		g_string_append_printf(out, "\n  and %u more",
		                       g_hash_table_size(seen) - MAX_COMMANDS);
	g_string_append_c(out, '\n');
	if (model->is_amended)
		g_string_append_printf(out, "It was amended by hand (%u %s).\n",
		                       model->amendments->len,
		                       model->amendments->len == 1 ? "time" : "times");
}

static void
append_head(const GaitModel *model, GaitViolationLog *log, GString *out)
{
	g_autofree char *digest = gait_model_dup_digest(model);
	guint64 n_foreign = gait_violation_log_count_foreign(log, digest);
	guint64 n_torn = gait_violation_log_get_n_torn(log);
	guint n = gait_violation_log_get_groups(log)->len;

	g_string_append_printf(
	    out,
	    "%" G_GUINT64_FORMAT " %s, %u distinct, the outermost and most "
	    "dangerous first.\n",
	    gait_violation_log_get_n_violations(log),
	    gait_violation_log_get_n_violations(log) == 1 ? "violation" : "violations", n);
	append_runs(model, out);
	if (n_foreign)
		g_string_append_printf(out,
		                       "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
		                       " lines are from another model, or from this one before it "
		                       "was changed: what is\n"
		                       "said of the nearest is this model's.\n",
		                       n_foreign, gait_violation_log_get_n_lines(log));
	if (n_torn)
		g_string_append_printf(out,
		                       "%" G_GUINT64_FORMAT
		                       " lines were cut off (full disk, or a writer that was "
		                       "killed) and are left out.\n",
		                       n_torn);
}

/* Where refusals led to others: which came of themselves. */
static void
append_first(GaitViolationLog *log, GString *out)
{
	const GPtrArray *groups = gait_violation_log_get_groups(log);
	g_autoptr(GString) text = g_string_new(NULL);
	guint n = 0;

	for (guint i = 0; i < groups->len; i++)
		if (!((const GaitLogGroup *)g_ptr_array_index(groups, i))->cause && n++ < MAX_FIRST)
			g_string_append_printf(text, "%s%u", n > 1 ? ", " : "", i + 1);
	if (n < groups->len && n > 0)
		g_string_append_printf(out,
		                       "Look at %s%s first: the others came when something had "
		                       "been refused just before.\n",
		                       text->str, n > MAX_FIRST ? " and so on" : "");
}

static void
append_foot(GString *out)
{
	g_string_append(
	    out,
	    "\nTo have something of this allowed by training instead, which also learns what "
	    "follows what and how\noften, record a run that does it (sysgait record), and learn "
	    "from it with the model (sysgait learn).\n");
}

void
gait_explain_print(const GaitModel *model, GaitViolationLog *log, const GaitExplainOptions *options,
                   GString *out)
{
	if (gait_violation_log_get_groups(log)->len == 0) {
		g_string_append(out, "There is no violation in the log.\n");
		return;
	}
	append_head(model, log, out);
	append_first(log, out);
	gait_explain_each(model, log, options, append_explanation, out);
	append_foot(out);
}
