/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a line of an strace log apart, in place. Behind the leader (strace-leader.c) the body
 * begins in one of a few ways. The end of a call is found by following quotes and brackets, since
 * paths and strings may contain anything.
 */
#include "learn/strace-line-private.h"

#include "sysgait/syscall.h"

#include <stdlib.h>
#include <string.h>

/* --- calls --------------------------------------------------------------------------------------
 */

/* The parenthesis that closes the call whose arguments start at text; NULL where there is none. */
static char *
find_close(char *text)
{
	const char *end = text + strlen(text), *at = text;
	int depth = 0;

	while (at < end) {
		const char *after = gait_syscall_skip_opaque(at, text, end);

		if (after != at) {
			at = after;
			continue;
		}
		if (*at == '(' || *at == '[' || *at == '{')
			depth++;
		else if (*at == ')' && depth == 0)
			return text + (at - text);
		else if (*at == ')' || *at == ']' || *at == '}')
			depth = MAX(depth - 1, 0);
		at++;
	}
	return NULL;
}

/* "   = 3</path>": behind the parenthesis. NULL where it is something else. */
static char *
find_result(char *at)
{
	at = skip_spaces(at);
	return *at == '=' && at[1] == ' ' ? skip_spaces(at + 2) : NULL;
}

/* The same where quotes or brackets do not match: the last ")" that a result follows. */
static char *
find_close_backwards(char *text)
{
	for (char *at = text + strlen(text); at > text; at--)
		if (at[-1] == ')' && find_result(at))
			return at - 1;
	return NULL;
}

static void
parse_result(char *text, GaitStraceLine *line)
{
	char *end = text, *comment;

	if (g_ascii_isdigit(*text) || (*text == '-' && g_ascii_isdigit(text[1]))) {
		line->has_result = TRUE;
		line->result = *text == '-' ? g_ascii_strtoll(text, &end, 0)
		                            : (gint64)g_ascii_strtoull(text, &end, 0);
	}
	comment = strstr(end, "/* ");
	if (comment && strstr(comment, " in strace's PID NS"))
		line->own_result = g_ascii_strtoll(comment + 3, NULL, 10);
}

/* " <unfinished ...>" and its like at the end of a line. */
static gboolean
cut_suffix(char *text, const char *suffix)
{
	gsize length = strlen(text), n = strlen(suffix);

	if (length < n || strcmp(text + length - n, suffix) != 0)
		return FALSE;
	text[length - n] = '\0';
	return TRUE;
}

/* The part of a call behind its opening parenthesis. */
static void
parse_call(char *text, GaitStraceLine *line)
{
	char *close, *result, *vanished;

	line->args = text;
	if (cut_suffix(text, "<unfinished ...>")) {
		line->kind = GAIT_STRACE_UNFINISHED;
		return;
	}
	if (cut_suffix(text, "<detached ...>")) {
		line->kind = GAIT_STRACE_DETACHED;
		return;
	}
	close = find_close(text);
	if (!close || !find_result(close + 1))
		close = find_close_backwards(text);
	if (close) {
		result = find_result(close + 1);
		line->kind = GAIT_STRACE_CALL;
		parse_result(result, line);
		*close = '\0';
		return;
	}
	/* "<ptrace(SYSCALL):No such process>": the task died under strace's eyes. */
	vanished = strstr(text, " <ptrace(");
	line->kind = vanished ? GAIT_STRACE_UNFINISHED : GAIT_STRACE_FRAGMENT;
	if (vanished)
		*vanished = '\0';
}

