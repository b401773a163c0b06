/* SPDX-License-Identifier: Apache-2.0 */
/* What operations.inc is written with: things to act on, and ways to see what has become of them.
 */
#pragma once

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

/* A system call itself, without its libc wrapper. */
#define S(call, ...) syscall(SYS_##call, ##__VA_ARGS__)

static int fd, other, watch, id;
static int pair[2], pair2[2];
static pid_t child;
static char buffer[4096];
static unsigned char *page;
static volatile sig_atomic_t noted_signal;
static aio_context_t ring;

static guint64 one = 1;
static gid_t seven = 7;
static socklen_t length = sizeof buffer;
static char *arguments[] = {(char *)"true", NULL};
static char signals[8] = {1};
static int word;
static long shared_word;
static struct iovec vector = {buffer, 64};
static struct iovec word_vector = {&shared_word, sizeof shared_word};
static struct iovec page_vector = {NULL, 4096};
static char control[CMSG_SPACE(sizeof(int))];
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static struct mmsghdr messages = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
static struct open_how how_create = {.flags = O_CREAT | O_WRONLY, .mode = 0600};
static struct utimbuf past_seconds = {1, 1};
static struct timeval past_micro[2] = {{1, 0}, {1, 0}};
static struct timespec past[2] = {{1, 0}, {1, 0}};
static struct timespec moment = {0, 1};
static struct timespec new_clock = {3000000, 0};
static struct timeval new_time = {1000000, 0};
static struct itimerspec timer = {.it_value = {100, 0}};
static struct itimerval interval = {.it_value = {100, 0}};
static struct timex adjustment = {.modes = ADJ_MAXERROR, .maxerror = 1000};
static struct rlimit limit = {5, 5};
static struct flock lock = {.l_type = F_WRLCK};
static struct epoll_event watched = {.events = EPOLLIN};
static struct pollfd polled = {.fd = -1};
static struct sched_param zero_parameter;
static struct sockaddr_in address = {.sin_family = AF_INET};
static struct sockaddr_in discard = {.sin_family = AF_INET, .sin_port = 9 << 8};
static struct sockaddr_un unix_address = {AF_UNIX, "socket"};
static struct sembuf semaphore_up = {0, 1, IPC_NOWAIT};
static struct {
	long type;
	char text[8];
} mail = {1, "mail"};
static struct sigevent no_event = {.sigev_notify = SIGEV_NONE};
static struct sock_filter allow_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static struct sock_fprog filter = {1, allow_all};
static struct landlock_ruleset_attr ruleset = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
static struct __user_cap_header_struct capability_header = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct no_capabilities[2];
static union bpf_attr map_to_make = {
    .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
static struct perf_event_attr counter = {
    .type = PERF_TYPE_SOFTWARE, .size = sizeof counter, .config = PERF_COUNT_SW_TASK_CLOCK};
static struct {
	guint64 set, clear, propagation, namespace;
} read_only = {1, 0, 0, 0}; /* MOUNT_ATTR_RDONLY */
static struct {
	guint64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
} clone_arguments = {.exit_signal = SIGCHLD};
static struct {
	guint32 size, policy;
	guint64 flags;
	gint32 nice;
	guint32 priority;
	guint64 runtime, deadline, period;
} scheduling[1] = {{.size = 48, .policy = SCHED_BATCH}};
static struct iocb request, *requests = &request;
static guint64 handle_space[32];
static struct file_handle *handle = (struct file_handle *)handle_space;

/* --- what has become of it --- */

static gboolean
exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static struct stat
status_of(const char *path)
{
	struct stat status = {.st_size = -1};

	stat(path, &status);
	return status;
}

#define size_of(path)  (status_of(path).st_size)
#define mode_of(path)  (status_of(path).st_mode & 07777)
#define owner_of(path) (status_of(path).st_uid)
#define mtime_of(path) (status_of(path).st_mtime)

static int
n_waiting(int descriptor)
{
	int n = -1;

	ioctl(descriptor, FIONREAD, &n);
	return n;
}

static gboolean
has_attribute(void)
{
	return getxattr("file", "trusted.a", buffer, sizeof buffer) == 1;
}

static int
port_of(int socket)
{
	struct sockaddr_in bound = {0};
	socklen_t size = sizeof bound;

	getsockname(socket, (struct sockaddr *)&bound, &size);
	return bound.sin_port;
}

static int
option_of(int socket, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	getsockopt(socket, SOL_SOCKET, option, &value, &size);
	return value;
}

static gboolean
is_listening(int socket)
{
	return option_of(socket, SO_ACCEPTCONN) == 1;
}

static gboolean
can_accept(int listener)
{
	struct pollfd ready = {listener, POLLIN, 0};

	return poll(&ready, 1, 0) == 1;
}

/* Whoever was killed does not stop. */
static gboolean
has_ended(pid_t pid)
{
	siginfo_t info = {0};

	kill(pid, SIGSTOP);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT);
	return info.si_code == CLD_KILLED;
}

