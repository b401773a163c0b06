/* SPDX-License-Identifier: Apache-2.0 */
/* Random traces over a small fixed alphabet: every kind of event, in any order that a recorder
 * could write. */
#pragma once

#include "learn/trace.h"
#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <string.h>

typedef struct {
	const char *path, *build_id;
	gboolean is_runtime;
} RandomModule;

enum { M_ONE, M_TWO, M_LIBC, M_ZIP, M_UNKNOWN, M_ZIP_COPY, N_RANDOM_MODULES };

static const RandomModule random_modules[N_RANDOM_MODULES] = {
    [M_ONE] = {"/bin/one", "aa", FALSE},
    [M_TWO] = {"/bin/two", "bb", FALSE},
    [M_LIBC] = {"/lib/libc.so.6", "cc", TRUE},
    [M_ZIP] = {"/lib/libzip.so.1", "dd", FALSE},
    [M_UNKNOWN] = {"[unknown]", "", FALSE},
    /* The same file at another place is the same module. */
    [M_ZIP_COPY] = {"/opt/libzip.so.1", "dd", FALSE},
};

typedef struct {
	const char *call;
	guint64 args[6];
	guint32 module; /* responsible */
	guint64 site;
	guint32 n_middle; /* runtime frames between the issuer and the site */
	gboolean is_foreign;
} RandomShape;

static const RandomShape random_shapes[] = {
    {"read", {0}, M_ONE, 0x10, 0, FALSE},
    {"read", {0}, M_ONE, 0x20, 0, FALSE},
    {"write", {0}, M_ONE, 0x10, 0, FALSE},
    {"openat", {0, 0, 0}, M_ONE, 0x30, 0, FALSE},
    {"openat", {0, 0, 0101}, M_ONE, 0x30, 0, FALSE},
    {"read", {0}, M_ZIP, 0x10, 0, FALSE},
    {"read", {0}, M_ZIP_COPY, 0x10, 1, FALSE},
    {"mmap", {0, 0, 3}, M_ZIP, 0x20, 0, FALSE},
    {"write", {0}, M_TWO, 0x10, 2, FALSE},
    {"close", {0}, M_TWO, 0x20, 0, FALSE},
    {"brk", {0}, M_LIBC, 0x100, 0, FALSE},
    {"clone", {0x11}, M_ONE, 0x40, 0, FALSE},
    {"clone", {0x11}, M_ZIP, 0x40, 0, FALSE},
    {"vfork", {0}, M_TWO, 0x50, 0, FALSE},
    {"execve", {0}, M_ONE, 0x80, 0, FALSE},
    {"execve", {0}, M_TWO, 0x80, 0, FALSE},
    {"execveat", {0}, M_ZIP, 0x80, 1, FALSE},
    {"futex", {0, 0}, M_ONE, 0x60, 0, FALSE},
    {"poll", {0}, M_ONE, 0x70, 0, FALSE},
    {"clock_gettime", {0}, M_ZIP, 0x60, 0, FALSE},
    {"restart_syscall", {0}, M_LIBC, 0x200, 0, FALSE},
    {"rt_sigreturn", {0}, M_LIBC, 0x300, 0, FALSE},
    {"read", {0}, M_UNKNOWN, 0, 0, FALSE},
    {"getpid", {0}, M_UNKNOWN, 0, 0, FALSE},
    {"read", {0}, M_ONE, 0x10, 0, TRUE},
};

typedef struct {
	gboolean has_losses;   /* lost events, and no proper end */
	gboolean is_stackless; /* as an imported log */
	gboolean has_foreign;
	gboolean has_no_joined;   /* every task's start is seen */
	gboolean has_no_handlers; /* no signals */
	guint n_events;
} RandomOptions;

typedef struct {
	GRand *rand;
	const RandomOptions *options;
	GaitTraceWriter *writer;
	GArray *events; /* GaitEvent, as written */
	GArray *alive;  /* guint32 */
	GArray *last;   /* guint32 by task: its last shape */
	guint64 time_ns;
} RandomTrace;

static guint32
random_below(RandomTrace *trace, guint32 n)
{
	return (guint32)g_rand_int_range(trace->rand, 0, (gint32)n);
}

static guint32
random_nr(const RandomShape *shape)
{
	gint32 nr = gait_syscall_from_name(shape->call);

	g_assert_cmpint(nr, >=, 0);
	return (guint32)nr;
}

static guint32
random_write_stack(RandomTrace *trace, const RandomShape *shape)
{
	GaitTraceFrame frames[8] = {{.module = M_LIBC, .offset = 0x1000 + random_nr(shape)}};
	GaitTraceStack stack = {.n_frames = 1, .frames = frames};

	if (shape->module == M_LIBC)
		frames[0].offset = shape->site;
	else {
		for (guint32 i = 0; i < shape->n_middle; i++)
			frames[stack.n_frames++] = (GaitTraceFrame){M_LIBC, 0x2000 + i, "mid", i};
		frames[stack.n_frames] = (GaitTraceFrame){shape->module, shape->site, "site", 1};
		stack.site = stack.n_frames++;
		stack.status = shape->module == M_UNKNOWN ? 2 : 0;
	}
	return gait_trace_writer_add_stack(trace->writer, &stack);
}

