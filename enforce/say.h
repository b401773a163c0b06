/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a stream that the target shares, without ever waiting for its reader. */
#pragma once

#include <glib.h>

/* Writes what fd takes at once; whether that was all of it. */
gboolean gait_say(int fd, const char *text, gsize size);
