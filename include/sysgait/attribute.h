/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attribution: from registers and stack memory of a stopped task to issuer, responsible library and
 * call site (DESIGN §1). Unwinding goes by unwind tables, and by libunwind where they do not say
 * enough, over one snapshot of the stack; results are interned.
 */
#pragma once

#include "sysgait/space.h"

/* DWARF numbering for x86-64. */
enum {
	GAIT_REGISTER_RBP = 6,
	GAIT_REGISTER_RSP = 7,
	GAIT_REGISTER_RIP = 16,
	GAIT_N_REGISTERS = 17
};

typedef struct {
	guint64 value[GAIT_N_REGISTERS]; /* rip is that after the syscall instruction */
	guint32 known;                   /* bit i: value[i] is known. rsp and rip always are */
} GaitRegisters;

struct user_regs_struct;
/* All of them, as ptrace tells them; they are all known. */
void gait_registers_from_user(GaitRegisters *registers, const struct user_regs_struct *user);

typedef enum {
	GAIT_STACK_EXACT,         /* by CFI all the way to the site */
	GAIT_STACK_FRAME_POINTER, /* with frame pointers where a module has no CFI */
	GAIT_STACK_UNKNOWN,       /* could not be unwound: library is [unknown] */
	GAIT_STACK_N_,
} GaitStackStatus;

typedef struct {
	GaitModule *module;
	guint64 offset; /* file offset of the pc: after the syscall instruction, or the return
	                   address; 0 in [anon] */
} GaitStackFrame;

/* An interned call stack: equal stacks are one object, which lives as long as its attributor. */
typedef struct {
	guint32 id; /* dense, from 0 */
	GaitStackStatus status;
	guint32 n_frames; /* at least 1; at least up to the site */
	guint32 site; /* index of the frame whose module is the responsible library. Where status is
	                 UNKNOWN that frame's module is [unknown], offset 0 */
	/* frames[0] is the issuer. Unless it is the site, too, it is the first of the instructions
	   of its function that the code loads with the same number: libc has two of many calls. */
	GaitStackFrame frames[];
} GaitStack;

typedef struct {
	gboolean full_stacks; /* keep all frames (bounded), not only those up to the site */
} GaitAttributorOptions;

/* Counts of gait_attributor_attribute() since the attributor was made. */
typedef struct {
	guint64 n_events;        /* all that were attributed */
	guint64 n_by_libunwind;  /* unwind tables were not enough */
	guint64 n_unknown;       /* GAIT_STACK_UNKNOWN */
	guint64 n_frame_pointer; /* GAIT_STACK_FRAME_POINTER */
} GaitAttributorStats;

typedef struct _GaitAttributor GaitAttributor;

/* modules is borrowed and must outlive the attributor. */
GaitAttributor *gait_attributor_new(GaitModules *modules, const GaitAttributorOptions *options);
void gait_attributor_free(GaitAttributor *attributor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitAttributor, gait_attributor_free)

typedef enum {
	GAIT_ATTRIBUTION_DONE,            /* *stack is set; its status may still be UNKNOWN */
	GAIT_ATTRIBUTION_NEEDS_REGISTERS, /* cannot be told without registers that are not known:
	                                     ask again with them */
	GAIT_ATTRIBUTION_GONE,            /* the task vanished */
	GAIT_ATTRIBUTION_N_,
} GaitAttribution;

/*
 * Attributes one system call entry of a task that is stopped at it. Rules: unwinding starts at the
 * syscall instruction itself (rip - 2); the site is the first frame outside the runtime set; where
 * there is none, frame 0; rt_sigreturn is its own site; a signal frame ends the walk. Where the
 * program has no runtime module (static), the site is the frame above the function that holds the
 * instruction.
 */
GaitAttribution gait_attributor_attribute(GaitAttributor *attributor, GaitSpace *space, pid_t task,
                                          guint32 nr, const GaitRegisters *registers,
                                          const GaitStack **stack);
/* What is known of a stack before it is read: size bytes from the stack pointer on. */
typedef struct {
	guint size; /* 0: nothing */
	guint8 bytes[256];
} GaitStackTop;

/*
 * The same by what is known already of the code that is met, or FALSE. Changes nothing but the
 * attributor: several attributors of several threads may do this at the same time, on the same
 * space, as long as nobody changes the space or modules meanwhile (any other function of this
 * header and of space.h may).
 */
gboolean gait_attributor_recall(GaitAttributor *attributor, GaitSpace *space, pid_t task,
                                guint32 nr, const GaitRegisters *registers, const GaitStackTop *top,
                                const GaitStack **stack);
/*
 * Of a call that is over, or may be. From a copy of its stack, and from where modules lie now: size
 * bytes from the stack pointer on (at most GAIT_STACK_COPY_MAX). What is not in there counts as not
 * there: the stack's status is UNKNOWN then.
 */
enum { GAIT_STACK_COPY_MAX = 65536 };
const GaitStack *gait_attributor_attribute_copy(GaitAttributor *attributor, GaitSpace *space,
                                                pid_t task, guint32 nr,
                                                const GaitRegisters *registers, const guint8 *bytes,
                                                gsize size);
/*
 * From frames that the kernel has walked by the same rules: frames[0] after the system call
 * instruction, then return addresses up to the responsible one, frames[site], site < 128.
 */
const GaitStack *gait_attributor_adopt(GaitAttributor *attributor, const GaitStackFrame *frames,
                                       guint32 site);
void gait_attributor_get_stats(const GaitAttributor *attributor, GaitAttributorStats *stats);
