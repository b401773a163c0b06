/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of a violation log says, in short: for lists, and for what a model remembers of what
 * was accepted. Numbers decide; words of the log are used where there are no numbers. */
#include "model/syscall-arch.h"
#include "sysgait/syscall.h"
#include "sysgait/violation-log.h"

#include <string.h>

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void
gait_log_record_append_call(GString *out, const GaitLogRecord *record)
{
	gait_syscall_format_arch(out, record->arch, record->nr, record->klass);
}

void
gait_log_place_append(GString *out, const GaitLogPlace *place)
{
	if (!place->module) {
		g_string_append(out, "an unknown place");
		return;
	}
	g_string_append(out, last_component(place->module));
	if (place->function)
		g_string_append_printf(out, ", %s+0x%" G_GINT64_MODIFIER "x", place->function,
		                       place->delta);
	else if (place->offset)
		g_string_append_printf(out, "+0x%" G_GINT64_MODIFIER "x", place->offset);
}

/* "phase 2", "phases 2 and later, 4". */
static void
append_phases(GString *out, const GaitLogGroup *group)
{
	guint n = 0;

	for (guint i = 0; i < group->variants->len; i++) {
		const GaitLogRecord *record = g_ptr_array_index(group->variants, i);
		gboolean is_said = record->n_phases < 2;

		for (guint k = 0; k < i && !is_said; k++) {
			const GaitLogRecord *other = g_ptr_array_index(group->variants, k);

			is_said =
			    other->phase == record->phase && other->is_loose == record->is_loose;
		}
		if (is_said)
			continue;
		g_string_append_printf(out, "%s%u%s", n++ ? ", " : ", phase ", record->phase + 1,
		                       record->is_loose ? " or later" : "");
	}
}

char *
gait_log_group_dup_line(const GaitLogGroup *group)
{
	const GaitLogRecord *record = gait_log_group_get(group);
	g_autoptr(GString) line = g_string_new(gait_verdict_name(record->kind));

	g_string_append_printf(line, ": %s, %s", last_component(record->program),
	                       record->role ? record->role : "role unknown");
	append_phases(line, group);
	g_string_append(line, ": ");
	gait_log_record_append_call(line, record);
	if (record->exec_path)
		g_string_append_printf(line, " of %s", record->exec_path);
	if (record->site.module) {
		g_string_append(line, " by ");
		gait_log_place_append(line, &record->site);
	}
	if (record->kind == GAIT_VERDICT_ISSUER && record->issuer.module) {
		g_string_append(line, " with the instruction in ");
		gait_log_place_append(line, &record->issuer);
	}
	if (record->kind == GAIT_VERDICT_SEQUENCE)
		g_string_append_printf(line, " after %s", record->state_name);
	return g_string_free(g_steal_pointer(&line), FALSE);
}
