/* SPDX-License-Identifier: Apache-2.0 */
/* Writes results to where the user wants them. */
#include "sysgait/output.h"

#include "sysgait/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

static gboolean
write_stdout(const GString *text, GError **error)
{
	if (fwrite(text->str, 1, text->len, stdout) == text->len && fflush(stdout) == 0)
		return TRUE;
	return gait_error_system(error, GAIT_MODEL_ERROR, errno, "cannot write to standard output");
}

/* A device or a pipe. */
static gboolean
write_stream(const char *path, const GString *text, GError **error)
{
	FILE *stream = fopen(path, "we");
	gboolean is_written;
	int saved_errno;

	if (!stream)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "cannot open '%s'", path);
	is_written = fwrite(text->str, 1, text->len, stream) == text->len && fflush(stream) == 0;
	saved_errno = errno;
	if (fclose(stream) == 0 && is_written)
		return TRUE;
	return gait_error_system(error, GAIT_MODEL_ERROR, is_written ? errno : saved_errno,
	                         "cannot write '%s'", path);
}

gboolean
gait_output_write(const char *path, const GString *text, GError **error)
{
	g_autoptr(GFile) file = NULL;
	g_autoptr(GError) problem = NULL;

	if (!path || strcmp(path, "-") == 0)
		return write_stdout(text, error);
	if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return write_stream(path, text, error);
	file = g_file_new_for_path(path);
	if (g_file_replace_contents(file, text->str, text->len, NULL, FALSE, G_FILE_CREATE_NONE,
	                            NULL, NULL, &problem))
		return TRUE;
	g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_SYSTEM, "cannot write '%s': %s", path,
	            problem->message);
	return FALSE;
}
