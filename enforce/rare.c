/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a model has seen each call, over all its programs, roles and runs: a server starts up
 * once and then serves, so what belongs to starting is rare. It says nothing of what is allowed.
 */
#include "enforce/rare.h"

static guint64
count(const GaitLibrary *library, guint64 *counts, guint32 max)
{
	guint64 n_all = 0;

	for (guint i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

		n_all += symbol->count;
		if (symbol->nr <= max)
			counts[symbol->nr] += symbol->count;
	}
	return n_all;
}

guint8 *
gait_rare_find(const GaitModel *model, guint32 max)
{
	g_autofree guint64 *counts = g_new0(guint64, (gsize)max + 1);
	guint8 *is_rare = g_new0(guint8, (gsize)max + 1);
	guint64 n_all = 0;

	for (guint p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint i = 0; i < program->libraries->len; i++)
			n_all += count(g_ptr_array_index(program->libraries, i), counts, max);
	}
	for (guint32 nr = 0; nr <= max; nr++)
		is_rare[nr] = counts[nr] == 0 || counts[nr] < n_all / GAIT_RARE;
	return is_rare;
}