static void
random_write_tables(RandomTrace *trace)
{
	for (guint i = 0; i < N_RANDOM_MODULES; i++)
		gait_trace_writer_add_module(trace->writer, random_modules[i].path,
		                             random_modules[i].build_id,
		                             random_modules[i].is_runtime);
	for (guint i = 0; i < G_N_ELEMENTS(random_shapes); i++) {
		const RandomShape *shape = &random_shapes[i];
		GaitShape out = {
		    .nr = random_nr(shape),
		    .arch = shape->is_foreign ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
		    .stack = G_MAXUINT32,
		};

		memcpy(out.args, shape->args, sizeof out.args);
		out.klass = gait_syscall_class(out.nr, out.args);
		if (!trace->options->is_stackless)
			out.stack = random_write_stack(trace, shape);
		gait_trace_writer_add_shape(trace->writer, &out);
	}
}

static void
random_emit(RandomTrace *trace, GaitEvent event)
{
	GError *error = NULL;

	trace->time_ns += random_below(trace, 1000);
	event.time_ns = trace->time_ns;
	g_array_append_val(trace->events, event);
	gait_trace_writer_event(trace->writer, &event, &error);
	g_assert_no_error(error);
}

static guint32
random_add_task(RandomTrace *trace)
{
	guint32 none = G_MAXUINT32, task = trace->last->len;

	g_array_append_val(trace->last, none);
	g_array_append_val(trace->alive, task);
	return task;
}

static void
random_start(RandomTrace *trace, gboolean may_join)
{
	GaitEvent event = {.kind = GAIT_EVENT_START, .program = random_below(trace, 2)};

	event.task = random_add_task(trace);
	event.pid = event.tid = 100 + (gint32)event.task;
	event.flags = may_join && random_below(trace, 2) ? GAIT_TASK_JOINED : 0;
	random_emit(trace, event);
}

static void
random_fork(RandomTrace *trace, guint32 task)
{
	static const guint32 flags[] = {0, GAIT_TASK_THREAD, GAIT_TASK_VFORK};
	guint32 last = g_array_index(trace->last, guint32, task);
	GaitEvent event = {.kind = GAIT_EVENT_FORK, .task = task};

	if (last == G_MAXUINT32 || !gait_syscall_is_creation(random_nr(&random_shapes[last])))
		return;
	event.flags = flags[random_below(trace, G_N_ELEMENTS(flags))];
	event.child = random_add_task(trace);
	event.pid = event.tid = 100 + (gint32)event.child;
	random_emit(trace, event);
}

static void
random_syscall(RandomTrace *trace, guint32 task)
{
	GaitEvent event = {.kind = GAIT_EVENT_SYSCALL, .task = task};

	/* Some letters are far more frequent than others, as in life. */
	event.shape = random_below(trace, 3) ? random_below(trace, 6)
	                                     : random_below(trace, G_N_ELEMENTS(random_shapes));
	if (random_shapes[event.shape].is_foreign && !trace->options->has_foreign)
		return;
	random_emit(trace, event);
	if (!random_shapes[event.shape].is_foreign &&
	    strcmp(random_shapes[event.shape].call, "restart_syscall") != 0)
		g_array_index(trace->last, guint32, task) = event.shape;
}

/* An exec into another program or its own, mostly by a call that says so. */
static void
random_exec(RandomTrace *trace, guint32 task)
{
	GaitEvent event = {
	    .kind = GAIT_EVENT_EXEC, .task = task, .program = random_below(trace, 2)};

	for (guint32 i = 0; i < G_N_ELEMENTS(random_shapes) && random_below(trace, 8); i++) {
		GaitEvent call = {.kind = GAIT_EVENT_SYSCALL, .task = task, .shape = i};

		if (!gait_syscall_is_exec(random_nr(&random_shapes[i])) || random_below(trace, 2))
			continue;
		random_emit(trace, call);
		break;
	}
	random_emit(trace, event);
	g_array_index(trace->last, guint32, task) = G_MAXUINT32;
}

