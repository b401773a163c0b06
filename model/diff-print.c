/* SPDX-License-Identifier: Apache-2.0 */
/* A diff as text for people and as JSON lines for scripts. */
#include "model/diff.h"

#include "model/table.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

static const char *const change_names[GAIT_CHANGE_N_] = {
    [GAIT_CHANGE_NEW] = "new",
    [GAIT_CHANGE_GONE] = "gone",
    [GAIT_CHANGE_WEIGHT] = "weight",
};

static const char change_signs[GAIT_CHANGE_N_] = {
    [GAIT_CHANGE_NEW] = '+',
    [GAIT_CHANGE_GONE] = '-',
    [GAIT_CHANGE_WEIGHT] = '~',
};

/* From this danger on a new call is marked: what executes, opens, connects or grants. */
#define DANGEROUS 0.5

static gboolean
is_shown(const GaitDifference *difference, gboolean with_weights)
{
	return with_weights || difference->change != GAIT_CHANGE_WEIGHT;
}

static gboolean
is_dangerous(const GaitDifference *difference)
{
	return difference->nr != GAIT_NONE && gait_syscall_danger(difference->nr) >= DANGEROUS;
}

static void
print_seen(const GaitDifference *difference, GString *out)
{
	guint side = difference->change == GAIT_CHANGE_NEW;
	guint64 count = difference->count[side];
	guint32 n_runs = difference->n_runs[side];

	if (difference->change == GAIT_CHANGE_WEIGHT) {
		g_string_append_printf(out, ", %.0f%% → %.0f%%", 100 * difference->share[0],
		                       100 * difference->share[1]);
		return;
	}
	if (count == 0 || n_runs == 0)
		return;
	g_string_append(out, ", ");
	gait_table_append_count(out, count);
	g_string_append_printf(out, " in %u run%s", n_runs, n_runs == 1 ? "" : "s");
}

static void
print_difference(const GaitDifference *difference, GString *out)
{
	g_string_append_printf(out, "  %c %-8s  ", change_signs[difference->change],
	                       gait_verdict_name(difference->kind));
	if (difference->where) {
		gait_text_append(out, difference->where);
		g_string_append(out, ": ");
	}
	g_string_append(out, difference->what);
	print_seen(difference, out);
	if (difference->change == GAIT_CHANGE_NEW && is_dangerous(difference))
		g_string_append(out, "  (dangerous)");
	g_string_append_c(out, '\n');
}

void
gait_diff_print(const GaitDiff *diff, gboolean with_weights, GString *out)
{
	const char *program = NULL;

	for (guint i = 0; i < diff->rebuilt->len; i++)
		g_string_append_printf(out,
		                       "%s was rebuilt: call sites matched by function and order\n",
		                       (char *)g_ptr_array_index(diff->rebuilt, i));
	for (guint i = 0; i < diff->differences->len; i++) {
		const GaitDifference *difference = g_ptr_array_index(diff->differences, i);

		if (!is_shown(difference, with_weights))
			continue;
		if (!program || strcmp(program, difference->program) != 0) {
			program = difference->program;
			gait_text_append(out, program);
			g_string_append_c(out, '\n');
		}
		print_difference(difference, out);
	}
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static void
append_string(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, ",\"%s\":", key);
	gait_text_append_json(out, value);
}

static void
append_side(GString *out, const GaitDifference *difference, guint side)
{
	g_string_append_printf(out, ",\"%s\":{\"count\":%" G_GUINT64_FORMAT ",\"runs\":%u",
	                       side ? "b" : "a", difference->count[side], difference->n_runs[side]);
	if (difference->change == GAIT_CHANGE_WEIGHT)
		g_string_append_printf(out, ",\"share\":%.4f", difference->share[side]);
	g_string_append_c(out, '}');
}

void
gait_diff_print_json(const GaitDiff *diff, gboolean with_weights, GString *out)
{
	for (guint i = 0; i < diff->differences->len; i++) {
		const GaitDifference *difference = g_ptr_array_index(diff->differences, i);

		if (!is_shown(difference, with_weights))
			continue;
		g_string_append_printf(out, "{\"change\":\"%s\"", change_names[difference->change]);
		append_string(out, "kind", gait_verdict_name(difference->kind));
		append_string(out, "program", difference->program);
		if (difference->where)
			append_string(out, "where", difference->where);
		append_string(out, "what", difference->what);
		if (difference->nr != GAIT_NONE) {
			append_string(out, "syscall", gait_syscall_name(difference->nr));
			g_string_append_printf(out, ",\"danger\":%.2f",
			                       gait_syscall_danger(difference->nr));
		}
		append_side(out, difference, 0);
		append_side(out, difference, 1);
		g_string_append(out, "}\n");
	}
}
