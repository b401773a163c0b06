/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations as JSON: the same parts as the text, under the same names. */
#include "model/explain-private.h"

#include "sysgait/text.h"

static void
append_key(GString *out, const char *key)
{
	g_string_append_printf(out, ",\"%s\":", key);
}

static void
append_string(GString *out, const char *key, const char *value)
{
	append_key(out, key);
	if (value)
		gait_text_append_json(out, value);
	else
		g_string_append(out, "null");
}

static void
append_list(GString *out, const char *key, const GPtrArray *list)
{
	append_key(out, key);
	g_string_append_c(out, '[');
	for (guint i = 0; i < list->len; i++) {
		g_string_append(out, i ? "," : "");
		gait_text_append_json(out, g_ptr_array_index(list, i));
	}
	g_string_append_c(out, ']');
}

static void
append_explanation(const GaitExplanation *explanation, gpointer data)
{
	const GaitLogGroup *group = explanation->group;
	GString *out = data;

	g_string_append_printf(out, "%s{\"number\":%u,\"id\":\"%s\",\"kind\":\"%s\"",
	                       out->str[out->len - 1] == '[' ? "" : ",", explanation->number,
	                       group->id, gait_verdict_name(explanation->record->kind));
	append_string(out, "call", explanation->call);
	append_string(out, "program", explanation->record->program);
	append_string(out, "role", explanation->record->role);
	append_list(out, "phase", explanation->phases);
	append_string(out, "library", explanation->record->site.module);
	append_string(out, "where", explanation->where);
	append_string(out, "source", explanation->source);
	append_string(out, "issuer", explanation->instruction);
	append_list(out, "after", explanation->states);
	append_string(out, "why", explanation->why);
	append_list(out, "allowed", explanation->allowed);
	g_string_append_printf(out, ",\"n_allowed\":%u", explanation->n_allowed);
	append_list(out, "nearest", explanation->nearest);
	g_string_append_printf(out, ",\"times\":%" G_GUINT64_FORMAT ",\"first\":%.6f,\"last\":%.6f",
	                       group->n_times, group->first_s, group->last_s);
	append_list(out, "actions", group->actions);
	if (explanation->cause)
		g_string_append_printf(out, ",\"cause\":%u", explanation->cause);
	append_string(out, "accept", explanation->accept);
	append_list(out, "beware", explanation->cautions);
	g_string_append_c(out, '}');
}

void
gait_explain_print_json(const GaitModel *model, GaitViolationLog *log,
                        const GaitExplainOptions *options, GString *out)
{
	g_autofree char *digest = gait_model_dup_digest(model);

	g_string_append_printf(
	    out,
	    "{\"model\":\"%s\",\"runs\":%u,\"lines\":%" G_GUINT64_FORMAT
	    ",\"from_other_models\":%" G_GUINT64_FORMAT ",\"torn\":%" G_GUINT64_FORMAT
	    ",\"n_violations\":%" G_GUINT64_FORMAT ",\"violations\":[",
	    digest, model->runs->len, gait_violation_log_get_n_lines(log),
	    gait_violation_log_count_foreign(log, digest), gait_violation_log_get_n_torn(log),
	    gait_violation_log_get_n_violations(log));
	gait_explain_each(model, log, options, append_explanation, out);
	g_string_append(out, "]}\n");
}
