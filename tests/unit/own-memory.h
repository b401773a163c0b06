/* SPDX-License-Identifier: Apache-2.0 */
/* What test-own-memory.c and its program in the kernel share. */
#pragma once

#include <linux/types.h>

#define GAIT_TEST_N_WORDS 4096

struct gait_test_word {
	__u64 address;
	__u64 own, copied; /* what was read as the tier does, and by the helper */
	__u32 own_status, copied_status;
	__u32 is_direct; /* the page was found; the word may yet have been copied */
	__u32 pad;
};
