/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting violations. Whatever the kind, the call is accepted at the very place where it was
 * logged, with all that its verdict would be asked for next: call, instruction, library, site,
 * phase, edge. Kinds are reported from the outside in, so a call of kind `syscall` may well be
 * wrong further in, too; accepting only what the line complains of would give the next complaint.
 *
 * Nothing is counted: what a person accepts is no observation (GaitAmendment).
 */
#include "sysgait/amend.h"

#include "model/amend-private.h"
#include "model/resolve.h"
#include "model/violation-log-private.h"
#include "sysgait/contexts.h"
#include "sysgait/syscall.h"
#include "sysgait/walk-table.h"

#include <string.h>

#define MAX_PASSES 8

static void
clear_outcome(gpointer outcome)
{
	g_clear_pointer(&((GaitAmendOutcome *)outcome)->why, g_free);
}

/* --- the place in the role's life ------------------------------------------------------------ */

/* Whether the role's relations have the symbol there: what a mark would say is known. */
static gboolean
is_between(const GaitRole *role, const GaitResolved *at, guint32 symbol)
{
	return (at->since == GAIT_NONE ||
	        gait_bit_test(gait_role_row(role, role->after, at->since), symbol)) &&
	       (at->until == GAIT_NONE ||
	        gait_bit_test(gait_role_row(role, role->before, at->until), symbol));
}

/* A milestone further on takes the task there: it is no call of the phase before it. */
static gboolean
is_later_milestone(const GaitRole *role, const GaitResolved *at, guint32 symbol)
{
	if (at->until != GAIT_NONE &&
	    g_array_index(role->candidates, GaitCandidate, at->until).symbol == symbol)
		return TRUE;
	for (guint32 p = at->phase == GAIT_NONE ? role->phases->len : at->phase + 1;
	     p < role->phases->len; p++)
		if (((const GaitPhase *)g_ptr_array_index(role->phases, p))->milestone == symbol)
			return TRUE;
	return FALSE;
}

static gboolean
is_in_phase(const GaitProgram *program, const GaitRole *role, guint32 phase,
            const GaitLogRecord *record)
{
	return phase != GAIT_NONE &&
	       gait_numbers_contain(
	           ((const GaitPhase *)g_ptr_array_index(role->phases, phase))->allowed,
	           gait_calls_find(program->calls, record->nr, record->klass));
}

static void
accept_in_role(GaitAmender *amender, GaitProgram *program, const GaitResolved *at,
               const GaitLogRecord *record, GaitSymbolRef ref)
{
	GaitRole *role = gait_program_get_role(program, at->role);
	GaitAmendMark mark = {role, ref, at->since, at->until};
	guint found;
	/* The role's symbols are as they were: marks are applied at the end. */
	gboolean is_there = g_array_binary_search(role->symbols, &ref,
	                                          (GCompareFunc)gait_symbol_ref_compare, &found);

	if (is_there && is_later_milestone(role, at, found))
		return;
	if (!at->has_phase) {
		if (!is_there || !is_in_phase(program, role, at->phase, record))
			gait_amender_refuse(
			    amender,
			    "this model cuts the life of %s differently, so phase %u of %u "
			    "cannot be told in it",
			    role->name, record->phase + 1, record->n_phases);
		return;
	}
	if (is_there && is_between(role, at, found))
		return;
	g_array_append_val(amender->marks, mark);
	amender->n_changes++;
}

/* --- a violation ----------------------------------------------------------------------------- */

static gboolean
can_apply(GaitAmender *amender, const GaitResolved *at, const GaitLogRecord *record)
{
	gboolean is_exec = record->kind == GAIT_VERDICT_EXEC;

	if (at->program == GAIT_NONE)
		gait_amender_refuse(amender,
		                    "the model does not know the program %s; train with it",
		                    record->program);
	else if (record->arch)
		gait_amender_refuse(amender,
		                    "calls of another architecture are never part of a model");
	else if (!is_exec && !at->has_site)
		gait_amender_refuse(amender, "the line does not say which library made the call: "
		                             "its trace had no stacks");
	else if (!is_exec && at->is_stale)
		gait_amender_refuse(amender,
		                    "%s was rebuilt since the model was learned, and call sites of "
		                    "one build mean nothing in another; train again",
		                    record->site.module);
	else if (!is_exec && record->role && at->role == GAIT_NONE)
		gait_amender_refuse(amender,
		                    "the model has no role %s; train with it, or accept its "
		                    "creation",
		                    record->role);
	else
		return TRUE;
	return FALSE;
}

/* The call, in its role and after what came before it. */
static void
accept_step(GaitAmender *amender, GaitProgram *program, const GaitResolved *at,
            const GaitLogRecord *record, GaitSymbolRef ref)
{
	guint32 flags = gait_walk_call_flags(record->nr);

	if (at->from != GAIT_NONE && !(flags & GAIT_WALK_STAYS))
		gait_amender_accept_edge(amender, program, at);
	if (at->role == GAIT_NONE)
		return;
	accept_in_role(amender, program, at, record, ref);
	if (flags & GAIT_WALK_CREATES)
		gait_amender_accept_child(amender, program, at->role, ref, record);
}

static guint32
find_role_by_name(const GaitProgram *program, const char *name)
{
	for (guint32 r = 0; r < program->roles->len; r++)
		if (g_strcmp0(gait_program_get_role(program, r)->name, name) == 0)
			return r;
	return GAIT_NONE;
}

