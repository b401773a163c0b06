/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums a trace up over time. Nobody knows its length before its end, and it may come from a pipe:
 * so stretches of time (bins) begin short, and whenever an event lies behind the last one,
 * neighbours are put together and each is twice as long.
 */
#include "learn/timeline.h"

#include "learn/checker.h"
#include "learn/site.h"
#include "sysgait/error.h"

#include <string.h>

#define FIRST_SHIFT 10 /* a microsecond */
#define NO_LIBRARY  "[unknown]"

static GaitTimelineLane *
add_lane(GaitTimeline *timeline, guint64 at, gint32 pid, gint32 tid)
{
	GaitTimelineLane *lane;

	if (timeline->lanes->len == GAIT_TIMELINE_MAX_LANES) {
		/* The last one is everybody's now: of no task, and in no phase. */
		lane = g_ptr_array_index(timeline->lanes, GAIT_TIMELINE_MAX_LANES - 1);
		lane->pid = lane->tid = 0;
		lane->gone = G_MAXUINT64;
		g_array_set_size(lane->phases, 0);
		return lane;
	}
	lane = g_new0(GaitTimelineLane, 1);
	lane->born = at;
	lane->gone = G_MAXUINT64;
	lane->pid = pid;
	lane->tid = tid;
	lane->program = G_MAXUINT32;
	lane->cells = g_array_new(FALSE, FALSE, sizeof(GaitTimelineCell));
	lane->violations = g_array_new(FALSE, FALSE, sizeof(GaitTimelineCell));
	lane->phases = g_array_new(FALSE, FALSE, sizeof(GaitTimelinePhase));
	g_ptr_array_add(timeline->lanes, lane);
	return lane;
}

static void
free_lane(gpointer data)
{
	GaitTimelineLane *lane = data;

	g_array_unref(lane->cells);
	g_array_unref(lane->violations);
	g_array_unref(lane->phases);
	g_free(lane);
}

static void
free_library(gpointer data)
{
	GaitTimelineLibrary *library = data;

	g_free(library->bins);
	g_free(library);
}

/* --- bins ---------------------------------------------------------------------------------------
 */

static void
halve_cells(GArray *cells)
{
	guint n = 0;

	for (guint i = 0; i < cells->len; i++) {
		GaitTimelineCell cell = g_array_index(cells, GaitTimelineCell, i);
		GaitTimelineCell *last = n ? &g_array_index(cells, GaitTimelineCell, n - 1) : NULL;

		cell.bin /= 2;
		if (last && last->bin == cell.bin)
			last->count += MIN(cell.count, G_MAXUINT32 - last->count);
		else
			g_array_index(cells, GaitTimelineCell, n++) = cell;
	}
	g_array_set_size(cells, n);
}

static void
halve(GaitTimeline *timeline)
{
	timeline->shift++;
	for (guint i = 0; i < timeline->lanes->len; i++) {
		const GaitTimelineLane *lane = g_ptr_array_index(timeline->lanes, i);

		halve_cells(lane->cells);
		halve_cells(lane->violations);
	}
	for (guint i = 0; i < timeline->libraries->len; i++) {
		const GaitTimelineLibrary *library = g_ptr_array_index(timeline->libraries, i);
		const guint half = GAIT_TIMELINE_MAX_BINS / 2;

		for (guint k = 0; k < half; k++)
			library->bins[k] = (guint32)MIN(
			    (guint64)library->bins[2 * k] + library->bins[2 * k + 1], G_MAXUINT32);
		memset(library->bins + half, 0, half * sizeof *library->bins);
	}
}

static guint32
find_bin(GaitTimeline *timeline, guint64 at)
{
	while (at >> timeline->shift >= GAIT_TIMELINE_MAX_BINS)
		halve(timeline);
	return (guint32)(at >> timeline->shift);
}

/* Times may go back a little between tasks, hardly ever within one: then it counts for the last. */
static void
count(GArray *cells, guint32 bin)
{
	GaitTimelineCell *last =
	    cells->len ? &g_array_index(cells, GaitTimelineCell, cells->len - 1) : NULL;
	GaitTimelineCell cell = {bin, 1};

	if (last && bin <= last->bin)
		last->count += last->count < G_MAXUINT32;
	else
		g_array_append_val(cells, cell);
}

