/* SPDX-License-Identifier: Apache-2.0 */
/* A path into a model and the first failure on it. */
#include "model/place.h"

void
gait_place_init(GaitPlace *place, const char *file)
{
	*place = (GaitPlace){.file = file, .path = g_string_new(NULL)};
}

void
gait_place_clear(GaitPlace *place)
{
	g_string_free(place->path, TRUE);
	g_clear_error(&place->error);
}

gsize
gait_place_enter(GaitPlace *place, const char *name, guint32 i)
{
	gsize mark = place->path->len;
	char digits[16];

	g_snprintf(digits, sizeof digits, "[%u]", i);
	if (mark)
		g_string_append_c(place->path, '.');
	g_string_append(place->path, name);
	g_string_append(place->path, digits);
	return mark;
}

void
gait_place_leave(GaitPlace *place, gsize mark)
{
	g_string_truncate(place->path, mark);
}

gboolean
gait_place_fail(GaitPlace *place, GaitErrorCode code, const char *format, ...)
{
	g_autoptr(GString) message = NULL;
	va_list arguments;

	if (place->error)
		return FALSE;
	message = g_string_new(NULL);
	if (place->file)
		g_string_append_printf(message, "%s: ", place->file);
	if (place->path->len)
		g_string_append_printf(message, "%s: ", place->path->str);
	va_start(arguments, format);
	g_string_append_vprintf(message, format, arguments);
	va_end(arguments);
	g_set_error_literal(&place->error, GAIT_MODEL_ERROR, (gint)code, message->str);
	return FALSE;
}

gboolean
gait_place_finish(GaitPlace *place, GError **error)
{
	if (!place->error)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&place->error));
	return FALSE;
}
