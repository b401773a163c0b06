/* SPDX-License-Identifier: Apache-2.0 */
/* System calls: names, classes, and the text that people and strace write for them. */
#include "unit.h"

#include "sysgait/syscall.h"

#include <string.h>
#include <sys/syscall.h>

/* What strace (or we) write, the class as we print it, and whether all of it was known. */
static const struct {
	guint32 nr;
	const char *text, *klass;
	gboolean is_known;
} texts[] = {
    {SYS_read, "3, \"a,b(\", 832", "read", TRUE},
    {SYS_open, "\"/etc/passwd\", O_RDONLY|O_CLOEXEC", "open(O_RDONLY)", TRUE},
    {SYS_openat, "AT_FDCWD, \"/a,b\\\"c\", O_RDWR|O_CREAT|O_EXCL, 0644", "openat(O_RDWR|O_CREAT)",
     TRUE},
    {SYS_openat, "3</tmp/a,b>, \"x\"..., O_WRONLY|O_APPEND|O_TRUNC", "openat(O_WRONLY|O_TRUNC)",
     TRUE},
    {SYS_openat, "AT_FDCWD</tmp>, \"x\", O_WRONLY|O_TMPFILE, 0600", "openat(O_WRONLY|O_TMPFILE)",
     TRUE},
    {SYS_openat, "AT_FDCWD, \"/\", O_RDONLY|O_PATH|O_DIRECTORY", "openat(O_RDONLY|O_PATH)", TRUE},
    {SYS_openat, "AT_FDCWD, \"x\", 0x2 /* O_RDWR, really */, 0", "openat(O_RDWR)", TRUE},
    {SYS_openat, "AT_FDCWD, \"x\", O_RDWR|O_FROBNICATE", "openat(O_RDWR)", FALSE},
    {SYS_openat, "AT_FDCWD", "openat(O_RDONLY)", FALSE},
    {SYS_mmap, "NULL, 8192, PROT_READ|PROT_EXEC, MAP_PRIVATE, 3, 0", "mmap(PROT_READ|PROT_EXEC)",
     TRUE},
    {SYS_mprotect, "0x7f4a, 4096, PROT_NONE", "mprotect(PROT_NONE)", TRUE},
    {SYS_socket, "AF_INET6, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_TCP",
     "socket(AF_INET6, SOCK_STREAM)", TRUE},
    {SYS_socketpair, "AF_LOCAL, SOCK_DGRAM, 0, [3, 4]", "socketpair(AF_UNIX, SOCK_DGRAM)", TRUE},
    {SYS_clone, "child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD",
     "clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID)", TRUE},
    {SYS_clone, "child_stack=0x7f, child_tidptr=0x8", "clone(0)", FALSE},
    {SYS_unshare, "CLONE_NEWUSER|CLONE_NEWPID", "unshare(CLONE_NEWUSER|CLONE_NEWPID)", TRUE},
    {SYS_kill, "-1, SIGTERM", "kill(SIGTERM)", TRUE},
    {SYS_tgkill, "12, 13, SIGRT_1", "tgkill(SIGRT_1)", TRUE},
    {SYS_kill, "0, 0", "kill(0)", TRUE},
    {SYS_futex, "0x7f, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, {tv_sec=1}",
     "futex(FUTEX_WAIT_BITSET)", TRUE},
    {SYS_ioctl, "3<TCP:[1.2.3.4:80->5.6.7.8:99]>, FIONBIO, [1]", "ioctl(FIONBIO)", TRUE},
    {SYS_ioctl, "1, SNDCTL_TMR_TIMEBASE or TCGETS, {B38400}", "ioctl(TCGETS)", TRUE},
    {SYS_ioctl, "3, _IOC(_IOC_READ|_IOC_WRITE, 0x54, 0x99, 0x10), 0", "ioctl(0xc0105499)", TRUE},
    {SYS_ioctl, "3, _IOC(_IOC_NONE, 0x12), 0", "ioctl(0x0)", FALSE},
    {SYS_prctl, "PR_SET_NAME, \"x\"", "prctl(PR_SET_NAME)", TRUE},
    {SYS_arch_prctl, "0x3001 /* ARCH_??? */, 0x7ffd", "arch_prctl(0x3001)", TRUE},
    {SYS_fcntl, "3, F_SETFL, O_RDONLY|O_NONBLOCK", "fcntl(F_SETFL)", TRUE},
    {SYS_madvise, "0x7f, 4096, MADV_DONTNEED", "madvise(MADV_DONTNEED)", TRUE},
    {SYS_quotactl, "QCMD(Q_GETQUOTA, GRPQUOTA), \"/dev/a\", 1, {}", "quotactl(Q_GETQUOTA|GRPQUOTA)",
     TRUE},
    {SYS_semctl, "1, 0, IPC_64|SETVAL, 0x1", "semctl(SETVAL)", TRUE},
    {SYS_msgctl, "1, IPC_RMID, NULL", "msgctl(IPC_RMID)", TRUE},
    {SYS_personality, "0xffffffff", "personality(0xffffffff)", TRUE},
    {SYS_ptrace, "PTRACE_TRACEME", "ptrace(PTRACE_TRACEME)", TRUE},
    {SYS_epoll_ctl, "4, EPOLL_CTL_ADD, 5, {events=EPOLLIN}", "epoll_ctl(EPOLL_CTL_ADD)", TRUE},
    {SYS_seccomp, "SECCOMP_SET_MODE_FILTER, 0, NULL", "seccomp(SECCOMP_SET_MODE_FILTER)", TRUE},
};

