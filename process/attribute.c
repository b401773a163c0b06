// SPDX-License-Identifier: Apache-2.0
/*
 * Attribution: which library is responsible for a system call, and from which site (DESIGN §1). The
 * rules are here and nothing else: frames come from the unwinder, modules from the space, stacks
 * are interned, and the memo answers for what was seen before. It never guesses: where the walk
 * outward cannot be trusted, the library is [unknown].
 */
#include "process/attribute-private.h"

#include "process/issuer.h"
#include "process/memo.h"
#include "process/module-private.h"
#include "process/space-private.h"
#include "process/stacks.h"
#include "process/unwind.h"

#include <asm/unistd.h>
#include <string.h>
#include <sys/user.h>

enum {
	MAX_FRAMES = 128,
};

struct _GaitAttributor {
	GaitModules *modules;
	GaitAttributorOptions options;
	GaitAttributorStats stats;
	GaitUnwinder *unwinder;
	GaitMemo *memo;
	GaitStacks *stacks;
	const GaitStack *unknown; /* where not even the issuer can be told apart */
	guint n_frames;
	GaitStackFrame frames[MAX_FRAMES];
};

void
gait_registers_from_user(GaitRegisters *registers, const struct user_regs_struct *user)
{
	*registers = (GaitRegisters){
	    .value = {user->rax, user->rdx, user->rcx, user->rbx, user->rsi, user->rdi, user->rbp,
	              user->rsp, user->r8, user->r9, user->r10, user->r11, user->r12, user->r13,
	              user->r14, user->r15, user->rip},
	    .known = (1u << GAIT_N_REGISTERS) - 1,
	};
}

GaitAttributor *
gait_attributor_new(GaitModules *modules, const GaitAttributorOptions *options)
{
	GaitAttributor *attributor = g_new0(GaitAttributor, 1);
	GaitStackFrame unknown = {gait_modules_get(modules, 0), 0};

	attributor->modules = modules;
	if (options)
		attributor->options = *options;
	attributor->unwinder = gait_unwinder_new(modules);
	attributor->memo = gait_memo_new();
	attributor->stacks = gait_stacks_new();
	attributor->unknown =
	    gait_stacks_intern(attributor->stacks, GAIT_STACK_UNKNOWN, &unknown, 1, 0);
	return attributor;
}

void
gait_attributor_free(GaitAttributor *attributor)
{
	if (!attributor)
		return;
	gait_unwinder_free(attributor->unwinder);
	gait_memo_free(attributor->memo);
	gait_stacks_free(attributor->stacks);
	g_free(attributor);
}

/* What a walk came to. */
typedef struct {
	GaitUnwindResult end;
	gint site; /* -1: none was found */
	GaitStackStatus status;
} Walk;

static gboolean
push_frame(GaitAttributor *attributor, const GaitUnwindFrame *frame)
{
	if (attributor->n_frames == MAX_FRAMES)
		return FALSE;
	attributor->frames[attributor->n_frames++] = (GaitStackFrame){frame->module, frame->offset};
	return TRUE;
}

/* Whether frame 0 is the site whatever called it. */
static gboolean
is_own_site(GaitModule *issuer, guint32 nr, gboolean is_static)
{
	GaitModuleKind kind = gait_module_get_kind(issuer);

	return nr == __NR_rt_sigreturn || (kind != GAIT_MODULE_FILE && kind != GAIT_MODULE_VDSO) ||
	       (!gait_module_is_runtime(issuer) && !is_static && !gait_module_get_go_table(issuer));
}

/* What Go says of a frame's function; PLAIN where it is not Go's. */
static GaitGoKind
get_go_kind(const GaitStackFrame *frame)
{
	const GaitGoTable *go = gait_module_get_go_table(frame->module);
	GaitGoFunction function;
	guint64 vaddr;

	return go && frame->offset > 0 &&
	               gait_module_get_vaddr(frame->module, frame->offset - 1, &vaddr) &&
	               gait_go_table_find(go, vaddr, &function)
	           ? function.kind
	           : GAIT_GO_PLAIN;
}

/* Whether a frame above frame 0 is outside the runtime: in Go that is some of a module's functions.
 */
static gboolean
is_responsible(const GaitStackFrame *frame, gboolean is_static)
{
	return (is_static || !gait_module_is_runtime(frame->module)) &&
	       get_go_kind(frame) != GAIT_GO_SYSCALL;
}

static void
set_site(GaitAttributor *attributor, Walk *walk, guint site)
{
	GaitStackFrame *frame = &attributor->frames[site];

	if (get_go_kind(frame) == GAIT_GO_RUNTIME)
		frame->module = gait_modules_get_runtime_part(attributor->modules, frame->module);
	walk->site = (gint)site;
	walk->status = gait_unwinder_used_frame_pointer(attributor->unwinder)
	                   ? GAIT_STACK_FRAME_POINTER
	                   : GAIT_STACK_EXACT;
}

