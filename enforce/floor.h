/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what is decided about a system call without a walker (DESIGN §7). Part of it is a
 * seccomp filter that decides in the kernel; the rest is a short table of calls with which a
 * supervised task could undo its supervision, refused unless the model learned them.
 */
#pragma once

#include "sysgait/model.h"
#include <linux/seccomp.h>

#include <linux/filter.h>

/* What the filter does with a call that it does not decide itself. */
typedef enum {
	GAIT_FLOOR_NOTIFY, /* SECCOMP_RET_USER_NOTIF */
	GAIT_FLOOR_TRACE,  /* SECCOMP_RET_TRACE */
	GAIT_FLOOR_ALLOW,  /* runs: something else in the kernel watches it */
	/* The same; but calls that make tasks, run programs, map code or signal are
	   SECCOMP_RET_USER_NOTIF. */
	GAIT_FLOOR_NOTIFY_PIVOTAL,
	/* The same; and of calls that act those, too, that no hook can refuse (kernel/denial.h);
	   and all calls that are rare (enforce/rare.h), for which hooks are not worth their while.
	 */
	GAIT_FLOOR_NOTIFY_UNHOOKED,
	/* The same of every call that acts: all but those of which a kill leaves nothing. */
	GAIT_FLOOR_NOTIFY_ACTIVE,
	GAIT_FLOOR_N_,
} GaitFloorHandover;

typedef struct _GaitFloor GaitFloor;

/* What is decided about a call by architecture and number alone. */
typedef enum {
	GAIT_FLOOR_HAND_OVER,
	GAIT_FLOOR_KILL,   /* the process */
	GAIT_FLOOR_ENOSYS, /* the call fails so */
	GAIT_FLOOR_DECISION_N_,
} GaitFloorDecision;

/*
 * The floor for a model. Foreign architectures and the x32 ABI are killed, numbers above
 * model->max_syscall get ENOSYS, everything else is handed over. With GAIT_FLOOR_ALLOW nobody
 * stops the guarded calls later, so then the filter refuses them itself; otherwise they are handed
 * over too, for the supervisor to refuse (gait_floor_get_refusal) and to log. streams: where calls
 * are walked in the kernel, descriptors, as bits: what reads from or writes to them is asked about,
 * whatever it would be otherwise.
 */
GaitFloor *gait_floor_new(const GaitModel *model, GaitFloorHandover handover, guint streams,
                          GError **error);
void gait_floor_free(GaitFloor *floor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitFloor, gait_floor_free)

/* The filter, for seccomp(SECCOMP_SET_MODE_FILTER). Borrowed. */
const struct sock_fprog *gait_floor_get_filter(const GaitFloor *floor);
/*
 * What the filter decides, for calls that come past none: those of a process that was running
 * already. Pure.
 */
GaitFloorDecision gait_floor_decide(const GaitFloor *floor, guint32 arch, guint32 nr);
/* Whether the filter asks the supervisor about a call (SECCOMP_RET_USER_NOTIF). Pure. */
gboolean gait_floor_asks(const GaitFloor *floor, const struct seccomp_data *call);
/* The same of all calls of this number, whatever their arguments. Only for
 * GAIT_FLOOR_NOTIFY_UNHOOKED. */
gboolean gait_floor_asks_always(const GaitFloor *floor, guint32 nr);
/* The errno with which a call is refused whatever the policy says; 0 where it is not. Pure. */
int gait_floor_get_refusal(const GaitFloor *floor, guint32 nr, const guint64 args[6]);
/* Names of the guarded calls that the model learned and that are therefore let through;
 * NULL-terminated, borrowed. Worth a warning. */
const char *const *gait_floor_get_learned(const GaitFloor *floor);
/* A line for people: "numbers above 462 get ENOSYS; refused: seccomp, ptrace, …". */
char *gait_floor_describe(const GaitFloor *floor);
