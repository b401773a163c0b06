/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: load MODEL [ROUNDS]
 *
 * What it takes to get a model into the in-kernel tier and out again: reading it, compiling its
 * walk table, and loading the program, of which the kernel's part is told apart (making maps,
 * filling them, the verifier). Medians of so many rounds.
 */
#include "kernel/tier.h"
#include "sysgait/walker.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum {
	READING,
	COMPILING,
	LOADING,
	MAKING,
	VERIFYING,
	FILLING,
	UNLOADING,
	ALL,
	N_PARTS,
} Part;

static const char *const names[N_PARTS] = {
    [READING] = "reading the model", [COMPILING] = "compiling its table",
    [LOADING] = "loading the tier",  [MAKING] = "  making maps",
    [VERIFYING] = "  verifier",      [FILLING] = "  filling maps",
    [UNLOADING] = "unloading it",    [ALL] = "all but unloading",
};

static double now_ms(void);
static double *parts;

/* libbpf's way into the kernel comes by here: this is found before libc's. */
long
syscall(long nr, ...)
{
	double started = now_ms();
	long args[6], result;
	va_list list;

	va_start(list, nr);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	__asm__ volatile("mov %5, %%r10; mov %6, %%r8; mov %7, %%r9; syscall"
	                 : "=a"(result)
	                 : "0"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(args[3]),
	                   "r"(args[4]), "r"(args[5])
	                 : "rcx", "r8", "r9", "r10", "r11", "memory");
	if (nr == SYS_bpf && parts)
		parts[args[0] == BPF_MAP_CREATE  ? MAKING
		      : args[0] == BPF_PROG_LOAD ? VERIFYING
		                                 : FILLING] += now_ms() - started;
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

static double
now_ms(void)
{
	return (double)g_get_monotonic_time() / 1e3;
}

static void
measure(const char *path, double took[N_PARTS])
{
	static const GaitTierCallbacks none;
	g_autofree struct gait_tier_syscall *calls =
	    g_new0(struct gait_tier_syscall, GAIT_TIER_N_SYSCALLS);
	g_autoptr(GError) error = NULL;
	GaitTierOptions options = {.syscalls = calls};
	GaitModules *modules = gait_modules_new(NULL);
	double start = now_ms();
	GaitModel *model = gait_model_load(path, &error);
	GaitWalkTable *table;
	GaitTier *tier;

	if (!model)
		g_error("%s", error->message);
	took[READING] = now_ms() - start;
	table = gait_walk_table_new(model, &error);
	if (!table)
		g_error("%s", error->message);
	took[COMPILING] = now_ms() - start - took[READING];
	options.table = table;
	parts = took;
	tier = gait_tier_new(&options, modules, &none, NULL, &error);
	parts = NULL;
	if (!tier)
		g_error("%s", error->message);
	took[ALL] = now_ms() - start;
	took[LOADING] = took[ALL] - took[READING] - took[COMPILING];
	gait_tier_free(tier);
	took[UNLOADING] = now_ms() - start - took[ALL];
	gait_walk_table_unref(table);
	gait_model_free(model);
	gait_modules_free(modules);
}

static int
compare(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

int
main(int argc, char **argv)
{
	int n_rounds = argc > 2 ? atoi(argv[2]) : 5;
	g_autofree double *took = NULL, *sorted = NULL;

	if (argc < 2 || n_rounds < 1)
		return 2;
	took = g_new0(double, (gsize)n_rounds *N_PARTS);
	sorted = g_new0(double, (gsize)n_rounds);
	for (int i = 0; i < n_rounds; i++)
		measure(argv[1], took + (gsize)i * N_PARTS);
	for (int part = 0; part < N_PARTS; part++) {
		for (int i = 0; i < n_rounds; i++)
			sorted[i] = took[i * N_PARTS + part];
		qsort(sorted, (gsize)n_rounds, sizeof(*sorted), compare);
		printf("%-22s %8.1f ms\n", names[part], sorted[n_rounds / 2]);
	}
	return 0;
}
