/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address space: which module lies where in a process's memory, kept exact while it changes.
 * Shared by the tasks that share memory (threads, vfork children), so it is reference counted.
 */
#pragma once

#include "sysgait/module.h"

typedef struct _GaitSpace GaitSpace;

/* pid: any task of the address space. Mappings are read on first use. */
GaitSpace *gait_space_new(GaitModules *modules, pid_t pid);
/* The copy that a fork makes. */
GaitSpace *gait_space_copy(const GaitSpace *space, pid_t pid);
GaitSpace *gait_space_ref(GaitSpace *space);
void gait_space_unref(GaitSpace *space);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitSpace, gait_space_unref)

/*
 * To be told of every system call entry of every task of the space, before attribution of that
 * event: a call that can change executable mappings (mmap with PROT_EXEC, munmap, mremap, mprotect,
 * … over executable ranges) puts the space in flux until the same task's next event; while in flux
 * mappings are read anew. task: any number that is the task's own. nr: native; G_MAXUINT32 for a
 * call of a foreign architecture, which may be any.
 */
void gait_space_note_syscall(GaitSpace *space, pid_t task, guint32 nr, const guint64 args[6]);
/*
 * Whether telling the space of this call would change anything: where not, it need not be told.
 * Changes nothing itself; see gait_attributor_recall().
 */
gboolean gait_space_needs_telling(const GaitSpace *space, pid_t task, guint32 nr,
                                  const guint64 args[6]);
/* The task is gone: what it had in flux is done. */
void gait_space_note_exit(GaitSpace *space, pid_t task);
/*
 * Changes whenever executable mappings of files (not of anonymous memory) did; for caches. Equal
 * generations mean equal mappings, in different spaces too.
 */
guint64 gait_space_get_generation(const GaitSpace *space);

/* Module and file offset of an address; reads the mappings anew on a miss. NULL where nothing
 * executable is there. */
GaitModule *gait_space_find(GaitSpace *space, pid_t task, guint64 address, guint64 *offset);
