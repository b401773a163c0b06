/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker of a task that is created, or that executes a program. Its role follows from the one
 * that was and from the call that led on; where either is not known, from the creations that the
 * model has.
 */
#include "model/life.h"
#include "model/walk-step.h"
#include "model/walker-private.h"

#include "sysgait/syscall.h"

/* Whether a role's creation is the call that was made last, as far as that is known. */
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
 * whose parent's role is not. at: of the one that led to it.
 */
static gboolean
fits(const GaitModel *model, const struct gait_walk_position *at, guint32 index)
{
	const GaitProgram *program = gait_model_get_program(model, at->program);
	const GaitRole *role = gait_program_get_role(program, index);

	if (at->role != GAIT_NONE && role->parent != at->role &&
	    !is_in_chain(program, index, at->role))
		return FALSE;
	return is_created_by(program, role, at, model->is_stackless);
}

/* The only one that fits; where several do, it stays open which. FALSE where none does. */
static gboolean
guess_role(const struct gait_walk_position *at, GaitWalker *child)
{
	const GaitModel *model = child->table->model;
	const GaitProgram *program = gait_model_get_program(model, at->program);
	guint32 found = GAIT_NONE;
	guint n_fits = 0;

	for (guint32 r = 1; r < program->roles->len; r++)
		if (fits(model, at, r)) {
			found = r;
			n_fits++;
		}
	if (n_fits == 1)
		child->position.role = found;
	if (n_fits <= 1)
		return n_fits == 1;
	gait_walker_unsure_roles(child, FALSE);
	for (guint32 r = 1; r < program->roles->len; r++)
		child->roles[r] = fits(model, at, r);
	return TRUE;
}

/* Sets the role that the last call led to, at its start. FALSE where the model has none for it. */
static gboolean
enter_role(const struct gait_walk_position *at, GaitWalker *child)
{
	guint32 role;

	if (at->symbol == GAIT_NONE || at->role == GAIT_NONE)
		return guess_role(at, child);
	role = gait_walk_lookup(child->table->header, GAIT_WALK_KEY_CREATE, at->program, at->role,
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

	if (!gait_syscall_is_creation(parent->position.nr) ||
	    !enter_role(&parent->position, child)) {
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

/*
 * It executes the program that it runs, and nobody can say by which call, or none that was learned:
 * then it may be of any role that this begins. Where that is main alone (a model of old, or amended
 * by hand) there is no doubt about it, but after lost events, which vouch for nothing.
 */
static void
enter_any(const struct gait_walk_position *at, GaitWalker *walker)
{
	const GaitProgram *program = gait_model_get_program(walker->table->model, at->program);
	guint n = 0;

	for (guint32 r = 0; r < program->roles->len; r++)
		n += !gait_role_is_created(program, gait_program_get_role(program, r));
	if (n == 1 && gait_syscall_is_exec(at->nr))
		return;
	gait_walker_unsure_roles(walker, FALSE);
	for (guint32 r = 0; r < program->roles->len; r++)
		walker->roles[r] =
		    !gait_role_is_created(program, gait_program_get_role(program, r));
}

void
gait_walker_exec(GaitWalker *walker, guint32 program)
{
	struct gait_walk_position at = walker->position;

	g_assert(program < walker->table->header->n_programs);
	walker->is_unsure = FALSE;
	g_clear_pointer(&walker->roles, g_free);
	walker->position = (struct gait_walk_position){
	    .program = program,
	    .symbol = GAIT_NONE,
	    .module = GAIT_NONE,
	};
	gait_contexts_reset(&walker->contexts, gait_walker_count_libraries(walker),
	                    GAIT_STATE_START);
	if (at.program == program && !(gait_syscall_is_exec(at.nr) && enter_role(&at, walker)))
		enter_any(&at, walker);
}
