/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls by number and name, and their argument classes: the part of the scalar register
 * arguments that decides what a call does (open flags, PROT bits, socket domain, ioctl operation).
 * Never memory behind a pointer. Native x86-64 numbers; names come from libseccomp.
 */
#pragma once

#include <glib.h>

/*
 * The argument class of a call: 0 where the call has none. `args` are the six register arguments.
 * Pure, no allocation: called per event. Two calls with the same (nr, class) do the same kind of
 * thing.
 */
guint32 gait_syscall_class(guint32 nr, const guint64 args[6]);

/* The name of nr ("openat"), or "syscall_NNN". Borrowed, static lifetime, thread-safe. */
const char *gait_syscall_name(guint32 nr);

/* The number of a native x86-64 syscall by name ("openat", "syscall_999"), or -1. */
gint32 gait_syscall_from_name(const char *name);

/* Appends "openat(O_RDONLY|O_CREAT)", or "read" where the class says nothing, to out. */
void gait_syscall_format(GString *out, guint32 nr, guint32 klass);

/*
 * Parses the class out of what gait_syscall_format printed between the parentheses, or of an strace
 * line's arguments ("AT_FDCWD, \"/x\", O_RDONLY|O_CLOEXEC"): see syscall.c. Returns FALSE where a
 * flag name is not known; *klass is then the class of those that are.
 */
gboolean gait_syscall_parse_args(guint32 nr, const char *args, guint32 *klass);

/* futex, sched_yield: come when threads collide, so they are checked but do not move a walker
 * (DESIGN §2). */
gboolean gait_syscall_is_scheduling(guint32 nr);

/* clock_gettime, gettimeofday, time, getcpu: only seen where the vDSO cannot answer. Never make an
 * edge. */
gboolean gait_syscall_is_vdso(guint32 nr);

/* clone, clone3, fork, vfork: may create a task. */
gboolean gait_syscall_is_creation(guint32 nr);

/* execve, execveat. */
gboolean gait_syscall_is_exec(guint32 nr);

/*
 * How dangerous it is to leave a call allowed, in [0, 1]; the sources are in the table's comment.
 * Weighs phases (DESIGN §2).
 */
double gait_syscall_danger(guint32 nr);
