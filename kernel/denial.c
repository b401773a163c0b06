/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which means of refusing calls there are, what of the kernel each is attached to, and what is
 * covered by it. How a program gets there is in denial-load.c.
 */
#include "kernel/denial-private.h"

#include "sysgait/error.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

/* Numbers beyond are nobody's yet. */
#define MAX_SYSCALLS 1024

static const struct {
	const char *hook, *function;
} hooks[] = {
#define HOOK(hook, function) {#hook, #function},
    GAIT_DENIAL_HOOKS(HOOK)
#undef HOOK
};

const GaitDenialMeansTraits gait_denial_means[GAIT_DENIAL_MEANS_N_] = {
    [GAIT_DENIAL_SYSCALL] = {"fmod_ret on system calls",
                             "any call is refused before it acts (fmod_ret on system calls)",
                             BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN},
    [GAIT_DENIAL_LSM] = {"BPF LSM",
                         "calls with a security hook are refused before they act (BPF LSM), "
                         "others are killed on entry",
                         BPF_PROG_TYPE_LSM, BPF_LSM_MAC},
    [GAIT_DENIAL_SECURITY] = {"fmod_ret on security hooks",
                              "calls with a security hook are refused before they act (fmod_ret), "
                              "others are killed on entry",
                              BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN},
    [GAIT_DENIAL_NONE] = {"none", "calls are killed on entry, and some of them act before they die",
                          BPF_PROG_TYPE_UNSPEC, BPF_CGROUP_INET_INGRESS},
};

const char *
gait_denial_means_name(GaitDenialMeans means)
{
	return gait_denial_means[means].name;
}

const char *
gait_denial_means_describe(GaitDenialMeans means)
{
	return gait_denial_means[means].description;
}

const char *
gait_denial_hook_name(guint hook)
{
	return hook < G_N_ELEMENTS(hooks) ? hooks[hook].hook : NULL;
}

char *
gait_denial_dup_target(GaitDenialMeans means, guint hook)
{
	return means == GAIT_DENIAL_LSM ? g_strconcat("bpf_lsm_", hooks[hook].hook, NULL)
	                                : g_strconcat("security_", hooks[hook].function, NULL);
}

/* The functions of some system calls are named after an older or a newer one. */
static char *
target_of_syscall(int nr)
{
	static const char *const others[][2] = {
	    {"stat", "newstat"},   {"fstat", "newfstat"},      {"lstat", "newlstat"},
	    {"uname", "newuname"}, {"sendfile", "sendfile64"}, {"umount2", "umount"},
	};
	g_autofree char *name = NULL;
	char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

	name = g_strdup(found);
	free(found);
	for (guint i = 0; name && i < G_N_ELEMENTS(others); i++)
		if (g_str_equal(name, others[i][0]))
			return g_strconcat("__x64_sys_", others[i][1], NULL);
	return name ? g_strconcat("__x64_sys_", name, NULL) : NULL;
}

GaitDenialMeans
gait_denial_probe(char **reasons)
{
	g_autoptr(GString) why_not = g_string_new(NULL);
	GaitDenialMeans means = 0;

	for (; means < GAIT_DENIAL_NONE; means++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GaitDenial) denial = gait_denial_begin(means, &error);

		if (denial)
			break;
		g_string_append_printf(why_not, "%s\n", error->message);
	}
	if (reasons)
		*reasons = g_string_free(g_steal_pointer(&why_not), FALSE);
	return means;
}

/* Whether calls can do without this hook: this kernel is older than it. */
static gboolean
is_later_hook(guint hook, const GError *error)
{
	switch (hook) {
#define HOOK(hook, function) case GAIT_DENIAL_HOOK_##hook:
		GAIT_DENIAL_LATER_HOOKS(HOOK)
#undef HOOK
		return g_error_matches(error, GAIT_PROCESS_ERROR, GAIT_ERROR_UNSUPPORTED);
	}
	return FALSE;
}

/* Somebody decides which calls they are for. */
typedef struct {
	gboolean (*is_idle)(int syscall, gpointer data);
	gpointer data;
} Use;

static gboolean
is_used(const Use *use, int syscall)
{
	return !use->is_idle || !use->is_idle(syscall, use->data);
}

static void
find_hooks(const Use *use, GaitDenialHooks *used)
{
	*used = (GaitDenialHooks){0};
	for (int nr = 0; nr < MAX_SYSCALLS; nr++) {
		GaitDenialHooks needed;

		if (!is_used(use, nr) || !gait_denial_calls_find(nr, &needed))
			continue;
		for (guint i = 0; i < G_N_ELEMENTS(needed.words); i++)
			used->words[i] |= needed.words[i];
	}
}

/* Calls that need a hook which cannot be attached to are not covered. */
static void
attach_hooks(GaitDenial *denial, const Use *use)
{
	GaitDenialHooks used;

	find_hooks(use, &used);
	gait_denial_hooks_add(&denial->attached, GAIT_DENIAL_HOOK_file_alloc_security);
	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++) {
		g_autofree char *target = gait_denial_dup_target(denial->means, i);
		g_autoptr(GError) error = NULL;

		if (gait_denial_hooks_have(&denial->attached, i) ||
		    !gait_denial_hooks_have(&used, i))
			continue;
		if (gait_denial_attach(denial, target, i, &error) || is_later_hook(i, error))
			gait_denial_hooks_add(&denial->attached, i);
	}
}

