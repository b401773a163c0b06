/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The function table of a Go program, which its runtime itself uses (.gopclntab; there even where a
 * program is stripped): names, exact frame sizes, and which functions stand where libc stands in
 * other programs.
 */
#pragma once

#include "process/image.h"

typedef enum {
	GAIT_GO_PLAIN,
	GAIT_GO_SYSCALL, /* makes system calls for others: package syscall and its like */
	GAIT_GO_RUNTIME, /* package runtime: scheduler, allocator, collector */
	GAIT_GO_N_,
} GaitGoKind;

/* Frame sizes that are none. */
enum {
	GAIT_GO_NO_SIZE = -1, /* not known */
	GAIT_GO_POPPED = -8,  /* the return address was taken off the stack (into r12) */
};

typedef struct {
	const char *name; /* "path/of/package.(*Type).Method"; borrowed */
	GaitGoKind kind;
	guint64 start; /* link-time address */
	/* Bytes from the stack pointer to the return address, at the address that was asked for. */
	gint64 frame_size;
} GaitGoFunction;

typedef struct _GaitGoTable GaitGoTable;

/* NULL where the image is no Go program's, or its table is of an unknown version (before Go 1.18),
 * or not to be used. Keeps nothing of image. */
GaitGoTable *gait_go_table_new(GaitImage *image);
void gait_go_table_free(GaitGoTable *table);
/* Bytes it occupies. */
gsize gait_go_table_get_size(const GaitGoTable *table);
/* The function that holds a link-time address. FALSE where it is not Go's. */
gboolean gait_go_table_find(const GaitGoTable *table, guint64 vaddr, GaitGoFunction *function);

/* The function's frame has that size at [start, end), link-time addresses. */
typedef void (*GaitGoRangeFunc)(const GaitGoFunction *function, guint64 start, guint64 end,
                                gpointer data);
/* For all ranges of the n-th function, which have no gaps. FALSE where there is no such function,
 * or *budget, from which each step takes one, is used up. */
gboolean gait_go_table_foreach_range(const GaitGoTable *table, guint64 n, guint64 *budget,
                                     GaitGoRangeFunc function, gpointer data);

/* By the package in a function's name. */
GaitGoKind gait_go_get_kind(const char *name);
