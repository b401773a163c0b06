/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a recorder sees to a trace. It does not look at processes: the attributor has done that
 * already, and its stacks and modules are numbered densely, so that arrays tell which of them the
 * trace has. Shapes (a call with its arguments of interest from one stack) are looked up in a table
 * of open addressing: nearly every event finds its shape at the first slot, and then is a few bytes
 * in the writer's buffer.
 */
#include "sysgait/recording.h"

#include "learn/trace.h"
#include "sysgait/syscall.h"

#include <linux/audit.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

typedef struct {
	GaitShape shape;
	guint32 hash;
	guint32 index; /* 1 + index in the trace; 0: the slot is free */
} Slot;

struct _GaitRecording {
	GaitTraceWriter *writer;
	GError *failure;
	gboolean has_failed;
	GaitRecordingStats *stats, own_stats;
	guint64 start_ns;
	guint64 time_ns; /* of what comes next; 0: now */
	guint64 last_ns; /* of what came last */

	GArray *modules;        /* module id → 1 + index in the trace */
	GArray *stacks;         /* stack id → 1 + index in the trace */
	GArray *is_responsible; /* module id → gboolean */

	Slot *slots;
	guint32 n_slots, n_shapes; /* n_slots: a power of two */
};

#define FIRST_SLOTS 1024

static guint64
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (guint64)now.tv_sec * G_GUINT64_CONSTANT(1000000000) + (guint64)now.tv_nsec;
}

static GaitTraceWriter *
open_trace(const char *path, const char *backend, const char *const *command, GaitModules *modules,
           GError **error)
{
	static const char *const nothing[] = {NULL};
	struct utsname system;
	GaitTraceInfo info = {
	    .arch = (char *)"x86_64",
	    .backend = (char *)backend,
	    .command = (char **)(command ? command : nothing),
	    .runtime = (char **)gait_modules_get_runtime(modules),
	    .start_us = g_get_real_time(),
	    .has_stacks = TRUE,
	    .has_times = TRUE,
	};

	uname(&system);
	info.kernel = system.release;
	return gait_trace_writer_new(path, &info, error);
}

GaitRecording *
gait_recording_new(const char *path, const char *backend, const char *const *command,
                   GaitModules *modules, GaitRecordingStats *stats, GError **error)
{
	g_autoptr(GaitTraceWriter) writer = open_trace(path, backend, command, modules, error);
	GaitRecording *recording;

	if (!writer)
		return NULL;
	recording = g_new0(GaitRecording, 1);
	recording->writer = g_steal_pointer(&writer);
	recording->stats = stats ? stats : &recording->own_stats;
	recording->start_ns = recording->last_ns = now_ns();
	recording->modules = g_array_new(FALSE, TRUE, sizeof(guint32));
	recording->stacks = g_array_new(FALSE, TRUE, sizeof(guint32));
	recording->is_responsible = g_array_new(FALSE, TRUE, sizeof(gboolean));
	recording->n_slots = FIRST_SLOTS;
	recording->slots = g_new0(Slot, recording->n_slots);
	return recording;
}

void
gait_recording_free(GaitRecording *recording)
{
	if (!recording)
		return;
	gait_trace_writer_free(recording->writer);
	g_clear_error(&recording->failure);
	g_array_unref(recording->modules);
	g_array_unref(recording->stacks);
	g_array_unref(recording->is_responsible);
	g_free(recording->slots);
	g_free(recording);
}

/* --- events --------------------------------------------------------------------------------------
 */

static void
put(GaitRecording *recording, GaitEvent *event)
{
	if (G_UNLIKELY(recording->has_failed))
		return;
	/* Cores may count a little apart, but time does not go back. */
	recording->last_ns =
	    MAX(recording->last_ns, recording->time_ns ? recording->time_ns : now_ns());
	event->time_ns = recording->last_ns - recording->start_ns;
	if (G_UNLIKELY(!gait_trace_writer_event(recording->writer, event, &recording->failure)))
		recording->has_failed = TRUE;
	recording->stats->n_bytes = gait_trace_writer_get_n_bytes(recording->writer);
}

