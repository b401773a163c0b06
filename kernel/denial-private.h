/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of denial.c share. */
#pragma once

#include "kernel/denial.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/types.h>

#include "kernel/denial-hooks.h"

/* Hooks as bits. */
typedef struct {
	guint64 words[(GAIT_DENIAL_HOOK_N_ + 63) / 64];
} GaitDenialHooks;

static inline void
gait_denial_hooks_add(GaitDenialHooks *hooks, guint hook)
{
	hooks->words[hook / 64] |= 1ull << hook % 64;
}

static inline gboolean
gait_denial_hooks_have(const GaitDenialHooks *hooks, guint hook)
{
	return (hooks->words[hook / 64] >> hook % 64 & 1) != 0;
}

/* The hooks that refuse all uses of this call, if all of them are there; FALSE if none do. */
gboolean gait_denial_calls_find(int syscall, GaitDenialHooks *hooks);

typedef struct {
	const char *name, *description;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} GaitDenialMeansTraits;

extern const GaitDenialMeansTraits gait_denial_means[GAIT_DENIAL_MEANS_N_];

struct _GaitDenial {
	GaitDenialMeans means;
	struct bpf_object *object;
	struct bpf_link *on_return, *on_exit;
	const struct bpf_insn *deny; /* the program for all hooks, ready to be loaded */
	gsize n_deny;
	struct btf *kernel;           /* its types: where functions are found by name */
	struct gait_denials *denials; /* shared with the programs; NULL: not mapped */
	GArray *fds;                  /* of int: programs and links, which last as long as these */
	GHashTable *syscalls; /* GAIT_DENIAL_SYSCALL: those that are attached to, by number */
	GaitDenialHooks attached;
};

/* As far as it was shown to work, with one function attached to. */
GaitDenial *gait_denial_begin(GaitDenialMeans means, GError **error);
/* The first function that the program is loaded for, as libbpf names it. */
const char *gait_denial_first_target(GaitDenialMeans means);
/* The function of the kernel that calls a hook, by the means' way to attach to it. */
char *gait_denial_dup_target(GaitDenialMeans means, guint hook);
/* Loads the program once more, for this function. GAIT_ERROR_UNSUPPORTED: the kernel has none of
 * that name. */
gboolean gait_denial_attach(GaitDenial *denial, const char *target, guint64 cookie, GError **error);
