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

/* What gait_syscall_class() does, for who cannot call it: the bits under mask of an argument, moved
 * up by shift; mask 0 ends the list. */
typedef struct {
	guint8 index, shift;
	guint32 mask;
} GaitClassPart;
enum { GAIT_MAX_CLASS_PARTS = 2 };
void gait_syscall_get_class_parts(guint32 nr, GaitClassPart parts[GAIT_MAX_CLASS_PARTS]);

/*
 * What a trace keeps of the six registers: of the arguments that make the class, the bits worth
 * keeping (a superset of the class's: O_CLOEXEC, FUTEX_PRIVATE_FLAG …, for people); all else 0. The
 * class of what is kept is the class of the original.
 */
void gait_syscall_keep_args(guint32 nr, const guint64 args[6], guint64 kept[6]);

/*
 * The name of nr ("openat"), or "syscall_NNN"; after four thousand different numbers that the
 * kernel does not have, "syscall_unknown". Borrowed, static lifetime, thread-safe.
 */
const char *gait_syscall_name(guint32 nr);

/* The number of a native x86-64 syscall by name ("openat", "syscall_999", "syscall_0x3e7"), or -1.
 */
gint32 gait_syscall_from_name(const char *name);

/* The highest native number that libseccomp has a name for. */
guint32 gait_syscall_get_max(void);

/* Appends "openat(O_RDONLY|O_CREAT)", or "read" where the class says nothing, to out. */
void gait_syscall_format(GString *out, guint32 nr, guint32 klass);
/* The same as a string of its own. */
char *gait_syscall_dup(guint32 nr, guint32 klass);

/* The same with all bits that gait_syscall_keep_args() keeps: "openat(O_RDONLY|O_CLOEXEC)". */
void gait_syscall_format_args(GString *out, guint32 nr, const guint64 args[6]);

/*
 * Reads the registers that gait_syscall_keep_args() keeps (others are 0) out of what
 * gait_syscall_format() printed between the parentheses, or of an strace line's arguments
 * ("AT_FDCWD, \"/x\", O_RDONLY|O_CLOEXEC"). Returns FALSE where a flag name is not known; args then
 * has those that are.
 */
gboolean gait_syscall_parse_registers(guint32 nr, const char *text, guint64 args[6]);

/*
 * For readers of strace's lines: where a string literal, a comment or the decoration of a
 * descriptor ("3</tmp/a,b>") starts at `at`, what comes behind it; else `at`. begin and end bound
 * the line.
 */
const char *gait_syscall_skip_opaque(const char *at, const char *begin, const char *end);

/* Appends "SIGTERM", "SIGRT_2" (the kernel's 34, as strace counts), or the number. */
void gait_signal_format(GString *out, gint32 signo);
/* The signal that gait_signal_format() would print so, or -1; length bytes of name. */
gint32 gait_signal_from_name(const char *name, gsize length);

/* Come by chance and not by logic, so they are checked but do not move a walker (DESIGN §2): futex
 * and sched_yield when threads collide, brk when the heap has no room left. */
gboolean gait_syscall_is_incidental(guint32 nr);

/*
 * Ends the path of a library that is the runtime part of a program (gait_modules_get_runtime_part):
 * scheduler and collector, whose calls come when they come. They are checked for library, phase and
 * site, but move no walker.
 */
#define GAIT_RUNTIME_PART ":runtime"

/* clock_gettime, gettimeofday, time, getcpu: only seen where the vDSO cannot answer. Never make an
 * edge. */
gboolean gait_syscall_is_vdso(guint32 nr);

/*
 * munmap, mremap, madvise, and mmap and mprotect that reserve memory or give it to read and write:
 * come when a heap shrinks, moves or grows, and not when a program gets somewhere. (Some of these
 * map files, or make a stack; a call tells by nothing but what it points to, and its flags are no
 * part of its class.) klass: as gait_syscall_class() says.
 */
gboolean gait_syscall_is_heap(guint32 nr, guint32 klass);

/* poll, epoll_wait, nanosleep, wait4 …: where a task's main loop waits for what comes next. */
gboolean gait_syscall_is_wait(guint32 nr);

/* clone, clone3, fork, vfork: may create a task. */
gboolean gait_syscall_is_creation(guint32 nr);

/* execve, execveat. */
gboolean gait_syscall_is_exec(guint32 nr);

/*
 * How dangerous it is to leave a call allowed, in [0, 1]; the sources are in the table's comment.
 * Weighs phases (DESIGN §2).
 */
double gait_syscall_danger(guint32 nr);
/* Whether it is none of those that evidence speaks against: the least danger there is. */
gboolean gait_syscall_is_harmless(guint32 nr);