/* "<... futex resumed>) = 0"; a task that dies in a call has no result. */
static void
parse_resumed(char *text, GaitStraceLine *line)
{
	char *name = text + strlen("<... "), *end = strstr(name, " resumed>"), *close;

	if (!end) {
		line->kind = GAIT_STRACE_OTHER;
		return;
	}
	line->kind = GAIT_STRACE_RESUMED;
	*end = '\0';
	line->name = name;
	text = end + strlen(" resumed>");
	close = find_close(text);
	if (!close || !find_result(close + 1))
		close = find_close_backwards(text);
	if (close)
		parse_result(find_result(close + 1), line);
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static void
parse_signal(char *text, GaitStraceLine *line)
{
	text += strlen("--- ");
	line->kind = GAIT_STRACE_OTHER;
	if (g_str_has_prefix(text, "stopped by ")) {
		line->kind = GAIT_STRACE_STOPPED;
	} else if (g_str_has_prefix(text, "SIG")) {
		line->kind = GAIT_STRACE_SIGNAL;
		line->name = text;
		text[strcspn(text, " ")] = '\0';
	}
}

static void
parse_end(char *text, GaitStraceLine *line)
{
	guint64 number;
	char *name;

	text += strlen("+++ ");
	line->kind = GAIT_STRACE_OTHER;
	if (g_str_has_prefix(text, "exited with ") && take_number(text + 12, 255, &number)) {
		line->kind = GAIT_STRACE_EXITED;
		line->status = (gint32)(number << 8);
	} else if (g_str_has_prefix(text, "killed by SIG")) {
		name = text + strlen("killed by ");
		line->kind = GAIT_STRACE_EXITED;
		line->status = gait_signal_from_name(name, strcspn(name, " "));
		if (line->status > 0 && strstr(name, "(core dumped)"))
			line->status |= 0x80;
	} else if (g_str_has_prefix(text, "superseded by execve in pid ") &&
	           take_number(text + 28, G_MAXINT32, &number)) {
		line->kind = GAIT_STRACE_SUPERSEDED;
		line->other_pid = (gint32)number;
	}
}

/*
 * "/usr/lib/libc.so.6(__write+0x4d) [0xf7190]", "/usr/bin/nginx() [0x1234]", or what went wrong. A
 * C++ function has parentheses of its own, and so may a path; those in paths come after a space.
 */
static void
parse_frame(char *text, GaitStraceLine *line)
{
	char *bracket = g_strrstr(text, ") [0x"), *open = text, *plus;

	line->kind = GAIT_STRACE_FRAME;
	if (!bracket)
		return;
	do
		open = strchr(open + 1, '(');
	while (open && open < bracket && open[-1] == ' ');
	if (!open || open > bracket)
		return;
	line->module = text;
	line->offset = g_ascii_strtoull(bracket + 3, NULL, 16);
	*open = *bracket = '\0';
	plus = g_strrstr(open + 1, "+0x");
	if (plus && plus > open + 1) {
		line->delta = g_ascii_strtoull(plus + 3, NULL, 16);
		*plus = '\0';
		line->function = open + 1;
	}
}

static gboolean
is_message(char *text, GaitStraceLine *line)
{
	gboolean is_strace = g_str_has_prefix(text, "strace: ");
	guint64 pid;
	char *mode, *end;

	if (is_strace)
		text += strlen("strace: ");
	if (g_str_has_prefix(text, "[ Process PID=") &&
	    (mode = take_number(text + 14, G_MAXINT32, &pid))) {
		line->kind = GAIT_STRACE_MODE;
		line->other_pid = (gint32)pid;
		line->is_32bit = strstr(mode, "32 bit mode") != NULL;
		return TRUE;
	}
	if (g_str_has_prefix(text, "Process ") && (end = take_number(text + 8, G_MAXINT32, &pid)) &&
	    *end == ' ') {
		line->kind =
		    g_str_has_prefix(end, " attached") ? GAIT_STRACE_ATTACHED : GAIT_STRACE_MESSAGE;
		line->other_pid = (gint32)pid;
		return TRUE;
	}
	line->kind = GAIT_STRACE_MESSAGE;
	return is_strace;
}

static void
parse_body(char *text, GaitStraceLine *line)
{
	gsize length = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789?");

	if (*text == '\0')
		line->kind = GAIT_STRACE_BLANK;
	else if (g_str_has_prefix(text, "<... "))
		parse_resumed(text, line);
	else if (g_str_has_prefix(text, "--- "))
		parse_signal(text, line);
	else if (g_str_has_prefix(text, "+++ "))
		parse_end(text, line);
	else if (length > 0 && text[length] == '(') {
		text[length] = '\0';
		line->name = text;
		parse_call(text + length + 1, line);
	} else if (!is_message(text, line))
		line->kind = GAIT_STRACE_OTHER;
}

void
gait_strace_parse_line(char *text, GaitStraceLine *line)
{
	*line = (GaitStraceLine){.nr = -1};
	if (g_str_has_prefix(text, " > ")) {
		parse_frame(text + 3, line);
		return;
	}
	parse_body(gait_strace_take_leader(text, line), line);
}

char *
gait_strace_dup_string(const char *text)
{
	const char *end;
	g_autofree char *inside = NULL;

	if (*text != '"')
		return NULL;
	end = gait_syscall_skip_opaque(text, text, text + strlen(text));
	if (end < text + 2 || end[-1] != '"')
		return NULL;
	inside = g_strndup(text + 1, (gsize)(end - text) - 2);
	return g_strcompress(inside);
}
