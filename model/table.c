/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for a terminal: widths are counted in characters, not bytes. */
#include "model/table.h"

#define GAP 2 /* spaces between columns */

void
gait_table_init(GaitTable *table, guint n_columns)
{
	table->n_columns = n_columns;
	table->cells = g_ptr_array_new_with_free_func(g_free);
}

void
gait_table_clear(GaitTable *table)
{
	g_clear_pointer(&table->cells, g_ptr_array_unref);
}

void
gait_table_take(GaitTable *table, char *cell)
{
	g_ptr_array_add(table->cells, cell);
}

void
gait_table_add(GaitTable *table, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	gait_table_take(table, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

void
gait_table_append_count(GString *out, guint64 count)
{
	char digits[24];
	int n = g_snprintf(digits, sizeof digits, "%" G_GUINT64_FORMAT, count);

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			g_string_append_c(out, ',');
		g_string_append_c(out, digits[i]);
	}
}

void
gait_table_add_count(GaitTable *table, guint64 count)
{
	GString *cell = g_string_new(NULL);

	gait_table_append_count(cell, count);
	gait_table_take(table, g_string_free(cell, FALSE));
}

void
gait_table_add_share(GaitTable *table, double share)
{
	gait_table_add(table, "%.1f%%", 100 * share);
}

static const char *
cell_at(const GaitTable *table, guint row, guint column)
{
	return g_ptr_array_index(table->cells, row * table->n_columns + column);
}

/* Appends the cell, cut to width with an ellipsis. */
static void
append_cut(GString *out, const char *cell, guint width)
{
	if ((guint)g_utf8_strlen(cell, -1) <= width) {
		g_string_append(out, cell);
		return;
	}
	g_string_append_len(out, cell, g_utf8_offset_to_pointer(cell, width - 1) - cell);
	g_string_append(out, "…");
}

static void
append_spaces(GString *out, guint n)
{
	g_string_append_printf(out, "%*s", (int)n, "");
}

static void
print_row(const GaitTable *table, guint row, const guint *widths, GString *out)
{
	const char *first = cell_at(table, row, 0);
	guint length = MIN((guint)g_utf8_strlen(first, -1), widths[0]);

	append_cut(out, first, widths[0]);
	append_spaces(out, widths[0] - length);
	for (guint c = 1; c < table->n_columns; c++) {
		const char *cell = cell_at(table, row, c);

		append_spaces(out, GAP + widths[c] - (guint)g_utf8_strlen(cell, -1));
		g_string_append(out, cell);
	}
	while (out->len && out->str[out->len - 1] == ' ')
		g_string_truncate(out, out->len - 1);
	g_string_append_c(out, '\n');
}

void
gait_table_print(const GaitTable *table, guint indent, GString *out)
{
	guint n_rows = table->cells->len / table->n_columns;
	g_autofree guint *widths = g_new0(guint, table->n_columns);
	guint rest = indent;

	for (guint r = 0; r < n_rows; r++)
		for (guint c = 0; c < table->n_columns; c++)
			widths[c] = MAX(widths[c], (guint)g_utf8_strlen(cell_at(table, r, c), -1));
	for (guint c = 1; c < table->n_columns; c++)
		rest += GAP + widths[c];
	widths[0] = MIN(widths[0], MAX(16, GAIT_TABLE_WIDTH - MIN(rest, GAIT_TABLE_WIDTH)));
	for (guint r = 0; r < n_rows; r++) {
		append_spaces(out, indent);
		print_row(table, r, widths, out);
	}
}
