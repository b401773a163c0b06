// SPDX-License-Identifier: Apache-2.0
/*
 * Attribution: which library is responsible for a system call, and from which site (DESIGN §1). The
 * rules are here and nothing else: frames come from the unwinder, modules from the space, stacks
 * are interned. The walk outward goes by unwind tables, and where they do not say enough once more
 * from the start, by libunwind. It never guesses: where the walk cannot be trusted, the
 * library is [unknown].
 */
#include "process/attribute-private.h"

#include "process/issuer.h"
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
	GaitStacks *stacks;
	const GaitStack *unknown; /* where not even the issuer can be told apart */
	gboolean distrusts_tables;
	guint n_frames;
	guint64 issuer; /* the offset that stands for frame 0's */
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
	gait_stacks_free(attributor->stacks);
	g_free(attributor);
}

/* What is to be attributed. */
typedef struct {
	GaitSpace *space;
	pid_t task;
	guint32 nr;
	const GaitRegisters *registers;
} Event;

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
	attributor->frames[0].offset = attributor->issuer;
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

static Walk
walk_from(GaitAttributor *attributor, const Event *event, GaitUnwindMode mode)
{
	Walk walk = {.site = -1, .status = GAIT_STACK_EXACT};
	GaitUnwindFrame frame;
	gboolean is_static;

	attributor->n_frames = 0;
	walk.end = gait_unwinder_begin(attributor->unwinder, mode, event->space, event->task,
	                               event->registers, &frame);
	if (walk.end != GAIT_UNWIND_FRAME)
		return walk;
	push_frame(attributor, &frame);
	attributor->issuer = frame.first;
	is_static = !gait_space_has_runtime(event->space, event->task);
	if (is_own_site(frame.module, event->nr, is_static))
		set_site(attributor, &walk, 0);
	if (event->nr != __NR_rt_sigreturn)
		walk_out(attributor, is_static, &walk);
	return walk;
}

/* NULL: more registers are needed. */
static const GaitStack *
unwind(GaitAttributor *attributor, const Event *event)
{
	Walk walk = {.end = GAIT_UNWIND_UNSAID};
	gboolean is_unsaid;

	if (!attributor->distrusts_tables)
		walk = walk_from(attributor, event, GAIT_UNWIND_BY_TABLES);
	is_unsaid = walk.end == GAIT_UNWIND_UNSAID;
	if (is_unsaid)
		walk = walk_from(attributor, event, GAIT_UNWIND_BY_CFI);
	if (walk.site < 0 && walk.end == GAIT_UNWIND_NEEDS_REGISTERS)
		return NULL;
	attributor->stats.n_by_libunwind += is_unsaid;
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

GaitAttribution
gait_attributor_attribute(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
                          const GaitRegisters *registers, const GaitStack **result)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	const GaitStack *stack;
	guint64 word;

	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	stack = unwind(attributor, &(Event){space, task, nr, registers});
	if (!stack)
		return GAIT_ATTRIBUTION_NEEDS_REGISTERS;
	/* Not to be found may mean not to be there any more. */
	if (stack->status == GAIT_STACK_UNKNOWN && !snapshot->is_gone)
		gait_snapshot_read(snapshot, registers->value[GAIT_REGISTER_RSP], 8, &word);
	return snapshot->is_gone ? GAIT_ATTRIBUTION_GONE : finish(attributor, stack, result);
}

gboolean
gait_attributor_recall(GaitAttributor *attributor, GaitSpace *space, pid_t task, guint32 nr,
                       const GaitRegisters *registers, const GaitStackTop *top,
                       const GaitStack **stack)
{
	GaitSnapshot *snapshot = gait_unwinder_get_snapshot(attributor->unwinder);
	Walk walk;

	if (nr == __NR_rt_sigreturn || attributor->distrusts_tables ||
	    !gait_space_is_settled(space))
		return FALSE;
	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	gait_snapshot_put(snapshot, top->bytes, top->size);
	walk = walk_from(attributor, &(Event){space, task, nr, registers}, GAIT_UNWIND_RECALLED);
	if (walk.site < 0 || walk.end == GAIT_UNWIND_FAILED || snapshot->is_gone)
		return FALSE;
	finish(attributor, intern_walk(attributor, &walk), stack);
	return TRUE;
}

void
gait_attributor_distrust_tables(GaitAttributor *attributor)
{
	attributor->distrusts_tables = TRUE;
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
	const GaitStack *stack, *result;

	gait_snapshot_begin(snapshot, space, task, registers->value[GAIT_REGISTER_RSP]);
	gait_snapshot_put(snapshot, bytes, MIN(size, GAIT_STACK_COPY_MAX));
	snapshot->is_whole = snapshot->is_past = TRUE;
	stack = unwind(attributor, &(Event){space, task, nr, registers});
	finish(attributor, stack ? stack : intern_unknown(attributor), &result);
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
	attributor->issuer = gait_issuer_find_first(frames[0].module, frames[0].offset);
	memcpy(attributor->frames, frames, (site + 1) * sizeof(*frames));
	responsible = &attributor->frames[site];
	if (get_go_kind(responsible) == GAIT_GO_RUNTIME)
		responsible->module =
		    gait_modules_get_runtime_part(attributor->modules, responsible->module);
	walk.site = (gint)site;
	finish(attributor, intern_walk(attributor, &walk), &result);
	return result;
}
