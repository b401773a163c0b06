// SPDX-License-Identifier: Apache-2.0
/*
 * Address spaces: a sorted table of executable ranges, kept exact without reading maps at each
 * change. Two facts carry it. What is added need not be noticed: an address that is not in the
 * table is looked for in maps, and the kernel never puts a new mapping over an old one unless told
 * to. What is removed is announced by the call that removes it: from its entry until the same
 * task's next event the range is in flux (nobody can say at which moment the call takes effect),
 * and addresses in it are looked up in maps each time; then it is dropped from the table.
 *
 * Tables are immutable and shared by the copies that forks make. A generation numbers the files'
 * ranges of a table, so that equal generations mean equal mappings of files, in whatever spaces.
 * JIT compilers that make their memory executable and writable in turn do not change it.
 */
#include "process/space-private.h"

#include "process/ranges.h"
#include "sysgait/descriptor.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/shm.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	MAX_RANGES = 65536,
};
/* For calls that do not say how much they unmap. From the heap, nothing else is so near. */
static const guint64 FAR = G_GUINT64_CONSTANT(1) << 36;

/* A call under way that may remove what is mapped at [start, end). */
typedef struct {
	guint64 start, end;
	pid_t task;
	gboolean is_known; /* some of that is in the table */
} Flux;

struct _GaitSpace {
	guint n_refs;
	GaitModules *modules;
	pid_t pid;
	int memory_fd; /* /proc/TID/mem; -1: not open */
	GaitRanges *table;
	guint last; /* index of the range found last */
	GArray *flux;
	guint n_known_flux;
	gboolean is_fresh;      /* maps were read since the last event */
	gboolean is_blind;      /* they were not to be read the last time */
	gboolean is_unverified; /* the table is a parent's, not yet compared with maps */
};

GaitSpace *
gait_space_new(GaitModules *modules, pid_t pid)
{
	GaitSpace *space = g_new0(GaitSpace, 1);

	space->n_refs = 1;
	space->modules = modules;
	space->pid = pid;
	space->memory_fd = -1;
	space->table = gait_ranges_ref(gait_ranges_get_empty());
	space->flux = g_array_new(FALSE, FALSE, sizeof(Flux));
	return space;
}

/*
 * Another thread of the parent may have changed mappings between the fork and now, so the child's
 * table is compared with its maps at its first use. Where nothing changed it stays shared.
 */
GaitSpace *
gait_space_copy(const GaitSpace *space, pid_t pid)
{
	GaitSpace *copy = gait_space_new(space->modules, pid);

	gait_ranges_unref(copy->table);
	copy->table = gait_ranges_ref(space->table);
	copy->is_unverified = space->table != gait_ranges_get_empty();
	return copy;
}

GaitSpace *
gait_space_ref(GaitSpace *space)
{
	space->n_refs++;
	return space;
}

void
gait_space_unref(GaitSpace *space)
{
	if (!space || --space->n_refs > 0)
		return;
	gait_ranges_unref(space->table);
	g_array_unref(space->flux);
	if (space->memory_fd >= 0)
		close(space->memory_fd);
	g_free(space);
}

static void
compare_flux(GaitSpace *space, Flux *flux)
{
	guint i = gait_ranges_search(space->table, flux->start);

	flux->is_known = i < space->table->n_ranges && space->table->ranges[i].start < flux->end;
	space->n_known_flux += flux->is_known;
}

/* Takes table. */
static void
set_table(GaitSpace *space, GaitRanges *table)
{
	if (gait_ranges_have_equal_files(space->table, table))
		table->generation = space->table->generation;
	gait_ranges_unref(space->table);
	space->table = table;
	space->last = 0;
	space->n_known_flux = 0;
	for (guint i = 0; i < space->flux->len; i++)
		compare_flux(space, &g_array_index(space->flux, Flux, i));
}

typedef struct {
	GaitSpace *space;
	pid_t task;
	GArray *ranges;
} Reading;

static gboolean
is_in_flux(const GaitSpace *space, guint64 start, guint64 end)
{
	for (guint i = 0; i < space->flux->len; i++) {
		const Flux *flux = &g_array_index(space->flux, Flux, i);

		if (flux->is_known && start < flux->end && end > flux->start)
			return TRUE;
	}
	return FALSE;
}

/* The module of a mapping: that which the table has for it, or else what the file system says. */
static GaitModule *
get_module(const Reading *reading, const GaitMapping *mapping)
{
	const GaitSpace *space = reading->space;
	guint i = gait_ranges_search(space->table, mapping->start);
	const GaitRange *range = &space->table->ranges[i];

	if (i < space->table->n_ranges && mapping->inode != 0 && !space->is_unverified &&
	    range->start == mapping->start && range->end == mapping->end &&
	    range->offset == mapping->offset && range->inode == mapping->inode &&
	    range->device == mapping->device &&
	    (space->n_known_flux == 0 || !is_in_flux(space, mapping->start, mapping->end)))
		return range->module;
	return gait_modules_intern(space->modules, reading->task, mapping);
}

