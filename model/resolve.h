/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a model a line of a violation log belongs. Private to model/. */
#pragma once

#include "sysgait/violation-log.h"

/* Indices of what the line names; GAIT_NONE for what this model does not have. */
typedef struct {
	guint32 program;
	guint32 role;    /* of the program; NONE also where the line knows none */
	guint32 module;  /* of the site */
	guint32 library; /* of the program */
	guint32 symbol;  /* of the library */
	guint32 from;    /* state of the library; NONE also for anywhere */
	guint64 site;    /* 0 in a model without stacks */
	guint32 phase;   /* of the role */
	/* Candidates of the role that the phase lies between. NONE for its start and its end. */
	guint32 since, until;
	gboolean has_phase; /* since and until could be told */
	gboolean has_site;  /* the line says which library, or the model does not care */
	gboolean is_stale;  /* the model knows another build of the library */
} GaitResolved;

void gait_resolve(GaitResolved *resolved, const GaitModel *model, const GaitLogRecord *record);

/* As gait_walk_table_find_module(). */
guint32 gait_resolve_module(const GaitModel *model, const char *path, const char *build_id,
                            gboolean *is_stale);
/* The same for a line of a log: where neither it nor the model has a build-id (imported traces),
 * the path is all the identity there is. */
guint32 gait_resolve_logged_module(const GaitModel *model, const char *path, const char *build_id,
                                   gboolean *is_stale);
/* Of a program, by module; GAIT_NONE: none of its. */
guint32 gait_resolve_library(const GaitProgram *program, guint32 module);
/* Of a library; GAIT_NONE: none of its. */
guint32 gait_resolve_symbol(const GaitLibrary *library, guint32 nr, guint32 klass, guint64 site);