static void
attach_syscalls(GaitDenial *denial, const Use *use)
{
	for (int nr = 0; nr < MAX_SYSCALLS; nr++) {
		g_autofree char *target = is_used(use, nr) ? target_of_syscall(nr) : NULL;

		if (target && (g_str_equal(target, gait_denial_first_target(GAIT_DENIAL_SYSCALL)) ||
		               gait_denial_attach(denial, target, GAIT_DENIAL_HOOK_N_, NULL)))
			g_hash_table_add(denial->syscalls, GINT_TO_POINTER(nr));
	}
}

GaitDenial *
gait_denial_new(GaitDenialMeans means, gboolean (*is_idle)(int syscall, gpointer data),
                gpointer data, GError **error)
{
	const Use use = {is_idle, data};
	g_autoptr(GaitDenial) denial = gait_denial_begin(means, error);
	struct bpf_program *on_return, *on_exit;

	if (!denial)
		return NULL;
	if (means == GAIT_DENIAL_SYSCALL)
		attach_syscalls(denial, &use);
	else
		attach_hooks(denial, &use);
	on_return = bpf_object__find_program_by_name(denial->object, "on_return");
	on_exit = bpf_object__find_program_by_name(denial->object, "on_exit");
	denial->on_return = on_return ? bpf_program__attach(on_return) : NULL;
	denial->on_exit = on_exit ? bpf_program__attach(on_exit) : NULL;
	if (!denial->on_return || !denial->on_exit) {
		gait_error_system(error, GAIT_PROCESS_ERROR, errno, "attaching to sys_exit");
		return NULL;
	}
	return g_steal_pointer(&denial);
}

void
gait_denial_free(GaitDenial *denial)
{
	if (!denial)
		return;
	bpf_link__destroy(denial->on_return);
	bpf_link__destroy(denial->on_exit);
	/* A link before its program. */
	for (guint i = denial->fds->len; i > 0; i--)
		close(g_array_index(denial->fds, int, i - 1));
	g_array_unref(denial->fds);
	if (denial->denials)
		munmap(denial->denials, sizeof *denial->denials);
	btf__free(denial->kernel);
	bpf_object__close(denial->object);
	g_hash_table_unref(denial->syscalls);
	g_free(denial);
}

gboolean
gait_denial_share(const GaitDenial *denial, struct bpf_object *judge, GError **error)
{
	static const char *const names[] = {"gait_denied", "gait_denials"};

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		int fd = bpf_object__find_map_fd_by_name(denial->object, names[i]);
		struct bpf_map *map = bpf_object__find_map_by_name(judge, names[i]);

		if (!map || bpf_map__reuse_fd(map, fd) != 0)
			return gait_error_system(error, GAIT_PROCESS_ERROR, errno,
			                         "sharing the BPF map %s", names[i]);
	}
	return TRUE;
}

gboolean
gait_denial_has_hooks(int syscall)
{
	GaitDenialHooks needed;

	return gait_denial_calls_find(syscall, &needed);
}

gboolean
gait_denial_covers(const GaitDenial *denial, int syscall)
{
	GaitDenialHooks needed;

	if (denial->means == GAIT_DENIAL_SYSCALL)
		return g_hash_table_contains(denial->syscalls, GINT_TO_POINTER(syscall));
	if (!gait_denial_calls_find(syscall, &needed))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(needed.words); i++)
		if ((needed.words[i] & ~denial->attached.words[i]) != 0)
			return FALSE;
	return TRUE;
}

static guint64
count_missed(const GaitDenial *denial)
{
	guint64 n_missed = 0;

	for (guint i = 0; i < denial->fds->len; i++) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof info;

		/* Links are among them, and have an info of another form. */
		if (bpf_obj_get_info_by_fd(g_array_index(denial->fds, int, i), &info, &size) == 0 &&
		    info.type == (__u32)gait_denial_means[denial->means].type)
			n_missed += info.recursion_misses;
	}
	return n_missed;
}

void
gait_denial_get_counts(const GaitDenial *denial, GaitDenialCounts *counts)
{
	*counts = (GaitDenialCounts){
	    .n_pending = __atomic_load_n(&denial->denials->n_denied, __ATOMIC_RELAXED),
	    .n_without_room = __atomic_load_n(&denial->denials->n_without_room, __ATOMIC_RELAXED),
	    .n_escaped = __atomic_load_n(&denial->denials->n_escaped, __ATOMIC_RELAXED),
	    .n_missed = count_missed(denial),
	};
}

void
gait_denial_get_hits(const GaitDenial *denial, guint64 *hits)
{
	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++)
		hits[i] = __atomic_load_n(&denial->denials->n_hits[i], __ATOMIC_RELAXED);
}

void
gait_denial_silence(GaitDenial *denial, guint hook, gboolean is_silent)
{
	g_assert(hook < GAIT_DENIAL_HOOK_N_);
	__atomic_store_n(&denial->denials->is_silent[hook], is_silent ? 1 : 0, __ATOMIC_SEQ_CST);
}

gboolean
gait_denial_needs(int syscall, guint hook)
{
	GaitDenialHooks needed;

	return gait_denial_calls_find(syscall, &needed) && gait_denial_hooks_have(&needed, hook);
}
