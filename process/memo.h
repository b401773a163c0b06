/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory of unwinding. Unwinding is a function of what it reads, and each read decides what is
 * read next: so what was seen is kept as a decision tree, and following it with an event's own
 * values gives the very stack that unwinding would.
 */
#pragma once

#include "process/snapshot.h"
#include "sysgait/attribute.h"

typedef enum {
	GAIT_READ_RUNTIME, /* whether the space has one */
	GAIT_READ_PC,
	GAIT_READ_SLOT,     /* the word at stack pointer + where */
	GAIT_READ_REGISTER, /* number where */
	GAIT_READ_NOTHING,  /* a leaf: where is the result */
} GaitReadKind;

typedef struct {
	GaitReadKind kind;
	guint32 where;
	guint64 value;
} GaitMemoRead;

typedef enum {
	GAIT_MEMO_HIT,
	GAIT_MEMO_MISS,
	GAIT_MEMO_NEEDS_REGISTERS,
	GAIT_MEMO_N_,
} GaitMemoResult;

/* One event, as both attribution and memory see it. */
typedef struct {
	GaitSpace *space;
	pid_t task;
	const GaitRegisters *registers;
	gboolean
	    is_recalled; /* others may look at the space at the same time: it must not change */
} GaitMemoEvent;

typedef struct _GaitMemo GaitMemo;

GaitMemo *gait_memo_new(void);
void gait_memo_free(GaitMemo *memo);
/* Reads of snapshot what the tree asks for; a miss leaves it as it is, for unwinding to go on with.
 */
GaitMemoResult gait_memo_find(const GaitMemo *memo, const GaitMemoEvent *event,
                              GaitSnapshot *snapshot, guint32 *result);
/* reads: in the order of unwinding, without runtime and pc. */
void gait_memo_add(GaitMemo *memo, const GaitMemoEvent *event, const GaitMemoRead *reads,
                   guint n_reads, guint32 result);
