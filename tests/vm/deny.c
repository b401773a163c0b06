/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses every use of a system call in operations.inc, one after the other, and looks at what has
 * come of it: refused, it must not have happened; left alone, it must. Runs as root, on a kernel
 * that can refuse (in the virtual machine), each operation in a process, directory and namespaces
 * of its own. Speaks TAP.
 *
 * usage: deny probe | lsm [--hooks] | security [--hooks]. With --hooks it prints what the table in
 * kernel/denial-calls.c was made of: the hooks that refuse an operation, each alone, and the errno
 * that it then sees.
 */
#include "operations.h"

#include "kernel/denial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <seccomp.h>
#include <stdio.h>

#include "kernel/denial-hooks.h"

#include "tests/vm/judge.h"

/* No operation fails with this of itself. */
#define REFUSED EXFULL

typedef struct {
	const char *name, *call;
	int nr;
	gboolean is_question; /* does nothing */
	void (*prepare)(void);
	long (*act)(void);
	gboolean (*has_happened)(void);
} Operation;

/* What an operation's process tells. */
typedef struct {
	gboolean is_prepared, has_returned, has_happened;
	long result;
	int error;
} Told;

typedef struct {
	enum { CAME_BACK, WAS_KILLED, WENT_WRONG } end;
	Told told;
	guint64 hits[GAIT_DENIAL_HOOK_N_];
} Outcome;

static GaitDenial *denial;
static struct bpf_object *judge;
static struct bpf_link *judge_link;
static struct judge_order *order; /* shared with the judge */
static int denied_map;            /* gait_denied */
static Told *told;                /* shared with the operation's process */

/* What to see of a call that leaves nothing behind: that it succeeded; that it ran another program;
 * that it failed, but for a reason of its own. */
#define SUCCEEDED (told->result >= 0)
#define EXECUTED  FALSE /* who is asked was not executed */
#define MET       (told->error != REFUSED && told->error != EPERM)

#define QUESTION OPERATION
#define OPERATION(id, call, prepare, act, happened)                                                \
	static void prepare_##id(void)                                                             \
	{                                                                                          \
		prepare;                                                                           \
	}                                                                                          \
	static long act_##id(void)                                                                 \
	{                                                                                          \
		return act;                                                                        \
	}                                                                                          \
	static gboolean has_happened_##id(void)                                                    \
	{                                                                                          \
		return happened;                                                                   \
	}
#include "operations.inc"
#undef QUESTION
#undef OPERATION

static const Operation operations[] = {
#define OPERATION(id, call, prepare, act, happened)                                                \
	{#id, #call, SYS_##call, FALSE, prepare_##id, act_##id, has_happened_##id},
#define QUESTION(id, call, prepare, act, happened)                                                 \
	{#id, #call, SYS_##call, TRUE, prepare_##id, act_##id, has_happened_##id},
#include "operations.inc"
#undef QUESTION
#undef OPERATION
};

static void
enter_own_place(void)
{
	char directory[] = "XXXXXX";

	must(unshare(CLONE_NEWIPC | CLONE_NEWUTS) == 0, "unshare");
	must(mkdtemp(directory) && chdir(directory) == 0, "mkdtemp");
	must(mkdir("directory", 0700) == 0, "mkdir");
	fd = open("file", O_CREAT | O_RDWR, 0600);
	must(write(fd, "before", 6) == 6 && lseek(fd, 0, SEEK_SET) == 0, "write");
}

G_GNUC_NORETURN static void
run_in_child(const Operation *operation, gboolean is_refused)
{
	alarm(10);
	enter_own_place();
	operation->prepare();
	told->is_prepared = TRUE;
	if (is_refused) {
		*order = (struct judge_order){.syscall = (guint32)operation->nr, .error = REFUSED};
		__atomic_store_n(&order->tid, (guint32)getpid(), __ATOMIC_SEQ_CST);
	}
	errno = 0;
	told->result = operation->act();
	told->error = told->result < 0 ? errno : 0;
	told->has_returned = TRUE;
	told->has_happened = operation->has_happened();
	_exit(0);
}

static void
run(const Operation *operation, gboolean is_refused, Outcome *outcome)
{
	guint64 before[GAIT_DENIAL_HOOK_N_];
	int status;
	pid_t pid;

	*told = (Told){0};
	*order = (struct judge_order){0};
	gait_denial_get_hits(denial, before);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_in_child(operation, is_refused);
	waitpid(pid, &status, 0);
	gait_denial_get_hits(denial, outcome->hits);
	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++)
		outcome->hits[i] -= before[i];
	/* Who became another program can tell no more than its status. */
	if (told->is_prepared && !told->has_returned && WIFEXITED(status))
		told->has_happened = TRUE;
	outcome->told = *told;
	outcome->end = !told->is_prepared || order->failed || (is_refused && order->tid != 0)
	                   ? WENT_WRONG
	               : WIFEXITED(status) && WEXITSTATUS(status) == 0      ? CAME_BACK
	               : WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? WAS_KILLED
	                                                                    : WENT_WRONG;
}

static char *
list_hits(const Outcome *outcome)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++)
		if (outcome->hits[i])
			g_string_append_printf(text, "%s%s", text->len ? " " : "",
			                       gait_denial_hook_name(i));
	return g_string_free(text, FALSE);
}

