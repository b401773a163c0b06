/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace over time, summed up for a picture: how many calls each task and each library made in
 * each of some two thousand stretches of time, in which phase each task was, and where it left its
 * gait. One pass; memory is bounded by tasks and libraries, not by events.
 */
#pragma once

#include "learn/trace.h"
#include "sysgait/walker.h"

/* Stretches of time: when they do not suffice, each becomes twice as long. */
#define GAIT_TIMELINE_MAX_BINS 2048
/* Tasks and libraries with a row of their own; what comes later is counted together, in the last.
 */
#define GAIT_TIMELINE_MAX_LANES     4096
#define GAIT_TIMELINE_MAX_LIBRARIES 256

typedef struct {
	guint32 bin, count;
} GaitTimelineCell;

/* From here on the task is in this phase of this role. */
typedef struct {
	guint64 at;
	guint32 program, role, phase; /* of the model; GAIT_NONE: not known */
} GaitTimelinePhase;

/* One task, or (the last) all that came too late for a lane of their own. */
typedef struct {
	guint64 born, gone; /* gone: G_MAXUINT64 where its end was not seen */
	gint32 pid, tid;    /* 0 for all others */
	guint32 program;    /* the trace's module that it runs at last; G_MAXUINT32 */
	gboolean is_thread;
	guint64 n_events, n_violations;
	GArray *cells;      /* GaitTimelineCell, by bin: system calls */
	GArray *phases;     /* GaitTimelinePhase, in order; empty without a model */
	GArray *violations; /* GaitTimelineCell, by bin */
} GaitTimelineLane;

typedef struct {
	const char *path; /* borrowed from the reader */
	guint64 n_events;
	guint32 *bins; /* GAIT_TIMELINE_MAX_BINS */
} GaitTimelineLibrary;

typedef struct {
	guint shift;   /* a bin is 2^shift units long */
	guint64 start; /* of the first event, in the trace's time: the picture begins there */
	guint64 end;   /* of the last event */
	guint64 n_events, n_tasks;
	guint64 n_violations[GAIT_VERDICT_N_];
	gboolean by_events;    /* the unit is a system call, not a nanosecond */
	GPtrArray *lanes;      /* GaitTimelineLane*, in order of appearance */
	GPtrArray *libraries;  /* GaitTimelineLibrary*, in order of appearance */
	GArray *lane_of;       /* guint32: by task */
	GArray *library_of;    /* guint32: by shape; GAIT_NONE: not asked yet */
	GHashTable *by_module; /* module → index + 1 of its library */
} GaitTimeline;

typedef struct {
	const char *const *runtime; /* as GaitLearnOptions' */
	const GaitWalkTable *table; /* for phases and violations; may be NULL */
	gboolean by_events;
	void (*progress)(guint64 n_read, guint64 n_total, gpointer data); /* may be NULL */
	gpointer data;
} GaitTimelineOptions;

/*
 * Reads reader, which stays borrowed and is to outlive the timeline, to its end. name: for
 * messages. A trace that was cut off is drawn as far as it goes. Fails where the trace is damaged
 * or empty, or of a program that the model does not know.
 */
GaitTimeline *gait_timeline_new(GaitTraceReader *reader, const char *name,
                                const GaitTimelineOptions *options, GError **error);
void gait_timeline_free(GaitTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitTimeline, gait_timeline_free)

static inline guint32
gait_timeline_n_bins(const GaitTimeline *timeline)
{
	return (guint32)(timeline->end >> timeline->shift) + 1;
}

/* The picture: SVG, or (is_page) an HTML page around it with a table of the phases. */
GString *gait_timeline_draw(const GaitTimeline *timeline, GaitTraceReader *reader,
                            const GaitModel *model, gboolean is_page);