/* The class of what is between the parentheses; FALSE where a name in it is not known. */
static gboolean
parse_class(guint32 nr, const char *text, guint32 *klass)
{
	guint64 args[6];
	gboolean is_known = gait_syscall_parse_registers(nr, text, args);

	*klass = gait_syscall_class(nr, args);
	return is_known;
}

static void
test_texts(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GString) out = g_string_new(NULL);
		guint32 klass;

		g_assert_cmpint(parse_class(texts[i].nr, texts[i].text, &klass), ==,
		                texts[i].is_known);
		gait_syscall_format(out, texts[i].nr, klass);
		g_assert_cmpstr(out->str, ==, texts[i].klass);
	}
}

/* Whatever the registers hold: the class can be printed and read back, and looks at no more than 32
 * bits of what decides. */
static void
test_inverse(void)
{
	for (guint round = 0; round < 200; round++)
		for (guint32 nr = 0; nr <= gait_syscall_get_max(); nr++) {
			g_autoptr(GString) out = g_string_new(NULL);
			guint64 args[6], kept[6];
			guint32 klass, again = 0;
			char *open;

			for (guint i = 0; i < 6; i++)
				args[i] =
				    (guint64)g_test_rand_int() << 32 |
				    ((guint64)g_test_rand_int() >> g_test_rand_int_range(0, 32));
			klass = gait_syscall_class(nr, args);
			gait_syscall_keep_args(nr, args, kept);
			g_assert_cmpuint(gait_syscall_class(nr, kept), ==, klass);
			gait_syscall_format(out, nr, klass);
			open = strchr(out->str, '(');
			if (!open) {
				g_assert_cmpuint(klass, ==, 0);
				continue;
			}
			open[strlen(open) - 1] = '\0';
			g_assert_true(parse_class(nr, open + 1, &again));
			g_assert_cmpuint(again, ==, klass);
			for (guint i = 0; i < 6; i++)
				args[i] ^= (guint64)g_test_rand_int() << 32;
			g_assert_cmpuint(gait_syscall_class(nr, args), ==, klass);
		}
}

static void
test_names(void)
{
	g_assert_cmpstr(gait_syscall_name(SYS_openat), ==, "openat");
	g_assert_cmpstr(gait_syscall_name(999), ==, "syscall_999");
	g_assert_cmpstr(gait_syscall_name(123456), ==, "syscall_123456");
	g_assert_cmpint(gait_syscall_from_name("openat"), ==, SYS_openat);
	g_assert_cmpint(gait_syscall_from_name("syscall_999"), ==, 999);
	g_assert_cmpint(gait_syscall_from_name("syscall_0x3e7"), ==, 999);
	g_assert_cmpint(gait_syscall_from_name("syscall_"), ==, -1);
	g_assert_cmpint(gait_syscall_from_name("syscall_-1"), ==, -1);
	g_assert_cmpint(gait_syscall_from_name("syscall_99999999999"), ==, -1);
	g_assert_cmpint(gait_syscall_from_name("socketcall"), ==, -1);
	g_assert_cmpint(gait_syscall_from_name(""), ==, -1);
	for (guint32 nr = 0; nr <= gait_syscall_get_max(); nr++)
		g_assert_cmpint(gait_syscall_from_name(gait_syscall_name(nr)), ==, nr);
}

/* A target that makes every number there is does not fill our memory with names. */
static void
test_strangers(void)
{
	const char *first = gait_syscall_name(2000);

	for (guint32 nr = 2000; nr < 12000; nr++)
		g_assert_nonnull(gait_syscall_name(nr));
	g_assert_true(gait_syscall_name(2000) == first);
	g_assert_cmpstr(gait_syscall_name(0xffffffff), ==, "syscall_unknown");
}

static void
test_signals(void)
{
	for (gint32 signo = 1; signo <= 64; signo++) {
		g_autoptr(GString) out = g_string_new(NULL);

		gait_signal_format(out, signo);
		g_assert_cmpint(gait_signal_from_name(out->str, out->len), ==, signo);
	}
	g_assert_cmpint(gait_signal_from_name("SIGNOTHING", 10), ==, -1);
	g_assert_cmpint(gait_signal_from_name("SIGRT_99", 8), ==, -1);
	g_assert_cmpint(gait_signal_from_name("", 0), ==, -1);
}

static void
test_properties(void)
{
	g_assert_true(gait_syscall_is_incidental(SYS_futex));
	g_assert_true(gait_syscall_is_incidental(SYS_brk));
	g_assert_false(gait_syscall_is_incidental(SYS_mmap));
	g_assert_true(gait_syscall_is_vdso(SYS_clock_gettime));
	g_assert_true(gait_syscall_is_creation(SYS_clone3));
	g_assert_true(gait_syscall_is_exec(SYS_execveat));
	g_assert_false(gait_syscall_is_exec(SYS_read));
	for (guint32 nr = 0; nr < 2000; nr++) {
		double danger = gait_syscall_danger(nr);

		g_assert_true(danger > 0 && danger <= 1);
	}
	g_assert_true(gait_syscall_danger(SYS_execve) > gait_syscall_danger(SYS_socket));
	g_assert_true(gait_syscall_danger(SYS_socket) > gait_syscall_danger(SYS_getpid));
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/syscall/texts", test_texts);
	g_test_add_func("/syscall/inverse", test_inverse);
	g_test_add_func("/syscall/names", test_names);
	g_test_add_func("/syscall/signals", test_signals);
	g_test_add_func("/syscall/properties", test_properties);
	g_test_add_func("/syscall/strangers", test_strangers);
	return g_test_run();
}
