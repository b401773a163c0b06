/* SPDX-License-Identifier: Apache-2.0 */
/* Where a result goes: a file or standard output. */
#pragma once

#include <glib.h>

/*
 * Writes text to path, or to standard output where it is NULL or "-". A regular file is replaced as
 * a whole, so that a full disk leaves what was there. FALSE with a GAIT_MODEL_ERROR that names it.
 */
gboolean gait_output_write(const char *path, const GString *text, GError **error);
