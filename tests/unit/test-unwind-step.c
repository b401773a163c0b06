// SPDX-License-Identifier: Apache-2.0
/*
 * Whole walks by unwind tables, on live programs: at each system call, the site that tables lead to
 * has to be the one that attribution finds by libunwind. The walk here is the in-kernel tier's in
 * the plainest form: it reads memory word by word and remembers nothing.
 */
#include "unit.h"

#include "process/attribute-private.h"
#include "process/code.h"
#include "process/module-private.h"
#include "process/space-private.h"
#include "traced.h"

#include <asm/unistd.h>
#include <string.h>

#include "sysgait/unwind-step.h"

enum { MAX_FRAMES = 128 };

typedef struct {
	GaitModules *modules;
	GaitSpace *space;
	pid_t task;
	GaitRegisters registers;
	const struct gait_unwind_row *rows; /* of the module that is looked at */
} Walk;

/* Where a frame is, and what is said there. */
typedef struct {
	GaitModule *module;
	guint64 offset;
	const struct gait_unwind_row *row;
} Place;

static inline int
gait_unwind_read(void *context, __u64 address, __u64 *word)
{
	Walk *walk = context;

	return gait_space_read(walk->space, walk->task, address, 8, word) != 8;
}

static inline int
gait_unwind_read_register(void *context, __u32 number, __u64 *value)
{
	*value = ((Walk *)context)->registers.value[number];
	return 0;
}

static inline const struct gait_unwind_row *
gait_unwind_get_row(void *context, __u32 i)
{
	return &((Walk *)context)->rows[i];
}

static gboolean
find_place(Walk *walk, const struct gait_unwind_frame *frame, Place *place)
{
	guint64 offset, lookup = gait_unwind_get_lookup_pc(frame);
	guint32 n_rows;

	place->module = gait_space_find(walk->space, walk->task, lookup, &offset);
	if (!place->module)
		return FALSE;
	walk->rows = gait_module_get_unwind_rows(place->module, &n_rows);
	place->row = gait_unwind_find(walk, 0, n_rows, offset);
	/* As in a call stack: after the instruction. */
	place->offset = offset + (frame->is_first ? 2 : 1);
	if (gait_module_get_kind(place->module) == GAIT_MODULE_ANON)
		place->offset = 0;
	return TRUE;
}

static guint
get_flags(const Place *place)
{
	return place->row ? place->row->flags : 0;
}

/* A return address is one that follows a call. */
static gboolean
is_called(Walk *walk, guint64 address)
{
	guint8 before[GAIT_CODE_BEFORE] = {0};
	guint64 target;
	gsize size = sizeof(before);

	/* The page before may not be there. */
	if (gait_space_read(walk->space, walk->task, address - size, size, before) != (gssize)size)
		size = MIN(size, address % 4096);
	return gait_space_read(walk->space, walk->task, address - size, size,
	                       before + sizeof(before) - size) == (gssize)size &&
	       gait_code_get_call(before, address, &target) != GAIT_CALL_NONE;
}

static gboolean
is_own_site(const Place *place, guint32 nr, gboolean is_static)
{
	GaitModuleKind kind = gait_module_get_kind(place->module);

	return nr == __NR_rt_sigreturn || (kind != GAIT_MODULE_FILE && kind != GAIT_MODULE_VDSO) ||
	       (!gait_module_is_runtime(place->module) && !is_static &&
	        !gait_module_get_go_table(place->module));
}

typedef enum {
	OUTWARD_SITE, /* *place is it */
	OUTWARD_MORE,
	OUTWARD_END,
	OUTWARD_FAILED,
	OUTWARD_N_,
} Outward;

/* One frame further out. */
static Outward
go_outward(Walk *walk, struct gait_unwind_frame *frame, gboolean is_static, Place *place)
{
	enum gait_unwind_result result = gait_unwind_step(walk, place->row, frame);

	if (result != GAIT_STEP_CALLER)
		return result == GAIT_STEP_END ? OUTWARD_END : OUTWARD_FAILED;
	if (!find_place(walk, frame, place))
		return OUTWARD_FAILED;
	if (get_flags(place) & GAIT_UNWIND_NO_CALLER)
		return OUTWARD_END;
	if (!is_called(walk, frame->pc))
		return OUTWARD_FAILED;
	return (is_static || !gait_module_is_runtime(place->module)) &&
	               !(get_flags(place) & GAIT_UNWIND_GO_SYSCALL)
	           ? OUTWARD_SITE
	           : OUTWARD_MORE;
}

/* *site: frame 0's place before, and after, where there is no other. */
static gboolean
find_site_outward(Walk *walk, struct gait_unwind_frame *frame, gboolean is_static, Place *site)
{
	Place place = *site;

	for (guint i = 0; i < MAX_FRAMES; i++)
		switch (go_outward(walk, frame, is_static, &place)) {
		case OUTWARD_SITE:
			*site = place;
			return TRUE;
		case OUTWARD_MORE:
			break;
		case OUTWARD_END:
			return TRUE;
		case OUTWARD_FAILED:
		case OUTWARD_N_:
			/* Go's threads begin without a caller. */
			return i == 0 && (get_flags(site) & GAIT_UNWIND_GO_RUNTIME);
		}
	return FALSE;
}

