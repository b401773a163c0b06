/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of an strace line, leader and body, are both taken apart with. */
#pragma once

#include "learn/strace-line.h"

static inline char *
skip_spaces(char *at)
{
	while (*at == ' ')
		at++;
	return at;
}

/* Digits, up to max; NULL where there are none or too much. */
static inline char *
take_number(char *at, guint64 max, guint64 *value)
{
	guint64 number = 0;
	char *start = at;

	for (; g_ascii_isdigit(*at); at++) {
		number = number * 10 + (guint64)(*at - '0');
		if (number > max)
			return NULL;
	}
	*value = number;
	return at > start ? at : NULL;
}

/* Takes what stands before the body: pid, time, number, instruction pointer, each if it is there.
 * Returns where the body begins. */
char *gait_strace_take_leader(char *at, GaitStraceLine *line);
