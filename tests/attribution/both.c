/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, two witnesses: each call of a program stops for the tracer, which has libunwind
 * attribute it, and is walked by the in-kernel tier at the same time. What they say is compared
 * call by call: here nothing depends on what happens when. The tier is read, and told of files, at
 * the stops of `record --backend bpf` and at no others.
 *
 * usage: both [-v] COMMAND [ARGUMENT…]. Prints one line on standard error:
 *
 *   both: calls=N same=N unknown=N walked=N ours=N theirs=N different=N missing=N extra=N
 *
 * same: attributed alike. unknown: by neither of them. ours: only by the tier; theirs: only by
 * libunwind. walked: of all calls, those that the kernel could walk by itself. missing: told by the
 * tracer alone; extra: by the tier alone. With -v differences are shown. Exit status: the
 * program's.
 */
#include "kernel/tier.h"
#include "learn/trace-filter.h"
#include "process/attribute-private.h"

#include "sysgait/attribute.h"
#include "sysgait/syscall.h"
#include "sysgait/tracer.h"

#include <linux/audit.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_SHOWN 40

static struct {
	guint64 calls, same, unknown, walked, ours, theirs, different, missing, extra;
} n;

static gboolean is_verbose;
static GaitTier *tier;
static GaitAttributor *by_unwinding, *by_tier;
static GaitTask *tasks[GAIT_TIER_MAX_TASKS];
static GHashTable *stacks; /* the tier's number → GaitStack */

/* A call that the tier has not told of yet. */
typedef struct {
	guint32 nr;
	guint64 ip, sp;
	const GaitStack *stack;
} Call;

typedef struct {
	guint32 slot;
	GQueue calls;
} Own;

/* --- what is the same ----------------------------------------------------------------------------
 */

/* As a trace tells of them: by path and build-id. */
static gboolean
is_same_module(const GaitModule *a, const GaitModule *b)
{
	return a == b || (strcmp(gait_module_get_path(a), gait_module_get_path(b)) == 0 &&
	                  strcmp(gait_module_get_build_id(a), gait_module_get_build_id(b)) == 0);
}

static gboolean
is_same(const GaitStack *a, const GaitStack *b)
{
	if (a->n_frames != b->n_frames || a->site != b->site)
		return FALSE;
	for (guint32 i = 0; i < a->n_frames; i++)
		if (!is_same_module(a->frames[i].module, b->frames[i].module) ||
		    a->frames[i].offset != b->frames[i].offset)
			return FALSE;
	return TRUE;
}

static void
show_stack(const char *who, const GaitStack *stack)
{
	static const char *const statuses[] = {"exact", "frame pointers", "unknown"};

	fprintf(stderr, "  %s (%s):", who, statuses[stack->status]);
	for (guint32 i = 0; i < stack->n_frames; i++) {
		GaitModule *module = stack->frames[i].module;
		const char *name = "";
		guint64 delta;

		if (stack->frames[i].offset > 0)
			gait_module_symbolize(module, stack->frames[i].offset - 1, &name, &delta);
		fprintf(stderr, " %s+0x%" G_GINT64_MODIFIER "x[%s]%s",
		        strrchr(gait_module_get_path(module), '/')
		            ? strrchr(gait_module_get_path(module), '/') + 1
		            : gait_module_get_path(module),
		        stack->frames[i].offset, name, i == stack->site ? "*" : "");
	}
	fputc('\n', stderr);
}

static void
show(const char *what, const Call *call, const GaitStack *tiers, guint32 how)
{
	static guint n_shown;

	if (!is_verbose || n_shown++ >= MAX_SHOWN)
		return;
	fprintf(stderr, "%s: %s, the kernel's walk ended with %u\n", what,
	        gait_syscall_name(call->nr), how);
	show_stack("unwound", call->stack);
	show_stack("tier", tiers);
}

static void
compare(const Call *call, const GaitStack *tiers, guint32 how)
{
	gboolean is_unwound = call->stack->status != GAIT_STACK_UNKNOWN;
	gboolean is_known = tiers->status != GAIT_STACK_UNKNOWN;

	n.walked += how == GAIT_TIER_FOUND;
	if (!is_unwound && !is_known) {
		n.unknown++;
	} else if (!is_unwound) {
		n.ours++;
		show("only the tier", call, tiers, how);
	} else if (!is_known) {
		n.theirs++;
		show("only libunwind", call, tiers, how);
	} else if (is_same(call->stack, tiers)) {
		n.same++;
	} else {
		n.different++;
		show("different", call, tiers, how);
	}
}

/* --- the tier ------------------------------------------------------------------------------------
 */

static void
on_call(const struct gait_tier_call *told, const struct gait_tier_raw *raw, gpointer data)
{
	GaitTask *task = tasks[told->slot];
	Own *own = task ? task->data : NULL;
	Call *call = own ? g_queue_peek_head(&own->calls) : NULL;
	const GaitStack *stack;

	if (!call || call->nr != told->nr || call->ip != told->ip || call->sp != told->sp) {
		n.extra++;
		return;
	}
	if (raw) {
		stack = gait_tier_attribute(tier, by_tier, task->space, task->tid, raw);
		g_hash_table_insert(stacks, GUINT_TO_POINTER(told->stack), (gpointer)stack);
	} else {
		stack = g_hash_table_lookup(stacks, GUINT_TO_POINTER(told->stack));
	}
	if (stack)
		compare(call, stack, raw ? raw->how : GAIT_TIER_FOUND);
	else
		n.missing++;
	g_free(g_queue_pop_head(&own->calls));
}

