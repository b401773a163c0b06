/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace interns: strings, modules, stacks, shapes. Private to the reader. Entries never
 * move, so pointers to them stay valid until the tables are freed.
 */
#pragma once

#include "learn/trace-format.h"
#include "learn/trace.h"

/* Bytes being decoded. */
typedef struct {
	const guint8 *at, *end;
} GaitCursor;

static inline gboolean
gait_cursor_get_number(GaitCursor *cursor, guint64 *value)
{
	guint64 number = 0;

	if (G_LIKELY(cursor->at < cursor->end && *cursor->at < 0x80)) {
		*value = *cursor->at++;
		return TRUE;
	}
	for (guint shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
		guint8 byte = *cursor->at++;

		number |= (guint64)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value = number;
			/* The tenth byte has room for one bit. */
			return shift < 63 || byte <= 1;
		}
	}
	return FALSE;
}

/* A number that is less than limit. */
static inline gboolean
gait_cursor_get_bounded(GaitCursor *cursor, guint64 limit, guint32 *value)
{
	guint64 number;

	if (!gait_cursor_get_number(cursor, &number) || number >= limit)
		return FALSE;
	*value = (guint32)number;
	return TRUE;
}

#define GAIT_U32_LIMIT (G_GUINT64_CONSTANT(1) << 32)

/* A new string, or NULL. */
char *gait_cursor_dup_string(GaitCursor *cursor);

typedef struct _GaitTraceTables GaitTraceTables;

GaitTraceTables *gait_trace_tables_new(gboolean has_stacks);
void gait_trace_tables_free(GaitTraceTables *tables);
/*
 * Decodes an entry whose record type has been read: STRING, MODULE, STACK, SHAPE. Returns NULL, or
 * what is wrong.
 */
const char *gait_trace_tables_decode(GaitTraceTables *tables, GaitRecordType type,
                                     GaitCursor *cursor);

guint32 gait_trace_tables_get_n_modules(const GaitTraceTables *tables);
guint32 gait_trace_tables_get_n_stacks(const GaitTraceTables *tables);
guint32 gait_trace_tables_get_n_shapes(const GaitTraceTables *tables);
const GaitTraceModule *gait_trace_tables_get_module(const GaitTraceTables *tables, guint32 i);
const GaitTraceStack *gait_trace_tables_get_stack(const GaitTraceTables *tables, guint32 i);
const GaitShape *gait_trace_tables_get_shape(const GaitTraceTables *tables, guint32 i);
