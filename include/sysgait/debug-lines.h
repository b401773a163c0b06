/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source lines of places in code, where debug information is there: in the file itself, or in the
 * separate file that distributions install under /usr/lib/debug, found by build-id. For people;
 * nothing is decided by it.
 */
#pragma once

#include <glib.h>

typedef struct _GaitDebugLines GaitDebugLines;

/* Never NULL. Keeps what it has opened. */
GaitDebugLines *gait_debug_lines_new(void);
void gait_debug_lines_free(GaitDebugLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitDebugLines, gait_debug_lines_free)

/*
 * "gzread (gzread.c:371)", or "gzread.c:371" where the function is not known, or "gzread" where the
 * line is not; to free. NULL where nothing is. path: an ELF file, which has to have this build-id
 * (gait_module_get_build_id()); offset: of a return address in it, as everywhere a file offset.
 */
char *gait_debug_lines_dup(GaitDebugLines *lines, const char *path, const char *build_id,
                           guint64 offset);
