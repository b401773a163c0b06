/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An explanation of one distinct violation: the sentences, before they are laid out. What the log
 * says in numbers is put into the words of the model, so that a log cannot make a model look as if
 * it knew what it does not.
 */
#include "model/explain-private.h"

#include "model/allowed.h"
#include "model/life.h"
#include "model/model-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

void
gait_explanation_free(GaitExplanation *explanation)
{
	if (!explanation)
		return;
	g_free(explanation->call);
	g_free(explanation->who);
	g_ptr_array_unref(explanation->phases);
	g_ptr_array_unref(explanation->states);
	g_free(explanation->where);
	g_free(explanation->source);
	g_free(explanation->instruction);
	g_free(explanation->why);
	g_ptr_array_unref(explanation->allowed);
	g_ptr_array_unref(explanation->nearest);
	g_free(explanation->accept);
	g_ptr_array_unref(explanation->cautions);
	g_free(explanation);
}

char *
gait_explain_dup_symbol(const GaitModel *model, const GaitProgram *program, GaitSymbolRef ref)
{
	g_autoptr(GString) name = g_string_new(NULL);

	gait_allowed_append_symbol(name, model, program, ref);
	return g_string_free(g_steal_pointer(&name), FALSE);
}

/* Takes text; only where it is not there yet. */
static void
add_once(GPtrArray *list, char *text)
{
	for (guint i = 0; i < list->len; i++)
		if (strcmp(g_ptr_array_index(list, i), text) == 0) {
			g_free(text);
			return;
		}
	g_ptr_array_add(list, text);
}

/* --- who and where --------------------------------------------------------------------------- */

static char *
dup_who(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at)
{
	const char *role = record->role;

	/* The model's own name for it: that of the log may be another model's. */
	if (at->role != GAIT_NONE)
		role = gait_program_get_role(gait_model_get_program(model, at->program), at->role)
		           ->name;
	if (role)
		return g_strdup_printf("%s, role %s%s", record->program, role,
		                       at->role == GAIT_NONE ? " (which this model does not have)"
		                                             : "");
	return g_strdup_printf("%s, in a role that is not known", record->program);
}

