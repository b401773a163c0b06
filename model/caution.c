/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody should know before accepting a violation: what an attacker would gain by it. Says
 * what is certain from the line alone, and nothing where there is nothing to be said.
 */
#include "sysgait/violation-log.h"

#include "sysgait/syscall.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define DANGEROUS 0.5 /* of gait_syscall_danger(): execution, memory, permissions, the kernel */

static void G_GNUC_PRINTF(2, 3) add(GPtrArray *cautions, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(cautions, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

static gboolean
is_writable_code(const GaitLogRecord *record)
{
	return (record->nr == SYS_mmap || record->nr == SYS_mprotect ||
	        record->nr == SYS_pkey_mprotect) &&
	       (record->klass & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC);
}

static void
add_call(GPtrArray *cautions, const GaitLogRecord *record)
{
	if (record->exec_path)
		add(cautions,
		    "whoever takes the program over could then run %s, with arguments of their "
		    "choice",
		    record->exec_path);
	else if (is_writable_code(record))
		add(cautions, "memory that is writable and executable at once is where injected "
		              "code goes");
	else if (gait_syscall_danger(record->nr) > DANGEROUS)
		add(cautions, "%s is among the calls that an attacker needs most",
		    gait_syscall_name(record->nr));
	if (record->kind == GAIT_VERDICT_SYSCALL)
		add(cautions, "the program never made this call; accepting it widens what it can "
		              "do at all");
}

static void
add_place(GPtrArray *cautions, const GaitLogRecord *record)
{
	if (record->site.module && strcmp(record->site.module, "[anon]") == 0)
		add(cautions, "it comes from memory that no file stands behind: code that was "
		              "generated, or injected");
	else if (record->site.module && strcmp(record->site.module, "[unknown]") == 0)
		add(cautions, "who makes it could not be told, so it would be allowed to whatever "
		              "cannot be told");
	if (record->kind == GAIT_VERDICT_ISSUER)
		add(cautions,
		    "an instruction that never made this call is also what the reuse of code by an "
		    "attacker looks like; see whether the issuer is a function that makes it");
}

GPtrArray *
gait_log_group_dup_cautions(const GaitLogGroup *group)
{
	const GaitLogRecord *record = gait_log_group_get(group);
	GPtrArray *cautions = g_ptr_array_new_with_free_func(g_free);
	gboolean is_loose = FALSE;

	if (record->arch) {
		add(cautions, "a call of another architecture is how filters are slipped past; it "
		              "cannot be accepted");
		return cautions;
	}
	add_call(cautions, record);
	add_place(cautions, record);
	for (guint i = 0; i < group->variants->len; i++)
		is_loose |= ((GaitLogRecord *)g_ptr_array_index(group->variants, i))->is_loose;
	if (is_loose && record->kind != GAIT_VERDICT_EXEC)
		add(cautions, "in which phase it came is known from below only; it would be "
		              "allowed in all later ones");
	if (record->kind != GAIT_VERDICT_EXEC && record->possible->len > 0)
		add(cautions,
		    "the task's role was not known; it would be allowed in all %u that it may have "
		    "been, at any time",
		    record->possible->len);
	else if (!record->role && record->kind != GAIT_VERDICT_EXEC)
		add(cautions, "the task's role was not known, so no role would be allowed more");
	if (group->n_dropped)
		add(cautions,
		    "it came in more places than are kept; accept, run again, and look again");
	return cautions;
}
