/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of text with aligned columns. Private to model/. */
#pragma once

#include <glib.h>

#define GAIT_TABLE_WIDTH 100 /* columns of a terminal that it keeps within */

typedef struct {
	guint n_columns;
	GPtrArray *cells; /* char*, row by row */
} GaitTable;

/* The first column is aligned left and gives way where a row is too wide, the others right. */
void gait_table_init(GaitTable *table, guint n_columns);
void gait_table_clear(GaitTable *table);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GaitTable, gait_table_clear)

/* Appends a cell; takes it. It has been escaped. */
void gait_table_take(GaitTable *table, char *cell);
/* The same, printf-like. */
void gait_table_add(GaitTable *table, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* "12,345" */
void gait_table_add_count(GaitTable *table, guint64 count);
/* "12.3%"; "" where whole is 0 */
void gait_table_add_share(GaitTable *table, double share);
/* Appends the table to out, each line behind `indent` spaces. */
void gait_table_print(const GaitTable *table, guint indent, GString *out);
/* Appends "12,345". */
void gait_table_append_count(GString *out, guint64 count);