/* The entry of an array that says "1 + index" for an id; it grows as ids appear. */
static guint32 *
entry(GArray *array, guint32 id)
{
	if (id >= array->len)
		g_array_set_size(array, id + 1);
	return &g_array_index(array, guint32, id);
}

static guint32
add_module(GaitRecording *recording, const GaitModule *module)
{
	guint32 *index = entry(recording->modules, gait_module_get_id(module));

	if (*index == 0)
		*index = 1 + gait_trace_writer_add_module(
		                 recording->writer, gait_module_get_path(module),
		                 gait_module_get_build_id(module), gait_module_is_runtime(module));
	return *index - 1;
}

static guint32
add_task(GaitRecording *recording)
{
	recording->stats->n_live++;
	return recording->stats->n_tasks++;
}

guint32
gait_recording_start(GaitRecording *recording, pid_t pid, pid_t tid, GaitModule *program,
                     guint32 flags)
{
	GaitEvent event = {
	    .kind = GAIT_EVENT_START,
	    .task = add_task(recording),
	    .pid = pid,
	    .tid = tid,
	    .flags = flags,
	};

	if (!recording->has_failed)
		event.program = add_module(recording, program);
	put(recording, &event);
	return event.task;
}

guint32
gait_recording_fork(GaitRecording *recording, guint32 parent, pid_t pid, pid_t tid, guint32 flags)
{
	GaitEvent event = {
	    .kind = GAIT_EVENT_FORK,
	    .task = parent,
	    .child = add_task(recording),
	    .pid = pid,
	    .tid = tid,
	    .flags = flags,
	};

	put(recording, &event);
	return event.child;
}

void
gait_recording_exec(GaitRecording *recording, guint32 task, GaitModule *program)
{
	GaitEvent event = {.kind = GAIT_EVENT_EXEC, .task = task};

	if (!recording->has_failed)
		event.program = add_module(recording, program);
	put(recording, &event);
}

void
gait_recording_signal(GaitRecording *recording, guint32 task, int signo)
{
	GaitEvent event = {.kind = GAIT_EVENT_SIGNAL, .task = task, .signo = signo};

	put(recording, &event);
}

void
gait_recording_unwind(GaitRecording *recording, guint32 task, guint64 n_handlers)
{
	GaitEvent event = {.kind = GAIT_EVENT_UNWIND, .task = task, .count = n_handlers};

	put(recording, &event);
}

void
gait_recording_exit(GaitRecording *recording, guint32 task, int status)
{
	GaitEvent event = {.kind = GAIT_EVENT_EXIT, .task = task, .status = status};

	recording->stats->n_live--;
	put(recording, &event);
}

void
gait_recording_lost(GaitRecording *recording, guint32 task, guint64 n)
{
	GaitEvent event = {.kind = GAIT_EVENT_LOST, .task = task, .count = n};

	recording->stats->n_lost += n;
	put(recording, &event);
}

void
gait_recording_set_time(GaitRecording *recording, guint64 time_ns)
{
	recording->time_ns = time_ns;
}

/* --- system calls --------------------------------------------------------------------------------
 */

static void
count_library(GaitRecording *recording, const GaitModule *module)
{
	guint32 id = gait_module_get_id(module);

	if (id >= recording->is_responsible->len)
		g_array_set_size(recording->is_responsible, id + 1);
	if (!g_array_index(recording->is_responsible, gboolean, id)) {
		g_array_index(recording->is_responsible, gboolean, id) = TRUE;
		recording->stats->n_libraries++;
	}
}

/*
 * Names are for people, and looked up when a stack is first seen. The pc of a frame is the one
 * after the call, which may be the first of the next function where the callee never returns: so
 * the byte before it is asked for.
 */
static GaitTraceFrame
make_frame(GaitRecording *recording, const GaitStackFrame *frame)
{
	GaitTraceFrame out = {
	    .module = add_module(recording, frame->module),
	    .offset = frame->offset,
	};

	if (frame->offset > 0 &&
	    gait_module_symbolize(frame->module, frame->offset - 1, &out.function, &out.delta))
		out.delta++;
	return out;
}

