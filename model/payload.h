/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalogue of exploit payloads as sequences of acts, and which of them a model lets pass.
 */
#pragma once

#include "model/act.h"
#include "sysgait/model.h"

#define GAIT_MAX_PAYLOAD 12 /* acts */

typedef struct {
	const char *name;
	const char *family; /* "shell", "file", "privilege" … */
	GaitAct acts[GAIT_MAX_PAYLOAD];
	guint n_acts;
} GaitPayload;

/* Static. */
const GaitPayload *gait_payloads(guint *n);
/* "open a file to write, write or send". */
void gait_payload_describe(const GaitPayload *payload, GString *out);

/* Whether a set of calls has what it takes; order does not matter to a set. */
gboolean gait_payload_fits_mask(const GaitPayload *payload, guint64 acts);

/* How far an attacker gets who makes the calls of a payload as one library of a role, in a phase.
 */
typedef enum {
	GAIT_COVER_NONE,   /* refused, at the first call or a later one */
	GAIT_COVER_PADDED, /* lets pass if harmless calls that are allowed are made in between */
	GAIT_COVER_PLAIN,  /* lets pass as it is, from some state */
	GAIT_COVER_N_,
} GaitCover;

/*
 * The best over all libraries: each automaton, cut down to the edges and symbols that the phase
 * (index into role->phases) allows, is walked from all its states at once. Padding is mimicry after
 * Wagner and Soto (CCS 2002): calls with no effect that lead the automaton where the attacker wants
 * it. Argument values and the path of an exec are not looked at, so this errs on the attacker's
 * side.
 */
GaitCover gait_payload_cover(const GaitProgram *program, guint32 role, guint32 phase,
                             const GaitPayload *payload);