static long
field_of(pid_t pid, const char *field)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid), *text = NULL;
	const char *found;

	g_file_get_contents(path, &text, NULL, NULL);
	found = text ? strstr(text, field) : NULL;
	return found ? strtol(found + strlen(field), NULL, 10) : -1;
}

#define tracer_of(pid) (field_of(pid, "TracerPid:"))

static long
word_of_child(void)
{
	return ptrace(PTRACE_PEEKDATA, child, &shared_word, NULL);
}

static gboolean
may_chown(void)
{
	return chown("file", 9, 9) == 0;
}

static int
core_limit(void)
{
	struct rlimit now;

	getrlimit(RLIMIT_CORE, &now);
	return (int)now.rlim_max;
}

static gboolean
is_named(const char *name)
{
	char now[16];

	prctl(PR_GET_NAME, now);
	return g_str_equal(now, name);
}

static gboolean
has_host_name(const char *name)
{
	struct utsname now;

	uname(&now);
	return g_str_equal(now.nodename, name);
}

static gboolean
has_domain_name(const char *name)
{
	struct utsname now;

	uname(&now);
	return g_str_equal(now.domainname, name);
}

static gboolean
is_mapped(unsigned long where)
{
	unsigned char is_in_core;

	return mincore((void *)where, 4096, &is_in_core) == 0;
}

static gboolean
is_mount_point(const char *path)
{
	struct stat here, there;

	return stat(".", &here) == 0 && stat(path, &there) == 0 && here.st_dev != there.st_dev;
}

static int
n_mails(int queue)
{
	struct msqid_ds now = {0};

	msgctl(queue, IPC_STAT, &now);
	return (int)now.msg_qnum;
}

struct mail_attributes {
	long flags, max_mails, mail_size, n_mails, reserved[4];
};

static gboolean
has_mail_queue(void)
{
	return S(mq_open, "mail", O_RDWR, 0, NULL) >= 0;
}

static long
queued_mails(void)
{
	struct mail_attributes now = {0};

	S(mq_getsetattr, other, NULL, &now);
	return now.n_mails;
}

static gboolean
has_key(void)
{
	return S(keyctl, 10, -2, "user", "gait", 0) >= 0;
}

/* --- things to act on --- */

static void
must(gboolean is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	_exit(3);
}

static void
make_pipe(int is_filled)
{
	must(pipe(pair) == 0, "pipe");
	must(!is_filled || write(pair[1], "four", 4) == 4, "write");
}

static void
make_pipes(void)
{
	make_pipe(1);
	must(pipe(pair2) == 0, "pipe");
}

static void
make_sockets(void)
{
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
}

static void
fill_sockets(void)
{
	make_sockets();
	must(write(pair[1], "x", 1) == 1, "write");
}

