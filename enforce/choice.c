/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lists of numbers, ids and kinds. A name that fits nothing is a mistake, never nothing: one
 * who accepts must get what was meant. */
#include "enforce/choice.h"

#include "sysgait/error.h"

#include <string.h>

typedef struct {
	const GPtrArray *groups;
	guint8 *is_chosen;
} Choice;

static gboolean
choose_id(const Choice *choice, const char *id)
{
	guint n = 0;

	for (guint i = 0; i < choice->groups->len; i++) {
		const GaitLogGroup *group = g_ptr_array_index(choice->groups, i);

		if (strcmp(group->id, id) != 0)
			continue;
		choice->is_chosen[i] = TRUE;
		n++;
	}
	return n > 0;
}

/* "3" or "2-5", counted from 1. */
static gboolean
choose_range(const Choice *choice, const char *text)
{
	const char *dash = strchr(text, '-');
	g_autofree char *head = dash ? g_strndup(text, (gsize)(dash - text)) : g_strdup(text);
	guint64 first, last;

	if (!g_ascii_string_to_unsigned(head, 10, 1, choice->groups->len, &first, NULL))
		return FALSE;
	last = first;
	if (dash &&
	    !g_ascii_string_to_unsigned(dash + 1, 10, first, choice->groups->len, &last, NULL))
		return FALSE;
	for (guint64 i = first; i <= last; i++)
		choice->is_chosen[i - 1] = TRUE;
	return TRUE;
}

static gboolean
choose_number(const Choice *choice, const char *text, GError **error)
{
	if (choice->groups->len > 0 && (choose_range(choice, text) || choose_id(choice, text)))
		return TRUE;
	return gait_error_usage(error,
	                        "--number: there is no violation %s; the log has %u, numbered "
	                        "from 1",
	                        text, choice->groups->len);
}

static gboolean
choose_kind(const Choice *choice, const char *text, GError **error)
{
	GaitVerdict kind = gait_verdict_from_name(text);

	if (kind == GAIT_VERDICT_ALLOW || kind == GAIT_VERDICT_N_)
		return gait_error_usage(error,
		                        "--kind: there is no kind “%s”; there are syscall, issuer, "
		                        "library, phase, site, sequence, exec and role",
		                        text);
	for (guint i = 0; i < choice->groups->len; i++)
		if (gait_log_group_get(g_ptr_array_index(choice->groups, i))->kind == kind)
			choice->is_chosen[i] = TRUE;
	return TRUE;
}

static gboolean
choose_each(const Choice *choice, char **lists,
            gboolean (*choose)(const Choice *choice, const char *text, GError **error),
            GError **error)
{
	for (char **list = lists; list && *list; list++) {
		g_auto(GStrv) parts = g_strsplit(*list, ",", -1);

		for (char **part = parts; *part; part++)
			if (!choose(choice, g_strstrip(*part), error))
				return FALSE;
	}
	return TRUE;
}

GPtrArray *
gait_choose(const GPtrArray *groups, gboolean is_all, char **numbers, char **kinds, GError **error)
{
	g_autofree guint8 *is_chosen = g_malloc0(groups->len + 1);
	const Choice choice = {groups, is_chosen};
	GPtrArray *chosen;

	if (!choose_each(&choice, numbers, choose_number, error) ||
	    !choose_each(&choice, kinds, choose_kind, error))
		return NULL;
	chosen = g_ptr_array_new();
	for (guint i = 0; i < groups->len; i++)
		if (is_all || is_chosen[i])
			g_ptr_array_add(chosen, g_ptr_array_index(groups, i));
	return chosen;
}
