/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums would keep a fuzzer out of a trace: this sets them right, as far as there are chunks.
 */
#pragma once

#include "learn/trace-format.h"

#include <string.h>
#include <zlib.h>

static inline guint32
sign_get_u32(const guint8 *at)
{
	guint32 value;

	memcpy(&value, at, 4);
	return GUINT32_FROM_LE(value);
}

static inline void
sign_put_u32(guint8 *at, guint32 value)
{
	value = GUINT32_TO_LE(value);
	memcpy(at, &value, 4);
}

static inline void
sign_trace(guint8 *data, gsize size)
{
	guint32 index = 0;

	for (gsize at = GAIT_TRACE_FILE_HEADER; at + GAIT_TRACE_CHUNK_HEADER <= size;) {
		gsize left = size - at - GAIT_TRACE_CHUNK_HEADER;
		guint32 length = sign_get_u32(data + at + 8);

		if (length > left)
			return;
		sign_put_u32(data + at, index++);
		sign_put_u32(data + at + 12,
		             (guint32)crc32_z(0, data + at + GAIT_TRACE_CHUNK_HEADER, length));
		sign_put_u32(data + at + 16, (guint32)crc32_z(0, data + at, 16));
		at += GAIT_TRACE_CHUNK_HEADER + length;
	}
}
