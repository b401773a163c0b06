/* SPDX-License-Identifier: Apache-2.0 */
/* Who made a call, by the stack that its shape has in the trace. */
#pragma once

#include "learn/trace.h"

typedef struct {
	guint32 module; /* responsible library: the trace's index, G_MAXUINT32 for [unknown] */
	guint64 site;   /* file offset there; 0 for [unknown] */
	const char *function; /* NULL where not known. Borrowed from the reader */
	guint64 delta;
	guint32 issuer_module; /* G_MAXUINT32 where not known */
	guint64 issuer_offset;
	const char *issuer_function;
	guint64 issuer_delta;
} GaitSite;

/* Whether the last component of path is in a runtime set (NULL-terminated; "*" allowed at the end
 * of a name). */
gboolean gait_runtime_contains(const char *const *runtime, const char *path);

/*
 * runtime overrides the set that the trace was recorded with (NULL: as recorded). A wider set needs
 * the frames beyond the recorded site (`record --stacks full`): where they are missing, the library
 * is [unknown], never guessed.
 */
void gait_site_from_shape(GaitSite *site, const GaitTraceReader *reader, const GaitShape *shape,
                          const char *const *runtime);