/* FALSE: it cannot be told. */
static gboolean
find_site(Walk *walk, guint32 nr, Place *site)
{
	struct gait_unwind_frame frame = {walk->registers.value[GAIT_REGISTER_RIP] - 2,
	                                  walk->registers.value[GAIT_REGISTER_RSP],
	                                  walk->registers.value[GAIT_REGISTER_RBP],
	                                  1,
	                                  1,
	                                  1,
	                                  {0}};
	gboolean is_static = !gait_space_has_runtime(walk->space, walk->task);

	if (!find_place(walk, &frame, site))
		return FALSE;
	if (!is_own_site(site, nr, is_static) && !find_site_outward(walk, &frame, is_static, site))
		return FALSE;
	if (get_flags(site) & GAIT_UNWIND_GO_RUNTIME)
		site->module = gait_modules_get_runtime_part(walk->modules, site->module);
	return TRUE;
}

/* --- against attribution ------------------------------------------------------------------------
 */

typedef struct {
	guint n_events, n_known, n_unknown, n_by_frame_pointer, n_other;
} Count;

static void
on_call(Traced *traced, TracedTask *task, const struct user_regs_struct *user)
{
	Count *count = traced->data;
	Walk walk = {.modules = traced->modules, .space = task->space, .task = task->tid};
	const GaitStack *stack;
	const GaitStackFrame *expected;
	Place site = {0};
	gboolean is_known;

	gait_registers_from_user(&walk.registers, user);
	if (gait_attributor_attribute(traced->attributor, task->space, task->tid,
	                              (guint32)user->orig_rax, &walk.registers,
	                              &stack) != GAIT_ATTRIBUTION_DONE)
		return;
	count->n_events++;
	count->n_unknown += stack->status == GAIT_STACK_UNKNOWN;
	count->n_by_frame_pointer += stack->status == GAIT_STACK_FRAME_POINTER;
	expected = &stack->frames[stack->site];
	is_known = find_site(&walk, (guint32)user->orig_rax, &site);
	count->n_known += is_known;
	/* The rows have nothing to say where there is no CFI. */
	if (!is_known && stack->status != GAIT_STACK_EXACT)
		return;
	if (is_known && stack->status == GAIT_STACK_EXACT && site.module == expected->module &&
	    (site.offset == expected->offset || stack->site == 0))
		return;
	count->n_other++;
	g_test_message("call %d: by tables %s+%#" G_GINT64_MODIFIER
	               "x, by libunwind %s+%#" G_GINT64_MODIFIER "x, status %d",
	               (int)user->orig_rax,
	               is_known ? gait_module_get_path(site.module) : "[unknown]", site.offset,
	               gait_module_get_path(expected->module), expected->offset, stack->status);
}

typedef struct {
	const char *path;
	const char *argv[4]; /* a first one without a slash is a fixture */
	guint min_events;
	gboolean has_tables;
} Case;

static void
test_case(gconstpointer data)
{
	const Case *test = data;
	g_autofree char *fixture = g_build_filename(g_getenv("BUILD") ? g_getenv("BUILD") : "build",
	                                            "fixtures", test->argv[0], NULL);
	char *argv[5] = {0};
	Count count = {0};
	Traced traced = {.modules = gait_modules_new(NULL), .call = on_call, .data = &count};

	for (gsize i = 0; i < G_N_ELEMENTS(test->argv); i++)
		argv[i] = (char *)test->argv[i];
	if (!strchr(argv[0], '/'))
		argv[0] = fixture;
	if (access(argv[0], X_OK) != 0) {
		unit_skip(argv[0]);
		gait_modules_free(traced.modules);
		return;
	}
	traced.attributor = gait_attributor_new(traced.modules, NULL);
	gait_attributor_distrust_tables(traced.attributor);
	g_assert_cmpint(traced_run(&traced, argv), ==, 0);
	g_test_message("%u events, %u known by tables; libunwind: %u unknown, %u by frame "
	               "pointers; %u other",
	               count.n_events, count.n_known, count.n_unknown, count.n_by_frame_pointer,
	               count.n_other);
	g_assert_cmpuint(count.n_events, >=, test->min_events);
	g_assert_cmpuint(count.n_other, ==, 0);
	if (test->has_tables)
		g_assert_cmpuint(count.n_known + count.n_unknown, ==, count.n_events);
	g_assert_cmpuint(count.n_unknown, <=, count.n_events / 100);
	gait_attributor_free(traced.attributor);
	gait_modules_free(traced.modules);
}

static const char python[] = "import ssl, subprocess, threading; subprocess.run(['/bin/true']); "
                             "t = threading.Thread(target=print); t.start(); t.join()";
static const char bash[] =
    "trap 'x=$(ls /)' USR1; kill -USR1 $$; for i in 1 2; do ls /usr | wc -l; done";

int
main(int argc, char **argv)
{
	static const Case cases[] = {
	    {"/unwind-step/attr", {"attr"}, 20, TRUE},
	    {"/unwind-step/attr-o3", {"attr-o3"}, 20, TRUE},
	    {"/unwind-step/attr-static", {"attr-static"}, 10, TRUE},
	    {"/unwind-step/attr-go", {"attr-go"}, 50, TRUE},
	    {"/unwind-step/attr-bare", {"attr-bare"}, 2, FALSE},
	    {"/unwind-step/python3", {"/usr/bin/python3", "-c", python}, 500, TRUE},
	    {"/unwind-step/bash", {"/bin/bash", "-c", bash}, 300, TRUE},
	    {"/unwind-step/git", {"/usr/bin/git", "--no-pager", "help"}, 50, TRUE},
	};

	unit_init(argc, argv);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add_data_func(cases[i].path, &cases[i], test_case);
	return g_test_run();
}
