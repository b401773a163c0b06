/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a role's life a symbol comes, by the relations that phases are made of. */
#pragma once

#include "sysgait/model.h"

/* Index of the candidate that a symbol (index into role->symbols) is, or GAIT_NONE. */
guint32 gait_role_find_candidate(const GaitRole *role, guint32 symbol);
/*
 * Whether a symbol was seen at or after the first `from` and before the first `to` (indices into
 * role->candidates; GAIT_NONE: the beginning, the end). As phases are cut: it may have paused in
 * between, and one without a bit in either relation may be on both sides.
 */
gboolean gait_role_is_between(const GaitRole *role, guint32 symbol, guint32 from, guint32 to);
/* The candidates (as above) that a phase (index into role->phases) lies between. */
void gait_role_get_bounds(const GaitRole *role, guint32 phase, guint32 *from, guint32 *to);
/* Whether tasks of it are made; main, and what executes its own program, go on in one that was. */
gboolean gait_role_is_created(const GaitProgram *program, const GaitRole *role);
/* What a phase allows outside its interludes: guint32, as phase->allowed. */
GArray *gait_phase_dup_steady(const GaitPhase *phase);
/* Distinct system calls of an interlude that the phase does not allow outside it. */
guint gait_interlude_count(const GaitProgram *program, const GaitPhase *phase,
                           const GaitInterlude *interlude);
/* The entry (index into the role's symbols) of the interlude that a call is in, or GAIT_NONE. */
guint32 gait_phase_find_entry(const GaitPhase *phase, guint32 call);
/* Whether a call (index into the program's calls) is allowed in a phase. */
gboolean gait_phase_allows(const GaitPhase *phase, guint32 call);
