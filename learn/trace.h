/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace file (DESIGN §4): append-only, in chunks with length and checksum, so that what a
 * killed recorder leaves is a valid prefix. Everything that repeats is interned before its first
 * use: strings, modules, stacks, and "shapes" (a call with its scalar arguments of interest from
 * one stack), so that an event is a few bytes. The layout itself is described in trace-format.h,
 * which reader and writer share.
 */
#pragma once

#include "sysgait/event.h"

/* Chain of frames from the instruction outward, at least to the site. */
typedef struct {
	guint32 module;       /* index of the trace's modules */
	guint64 offset;       /* file offset */
	const char *function; /* nearest symbol; NULL where not known. Borrowed */
	guint64 delta;
} GaitTraceFrame;

typedef struct {
	guint32 n_frames;
	guint32 site;   /* index of the site frame */
	guint32 status; /* GaitStackStatus (0 exact, 1 frame pointer, 2 unknown) */
	const GaitTraceFrame *frames;
} GaitTraceStack;

/*
 * A call as it repeats. args are the six registers as gait_syscall_keep_args() leaves them (all 0
 * where arch is a foreign one): intern by (nr, arch, stack, args). klass is for reading only: the
 * reader makes it from args, the writer does not look at it.
 */
typedef struct {
	guint32 nr;
	guint32 arch; /* AUDIT_ARCH_…; nr and klass mean nothing to the learner unless
	                 AUDIT_ARCH_X86_64 */
	guint32 klass;
	guint32 stack; /* index; G_MAXUINT32 where the trace has no stacks, and only there */
	guint64 args[6];
} GaitShape;

typedef struct {
	char *path;
	char *build_id;
	gboolean is_runtime;
} GaitTraceModule;

typedef struct {
	char *kernel;    /* uname -r */
	char *arch;      /* "x86_64" */
	char *backend;   /* "ptrace", "bpf", "strace" */
	char **command;  /* argv; NULL-terminated, may be empty (-p) */
	char **runtime;  /* the runtime set that stacks were cut by */
	gint64 start_us; /* Unix time */
	gboolean has_stacks;
	gboolean has_times;
} GaitTraceInfo;

/* --- writer -------------------------------------------------------------------------------------
 */

typedef struct _GaitTraceWriter GaitTraceWriter;

/*
 * path "-" is stdout. Refuses to write to a terminal. The file is created at once, so that a wrong
 * path is known before the target runs.
 */
GaitTraceWriter *gait_trace_writer_new(const char *path, const GaitTraceInfo *info, GError **error);
/* Without finish() before, what was written stays as a valid, partial trace. */
void gait_trace_writer_free(GaitTraceWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTraceWriter, gait_trace_writer_free)
/*
 * Each returns the index of the new entry; the caller sees to it that none is there twice. Where
 * the format's bounds are exceeded (trace-format.h) they return 0 and the next event or flush
 * reports it. Strings are copied.
 */
guint32 gait_trace_writer_add_module(GaitTraceWriter *writer, const char *path,
                                     const char *build_id, gboolean is_runtime);
guint32 gait_trace_writer_add_stack(GaitTraceWriter *writer, const GaitTraceStack *stack);
guint32 gait_trace_writer_add_shape(GaitTraceWriter *writer, const GaitShape *shape);
/*
 * Appends an event; seq is assigned by the writer (per task), the event's own is not looked at. A
 * task comes into being by START or FORK, whose index is the number of tasks so far, and nothing
 * follows its EXIT: all else is a bug of the caller. Times may go back a little between tasks.
 * Buffered; a write that fails is reported by this or a later call, once, and what is on disk is a
 * valid prefix.
 */
gboolean gait_trace_writer_event(GaitTraceWriter *writer, const GaitEvent *event, GError **error);
/* Puts on disk what is buffered. By itself it happens every second of the events' time; a recorder
 * that has seen none for a second calls it. */
gboolean gait_trace_writer_flush(GaitTraceWriter *writer, GError **error);
/* Writes the last chunk, with per-task counts and n_lost. is_complete FALSE marks the trace
 * partial. */
gboolean gait_trace_writer_finish(GaitTraceWriter *writer, guint64 n_lost, gboolean is_complete,
                                  GError **error);
guint64 gait_trace_writer_get_n_bytes(const GaitTraceWriter *writer);

/* --- reader -------------------------------------------------------------------------------------
 */

typedef struct _GaitTraceReader GaitTraceReader;

/*
 * Memory is bounded by what is interned, not by the number of events. "-" is stdin. Consumers may
 * rely on every index of an event being valid, on tasks appearing by START or FORK before their
 * first event, and on nothing following a task's EXIT: a file that says otherwise is refused.
 */
GaitTraceReader *gait_trace_reader_new(const char *path, GError **error);
GaitTraceReader *gait_trace_reader_new_for_data(const char *name, const guint8 *data, gsize size,
                                                GError **error);
void gait_trace_reader_free(GaitTraceReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTraceReader, gait_trace_reader_free)

typedef enum {
	GAIT_READ_EVENT, /* *event is the next one */
	GAIT_READ_END,   /* the file is at its end; see is_complete */
	GAIT_READ_ERROR, /* damaged: error names file and offset */
	GAIT_READ_N_,
} GaitRead;

/* The hot path of the learner: no allocation per event. */
GaitRead gait_trace_reader_next(GaitTraceReader *reader, GaitEvent *event, GError **error);
const GaitTraceInfo *gait_trace_reader_get_info(const GaitTraceReader *reader);
/* Tables; entries up to what the events read so far refer to. Pointers stay valid until the reader
 * is freed. */
guint32 gait_trace_reader_get_n_modules(const GaitTraceReader *reader);
const GaitTraceModule *gait_trace_reader_get_module(const GaitTraceReader *reader, guint32 i);
guint32 gait_trace_reader_get_n_stacks(const GaitTraceReader *reader);
const GaitTraceStack *gait_trace_reader_get_stack(const GaitTraceReader *reader, guint32 i);
guint32 gait_trace_reader_get_n_shapes(const GaitTraceReader *reader);
const GaitShape *gait_trace_reader_get_shape(const GaitTraceReader *reader, guint32 i);
guint32 gait_trace_reader_get_n_tasks(const GaitTraceReader *reader);
/* After GAIT_READ_END: whether the last chunk was there, said complete, and its counts agreed. */
gboolean gait_trace_reader_is_complete(const GaitTraceReader *reader);
guint64 gait_trace_reader_get_n_lost(const GaitTraceReader *reader);
/* After GAIT_READ_END: hex SHA-256 of the file, as sha256sum(1) gives it; of the valid prefix where
 * it was cut off. Borrowed. */
const char *gait_trace_reader_get_run_id(const GaitTraceReader *reader);
/* Bytes read and in total (0 if not known), for progress. */
void gait_trace_reader_get_position(const GaitTraceReader *reader, guint64 *n_read,
                                    guint64 *n_total);
