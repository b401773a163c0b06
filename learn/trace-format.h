/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a trace file, shared by writer and reader.
 *
 *   file    = magic (8 bytes), version (u32), zero (u32), chunk…
 *   chunk   = index, type, length, checksum of the payload, checksum of these four (u32 each),
 * payload payload = INFO: once, first | RECORDS: record… | END: once, last
 *
 * Fixed-size numbers are little-endian, checksums are CRC-32. The index counts chunks from 0, so
 * one that is lost, doubled or moved is noticed. A header that is whole but does not match its
 * checksum is damage; a file that ends within a chunk was cut off there, and everything before is
 * good.
 *
 * Within a payload a number is a varint (seven bits a byte, lowest first, high bit: more follow; at
 * most ten bytes), a signed one is zigzag-coded first, a string is its length and its bytes,
 * without a NUL.
 *
 *   INFO    = flags, start time (µs, signed), kernel, arch, backend, n, argument × n, n, runtime ×
 * n END     = flags, events lost, tasks, events
 *
 * A record never crosses the end of its chunk. It begins with a number whose two low bits are its
 * kind: SAME and SWITCH are system calls, nearly all there is, and cost four to seven bytes; the
 * rest of the number is their shape. For OTHER it is the record type.
 *
 *   SAME    = Δtime                                  by the task of the last event
 *   SWITCH  = task, Δtime                            by another one
 *   STRING  = string                                 next string index
 *   MODULE  = flags, path, build-id                  next module index
 *   STACK   = status, n, site, frame × n             next stack index
 *     frame = module, offset, 1 + string index of the function or 0, delta
 *   SHAPE   = nr, arch, 1 + stack or 0, mask, argument for each bit of mask     next shape index
 *   START   = Δtime, pid, tid, module, flags         next task index
 *   FORK    = task, Δtime, pid, tid, flags           next task index is the child
 *   EXEC    = task, Δtime, module
 *   SIGNAL  = task, Δtime, signo
 *   UNWIND  = task, Δtime, count
 *   EXIT    = task, Δtime, status (signed)
 *   LOST    = task, Δtime, count
 *   COUNT   = events of the next task, lost ones included: before END, for each task in order
 *
 * Δtime is signed, in ns, since the event before, whatever its task. An event's sequence number is
 * not stored: it is the count of the task's events so far, plus those LOST, and COUNT proves it.
 * (The number of a LOST event is that of the first event missing.) The argument class of a shape is
 * not stored either but made anew from the arguments, so that old traces follow a class that is
 * refined.
 *
 * The run id is the SHA-256 of the file as far as it is whole: what sha256sum(1) says of a trace
 * that was not cut off.
 */
#pragma once

#include <glib.h>

#define GAIT_TRACE_MAGIC   "\x89GAITtr\n"
#define GAIT_TRACE_VERSION 1u

enum {
	GAIT_TRACE_FILE_HEADER = 16,  /* bytes */
	GAIT_TRACE_CHUNK_HEADER = 20, /* bytes */
};

/* Bounds. A writer that reaches one of them says so and stops; a reader refuses what exceeds one.
 */
enum {
	GAIT_TRACE_MAX_CHUNK = 1 << 20,  /* bytes of payload */
	GAIT_TRACE_FULL_CHUNK = 1 << 16, /* the writer begins another one here */
	GAIT_TRACE_MAX_STRING = 8192,    /* bytes; the kernel's longest path is 4096 */
	GAIT_TRACE_MAX_ARGUMENTS = 4096,
	GAIT_TRACE_MAX_COMMAND = 1 << 16, /* bytes of all arguments; the rest is cut */
	GAIT_TRACE_MAX_STRINGS = 1 << 20,
	GAIT_TRACE_MAX_MODULES = 1 << 16,
	GAIT_TRACE_MAX_FRAMES = 1024, /* of one stack; the rest, outward, is cut */
	GAIT_TRACE_MAX_STACKS = 1 << 20,
	GAIT_TRACE_MAX_SHAPES = 1 << 20,
	GAIT_TRACE_MAX_TASKS = 1 << 22,
};

#define GAIT_TRACE_MAX_SEQ     (G_GUINT64_CONSTANT(1) << 62)
#define GAIT_TRACE_MAX_TIME_NS ((guint64)G_MAXINT64)

typedef enum {
	GAIT_CHUNK_INFO = 1,
	GAIT_CHUNK_RECORDS = 2,
	GAIT_CHUNK_END = 3,
} GaitChunkType;

enum {
	GAIT_INFO_HAS_STACKS = 1 << 0,
	GAIT_INFO_HAS_TIMES = 1 << 1,
	GAIT_INFO_ALL = (1 << 2) - 1,
};

enum {
	GAIT_END_IS_COMPLETE = 1 << 0,
	GAIT_END_ALL = (1 << 1) - 1,
};

enum {
	GAIT_RECORD_SAME = 0,
	GAIT_RECORD_SWITCH = 1,
	GAIT_RECORD_OTHER = 2,
	GAIT_RECORD_KIND = 3, /* mask */
	GAIT_RECORD_KIND_BITS = 2,
};

/* Record types of kind OTHER; the names are for messages. */
#define GAIT_RECORDS(X)                                                                            \
	X(STRING, "string")                                                                        \
	X(MODULE, "module")                                                                        \
	X(STACK, "stack")                                                                          \
	X(SHAPE, "shape")                                                                          \
	X(START, "start")                                                                          \
	X(FORK, "fork")                                                                            \
	X(EXEC, "exec")                                                                            \
	X(SIGNAL, "signal")                                                                        \
	X(UNWIND, "unwind")                                                                        \
	X(EXIT, "exit")                                                                            \
	X(LOST, "lost")                                                                            \
	X(COUNT, "count")

typedef enum {
#define X(name, text) GAIT_RECORD_##name,
	GAIT_RECORDS(X)
#undef X
	    GAIT_RECORD_N_,
} GaitRecordType;

static inline guint64
gait_zigzag(gint64 value)
{
	return ((guint64)value << 1) ^ (value < 0 ? G_MAXUINT64 : 0);
}

static inline gint64
gait_unzigzag(guint64 value)
{
	return (gint64)(value >> 1) ^ -(gint64)(value & 1);
}