static char *
dup_milestone(const GaitLogSymbol *symbol)
{
	g_autoptr(GString) text = g_string_new(NULL);

	gait_syscall_format(text, symbol->nr, symbol->klass);
	g_string_append_printf(text, " at %s+0x%" G_GINT64_MODIFIER "x",
	                       gait_text_basename(symbol->library), symbol->site);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Of what the model has, by the model's name, which may know the function. */
static char *
dup_logged_symbol(const GaitModel *model, const GaitResolved *at, const GaitLogSymbol *symbol)
{
	const GaitProgram *program =
	    at->program == GAIT_NONE ? NULL : gait_model_get_program(model, at->program);
	GaitSymbolRef ref = {GAIT_NONE, 0};
	gboolean is_stale;

	if (program)
		ref.library = gait_resolve_library(
		    program, gait_resolve_logged_module(model, symbol->library, symbol->build_id,
		                                        &is_stale));
	if (ref.library != GAIT_NONE)
		ref.symbol = gait_resolve_symbol(gait_program_get_library(program, ref.library),
		                                 symbol->nr, symbol->klass, symbol->site);
	if (ref.library == GAIT_NONE || ref.symbol == GAIT_NONE)
		return dup_milestone(symbol);
	return gait_explain_dup_symbol(model, program, ref);
}

static void
append_share(GString *text, const GaitModel *model, const GaitResolved *at)
{
	const GaitRole *role;

	if (at->role == GAIT_NONE || at->phase == GAIT_NONE)
		return;
	role = gait_program_get_role(gait_model_get_program(model, at->program), at->role);
	g_string_append_printf(
	    text, ", and took %.1f%% of its time in training",
	    100 * ((const GaitPhase *)g_ptr_array_index(role->phases, at->phase))->time_share);
}

static char *
dup_phase(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *since = NULL;

	g_string_append_printf(text, "%u of %u%s", record->phase + 1, record->n_phases,
	                       record->is_loose ? ", or a later one" : "");
	if (record->since)
		since = dup_logged_symbol(model, at, record->since);
	if (since)
		g_string_append_printf(text, "; it begins with %s", since);
	else if (record->n_phases > 1)
		g_string_append(text, "; it begins with the task");
	append_share(text, model, at);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
dup_state(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at)
{
	switch (record->state) {
	case GAIT_LOG_START:
		return g_strdup_printf("nothing: %s had made no call in this task",
		                       gait_text_basename(record->site.module));
	case GAIT_LOG_SIGNAL:
		return g_strdup("the start of a signal handler");
	case GAIT_LOG_SYMBOL:
		return dup_logged_symbol(model, at, record->from);
	case GAIT_LOG_ANYWHERE:
	case GAIT_LOG_STATE_N_:
		break;
	}
	if (at->library == GAIT_NONE)
		return g_strdup_printf("not known: the model has no call of %s in this program",
		                       gait_text_basename(record->site.module));
	return g_strdup("not known (a call that the model lacks was let through, say)");
}

static void
add_places(GaitExplanation *explanation, const GaitModel *model)
{
	for (guint i = 0; i < explanation->group->variants->len; i++) {
		const GaitLogRecord *record = g_ptr_array_index(explanation->group->variants, i);
		GaitResolved at;

		gait_resolve(&at, model, record);
		if (record->role && record->n_phases > 1)
			add_once(explanation->phases, dup_phase(model, record, &at));
		if (record->site.module)
			add_once(explanation->states, dup_state(model, record, &at));
	}
}

static char *
dup_code(const GaitLogPlace *place)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (!place->module)
		return NULL;
	gait_log_place_append(text, place);
	if (place->function)
		g_string_append_printf(text, " (file offset 0x%" G_GINT64_MODIFIER "x)",
		                       place->offset);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- why and how ----------------------------------------------------------------------------- */

static char *
dup_why_phase(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at)
{
	const GaitProgram *program;
	const GaitPhase *phase;
	guint32 call;

	if (at->role != GAIT_NONE && at->phase != GAIT_NONE) {
		program = gait_model_get_program(model, at->program);
		phase =
		    g_ptr_array_index(gait_program_get_role(program, at->role)->phases, at->phase);
		call = gait_calls_find(program->calls, record->nr, record->klass);
		if (gait_phase_find_entry(phase, call) != GAIT_NONE)
			return g_strdup("in this phase the call came now and then only, after "
			                "another one, which had not come since the task last "
			                "waited");
	}
	return g_strdup("the call is known, but never came in this phase of the task's life");
}

static char *
dup_why(const GaitExplanation *explanation, const GaitModel *model, const GaitResolved *at)
{
	const GaitLogRecord *record = explanation->record;
	const char *program = gait_text_basename(record->program);
	const char *library =
	    record->site.module ? gait_text_basename(record->site.module) : "this library";

	if (record->arch)
		return g_strdup("it is a call of another architecture, which no program under "
		                "supervision may make");
	switch (record->kind) {
	case GAIT_VERDICT_SYSCALL:
		return g_strdup_printf("in training %s never made this call, from wherever",
		                       program);
	case GAIT_VERDICT_ISSUER:
		return g_strdup("the call is known, but never was it issued by this instruction");
	case GAIT_VERDICT_LIBRARY:
		return g_strdup_printf("the program makes this call, but never on behalf of %s",
		                       library);
	case GAIT_VERDICT_PHASE:
		return dup_why_phase(model, record, at);
	case GAIT_VERDICT_SITE:
		return g_strdup_printf("%s makes this call, but never from this place in it",
		                       library);
	case GAIT_VERDICT_SEQUENCE:
		return g_strdup_printf("the call is known at this place, but in %s it never "
		                       "followed the call before it",
		                       library);
	case GAIT_VERDICT_EXEC:
		return g_strdup_printf("%s never ran %s", program,
		                       record->exec_path ? record->exec_path : "this program");
	case GAIT_VERDICT_ROLE:
		return g_strdup("a task was made where none ever was in training");
	case GAIT_VERDICT_ALLOW:
	case GAIT_VERDICT_N_:
		break;
	}
	return g_strdup("");
}

/* Why it cannot be accepted; NULL where it can. */
static const char *
why_never(const GaitLogRecord *record, const GaitResolved *at)
{
	if (record->arch)
		return "nothing: such a call is never accepted";
	if (record->kind == GAIT_VERDICT_EXEC)
		return NULL;
	if (at->is_stale)
		return "training again: the library was rebuilt since the model was learned";
	if (!at->has_site)
		return "training: the line does not say which library made the call";
	return NULL;
}

/* As a shell takes it, in quotes only where it needs them. */
static void
append_argument(GString *command, const char *argument)
{
	g_autofree char *quoted = NULL;

	g_string_append_c(command, ' ');
	for (const char *c = argument; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr("/._-+,:@=", *c)) {
			quoted = g_shell_quote(argument);
			break;
		}
	g_string_append(command, quoted ? quoted : argument);
}

static char *
dup_accept(const GaitExplanation *explanation, const GaitExplainOptions *options,
           const GaitResolved *at)
{
	const char *never = why_never(explanation->record, at);
	g_autoptr(GString) command = g_string_new("sysgait amend -m");

	if (never)
		return g_strdup(never);
	append_argument(command, options->model_path);
	g_string_append(command, " -o");
	append_argument(command, options->model_path);
	g_string_append_printf(command, " --number %u", explanation->number);
	for (char **path = options->log_paths; path && *path; path++)
		append_argument(command, *path);
	return g_string_free(g_steal_pointer(&command), FALSE);
}

/* Where the log has no function, debug information may have one; else only a line is news. */
static char *
dup_source(const GaitLogRecord *record, const GaitExplainOptions *options)
{
	g_autofree char *source = NULL;

	if (options->source && record->site.module)
		source = options->source(&record->site, options->data);
	if (source && record->site.function && !strchr(source, ':'))
		return NULL;
	return g_steal_pointer(&source);
}

static GaitExplanation *
explain(const GaitModel *model, const GaitExplainOptions *options, guint number,
        const GaitLogGroup *group)
{
	GaitExplanation *explanation = g_new0(GaitExplanation, 1);
	const GaitLogRecord *record = gait_log_group_get(group);
	g_autoptr(GString) call = g_string_new(NULL);
	GaitResolved at;

	gait_resolve(&at, model, record);
	gait_log_record_append_call(call, record);
	if (record->exec_path)
		g_string_append_printf(call, " of %s", record->exec_path);
	explanation->number = number;
	explanation->group = group;
	explanation->record = record;
	explanation->call = g_string_free(g_steal_pointer(&call), FALSE);
	explanation->who = dup_who(model, record, &at);
	explanation->phases = g_ptr_array_new_with_free_func(g_free);
	explanation->states = g_ptr_array_new_with_free_func(g_free);
	add_places(explanation, model);
	explanation->where = dup_code(&record->site);
	explanation->source = dup_source(record, options);
	if (record->kind == GAIT_VERDICT_ISSUER)
		explanation->instruction = dup_code(&record->issuer);
	explanation->why = dup_why(explanation, model, &at);
	explanation->allowed = g_ptr_array_ref(record->allowed);
	explanation->n_allowed = record->n_allowed;
	explanation->nearest = g_ptr_array_new_with_free_func(g_free);
	gait_explain_nearest(model, record, &at, explanation->nearest);
	explanation->accept = dup_accept(explanation, options, &at);
	explanation->cautions = gait_log_group_dup_cautions(group);
	return explanation;
}

/* Of a group among groups, from 1. */
static guint
number_of(const GPtrArray *groups, const GaitLogGroup *group)
{
	guint i = 0;

	while (i < groups->len && g_ptr_array_index(groups, i) != group)
		i++;
	return i + 1;
}

static gboolean
is_chosen(const GaitExplainOptions *options, const GaitLogGroup *group)
{
	for (guint i = 0; options->chosen && i < options->chosen->len; i++)
		if (g_ptr_array_index(options->chosen, i) == group)
			return TRUE;
	return !options->chosen;
}

void
gait_explain_each(const GaitModel *model, GaitViolationLog *log, const GaitExplainOptions *options,
                  void (*print)(const GaitExplanation *explanation, gpointer data), gpointer data)
{
	const GPtrArray *groups = gait_violation_log_get_groups(log);

	for (guint i = 0; i < groups->len; i++) {
		const GaitLogGroup *group = g_ptr_array_index(groups, i);
		g_autoptr(GaitExplanation) explanation = NULL;

		if (!is_chosen(options, group))
			continue;
		explanation = explain(model, options, i + 1, group);
		if (group->cause)
			explanation->cause = number_of(groups, group->cause);
		print(explanation, data);
	}
}
