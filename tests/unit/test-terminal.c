/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status line on a terminal of its own: when it is drawn, and that it gives way. Each case runs
 * in a child that is supervisor and target at once and looks at its terminal from the other side.
 */
#include "enforce/terminal.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE_US (10 * G_USEC_PER_SEC)

typedef struct {
	int master, slave;
	GaitTerminal *terminal, *control;
} Fixture;

/* All that was printed since the last time. A mark that is printed last says that it is all. */
static char *
take_output(const Fixture *fixture)
{
	g_autoptr(GString) seen = g_string_new(NULL);
	char *mark;

	g_assert_cmpint(write(fixture->slave, "#", 1), ==, 1);
	while (!(mark = strchr(seen->str, '#'))) {
		char buffer[256];
		ssize_t n = read(fixture->master, buffer, sizeof buffer);

		g_assert_cmpint(n, >, 0);
		g_string_append_len(seen, buffer, n);
	}
	return g_strndup(seen->str, (gsize)(mark - seen->str));
}

static void
assert_output(const Fixture *fixture, const char *expected)
{
	g_autofree char *seen = take_output(fixture);

	g_assert_cmpstr(seen, ==, expected);
}

static void
note(GaitTerminal *terminal, guint32 nr, guint64 fd, const void *memory, guint64 size)
{
	const guint64 args[6] = {fd, (guint64)memory, size};

	g_assert_true(gait_terminal_may_concern(nr, args));
	gait_terminal_note_call(terminal, getpid(), nr, args);
}

static void
note_print(GaitTerminal *terminal, const char *text)
{
	note(terminal, SYS_write, STDOUT_FILENO, text, strlen(text));
}

/*
 * Waits until a line would be drawn again but for what else was done: the control printed a row
 * after all that, and is drawn by now.
 */
static void
grow_quiet(const Fixture *fixture)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
	gboolean is_drawn = FALSE;

	note_print(fixture->control, "row\n");
	while (!is_drawn && g_get_monotonic_time() < end_us) {
		g_autofree char *seen = NULL;

		gait_terminal_draw(fixture->control, "control");
		seen = take_output(fixture);
		is_drawn = strstr(seen, "control") != NULL;
		g_usleep(10000);
	}
	g_assert_true(is_drawn);
}

