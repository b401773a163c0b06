/* SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause */
/*
 * The compiled walk table: flat arrays with 32-bit indices, no pointers, so that the same bytes
 * serve user space and BPF maps. Fixed-width types only, no GLib, no libc: this header and
 * walk-step.h are also compiled for BPF.
 */
#pragma once

#ifdef __BPF__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define GAIT_WALK_NONE 0xffffffffu

/* What the walker is told of one system call entry: registers, and what attribution found. */
struct gait_walk_event {
	__u32 nr;
	__u32 klass;         /* gait_syscall_class() */
	__u32 issuer_module; /* module index in the table; GAIT_WALK_NONE: a module the model does
	                        not know */
	__u32 module; /* responsible library, same; GAIT_WALK_NONE: unknown module or not attributed
	               */
	__u64 issuer_offset;
	__u64 site;
	__u32 flags; /* GAIT_WALK_… */
	__u32 pad;
};

enum {
	GAIT_WALK_NO_STACK =
	    1 << 0, /* the event carries no issuer, library or site (imported log) */
	GAIT_WALK_STALE_SITES =
	    1 << 1, /* the library was rebuilt since training: check up to phase only */
	GAIT_WALK_STALE_ISSUER = 1
	                         << 2, /* the issuer was rebuilt since training: do not check it */
};
