/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside (paths, symbols, arguments) made safe for a terminal and for JSON. */
#pragma once

#include <glib.h>

/*
 * Appends text with control characters, backslashes and bytes that are not UTF-8 as \n, \t, \\ or
 * \xNN, so that it cannot move a cursor or forge a line.
 */
void gait_text_append(GString *out, const char *text);

/* The same for messages, which have lines and may quote escaped text: \n, \t and \\ stay. */
void gait_text_append_lines(GString *out, const char *text);

/* Appends text as a JSON string, quotes included, as models have it: always UTF-8. */
void gait_text_append_json(GString *out, const char *text);

/* Last component of a path, borrowed. */
const char *gait_text_basename(const char *path);