static void
fixture_init(Fixture *fixture)
{
	g_assert_cmpint(setsid(), >, 0);
	fixture->master = posix_openpt(O_RDWR | O_NOCTTY);
	g_assert_cmpint(fixture->master, >=, 0);
	g_assert_cmpint(grantpt(fixture->master), ==, 0);
	g_assert_cmpint(unlockpt(fixture->master), ==, 0);
	fixture->slave = open(ptsname(fixture->master), O_RDWR);
	g_assert_cmpint(fixture->slave, >=, 0);
	dup2(fixture->slave, STDIN_FILENO);
	dup2(fixture->slave, STDOUT_FILENO);
	fixture->terminal = gait_terminal_new(fixture->slave);
	fixture->control = gait_terminal_new(fixture->slave);
	g_assert_nonnull(fixture->terminal);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void
case_gives_way(Fixture *fixture)
{
	struct iovec pieces[] = {{(char *)"one", 3}, {(char *)"two\n", 4}};

	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
	note_print(fixture->terminal, "a row\n");
	assert_output(fixture, "\r\033[K");
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
	grow_quiet(fixture);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
	note(fixture->terminal, SYS_writev, STDOUT_FILENO, pieces, G_N_ELEMENTS(pieces));
	assert_output(fixture, "\r\033[K");
	grow_quiet(fixture);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
	gait_terminal_begin_row(fixture->terminal);
	assert_output(fixture, "\r\033[K");
}

static void
case_prompt(Fixture *fixture)
{
	note_print(fixture->terminal, "password: ");
	grow_quiet(fixture);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
	gait_terminal_begin_row(fixture->terminal);
	gait_terminal_begin_row(fixture->terminal);
	assert_output(fixture, "\r\n");
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
	note_print(fixture->terminal, "\n");
	grow_quiet(fixture);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
}

static void
case_reader(Fixture *fixture)
{
	gait_terminal_draw(fixture->terminal, "status");
	note(fixture->terminal, SYS_read, STDIN_FILENO, NULL, 1);
	assert_output(fixture, "\rstatus\033[K\r\033[K");
	grow_quiet(fixture);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
}

/* What goes to a file or comes from one is none of the terminal's business. */
static void
case_elsewhere(Fixture *fixture)
{
	const guint64 args[6] = {3};
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	gait_terminal_draw(fixture->terminal, "status");
	note(fixture->terminal, SYS_read, STDIN_FILENO, NULL, 1);
	note_print(fixture->terminal, "no row");
	gait_terminal_draw(fixture->terminal, "other");
	assert_output(fixture, "\rstatus\033[K\rother\033[K");
	g_assert_false(gait_terminal_may_concern(SYS_write, args));
}

static void
case_mode(Fixture *fixture)
{
	struct termios mode, raw;

	tcgetattr(fixture->slave, &mode);
	raw = mode;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	gait_terminal_draw(fixture->terminal, "status");
	tcsetattr(fixture->slave, TCSANOW, &raw);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K\r\033[K");
	tcsetattr(fixture->slave, TCSANOW, &mode);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
}

static void
case_job(Fixture *fixture)
{
	pid_t job = fork();

	if (job == 0)
		for (;;)
			pause();
	signal(SIGTTOU, SIG_IGN);
	setpgid(job, job);
	g_assert_cmpint(tcsetpgrp(fixture->slave, job), ==, 0);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "");
	g_assert_cmpint(tcsetpgrp(fixture->slave, getpgrp()), ==, 0);
	gait_terminal_draw(fixture->terminal, "status");
	assert_output(fixture, "\rstatus\033[K");
	kill(job, SIGKILL);
	waitpid(job, NULL, 0);
}

static void
case_width(Fixture *fixture)
{
	struct winsize size = {.ws_row = 5, .ws_col = 24};

	ioctl(fixture->slave, TIOCSWINSZ, &size);
	gait_terminal_draw(fixture->terminal, "äbcdefghijklmnopqrstuvwxyz");
	assert_output(fixture, "\räbcdefghijklmnopqrstuvw\033[K");
	size.ws_col = 10;
	ioctl(fixture->slave, TIOCSWINSZ, &size);
	gait_terminal_draw(fixture->terminal, "other");
	assert_output(fixture, "\r\033[K");
}

static void
case_no_terminal(Fixture *fixture)
{
	g_assert_null(gait_terminal_new(open("/dev/null", O_RDWR)));
	gait_terminal_begin_row(NULL);
	gait_terminal_free(NULL);
}

static const struct {
	const char *path;
	void (*run)(Fixture *fixture);
} cases[] = {
    {"/terminal/gives-way", case_gives_way}, {"/terminal/prompt", case_prompt},
    {"/terminal/reader", case_reader},       {"/terminal/elsewhere", case_elsewhere},
    {"/terminal/mode", case_mode},           {"/terminal/job", case_job},
    {"/terminal/width", case_width},         {"/terminal/no-terminal", case_no_terminal},
};

static void
test_case(gconstpointer data)
{
	void (*run)(Fixture * fixture) = *(void (*const *)(Fixture *))data;
	pid_t child = fork();
	int status;

	if (child == 0) {
		Fixture fixture;

		fixture_init(&fixture);
		run(&fixture);
		gait_terminal_free(fixture.control);
		gait_terminal_free(fixture.terminal);
		/* Not exit(): what is buffered is the parent's. */
		_exit(0);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_test_add_data_func(cases[i].path, &cases[i].run, test_case);
	return g_test_run();
}
