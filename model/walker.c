/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker: a position in the walk table (role, phase) and its states, moved by the step of
 * walk-step.h and by what happens to a task between its calls. It holds no clock, no statistics and
 * nothing of the live process.
 */
#include "model/walk-step.h"
#include "model/walker-private.h"

#include <string.h>

#define X(name, text) G_STATIC_ASSERT((guint32)GAIT_VERDICT_##name == (guint32)GAIT_WALK_##name);
GAIT_VERDICTS(X)
#undef X
G_STATIC_ASSERT((guint32)GAIT_STATE_START == GAIT_WALK_STATE_START);
G_STATIC_ASSERT(GAIT_NONE == GAIT_WALK_NONE);

static const char *const verdict_names[] = {
#define X(name, text) [GAIT_VERDICT_##name] = text,
    GAIT_VERDICTS(X)
#undef X
};

const char *
gait_verdict_name(GaitVerdict verdict)
{
	g_assert(verdict < GAIT_VERDICT_N_);
	return verdict_names[verdict];
}

GaitVerdict
gait_verdict_from_name(const char *name)
{
	GaitVerdict verdict = 0;

	while (verdict < GAIT_VERDICT_N_ && strcmp(verdict_names[verdict], name) != 0)
		verdict++;
	return verdict;
}

guint
gait_verdict_rank(GaitVerdict verdict)
{
	static const guint8 ranks[GAIT_VERDICT_N_] = {
	    [GAIT_VERDICT_ALLOW] = 0,  [GAIT_VERDICT_EXEC] = 0,    [GAIT_VERDICT_SYSCALL] = 1,
	    [GAIT_VERDICT_ISSUER] = 2, [GAIT_VERDICT_LIBRARY] = 3, [GAIT_VERDICT_PHASE] = 4,
	    [GAIT_VERDICT_SITE] = 5,   [GAIT_VERDICT_ROLE] = 5,    [GAIT_VERDICT_SEQUENCE] = 6,
	};

	g_assert(verdict < GAIT_VERDICT_N_);
	return ranks[verdict];
}

GaitWalker *
gait_walker_new_blank(const GaitWalkTable *table, guint32 program)
{
	GaitWalker *walker = g_new0(GaitWalker, 1);

	g_assert(program < table->header->n_programs);
	walker->table = gait_walk_table_ref((GaitWalkTable *)table);
	walker->position.program = program;
	walker->position.symbol = GAIT_NONE;
	walker->position.module = GAIT_NONE;
	return walker;
}

guint32
gait_walker_count_libraries(const GaitWalker *walker)
{
	return gait_walk_get_program(walker->table->header, walker->position.program)->n_libraries;
}

GaitWalker *
gait_walker_new(const GaitWalkTable *table, guint32 program)
{
	GaitWalker *walker = gait_walker_new_blank(table, program);

	gait_contexts_init(&walker->contexts, gait_walker_count_libraries(walker),
	                   GAIT_STATE_START);
	return walker;
}

GaitWalker *
gait_walker_new_joined(const GaitWalkTable *table, guint32 program, guint32 flags)
{
	GaitWalker *walker = gait_walker_new_blank(table, program);

	gait_contexts_init(&walker->contexts, gait_walker_count_libraries(walker), GAIT_NONE);
	gait_walker_unsure_roles(walker, TRUE);
	if (flags & GAIT_TASK_THREAD)
		gait_walker_keep_threads(walker);
	return walker;
}

void
gait_walker_free(GaitWalker *walker)
{
	if (!walker)
		return;
	gait_contexts_clear(&walker->contexts);
	gait_walk_table_unref(walker->table);
	g_free(walker->roles);
	g_free(walker);
}

/* A signal return leaves its handler; outside of any it goes who knows where. */
static inline void
leave_handler(GaitWalker *walker, const struct gait_walk_event *event)
{
	if (event->nr != walker->table->header->rt_sigreturn)
		return;
	if (walker->contexts.depth > 0)
		gait_contexts_pop(&walker->contexts, 1);
	else
		gait_contexts_lose(&walker->contexts);
}

/* The move. It knows of sole roles only; which roles are possible is not its matter. */
static void
move(GaitWalker *walker, const struct gait_walk_event *event, const struct gait_walk_found *found)
{
	gait_walk_move(walker->table->header, &walker->position,
	               gait_contexts_row(&walker->contexts), event, found);
	if (walker->roles)
		walker->position.role = GAIT_NONE;
}

static GaitVerdict
step_unsure(GaitWalker *walker, const struct gait_walk_event *event)
{
	struct gait_walk_found found;
	GaitVerdict verdict;

	if (event->nr == walker->table->header->restart_syscall)
		return GAIT_VERDICT_ALLOW;
	verdict = gait_walker_judge_unsure(walker, event, &found);
	if (verdict == GAIT_VERDICT_ALLOW) {
		move(walker, event, &found);
		gait_walker_narrow(walker, &found);
	}
	return verdict;
}

