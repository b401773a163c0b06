// SPDX-License-Identifier: Apache-2.0
/*
 * Attribution on live programs: fixtures make calls that can be told apart (marks), from every kind
 * of place; each row says which library and function must be found responsible. On the way every
 * event is attributed again: by libunwind alone, its whole stack too; with the registers that a
 * seccomp notification shows; by what is known already. It must never come to another result.
 */
#include "traced.h"
#include "unit.h"

#include "process/attribute-private.h"
#include "sysgait/syscall.h"

#include <glib/gstdio.h>
#include <string.h>

enum {
	MARK_BASE = 100000, /* as in tests/fixtures/mark.h */
	NO_MARK = -1,
};

/* One observed call. */
typedef struct {
	int mark;
	guint32 nr;
	GaitStackStatus status;
	const GaitModule *issuer, *module;
	guint64 offset; /* of the site */
	guint64 issuer_offset, ip;
	guint64 second; /* argument */
	char library[128], function[128];
} Observation;

typedef struct {
	GArray *observations;
	guint n_events, n_unknown, n_asked, n_recalled;
	gboolean check;
} Watch;

static const char *
get_name(const GaitModule *module)
{
	const char *path = gait_module_get_path(module), *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void
assert_same(const GaitStack *a, const GaitStack *b, guint32 nr)
{
	if (a->status != b->status || a->n_frames != b->n_frames || a->site != b->site ||
	    memcmp(a->frames, b->frames, a->n_frames * sizeof(GaitStackFrame)) != 0)
		g_error("%s: status %d and %d, %u and %u frames", gait_syscall_name(nr), a->status,
		        b->status, a->n_frames, b->n_frames);
}

/* By tables first, and by libunwind alone. */
static void
check_oracle(Traced *traced, TracedTask *task, guint32 nr, const GaitRegisters *registers,
             gboolean full_stacks)
{
	GaitAttributorOptions options = {.full_stacks = full_stacks};
	g_autoptr(GaitAttributor) fresh = gait_attributor_new(traced->modules, &options);
	g_autoptr(GaitAttributor) oracle = gait_attributor_new(traced->modules, &options);
	const GaitStack *stack = NULL, *other = NULL;

	gait_attributor_distrust_tables(oracle);
	/* Another thread's exit_group() may take the task away at any time. */
	if (gait_attributor_attribute(fresh, task->space, task->tid, nr, registers, &stack) ==
	        GAIT_ATTRIBUTION_GONE ||
	    gait_attributor_attribute(oracle, task->space, task->tid, nr, registers, &other) ==
	        GAIT_ATTRIBUTION_GONE)
		return;
	assert_same(stack, other, nr);
}

/* By what is known already, and with a notification's registers. */
static void
check_fewer(Traced *traced, TracedTask *task, guint32 nr, const GaitRegisters *registers,
            const GaitStack *stack)
{
	static const guint notified[] = {2, 4, 5, 7, 8, 9, 10, 16};
	GaitRegisters few = *registers;
	GaitStackTop top = {.size = 0};
	const GaitStack *other = NULL;
	Watch *watch = traced->data;
	GaitAttribution result;

	if (gait_attributor_recall(traced->attributor, task->space, task->tid, nr, registers, &top,
	                           &other)) {
		watch->n_recalled++;
		g_assert_true(stack == other);
	}
	few.known = 0;
	for (gsize i = 0; i < G_N_ELEMENTS(notified); i++)
		few.known |= 1u << notified[i];
	for (guint i = 0; i < GAIT_N_REGISTERS; i++)
		if (!(few.known & (1u << i)))
			few.value[i] = 0xdead;
	result =
	    gait_attributor_attribute(traced->attributor, task->space, task->tid, nr, &few, &other);
	if (result == GAIT_ATTRIBUTION_DONE)
		g_assert_true(stack == other);
	else if (result != GAIT_ATTRIBUTION_GONE)
		g_assert_cmpint(result, ==, GAIT_ATTRIBUTION_NEEDS_REGISTERS);
	watch->n_asked += result == GAIT_ATTRIBUTION_NEEDS_REGISTERS;
}

static void
observe(Traced *traced, TracedTask *task, const struct user_regs_struct *user)
{
	Watch *watch = traced->data;
	guint32 nr = (guint32)user->orig_rax;
	int argument = (int)user->rdi;
	Observation observation = {.nr = nr, .second = user->rsi, .mark = NO_MARK};
	const GaitStack *stack = NULL;
	const GaitStackFrame *site;
	GaitRegisters registers;
	const char *name;
	guint64 delta;

	gait_registers_from_user(&registers, user);
	if (gait_attributor_attribute(traced->attributor, task->space, task->tid, nr, &registers,
	                              &stack) == GAIT_ATTRIBUTION_GONE)
		return;
	g_assert_nonnull(stack);
	watch->n_events++;
	watch->n_unknown += stack->status == GAIT_STACK_UNKNOWN;
	if (watch->check) {
		check_oracle(traced, task, nr, &registers, FALSE);
		check_oracle(traced, task, nr, &registers, TRUE);
		check_fewer(traced, task, nr, &registers, stack);
	}
	if (nr == (guint32)gait_syscall_from_name("close") && argument <= -MARK_BASE)
		observation.mark = -argument - MARK_BASE;
	site = &stack->frames[stack->site];
	observation.status = stack->status;
	observation.issuer = stack->frames[0].module;
	observation.issuer_offset = stack->frames[0].offset;
	observation.ip = user->rip;
	observation.module = site->module;
	observation.offset = site->offset;
	g_strlcpy(observation.library, get_name(site->module), sizeof(observation.library));
	if (gait_module_symbolize(site->module, site->offset, &name, &delta))
		g_strlcpy(observation.function, name, sizeof(observation.function));
	g_array_append_val(watch->observations, observation);
}

/* Runs a fixture (or a program with a path) under observation. Modules live as long as traced. */
static void
watch_program(Traced *traced, Watch *watch, const char *program, char **arguments)
{
	const char *build = g_getenv("BUILD");
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autofree char *path = strchr(program, '/') ? g_strdup(program)
	                                             : g_build_filename(build ? build : "build",
	                                                                "fixtures", program, NULL);

	g_ptr_array_add(argv, path);
	for (; arguments && *arguments; arguments++)
		g_ptr_array_add(argv, *arguments);
	g_ptr_array_add(argv, NULL);
	watch->observations = g_array_new(FALSE, FALSE, sizeof(Observation));
	*traced = (Traced){.modules = gait_modules_new(NULL), .call = observe, .data = watch};
	traced->attributor = gait_attributor_new(traced->modules, NULL);
	g_assert_cmpint(traced_run(traced, (char **)argv->pdata), ==, 0);
}

static void
end_watch(Traced *traced, Watch *watch)
{
	gait_attributor_free(traced->attributor);
	gait_modules_free(traced->modules);
	g_array_unref(watch->observations);
}

/* --- what is expected ---------------------------------------------------------------------------
 */

#define SELF "(the program)"

typedef struct {
	int mark;         /* or NO_MARK: */
	const char *call; /* any call of this name in that function */
	const char *library;
	const char *function; /* NULL: has no name */
	guint n;              /* how often at least */
	GaitStackStatus status;
} Expectation;

static const Expectation attr_expectations[] = {
    {0, NULL, SELF, "main", 3, GAIT_STACK_EXACT},
    {1, NULL, SELF, "mark_raw", 3, GAIT_STACK_EXACT},
    {2, NULL, SELF, "mark_alloca", 3, GAIT_STACK_EXACT},
    {3, NULL, SELF, "mark_vla", 3, GAIT_STACK_EXACT},
    {4, NULL, SELF, "mark_deep", 3, GAIT_STACK_EXACT},
    {5, NULL, SELF, "compare_marked", 3, GAIT_STACK_EXACT},
    {6, NULL, SELF, "on_signal", 3, GAIT_STACK_EXACT},
    {7, NULL, SELF, "thread_main", 3, GAIT_STACK_EXACT},
    {8, NULL, SELF, "coroutine_main", 3, GAIT_STACK_EXACT},
    {9, NULL, SELF, "make_vfork", 3, GAIT_STACK_EXACT},
    {10, NULL, SELF, "make_fork", 3, GAIT_STACK_EXACT},
    {11, NULL, "[anon]", NULL, 3, GAIT_STACK_EXACT},
    {12, NULL, "[anon]", NULL, 3, GAIT_STACK_EXACT},
    {13, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {14, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {15, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {16, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {NO_MARK, "clone3", SELF, "make_thread", 3, GAIT_STACK_EXACT},
    {NO_MARK, "vfork", SELF, "make_vfork", 3, GAIT_STACK_EXACT},
    {NO_MARK, "clone3", SELF, "make_spawn", 3, GAIT_STACK_EXACT},
    {NO_MARK, "rt_sigreturn", "libc.so.6", NULL, 3, GAIT_STACK_EXACT},
    {NO_MARK, "set_robust_list", "libc.so.6", NULL, 3, GAIT_STACK_EXACT},
    {NO_MARK, "rseq", "libc.so.6", NULL, 3, GAIT_STACK_EXACT},
};

/*
 * In a static program the site is one frame above the function with the instruction, which for most
 * wrappers of libc is the caller; the runtime's insides count as the program's.
 */
static const Expectation static_expectations[] = {
    {0, NULL, SELF, "main", 3, GAIT_STACK_EXACT},
    {1, NULL, SELF, "main", 3, GAIT_STACK_EXACT},
    {2, NULL, SELF, "mark_alloca", 3, GAIT_STACK_EXACT},
    {4, NULL, SELF, "mark_deep", 3, GAIT_STACK_EXACT},
    {6, NULL, SELF, "on_signal", 3, GAIT_STACK_EXACT},
    {7, NULL, SELF, "thread_main", 3, GAIT_STACK_EXACT},
    {9, NULL, SELF, "make_vfork", 3, GAIT_STACK_EXACT},
    {12, NULL, "[anon]", NULL, 3, GAIT_STACK_EXACT},
    {13, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {14, NULL, "[unknown]", NULL, 1, GAIT_STACK_UNKNOWN},
    {NO_MARK, "vfork", SELF, "make_vfork", 3, GAIT_STACK_EXACT},
};

static const Expectation library_expectations[] = {
    /* hidden_mark has lost its name; the nearest one would be a lie. */
    {30, NULL, "libstripped.so", NULL, 1, GAIT_STACK_EXACT},
    {31, NULL, "libstripped.so", "stripped_mark", 1, GAIT_STACK_EXACT},
    {32, NULL, SELF, "marked_callback", 1, GAIT_STACK_EXACT},
};

static const Expectation bare_expectations[] = {
    {50, NULL, SELF, "mark_stub", 3, GAIT_STACK_FRAME_POINTER},
    {51, NULL, SELF, "bare_main", 3, GAIT_STACK_FRAME_POINTER},
    {52, NULL, SELF, "call_leaf", 3, GAIT_STACK_FRAME_POINTER},
};

static const Expectation go_expectations[] = {
    {40, NULL, SELF, "main.main", 10, GAIT_STACK_EXACT},
    {41, NULL, SELF, "main.main.func1", 10, GAIT_STACK_EXACT},
    /* What the runtime does for itself is a library of its own. */
    {NO_MARK, "clone", "attr-go:runtime", "runtime.newosproc", 1, GAIT_STACK_EXACT},
    {NO_MARK, "rt_sigaction", "attr-go:runtime", "runtime.sysSigaction", 10, GAIT_STACK_EXACT},
};

typedef struct {
	const char *path, *program;
	const Expectation *expectations;
	gsize n_expectations;
	guint max_unknown;
} Case;

#define CASE(name, expectations, max_unknown)                                                      \
	{                                                                                          \
		"/attribute/" name, name, expectations, G_N_ELEMENTS(expectations), max_unknown    \
	}

/* max_unknown: the corrupted stacks. */
static const Case cases[] = {
    CASE("attr", attr_expectations, 4),          CASE("attr-fixed", attr_expectations, 4),
    CASE("attr-o3", attr_expectations, 4),       CASE("attr-frames", attr_expectations, 4),
    CASE("attr-static", static_expectations, 4), CASE("attr-library", library_expectations, 0),
    CASE("attr-bare", bare_expectations, 0),     CASE("attr-go", go_expectations, 0),
};

static gboolean
matches(const Expectation *expected, const Observation *observed)
{
	if (expected->mark != NO_MARK)
		return observed->mark == expected->mark;
	return strcmp(gait_syscall_name(observed->nr), expected->call) == 0 &&
	       (!expected->function || strcmp(observed->function, expected->function) == 0);
}

static void
check_expectation(const Expectation *expected, const Watch *watch, const char *program)
{
	const char *library = strcmp(expected->library, SELF) == 0 ? program : expected->library;
	guint n = 0;

	for (guint i = 0; i < watch->observations->len; i++) {
		const Observation *observed = &g_array_index(watch->observations, Observation, i);

		if (!matches(expected, observed))
			continue;
		n++;
		g_test_message("mark %d %s: %s!%s", observed->mark, gait_syscall_name(observed->nr),
		               observed->library, observed->function);
		/* The thread's own first calls are the runtime's, those of its creation are not. */
		if (expected->mark == NO_MARK && !expected->function &&
		    strcmp(observed->library, library) != 0) {
			n--;
			continue;
		}
		g_assert_cmpstr(observed->library, ==, library);
		if (expected->function)
			g_assert_cmpstr(observed->function, ==, expected->function);
		else if (expected->mark != NO_MARK)
			g_assert_cmpstr(observed->function, ==, "");
		g_assert_cmpint(observed->status, ==, expected->status);
	}
	g_assert_cmpuint(n, >=, expected->n);
}

static void
test_case(gconstpointer data)
{
	const Case *test = data;
	Watch watch = {.check = TRUE};
	Traced traced;

	watch_program(&traced, &watch, test->program, NULL);
	for (gsize i = 0; i < test->n_expectations; i++)
		check_expectation(&test->expectations[i], &watch, test->program);
	g_assert_cmpuint(watch.n_unknown, <=, test->max_unknown);
	/* Where there is no CFI, too. */
	g_assert_cmpuint(watch.n_recalled, >, watch.n_events / 2);
	end_watch(&traced, &watch);
}

/*
 * libc's close() has two instructions, for programs of one thread and of several: the fixture comes
 * by both, and to attribution they are one.
 */
static void
test_issuers(void)
{
	g_autoptr(GHashTable) instructions = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) issuers = g_hash_table_new(NULL, NULL);
	Watch watch = {0};
	Traced traced;

	watch_program(&traced, &watch, "attr", NULL);
	for (guint i = 0; i < watch.observations->len; i++) {
		const Observation *observed = &g_array_index(watch.observations, Observation, i);

		if (observed->mark == NO_MARK ||
		    strcmp(get_name(observed->issuer), "libc.so.6") != 0)
			continue;
		/* Within the page: where libc lies differs between processes. */
		g_hash_table_add(instructions, GSIZE_TO_POINTER(observed->ip & 0xfff));
		g_hash_table_add(issuers, GSIZE_TO_POINTER(observed->issuer_offset));
	}
	g_assert_cmpuint(g_hash_table_size(instructions), ==, 2);
	g_assert_cmpuint(g_hash_table_size(issuers), ==, 1);
	end_watch(&traced, &watch);
}

/* Real programs: nothing is unknown, and tables say all of it. */
static void
test_real(gconstpointer data)
{
	const char *script = "import json, ssl, sqlite3, threading, subprocess, os\n"
	                     "t = [threading.Thread(target=os.listdir) for _ in range(4)]\n"
	                     "[x.start() for x in t]; [x.join() for x in t]\n"
	                     "sqlite3.connect(':memory:').execute('create table t (a)')\n"
	                     "subprocess.run(['/bin/true']); os.fork() or os._exit(0)\n";
	char *arguments[] = {(char *)"-c", (char *)script, NULL};
	Watch watch = {.check = TRUE};
	GaitAttributorStats stats;
	Traced traced;

	watch_program(&traced, &watch, "/usr/bin/python3", arguments);
	g_assert_cmpuint(watch.n_events, >, 500);
	g_assert_cmpuint(watch.n_unknown, ==, 0);
	gait_attributor_get_stats(traced.attributor, &stats);
	g_assert_cmpuint(stats.n_unknown, ==, 0);
	g_assert_cmpuint(stats.n_by_libunwind, ==, 0);
	g_test_message("%u events, %u of which ask for registers; %u are told by what is known",
	               watch.n_events, watch.n_asked, watch.n_recalled);
	g_assert_cmpuint(watch.n_recalled, >, watch.n_events / 2);
	g_assert_cmpuint(watch.n_asked, <, watch.n_events / 2);
	end_watch(&traced, &watch);
}

/* Stripping takes names away, where a program does not need them itself as Go does; and nothing
 * else.
 */
static void
test_stripped(gconstpointer data)
{
	const char *const *programs = data;
	g_autoptr(GHashTable) sites = g_hash_table_new(g_int64_hash, g_int64_equal);
	Watch plain = {0}, stripped = {0};
	Traced traced, other;
	guint n_found = 0;

	watch_program(&traced, &plain, programs[0], NULL);
	watch_program(&other, &stripped, programs[1], NULL);
	for (guint i = 0; i < plain.observations->len; i++) {
		Observation *observed = &g_array_index(plain.observations, Observation, i);

		if (observed->mark != NO_MARK)
			g_hash_table_add(sites, &observed->offset);
	}
	for (guint i = 0; i < stripped.observations->len; i++) {
		Observation *observed = &g_array_index(stripped.observations, Observation, i);

		if (observed->mark == NO_MARK)
			continue;
		n_found++;
		g_assert_true((*observed->function != '\0') == (programs[2] != NULL));
		g_assert_cmpstr(observed->library, ==, programs[1]);
		g_assert_true(g_hash_table_contains(sites, &observed->offset));
	}
	g_assert_cmpuint(n_found, >, 0);
	end_watch(&traced, &plain);
	end_watch(&other, &stripped);
}

static void
test_dlopen(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *directory = g_dir_make_tmp("sysgait-XXXXXX", &error);
	char *arguments[] = {directory, NULL};
	guint n[2] = {0, 0}, n_same = 0, n_gone = 0;
	const Observation *previous = NULL;
	Watch watch = {.check = TRUE};
	Traced traced;

	g_assert_no_error(error);
	watch_program(&traced, &watch, "attr-dlopen", arguments);
	for (guint i = 0; i < watch.observations->len; i++) {
		const Observation *observed = &g_array_index(watch.observations, Observation, i);
		gboolean is_gone = strcmp(observed->library, "gone.so") == 0;

		if (observed->mark != 20 && observed->mark != 21)
			continue;
		n_same += previous && previous->second == observed->second;
		previous = observed;
		n_gone += is_gone;
		n[observed->mark - 20] += !is_gone;
		if (!is_gone)
			g_assert_cmpstr(observed->library, ==,
			                observed->mark == 20 ? "libplugin-a.so" : "libplugin-b.so");
		if (!is_gone || getuid() == 0)
			g_assert_cmpstr(observed->function, ==,
			                observed->mark == 20 ? "plugin_a" : "plugin_b");
		g_assert_cmpint(observed->status, ==, GAIT_STACK_EXACT);
		/* The file's contents decide, not what the name leads to by now. */
		g_assert_cmpint(strlen(gait_module_get_build_id(observed->module)), ==, 40);
	}
	g_assert_cmpuint(n[0], ==, 10);
	g_assert_cmpuint(n[1], ==, 10);
	g_assert_cmpuint(n_gone, ==, 2);
	/* Otherwise this has shown nothing. */
	g_assert_cmpuint(n_same, >=, 10);
	g_assert_cmpuint(watch.n_unknown, ==, 0);
	end_watch(&traced, &watch);
	g_rmdir(directory);
}

int
main(int argc, char **argv)
{
	static const char *const bare[] = {"attr-bare", "attr-bare-stripped", NULL};
	static const char *const go[] = {"attr-go", "attr-go-stripped", "names"};

	unit_init(argc, argv);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add_data_func(cases[i].path, &cases[i], test_case);
	g_test_add_data_func("/attribute/stripped/bare", bare, test_stripped);
	g_test_add_data_func("/attribute/stripped/go", go, test_stripped);
	g_test_add_func("/attribute/issuers", test_issuers);
	g_test_add_func("/attribute/dlopen", test_dlopen);
	g_test_add_data_func("/attribute/python3", NULL, test_real);
	return g_test_run();
}
