/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walker that does not know where it is: of a task that was joined on its way, or whose creation
 * fits several roles. It holds on to what is still possible, a set of roles and then a first phase,
 * and each call that is allowed narrows that down, until nothing is unsure and the plain step takes
 * over. What none of the possible roles does is a violation of kind `phase`, or `role`, as if the
 * role were known.
 *
 * It narrows only by what the model says of every run that it was learned from, so a task of such a
 * run is never refused for having been joined:
 *
 *   - a role that never made this symbol is not the task's (unless none is left: then one is that
 *     makes the call at all);
 *   - the phase is not before the first one that allows the call;
 *   - it is not after this one if in no later phase anything did what the task just did.
 *
 * (The phase only where the model saw every task of the role from its start.)
 *
 * Scheduling calls say nothing: they may come in any phase. Nothing here allocates in a step.
 */
#include "model/walk-step.h"
#include "model/walker-private.h"

static guint32
count_roles(const GaitWalker *walker)
{
	return gait_walk_get_program(walker->table->header, walker->position.program)->n_roles;
}

static guint32
count_phases(const GaitWalker *walker)
{
	const struct gait_walk_header *table = walker->table->header;
	const struct gait_walk_position *at = &walker->position;
	guint32 role = gait_walk_get_program(table, at->program)->first_role + at->role;

	return GAIT_WALK_ITEM(table, gait_walk_role, roles, role)->n_phases;
}

static gboolean
has_call(const GaitWalker *walker, guint32 role, guint32 phase, gboolean is_loose, guint32 call)
{
	const struct gait_walk_header *table = walker->table->header;
	const struct gait_walk_phase *found =
	    gait_walk_get_phase(table, walker->position.program, role, phase);

	return gait_walk_has_call(table, is_loose ? found->loose : found->allowed, call);
}

/* Whether a task of this role ever made the call: all of that is in the first phase's loose set. */
static gboolean
makes_call(const GaitWalker *walker, guint32 role, const struct gait_walk_found *found)
{
	return has_call(walker, role, 0, TRUE, found->call);
}

