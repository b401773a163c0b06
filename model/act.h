/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts: what system calls do for an attacker, whatever their names. openat, openat2 and creat open
 * a file; who has one of them has them all, so a filter that forbids the one and allows the other
 * has forbidden nothing. Surfaces and payloads are counted in acts.
 */
#pragma once

#include <glib.h>

/* Name, and how it is said of an attacker: "could …". */
#define GAIT_ACTS(X)                                                                               \
	X(EXECUTE, "run a program")                                                                \
	X(SPAWN, "create a task")                                                                  \
	X(MAP_CODE, "make memory executable")                                                      \
	X(CREATE_MEMFD, "make a file in memory")                                                   \
	X(SOCKET, "open an internet socket")                                                       \
	X(RAW_SOCKET, "open a raw, packet or kernel socket")                                       \
	X(CONNECT, "connect")                                                                      \
	X(BIND, "bind")                                                                            \
	X(LISTEN, "listen")                                                                        \
	X(ACCEPT, "accept a connection")                                                           \
	X(DUPLICATE, "duplicate a descriptor")                                                     \
	X(OPEN_READ, "open a file to read")                                                        \
	X(OPEN_WRITE, "open a file to write")                                                      \
	X(READ, "read or receive")                                                                 \
	X(WRITE, "write or send")                                                                  \
	X(TRANSFER, "send a file as it is")                                                        \
	X(SEEK, "move in a file")                                                                  \
	X(REMOVE, "remove a file")                                                                 \
	X(RENAME, "rename a file")                                                                 \
	X(LINK, "link a file")                                                                     \
	X(MAKE_DIRECTORY, "make a directory")                                                      \
	X(TRUNCATE, "truncate a file")                                                             \
	X(CHANGE_MODE, "change a file's mode")                                                     \
	X(CHANGE_OWNER, "change a file's owner")                                                   \
	X(BECOME_USER, "change user")                                                              \
	X(BECOME_GROUP, "change group")                                                            \
	X(SET_CAPABILITIES, "change capabilities")                                                 \
	X(CHANGE_DIRECTORY, "change directory")                                                    \
	X(CHANGE_ROOT, "change the root")                                                          \
	X(MOUNT, "mount")                                                                          \
	X(UNMOUNT, "unmount")                                                                      \
	X(NAMESPACE, "enter a namespace")                                                          \
	X(SIGNAL, "signal a process")                                                              \
	X(TRACE, "trace a process")                                                                \
	X(WRITE_MEMORY, "write another's memory")                                                  \
	X(TAKE_DESCRIPTOR, "take another's descriptor")                                            \
	X(LOAD_MODULE, "load a kernel module")                                                     \
	X(LOAD_BPF, "load a BPF program")                                                          \
	X(SETUP_URING, "set up an io_uring")                                                       \
	X(USE_KEYS, "use the kernel's keys")                                                       \
	X(CHANGE_PERSONALITY, "change the personality")                                            \
	X(OPEN_HANDLE, "open a file by its handle")                                                \
	X(CONTROL, "control a device")                                                             \
	X(REBOOT, "reboot")                                                                        \
	X(NAME_HOST, "rename the host")

typedef enum {
#define X(name, text) GAIT_ACT_##name,
	GAIT_ACTS(X)
#undef X
	    GAIT_ACT_N_,
} GaitAct;

/* "run a program". Static. */
const char *gait_act_text(GaitAct act);
/* Whether a call with this argument class does it. A call may do several. */
gboolean gait_act_matches(GaitAct act, guint32 nr, guint32 klass);
/* The acts that a call does, bit i for act i. */
guint64 gait_act_mask(guint32 nr, guint32 klass);
/* The danger of the most dangerous of the native calls that do it (gait_syscall_danger()). */
double gait_act_danger(GaitAct act);
/* The sum over a mask: the danger-weighted surface. */
double gait_act_surface(guint64 mask);
