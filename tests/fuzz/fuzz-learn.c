/* SPDX-License-Identifier: Apache-2.0 */
/* The learner on traces that a recorder never wrote: it learns a model that is valid, or says why
 * not. */
#include "sign-trace.h"

#include "learn/learner.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void
learn(GaitTraceReader *reader)
{
	GaitLearnOptions options = {.allow_partial = TRUE};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) model = gait_learn_trace(reader, "fuzz", &options, &error);

	g_assert(!model == (error != NULL));
	if (model && !gait_model_validate(model, &error))
		g_error("an invalid model was learned: %s", error->message);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autofree guint8 *copy = g_memdup2(data, size);
	g_autoptr(GaitTraceReader) reader = NULL;

	if (copy)
		sign_trace(copy, size);
	reader = gait_trace_reader_new_for_data("fuzz", copy, size, NULL);
	if (reader)
		learn(reader);
	return 0;
}
