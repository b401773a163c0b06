/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amending: violations that somebody looked at and accepts become part of the model. What is added
 * is marked as such for good, survives merging, and counts as seen in no run, so that it does not
 * pass for evidence (GaitAmendment).
 */
#pragma once

#include "sysgait/violation-log.h"

typedef enum {
	GAIT_AMEND_APPLIED,
	GAIT_AMEND_KNOWN,      /* the model allows it already */
	GAIT_AMEND_IMPOSSIBLE, /* some of it, or all, could not be applied: why says it */
	GAIT_AMEND_N_,
} GaitAmendResult;

typedef struct {
	GaitAmendResult result;
	char *why; /* IMPOSSIBLE: a sentence; else NULL */
} GaitAmendOutcome;

typedef struct {
	const char *log;    /* digest of the violation log; "" */
	const char *date;   /* "2026-11-20" */
	const char *reason; /* NULL: none */
} GaitAmendOrigin;

/*
 * Accepts groups (GaitLogGroup*) into model, which is normalized afterwards. Returns a
 * GaitAmendOutcome for each. The model need not be the one that the log is from.
 *
 * A call that is accepted is allowed at its site, in the roles and phases and after the states in
 * which it was logged, and nowhere else. What follows a call that no run ever made is not known:
 * after it the library may go on anywhere, as it did when the call was let through. That stays so
 * when the model is merged, since a merge never refuses what one of its parts allowed.
 */
GArray *gait_model_amend(GaitModel *model, const GPtrArray *groups, const GaitAmendOrigin *origin);
