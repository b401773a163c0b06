/* SPDX-License-Identifier: Apache-2.0 */
/* Error domains, one per directory, with codes that a caller can act on. */
#pragma once

#include <glib.h>

#define GAIT_LEARN_ERROR   (g_quark_from_static_string("gait-learn-error"))
#define GAIT_MODEL_ERROR   (g_quark_from_static_string("gait-model-error"))
#define GAIT_PROCESS_ERROR (g_quark_from_static_string("gait-process-error"))
#define GAIT_ENFORCE_ERROR (g_quark_from_static_string("gait-enforce-error"))

typedef enum {
	GAIT_ERROR_SYSTEM,    /* a system call failed; the message names call, object and errno */
	GAIT_ERROR_MALFORMED, /* input is damaged: the message names file and place */
	GAIT_ERROR_VERSION,   /* input is of a newer format */
	GAIT_ERROR_TOO_LARGE, /* input exceeds a bound; the message names it */
	GAIT_ERROR_PARTIAL,   /* a trace has lost events or no end */
	GAIT_ERROR_CONFLICT,  /* inputs that cannot be combined */
	GAIT_ERROR_EXEC, /* the program could not be executed: main exits 126 or 127 (not found) */
	GAIT_ERROR_GONE, /* the target vanished */
	GAIT_ERROR_UNSUPPORTED, /* the kernel or this build lacks something; the message says what
	                         */
} GaitErrorCode;

/* Sets a GAIT_ERROR_SYSTEM error: "WHAT: strerror(saved_errno)". Returns FALSE, for `return
 * gait_error_system(…)`. */
gboolean gait_error_system(GError **error, GQuark domain, int saved_errno, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* Sets a G_OPTION_ERROR: what was typed makes no sense, and main exits 2. Returns FALSE, for
 * `return gait_error_usage(…)`. */
gboolean gait_error_usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
