/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Words of the task's memory, read as the in-kernel tier does without copying and as the helper
 * copies them, for the unit test (test-own-memory.c), which has put their addresses into a map.
 */
#pragma clang diagnostic ignored "-Wunused-function"
#include "kernel/own-memory.bpf.h"

#include "tests/unit/own-memory.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GAIT_TEST_N_WORDS);
	__type(key, __u32);
	__type(value, struct gait_test_word);
} words SEC(".maps");

/* Kept from word to word, and from run to run. */
struct gait_tier_page pages[2];

static long
read_word(__u32 i, void *data)
{
	struct gait_test_word *word = bpf_map_lookup_elem(&words, &i);
	const struct task_struct *task = bpf_get_current_task_btf();
	struct gait_tier_page page;

	if (!word)
		return 1;
	word->own_status = read_own(task, pages, word->address, &word->own);
	word->is_direct = HAS_DIRECT_READS && shared.direct_map &&
	                  find_own_page(task, &shared.direct_map, word->address, &page);
	word->copied_status = bpf_probe_read_user(&word->copied, 8, (void *)word->address) != 0;
	return 0;
}

SEC("raw_tp/gait_read_words")
int
on_read_words(__u64 *arguments)
{
	bpf_loop((__u32)arguments[0], read_word, NULL, 0);
	return 0;
}

char dual_licence[] SEC("license") = "Dual BSD/GPL";
