/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for drawings. Names come from symbol tables and paths that the target's author wrote,
 * perhaps with the reader of the drawing in mind: markup, escape sequences, control characters and
 * bidirectional overrides lose their meaning here, length is bounded, and what comes out is valid
 * UTF-8.
 */
#include "graph-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <string.h>

void
gait_graph_append_plain(GString *out, const char *text, guint max_chars)
{
	g_autoptr(GString) printable = g_string_new(NULL);
	/* A character is at most 6 bytes. What lies between so many at either end cannot show. */
	gsize size = strlen(text), bound = (gsize)max_chars * 6;

	if (size > 2 * bound) {
		g_autofree char *head = g_strndup(text, bound);

		gait_text_append(printable, head);
		gait_text_append(printable, text + size - bound);
	} else {
		gait_text_append(printable, text);
	}
	glong n = g_utf8_strlen(printable->str, -1);
	if (n <= (glong)max_chars) {
		g_string_append(out, printable->str);
		return;
	}
	/* The end of a name tells more than its middle: "…::poll::closure". */
	glong n_head = (max_chars - 1) / 2, n_tail = max_chars - 1 - n_head;
	const char *head_end = g_utf8_offset_to_pointer(printable->str, n_head);

	g_string_append_len(out, printable->str, head_end - printable->str);
	g_string_append(out, "…");
	g_string_append(out, g_utf8_offset_to_pointer(printable->str, n - n_tail));
}

void
gait_graph_append_html(GString *out, const char *text, guint max_chars)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	gait_graph_append_plain(plain, text, max_chars);
	g_autofree char *escaped = g_markup_escape_text(plain->str, plain->len);
	g_string_append(out, escaped);
}

void
gait_graph_append_escaped(GString *out, const char *text, guint max_chars)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	gait_graph_append_plain(plain, text, max_chars);
	for (const char *p = plain->str; *p; p++) {
		if (*p == '\\')
			g_string_append(out, "\\\\");
		else if (*p == '&')
			g_string_append(out, "&amp;");
		else
			g_string_append_c(out, *p);
	}
}

void
gait_graph_append_count(GString *out, guint64 n)
{
	if (n < 1000)
		g_string_append_printf(out, "%" G_GUINT64_FORMAT, n);
	else if (n < 10000)
		g_string_append_printf(out, "%u,%03u", (guint)(n / 1000), (guint)(n % 1000));
	else if (n < 1000000)
		g_string_append_printf(out, "%.*fk", n < 99950 ? 1 : 0, (double)n / 1e3);
	else if (n < 1000000000)
		g_string_append_printf(out, "%.*fM", n < 99950000 ? 1 : 0, (double)n / 1e6);
	else
		g_string_append_printf(out, "%.1fG", (double)n / 1e9);
}

void
gait_graph_append_share(GString *out, double share)
{
	if (share > 0 && share < 0.005)
		g_string_append(out, "&lt;1%");
	else
		g_string_append_printf(out, "%.0f%%", 100 * share);
}

char *
gait_graph_dup_site(const GaitSymbol *symbol)
{
	if (symbol->function)
		return g_strdup_printf("%s+0x%" G_GINT64_MODIFIER "x", symbol->function,
		                       symbol->delta);
	if (symbol->site)
		return g_strdup_printf("0x%" G_GINT64_MODIFIER "x", symbol->site);
	return g_strdup("[unknown site]");
}
