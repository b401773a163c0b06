/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes text for terminals and JSON. Names in traces and models are bytes that anybody chose. */
#include "sysgait/text.h"

#include "model/json-writer.h"

#include <string.h>

/* The length of the UTF-8 character at text; 0 where there is none. */
static gsize
character_length(const char *text)
{
	gunichar character = g_utf8_get_char_validated(text, -1);

	if (character == (gunichar)-1 || character == (gunichar)-2)
		return 0;
	return (gsize)(g_utf8_next_char(text) - text);
}

/* C1 controls and the characters that turn a line's direction around. */
static gboolean
is_deceptive(const char *text)
{
	gunichar character = g_utf8_get_char(text);

	return g_unichar_iscntrl(character) || (character >= 0x202a && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0x2028 ||
	       character == 0x2029;
}

static void
append_bytes(GString *out, const char *bytes, gsize n)
{
	for (gsize i = 0; i < n; i++)
		g_string_append_printf(out, "\\x%02x", (guint)(guint8)bytes[i]);
}

void
gait_text_append(GString *out, const char *text)
{
	while (*text) {
		gsize length = character_length(text);

		if (*text == '\n')
			g_string_append(out, "\\n");
		else if (*text == '\t')
			g_string_append(out, "\\t");
		else if (*text == '\\')
			g_string_append(out, "\\\\");
		else if (length == 0 || is_deceptive(text))
			append_bytes(out, text, MAX(length, 1));
		else
			g_string_append_len(out, text, (gssize)length);
		text += MAX(length, 1);
	}
}

void
gait_text_append_lines(GString *out, const char *text)
{
	while (*text) {
		gsize length = character_length(text);

		if (*text == '\n' || *text == '\t' || (length > 0 && !is_deceptive(text)))
			g_string_append_len(out, text, (gssize)length);
		else
			append_bytes(out, text, MAX(length, 1));
		text += MAX(length, 1);
	}
}

void
gait_text_append_json(GString *out, const char *text)
{
	gait_json_string(out, text);
}

const char *
gait_text_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
