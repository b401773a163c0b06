/* SPDX-License-Identifier: Apache-2.0 */
/* What syscall.c (classes) and syscall-args.c (their names) share: which argument decides what a
 * call does. */
#pragma once

#include "sysgait/syscall.h"

/*
 * Kinds of deciding arguments: name, bits that make the class, bits worth keeping in a trace (for
 * people, and for a finer class one day), width in the class in bits. All are 32-bit values for the
 * kernel, or such that it refuses higher bits: the upper half of the register is never looked at.
 *
 * OPEN: what may be done with the file, not how (O_CLOEXEC, O_NONBLOCK …). O_TRUNC and O_TMPFILE
 * change the file system even where the rest only reads; O_PATH gives no access at all.
 * CLONE: without the exit signal in the low byte. MSGCTL, SEMCTL, SHMCTL: without IPC_64. FUTEX:
 * without PRIVATE and CLOCK_REALTIME.
 */
#define GAIT_ARG_KINDS(X)                                                                          \
	X(OPEN, 0x600243, 0xffffffff, 32)                                                          \
	X(PROT, 0x0300000f, 0x0300000f, 32)                                                        \
	X(DOMAIN, 0xffff, 0xffff, 16)                                                              \
	X(TYPE, 0xf, 0x8080f, 4)                                                                   \
	X(CLONE, 0xffffff00, 0xffffffff, 32)                                                       \
	X(NAMESPACE, 0xffffffff, 0xffffffff, 32)                                                   \
	X(SIGNAL, 0x7f, 0x7f, 7)                                                                   \
	X(FUTEX, 0x7f, 0x1ff, 7)                                                                   \
	X(MSGCTL, 0xff, 0xff, 8)                                                                   \
	X(SEMCTL, 0xff, 0xff, 8)                                                                   \
	X(SHMCTL, 0xff, 0xff, 8)                                                                   \
	X(FCNTL, 0xffffffff, 0xffffffff, 32)                                                       \
	X(IOCTL, 0xffffffff, 0xffffffff, 32)                                                       \
	X(PRCTL, 0xffffffff, 0xffffffff, 32)                                                       \
	X(ARCH_PRCTL, 0xffffffff, 0xffffffff, 32)                                                  \
	X(MADVISE, 0xffffffff, 0xffffffff, 32)                                                     \
	X(KEYCTL, 0xffffffff, 0xffffffff, 32)                                                      \
	X(BPF, 0xffffffff, 0xffffffff, 32)                                                         \
	X(PTRACE, 0xffffffff, 0xffffffff, 32)                                                      \
	X(SECCOMP, 0xffffffff, 0xffffffff, 32)                                                     \
	X(QUOTA, 0xffffffff, 0xffffffff, 32)                                                       \
	X(EPOLL, 0xffffffff, 0xffffffff, 32)                                                       \
	X(PERSONALITY, 0xffffffff, 0xffffffff, 32)

typedef enum {
	GAIT_ARG_NONE,
#define X(name, klass, kept, width) GAIT_ARG_##name,
	GAIT_ARG_KINDS(X)
#undef X
	    GAIT_ARG_N_,
} GaitArgKind;

/* One deciding argument of a call. */
typedef struct {
	guint8 kind;  /* GaitArgKind; NONE ends the list */
	guint8 index; /* register argument, 0 to 5 */
	guint8 shift; /* where it is in the class */
} GaitArg;

#define GAIT_MAX_ARGS 2

/* The deciding arguments of nr, GAIT_MAX_ARGS of them; never NULL. */
const GaitArg *gait_syscall_get_args(guint32 nr);
guint32 gait_arg_class_mask(GaitArgKind kind);

typedef struct {
	const char *name;
	guint32 value;
} GaitArgName;

/* How a kind is written: the bits under one_of are one enumerated value, the others flags. */
typedef struct {
	const GaitArgName *names;
	gsize n_names;
	guint32 one_of;
} GaitVocabulary;

const GaitVocabulary *gait_arg_get_vocabulary(GaitArgKind kind);
/* Whether the enumerated value is a signal, which has names of its own. */
gboolean gait_arg_has_signal(GaitArgKind kind);
