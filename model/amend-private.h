/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that amend a model share. */
#pragma once

#include "model/model-private.h"
#include "model/resolve.h"

/* A place in a role's life where a symbol was accepted. */
typedef struct {
	GaitRole *role;
	GaitSymbolRef ref;
	guint32 since, until; /* candidates; GAIT_NONE for the role's start and end */
} GaitAmendMark;

/*
 * Enters marks (GaitAmendMark, in any order) into the relations of their roles. Before the model is
 * normalized again; the roles are otherwise as normalize left them.
 */
void gait_amend_apply_marks(GArray *marks);

typedef struct {
	GaitModel *model;
	GArray *marks;   /* GaitAmendMark */
	guint n_changes; /* of the group that is being accepted */
	GString *why;    /* what of it could not be applied */
} GaitAmender;

/* Notes why something of the group could not be applied. */
void gait_amender_refuse(GaitAmender *amender, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The symbol of the call that record is about, at a place that may lack library and module. */
GaitSymbolRef gait_amender_accept_symbol(GaitAmender *amender, GaitProgram *program,
                                         GaitResolved *at, const GaitLogRecord *record);
void gait_amender_accept_issuer(GaitAmender *amender, GaitProgram *program,
                                const GaitLogRecord *record);
/* From where the library stood (at->from, which has to be known) to at->symbol. */
void gait_amender_accept_edge(GaitAmender *amender, GaitProgram *program, const GaitResolved *at);
/* That program runs the one at path, which becomes known by that. */
void gait_amender_accept_exec(GaitAmender *amender, GaitProgram *program, const char *path);
/* A task of its own kind, made by creator with that call. */
void gait_amender_accept_child(GaitAmender *amender, GaitProgram *program, guint32 creator,
                               GaitSymbolRef creation, const GaitLogRecord *record);
