/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a model file: refused with a message, or a model that is printed and read back the
 * same, and merges with itself to itself.
 */
#include "sysgait/model.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static char *
print(const GaitModel *model)
{
	return g_string_free(gait_model_print(model), FALSE);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModel) model = gait_model_parse("input", (const char *)data, size, &error);

	if (!model) {
		g_assert(error && g_str_has_prefix(error->message, "input: "));
		return 0;
	}
	gait_model_normalize(model);
	g_autofree char *text = print(model);
	g_autoptr(GaitModel) again = gait_model_parse("again", text, strlen(text), NULL);
	g_assert(again);
	g_autofree char *text_again = print(again);
	g_assert_cmpstr(text, ==, text_again);
	g_autoptr(GaitModel) merged = gait_model_merge((GaitModel *[]){model, again}, 2, NULL);
	g_assert(merged);
	g_autofree char *text_merged = print(merged);
	g_assert_cmpstr(text, ==, text_merged);
	return 0;
}
