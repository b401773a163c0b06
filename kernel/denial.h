/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusing system calls in the kernel, before they act: loads the programs of denial.bpf.c, and
 * knows which calls they can refuse. Who judges the calls is another BPF program, with
 * denied.bpf.h.
 */
#pragma once

#include <glib.h>

struct bpf_object;

/* How a call is refused; the earlier the better. Which of them a kernel lets us use is found by
 * trying. */
typedef enum {
	GAIT_DENIAL_SYSCALL,  /* fmod_ret on __x64_sys_*: any call */
	GAIT_DENIAL_LSM,      /* BPF LSM programs: calls with a security hook */
	GAIT_DENIAL_SECURITY, /* fmod_ret on security_*: the same calls */
	GAIT_DENIAL_NONE,     /* none: calls can only be killed */
	GAIT_DENIAL_MEANS_N_
} GaitDenialMeans;

const char *gait_denial_means_name(GaitDenialMeans means);
/* One line: what it is, and what it promises. */
const char *gait_denial_means_describe(GaitDenialMeans means);

/* The first means that works here, from GAIT_DENIAL_SYSCALL on: loads and attaches a program,
 * refuses a call of the calling thread, and takes it away again. reasons: what kept the means
 * before it from working, one a line; may be NULL. */
GaitDenialMeans gait_denial_probe(char **reasons);

typedef struct _GaitDenial GaitDenial;

/*
 * Loads and attaches. Not for GAIT_DENIAL_NONE. is_idle: calls, by number, that nobody will want
 * refused; NULL: none. What only they need is not attached to: a hook costs every task of the
 * machine a little, and the kernel a tenth of a second to be freed of. Needs CAP_BPF, CAP_PERFMON,
 * and (LSM) CAP_MAC_ADMIN, until it returns.
 */
GaitDenial *gait_denial_new(GaitDenialMeans means, gboolean (*is_idle)(int syscall, gpointer data),
                            gpointer data, GError **error);
void gait_denial_free(GaitDenial *denial);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitDenial, gait_denial_free)

/* Before the judge's object is loaded: gives it the maps of denied.bpf.h. */
gboolean gait_denial_share(const GaitDenial *denial, struct bpf_object *judge, GError **error);

/* Whether there are hooks at which every use of this call can be refused before it acts. */
gboolean gait_denial_has_hooks(int syscall);
/* The same, and they are in use. Where not, the judge kills. */
gboolean gait_denial_covers(const GaitDenial *denial, int syscall);

/* What has come of it so far. */
typedef struct {
	guint64 n_pending;      /* calls that are being refused right now */
	guint64 n_without_room; /* had to be killed, since too many were being refused at once */
	guint64 n_escaped;      /* had met no hook, and were killed on their return */
	guint64 n_missed;       /* times that the kernel left a hook's program out (recursion) */
} GaitDenialCounts;
void gait_denial_get_counts(const GaitDenial *denial, GaitDenialCounts *counts);

/* --- hooks, by their number in denial-hooks.h: for tests ---------------------------------------
 */

const char *gait_denial_hook_name(guint hook);
/* Whether the call is covered if, among others, this hook is attached. */
gboolean gait_denial_needs(int syscall, guint hook);
/* How often each has refused a call: GAIT_DENIAL_HOOK_N_ of them. */
void gait_denial_get_hits(const GaitDenial *denial, guint64 *hits);
/* Lets every call pass at this hook, or no more. */
void gait_denial_silence(GaitDenial *denial, guint hook, gboolean is_silent);
