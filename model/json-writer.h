/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of JSON text. Strings are bytes, encoded as gait_text_encode() does. */
#pragma once

#include <glib.h>

void gait_json_string(GString *out, const char *raw);
/* A member that is not the first: ", \"KEY\": " and its value. */
void gait_json_key(GString *out, const char *key);
void gait_json_text(GString *out, const char *key, const char *raw);
void gait_json_number(GString *out, const char *key, guint64 value);
void gait_json_hex(GString *out, const char *key, guint64 value);
void gait_json_flag(GString *out, const char *key, gboolean value);
void gait_json_share(GString *out, const char *key, double value);
/* A list with an element a line. begin: the comma after element i - 1, newline and indent of i. */
void gait_json_begin_line(GString *out, guint32 i, const char *indent);
void gait_json_end_list(GString *out, guint32 n, const char *indent);
