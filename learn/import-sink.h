/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an import goes: interns modules, stacks and calls, and writes the trace. What a log cannot
 * say of a module (build-id) is looked up in the file of that name, if it still is here.
 */
#pragma once

#include "learn/trace.h"

typedef struct _GaitImportSink GaitImportSink;

/* is_foreign: the log is of another machine; no file is looked at. */
GaitImportSink *gait_import_sink_new(const char *path, const GaitTraceInfo *info,
                                     gboolean is_foreign, GError **error);
void gait_import_sink_free(GaitImportSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitImportSink, gait_import_sink_free)

/* Index of the module with this path ("[unknown]" included). */
guint32 gait_import_sink_module(GaitImportSink *sink, const char *path);
gboolean gait_import_sink_is_runtime(const GaitImportSink *sink, guint32 module);
/* The program that executing path runs: links followed, and the interpreter of a script. */
guint32 gait_import_sink_program(GaitImportSink *sink, const char *path);

/*
 * A frame as strace saw it. What it calls an offset is one in the file, or (builds with libdw) a
 * link-time address; where only one of them can be, that one is meant.
 */
GaitTraceFrame gait_import_sink_frame(GaitImportSink *sink, const char *path, guint64 offset,
                                      const char *function, guint64 delta);
guint32 gait_import_sink_stack(GaitImportSink *sink, const GaitTraceStack *stack);
guint32 gait_import_sink_shape(GaitImportSink *sink, const GaitShape *shape);

gboolean gait_import_sink_event(GaitImportSink *sink, const GaitEvent *event, GError **error);
gboolean gait_import_sink_finish(GaitImportSink *sink, guint64 n_lost, gboolean is_complete,
                                 GError **error);
