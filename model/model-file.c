/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files on disk: read with a bound, written so that a reader, a crash or a full disk never
 * sees half a model (temporary file beside it, fsync, rename, fsync of the directory). A file that
 * is replaced hands its mode on.
 */
#include "sysgait/error.h"
#include "sysgait/model.h"
#include "sysgait/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int Descriptor;

static void
descriptor_clear(Descriptor *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Descriptor, descriptor_clear)

/* --- reading --- */

/* Reads to the end of file, or to one byte more than a model may have. */
static gboolean
read_all(int descriptor, const char *name, GByteArray *data, GError **error)
{
	guint8 block[65536];

	while (data->len <= GAIT_MAX_MODEL_SIZE) {
		ssize_t n = read(descriptor, block, sizeof block);

		if (n == 0)
			return TRUE;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gait_error_system(error, GAIT_MODEL_ERROR, errno, "read(%s)", name);
		g_byte_array_append(data, block, (guint)n);
	}
	return TRUE;
}

GaitModel *
gait_model_load(const char *path, GError **error)
{
	gboolean is_stdin = g_strcmp0(path, "-") == 0;
	const char *name = is_stdin ? "standard input" : path;
	g_auto(Descriptor) descriptor = -1;
	g_autoptr(GByteArray) data = g_byte_array_new();

	descriptor = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (descriptor < 0) {
		gait_error_system(error, GAIT_MODEL_ERROR, errno, "open(%s)", name);
		return NULL;
	}
	if (!read_all(descriptor, name, data, error))
		return NULL;
	if (data->len == 0) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_MALFORMED, "%s: the file is empty",
		            name);
		return NULL;
	}
	return gait_model_parse(name, (const char *)data->data, data->len, error);
}

/* --- writing --- */

/* Whether what a regular file holds may be lost: nothing, or JSON, so that it begins with a brace.
 */
static gboolean
is_replaceable(const char *path)
{
	g_auto(Descriptor) descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char head[64];
	ssize_t n = descriptor < 0 ? -1 : read(descriptor, head, sizeof head);

	for (ssize_t i = 0; i < n; i++)
		if (!g_ascii_isspace(head[i]))
			return head[i] == '{';
	return n == 0;
}

gboolean
gait_model_check_output(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	struct stat status;

	if (stat(path, &status) != 0) {
		if (access(directory, W_OK | X_OK) == 0)
			return TRUE;
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "cannot write %s", path);
	}
	if (S_ISDIR(status.st_mode))
		return gait_error_system(error, GAIT_MODEL_ERROR, EISDIR, "cannot write %s", path);
	if (!S_ISREG(status.st_mode) || is_replaceable(path))
		return TRUE;
	g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_CONFLICT,
	            "%s is there already and is not a model: it is not overwritten", path);
	return FALSE;
}

static gboolean
write_all(int descriptor, const char *path, const GString *text, GError **error)
{
	for (gsize done = 0; done < text->len;) {
		ssize_t n = write(descriptor, text->str + done, text->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gait_error_system(error, GAIT_MODEL_ERROR, errno, "write(%s)", path);
		done += (gsize)n;
	}
	return TRUE;
}

/* A rename lasts only once its directory is on disk. Not every file system can sync one. */
static void
sync_directory(const char *path)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_auto(Descriptor) descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor >= 0)
		fsync(descriptor);
}

static gboolean
write_temporary(const char *temporary, int descriptor, const char *path, const GString *text,
                GError **error)
{
	struct stat replaced;

	if (!write_all(descriptor, temporary, text, error))
		return FALSE;
	if (stat(path, &replaced) == 0 && fchmod(descriptor, replaced.st_mode & 0777) < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "fchmod(%s)", temporary);
	if (fsync(descriptor) < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "fsync(%s)", temporary);
	if (rename(temporary, path) < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "rename(%s, %s)",
		                         temporary, path);
	return TRUE;
}

/* What cannot be replaced by a rename (a pipe, /dev/stdout) is written to as it is. */
static gboolean
save_in_place(const char *path, const GString *text, GError **error)
{
	g_auto(Descriptor) descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (descriptor < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno, "open(%s)", path);
	return write_all(descriptor, path, text, error);
}

gboolean
gait_model_save(const GaitModel *model, const char *path, GError **error)
{
	g_autoptr(GString) text = gait_model_print(model);
	g_autofree char *target = realpath(path, NULL); /* a link stays one */
	g_autofree char *temporary = NULL;
	g_auto(Descriptor) descriptor = -1;
	struct stat status;

	if (target)
		path = target;
	/* What could not be loaded again must not replace what can. */
	if (!gait_model_validate(model, error)) {
		g_prefix_error(error, "%s: not written: ", path);
		return FALSE;
	}
	if (text->len > GAIT_MAX_MODEL_SIZE) {
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
		            "%s: the model is larger than a model may be (%u MiB)", path,
		            GAIT_MAX_MODEL_SIZE >> 20);
		return FALSE;
	}
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return save_in_place(path, text, error);
	temporary = g_strdup_printf("%s.XXXXXX", path);
	descriptor = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0666);
	if (descriptor < 0)
		return gait_error_system(error, GAIT_MODEL_ERROR, errno,
		                         "a new file beside %s cannot be made", path);
	if (write_temporary(temporary, descriptor, path, text, error)) {
		sync_directory(path);
		return TRUE;
	}
	unlink(temporary);
	return FALSE;
}

gboolean
gait_model_write(const GaitModel *model, const char *path, GError **error)
{
	g_autoptr(GString) text = NULL;

	if (strcmp(path, "-") != 0)
		return gait_model_save(model, path, error);
	text = gait_model_print(model);
	return gait_output_write(NULL, text, error);
}
