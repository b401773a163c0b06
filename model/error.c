/* SPDX-License-Identifier: Apache-2.0 */
/* One way to word a failed system call, and one to refuse what was typed, for every directory. */
#include "sysgait/error.h"

gboolean
gait_error_system(GError **error, GQuark domain, int saved_errno, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, domain, GAIT_ERROR_SYSTEM, "%s: %s", what, g_strerror(saved_errno));
	return FALSE;
}

gboolean
gait_error_usage(GError **error, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
	return FALSE;
}