static gboolean
makes_symbol(const GaitWalker *walker, guint32 role, const struct gait_walk_found *found)
{
	const GaitModel *model = walker->table->model;
	const GArray *symbols =
	    gait_program_get_role(gait_model_get_program(model, walker->position.program), role)
	        ->symbols;
	GaitSymbolRef ref = {.library = found->library};
	guint low = 0, high = symbols->len;

	if (found->symbol == GAIT_WALK_NONE)
		return makes_call(walker, role, found);
	ref.symbol =
	    gait_walk_get_symbol(walker->table->header, found->symbol)->state - GAIT_STATE_FIRST;
	while (low < high) {
		guint middle = low + (high - low) / 2;
		int order =
		    gait_symbol_ref_compare(&g_array_index(symbols, GaitSymbolRef, middle), &ref);

		if (order == 0)
			return TRUE;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FALSE;
}

static gboolean
creates(const GaitWalker *walker, guint32 role, const struct gait_walk_found *found)
{
	return gait_walk_lookup(walker->table->header, GAIT_WALK_KEY_CREATE,
	                        walker->position.program, role, found->symbol, 0,
	                        0) != GAIT_WALK_NONE;
}

/* What a possible role must do for a call to be one that the task may make, or that it tells. */
typedef gboolean (*RoleTest)(const GaitWalker *walker, guint32 role,
                             const struct gait_walk_found *found);

static guint
count_possible(const GaitWalker *walker, RoleTest test, const struct gait_walk_found *found,
               guint32 *last)
{
	guint n = 0;

	for (guint32 r = 0; r < count_roles(walker); r++)
		if (walker->roles[r] && test(walker, r, found)) {
			n++;
			*last = r;
		}
	return n;
}

static void
keep_possible(GaitWalker *walker, RoleTest test, const struct gait_walk_found *found)
{
	for (guint32 r = 0; r < count_roles(walker); r++)
		walker->roles[r] = walker->roles[r] && test(walker, r, found);
}

/* --- what is possible at first ------------------------------------------------------------------
 */

void
gait_walker_unsure_roles(GaitWalker *walker, gboolean is_possible)
{
	guint32 n = count_roles(walker);

	walker->is_unsure = TRUE;
	walker->position.role = GAIT_NONE;
	walker->position.phase = 0;
	walker->position.is_loose = TRUE;
	g_free(walker->roles);
	walker->roles = g_new(guint8, n);
	for (guint32 r = 0; r < n; r++)
		walker->roles[r] = is_possible;
}

static gboolean
is_of_threads(const GaitWalker *walker, guint32 role, const struct gait_walk_found *found)
{
	const GaitProgram *program =
	    gait_model_get_program(walker->table->model, walker->position.program);

	return gait_program_get_role(program, role)->is_thread;
}

void
gait_walker_keep_threads(GaitWalker *walker)
{
	guint32 last;

	if (count_possible(walker, is_of_threads, NULL, &last) > 0)
		keep_possible(walker, is_of_threads, NULL);
}

void
gait_walker_copy_unsure(GaitWalker *child, const GaitWalker *parent)
{
	gait_walker_unsure_roles(child, TRUE);
	if (parent->roles)
		memcpy(child->roles, parent->roles, count_roles(parent));
}

/* --- a call --------------------------------------------------------------------------------------
 */

static gboolean
leaves_handler(const GaitWalker *walker, const struct gait_walk_found *found)
{
	return (found->flags & GAIT_WALK_RETURNS) && walker->contexts.depth > 0;
}

static GaitVerdict
judge_roles(const GaitWalker *walker, const struct gait_walk_event *event,
            struct gait_walk_found *found)
{
	guint32 last;
	GaitVerdict verdict = gait_walk_judge(walker->table->header, &walker->position,
	                                      gait_contexts_row(&walker->contexts),
	                                      walker->contexts.depth, event, found);

	if (verdict == GAIT_VERDICT_SYSCALL || verdict == GAIT_VERDICT_ISSUER ||
	    verdict == GAIT_VERDICT_LIBRARY)
		return verdict;
	if (!leaves_handler(walker, found) && count_possible(walker, makes_call, found, &last) == 0)
		return GAIT_VERDICT_PHASE;
	if (verdict == GAIT_VERDICT_ALLOW && (found->flags & GAIT_WALK_CREATES) &&
	    count_possible(walker, creates, found, &last) == 0)
		return GAIT_VERDICT_ROLE;
	return verdict;
}

/* The first phase from here on in or after which the call was ever made. */
static guint32
find_phase(const GaitWalker *walker, gboolean is_loose, const struct gait_walk_found *found)
{
	guint32 n = count_phases(walker), phase = walker->position.phase;

	while (phase < n && !has_call(walker, walker->position.role, phase, is_loose, found->call))
		phase++;
	return phase < n ? phase : walker->position.phase;
}

GaitVerdict
gait_walker_judge_unsure(const GaitWalker *walker, const struct gait_walk_event *event,
                         struct gait_walk_found *found)
{
	struct gait_walk_position at = walker->position;

	gait_walk_find(walker->table->header, &at, event, found);
	if (at.role == GAIT_NONE)
		return judge_roles(walker, event, found);
	if (found->call != GAIT_WALK_NONE)
		at.phase = found->phase = find_phase(walker, TRUE, found);
	return gait_walk_judge(walker->table->header, &at, gait_contexts_row(&walker->contexts),
	                       walker->contexts.depth, event, found);
}

static void
narrow_roles(GaitWalker *walker, const struct gait_walk_found *found)
{
	guint32 role = GAIT_NONE;
	guint n = count_possible(walker, makes_symbol, found, &role);

	if (n > 0)
		keep_possible(walker, makes_symbol, found);
	else if ((n = count_possible(walker, makes_call, found, &role)) > 0)
		keep_possible(walker, makes_call, found);
	if (n == 1) {
		walker->position.role = role;
		g_clear_pointer(&walker->roles, g_free);
	}
}

static void
narrow_phase(GaitWalker *walker, const struct gait_walk_found *found)
{
	struct gait_walk_position *at = &walker->position;
	const GaitProgram *program = gait_model_get_program(walker->table->model, at->program);
	const GaitRole *role = gait_program_get_role(program, at->role);

	/* Of tasks that were joined while they were recorded the model does not know which phase
	 * they did what in: then only milestones tell. */
	if (role->n_starts != role->n_instances)
		return;
	at->phase = find_phase(walker, FALSE, found);
	for (guint32 p = at->phase + 1; p < count_phases(walker); p++)
		if (has_call(walker, at->role, p, TRUE, found->call))
			return;
	at->is_loose = FALSE;
	walker->is_unsure = FALSE;
}

void
gait_walker_narrow(GaitWalker *walker, const struct gait_walk_found *found)
{
	if (found->call == GAIT_WALK_NONE || (found->flags & (GAIT_WALK_STAYS | GAIT_WALK_RETURNS)))
		return;
	if (walker->roles)
		narrow_roles(walker, found);
	/* Where a milestone may just have been missed, the phase is open upwards again. */
	if (!walker->roles && !found->may_miss)
		narrow_phase(walker, found);
}

void
gait_walker_resync_unsure(GaitWalker *walker, const struct gait_walk_found *found)
{
	guint32 role;

	if (!walker->roles)
		return;
	/* What was thought possible is not, since this happened: whoever does it, may be it. */
	if (found->call != GAIT_WALK_NONE && count_possible(walker, makes_call, found, &role) == 0)
		gait_walker_unsure_roles(walker, TRUE);
	gait_walker_narrow(walker, found);
}