/* Steps outward until the site is found, and on to the top if all frames are wanted. */
static void
walk_out(GaitAttributor *attributor, gboolean is_static, Walk *walk)
{
	GaitUnwindFrame frame;

	while (walk->site < 0 || attributor->options.full_stacks) {
		walk->end = gait_unwinder_step(attributor->unwinder, &frame);
		if (walk->end != GAIT_UNWIND_FRAME)
			break;
		/* A handler within the runtime: what it interrupted is not responsible. */
		if (frame.is_outermost || (frame.is_signal_frame && walk->site < 0)) {
			walk->end = GAIT_UNWIND_END;
			break;
		}
		if (!push_frame(attributor, &frame))
			break;
		if (walk->site < 0 &&
		    is_responsible(&attributor->frames[attributor->n_frames - 1], is_static))
			set_site(attributor, walk, attributor->n_frames - 1);
	}
	/* The runtime's own doing: start-up, a thread's first and last calls. Go's threads begin
	   without a caller. */
	if (walk->site < 0 && (walk->end == GAIT_UNWIND_END ||
	                       (walk->end == GAIT_UNWIND_FAILED && attributor->n_frames == 1 &&
	                        get_go_kind(&attributor->frames[0]) == GAIT_GO_RUNTIME)))
		set_site(attributor, walk, 0);
}

/* Which of two equal instructions of a function it was is a matter of luck; see issuer.c. A site is
 * told exactly. */
static void
settle_issuer(GaitAttributor *attributor)
{
	GaitStackFrame *issuer = &attributor->frames[0];

	issuer->offset = gait_issuer_find_first(issuer->module, issuer->offset);
}

/* The stack of a walk that failed: the issuer, as far as it is known, called by [unknown]. */
static const GaitStack *
intern_unknown(GaitAttributor *attributor)
{
	const GaitStack *stack;

	if (attributor->n_frames == 0)
		return attributor->unknown;
	settle_issuer(attributor);
	attributor->frames[1] = (GaitStackFrame){gait_modules_get(attributor->modules, 0), 0};
	stack =
	    gait_stacks_intern(attributor->stacks, GAIT_STACK_UNKNOWN, attributor->frames, 2, 1);
	return stack ? stack : attributor->unknown;
}

static const GaitStack *
intern_walk(GaitAttributor *attributor, const Walk *walk)
{
	guint32 n_frames =
	    attributor->options.full_stacks ? attributor->n_frames : (guint32)walk->site + 1;
	const GaitStack *stack;

	if (walk->site < 0)
		return intern_unknown(attributor);
	if (walk->site > 0)
		settle_issuer(attributor);
	stack = gait_stacks_intern(attributor->stacks, walk->status, attributor->frames, n_frames,
	                           (guint32)walk->site);
	return stack ? stack : intern_unknown(attributor);
}

/* Without memory. NULL: more registers are needed. */
static const GaitStack *
unwind(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
       const GaitRegisters *registers)
{
	Walk walk = {.end = GAIT_UNWIND_FRAME, .site = -1, .status = GAIT_STACK_EXACT};
	GaitUnwindFrame frame;
	gboolean is_static;

	attributor->n_frames = 0;
	if (gait_unwinder_begin(attributor->unwinder, space, task, registers, &frame) !=
	    GAIT_UNWIND_FRAME)
		return intern_unknown(attributor);
	push_frame(attributor, &frame);
	is_static = !gait_space_has_runtime(space, task);
	if (is_own_site(frame.module, nr, is_static))
		set_site(attributor, &walk, 0);
	if (nr != __NR_rt_sigreturn)
		walk_out(attributor, is_static, &walk);
	if (walk.site < 0 && walk.end == GAIT_UNWIND_NEEDS_REGISTERS)
		return NULL;
	return intern_walk(attributor, &walk);
}

static GaitAttribution
finish(GaitAttributor *attributor, const GaitStack *stack, const GaitStack **result)
{
	attributor->stats.n_events++;
	attributor->stats.n_unknown += stack->status == GAIT_STACK_UNKNOWN;
	attributor->stats.n_frame_pointer += stack->status == GAIT_STACK_FRAME_POINTER;
	*result = stack;
	return GAIT_ATTRIBUTION_DONE;
}

