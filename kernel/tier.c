/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel tier as user space has it: loads the program, sized for the model, and owns its
 * maps and the slots of tasks. What the program knows of files is tier-files.c's.
 *
 * BPF numbers tasks as the outermost PID namespace does, so this is for supervisors in there.
 */
#include "kernel/tier-private.h"

#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* The kernel's number for the outermost PID namespace (PROC_PID_INIT_INO). */
#define OUTERMOST_PID_NAMESPACE 0xeffffffcu

/* Room for what is not read yet: a core makes at most some 300 MB of records a second. */
#define RECORDING_RING (64u * 1024 * 1024)
#define ENFORCING_RING (1024u * 1024)

/* Calls of a task between two looks at the ring, at most. */
#define MAX_LOOK 64

/* The program, compiled. */
extern const guint8 gait_tier_program[];
extern const guint64 gait_tier_program_size;
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global gait_tier_program, gait_tier_program_size\n"
        "gait_tier_program:\n"
        ".incbin \"" GAIT_BPF_DIRECTORY "/kernel/gait.bpf.o\"\n"
        "0:\n"
        ".balign 8\n"
        "gait_tier_program_size: .quad 0b - gait_tier_program\n"
        ".popsection\n");

static int
say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

struct bpf_object *
gait_tier_open(void)
{
	libbpf_set_print(say_nothing);
	return bpf_object__open_mem(gait_tier_program, gait_tier_program_size, NULL);
}

/* --- loading ------------------------------------------------------------------------------------
 */

static struct bpf_map *
find_map(GaitTier *tier, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(tier->object, name);

	g_assert(map);
	return map;
}

static struct bpf_program *
find_program(GaitTier *tier, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(tier->object, name);

	g_assert(program);
	return program;
}

static guint32
count_libraries(const struct gait_walk_header *header)
{
	const struct gait_walk_program *programs =
	    (const void *)((const char *)header + header->programs);
	guint32 most = 0;

	for (guint32 i = 0; i < header->n_programs; i++)
		most = MAX(most, programs[i].n_libraries);
	return most;
}

static guint32
find_module(const GaitWalkTable *table, const char *name)
{
	gboolean is_stale;

	return table ? gait_walk_table_find_module(table, name, "", &is_stale) : GAIT_WALK_NONE;
}

/* All tasks together may not fill a quarter of the ring before one of them looks at it, where they
 * can help it. */
static guint32
choose_look_mask(guint64 ring_size)
{
	guint64 each = sizeof(struct gait_tier_call) + BPF_RINGBUF_HDR_SZ;
	guint32 n = MAX_LOOK;

	while (n > 1 && n * each * GAIT_TIER_MAX_TASKS > ring_size / 4)
		n /= 2;
	return n - 1;
}

static void
configure(GaitTier *tier, const GaitTierOptions *options)
{
	const struct gait_walk_header *header =
	    options->table ? gait_walk_table_get_header(options->table) : NULL;
	guint32 stride = header ? 1 + count_libraries(header) : 1;
	struct gait_tier_config config = {
	    .is_recording = options->is_recording,
	    .is_enforcing = header != NULL,
	    /* The program reads nothing within 64 bytes of the end, lest it read beyond it. */
	    .table_size = header ? MAX(header->size + 64, 4096) : 4096,
	    .stride = stride,
	    .anon_module = find_module(options->table, "[anon]"),
	    .unknown_module = find_module(options->table, "[unknown]"),
	    .ring_size = options->ring_size      ? options->ring_size
	                 : options->is_recording ? RECORDING_RING
	                                         : ENFORCING_RING,
	    .seed = (guint64)g_random_int() << 32 | g_random_int(),
	};

	config.look_mask = choose_look_mask(config.ring_size);
	/* Values of a map that is mapped are a multiple of 8 bytes. */
	config.n_states = (stride * GAIT_TIER_MAX_CONTEXTS + 1) & ~1u;
	tier->config = config;
	bpf_map__set_initial_value(find_map(tier, ".rodata.config"), &config, sizeof(config));
	bpf_map__set_value_size(find_map(tier, "table"), config.table_size);
	bpf_map__set_value_size(find_map(tier, "states"), config.n_states * sizeof(guint32));
	bpf_map__set_max_entries(find_map(tier, "rows"), GAIT_TIER_MAX_ROWS);
	bpf_map__set_max_entries(find_map(tier, "stacks"),
	                         options->is_recording ? GAIT_TIER_MAX_STACKS : 1);
	bpf_map__set_max_entries(find_map(tier, "ring"), (guint32)config.ring_size);
	bpf_program__set_autoload(find_program(tier, "on_exit"), options->is_lossless);
	bpf_program__set_autoload(find_program(tier, "on_fork"), header != NULL);
}

