/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/* What judge.bpf.c and its test share. */
#pragma once

/* The next call with this number of this thread shall fail with this error. The judge takes tid
 * away when it has come. */
struct judge_order {
	__u32 tid;
	__u32 syscall;
	__u32 error;
	__u32 failed; /* there was no room to note it */
};
