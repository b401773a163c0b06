/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of an strace log, taken apart: who, when, and what it says. Knows the syntax of strace
 * (4.x to 6.x, with -f -i -k -n -r -t -T -y -Y in any mix) and nothing of tasks.
 */
#pragma once

#include <glib.h>

typedef enum {
	GAIT_STRACE_BLANK,
	GAIT_STRACE_CALL,       /* name(args) = result */
	GAIT_STRACE_UNFINISHED, /* name(args <unfinished ...> */
	GAIT_STRACE_DETACHED,   /* name(args <detached ...>: strace let go of the task */
	GAIT_STRACE_RESUMED,    /* <... name resumed>args) = result */
	GAIT_STRACE_SIGNAL,     /* --- SIGCHLD {…} --- */
	GAIT_STRACE_STOPPED,    /* --- stopped by … --- */
	GAIT_STRACE_EXITED,     /* +++ exited with … +++, +++ killed by … +++ */
	GAIT_STRACE_SUPERSEDED, /* +++ superseded by execve in pid … +++ */
	GAIT_STRACE_FRAME,      /* of a stack (-k) */
	GAIT_STRACE_ATTACHED,   /* strace: Process … attached */
	GAIT_STRACE_MODE,       /* strace: [ Process PID=… runs in 32 bit mode. ] */
	GAIT_STRACE_MESSAGE,    /* anything else strace says of itself */
	GAIT_STRACE_FRAGMENT,   /* the beginning of a call, without its end */
	GAIT_STRACE_OTHER,      /* not strace's */
	GAIT_STRACE_N_,
} GaitStraceKind;

typedef enum {
	GAIT_STRACE_NO_TIME,
	GAIT_STRACE_EPOCH,    /* since 1970 (-ttt) */
	GAIT_STRACE_CLOCK,    /* of the day (-t, -tt) */
	GAIT_STRACE_RELATIVE, /* since the line before (-r) */
} GaitStraceTime;

/* Strings are parts of the line. */
typedef struct {
	GaitStraceKind kind;
	gint32 pid;           /* 0 where the line does not say */
	gboolean has_bracket; /* "[pid 12]": the log was written to a terminal or stderr */
	GaitStraceTime time;
	guint64 time_ns;
	gint32 nr;           /* system call number (-n); -1 */
	const char *name;    /* of the call or signal */
	const char *args;    /* CALL, UNFINISHED, FRAGMENT: what is between the parentheses */
	gboolean has_result; /* CALL, RESUMED: it is a number and not "?" */
	gint64 result;
	gint64 own_result; /* a pid as strace itself sees it, if it said so; else 0 */
	gint32 status;     /* EXITED: as from waitpid */
	gint32 other_pid;  /* SUPERSEDED: who takes over; ATTACHED, MODE: whom it is about */
	gboolean is_32bit; /* MODE */
	/* FRAME: NULL where strace could not tell. */
	const char *module, *function;
	guint64 offset, delta;
} GaitStraceLine;

/* text is a whole line without its newline, and is written to. */
void gait_strace_parse_line(char *text, GaitStraceLine *line);

/* The string that starts at text ("\"/bin/true\"…"), unescaped; NULL where there is none. */
char *gait_strace_dup_string(const char *text);