static gsize
round_to_pages(gsize size)
{
	gsize page = (gsize)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* n values of a map, from the first one on. What is started need not know of them, and would take
 * longer to start. */
static void *
map_values(struct bpf_map *map, gsize first, gsize n, gsize *size, GError **error)
{
	gsize each = (bpf_map__value_size(map) + 7) / 8 * 8;
	void *values;

	*size = round_to_pages(n * each);
	values = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map),
	              (off_t)(first * each));
	if (values == MAP_FAILED) {
		gait_error_system(error, GAIT_PROCESS_ERROR, errno, "mmap of a BPF map");
		return NULL;
	}
	madvise(values, *size, MADV_DONTFORK);
	return values;
}

/* The piece with this slot. */
static gboolean
map_slots(GaitTier *tier, guint32 index, GError **error)
{
	guint32 piece = index / GAIT_TIER_PIECE;

	if (!tier->slots[piece])
		tier->slots[piece] =
		    map_values(find_map(tier, "slots"), (gsize)piece * GAIT_TIER_PIECE,
		               GAIT_TIER_PIECE, &tier->slots_size, error);
	return tier->slots[piece] != NULL;
}

static void
fill_classes(struct gait_tier_syscall calls[GAIT_TIER_N_SYSCALLS])
{
	GaitClassPart parts[GAIT_MAX_CLASS_PARTS];

	for (guint32 nr = 0; nr < GAIT_TIER_N_SYSCALLS; nr++) {
		gait_syscall_get_class_parts(nr, parts);
		for (guint i = 0; i < GAIT_MAX_CLASS_PARTS; i++) {
			calls[nr].index[i] = parts[i].index;
			calls[nr].shift[i] = parts[i].shift;
			calls[nr].mask[i] = parts[i].mask;
		}
	}
}

static gboolean
set_value(GaitTier *tier, const char *map, guint32 key, const void *value, GError **error)
{
	if (bpf_map_update_elem(bpf_map__fd(find_map(tier, map)), &key, value, BPF_ANY) == 0)
		return TRUE;
	return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "filling a BPF map");
}

static gboolean
fill_syscalls(GaitTier *tier, const struct gait_tier_syscall *policy, GError **error)
{
	g_autofree struct gait_tier_syscall *calls =
	    g_memdup2(policy, GAIT_TIER_N_SYSCALLS * sizeof(*calls));
	gboolean is_good = TRUE;

	fill_classes(calls);
	for (guint32 nr = 0; is_good && nr < GAIT_TIER_N_SYSCALLS; nr++)
		is_good = set_value(tier, "syscalls", nr, &calls[nr], error);
	return is_good;
}

static gboolean
fill_table(GaitTier *tier, const GaitWalkTable *table, GError **error)
{
	const struct gait_walk_header *header = gait_walk_table_get_header(table);
	g_autofree guint8 *bytes = g_malloc0(tier->config.table_size);

	memcpy(bytes, header, header->size);
	return set_value(tier, "table", 0, bytes, error);
}

static gboolean
fill(GaitTier *tier, const GaitTierOptions *options, GError **error)
{
	return !options->table || (fill_syscalls(tier, options->syscalls, error) &&
	                           fill_table(tier, options->table, error));
}

/* What is behind an errno where it is not plain. */
static const char *
explain(int code)
{
	switch (code) {
	case EPERM:
		return " (it takes CAP_BPF and CAP_PERFMON, which root has)";
	case EACCES:
	case EINVAL:
		return " (this kernel's verifier does not take it)";
	case E2BIG:
		return " (this kernel's verifier finds it too large)";
	default:
		return "";
	}
}

gboolean
gait_tier_fail_to_load(int code, GError **error)
{
	g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "loading a BPF program: %s%s", g_strerror(code), explain(code));
	return FALSE;
}

static gboolean
load(GaitTier *tier, const GaitTierOptions *options, GError **error)
{
	tier->object = gait_tier_open();
	if (!tier->object)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "opening a BPF program");
	configure(tier, options);
	if (options->denial && !gait_denial_share(options->denial, tier->object, error))
		return FALSE;
	if (bpf_object__load(tier->object) != 0)
		return gait_tier_fail_to_load(errno, error);
	tier->states =
	    map_values(find_map(tier, "states"), 0, GAIT_TIER_MAX_TASKS, &tier->states_size, error);
	if (!tier->states)
		return FALSE;
	tier->spaces =
	    map_values(find_map(tier, "spaces"), 0, GAIT_TIER_N_SPACES, &tier->spaces_size, error);
	if (!tier->spaces)
		return FALSE;
	for (guint i = 0; i < GAIT_TIER_N_SPACES; i++)
		tier->spaces[i].generation = 1;
	return fill(tier, options, error);
}