static gboolean
was_refused(const Outcome *outcome)
{
	return outcome->end == CAME_BACK && outcome->told.result < 0 && !outcome->told.has_happened;
}

/* Uses of covered calls that do something are refused. Of all others it is only seen that whoever
 * makes them is killed, where the call does not fail of itself. */
static gboolean
is_as_promised(const Operation *operation, const Outcome *refused, const Outcome *free)
{
	if (free->end != CAME_BACK || !free->told.has_happened)
		return FALSE;
	if (was_refused(refused))
		return TRUE;
	if (gait_denial_covers(denial, operation->nr) && !operation->is_question)
		return FALSE;
	return refused->end == WAS_KILLED ||
	       (refused->end == CAME_BACK && refused->told.result < 0);
}

static void
report(guint number, const Operation *operation, const Outcome *refused, const Outcome *free)
{
	static const char *const ends[] = {"came back", "killed", "went wrong"};
	g_autofree char *hits = list_hits(refused);

	printf("%s %u - %s: %s%s%s\n", is_as_promised(operation, refused, free) ? "ok" : "not ok",
	       number, operation->name, was_refused(refused) ? "refused at " : "not covered, ",
	       was_refused(refused) ? "" : ends[refused->end], was_refused(refused) ? hits : "");
	if (is_as_promised(operation, refused, free))
		return;
	printf("# refused: %s, result %ld, error %d, happened %d, hooks %s\n", ends[refused->end],
	       refused->told.result, refused->told.error, refused->told.has_happened, hits);
	printf("# left alone: %s, result %ld, error %d, happened %d\n", ends[free->end],
	       free->told.result, free->told.error, free->told.has_happened);
}

/* --- what the table could say ----------------------------------------------------------------- */

static void
silence_all(gboolean is_silent)
{
	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++)
		gait_denial_silence(denial, i, is_silent);
}

/* The hooks that refuse an operation each alone, in the order in which it meets them, with the
 * errno that comes of it. */
static void
list_hooks(const Operation *operation)
{
	Outcome outcome;
	gboolean is_hit;

	printf("%s %s", operation->call, operation->name);
	do {
		run(operation, TRUE, &outcome);
		is_hit = FALSE;
		for (guint i = 0; was_refused(&outcome) && i < GAIT_DENIAL_HOOK_N_; i++) {
			if (!outcome.hits[i])
				continue;
			is_hit = TRUE;
			printf(" %s:%d", gait_denial_hook_name(i), outcome.told.error);
			gait_denial_silence(denial, i, TRUE);
		}
	} while (is_hit);
	printf("\n");
	silence_all(FALSE);
}

