/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of sleeping tasks, from asleep.bpf.c.
 *
 * They are exact: a task that waits in a notification has entered the kernel for that call, and its
 * registers in user space stay what they were until it leaves. It was running when it made the
 * call, and the switch to it was noted before; so where the last thing that was noted is that it
 * sleeps, it went to sleep after it made the call. A task that is still on its way to sleep on
 * another core is waited for, shortly. And no note
 * serves twice, so that one that is not renewed, because somebody has taken the program away, is
 * not believed.
 *
 * BPF numbers tasks as the outermost PID namespace does, so this is for supervisors in there.
 */
#include "enforce/notify-asleep.h"

#include "sysgait/error.h"

#include <linux/types.h>

#include "enforce/asleep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's number for the outermost PID namespace (PROC_PID_INIT_INO). */
#define OUTERMOST_PID_NAMESPACE 0xeffffffcu

/* Looks at a task that is about to go to sleep. */
#define MAX_LOOKS 100

/* The program, compiled. */
extern const guint8 gait_asleep_program[];
extern const guint64 gait_asleep_program_size;
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global gait_asleep_program, gait_asleep_program_size\n"
        "gait_asleep_program:\n"
        ".incbin \"" GAIT_BPF_DIRECTORY "/enforce/asleep.bpf.o\"\n"
        "0:\n"
        ".balign 8\n"
        "gait_asleep_program_size: .quad 0b - gait_asleep_program\n"
        ".popsection\n");

G_STATIC_ASSERT(sizeof(((GaitStackTop *)0)->bytes) == GAIT_ASLEEP_STACK);

struct _GaitAsleep {
	struct bpf_object *object;
	struct bpf_link *link;
	int slot_of_task;
	struct gait_asleep *slots; /* shared with the program; NULL: not mapped */
	GQueue free;               /* slots, the one that was used longest ago first */
};

static int
say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static gboolean
is_outermost_pid_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == OUTERMOST_PID_NAMESPACE;
}

static gboolean
load(GaitAsleep *asleep, GError **error)
{
	struct bpf_program *program;

	libbpf_set_print(say_nothing);
	asleep->object = bpf_object__open_mem(gait_asleep_program, gait_asleep_program_size, NULL);
	if (!asleep->object || bpf_object__load(asleep->object) != 0)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "loading a BPF program");
	program = bpf_object__find_program_by_name(asleep->object, "on_switch");
	asleep->link = program ? bpf_program__attach(program) : NULL;
	if (!asleep->link)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno,
		                         "attaching to sched_switch");
	return TRUE;
}

static gboolean
map_slots(GaitAsleep *asleep, GError **error)
{
	int fd = bpf_object__find_map_fd_by_name(asleep->object, "slots");
	void *slots = mmap(NULL, GAIT_ASLEEP_MAX * sizeof(struct gait_asleep),
	                   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (slots == MAP_FAILED)
		return gait_error_system(error, GAIT_ENFORCE_ERROR, errno, "mmap of a BPF map");
	asleep->slots = slots;
	asleep->slot_of_task = bpf_object__find_map_fd_by_name(asleep->object, "slot_of_task");
	for (int i = 0; i < GAIT_ASLEEP_MAX; i++)
		g_queue_push_tail(&asleep->free, GINT_TO_POINTER(i));
	return TRUE;
}

GaitAsleep *
gait_asleep_new(GError **error)
{
	g_autoptr(GaitAsleep) asleep = g_new0(GaitAsleep, 1);

	if (!is_outermost_pid_namespace()) {
		g_set_error(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "in a PID namespace, BPF knows tasks by other numbers");
		return NULL;
	}
	if (!load(asleep, error) || !map_slots(asleep, error))
		return NULL;
	return g_steal_pointer(&asleep);
}

void
gait_asleep_free(GaitAsleep *asleep)
{
	if (!asleep)
		return;
	if (asleep->slots)
		munmap(asleep->slots, GAIT_ASLEEP_MAX * sizeof(struct gait_asleep));
	bpf_link__destroy(asleep->link);
	bpf_object__close(asleep->object);
	g_queue_clear(&asleep->free);
	g_free(asleep);
}

/* What a task that is just gone noted in its last moment is not taken for the next owner's: tid
 * says whose it is, and slots rest for as long as possible. */
int
gait_asleep_add(GaitAsleep *asleep, pid_t tid)
{
	__u32 key = (__u32)tid, slot;

	if (!asleep || g_queue_is_empty(&asleep->free))
		return -1;
	slot = GPOINTER_TO_UINT(g_queue_pop_head(&asleep->free));
	__atomic_store_n(&asleep->slots[slot].sequence, 0, __ATOMIC_RELEASE);
	if (bpf_map_update_elem(asleep->slot_of_task, &key, &slot, BPF_ANY) == 0)
		return (int)slot;
	g_queue_push_tail(&asleep->free, GUINT_TO_POINTER(slot));
	return -1;
}

void
gait_asleep_remove(GaitAsleep *asleep, int slot, pid_t tid)
{
	__u32 key = (__u32)tid;

	if (!asleep || slot < 0)
		return;
	bpf_map_delete_elem(asleep->slot_of_task, &key);
	g_queue_push_tail(&asleep->free, GINT_TO_POINTER(slot));
}

gboolean
gait_asleep_get(const GaitAsleep *asleep, int slot, pid_t tid, guint64 spent, GaitAsleepNote *note)
{
	const struct gait_asleep *noted = asleep && slot >= 0 ? &asleep->slots[slot] : NULL;

	for (guint i = 0; noted && i < MAX_LOOKS; i++) {
		note->sequence = __atomic_load_n(&noted->sequence, __ATOMIC_ACQUIRE);
		if (note->sequence == 0)
			return FALSE;
		if (note->sequence % 2 != 0 || note->sequence == spent) {
			__builtin_ia32_pause();
			continue;
		}
		memcpy(&note->registers, noted->registers, sizeof(noted->registers));
		note->top.size = MIN(noted->n_stack, sizeof(note->top.bytes));
		memcpy(note->top.bytes, noted->stack, sizeof(note->top.bytes));
		/* x86-64 loads in order; so must the compiler. */
		__atomic_signal_fence(__ATOMIC_ACQUIRE);
		if (noted->tid == (guint32)tid &&
		    __atomic_load_n(&noted->sequence, __ATOMIC_RELAXED) == note->sequence)
			return TRUE;
	}
	return FALSE;
}