GaitVerdict
gait_walker_step(GaitWalker *walker, const struct gait_walk_event *event)
{
	GaitVerdict verdict = G_UNLIKELY(walker->is_unsure)
	                          ? step_unsure(walker, event)
	                          : gait_walk_step(walker->table->header, &walker->position,
	                                           gait_contexts_row(&walker->contexts),
	                                           walker->contexts.depth, event);

	if (verdict == GAIT_VERDICT_ALLOW)
		leave_handler(walker, event);
	return verdict;
}

GaitVerdict
gait_walker_judge(const GaitWalker *walker, const struct gait_walk_event *event)
{
	const struct gait_walk_header *table = walker->table->header;
	struct gait_walk_found found;

	if (event->nr == table->restart_syscall)
		return GAIT_VERDICT_ALLOW;
	if (walker->is_unsure)
		return gait_walker_judge_unsure(walker, event, &found);
	gait_walk_find(table, &walker->position, event, &found);
	return gait_walk_judge(table, &walker->position, gait_contexts_row(&walker->contexts),
	                       walker->contexts.depth, event, &found);
}

void
gait_walker_resync(GaitWalker *walker, const struct gait_walk_event *event)
{
	const struct gait_walk_header *table = walker->table->header;
	struct gait_walk_position *position = &walker->position;
	struct gait_walk_found found;

	/* Luck moves nothing. And calls that only wait are let through whatever the policy: a move
	   by them would be open to everyone, back to an earlier phase or out of any sequence. */
	if (event->nr == table->restart_syscall ||
	    (gait_walk_call_flags(event->nr) & GAIT_WALK_INCIDENTAL))
		return;
	gait_walk_find(table, position, event, &found);
	gait_walk_resync_phase(table, position, &found);
	move(walker, event, &found);
	gait_walker_resync_unsure(walker, &found);
	leave_handler(walker, event);
}

gboolean
gait_walker_knows_edge(const GaitWalker *walker, const struct gait_walk_event *event)
{
	const struct gait_walk_header *table = walker->table->header;
	struct gait_walk_found found;

	if (gait_walk_call_flags(event->nr) & (GAIT_WALK_CONTINUES | GAIT_WALK_STAYS))
		return TRUE; /* these have none */
	gait_walk_find(table, &walker->position, event, &found);
	if (!found.has_sites || (found.symbol != GAIT_NONE && (found.flags & GAIT_WALK_STAYS)))
		return TRUE;
	return found.symbol != GAIT_NONE &&
	       gait_walk_knows_edge(table, walker->position.program,
	                            gait_contexts_row(&walker->contexts), walker->contexts.depth,
	                            &found);
}

GaitVerdict
gait_walker_check_exec(const GaitWalker *walker, guint32 program)
{
	const GaitProgram *from =
	    gait_model_get_program(walker->table->model, walker->position.program);

	for (guint32 i = 0; i < from->execs->len; i++)
		if (program != GAIT_NONE && g_array_index(from->execs, guint32, i) == program)
			return GAIT_VERDICT_ALLOW;
	return GAIT_VERDICT_EXEC;
}

void
gait_walker_signal(GaitWalker *walker)
{
	gait_contexts_push(&walker->contexts);
}

void
gait_walker_unwind(GaitWalker *walker, guint64 n_handlers)
{
	/* It was in a handler already when it was joined. */
	if (n_handlers > walker->contexts.depth)
		gait_contexts_lose(&walker->contexts);
	gait_contexts_pop(&walker->contexts, n_handlers);
}

void
gait_walker_lost(GaitWalker *walker)
{
	walker->position.is_loose = TRUE;
	walker->position.nr = 0; /* no creation */
	walker->position.symbol = GAIT_NONE;
	gait_contexts_lose(&walker->contexts);
}

guint32
gait_walker_get_program(const GaitWalker *walker)
{
	return walker->position.program;
}

guint32
gait_walker_get_role(const GaitWalker *walker)
{
	return walker->position.role;
}

guint32
gait_walker_get_phase(const GaitWalker *walker)
{
	return walker->position.phase;
}

guint32
gait_walker_get_state(const GaitWalker *walker, guint32 module)
{
	guint32 library = gait_walk_lookup(walker->table->header, GAIT_WALK_KEY_LIBRARY,
	                                   walker->position.program, module, 0, 0, 0);

	if (library == GAIT_NONE)
		return GAIT_NONE;
	return gait_contexts_row(&walker->contexts)[1 + (library & ~GAIT_WALK_HAS_MILESTONES)];
}
