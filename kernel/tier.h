/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel tier: a BPF program at the entry of every system call of the tasks that were added
 * to it (gait.bpf.c), which sends off what they do, or walks it through a model and acts on what is
 * out of gait. It sees system calls and nothing else: births, execs, signals and deaths are told to
 * it, while the task is stopped.
 */
#pragma once

#include "sysgait/attribute.h"
#include "sysgait/walker.h"

#include "kernel/denial.h"
#include "kernel/shared.h"

typedef struct {
	gboolean is_recording; /* every call is sent off */
	/* While half of the ring is full tasks stop (by a SIGSTOP of the kernel's, which the tracer
	   hides) when they have finished a call: nothing is lost. Needs tasks that are traced. */
	gboolean is_lossless;
	gsize ring_size; /* bytes, a power of two from GAIT_TIER_MIN_RING on; 0: enough for most */
	/* The model that calls are walked through; NULL: they are not. */
	const GaitWalkTable *table;
	/* GAIT_TIER_N_SYSCALLS of them: what is done about violations. NULL without a table. */
	const struct gait_tier_syscall *syscalls;
	const GaitDenial
	    *denial; /* refuses calls that are to be refused; NULL: they are killed for */
} GaitTierOptions;

/* What comes from the kernel, in the order in which it happened. */
typedef struct {
	/* raw: NULL where the stack was told of before (call->stack). Unless the task is
	   GAIT_TIER_TASK_SIGNALLED call may have no tid, ip and sp, and the low halves of args. */
	void (*call)(const struct gait_tier_call *call, const struct gait_tier_raw *raw,
	             gpointer data);
	void (*violation)(const struct gait_tier_raw *raw, gpointer data);
	/* A task is hidden from the tracer: it is killed at its first call. born_ns: since the
	   machine was started. */
	void (*stranger)(pid_t tid, guint64 born_ns, gpointer data);
	/* Not from there: a file that the program is told of, of a process that is about to run its
	   code. */
	void (*file)(GaitModule *module, gpointer data);
} GaitTierCallbacks;

typedef struct _GaitTier GaitTier;

/* options' pointers are not needed any more afterwards; modules is borrowed. */
GaitTier *gait_tier_new(const GaitTierOptions *options, GaitModules *modules,
                        const GaitTierCallbacks *callbacks, gpointer data, GError **error);
void gait_tier_free(GaitTier *tier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTier, gait_tier_free)
/* Whether tasks' stacks are read where they lie; otherwise they are copied, which takes longer. */
gboolean gait_tier_reads_directly(const GaitTier *tier);
/* From now on no more is seen, and nobody is stopped; what has come can still be drained. */
void gait_tier_detach(GaitTier *tier);
/* Whether this kernel, and these privileges, can do it; GAIT_ERROR_UNSUPPORTED says what is
 * missing. Tried out. */
gboolean gait_tier_probe(GError **error);

/*
 * A slot for a task that is stopped: zeroed, to be filled in; the task's calls are seen from the
 * next one on. NULL with error where all are taken. *index is its number.
 */
struct gait_tier_slot *gait_tier_add(GaitTier *tier, pid_t tid, guint32 *index, GError **error);
/* The task is gone, or let go. */
void gait_tier_remove(GaitTier *tier, guint32 index);
struct gait_tier_slot *gait_tier_get_slot(GaitTier *tier, guint32 index);
/* Rows of the slot's states, of `stride` each; NULL without a table. */
guint32 *gait_tier_get_states(GaitTier *tier, guint32 index, guint32 *stride);

/* Before its first call: the task was made by that of the slot `parent`. It runs the same program,
 * and is in the same address space, or in a copy, as its calls show. */
void gait_tier_note_parent(GaitTier *tier, guint32 index, guint32 parent);
/*
 * The task runs another program: what is remembered of where code lies is so no more. tid: its
 * number, which is another one where it was not its process's first thread. FALSE with error where
 * the kernel would not take it.
 */
gboolean gait_tier_note_exec(GaitTier *tier, guint32 index, pid_t tid, GError **error);
/* A task that was GAIT_TIER_TASK_STATIC has a runtime file by now. It may be running. */
void gait_tier_note_runtime(GaitTier *tier, guint32 index);
/* Tells the program of the files whose code a process has mapped. Whether it is static: none of
 * them is of the runtime set. */
gboolean gait_tier_learn_process(GaitTier *tier, pid_t pid);
/* The same of files of which a part lies in a range of a process, and will be code. */
void gait_tier_learn_range(GaitTier *tier, pid_t pid, guint64 start, guint64 end);
/*
 * Notes where the code of a slot's process lies, as far as its files are known, so that the program
 * need not ask for it when other threads keep the kernel from answering. FALSE: not now, since code
 * is moving.
 */
gboolean gait_tier_learn_ranges(GaitTier *tier, guint32 index, pid_t pid);
/* The slot's task, which is stopped, is through with a call that moves code. */
void gait_tier_note_moved(GaitTier *tier, guint32 index);
/* The same of the file behind a descriptor of a task's, which is about to map a part as code. */
void gait_tier_learn_descriptor(GaitTier *tier, pid_t task, int descriptor, guint64 offset,
                                guint64 size);

/*
 * The stack of a record's call, by a task of that space: as gait_attributor_attribute() would have
 * found it; its status may be UNKNOWN.
 */
const GaitStack *gait_tier_attribute(const GaitTier *tier, GaitAttributor *attributor,
                                     GaitSpace *space, pid_t task, const struct gait_tier_raw *raw);

/* For poll(). */
int gait_tier_get_fd(const GaitTier *tier);
/* Hands over what has come. */
void gait_tier_drain(GaitTier *tier);