static gboolean
add_range(const GaitMapping *mapping, gpointer data)
{
	Reading *reading = data;
	GaitRange range = {.start = mapping->start,
	                   .end = mapping->end,
	                   .offset = mapping->offset,
	                   .inode = mapping->inode,
	                   .device = mapping->device,
	                   .module = get_module(reading, mapping)};
	GaitRange *previous = reading->ranges->len == 0 ? NULL
	                                                : &g_array_index(reading->ranges, GaitRange,
	                                                                 reading->ranges->len - 1);

	/* A reading that races with the process may show a range twice. */
	if (previous && range.start < previous->end)
		return TRUE;
	if (previous && range.start == previous->end && gait_range_is_anon(&range) &&
	    gait_range_is_anon(previous))
		previous->end = range.end;
	else
		g_array_append_val(reading->ranges, range);
	return reading->ranges->len < MAX_RANGES;
}

/* Only where the table is read from the kernel, so that looking up never changes the space. */
static void
open_memory(GaitSpace *space, pid_t task)
{
	char path[64];

	if (space->memory_fd >= 0)
		return;
	g_snprintf(path, sizeof path, "/proc/%d/mem", task);
	space->memory_fd = gait_descriptor_keep(open(path, O_RDONLY | O_CLOEXEC));
}

/*
 * Through /proc/TID/mem, which belongs to the address space and not to a number, and asks for
 * permission only when it is opened: a third of the price of process_vm_readv() where the task has
 * just gone to sleep.
 */
gssize
gait_space_read(const GaitSpace *space, pid_t task, guint64 address, gsize size, void *buffer)
{
	struct iovec local = {buffer, size}, remote = {GSIZE_TO_POINTER(address), size};
	gssize n_read;

	if (G_LIKELY(space->memory_fd >= 0)) {
		n_read = pread(space->memory_fd, buffer, size, (off_t)address);
		/* It reads nothing where the last task of the space is gone. */
		return n_read == 0 && size > 0 ? -1 : MAX(n_read, 0);
	}
	n_read = process_vm_readv(task, &local, 1, &remote, 1, 0);
	/* A page that is not there ends the read; what came before it counts. */
	return n_read < 0 && errno == ESRCH ? -1 : MAX(n_read, 0);
}

/* Reads maps; the table changes only where they differ from it. */
static void
read_maps(GaitSpace *space, pid_t task)
{
	g_autoptr(GArray) ranges = g_array_sized_new(FALSE, FALSE, sizeof(GaitRange), 32);
	Reading reading = {space, task, ranges};
	const GaitRange *read;
	gboolean same;

	space->is_fresh = TRUE;
	space->is_blind = TRUE;
	/* Gone, or hidden (PR_SET_DUMPABLE): what was known stays, except where it is in flux. */
	if (!gait_maps_foreach(task, TRUE, add_range, &reading)) {
		gait_modules_note_failure(space->modules, errno);
		return;
	}
	if (ranges->len == 0)
		return;
	space->is_blind = FALSE;
	space->is_unverified = FALSE;
	open_memory(space, task);
	read = (const GaitRange *)(gpointer)ranges->data;
	same = ranges->len == space->table->n_ranges;
	for (guint i = 0; same && i < ranges->len; i++)
		same = gait_range_equal(&read[i], &space->table->ranges[i]);
	if (!same)
		set_table(space, gait_ranges_new(read, ranges->len));
}

static void
drop_ranges(GaitSpace *space, guint64 start, guint64 end)
{
	const GaitRanges *table = space->table;
	g_autofree GaitRange *kept = g_new(GaitRange, table->n_ranges + 1);
	guint n_kept = 0;

	for (guint i = 0; i < table->n_ranges; i++)
		if (table->ranges[i].end <= start || table->ranges[i].start >= end)
			kept[n_kept++] = table->ranges[i];
	set_table(space, gait_ranges_new(kept, n_kept));
}

/* The task's call is over: what it may have removed is to be read anew. */
static void
settle(GaitSpace *space, pid_t task)
{
	for (guint i = 0; i < space->flux->len; i++) {
		Flux flux = g_array_index(space->flux, Flux, i);

		if (flux.task != task)
			continue;
		g_array_remove_index_fast(space->flux, i--);
		space->n_known_flux -= flux.is_known;
		if (flux.is_known)
			drop_ranges(space, flux.start, flux.end);
	}
}

static guint64
end_of(guint64 start, guint64 size)
{
	/* Page granularity; wrapping sizes fail in the kernel. */
	return size > G_MAXUINT64 - start - 4095 ? G_MAXUINT64
	                                         : start + ((size + 4095) & ~(guint64)4095);
}

