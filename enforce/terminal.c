/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status line. It must never be in the way of what runs on the terminal, and we see what that
 * does, call by call: before a task writes to the terminal the line is taken away, and it comes
 * back when there was no output for a while and the last of it was a whole row. A program that
 * reads from the terminal (a shell, a prompt) is talked to: then there is no status line any more.
 * One that changes the terminal's mode (an editor, a password) or has another process group in the
 * foreground (a shell's job) has the terminal for itself meanwhile.
 *
 * Only the standard streams are watched: who opens /dev/tty anew to print whole rows to it, can be
 * printed over. Where calls are walked in the kernel those alone come by here that are on a stream
 * that is the terminal from the start; others need not wait for the line's sake.
 */
#include "enforce/terminal.h"

#include "enforce/say.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define QUIET_US      (G_USEC_PER_SEC / 2) /* without output, before the line comes back */
#define MIN_COLUMNS   20
#define USUAL_COLUMNS 80

struct _GaitTerminal {
	int fd;
	dev_t device;
	guint streams;
	struct termios mode; /* at the start */
	GMutex lock;         /* for what follows */
	gboolean is_drawn;
	char *drawn;          /* what is */
	gboolean is_taken;    /* the target reads from it */
	gboolean is_row_open; /* the target's last output did not end its row */
	gboolean is_row_used; /* the cursor is behind that */
	gint64 quiet_since_us;
};

GaitTerminal *
gait_terminal_new(int fd)
{
	struct termios mode;
	struct stat status;
	GaitTerminal *terminal;

	if (tcgetattr(fd, &mode) != 0 || fstat(fd, &status) != 0)
		return NULL;
	terminal = g_new0(GaitTerminal, 1);
	terminal->fd = fd;
	terminal->device = status.st_rdev;
	terminal->mode = mode;
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fstat(stream, &status) == 0 && S_ISCHR(status.st_mode) &&
		    status.st_rdev == terminal->device)
			terminal->streams |= 1u << stream;
	g_mutex_init(&terminal->lock);
	return terminal;
}

guint
gait_terminal_get_streams(const GaitTerminal *terminal)
{
	return terminal ? terminal->streams : 0;
}

void
gait_terminal_free(GaitTerminal *terminal)
{
	if (!terminal)
		return;
	gait_terminal_begin_row(terminal);
	g_mutex_clear(&terminal->lock);
	g_free(terminal->drawn);
	g_free(terminal);
}

/* With the lock held. */
static void
erase(GaitTerminal *terminal)
{
	static const char line_start[] = "\r\033[K";

	if (terminal->is_drawn)
		gait_say(terminal->fd, line_start, strlen(line_start));
	terminal->is_drawn = FALSE;
}

void
gait_terminal_begin_row(GaitTerminal *terminal)
{
	if (!terminal)
		return;
	g_mutex_lock(&terminal->lock);
	erase(terminal);
	if (terminal->is_row_used)
		gait_say(terminal->fd, "\n", 1);
	terminal->is_row_used = FALSE;
	g_mutex_unlock(&terminal->lock);
}

/* --- what the target does ------------------------------------------------------------------- */

static const guint32 calls[] = {SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_sendfile};

gboolean
gait_terminal_may_concern(guint32 nr, const guint64 args[6])
{
	/* The kernel looks at no more than half of a descriptor. */
	if ((guint32)args[0] > STDERR_FILENO)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
		if (nr == calls[i])
			return TRUE;
	return FALSE;
}

static void
append(GArray *filter, struct sock_filter instruction)
{
	g_array_append_val(filter, instruction);
}

void
gait_terminal_append_filter(guint streams, GArray *filter)
{
	guint n_left = (guint)__builtin_popcount(streams);

	if (n_left == 0)
		return;
	append(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                            offsetof(struct seccomp_data, nr)));
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		guint n_others = G_N_ELEMENTS(calls) - 1 - i;

		append(filter,
		       (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], n_others,
		                                    n_others == 0 ? n_left + 2 : 0));
	}
	append(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                            offsetof(struct seccomp_data, args)));
	for (guint fd = 0; n_left > 0; fd++)
		if (streams & 1u << fd) {
			n_left--;
			append(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fd,
			                                            n_left, n_left == 0 ? 1 : 0));
		}
	append(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
}