static gboolean
attach(GaitTier *tier, const GaitTierOptions *options, GError **error)
{
	tier->link = bpf_program__attach(find_program(tier, "on_enter"));
	if (!tier->link)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno,
		                         "attaching to sys_enter");
	if (tier->config.is_enforcing) {
		tier->fork_link = bpf_program__attach(find_program(tier, "on_fork"));
		if (!tier->fork_link)
			return gait_error_system(error, GAIT_PROCESS_ERROR, errno,
			                         "attaching to sched_process_fork");
	}
	if (!options->is_lossless)
		return TRUE;
	tier->exit_link = bpf_program__attach(find_program(tier, "on_exit"));
	return tier->exit_link ||
	       gait_error_system(error, GAIT_PROCESS_ERROR, errno, "attaching to sys_exit");
}

/* --- records ------------------------------------------------------------------------------------
 */

/* Lengths are the kernel's own; a record of a kind that is not known is of another build. */
static int
on_record(void *data, void *record, size_t size)
{
	GaitTier *tier = data;
	const struct gait_tier_call *call = record;
	const struct gait_tier_raw *raw = size >= sizeof(*raw) ? record : NULL;

	g_assert(size >= sizeof(*call) &&
	         (call->kind == GAIT_TIER_CALL || call->kind == GAIT_TIER_STRANGER || raw));
	if (call->kind == GAIT_TIER_STRANGER)
		tier->callbacks.stranger((pid_t)call->tid, call->time_ns, tier->data);
	else if (call->kind == GAIT_TIER_VIOLATION)
		tier->callbacks.violation(raw, tier->data);
	else
		tier->callbacks.call(call, call->kind == GAIT_TIER_RAW_CALL ? raw : NULL,
		                     tier->data);
	tier->n_drained++;
	/* What was in the ring at first has come by then. Who fills it as fast as it is read does
	   not keep its reader. */
	tier->drained_size += size + BPF_RINGBUF_HDR_SZ;
	return tier->drained_size < tier->config.ring_size ? 0 : -ECANCELED;
}

int
gait_tier_get_fd(const GaitTier *tier)
{
	return ring_buffer__epoll_fd(tier->ring);
}

gsize
gait_tier_drain(GaitTier *tier)
{
	tier->n_drained = tier->drained_size = 0;
	ring_buffer__consume(tier->ring);
	return tier->n_drained;
}

/* --- a tier -------------------------------------------------------------------------------------
 */

gboolean
gait_tier_is_outermost(GError **error)
{
	struct stat status;

	if (stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == OUTERMOST_PID_NAMESPACE)
		return TRUE;
	g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
	            "in a PID namespace, BPF knows tasks by other numbers");
	return FALSE;
}

GaitTier *
gait_tier_new(const GaitTierOptions *options, GaitModules *modules,
              const GaitTierCallbacks *callbacks, gpointer data, GError **error)
{
	g_autoptr(GaitTier) tier = g_new0(GaitTier, 1);

	tier->modules = modules;
	tier->callbacks = *callbacks;
	tier->data = data;
	gait_tier_files_init(&tier->files, options->table);
	for (guint i = 0; i < GAIT_TIER_MAX_TASKS; i++)
		g_queue_push_tail(&tier->free, GUINT_TO_POINTER(i));
	if (!gait_tier_is_outermost(error) || !load(tier, options, error))
		return NULL;
	tier->ring = ring_buffer__new(bpf_map__fd(find_map(tier, "ring")), on_record, tier, NULL);
	if (!tier->ring) {
		gait_error_system(error, GAIT_PROCESS_ERROR, errno, "mmap of a BPF ring");
		return NULL;
	}
	gait_tier_learn_vdso(tier);
	gait_tier_find_direct_map(tier);
	if (!attach(tier, options, error))
		return NULL;
	return g_steal_pointer(&tier);
}

void
gait_tier_detach(GaitTier *tier)
{
	bpf_link__destroy(g_steal_pointer(&tier->exit_link));
	bpf_link__destroy(g_steal_pointer(&tier->fork_link));
	bpf_link__destroy(g_steal_pointer(&tier->link));
}

void
gait_tier_free(GaitTier *tier)
{
	if (!tier)
		return;
	gait_tier_detach(tier);
	ring_buffer__free(tier->ring);
	for (guint i = 0; i < G_N_ELEMENTS(tier->slots); i++)
		if (tier->slots[i])
			munmap(tier->slots[i], tier->slots_size);
	if (tier->states)
		munmap(tier->states, tier->states_size);
	if (tier->spaces)
		munmap(tier->spaces, tier->spaces_size);
	bpf_object__close(tier->object);
	gait_tier_files_clear(&tier->files);
	g_queue_clear(&tier->free);
	g_free(tier);
}

