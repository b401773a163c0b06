/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader of an strace log's line, in place: who and when. Each piece is there or not, as the
 * options of that strace were; what does not look like one is left for the body.
 */
#include "learn/strace-line-private.h"

#include <string.h>

#define NS_PER_S G_GUINT64_CONSTANT(1000000000)

/* ".123456" as ns; none is 0. */
static char *
take_fraction(char *at, guint64 *ns)
{
	guint64 unit = NS_PER_S;

	*ns = 0;
	if (*at != '.')
		return at;
	for (at++; g_ascii_isdigit(*at); at++) {
		unit /= 10;
		*ns += unit * (guint64)(*at - '0');
	}
	return at;
}

/* "<comm>" behind a pid (-Y). */
static char *
skip_comm(char *at)
{
	char *close = *at == '<' ? strchr(at, '>') : NULL;

	return close ? close + 1 : at;
}

/* "[pid  123] " or "123 ". */
static char *
take_pid(char *at, GaitStraceLine *line)
{
	gboolean has_bracket = g_str_has_prefix(at, "[pid ");
	guint64 pid;
	char *end = take_number(skip_spaces(has_bracket ? at + 5 : at), G_MAXINT32, &pid);

	if (!end)
		return at;
	end = skip_comm(end);
	if (has_bracket ? *end != ']' : *end != ' ')
		return at;
	line->pid = (gint32)pid;
	line->has_bracket = has_bracket;
	return skip_spaces(end + 1);
}

/* "(+     0.000028) " behind the time of day (-r with -t): finer, and does not wrap. */
static char *
take_step(char *at, GaitStraceLine *line)
{
	guint64 seconds, ns;
	char *end = g_str_has_prefix(at, "(+ ")
	                ? take_number(skip_spaces(at + 2), G_MAXINT32, &seconds)
	                : NULL;

	if (!end)
		return at;
	end = take_fraction(end, &ns);
	if (*end != ')')
		return at;
	line->time = GAIT_STRACE_RELATIVE;
	line->time_ns = seconds * NS_PER_S + ns;
	return skip_spaces(end + 1);
}

/* "05:46:13.591939 " */
static char *
take_clock(char *at, GaitStraceLine *line)
{
	guint64 hours, minutes, seconds, ns;
	char *end = take_number(at, 23, &hours);

	if (!end || *end != ':')
		return NULL;
	end = take_number(end + 1, 59, &minutes);
	if (!end || *end != ':')
		return NULL;
	end = take_number(end + 1, 60, &seconds);
	if (!end)
		return NULL;
	end = take_fraction(end, &ns);
	if (*end != ' ')
		return NULL;
	line->time = GAIT_STRACE_CLOCK;
	line->time_ns = ((hours * 60 + minutes) * 60 + seconds) * NS_PER_S + ns;
	return take_step(skip_spaces(end), line);
}

static char *
take_time(char *at, GaitStraceLine *line)
{
	guint64 seconds, ns;
	char *end = take_clock(at, line);

	if (end)
		return end;
	end = take_number(skip_spaces(at), G_MAXINT32, &seconds);
	if (!end || *end != '.')
		return at;
	end = take_fraction(end, &ns);
	if (*end != ' ')
		return at;
	/* Nobody waits three years between two calls, and no log is from 1973. */
	line->time = seconds < 100000000 ? GAIT_STRACE_RELATIVE : GAIT_STRACE_EPOCH;
	line->time_ns = seconds * NS_PER_S + ns;
	return skip_spaces(end);
}

/* "[ 59] " (-n) and "[00007f94843d0ad7] " or "[????????????????] " (-i). */
static char *
take_brackets(char *at, GaitStraceLine *line)
{
	while (*at == '[') {
		gsize length = strspn(at + 1, " 0123456789abcdef?");
		guint64 nr;

		if (length == 0 || at[1 + length] != ']' || at[2 + length] != ' ')
			break;
		if (length < 16 && take_number(skip_spaces(at + 1), G_MAXINT32, &nr))
			line->nr = (gint32)nr;
		at = skip_spaces(at + 2 + length);
	}
	return at;
}

char *
gait_strace_take_leader(char *at, GaitStraceLine *line)
{
	return take_brackets(take_time(take_pid(at, line), line), line);
}
