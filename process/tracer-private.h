/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tracer share. */
#pragma once

#include "sysgait/tracer.h"

#include <signal.h>
#include <time.h>

/* A task as the tracer knows it. */
typedef struct {
	GaitTask task;           /* first: a GaitTask * is a TracerTask * */
	GList turn;              /* in the tracer's turns */
	gboolean is_announced;   /* created() was called */
	gboolean is_interrupted; /* gait_tracer_interrupt(): the next stop is reported */
	gboolean is_letting_go;  /* gait_tracer_detach_all(): detached at its next stop */
	gboolean is_in_group_stop;
	gboolean stops_at_entry; /* PTRACE_SYSCALL, not PTRACE_CONT */
	gboolean stops_at_exit;  /* of the call that it is in, for gait_tracer_restore() */
	gboolean is_held;        /* gait_tracer_hold(): not resumed yet */
	gboolean is_at_entry;    /* stopped by PTRACE_SYSCALL, ahead of all filters */
	guint32 arch;            /* AUDIT_ARCH_… of the call, where the kernel said; else 0 */
	int refused;   /* errno that the call it is in fails with, gait_tracer_refuse(); else 0 */
	int delivered; /* a signal was let through: its handler may start now, or 0 */
	struct user_regs_struct before; /* registers when it was */
	/* See tracer-untraced.c. */
	gboolean is_restoring;
	guint64 restored_flags; /* clone flags as the target had them */
	guint64 flags_address;  /* where: 0 for the register */
	gboolean is_creating;   /* in a call that creates a task, of which nothing was heard */
} TracerTask;

/* A status of a task that is not known yet: its creator's event has not been seen. */
typedef struct {
	pid_t tid;
	int status;
	gint64 since_us;
} TracerOrphan;

/* A task that is kept at a stop. */
typedef struct {
	pid_t tid;
	gint64 until_us;
} TracerHeld;

struct _GaitTracer {
	GaitModules *modules;
	GaitTraceSyscalls syscalls;
	GaitTracerCallbacks callbacks;
	gpointer data;

	GHashTable *tasks; /* tid → TracerTask, owned */
	GQueue turns;      /* of TracerTask: who is asked next, see take_turns() */
	guint n_waited;    /* statuses that waitpid chose since then */
	GArray *orphans;   /* of TracerOrphan, in order of arrival; nearly always empty */
	GArray *held;      /* of TracerHeld; nearly always empty */

	pid_t root;
	int root_status;
	int exec_errno;
	gboolean is_launched, has_exit_kill;
	gboolean is_stopping, is_killing, is_letting_go;

	volatile sig_atomic_t is_woken;
	pid_t pid, tid; /* the tracer's own */
	gboolean has_timer;
	timer_t timer;
	gboolean has_more; /* with descriptors: there may be statuses that no signal announces */
	int child_signals; /* signalfd for SIGCHLD, -1 until a caller has descriptors to wait for */

	sigset_t saved_mask;
	guint64 saved_ignored; /* bit n - 1: signal n was ignored */
};

/* --- tracer.c */
TracerTask *gait_tracer_add(GaitTracer *tracer, pid_t tid, pid_t pid);
/* Calls created(), once. */
void gait_tracer_announce(GaitTracer *tracer, TracerTask *task, TracerTask *parent);
/* Calls exited() and forgets the task. */
void gait_tracer_remove(GaitTracer *tracer, TracerTask *task, int status);
long gait_tracer_get_options(const GaitTracer *tracer, gboolean is_launched);

/* --- tracer-loop.c */
/* For gait_tracer_wake(), which signals the calling thread. */
void gait_tracer_set_up_waking(GaitTracer *tracer);

/* --- tracer-stops.c: what a wait status means, and what is done about it. */
void gait_tracer_handle(GaitTracer *tracer, pid_t tid, int status);
/* Lets a stopped task go on, delivering signo if not 0. */
void gait_tracer_resume(TracerTask *task, int signo);

/* --- tracer-birth.c */
/* The event of a creator. */
void gait_tracer_handle_creation(GaitTracer *tracer, TracerTask *parent);
/* A status of a task that nobody has announced. */
void gait_tracer_keep_orphan(GaitTracer *tracer, pid_t tid, int status);
/* Takes in orphans whose creator is gone. */
void gait_tracer_adopt_orphans(GaitTracer *tracer);
/* Milliseconds until they should be looked at again; -1: there are none. */
int gait_tracer_get_orphan_timeout(const GaitTracer *tracer);

/* Lets a task that is stopped at a call's entry go on with it. */
void gait_tracer_resume_syscall(TracerTask *task);

/* --- tracer-restart.c */
/* At a stop that the target is not to see: changes the result of the call that it has ended. */
void gait_tracer_hide_stop(TracerTask *task, struct user_regs_struct *registers);

/* --- tracer-refuse.c */
/* Later stops of a call that was refused at its entry: at a filter's, and at the exit. */
void gait_tracer_skip_refused(TracerTask *task);
void gait_tracer_end_refused(TracerTask *task);

/* --- tracer-hold.c */
/* Lets go on whoever has been held for long enough, or all. */
void gait_tracer_release_held(GaitTracer *tracer, gboolean all);
/* Milliseconds until the next one is due; -1: there is none. */
int gait_tracer_get_hold_timeout(const GaitTracer *tracer);

/* --- tracer-untraced.c: calls that would create a task the tracer does not get. */
/* At a call's entry. TRUE: the task must stop at the call's exit, for gait_tracer_restore(). */
gboolean gait_tracer_keep_hold(TracerTask *task, const struct user_regs_struct *registers);
void gait_tracer_restore(TracerTask *task);
/* At the exit of a call that is_creating. */
void gait_tracer_check_creation(GaitTracer *tracer, TracerTask *task);
