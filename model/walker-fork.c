/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker of a task that is created. Its role follows from the parent's and from the call that
 * made it; where either is not known, from the creations that the model has.
 */
#include "model/walk-step.h"
#include "model/walker-private.h"

#include "sysgait/syscall.h"

/* Whether a role's creation is the call that the parent made last, as far as that is known. */
static gboolean
is_created_by(const GaitProgram *program, const GaitRole *role,
              const struct gait_walk_position *parent, gboolean is_stackless)
{
	const GaitSymbol *creation = gait_program_get_symbol(program, role->creation);
	const GaitLibrary *library;

	if (!creation || creation->nr != parent->nr || creation->klass != parent->klass)
		return FALSE;
	library = gait_program_get_library(program, role->creation.library);
	return is_stackless || parent->module == GAIT_NONE || library->module == parent->module;
}

static gboolean
is_in_chain(const GaitProgram *program, guint32 role, guint32 of)
{
	while (of != GAIT_NONE && of != role)
		of = gait_program_get_role(program, of)->parent;
	return of == role;
}

/*
 * Whether a role fits a task whose creation symbol is not known (rebuilt library, no stacks), or
 * whose parent's role is not.
 */
static gboolean
fits(const GaitWalker *parent, guint32 index)
{
	const GaitModel *model = parent->table->model;
	const struct gait_walk_position *at = &parent->position;
	const GaitProgram *program = gait_model_get_program(model, at->program);
	const GaitRole *role = gait_program_get_role(program, index);

	if (at->role != GAIT_NONE && role->parent != at->role &&
	    !is_in_chain(program, index, at->role))
		return FALSE;
	return is_created_by(program, role, at, model->is_stackless);
}

/* The only one that fits; where several do, it stays open which. FALSE where none does. */
static gboolean
guess_role(const GaitWalker *parent, GaitWalker *child)
{
	const GaitProgram *program =
	    gait_model_get_program(parent->table->model, parent->position.program);
	guint32 found = GAIT_NONE;
	guint n_fits = 0;

	for (guint32 r = 1; r < program->roles->len; r++)
		if (fits(parent, r)) {
			found = r;
			n_fits++;
		}
	if (n_fits == 1)
		child->position.role = found;
	if (n_fits <= 1)
		return n_fits == 1;
	gait_walker_unsure_roles(child, FALSE);
	for (guint32 r = 1; r < program->roles->len; r++)
		child->roles[r] = fits(parent, r);
	return TRUE;
}

/* Sets the role of a child, at its start. FALSE where the model has none for it. */
static gboolean
enter_role(const GaitWalker *parent, GaitWalker *child)
{
	const struct gait_walk_position *at = &parent->position;
	guint32 role;

	if (!gait_syscall_is_creation(at->nr))
		return FALSE;
	if (at->symbol == GAIT_NONE || at->role == GAIT_NONE)
		return guess_role(parent, child);
	role = gait_walk_lookup(parent->table->header, GAIT_WALK_KEY_CREATE, at->program, at->role,
	                        at->symbol, 0, 0);
	if (role == GAIT_NONE || role == GAIT_WALK_NO_TASK)
		return FALSE;
	child->position.role = role;
	return TRUE;
}

GaitWalker *
gait_walker_fork(const GaitWalker *parent, guint32 flags)
{
	GaitWalker *child = gait_walker_new_blank(parent->table, parent->position.program);

	if (!enter_role(parent, child)) {
		child->position.role = parent->position.role;
		child->position.is_loose = TRUE;
		if (parent->position.role == GAIT_NONE)
			gait_walker_copy_unsure(child, parent);
	}
	if (flags & GAIT_TASK_THREAD)
		gait_contexts_init(&child->contexts, gait_walker_count_libraries(child),
		                   GAIT_STATE_START);
	else
		gait_contexts_copy(&child->contexts, &parent->contexts);
	return child;
}

GaitVerdict
gait_walker_check_fork(const GaitWalker *parent, guint32 flags)
{
	const struct gait_walk_position *at = &parent->position;
	const GaitProgram *program;
	guint32 role;

	/* A task that was joined may have been in the call already. */
	if (!gait_syscall_is_creation(at->nr))
		return at->is_loose ? GAIT_VERDICT_ALLOW : GAIT_VERDICT_ROLE;
	if (at->symbol == GAIT_NONE || at->role == GAIT_NONE)
		return GAIT_VERDICT_ALLOW;
	role = gait_walk_lookup(parent->table->header, GAIT_WALK_KEY_CREATE, at->program, at->role,
	                        at->symbol, 0, 0);
	if (role == GAIT_NONE)
		return GAIT_VERDICT_ALLOW;
	program = gait_model_get_program(parent->table->model, at->program);
	if (role == GAIT_WALK_NO_TASK ||
	    ((flags & GAIT_TASK_THREAD) && !gait_program_get_role(program, role)->is_thread))
		return GAIT_VERDICT_ROLE;
	return GAIT_VERDICT_ALLOW;
}