/* --- events -------------------------------------------------------------------------------------
 */

/* While reading. */
typedef struct {
	GaitTimeline *timeline;
	GaitTraceReader *reader;
	const GaitTimelineOptions *options;
} Build;

static guint32
add_library(const Build *build, guint32 module)
{
	GaitTimeline *timeline = build->timeline;
	gpointer key = GUINT_TO_POINTER(module);
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(timeline->by_module, key));
	GaitTimelineLibrary *library;

	if (index)
		return index - 1;
	if (timeline->libraries->len == GAIT_TIMELINE_MAX_LIBRARIES)
		return GAIT_TIMELINE_MAX_LIBRARIES - 1;
	library = g_new0(GaitTimelineLibrary, 1);
	library->path = module == G_MAXUINT32
	                    ? NO_LIBRARY
	                    : gait_trace_reader_get_module(build->reader, module)->path;
	library->bins = g_new0(guint32, GAIT_TIMELINE_MAX_BINS);
	g_ptr_array_add(timeline->libraries, library);
	g_hash_table_insert(timeline->by_module, key, GUINT_TO_POINTER(timeline->libraries->len));
	return timeline->libraries->len - 1;
}

static guint32
find_library(const Build *build, guint32 shape)
{
	GArray *known = build->timeline->library_of;
	guint32 none = GAIT_NONE;
	GaitSite site;

	while (known->len <= shape)
		g_array_append_val(known, none);
	if (G_LIKELY(g_array_index(known, guint32, shape) != GAIT_NONE))
		return g_array_index(known, guint32, shape);
	gait_site_from_shape(&site, build->reader,
	                     gait_trace_reader_get_shape(build->reader, shape),
	                     build->options->runtime);
	g_array_index(known, guint32, shape) = add_library(build, site.module);
	return g_array_index(known, guint32, shape);
}

static GaitTimelineLane *
start_lane(GaitTimeline *timeline, guint32 task, guint64 at, const GaitEvent *event)
{
	GaitTimelineLane *lane = add_lane(timeline, at, event->pid, event->tid);
	guint32 index = timeline->lanes->len - 1;

	timeline->n_tasks++;
	lane->is_thread = (event->flags & GAIT_TASK_THREAD) != 0;
	if (task >= timeline->lane_of->len)
		g_array_set_size(timeline->lane_of, task + 1);
	g_array_index(timeline->lane_of, guint32, task) = index;
	return lane;
}

/* Where the walker is now, if it is elsewhere than before. */
static void
note_phase(GaitTimelineLane *lane, const GaitWalker *walker, guint64 at)
{
	const GaitTimelinePhase *last =
	    lane->phases->len
	        ? &g_array_index(lane->phases, GaitTimelinePhase, lane->phases->len - 1)
	        : NULL;
	GaitTimelinePhase now = {at, gait_walker_get_program(walker), gait_walker_get_role(walker),
	                         gait_walker_get_phase(walker)};

	if (!lane->tid || (last && last->program == now.program && last->role == now.role &&
	                   last->phase == now.phase))
		return;
	g_array_append_val(lane->phases, now);
}

static void
add_call(const Build *build, GaitTimelineLane *lane, guint64 at, guint32 shape)
{
	GaitTimeline *timeline = build->timeline;
	guint32 library = find_library(build, shape);
	GaitTimelineLibrary *row = g_ptr_array_index(timeline->libraries, library);
	guint32 bin = find_bin(timeline, at);

	timeline->n_events++;
	lane->n_events++;
	count(lane->cells, bin);
	row->n_events++;
	row->bins[bin] += row->bins[bin] < G_MAXUINT32;
}

