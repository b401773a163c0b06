/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker: one task's position in a model, and the verdict on its next step (DESIGN §7). Live
 * enforcement, offline check, tests and fuzzers all call the same step, which allocates nothing.
 */
#pragma once

#include "sysgait/event.h"
#include "sysgait/model.h"
#include "sysgait/walk-table.h"

/* Kinds of violation, from the outside in: also the order of how hard they are to forge (DESIGN §1,
 * §2). */
#define GAIT_VERDICTS(X)                                                                           \
	X(ALLOW, "allow") /* in the gait */                                                        \
	X(SYSCALL,                                                                                 \
	  "syscall") /* the program never issues this call (syscall with its argument class) */    \
	X(ISSUER, "issuer")     /* never by this instruction */                                    \
	X(LIBRARY, "library")   /* never on behalf of this library */                              \
	X(PHASE, "phase")       /* never in this phase of the role's life */                       \
	X(SITE, "site")         /* never from this call site */                                    \
	X(SEQUENCE, "sequence") /* never after the library's previous call */                      \
	X(EXEC, "exec")         /* into a program that this one never ran */                       \
	X(ROLE, "role")         /* creates a task where this role never did */

typedef enum {
#define X(name, text) GAIT_VERDICT_##name,
	GAIT_VERDICTS(X)
#undef X
	    GAIT_VERDICT_N_,
} GaitVerdict;

/* As in logs and options: "library". Static. */
const char *gait_verdict_name(GaitVerdict verdict);
/* GAIT_VERDICT_N_ where the name is not one. */
GaitVerdict gait_verdict_from_name(const char *name);
/*
 * How far in a kind lies, for "strict up to": a kind counts where its rank is not above that of the
 * kind named. An exec always counts (0); a role is told by the site of a creation (as site).
 */
guint gait_verdict_rank(GaitVerdict verdict);

/* A model compiled for walking. Immutable; shared by all walkers and threads. Keeps a borrowed
 * model, which must outlive it. */
typedef struct _GaitWalkTable GaitWalkTable;

/* NULL with GAIT_ERROR_TOO_LARGE where the model does not fit 32-bit indices. */
GaitWalkTable *gait_walk_table_new(const GaitModel *model, GError **error);
GaitWalkTable *gait_walk_table_ref(GaitWalkTable *table);
void gait_walk_table_unref(GaitWalkTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitWalkTable, gait_walk_table_unref)
/* Borrowed. */
const GaitModel *gait_walk_table_get_model(const GaitWalkTable *table);
/* gait_model_dup_digest() of it, worked out when it is first asked for; borrowed, any thread. */
const char *gait_walk_table_get_digest(const GaitWalkTable *table);
/* The flat block itself, header->size bytes: what a BPF map is filled with. */
const struct gait_walk_header *gait_walk_table_get_header(const GaitWalkTable *table);

/*
 * The module a live or recorded one is in the model: exact by (name, build_id), wherever it lies;
 * else, with *is_stale set, by its path; else GAIT_NONE. A missing build-id ("") never equals
 * another. Not for the hot path: ask once a module.
 */
guint32 gait_walk_table_find_module(const GaitWalkTable *table, const char *path,
                                    const char *build_id, gboolean *is_stale);
/* Whether the model has a module of the same name, in whatever directory. */
gboolean gait_walk_table_has_namesake(const GaitWalkTable *table, const char *path);

typedef struct _GaitWalker GaitWalker;

/* A walker at the start of a program (index in the model) in role main. */
GaitWalker *gait_walker_new(const GaitWalkTable *table, guint32 program);
/*
 * One whose past is not known (-p): it may be in any role, phase and state. Each allowed call rules
 * some of them out; what none of those left does is refused. flags: GAIT_TASK_THREAD where it is
 * known not to be its process's first thread, and so of a role that is made by creating threads.
 */
