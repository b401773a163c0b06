/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a walker stands, in words, for a person who asks a running supervisor. Everything that
 * comes from the model is escaped here.
 */
#include "model/allowed.h"
#include "model/walk-step.h"
#include "model/walker-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

static void
append_symbol(GString *out, const GaitWalker *walker, const GaitProgram *program, GaitSymbolRef ref)
{
	g_autoptr(GString) name = g_string_new(NULL);

	gait_allowed_append_symbol(name, walker->table->model, program, ref);
	gait_text_append(out, name->str);
}

/* ", main/ngx_spawn_process in phase 2 of 3, since epoll_wait at ngx_epoll_process_events+0x5a" */
static void
append_phase(GString *out, const GaitWalker *walker, const GaitProgram *program)
{
	const struct gait_walk_position *at = &walker->position;
	const GaitPhase *phase;
	const GaitRole *role;

	if (at->role == GAIT_NONE) {
		g_string_append(out, ", role not known yet");
		return;
	}
	role = gait_program_get_role(program, at->role);
	phase = g_ptr_array_index(role->phases, at->phase);
	g_string_append(out, ", ");
	gait_text_append(out, role->name);
	g_string_append_printf(out, " in phase %u%s of %u", at->phase + 1,
	                       at->is_loose ? " or later" : "", role->phases->len);
	if (phase->milestone == GAIT_NONE)
		return;
	g_string_append(out, ", since ");
	append_symbol(out, walker, program,
	              g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
}

static void
append_last_call(GString *out, const GaitWalker *walker, const GaitProgram *program)
{
	const struct gait_walk_position *at = &walker->position;
	const struct gait_walk_symbol *symbol;

	/* None yet: no number says so, but nothing begins with a read() by nobody. */
	if (at->symbol == GAIT_NONE && at->module == GAIT_NONE && at->nr == 0)
		return;
	g_string_append(out, ", last ");
	if (at->symbol == GAIT_NONE) {
		gait_syscall_format(out, at->nr, at->klass);
		return;
	}
	symbol = gait_walk_get_symbol(walker->table->header, at->symbol);
	append_symbol(out, walker, program,
	              (GaitSymbolRef){symbol->library, symbol->state - GAIT_STATE_FIRST});
}

/* A line for each library that has made a call, or may have. */
static void
append_states(GString *out, const GaitWalker *walker, const GaitProgram *program)
{
	const guint32 *row = gait_contexts_row(&walker->contexts);

	for (guint32 i = 0; i < program->libraries->len; i++) {
		const GaitLibrary *library = gait_program_get_library(program, i);
		guint32 state = row[1 + i];

		if (state == GAIT_STATE_START || state == GAIT_STATE_SIGNAL)
			continue;
		g_string_append(out, "    ");
		gait_text_append(out,
		                 gait_model_module_name(walker->table->model, library->module));
		g_string_append(out, ": ");
		if (state == GAIT_NONE)
			g_string_append(out, "anywhere");
		else
			append_symbol(out, walker, program,
			              (GaitSymbolRef){i, state - GAIT_STATE_FIRST});
		g_string_append_c(out, '\n');
	}
}

void
gait_walker_print(const GaitWalker *walker, GString *out)
{
	const GaitProgram *program =
	    gait_model_get_program(walker->table->model, walker->position.program);
	guint32 depth = walker->contexts.depth;

	gait_text_append(out, gait_text_basename(program->path));
	append_phase(out, walker, program);
	append_last_call(out, walker, program);
	if (depth > 0)
		g_string_append_printf(out, ", inside %u signal handler%s", depth,
		                       depth == 1 ? "" : "s");
	g_string_append_c(out, '\n');
	append_states(out, walker, program);
}