/* What a call may take out of executable memory. FALSE: nothing. */
static gboolean
get_removed(guint32 nr, const guint64 args[6], guint64 *start, guint64 *end)
{
	*start = args[0];
	switch (nr) {
	case __NR_mmap:
		*end = end_of(args[0], args[1]);
		return (args[3] & MAP_FIXED) != 0;
	case __NR_munmap:
	case __NR_remap_file_pages:
		*end = end_of(args[0], args[1]);
		return TRUE;
	case __NR_mprotect:
	case __NR_pkey_mprotect:
		*end = end_of(args[0], args[1]);
		return (args[2] & PROT_EXEC) == 0;
	case __NR_mremap:
		*end = end_of(args[0], args[1]);
		return TRUE;
	case __NR_brk:
		*end = end_of(args[0], FAR);
		return args[0] != 0;
	case __NR_shmdt:
		*end = end_of(args[0], FAR);
		return TRUE;
	case __NR_shmat:
		*start = args[1];
		*end = end_of(args[1], FAR);
		return (args[2] & SHM_REMAP) != 0;
	case G_MAXUINT32:
		*start = 0;
		*end = G_MAXUINT64;
		return TRUE;
	}
	return FALSE;
}

static void
add_flux(GaitSpace *space, pid_t task, guint64 start, guint64 end)
{
	Flux flux = {start, end, task, FALSE};

	compare_flux(space, &flux);
	g_array_append_val(space->flux, flux);
}

void
gait_space_note_syscall(GaitSpace *space, pid_t task, guint32 nr, const guint64 args[6])
{
	guint64 start, end;

	space->is_fresh = FALSE;
	if (space->flux->len > 0)
		settle(space, task);
	if (!get_removed(nr, args, &start, &end))
		return;
	add_flux(space, task, start, end);
	if (nr == __NR_mremap && (args[3] & MREMAP_FIXED))
		add_flux(space, task, args[4], end_of(args[4], args[2]));
}

gboolean
gait_space_needs_telling(const GaitSpace *space, pid_t task, guint32 nr, const guint64 args[6])
{
	guint64 start, end;

	for (guint i = 0; i < space->flux->len; i++)
		if (g_array_index(space->flux, Flux, i).task == task)
			return TRUE;
	return get_removed(nr, args, &start, &end);
}

gboolean
gait_space_is_settled(const GaitSpace *space)
{
	return !space->is_unverified && space->n_known_flux == 0 && space->table->n_ranges > 0;
}

void
gait_space_note_exit(GaitSpace *space, pid_t task)
{
	settle(space, task);
}

guint64
gait_space_get_generation(const GaitSpace *space)
{
	return space->table->generation;
}

/* The range found last is only a hint, which several threads may leave at the same time. */
static const GaitRange *
find_range(GaitSpace *space, guint64 address)
{
	const GaitRanges *table = space->table;
	guint i = __atomic_load_n(&space->last, __ATOMIC_RELAXED);

	if (i >= table->n_ranges || address < table->ranges[i].start ||
	    address >= table->ranges[i].end) {
		i = gait_ranges_search(table, address);
		__atomic_store_n(&space->last, i, __ATOMIC_RELAXED);
	}
	if (i == table->n_ranges || address < table->ranges[i].start)
		return NULL;
	return &table->ranges[i];
}

/* must_exist: that the address is not in the table is reason enough to read maps. */
static GaitModule *
find_module(GaitSpace *space, pid_t task, guint64 address, gboolean must_exist, guint64 *offset)
{
	const GaitRange *range;
	gboolean is_open;

	if (space->is_unverified && !space->is_fresh)
		read_maps(space, task);
	range = find_range(space, address);
	is_open = space->n_known_flux > 0 && is_in_flux(space, address, address + 1);
	if (!space->is_fresh && ((!range && must_exist) || is_open)) {
		read_maps(space, task);
		range = find_range(space, address);
	}
	if (!range || (is_open && space->is_blind))
		return NULL;
	*offset = gait_range_is_anon(range) ? 0 : range->offset + (address - range->start);
	return range->module;
}

GaitModule *
gait_space_find(GaitSpace *space, pid_t task, guint64 address, guint64 *offset)
{
	return find_module(space, task, address, TRUE, offset);
}

GaitModule *
gait_space_find_known(GaitSpace *space, pid_t task, guint64 address, guint64 *offset)
{
	return find_module(space, task, address, FALSE, offset);
}

gboolean
gait_space_has_runtime(GaitSpace *space, pid_t task)
{
	if ((space->table == gait_ranges_get_empty() || space->is_unverified) && !space->is_fresh)
		read_maps(space, task);
	return space->table->has_runtime;
}
