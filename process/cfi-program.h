/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the call frame instructions of a function say, row by row: how the CFA, the caller's rbp and
 * the return address are had while the pc is in a range. Other registers are passed over.
 */
#pragma once

#include "process/cfi-record.h"

typedef enum {
	GAIT_RULE_SAME, /* as it is; also where nothing is said of a register */
	GAIT_RULE_UNDEFINED,
	GAIT_RULE_REGISTER,         /* register `number` + offset */
	GAIT_RULE_SAVED,            /* the word at CFA + offset */
	GAIT_RULE_VALUE,            /* CFA + offset */
	GAIT_RULE_EXPRESSION,       /* the word at the expression's value */
	GAIT_RULE_VALUE_EXPRESSION, /* the expression's value; the CFA's are of this kind */
	GAIT_RULE_N_,
} GaitCfiRuleKind;

typedef struct {
	GaitCfiRuleKind kind;
	guint64 number;
	gint64 offset;
	GaitCfiCursor expression; /* over its operations */
} GaitCfiRule;

typedef struct {
	GaitCfiRule cfa, rbp, rip;
} GaitCfiState;

/* For each range of code, in order and without gaps, from the function's start on. */
typedef void (*GaitCfiRowFunc)(guint64 start, guint64 end, const GaitCfiState *state,
                               gpointer data);

/*
 * Runs a function's program. FALSE where it is malformed, or *budget is used up, from which each
 * instruction takes one: then nothing is said of the rest of the function (its CFA is undefined).
 */
gboolean gait_cfi_run(const GaitCfiFde *fde, guint64 *budget, GaitCfiRowFunc function,
                      gpointer data);