static void
put_descriptor(void)
{
	struct cmsghdr *header;

	message.msg_control = control;
	message.msg_controllen = sizeof control;
	header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

static void
bind_somewhere(int type)
{
	socklen_t size = sizeof address;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, type, 0);
	must(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
	getsockname(fd, (struct sockaddr *)&address, &size);
	other = socket(AF_INET, type, 0);
}

static void
make_receiver(void)
{
	bind_somewhere(SOCK_DGRAM);
}

static void
make_listener(int is_connected)
{
	bind_somewhere(SOCK_STREAM);
	must(listen(fd, 5) == 0, "listen");
	must(!is_connected || connect(other, (struct sockaddr *)&address, sizeof address) == 0,
	     "connect");
}

static void
make_unix_listener(void)
{
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(bind(fd, (struct sockaddr *)&unix_address, sizeof unix_address) == 0, "bind");
	must(listen(fd, 5) == 0, "listen");
	other = socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
make_child(void)
{
	child = fork();
	if (child != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void
make_traced_child(void)
{
	make_child();
	must(ptrace(PTRACE_ATTACH, child, NULL, NULL) == 0, "ptrace");
	waitpid(child, NULL, 0);
}

static void
make_dead_child(void)
{
	child = fork();
	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT);
}

/* Ends what was forked, in itself, and gives the fork's result. */
static long
end_child(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid;
}

/* The child of a vfork may not return from the function that made the call. */
static long
raw_vfork(void)
{
	long pid;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "mov %1, %%eax\n\t"
	                 "xor %%edi, %%edi\n\t"
	                 "syscall\n"
	                 "1:"
	                 : "=a"(pid)
	                 : "i"(SYS_exit), "0"((long)SYS_vfork)
	                 : "rcx", "r11", "rdi", "memory");
	if (pid < 0) {
		errno = (int)-pid;
		return -1;
	}
	return pid;
}

static int
end_thread(void *data)
{
	return 0;
}

static long
make_thread(void)
{
	static char stack[65536];

	return clone(end_thread, stack + sizeof stack,
	             CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL);
}

static siginfo_t *
queued_info(void)
{
	static siginfo_t info;

	info.si_signo = SIGKILL;
	info.si_code = SI_QUEUE;
	return &info;
}

static void
note_signal(int number)
{
	noted_signal = 1;
}

static void
set_attribute(void)
{
	must(setxattr("file", "trusted.a", "b", 1, 0) == 0, "setxattr");
}

static void
watch_directory(void)
{
	other = inotify_init();
	watch = inotify_add_watch(other, ".", IN_CREATE);
	must(watch >= 0, "inotify_add_watch");
}

static void
make_handle(void)
{
	handle->handle_bytes = 128;
	must(name_to_handle_at(AT_FDCWD, "file", handle, &watch, 0) == 0, "name_to_handle_at");
}

/* A page with a 1 in it, and a pipe to see whether it can be read. */
static void
map_page(void)
{
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "mmap");
	page[0] = 1;
	page_vector.iov_base = page;
	make_pipe(0);
}

static void
make_segment(void)
{
	id = shmget(77, 4096, IPC_CREAT | 0600);
	must(id >= 0, "shmget");
}

static void
make_mail_queue(void)
{
	struct mail_attributes attributes = {.max_mails = 5, .mail_size = 64};

	other = (int)S(mq_open, "mail", O_CREAT | O_RDWR, 0600, &attributes);
	must(other >= 0, "mq_open");
}

static void
mount_directory(void)
{
	must(mount("none", "directory", "tmpfs", 0, NULL) == 0, "mount");
}

static void
prepare_pivot(void)
{
	must(unshare(CLONE_NEWNS) == 0, "unshare");
	mount_directory();
	must(mkdir("directory/new", 0700) == 0, "mkdir");
}

static void
prepare_move(void)
{
	other = (int)S(fsopen, "tmpfs", 0);
	S(fsconfig, other, 6, NULL, NULL, 0);
	other = (int)S(fsmount, other, 0, 0);
	must(other >= 0, "fsmount");
}

static struct io_uring_params *
ring_parameters(void)
{
	static struct io_uring_params parameters;

	memset(&parameters, 0, sizeof parameters);
	return &parameters;
}

static void
make_ring(void)
{
	other = (int)S(io_uring_setup, 4, ring_parameters());
	must(other >= 0, "io_uring_setup");
}

static void
make_request(void)
{
	must(S(io_setup, 4, &ring) == 0, "io_setup");
	request = (struct iocb){.aio_lio_opcode = IOCB_CMD_PWRITE,
	                        .aio_fildes = (guint32)fd,
	                        .aio_buf = (guint64)(gsize)buffer,
	                        .aio_nbytes = 7};
}

static void
make_fsync_request(void)
{
	make_request();
	request = (struct iocb){.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (guint32)fd};
}
