/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a model, and if they are one, a walk through it that the same bytes lead: calls of
 * the model and calls made up, handlers, forks, execs. Whatever the verdicts, each is explained.
 */
#include "sysgait/summary.h"
#include "sysgait/violation.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

#define N_STEPS 200

static guint32
draw(guint32 *state, guint32 n)
{
	*state = *state * 1664525 + 1013904223;
	return n ? (*state >> 8) % n : 0;
}

/* A symbol of some program, right or a little wrong. */
static struct gait_walk_event
make_event(const GaitModel *model, guint32 *dice)
{
	struct gait_walk_event event = {.nr = draw(dice, 500), .module = GAIT_NONE};
	const GaitProgram *program =
	    gait_model_get_program(model, draw(dice, model->programs->len));
	const GaitLibrary *library;
	const GaitSymbol *symbol;

	event.issuer_module = draw(dice, model->modules->len);
	event.flags = draw(dice, 4) ? GAIT_WALK_STALE_ISSUER : draw(dice, 8);
	if (!program->libraries->len)
		return event;
	library = gait_program_get_library(program, draw(dice, program->libraries->len));
	event.module = library->module;
	if (!library->symbols->len)
		return event;
	symbol = g_ptr_array_index(library->symbols, draw(dice, library->symbols->len));
	event.nr = symbol->nr;
	event.klass = symbol->klass + (draw(dice, 8) == 0);
	event.site = symbol->site + (draw(dice, 8) == 0);
	return event;
}

static void
step(GaitWalker *walker, const GaitModel *model, guint32 *dice)
{
	GaitViolation violation = {.event = make_event(model, dice), .library = "lib\n\xff"};
	g_autoptr(GString) text = NULL;

	violation.verdict = gait_walker_step(walker, &violation.event);
	if (violation.verdict == GAIT_VERDICT_ALLOW)
		return;
	text = g_string_new(NULL);
	gait_violation_print_text(&violation, walker, text);
	gait_violation_print_json(&violation, walker, text);
	g_assert(g_utf8_validate(text->str, (gssize)text->len, NULL));
	gait_walker_resync(walker, &violation.event);
}

static void
walk(GaitWalker *walker, const GaitModel *model, guint32 *dice)
{
	for (guint i = 0; i < N_STEPS; i++) {
		GaitWalker *child;

		switch (draw(dice, 16)) {
		case 0:
			gait_walker_signal(walker);
			break;
		case 1:
			gait_walker_unwind(walker, draw(dice, 3));
			break;
		case 2:
			gait_walker_exec(walker, draw(dice, model->programs->len));
			break;
		case 3:
			gait_walker_lost(walker);
			break;
		case 4:
			child = gait_walker_fork(walker, draw(dice, 4));
			step(child, model, dice);
			gait_walker_free(child);
			break;
		default:
			step(walker, model, dice);
		}
	}
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autoptr(GaitModel) model = gait_model_parse("input", (const char *)data, size, NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GaitWalkTable) table = NULL;
	g_autoptr(GaitWalker) walker = NULL;
	guint32 dice = (guint32)size;

	if (!model)
		return 0;
	gait_model_print_summary(model, text);
	gait_model_print_summary_json(model, text);
	g_assert(g_utf8_validate(text->str, (gssize)text->len, NULL));
	table = gait_walk_table_new(model, NULL);
	if (!table || !model->programs->len)
		return 0;
	walker = gait_walker_new(table, 0);
	walk(walker, model, &dice);
	return 0;
}