/* The task's lane after a lifecycle event. */
static void
add_lifecycle(const Build *build, GaitTimelineLane *lane, guint64 at, const GaitEvent *event)
{
	GaitTimelineLane *child;

	switch (event->kind) {
	case GAIT_EVENT_START:
	case GAIT_EVENT_EXEC:
		lane->program = event->program;
		return;
	case GAIT_EVENT_FORK:
		child = start_lane(build->timeline, event->child, at, event);
		child->program = lane->program;
		return;
	case GAIT_EVENT_EXIT:
		if (lane->tid)
			lane->gone = at;
		return;
	case GAIT_EVENT_SYSCALL:
	case GAIT_EVENT_SIGNAL:
	case GAIT_EVENT_UNWIND:
	case GAIT_EVENT_LOST:
	case GAIT_EVENT_N_:
		return;
	}
}

/* Since the first event: what a recorder did before is none of the program's time. */
static guint64
find_position(GaitTimeline *timeline, const GaitEvent *event)
{
	if (timeline->by_events)
		return timeline->n_events;
	if (timeline->lanes->len == 0)
		timeline->start = event->time_ns;
	return event->time_ns - MIN(event->time_ns, timeline->start);
}

static void
add_event(const GaitEvent *event, const GaitWalker *walker, GaitVerdict verdict, gpointer data)
{
	const Build *build = data;
	GaitTimeline *timeline = build->timeline;
	guint64 at = find_position(timeline, event);
	GaitTimelineLane *lane;

	timeline->end = MAX(timeline->end, at);
	if (event->kind == GAIT_EVENT_START)
		start_lane(timeline, event->task, at, event);
	lane = g_ptr_array_index(timeline->lanes,
	                         g_array_index(timeline->lane_of, guint32, event->task));
	if (event->kind == GAIT_EVENT_SYSCALL)
		add_call(build, lane, at, event->shape);
	else
		add_lifecycle(build, lane, at, event);
	if (walker)
		note_phase(lane, walker, at);
	if (G_UNLIKELY(verdict != GAIT_VERDICT_ALLOW)) {
		timeline->n_violations[verdict]++;
		lane->n_violations++;
		count(lane->violations, find_bin(timeline, at));
	}
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void
report_progress(guint64 n_read, guint64 n_total, gpointer data)
{
	const Build *build = data;

	if (build->options->progress)
		build->options->progress(n_read, n_total, build->options->data);
}

static gboolean
read_all(Build *build, const char *name, GError **error)
{
	GaitCheckStats stats;
	const GaitCheckOptions options = {
	    .runtime = build->options->runtime,
	    .event = add_event,
	    .progress = report_progress,
	    .data = build,
	};

	if (!build->options->table)
		return gait_check_events(build->reader, &options, error);
	return gait_check_trace(build->reader, name, build->options->table, &options, &stats,
	                        error);
}

GaitTimeline *
gait_timeline_new(GaitTraceReader *reader, const char *name, const GaitTimelineOptions *options,
                  GError **error)
{
	g_autoptr(GaitTimeline) timeline = g_new0(GaitTimeline, 1);
	Build build = {timeline, reader, options};

	timeline->by_events = options->by_events || !gait_trace_reader_get_info(reader)->has_times;
	timeline->shift = timeline->by_events ? 0 : FIRST_SHIFT;
	timeline->lanes = g_ptr_array_new_with_free_func(free_lane);
	timeline->libraries = g_ptr_array_new_with_free_func(free_library);
	timeline->lane_of = g_array_new(FALSE, TRUE, sizeof(guint32));
	timeline->library_of = g_array_new(FALSE, FALSE, sizeof(guint32));
	timeline->by_module = g_hash_table_new(NULL, NULL);
	if (!read_all(&build, name, error))
		return NULL;
	if (timeline->n_events > 0)
		return g_steal_pointer(&timeline);
	g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_PARTIAL,
	            "%s has no system calls: there is nothing to draw", name);
	return NULL;
}

void
gait_timeline_free(GaitTimeline *timeline)
{
	if (!timeline)
		return;
	g_ptr_array_unref(timeline->lanes);
	g_ptr_array_unref(timeline->libraries);
	g_array_unref(timeline->lane_of);
	g_array_unref(timeline->library_of);
	g_hash_table_unref(timeline->by_module);
	g_free(timeline);
}
