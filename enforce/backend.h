/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backends: how system calls reach the enforcer, and how its rulings reach the kernel. Each is a
 * constant table of functions in a file of its own; a further one needs a line in backend.c.
 */
#pragma once

#include "enforce/enforcer.h"

typedef struct {
	const char *name;    /* as --backend takes it */
	const char *summary; /* one line, lower case */
	const char *promise; /* what becomes of a call that is out of gait */
	/* By which means it refuses, where kernels differ in that; else NULL. After probe(). */
	const char *(*get_means)(void);
	/* A call that is to be refused or killed for does not take effect. */
	gboolean is_preexec;
	/* Any call can be made to fail with an errno; else some can only be killed for. */
	gboolean has_errno;
	GaitFloorHandover handover;
	/*
	 * Whether this kernel, and these privileges, can do it; GAIT_ERROR_UNSUPPORTED says what is
	 * missing. Tried out, not looked up by version.
	 */
	gboolean (*probe)(GError **error);
	/*
	 * Loads into the kernel what run() needs there; is_recording: what is judged will be. FALSE
	 * with error where that is refused, though probe() had no doubt: limits, a verifier's. Then
	 * nothing has happened yet, and another backend may do. NULL: there is nothing to load.
	 */
	gboolean (*load)(GaitEnforcer *enforcer, gboolean is_recording, GError **error);
	/*
	 * Runs argv under the enforcer until the last task of its tree is gone; *status is that of
	 * its first process, as from waitpid. Where it fails no task of the tree is left.
	 * GAIT_ERROR_EXEC where argv[0] cannot be executed: *status is then 126 or 127, as an exit
	 * status.
	 */
	gboolean (*run)(GaitEnforcer *enforcer, const char *const *argv, int *status,
	                GError **error);
	/*
	 * Joins processes that run already, with all their threads and descendants, until the last
	 * of these is gone or a signal asks to let go. *status: of the first one, 0 where it was
	 * let go. Where it fails before the first call was judged they all run on, else all are
	 * killed. NULL: this backend cannot.
	 */
	gboolean (*join)(GaitEnforcer *enforcer, const pid_t *pids, guint n_pids, int *status,
	                 GError **error);
} GaitBackend;

extern const GaitBackend gait_backend_notify;
extern const GaitBackend gait_backend_ptrace;
extern const GaitBackend gait_backend_bpf_hooks;
extern const GaitBackend gait_backend_bpf_notify;
extern const GaitBackend gait_backend_bpf_kill;

/* What is wanted of a backend. */
typedef struct {
	const char *name; /* one by its name; "bpf": one of those; NULL or "auto": whichever */
	const GaitPolicy *policy;
	gboolean is_joining;
	gboolean must_be_preexec;
} GaitBackendWish;

/*
 * The fastest that keeps what the policy promises, and works here. G_OPTION_ERROR where the one
 * that was named cannot do what is wanted, GAIT_ERROR_UNSUPPORTED where none works; the message
 * then names one that does, if there is one. why: appended to, a line for each that was passed
 * over.
 */
const GaitBackend *gait_backend_choose(const GaitBackendWish *wish, GString *why, GError **error);
/* The next of them, since this one could not be loaded; where there is none, error says why not. */
const GaitBackend *gait_backend_choose_next(const GaitBackendWish *wish, const GaitBackend *failed,
                                            const GError *reason, GString *why, GError **error);
