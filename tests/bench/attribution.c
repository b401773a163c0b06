// SPDX-License-Identifier: Apache-2.0
/*
 * What attribution costs per event, by unwind tables and by libunwind, against the bare stop that
 * every traced call costs anyway. usage: attribution PROGRAM [ARG…]
 */
#include "process/attribute-private.h"
#include "tests/unit/traced.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

typedef enum {
	BARE,   /* stop and registers only */
	TABLES, /* as a recorder does */
	CFI,    /* by libunwind */
	N_MODES,
} Mode;

typedef struct {
	Mode mode;
	guint64 n_events, ns, started;
} Measure;

static guint64
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (guint64)time.tv_sec * G_GUINT64_CONSTANT(1000000000) + (guint64)time.tv_nsec;
}

static void
on_call(Traced *traced, TracedTask *task, const struct user_regs_struct *user)
{
	Measure *measure = traced->data;
	GaitRegisters registers;
	const GaitStack *stack;
	guint64 begin;

	measure->n_events++;
	if (measure->mode == BARE)
		return;
	begin = now();
	gait_registers_from_user(&registers, user);
	gait_attributor_attribute(traced->attributor, task->space, task->tid,
	                          (guint32)user->orig_rax, &registers, &stack);
	measure->ns += now() - begin;
}

static Measure
run(Mode mode, char **argv)
{
	Measure measure = {.mode = mode};
	Traced traced = {.modules = gait_modules_new(NULL), .call = on_call, .data = &measure};
	guint64 begin = now();

	traced.attributor = gait_attributor_new(traced.modules, NULL);
	if (mode == CFI)
		gait_attributor_distrust_tables(traced.attributor);
	traced_run(&traced, argv);
	measure.started = now() - begin;
	gait_attributor_free(traced.attributor);
	gait_modules_free(traced.modules);
	return measure;
}

int
main(int argc, char **argv)
{
	cpu_set_t first;
	Measure measures[N_MODES];
	double bare;

	if (argc < 2) {
		fprintf(stderr, "usage: attribution PROGRAM [ARG…]\n");
		return 2;
	}
	/* On one core a stop is cheapest, so ratios are at their worst. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	for (Mode mode = BARE; mode < N_MODES; mode++)
		measures[mode] = run(mode, argv + 1);
	/* Entry and exit stop. */
	bare = (double)measures[BARE].started / (double)(2 * measures[BARE].n_events);
	printf("bare stop      %8.0f ns\n", bare);
	for (Mode mode = TABLES; mode < N_MODES; mode++) {
		double ns = (double)measures[mode].ns / (double)measures[mode].n_events;

		printf("%-14s %8.0f ns  %5.2f of a bare stop\n",
		       mode == TABLES ? "by tables" : "by libunwind", ns, ns / bare);
	}
	return 0;
}