static void
accept(GaitAmender *amender, const GaitLogRecord *record)
{
	GaitProgram *program;
	GaitResolved at;
	GaitSymbolRef ref;

	gait_resolve(&at, amender->model, record);
	if (!can_apply(amender, &at, record))
		return;
	program = gait_model_get_program(amender->model, at.program);
	if (record->exec_path)
		gait_amender_accept_exec(amender, program, record->exec_path);
	if (record->kind == GAIT_VERDICT_EXEC)
		return;
	ref = gait_amender_accept_symbol(amender, program, &at, record);
	gait_amender_accept_issuer(amender, program, record);
	if (record->state == GAIT_LOG_SYMBOL && at.from == GAIT_NONE)
		gait_amender_refuse(amender,
		                    "the model does not have the call that came before it");
	accept_step(amender, program, &at, record, ref);
	/* Which role it was nobody knows: it is allowed in all that it may have been, at any time.
	 */
	for (guint i = 0; i < record->possible->len; i++) {
		at.role = find_role_by_name(program, g_ptr_array_index(record->possible, i));
		at.phase = 0;
		at.since = at.until = GAIT_NONE;
		at.has_phase = TRUE;
		if (at.role != GAIT_NONE)
			accept_step(amender, program, &at, record, ref);
	}
}

static GaitAmendOutcome
accept_group(GaitAmender *amender, const GaitLogGroup *group)
{
	GaitAmendOutcome outcome = {GAIT_AMEND_KNOWN, NULL};

	amender->n_changes = 0;
	g_string_truncate(amender->why, 0);
	for (guint i = 0; i < group->variants->len; i++)
		accept(amender, g_ptr_array_index(group->variants, i));
	if (amender->n_changes)
		outcome.result = GAIT_AMEND_APPLIED;
	if (amender->why->len) {
		outcome.result = GAIT_AMEND_IMPOSSIBLE;
		outcome.why = g_strdup(amender->why->str);
	}
	return outcome;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* What was accepted, as the model remembers it. */
static void
record_amendment(GaitModel *model, const GPtrArray *groups, const GaitAmendOrigin *origin)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	GaitAmendment *amendment;

	for (guint i = 0; i < groups->len; i++) {
		g_autofree char *key =
		    gait_log_record_dup_key(gait_log_group_get(g_ptr_array_index(groups, i)));

		g_checksum_update(checksum, (const guchar *)key, (gssize)strlen(key) + 1);
	}
	for (guint i = 0; i < model->amendments->len; i++) {
		amendment = g_ptr_array_index(model->amendments, i);
		if (strcmp(amendment->id, g_checksum_get_string(checksum)) == 0)
			return;
	}
	amendment = gait_model_add_amendment(model, g_checksum_get_string(checksum), origin->log,
	                                     origin->date, origin->reason);
	for (guint i = 0; i < groups->len; i++)
		g_ptr_array_add(amendment->accepted,
		                gait_log_group_dup_line(g_ptr_array_index(groups, i)));
}

/* One pass over all groups; what it comes to is or-ed to what earlier passes came to. */
static gboolean
pass(GaitAmender *amender, const GPtrArray *groups, GArray *outcomes, guint8 *is_changed)
{
	gboolean is_any = FALSE;

	g_array_set_size(amender->marks, 0);
	for (guint i = 0; i < groups->len; i++) {
		GaitAmendOutcome *outcome = &g_array_index(outcomes, GaitAmendOutcome, i);

		clear_outcome(outcome);
		*outcome = accept_group(amender, g_ptr_array_index(groups, i));
		is_any = is_any || amender->n_changes;
		is_changed[i] = is_changed[i] || amender->n_changes;
		if (is_changed[i] && outcome->result == GAIT_AMEND_KNOWN)
			outcome->result = GAIT_AMEND_APPLIED;
	}
	if (!is_any)
		return FALSE;
	gait_amend_apply_marks(amender->marks);
	gait_model_normalize(amender->model);
	return TRUE;
}

GArray *
gait_model_amend(GaitModel *model, const GPtrArray *groups, const GaitAmendOrigin *origin)
{
	g_autoptr(GArray) outcomes = g_array_new(FALSE, TRUE, sizeof(GaitAmendOutcome));
	g_autoptr(GArray) marks = g_array_new(FALSE, FALSE, sizeof(GaitAmendMark));
	g_autoptr(GString) why = g_string_new(NULL);
	g_autoptr(GPtrArray) accepted = g_ptr_array_new();
	g_autofree guint8 *is_changed = g_malloc0(groups->len + 1);
	GaitAmender amender = {.model = model, .marks = marks, .why = why};

	g_array_set_size(outcomes, groups->len);
	/* What is accepted moves phases and makes places known that later groups name. */
	for (guint i = 0; i < MAX_PASSES && pass(&amender, groups, outcomes, is_changed); i++)
		;
	for (guint i = 0; i < groups->len; i++)
		if (is_changed[i])
			g_ptr_array_add(accepted, g_ptr_array_index(groups, i));
	if (accepted->len > 0) {
		model->is_amended = TRUE;
		record_amendment(model, accepted, origin);
		gait_model_normalize(model);
	}
	g_array_set_clear_func(outcomes, clear_outcome);
	return g_steal_pointer(&outcomes);
}