static gboolean
is_ours(const GaitTerminal *terminal, pid_t task, guint64 fd)
{
	struct stat status;
	char path[64];

	g_snprintf(path, sizeof path, "/proc/%d/fd/%u", task, (guint)fd);
	return stat(path, &status) == 0 && S_ISCHR(status.st_mode) &&
	       status.st_rdev == terminal->device;
}

static gboolean
read_memory(pid_t task, guint64 address, void *buffer, gsize size)
{
	struct iovec local = {buffer, size}, remote = {(void *)address, size};

	return process_vm_readv(task, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* Whether what is about to be written ends its row. Only for looks: a thread that changes it
 * meanwhile spoils its own screen. */
static gboolean
ends_row(pid_t task, guint32 nr, const guint64 args[6])
{
	struct iovec piece = {(void *)args[1], args[2]};
	char last = 0;

	if (nr == SYS_writev &&
	    (args[2] == 0 || args[2] > IOV_MAX ||
	     !read_memory(task, args[1] + (args[2] - 1) * sizeof piece, &piece, sizeof piece)))
		return FALSE;
	return nr != SYS_sendfile && piece.iov_len > 0 &&
	       read_memory(task, (guint64)piece.iov_base + piece.iov_len - 1, &last, 1) &&
	       last == '\n';
}

void
gait_terminal_note_call(GaitTerminal *terminal, pid_t task, guint32 nr, const guint64 args[6])
{
	gboolean is_read = nr == SYS_read || nr == SYS_readv;

	if (!is_ours(terminal, task, args[0]))
		return;
	g_mutex_lock(&terminal->lock);
	erase(terminal);
	if (is_read) {
		terminal->is_taken = TRUE;
	} else {
		terminal->is_row_open = terminal->is_row_used = !ends_row(task, nr, args);
		terminal->quiet_since_us = g_get_monotonic_time();
	}
	g_mutex_unlock(&terminal->lock);
}

/* --- the line -------------------------------------------------------------------------------- */

/* Columns that may be drawn to; 0: this is no moment to draw. */
static guint
count_columns(const GaitTerminal *terminal)
{
	const tcflag_t input = ICANON | ECHO;
	struct winsize size;
	struct termios mode;

	if (terminal->is_taken || terminal->is_row_open ||
	    g_get_monotonic_time() - terminal->quiet_since_us < QUIET_US ||
	    tcgetpgrp(terminal->fd) != getpgrp() || tcgetattr(terminal->fd, &mode) != 0 ||
	    (mode.c_lflag & input) != (terminal->mode.c_lflag & input) ||
	    ioctl(terminal->fd, TIOCGWINSZ, &size) != 0)
		return 0;
	/* A serial line does not know. */
	if (size.ws_col == 0)
		size.ws_col = USUAL_COLUMNS;
	/* The cursor stays on the row. */
	return size.ws_col < MIN_COLUMNS ? 0 : size.ws_col - 1;
}

/* With the lock held. */
static void
draw(GaitTerminal *terminal, const char *text, guint n_columns)
{
	g_autoptr(GString) line = g_string_new("\r");

	if (terminal->is_drawn && g_str_equal(terminal->drawn, text))
		return;
	g_free(terminal->drawn);
	terminal->drawn = g_strdup(text);
	for (; *text && n_columns > 0; n_columns--, text = g_utf8_next_char(text))
		g_string_append_len(line, text, g_utf8_next_char(text) - text);
	g_string_append(line, "\033[K");
	terminal->is_drawn = TRUE;
	gait_say(terminal->fd, line->str, line->len);
}

void
gait_terminal_draw(GaitTerminal *terminal, const char *text)
{
	guint n_columns;

	g_mutex_lock(&terminal->lock);
	n_columns = count_columns(terminal);
	if (n_columns > 0)
		draw(terminal, text, n_columns);
	else
		erase(terminal);
	g_mutex_unlock(&terminal->lock);
}
