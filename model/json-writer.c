/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of JSON text, for the writer of models. Knows nothing of what they mean. */
#include "model/json-writer.h"

#include "model/model-names.h"

void
gait_json_string(GString *out, const char *raw)
{
	g_autofree char *text = gait_text_encode(raw);

	g_string_append_c(out, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_printf(out, "\\%c", *c);
		else if ((guint8)*c < 0x20)
			g_string_append_printf(out, "\\u%04x", (guint8)*c);
		else
			g_string_append_c(out, *c);
	}
	g_string_append_c(out, '"');
}

/* ", \"KEY\": " */
void
gait_json_key(GString *out, const char *key)
{
	g_string_append_printf(out, ", \"%s\": ", key);
}

void
gait_json_text(GString *out, const char *key, const char *raw)
{
	gait_json_key(out, key);
	gait_json_string(out, raw);
}

void
gait_json_number(GString *out, const char *key, guint64 value)
{
	gait_json_key(out, key);
	g_string_append_printf(out, "%" G_GUINT64_FORMAT, value);
}

void
gait_json_hex(GString *out, const char *key, guint64 value)
{
	gait_json_key(out, key);
	g_string_append_printf(out, "\"0x%" G_GINT64_MODIFIER "x\"", value);
}

void
gait_json_flag(GString *out, const char *key, gboolean value)
{
	gait_json_key(out, key);
	g_string_append(out, value ? "true" : "false");
}

void
gait_json_share(GString *out, const char *key, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	gait_json_key(out, key);
	g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6f", value));
}

/* Begins line i of a list: the comma of the one before, the newline, the indent. */
void
gait_json_begin_line(GString *out, guint32 i, const char *indent)
{
	g_string_append_printf(out, "%s\n%s", i ? "," : "", indent);
}

/* "[]" for an empty list, else its closing bracket on a line of its own. */
void
gait_json_end_list(GString *out, guint32 n, const char *indent)
{
	if (n)
		g_string_append_printf(out, "\n%s", indent);
	g_string_append_c(out, ']');
}
