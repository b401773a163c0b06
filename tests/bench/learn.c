/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: learn TRACE
 *
 * How fast a trace is learned (reading included) and how much memory that takes, and what a step of
 * a walker costs: the same events from memory, walked again and again. make-trace makes TRACE long.
 */
#include "learn/learner.h"
#include "learn/stepper.h"
#include "sysgait/walker.h"

#include <stdio.h>
#include <sys/resource.h>

#define MAX_EVENTS (1u << 20) /* kept for walking */
#define N_STEPS    20000000u  /* walked at least */

typedef struct {
	GaitEvent event;
	struct gait_walk_event step;
} Step;

static double
seconds(void)
{
	return (double)g_get_monotonic_time() / 1e6;
}

static long
peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static GaitModel *
learn(const char *path)
{
	g_autoptr(GError) error = NULL;
	double start = seconds(), elapsed;
	GaitModel *model = gait_learn_files(&path, 1, NULL, &error);
	guint64 n;

	if (!model)
		g_error("%s", error->message);
	elapsed = seconds() - start;
	n = ((const GaitRun *)g_ptr_array_index(model->runs, 0))->n_events;
	printf("learning: %.1f million events/s (%" G_GUINT64_FORMAT " in %.2f s), %.1f MiB peak\n",
	       (double)n / elapsed / 1e6, n, elapsed, (double)peak_kib() / 1024);
	return model;
}

static GArray *
load(GaitTraceReader *reader, const GaitWalkTable *table)
{
	GArray *steps = g_array_new(FALSE, TRUE, sizeof(Step));
	GaitStepper stepper;
	GaitEvent event;

	gait_stepper_init(&stepper, reader, table, NULL);
	while (steps->len < MAX_EVENTS &&
	       gait_trace_reader_next(reader, &event, NULL) == GAIT_READ_EVENT) {
		Step step = {.event = event};

		if (event.kind == GAIT_EVENT_SYSCALL)
			step.step = gait_stepper_get(&stepper, event.shape)->event;
		else if (event.kind == GAIT_EVENT_START || event.kind == GAIT_EVENT_EXEC)
			step.event.program = gait_model_find_program(
			    gait_walk_table_get_model(table),
			    gait_trace_reader_get_module(reader, event.program)->path);
		g_array_append_val(steps, step);
	}
	gait_stepper_clear(&stepper);
	return steps;
}

/* Walks all events once; returns the number of steps, adds those refused to n_refused. */
static guint64
walk(const GArray *steps, const GaitWalkTable *table, GaitWalker **walkers, guint64 *n_refused)
{
	guint64 n = 0;

	for (guint i = 0; i < steps->len; i++) {
		const Step *step = &g_array_index(steps, Step, i);
		GaitWalker **walker = &walkers[step->event.task];

		switch (step->event.kind) {
		case GAIT_EVENT_SYSCALL:
			*n_refused += gait_walker_step(*walker, &step->step) != GAIT_VERDICT_ALLOW;
			n++;
			break;
		case GAIT_EVENT_START:
			*walker = gait_walker_new(table, step->event.program);
			break;
		case GAIT_EVENT_FORK:
			walkers[step->event.child] = gait_walker_fork(*walker, step->event.flags);
			break;
		case GAIT_EVENT_EXEC:
			gait_walker_exec(*walker, step->event.program);
			break;
		case GAIT_EVENT_SIGNAL:
			gait_walker_signal(*walker);
			break;
		case GAIT_EVENT_UNWIND:
			gait_walker_unwind(*walker, step->event.count);
			break;
		case GAIT_EVENT_EXIT:
			g_clear_pointer(walker, gait_walker_free);
			break;
		case GAIT_EVENT_LOST:
		case GAIT_EVENT_N_:
			break;
		}
	}
	return n;
}

static void
bench_walk(const char *path, const GaitModel *model)
{
	g_autoptr(GaitWalkTable) table = gait_walk_table_new(model, NULL);
	g_autoptr(GaitTraceReader) reader = gait_trace_reader_new(path, NULL);
	g_autoptr(GArray) steps = load(reader, table);
	guint32 n_tasks = gait_trace_reader_get_n_tasks(reader);
	g_autofree GaitWalker **walkers = g_new0(GaitWalker *, n_tasks);
	guint64 n = 0, n_refused = 0;
	double start = seconds();

	while (n < N_STEPS) {
		n += walk(steps, table, walkers, &n_refused);
		for (guint32 i = 0; i < n_tasks; i++)
			g_clear_pointer(&walkers[i], gait_walker_free);
	}
	printf("walking:  %.1f ns a step; table of %u bytes; %" G_GUINT64_FORMAT " refused\n",
	       (seconds() - start) * 1e9 / (double)n, gait_walk_table_get_header(table)->size,
	       n_refused);
}

int
main(int argc, char **argv)
{
	g_autoptr(GaitModel) model = NULL;

	if (argc != 2) {
		fprintf(stderr, "usage: learn TRACE\n");
		return 2;
	}
	model = learn(argv[1]);
	bench_walk(argv[1], model);
	return 0;
}