/* --- slots --------------------------------------------------------------------------------------
 */

struct gait_tier_slot *
gait_tier_get_slot(GaitTier *tier, guint32 index)
{
	g_assert(index < GAIT_TIER_MAX_TASKS);
	return &tier->slots[index / GAIT_TIER_PIECE][index % GAIT_TIER_PIECE];
}

guint32 *
gait_tier_get_states(GaitTier *tier, guint32 index, guint32 *stride)
{
	g_assert(index < GAIT_TIER_MAX_TASKS);
	*stride = tier->config.stride;
	return tier->config.is_enforcing ? tier->states + (gsize)index * tier->config.n_states
	                                 : NULL;
}

/* tid's slot is this one from now on. */
static gboolean
enter_task(GaitTier *tier, guint32 tid, guint32 index, GError **error)
{
	return set_value(tier, "slot_of_tid", tid, &index, error) &&
	       set_value(tier, "slot_hints", tid % GAIT_TIER_N_HINTS, &index, error);
}

/* A hint that leads nowhere does no harm. */
static void
strike_task(GaitTier *tier, guint32 tid, guint32 index)
{
	int fd = bpf_map__fd(find_map(tier, "slot_of_tid"));
	guint32 found;

	/* Its number may be another task's by now. */
	if (bpf_map_lookup_elem(fd, &tid, &found) == 0 && found == index)
		bpf_map_delete_elem(fd, &tid);
}

/* Numbers that the program alone writes. */
static struct gait_tier_space *
get_space(GaitTier *tier, const struct gait_tier_slot *slot)
{
	return &tier->spaces[slot->space % GAIT_TIER_N_SPACES];
}

/* The call that may have moved code is over, and the task is gone or in another address space. */
static void
stop_moving(GaitTier *tier, struct gait_tier_slot *slot)
{
	if (!slot->is_moving)
		return;
	slot->is_moving = 0;
	__atomic_fetch_add(&get_space(tier, slot)->generation, 2, __ATOMIC_SEQ_CST);
	__atomic_fetch_sub(&get_space(tier, slot)->n_moving, 1, __ATOMIC_SEQ_CST);
}

struct gait_tier_slot *
gait_tier_add(GaitTier *tier, pid_t tid, guint32 *index, GError **error)
{
	struct gait_tier_slot *slot;

	if (g_queue_is_empty(&tier->free)) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_TOO_LARGE,
		            "more than %d tasks at the same time", GAIT_TIER_MAX_TASKS);
		return NULL;
	}
	if (!map_slots(tier, GPOINTER_TO_UINT(g_queue_peek_head(&tier->free)), error))
		return NULL;
	*index = GPOINTER_TO_UINT(g_queue_pop_head(&tier->free));
	slot = gait_tier_get_slot(tier, *index);
	memset(slot, 0, sizeof(*slot));
	slot->tid = (guint32)tid;
	slot->index = *index;
	if (enter_task(tier, slot->tid, *index, error))
		return slot;
	gait_tier_remove(tier, *index);
	return NULL;
}

void
gait_tier_remove(GaitTier *tier, guint32 index)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	strike_task(tier, slot->tid, index);
	slot->tid = 0;
	stop_moving(tier, slot);
	g_queue_push_tail(&tier->free, GUINT_TO_POINTER(index));
}

void
gait_tier_note_parent(GaitTier *tier, guint32 index, guint32 parent)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);
	const struct gait_tier_slot *parents = gait_tier_get_slot(tier, parent);

	slot->mm = parents->mm;
	slot->space = parents->space;
	slot->flags = parents->flags & GAIT_TIER_TASK_STATIC;
}

void
gait_tier_note_runtime(GaitTier *tier, guint32 index)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	__atomic_and_fetch(&slot->flags, ~(guint32)GAIT_TIER_TASK_STATIC, __ATOMIC_SEQ_CST);
	/* Who is responsible was remembered otherwise. */
	__atomic_fetch_add(&get_space(tier, slot)->generation, 2, __ATOMIC_SEQ_CST);
}

gboolean
gait_tier_note_exec(GaitTier *tier, guint32 index, pid_t tid, GError **error)
{
	struct gait_tier_slot *slot = gait_tier_get_slot(tier, index);

	stop_moving(tier, slot);
	memset(slot->places, 0, sizeof(slot->places));
	memset(slot->hops, 0, sizeof(slot->hops));
	memset(slot->memos, 0, sizeof(slot->memos));
	if (slot->tid == (guint32)tid)
		return TRUE;
	strike_task(tier, slot->tid, index);
	slot->tid = (guint32)tid;
	return enter_task(tier, slot->tid, index, error);
}