static void
random_step(RandomTrace *trace)
{
	guint32 index = random_below(trace, trace->alive->len);
	guint32 task = g_array_index(trace->alive, guint32, index), dice = random_below(trace, 100);

	if (dice < 80) {
		random_syscall(trace, task);
	} else if (dice < 86) {
		random_fork(trace, task);
	} else if (dice < 92 && trace->options->has_no_handlers) {
		return;
	} else if (dice < 90) {
		random_emit(trace,
		            (GaitEvent){.kind = GAIT_EVENT_SIGNAL, .task = task, .signo = 10});
	} else if (dice < 92) {
		random_emit(trace,
		            (GaitEvent){.kind = GAIT_EVENT_UNWIND, .task = task, .count = 1});
	} else if (dice < 94) {
		random_exec(trace, task);
	} else if (dice < 96) {
		random_start(trace, !trace->options->has_no_joined);
	} else if (dice < 98 && trace->alive->len > 1) {
		/* As waitpid says: 0, 1, SIGTERM, SIGKILL, SIGSEGV with a core. */
		static const gint32 statuses[] = {0, 0x100, 15, 9, 11 | 0x80};
		gint32 status = statuses[random_below(trace, G_N_ELEMENTS(statuses))];

		random_emit(trace,
		            (GaitEvent){.kind = GAIT_EVENT_EXIT, .task = task, .status = status});
		g_array_remove_index_fast(trace->alive, index);
	} else if (dice == 98 && trace->options->has_losses) {
		random_emit(trace, (GaitEvent){.kind = GAIT_EVENT_LOST, .task = task, .count = 3});
	}
}

static void
random_open(RandomTrace *trace, const char *path)
{
	char *command[] = {(char *)"one", (char *)"--random", NULL};
	char *runtime[] = {(char *)"libc.so.6", NULL};
	GaitTraceInfo info = {.kernel = (char *)"6.1",
	                      .arch = (char *)"x86_64",
	                      .backend = (char *)"random",
	                      .command = command,
	                      .runtime = runtime,
	                      .has_stacks = !trace->options->is_stackless,
	                      .has_times = TRUE};
	GError *error = NULL;

	trace->events = g_array_new(FALSE, FALSE, sizeof(GaitEvent));
	trace->alive = g_array_new(FALSE, FALSE, sizeof(guint32));
	trace->last = g_array_new(FALSE, FALSE, sizeof(guint32));
	trace->writer = gait_trace_writer_new(path, &info, &error);
	g_assert_no_error(error);
	random_write_tables(trace);
}

static GArray *
random_close(RandomTrace *trace)
{
	GError *error = NULL;

	gait_trace_writer_finish(trace->writer, 0, !trace->options->has_losses, &error);
	g_assert_no_error(error);
	gait_trace_writer_free(trace->writer);
	g_array_unref(trace->alive);
	g_array_unref(trace->last);
	return trace->events;
}

/* Writes a trace to path; returns its events. */
static GArray *
random_trace_write(const char *path, GRand *rand, const RandomOptions *options)
{
	RandomTrace trace = {.rand = rand, .options = options};

	random_open(&trace, path);
	random_start(&trace, FALSE);
	for (guint i = 0; i < options->n_events; i++)
		random_step(&trace);
	return random_close(&trace);
}

/*
 * Writes what is left of events from the first-th on, as one would record who joins then: the tasks
 * alive, joined, and all that follows.
 */
G_GNUC_UNUSED static void
random_trace_write_rest(const char *path, const GArray *events, guint first,
                        const RandomOptions *options)
{
	RandomTrace trace = {.rand = g_rand_new_with_seed(0), .options = options};
	g_autoptr(GArray) programs = g_array_new(FALSE, TRUE, sizeof(guint32)); /* by task, +1 */
	g_autoptr(GArray) indices = g_array_new(FALSE, TRUE, sizeof(guint32));  /* the new ones */

	g_array_set_size(programs, events->len + 1);
	g_array_set_size(indices, events->len + 1);
	random_open(&trace, path);
	for (guint i = 0; i < events->len; i++) {
		GaitEvent event = g_array_index(events, GaitEvent, i);
		guint32 *program = &g_array_index(programs, guint32, event.task);

		if (i == first)
			for (guint32 t = 0; t < events->len; t++)
				if (g_array_index(programs, guint32, t) != 0) {
					g_array_index(indices, guint32, t) =
					    random_add_task(&trace);
					random_emit(
					    &trace,
					    (GaitEvent){.kind = GAIT_EVENT_START,
					                .task = trace.last->len - 1,
					                .program =
					                    g_array_index(programs, guint32, t) - 1,
					                .pid = 100 + (gint32)t,
					                .tid = 100 + (gint32)t,
					                .flags = GAIT_TASK_JOINED});
				}
		if (event.kind == GAIT_EVENT_START || event.kind == GAIT_EVENT_EXEC)
			*program = event.program + 1;
		if (event.kind == GAIT_EVENT_FORK)
			g_array_index(programs, guint32, event.child) = *program;
		if (event.kind == GAIT_EVENT_EXIT)
			*program = 0;
		if (i < first)
			continue;
		if (event.kind == GAIT_EVENT_START)
			g_array_index(indices, guint32, event.task) = random_add_task(&trace);
		if (event.kind == GAIT_EVENT_FORK) {
			g_array_index(indices, guint32, event.child) = random_add_task(&trace);
			event.child = g_array_index(indices, guint32, event.child);
		}
		event.task = g_array_index(indices, guint32, event.task);
		random_emit(&trace, event);
	}
	g_rand_free(trace.rand);
	g_array_unref(random_close(&trace));
}