static guint32
add_stack(GaitRecording *recording, const GaitStack *stack)
{
	guint32 *index = entry(recording->stacks, stack->id);

	if (G_UNLIKELY(*index == 0)) {
		g_autofree GaitTraceFrame *frames = g_new(GaitTraceFrame, stack->n_frames);
		GaitTraceStack out = {stack->n_frames, stack->site, stack->status, frames};

		for (guint32 i = 0; i < stack->n_frames; i++)
			frames[i] = make_frame(recording, &stack->frames[i]);
		*index = 1 + gait_trace_writer_add_stack(recording->writer, &out);
		count_library(recording, stack->frames[stack->site].module);
	}
	return *index - 1;
}

static guint32
hash_shape(const GaitShape *shape)
{
	guint64 hash = shape->nr ^ (guint64)shape->stack << 32;

	for (guint i = 0; i < 6; i++)
		hash = (hash ^ shape->args[i]) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	hash ^= shape->arch;
	return (guint32)(hash ^ hash >> 32);
}

static Slot *
find_slot(Slot *slots, guint32 n_slots, const GaitShape *shape, guint32 hash)
{
	for (guint32 i = hash & (n_slots - 1);; i = (i + 1) & (n_slots - 1))
		if (slots[i].index == 0 ||
		    (slots[i].hash == hash && memcmp(&slots[i].shape, shape, sizeof(*shape)) == 0))
			return &slots[i];
}

static void
grow(GaitRecording *recording)
{
	guint32 n_slots = recording->n_slots * 2;
	Slot *slots = g_new0(Slot, n_slots);

	for (guint32 i = 0; i < recording->n_slots; i++) {
		Slot *slot = &recording->slots[i];

		if (slot->index != 0)
			*find_slot(slots, n_slots, &slot->shape, slot->hash) = *slot;
	}
	g_free(recording->slots);
	recording->slots = slots;
	recording->n_slots = n_slots;
}

static guint32
add_shape(GaitRecording *recording, const GaitShape *shape)
{
	guint32 hash = hash_shape(shape);
	Slot *slot = find_slot(recording->slots, recording->n_slots, shape, hash);
	guint32 index;

	if (G_LIKELY(slot->index != 0))
		return slot->index - 1;
	index = gait_trace_writer_add_shape(recording->writer, shape);
	*slot = (Slot){*shape, hash, 1 + index};
	/* At most half full; the writer bounds their number. */
	if (++recording->n_shapes * 2 > recording->n_slots)
		grow(recording);
	return index;
}

void
gait_recording_syscall(GaitRecording *recording, guint32 task, guint32 arch, guint32 nr,
                       const guint64 args[6], const GaitStack *stack)
{
	GaitEvent event = {.kind = GAIT_EVENT_SYSCALL, .task = task};
	GaitShape shape;

	if (G_UNLIKELY(recording->has_failed))
		return;
	memset(&shape, 0, sizeof(shape)); /* compared as bytes */
	shape.nr = nr;
	shape.arch = arch;
	shape.stack = add_stack(recording, stack);
	if (G_LIKELY(arch == AUDIT_ARCH_X86_64))
		gait_syscall_keep_args(nr, args, shape.args);
	event.shape = add_shape(recording, &shape);
	put(recording, &event);
	recording->stats->n_events++;
	if (stack->status == GAIT_STACK_UNKNOWN)
		recording->stats->n_unknown++;
}

/* --- the end -------------------------------------------------------------------------------------
 */

gboolean
gait_recording_has_failed(const GaitRecording *recording)
{
	return recording->has_failed;
}

void
gait_recording_flush(GaitRecording *recording)
{
	if (!recording->has_failed &&
	    !gait_trace_writer_flush(recording->writer, &recording->failure))
		recording->has_failed = TRUE;
}

gboolean
gait_recording_finish(GaitRecording *recording, GError **error)
{
	gboolean is_complete = recording->stats->n_lost == 0;

	if (recording->has_failed) {
		g_propagate_error(error, g_steal_pointer(&recording->failure));
		return FALSE;
	}
	recording->has_failed = TRUE; /* nothing can be added any more */
	if (!gait_trace_writer_finish(recording->writer, recording->stats->n_lost, is_complete,
	                              error))
		return FALSE;
	recording->stats->n_bytes = gait_trace_writer_get_n_bytes(recording->writer);
	return TRUE;
}
