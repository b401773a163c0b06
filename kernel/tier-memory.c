/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel has all memory, so that the in-kernel tier may look at a task's stack without
 * copying it: found by trying, with words that nobody can guess. Where it is not found all works as
 * well, and takes longer.
 */
#include "kernel/tier-private.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* How far physical memory reaches; 0: that is not said. */
static guint64
get_end_of_memory(void)
{
	FILE *file = fopen("/proc/iomem", "re");
	guint64 first, last, end = 0;
	char line[256];

	while (file && fgets(line, sizeof line, file))
		if (strstr(line, ": System RAM") &&
		    sscanf(line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", &first,
		           &last) == 2)
			end = MAX(end, last);
	if (file)
		fclose(file);
	return end;
}

gboolean
gait_tier_find_direct_map(GaitTier *tier)
{
	gsize size = GAIT_TIER_N_PROBES * GAIT_TIER_PROBE_STRIDE;
	guint8 *words =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guint64 arguments[2] = {(guint64)words, get_end_of_memory()};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = arguments,
	            .ctx_size_in = sizeof(arguments));
	struct bpf_program *program =
	    bpf_object__find_program_by_name(tier->object, "on_direct_map");

	if (words == MAP_FAILED)
		return FALSE;
	for (guint i = 0; i < size / sizeof(guint32); i++)
		((guint32 *)words)[i] = g_random_int();
	if (arguments[1] > 0)
		bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	munmap(words, size);
	return options.retval == 1;
}
