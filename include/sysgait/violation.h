/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A violation as people and scripts read it: the JSON line of the violation log and of `check
 * --json` (DESIGN §5), and the same as sentences. Built from the walker as it stood before the
 * call.
 */
#pragma once

#include "sysgait/walker.h"

typedef struct {
	double time_s; /* Unix time live, seconds since the start of the trace offline */
	gint32 pid, tid;
	GaitVerdict verdict;
	const char *action; /* "log", "errno EPERM", "kill"; NULL offline */
	struct gait_walk_event event;
	const guint64 *args; /* six registers, or NULL where not known */
	/* What attribution saw, for people; each may be NULL. */
	const char *library; /* path of the responsible module, "[unknown]" … */
	const char *library_build_id;
	const char *function; /* symbol at the site */
	guint64 delta;
	const char *issuer; /* path of the issuing module */
	const char *issuer_build_id;
	const char *issuer_function;
	guint64 issuer_delta;
	guint64
	    n_repeats; /* violations like this one that were not written since the last that was */
	const char *exec_path; /* of an exec: the program it wanted, where that could be told */
	guint32 arch; /* AUDIT_ARCH_… where the call is not a native one (event.nr is a number of
	                 that architecture, the verdict SYSCALL); 0: native */
} GaitViolation;

/* Appends one JSON object and a newline. Strings that are not UTF-8 are escaped, never passed on
 * raw. */
void gait_violation_print_json(const GaitViolation *violation, const GaitWalker *walker,
                               GString *out);
/* Appends a line or two for a terminal: who, what, where, in which phase, why not, and what was
 * allowed. */
void gait_violation_print_text(const GaitViolation *violation, const GaitWalker *walker,
                               GString *out);