static void
learn(GaitTask *task)
{
	const Own *own = task->data;
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, own->slot);

	gait_tier_note_exec(tier, own->slot, task->tid, NULL);
	/* So that calls come with all their registers. */
	slot->flags = GAIT_TIER_TASK_SIGNALLED;
	if (gait_tier_learn_process(tier, task->pid))
		slot->flags |= GAIT_TIER_TASK_STATIC;
}

/* --- the tracer ----------------------------------------------------------------------------------
 */

static void
on_created(GaitTracer *tracer, GaitTask *task, GaitTask *parent, gpointer data)
{
	g_autoptr(GError) error = NULL;
	Own *own = task->data = g_new0(Own, 1);
	const Own *parents = parent ? parent->data : NULL;

	gait_tier_add(tier, task->tid, &own->slot, &error);
	gait_tier_drain(tier);
	g_assert_no_error(error);
	tasks[own->slot] = task;
	if (!parents) {
		learn(task);
		return;
	}
	gait_tier_note_parent(tier, own->slot, parents->slot);
}

/* As learn/recorder-kernel.c has calls stop. */
static void
do_as_recorder(GaitTask *task, guint32 nr, const guint64 args[6])
{
	switch (nr) {
	case SYS_mmap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		if ((args[2] & PROT_EXEC) == 0)
			return;
		break;
	case SYS_execve:
	case SYS_execveat:
	case SYS_exit:
	case SYS_exit_group:
		break;
	default:
		return;
	}
	gait_tier_drain(tier);
	if (nr == SYS_mmap && (args[3] & MAP_ANONYMOUS) == 0)
		gait_tier_learn_descriptor(tier, task->tid, (int)args[4], args[5], args[1]);
	else if (nr == SYS_mprotect || nr == SYS_pkey_mprotect)
		gait_tier_learn_range(tier, task->tid, args[0], args[0] + args[1]);
}

static void
on_syscall(GaitTracer *tracer, GaitTask *task, const struct user_regs_struct *user, gpointer data)
{
	guint64 args[6] = {user->rdi, user->rsi, user->rdx, user->r10, user->r8, user->r9};
	guint32 nr = (guint32)user->orig_rax;
	guint32 native =
	    gait_tracer_get_arch(tracer, task, user) == AUDIT_ARCH_X86_64 ? nr : G_MAXUINT32;
	Call call = {.nr = nr, .ip = user->rip, .sp = user->rsp};
	GaitRegisters registers;
	Own *own = task->data;

	do_as_recorder(task, native, args);
	gait_space_note_syscall(task->space, task->tid, native, args);
	gait_registers_from_user(&registers, user);
	if (gait_attributor_attribute(by_unwinding, task->space, task->tid, nr, &registers,
	                              &call.stack) != GAIT_ATTRIBUTION_DONE)
		return;
	n.calls++;
	g_queue_push_tail(&own->calls, g_memdup2(&call, sizeof(call)));
}

static void
on_executed(GaitTracer *tracer, GaitTask *task, gpointer data)
{
	gait_tier_drain(tier);
	learn(task);
}

/* A call whose task was killed at its stop, by its own process's end or by somebody, never began.
 */
static void
on_exited(GaitTracer *tracer, GaitTask *task, int status, gpointer data)
{
	Own *own = task->data;

	gait_tier_drain(tier);
	if (own->calls.length > 0) {
		n.calls--;
		n.missing += own->calls.length - 1;
	}
	g_queue_clear_full(&own->calls, g_free);
	tasks[own->slot] = NULL;
	gait_tier_remove(tier, own->slot);
	g_free(own);
}

static void
on_signalled(GaitTracer *tracer, GaitTask *task, int signo, const struct user_regs_struct *user,
             gpointer data)
{
	gait_tier_drain(tier);
}

/* --- main ----------------------------------------------------------------------------------------
 */

static int
run(char **argv)
{
	static const GaitTracerCallbacks callbacks = {
	    .created = on_created,
	    .syscall = on_syscall,
	    .executed = on_executed,
	    .signalled = on_signalled,
	    .exited = on_exited,
	};
	static const GaitTierCallbacks told = {.call = on_call};
	GaitTierOptions options = {.is_recording = TRUE};
	g_autoptr(GError) error = NULL;
	g_autoptr(GaitModules) modules = gait_modules_new(NULL);
	g_autoptr(GaitTracer) tracer =
	    gait_tracer_new(modules, GAIT_TRACE_SYSCALLS_SECCOMP, &callbacks, NULL);
	int status;

	stacks = g_hash_table_new(NULL, NULL);
	by_unwinding = gait_attributor_new(modules, NULL);
	gait_attributor_distrust_tables(by_unwinding);
	by_tier = gait_attributor_new(modules, NULL);
	tier = gait_tier_new(&options, modules, &told, NULL, &error);
	if (!tier || !gait_tracer_launch(tracer, (const char *const *)argv,
	                                 gait_trace_filter_install, NULL, &error)) {
		fprintf(stderr, "both: %s\n", error->message);
		return 125;
	}
	while (gait_tracer_iterate(tracer, NULL, 0, -1, &error))
		;
	status = gait_tracer_get_root_status(tracer);
	gait_tier_free(tier);
	gait_attributor_free(by_unwinding);
	gait_attributor_free(by_tier);
	g_hash_table_unref(stacks);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	int status;

	is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	if (argc < 2 + is_verbose) {
		fputs("usage: both [-v] COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	status = run(argv + 1 + is_verbose);
	fprintf(stderr,
	        "both: calls=%lu same=%lu unknown=%lu walked=%lu ours=%lu theirs=%lu different=%lu "
	        "missing=%lu extra=%lu\n",
	        n.calls, n.same, n.unknown, n.walked, n.ours, n.theirs, n.different, n.missing,
	        n.extra);
	return status;
}