/* --- more than one task ------------------------------------------------------------------------
 */

static guint64
n_pending(void)
{
	GaitDenialCounts counts;

	gait_denial_get_counts(denial, &counts);
	return counts.n_pending;
}

/* A task that stays in a call which is refused, and meets no hook. */
static pid_t
start_waiting(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*order = (struct judge_order){.syscall = SYS_pause, .error = REFUSED};
		__atomic_store_n(&order->tid, (guint32)getpid(), __ATOMIC_SEQ_CST);
		pause();
		_exit(0);
	}
	while (n_pending() == 0)
		sched_yield();
	return pid;
}

/* Each of these meets hooks. */
static gboolean
do_all_kinds(void)
{
	gboolean is_good;

	must(unlink("file") == 0 || errno == ENOENT, "unlink");
	fd = open("file", O_CREAT | O_RDWR, 0600);
	is_good = fd >= 0 && write(fd, "text", 4) == 4 && rename("file", "other") == 0 &&
	          chmod("other", 0400) == 0 && unlink("other") == 0 && kill(getpid(), 0) == 0 &&
	          mprotect(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096,
	                   PROT_NONE) == 0;
	make_listener(1);
	is_good = is_good && can_accept(fd);
	make_dead_child();
	close(fd);
	close(other);
	return is_good && waitpid(child, NULL, 0) == child;
}

/* While a task is refused a call, nobody else is. It is killed, which ends the call, and so
 * escapes. */
static gboolean
is_about_one_task(void)
{
	pid_t pid = start_waiting();
	gboolean is_good = do_all_kinds() && n_pending() == 1;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return is_good && n_pending() == 0;
}

/* Nobody comes back from exit_group(). */
static gboolean
forgets_the_dead(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		*order = (struct judge_order){.syscall = SYS_exit_group, .error = REFUSED};
		__atomic_store_n(&order->tid, (guint32)getpid(), __ATOMIC_SEQ_CST);
		_exit(0);
	}
	return waitpid(pid, NULL, 0) == pid && order->tid == 0 && !order->failed &&
	       n_pending() == 0;
}

/* With no room for another one, the judge is told. */
static gboolean
says_when_full(void)
{
	struct gait_denied other_denied = {.result = -1};
	gboolean is_told;

	for (guint32 tid = 1u << 30; tid < (1u << 30) + GAIT_DENIAL_MAX; tid++)
		if (bpf_map_update_elem(denied_map, &tid, &other_denied, BPF_NOEXIST) != 0)
			return FALSE;
	*order = (struct judge_order){
	    .tid = (guint32)getpid(), .syscall = SYS_getppid, .error = REFUSED};
	getppid();
	is_told = order->tid == 0 && order->failed && n_pending() == 0;
	for (guint32 tid = 1u << 30; tid < (1u << 30) + GAIT_DENIAL_MAX; tid++)
		bpf_map_delete_elem(denied_map, &tid);
	return is_told;
}

/* After all of them; n_killed of them by their return. */
static gboolean
has_counted(guint n_killed)
{
	GaitDenialCounts counts;

	gait_denial_get_counts(denial, &counts);
	printf("# escaped %" G_GUINT64_FORMAT ", without room %" G_GUINT64_FORMAT
	       ", missed %" G_GUINT64_FORMAT "\n",
	       counts.n_escaped, counts.n_without_room, counts.n_missed);
	return counts.n_pending == 0 && counts.n_escaped == n_killed &&
	       counts.n_without_room == 1 && counts.n_missed == 0;
}

static guint
check(guint number, const char *what, gboolean is_good)
{
	printf("%s %u - %s\n", is_good ? "ok" : "not ok", number, what);
	return is_good ? 0 : 1;
}

/* --- means ------------------------------------------------------------------------------------ */