static GaitAttribution
attribute_anew(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
               const GaitRegisters *registers, const GaitStack **result)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	const GaitStack *stack = unwind(attributor, space, task, nr, registers);
	const GaitMemoRead *reads;
	guint n_reads;
	guint64 word;

	if (!stack)
		return GAIT_ATTRIBUTION_NEEDS_REGISTERS;
	/* Not to be found may mean not to be there any more. */
	if (stack->status == GAIT_STACK_UNKNOWN && !snapshot->is_gone)
		gait_snapshot_read(snapshot, registers->value[GAIT_REGISTER_RSP], 8, &word);
	if (snapshot->is_gone)
		return GAIT_ATTRIBUTION_GONE;
	reads = gait_unwinder_get_reads(attributor->unwinder, &n_reads);
	/* rt_sigreturn is a site whatever the stack looks like, which no other call at that place
	 * is. */
	if (reads && nr != __NR_rt_sigreturn)
		gait_memo_add(attributor->memo, &(GaitMemoEvent){space, task, registers, FALSE},
		              reads, n_reads, stack->id);
	return finish(attributor, stack, result);
}

GaitAttribution
gait_attributor_attribute(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
                          const GaitRegisters *registers, const GaitStack **stack)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	guint32 id;

	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	if (nr != __NR_rt_sigreturn) {
		switch (gait_memo_find(attributor->memo,
		                       &(GaitMemoEvent){space, task, registers, FALSE}, snapshot,
		                       &id)) {
		case GAIT_MEMO_HIT:
			attributor->stats.n_cached++;
			return finish(attributor, gait_stacks_get(attributor->stacks, id), stack);
		case GAIT_MEMO_NEEDS_REGISTERS:
			return GAIT_ATTRIBUTION_NEEDS_REGISTERS;
		case GAIT_MEMO_MISS:
		case GAIT_MEMO_N_:
			break;
		}
	}
	return attribute_anew(attributor, space, task, nr, registers, stack);
}

gboolean
gait_attributor_recall(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
                       const GaitRegisters *registers, const GaitStackTop *top,
                       const GaitStack **stack)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	guint32 id;

	if (nr == __NR_rt_sigreturn || !gait_space_is_settled(space))
		return FALSE;
	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	gait_snapshot_put(snapshot, top->bytes, top->size);
	if (gait_memo_find(attributor->memo, &(GaitMemoEvent){space, task, registers, TRUE},
	                   snapshot, &id) != GAIT_MEMO_HIT)
		return FALSE;
	attributor->stats.n_cached++;
	finish(attributor, gait_stacks_get(attributor->stacks, id), stack);
	return TRUE;
}

void
gait_attributor_forget(GaitAttributor *attributor)
{
	gait_memo_free(attributor->memo);
	attributor->memo = gait_memo_new();
}

void
gait_attributor_get_stats(const GaitAttributor *attributor, GaitAttributorStats *stats)
{
	*stats = attributor->stats;
}

/* --- calls that are over ------------------------------------------------------------------------
 */

const GaitStack *
gait_attributor_attribute_copy(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
                               const GaitRegisters *registers, const guint8 *bytes, gsize size)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	GaitMemoEvent event = {space, task, registers, FALSE};
	const GaitStack *stack, *result;
	const GaitMemoRead *reads;
	guint n_reads;
	guint32 id;

	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	gait_snapshot_put(snapshot, bytes, MIN(size, GAIT_STACK_COPY_MAX));
	snapshot->is_whole = TRUE;
	if (nr != __NR_rt_sigreturn &&
	    gait_memo_find(attributor->memo, &event, snapshot, &id) == GAIT_MEMO_HIT) {
		attributor->stats.n_cached++;
		finish(attributor, gait_stacks_get(attributor->stacks, id), &result);
		return result;
	}
	stack = unwind(attributor, space, task, nr, registers);
	if (!stack)
		stack = intern_unknown(attributor);
	/* What was not in the copy may be there the next time. */
	reads = gait_unwinder_get_reads(attributor->unwinder, &n_reads);
	if (reads && nr != __NR_rt_sigreturn && stack->status != GAIT_STACK_UNKNOWN)
		gait_memo_add(attributor->memo, &event, reads, n_reads, stack->id);
	finish(attributor, stack, &result);
	return result;
}

const GaitStack *
gait_attributor_adopt(GaitAttributor *attributor, const GaitStackFrame *frames, guint32 site)
{
	Walk walk = {.end = GAIT_UNWIND_FRAME, .status = GAIT_STACK_EXACT};
	GaitStackFrame *responsible;
	const GaitStack *result;

	g_assert(site < MAX_FRAMES);
	attributor->n_frames = site + 1;
	memcpy(attributor->frames, frames, (site + 1) * sizeof(*frames));
	responsible = &attributor->frames[site];
	if (get_go_kind(responsible) == GAIT_GO_RUNTIME)
		responsible->module =
		    gait_modules_get_runtime_part(attributor->modules, responsible->module);
	walk.site = (gint)site;
	finish(attributor, intern_walk(attributor, &walk), &result);
	return result;
}
