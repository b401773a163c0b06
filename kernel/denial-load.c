/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads denial.bpf.c and shows that it works.
 *
 * There is one program for all hooks, loaded once for each, since what a hook is about does not
 * matter to it: whether the current task is refused a call does. Which hook it is loaded for is its
 * cookie. The same program serves as an LSM program and as one that modifies what a function
 * returns.
 *
 * That it loads does not mean that it is asked: an LSM program loads where "bpf" is not among the
 * LSMs of the boot line, too. So a call of our own has to fail before we believe it.
 */
#include "kernel/denial-private.h"

#include "sysgait/error.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* The program, compiled. */
extern const guint8 gait_denial_program[];
extern const guint64 gait_denial_program_size;
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        ".global gait_denial_program, gait_denial_program_size\n"
        "gait_denial_program:\n"
        ".incbin \"" GAIT_BPF_DIRECTORY "/kernel/denial.bpf.o\"\n"
        "0:\n"
        ".balign 8\n"
        "gait_denial_program_size: .quad 0b - gait_denial_program\n"
        ".popsection\n");

/* No eventfd() fails with this of itself. */
#define TEST_ERROR EXFULL

static int
say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

/* Loads the program once more, for this function of the kernel. */
gboolean
gait_denial_attach(GaitDenial *denial, const char *target, guint64 cookie, GError **error)
{
	struct bpf_prog_load_opts load = {
	    .sz = sizeof load, .expected_attach_type = gait_denial_means[denial->means].attach};
	struct bpf_link_create_opts link = {.sz = sizeof link, .tracing.cookie = cookie};
	int id = btf__find_by_name_kind(denial->kernel, target, BTF_KIND_FUNC);
	int fd;

	if (id < 0) {
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "the kernel has no %s", target);
		return FALSE;
	}
	load.attach_btf_id = (guint32)id;
	fd = bpf_prog_load(gait_denial_means[denial->means].type, "deny", "Dual BSD/GPL",
	                   denial->deny, denial->n_deny, &load);
	if (fd < 0)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "loading for %s",
		                         target);
	g_array_append_val(denial->fds, fd);
	fd = bpf_link_create(fd, 0, gait_denial_means[denial->means].attach, &link);
	if (fd < 0)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "attaching to %s",
		                         target);
	g_array_append_val(denial->fds, fd);
	return TRUE;
}

const char *
gait_denial_first_target(GaitDenialMeans means)
{
	switch (means) {
	case GAIT_DENIAL_SYSCALL:
		return "__x64_sys_eventfd2";
	case GAIT_DENIAL_LSM:
		return "file_alloc_security"; /* libbpf puts bpf_lsm_ before it */
	case GAIT_DENIAL_SECURITY:
		return "security_file_alloc";
	case GAIT_DENIAL_NONE:
	case GAIT_DENIAL_MEANS_N_:
		break;
	}
	g_assert_not_reached();
}

/* Maps, the programs that look after them, and the one for all hooks, which is attached to none
 * yet. */
static gboolean
load(GaitDenial *denial, GError **error)
{
	struct bpf_program *deny;

	libbpf_set_print(say_nothing);
	denial->object = bpf_object__open_mem(gait_denial_program, gait_denial_program_size, NULL);
	deny = denial->object ? bpf_object__find_program_by_name(denial->object, "deny") : NULL;
	if (!deny || bpf_program__set_type(deny, gait_denial_means[denial->means].type) != 0 ||
	    bpf_program__set_expected_attach_type(deny, gait_denial_means[denial->means].attach) !=
	        0 ||
	    bpf_program__set_attach_target(deny, 0, gait_denial_first_target(denial->means)) != 0 ||
	    bpf_object__load(denial->object) != 0)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "%s: loading",
		                         gait_denial_means[denial->means].name);
	denial->deny = bpf_program__insns(deny);
	denial->n_deny = bpf_program__insn_cnt(deny);
	denial->kernel = btf__load_vmlinux_btf();
	if (!denial->kernel)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "the kernel's types");
	return TRUE;
}

static gboolean
map_denials(GaitDenial *denial, GError **error)
{
	int fd = bpf_object__find_map_fd_by_name(denial->object, "gait_denials");
	void *denials =
	    mmap(NULL, sizeof(struct gait_denials), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (denials == MAP_FAILED)
		return gait_error_system(error, GAIT_PROCESS_ERROR, errno, "mmap of a BPF map");
	denial->denials = denials;
	return TRUE;
}

/* Refuses this thread an eventfd. Before on_return is attached, which would take it to have
 * escaped. */
static gboolean
try_it(GaitDenial *denial, GError **error)
{
	int map = bpf_object__find_map_fd_by_name(denial->object, "gait_denied");
	struct gait_denied denied = {.result = -TEST_ERROR};
	__u32 tid = (__u32)gettid();
	gboolean works;
	int fd = -1;

	__atomic_fetch_add(&denial->denials->n_denied, 1, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(map, &tid, &denied, BPF_ANY) == 0)
		fd = eventfd(0, EFD_CLOEXEC);
	works = fd < 0 && errno == TEST_ERROR;
	bpf_map_delete_elem(map, &tid);
	__atomic_fetch_sub(&denial->denials->n_denied, 1, __ATOMIC_SEQ_CST);
	if (fd >= 0)
		close(fd);
	if (!works)
		g_set_error(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "%s: loads, but is not asked", gait_denial_means[denial->means].name);
	return works;
}

static gboolean
attach_first(GaitDenial *denial, GError **error)
{
	g_autofree char *target =
	    denial->means == GAIT_DENIAL_SYSCALL
	        ? g_strdup(gait_denial_first_target(denial->means))
	        : gait_denial_dup_target(denial->means, GAIT_DENIAL_HOOK_file_alloc_security);

	return gait_denial_attach(denial, target, GAIT_DENIAL_HOOK_file_alloc_security, error) &&
	       try_it(denial, error);
}

GaitDenial *
gait_denial_begin(GaitDenialMeans means, GError **error)
{
	g_autoptr(GaitDenial) denial = g_new0(GaitDenial, 1);

	g_assert(means < GAIT_DENIAL_NONE);
	denial->means = means;
	denial->fds = g_array_new(FALSE, FALSE, sizeof(int));
	denial->syscalls = g_hash_table_new(NULL, NULL);
	if (!load(denial, error) || !map_denials(denial, error) || !attach_first(denial, error))
		return NULL;
	return g_steal_pointer(&denial);
}
