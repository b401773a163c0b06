/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel tier as user space has it: loads the program, sized for the model, and owns its
 * maps. The slots of tasks are tier-slots.c's, what the program knows of files is tier-files.c's.
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

struct bpf_map *
gait_tier_find_map(GaitTier *tier, const char *name)
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

/* How many records, a power of two, each task may make before one of them looks at the ring: all
 * together may not fill a quarter of it where they can help it. */
static guint32
choose_number(guint64 ring_size, guint64 record_size, guint32 most)
{
	guint32 n = most;

	while (n > 1 && n * record_size * GAIT_TIER_MAX_TASKS > ring_size / 4)
		n /= 2;
	return n;
}

static void
note_classes(struct gait_tier_config *config)
{
	GaitClassPart parts[GAIT_MAX_CLASS_PARTS];

	for (guint32 nr = 0; nr < GAIT_TIER_N_SYSCALLS; nr++) {
		gait_syscall_get_class_parts(nr, parts);
		if (parts[0].mask != 0)
			config->classed[nr / 64] |= G_GUINT64_CONSTANT(1) << nr % 64;
	}
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

	config.look_mask =
	    choose_number(config.ring_size, sizeof(struct gait_tier_call) + BPF_RINGBUF_HDR_SZ,
	                  MAX_LOOK) -
	    1;
	config.n_gathered =
	    choose_number(config.ring_size, sizeof(struct gait_tier_brief), GAIT_TIER_N_GATHERED);
	note_classes(&config);
	/* Values of a map that is mapped are a multiple of 8 bytes. */
	config.n_states = (stride * GAIT_TIER_MAX_CONTEXTS + 1) & ~1u;
	tier->config = config;
	bpf_map__set_initial_value(gait_tier_find_map(tier, ".rodata.config"), &config,
	                           sizeof(config));
	bpf_map__set_value_size(gait_tier_find_map(tier, "table"), config.table_size);
	bpf_map__set_value_size(gait_tier_find_map(tier, "states"),
	                        config.n_states * sizeof(guint32));
	bpf_map__set_max_entries(gait_tier_find_map(tier, "rows"), GAIT_TIER_MAX_ROWS);
	bpf_map__set_max_entries(gait_tier_find_map(tier, "stacks"),
	                         options->is_recording ? GAIT_TIER_MAX_STACKS : 1);
	bpf_map__set_max_entries(gait_tier_find_map(tier, "ring"), (guint32)config.ring_size);
	bpf_program__set_autoload(find_program(tier, "on_exit"), options->is_lossless);
	bpf_program__set_autoload(find_program(tier, "on_fork"), header != NULL);
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

gboolean
gait_tier_set_value(GaitTier *tier, const char *map, guint32 key, const void *value, GError **error)
{
	if (bpf_map_update_elem(bpf_map__fd(gait_tier_find_map(tier, map)), &key, value, BPF_ANY) ==
	    0)
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
		is_good = gait_tier_set_value(tier, "syscalls", nr, &calls[nr], error);
	return is_good;
}

static gboolean
fill_table(GaitTier *tier, const GaitWalkTable *table, GError **error)
{
	const struct gait_walk_header *header = gait_walk_table_get_header(table);
	g_autofree guint8 *bytes = g_malloc0(tier->config.table_size);

	memcpy(bytes, header, header->size);
	return gait_tier_set_value(tier, "table", 0, bytes, error);
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
	return gait_tier_share(tier, error) && fill(tier, options, error);
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
	if (!gait_tier_is_outermost(error) || !load(tier, options, error))
		return NULL;
	if (!gait_tier_open_inbox(tier, error))
		return NULL;
	gait_tier_learn_vdso(tier);
	tier->reads_directly = gait_tier_find_direct_map(tier);
	if (!attach(tier, options, error))
		return NULL;
	return g_steal_pointer(&tier);
}

gboolean
gait_tier_reads_directly(const GaitTier *tier)
{
	return tier->reads_directly;
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
	gait_tier_close_inbox(tier);
	gait_tier_unshare(tier);
	bpf_object__close(tier->object);
	gait_tier_files_clear(&tier->files);
	g_free(tier);
}
