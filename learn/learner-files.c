/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning from files: every trace becomes a model of its own, and all of them are merged at once,
 * so that neither order nor grouping can matter.
 */
#include "learn/learner.h"

#include "sysgait/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/*
 * Whether the file is a model: JSON, so its first byte that is not white space is a brace. Anything
 * else, and stdin, is for the trace reader to take or refuse.
 */
static gboolean
is_model_file(const char *path, gboolean *result, GError **error)
{
	char head[64];
	gssize n;
	int fd;

	*result = FALSE;
	if (strcmp(path, "-") == 0)
		return TRUE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return gait_error_system(error, GAIT_LEARN_ERROR, errno, "open %s", path);
	/* A pipe is left as it is: its reader wants the first bytes, too. */
	n = pread(fd, head, sizeof head, 0);
	close(fd);
	for (gssize i = 0; i < n; i++)
		if (!g_ascii_isspace(head[i])) {
			*result = head[i] == '{';
			break;
		}
	return TRUE;
}

static GaitModel *
learn_file(const char *path, const GaitLearnOptions *options, GError **error)
{
	g_autoptr(GaitTraceReader) reader = NULL;
	gboolean has_model;

	if (!is_model_file(path, &has_model, error))
		return NULL;
	if (has_model)
		return gait_model_load(path, error);
	reader = gait_trace_reader_new(path, error);
	return reader ? gait_learn_trace(reader, path, options, error) : NULL;
}

GaitModel *
gait_learn_files(const char *const *paths, guint n_paths, const GaitLearnOptions *options,
                 GError **error)
{
	g_autoptr(GPtrArray) models =
	    g_ptr_array_new_with_free_func((GDestroyNotify)gait_model_free);

	for (guint i = 0; i < n_paths; i++) {
		GaitModel *model = learn_file(paths[i], options, error);

		if (!model)
			return NULL;
		g_ptr_array_add(models, model);
	}
	return gait_model_merge((GaitModel *const *)models->pdata, models->len, error);
}