GaitWalker *gait_walker_new_joined(const GaitWalkTable *table, guint32 program, guint32 flags);
/*
 * A child of parent, created by the parent's last call. flags as GAIT_EVENT_FORK's: a thread starts
 * every automaton anew, other children continue the parent's states. Where the model has no such
 * role the child gets the parent's role, in an unknown phase; where the site of the creation is not
 * known and several roles fit, an unknown role that tightens as a joined one's.
 */
GaitWalker *gait_walker_fork(const GaitWalker *parent, guint32 flags);
/*
 * Whether parent may have a child of this kind, by what the call itself could not tell: ROLE where
 * the creation never made a task (it always failed), or never a thread, or where no call is known
 * that could have made one. ALLOW too where the call was a violation already.
 */
GaitVerdict gait_walker_check_fork(const GaitWalker *parent, guint32 flags);
void gait_walker_free(GaitWalker *walker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitWalker, gait_walker_free)

/*
 * The verdict on the task's next system call. Where it is ALLOW the walker has moved; else it has
 * not: the caller either refuses the call, and the walker is right as it is, or lets it happen and
 * calls gait_walker_resync() with the same event. Allocates nothing.
 */
GaitVerdict gait_walker_step(GaitWalker *walker, const struct gait_walk_event *event);
/* The same verdict without the move: for a call on which more than the walker has to agree (exec).
 */
GaitVerdict gait_walker_judge(const GaitWalker *walker, const struct gait_walk_event *event);
/*
 * After a violation that was let through: moves to the symbol if it is known, so that one surprise
 * is one line; an unknown one makes the library's state "anywhere". A call that this phase does not
 * have, but an earlier or later one does, leaves the phase known as a lower bound only.
 */
void gait_walker_resync(GaitWalker *walker, const struct gait_walk_event *event);
/* Whether the model has the event's symbol and an edge to it from where the walker stands, whatever
 * the verdict. TRUE where the event has no site to judge by, and for calls that never make an edge.
 */
gboolean gait_walker_knows_edge(const GaitWalker *walker, const struct gait_walk_event *event);

/*
 * A walker's position and states in flat memory, where another one (the in-kernel tier's) goes on
 * with them: row d, of `stride` slots, is that inside of d handlers (contexts.h). put: FALSE where
 * it is inside of more handlers than there are rows. What is not known of its role is not put: the
 * other one may take it for any. take: the program is one of the table's.
 */
gboolean gait_walker_put(const GaitWalker *walker, struct gait_walk_position *position,
                         guint32 *rows, guint32 stride, guint32 n_rows, guint32 *depth);
void gait_walker_take(GaitWalker *walker, const struct gait_walk_position *position,
                      const guint32 *rows, guint32 stride, guint32 n_rows, guint32 depth);

/* Lifecycle, as the events of the same names. */
GaitVerdict gait_walker_check_exec(const GaitWalker *walker,
                                   guint32 program); /* ALLOW or EXEC; GAIT_NONE: unknown */
/*
 * The task's last call has executed a program: another one is entered as main, its own in the role
 * that this call leads to. Where that is not known it is a role that tightens as a joined task's
 * does, of those that execve leads to.
 */
void gait_walker_exec(GaitWalker *walker, guint32 program);
void gait_walker_signal(GaitWalker *walker);
void gait_walker_unwind(GaitWalker *walker, guint64 n_handlers);
void gait_walker_lost(GaitWalker *walker); /* every state becomes "anywhere" */

/* Where it stands, as indices into the model; GAIT_NONE where it is not known. */
guint32 gait_walker_get_program(const GaitWalker *walker);
guint32 gait_walker_get_role(const GaitWalker *walker);
guint32 gait_walker_get_phase(const GaitWalker *walker);
/* State of the module's automaton (GAIT_STATE_…), GAIT_NONE for "anywhere" or no automaton. */
guint32 gait_walker_get_state(const GaitWalker *walker, guint32 module);
/* Appends all of it in words: a line, and one more for each library that has left its start. */
void gait_walker_print(const GaitWalker *walker, GString *out);
