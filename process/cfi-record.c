// SPDX-License-Identifier: Apache-2.0
/*
 * Records of .eh_frame, as the Linux Standard Base describes them. What their programs say is for
 * cfi-program.c.
 */
#include "process/cfi-record.h"

#include <string.h>

enum {
	/* One CIE may serve any number of FDEs, and be read as often. */
	MAX_LEB128 = 16,
	MAX_AUGMENTATION = 16,
};

guint64
gait_cfi_take(GaitCfiCursor *cursor, guint n_bytes)
{
	guint64 value = 0;

	if (cursor->failed || n_bytes > cursor->size - cursor->position) {
		cursor->failed = TRUE;
		return 0;
	}
	memcpy(&value, cursor->bytes + cursor->position, n_bytes);
	cursor->position += n_bytes;
	return GUINT64_FROM_LE(value);
}

/* *shift: bits that were there. */
static guint64
take_leb128(GaitCfiCursor *cursor, guint *shift, guint64 *byte)
{
	guint64 value = 0;

	*shift = 0;
	for (guint i = 0; i < MAX_LEB128; i++) {
		*byte = gait_cfi_take(cursor, 1);
		if (*shift < 64) {
			value |= (*byte & 0x7f) << *shift;
			*shift += 7;
		}
		if (!(*byte & 0x80))
			return value;
	}
	cursor->failed = TRUE;
	return 0;
}

guint64
gait_cfi_take_leb128(GaitCfiCursor *cursor)
{
	guint64 byte;
	guint shift;

	return take_leb128(cursor, &shift, &byte);
}

gint64
gait_cfi_take_signed_leb128(GaitCfiCursor *cursor)
{
	guint64 byte, value;
	guint shift;

	value = take_leb128(cursor, &shift, &byte);
	if ((byte & 0x40) && shift < 64)
		value |= G_MAXUINT64 << shift;
	return (gint64)value;
}

guint64
gait_cfi_take_encoded(GaitCfiCursor *cursor, guint8 encoding, guint64 data_base)
{
	guint64 base = 0, value;

	if ((encoding & GAIT_ENCODING_BASE) == GAIT_ENCODING_PC_RELATIVE)
		base = cursor->vaddr + cursor->position;
	else if ((encoding & GAIT_ENCODING_BASE) == GAIT_ENCODING_DATA_RELATIVE)
		base = data_base;
	else if ((encoding & GAIT_ENCODING_BASE) != 0)
		cursor->failed = TRUE;
	switch (encoding & GAIT_ENCODING_FORMAT) {
	case GAIT_ENCODING_UDATA4:
		value = gait_cfi_take(cursor, 4);
		break;
	case GAIT_ENCODING_SDATA4:
		value = (guint64)(gint64)(gint32)gait_cfi_take(cursor, 4);
		break;
	case GAIT_ENCODING_ABSOLUTE:
	case GAIT_ENCODING_UDATA8:
	case GAIT_ENCODING_SDATA8:
		value = gait_cfi_take(cursor, 8);
		break;
	default:
		cursor->failed = TRUE;
		return 0;
	}
	if (encoding & GAIT_ENCODING_INDIRECT)
		cursor->failed = TRUE;
	return base + value;
}

GaitCfiCursor
gait_cfi_take_part(GaitCfiCursor *cursor, guint64 n_bytes)
{
	GaitCfiCursor part = *cursor;

	if (cursor->failed || n_bytes > cursor->size - cursor->position) {
		cursor->failed = part.failed = TRUE;
		return part;
	}
	cursor->position += n_bytes;
	part.size = cursor->position;
	return part;
}

/* What the letters of a CIE's augmentation stand for. */
static void
take_augmentation(GaitCfiCursor *cursor, const char *letters, GaitCfiCie *cie)
{
	guint64 n_bytes;
	GaitCfiCursor data;

	cie->encoding = GAIT_ENCODING_ABSOLUTE;
	if (*letters == '\0')
		return;
	if (*letters++ != 'z') {
		cursor->failed = TRUE;
		return;
	}
	cie->has_augmentation_data = TRUE;
	n_bytes = gait_cfi_take_leb128(cursor);
	data = gait_cfi_take_part(cursor, n_bytes);
	for (; *letters && !cursor->failed; letters++) {
		guint8 encoding;

		if (*letters == 'S' || *letters == 'B')
			continue;
		encoding = (guint8)gait_cfi_take(&data, 1);
		if (*letters == 'R')
			cie->encoding = encoding;
		else if (*letters == 'P')
			gait_cfi_take_encoded(
			    &data, encoding & (GAIT_ENCODING_FORMAT | GAIT_ENCODING_PC_RELATIVE),
			    0);
		else if (*letters != 'L')
			data.failed = TRUE;
		cursor->failed = data.failed;
	}
}

/* The part of the record at cursor that follows its length. FALSE: there is none. */
static gboolean
take_body(GaitCfiCursor *cursor, GaitCfiCursor *body)
{
	guint64 length = gait_cfi_take(cursor, 4);

	if (length == G_MAXUINT32)
		length = gait_cfi_take(cursor, 8);
	if (cursor->failed || length == 0)
		return FALSE;
	*body = gait_cfi_take_part(cursor, length);
	return !cursor->failed;
}

static gboolean
read_cie(GaitCfiCursor frame, guint64 position, GaitCfiCie *cie)
{
	GaitCfiCursor body;
	const char *letters;
	guint8 version;

	*cie = (GaitCfiCie){0};
	frame.position = position;
	if (!take_body(&frame, &body) || gait_cfi_take(&body, 4) != 0)
		return FALSE;
	version = (guint8)gait_cfi_take(&body, 1);
	letters = (const char *)body.bytes + body.position;
	for (guint i = 0; gait_cfi_take(&body, 1) != 0; i++)
		if (i == MAX_AUGMENTATION)
			return FALSE;
	cie->code_factor = gait_cfi_take_leb128(&body);
	cie->data_factor = gait_cfi_take_signed_leb128(&body);
	cie->return_register = version == 1 ? gait_cfi_take(&body, 1) : gait_cfi_take_leb128(&body);
	if (body.failed)
		return FALSE;
	take_augmentation(&body, letters, cie);
	cie->program = body;
	return !body.failed;
}

GaitRecordKind
gait_cfi_take_record(GaitCfiCursor *cursor, GaitCfiFde *fde)
{
	GaitCfiCursor frame = *cursor, body;
	guint64 id_position, id;

	if (!take_body(cursor, &body))
		return GAIT_RECORD_END;
	id_position = body.position;
	id = gait_cfi_take(&body, 4);
	if (id == 0 || id > id_position || !read_cie(frame, id_position - id, &fde->cie))
		return GAIT_RECORD_OTHER;
	fde->start = gait_cfi_take_encoded(&body, fde->cie.encoding, 0);
	fde->end =
	    fde->start + gait_cfi_take_encoded(&body, fde->cie.encoding & GAIT_ENCODING_FORMAT, 0);
	if (fde->cie.has_augmentation_data)
		gait_cfi_take_part(&body, gait_cfi_take_leb128(&body));
	fde->program = body;
	return !body.failed && fde->end > fde->start ? GAIT_RECORD_FDE : GAIT_RECORD_OTHER;
}
