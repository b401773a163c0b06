/* SPDX-License-Identifier: Apache-2.0 */
/* What would have been allowed in place of a violation: the part of the explanation that a person
 * looks at first. Private to model/. */
#pragma once

#include "sysgait/violation.h"

#define GAIT_MAX_ALLOWED 16 /* names; the rest is only counted */

typedef struct {
	GPtrArray *names; /* char*: raw text, to be escaped by who prints it */
	guint n_total;
} GaitAllowed;

/* The nearest first: for a call, the same one with other arguments. */
void gait_allowed_init(GaitAllowed *allowed, const GaitWalker *walker,
                       const GaitViolation *violation);
void gait_allowed_clear(GaitAllowed *allowed);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitAllowed, gait_allowed_clear)

/* Appends "openat(O_RDONLY) at ngx_open_file+0x12", or with the module's offset where the function
 * is not known; ref of a known symbol. */
void gait_allowed_append_symbol(GString *out, const GaitModel *model, const GaitProgram *program,
                                GaitSymbolRef ref);
/* The library that the violation's event is attributed to, GAIT_NONE where the program has no such
 * one. */
guint32 gait_allowed_library(const GaitWalker *walker, const GaitViolation *violation);
/* The state of that library's automaton that an edge to the event would leave from; GAIT_NONE for
 * "anywhere". */
guint32 gait_allowed_state(const GaitWalker *walker, const GaitViolation *violation);
/* Where the phase allows the call, but only in an interlude: the entry that has not come. Its
 * library is GAIT_NONE for all other violations. */
GaitSymbolRef gait_allowed_entry(const GaitWalker *walker, const GaitViolation *violation);