/* The judge, with the maps of those who carry out what it says. */
static gboolean
load_judge(GError **error)
{
	struct bpf_program *program;
	void *orders;

	judge = bpf_object__open_file(GAIT_BPF_DIRECTORY "/tests/vm/judge.bpf.o", NULL);
	if (!judge || !gait_denial_share(denial, judge, error) || bpf_object__load(judge) != 0)
		return FALSE;
	program = bpf_object__find_program_by_name(judge, "judge");
	orders = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED,
	              bpf_object__find_map_fd_by_name(judge, "orders"), 0);
	judge_link = bpf_program__attach(program);
	if (orders == MAP_FAILED || !judge_link)
		return FALSE;
	order = orders;
	denied_map = bpf_object__find_map_fd_by_name(judge, "gait_denied");
	return TRUE;
}

static void
tear_down(void)
{
	bpf_link__destroy(judge_link);
	bpf_object__close(judge);
	gait_denial_free(denial);
}

static gboolean
set_up(const char *means)
{
	g_autoptr(GError) error = NULL;
	gint64 begin = g_get_monotonic_time();

	denial = gait_denial_new(g_str_equal(means, "lsm") ? GAIT_DENIAL_LSM : GAIT_DENIAL_SECURITY,
	                         NULL, NULL, &error);
	if (!denial || !load_judge(&error)) {
		printf("Bail out! %s\n", error ? error->message : "the judge does not load");
		return FALSE;
	}
	printf("# loaded in %" G_GINT64_FORMAT " ms\n", (g_get_monotonic_time() - begin) / 1000);
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(told != MAP_FAILED, "mmap");
	/* A tmpfs has attributes, handles and files without a name. */
	must(unshare(CLONE_NEWNS) == 0, "unshare");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
	must(mount("none", "/mnt", "tmpfs", 0, NULL) == 0 && chdir("/mnt") == 0, "mount");
	return TRUE;
}

/* Covered calls are tried with no hooks but those that the table names. */
static void
attend(const Operation *operation)
{
	for (guint i = 0; i < GAIT_DENIAL_HOOK_N_; i++)
		gait_denial_silence(denial, i,
		                    gait_denial_covers(denial, operation->nr) &&
		                        !gait_denial_needs(operation->nr, i));
}

static int
try_all(void)
{
	guint n_failed = 0, n_killed = 0, n = G_N_ELEMENTS(operations);

	printf("1..%u\n", n + 4);
	for (guint i = 0; i < n; i++) {
		Outcome refused, free;

		attend(&operations[i]);
		run(&operations[i], TRUE, &refused);
		run(&operations[i], FALSE, &free);
		report(i + 1, &operations[i], &refused, &free);
		n_failed += !is_as_promised(&operations[i], &refused, &free);
		n_killed += refused.end == WAS_KILLED;
	}
	silence_all(FALSE);
	n_failed +=
	    check(n + 1, "while one task is refused a call, others are not", is_about_one_task());
	n_failed += check(n + 2, "who dies in a call is forgotten", forgets_the_dead());
	n_failed += check(n + 3, "the judge is told when there is no room", says_when_full());
	/* One more is the task that was killed while it waited. */
	n_failed += check(n + 4, "nothing is left over, and every escape was counted",
	                  has_counted(n_killed + 1));
	return n_failed != 0;
}

static int
probe(void)
{
	g_autofree char *reasons = NULL;
	GaitDenialMeans means = gait_denial_probe(&reasons);

	printf("%s%s\n", reasons, gait_denial_means_describe(means));
	return 0;
}

int
main(int argc, char **argv)
{
	int status = 0;

	if (argc == 2 && g_str_equal(argv[1], "probe"))
		return probe();
	if (argc < 2 || !set_up(argv[1]))
		return 1;
	if (argc == 2)
		status = try_all();
	else
		for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
			list_hooks(&operations[i]);
	tear_down();
	return status;
}
