/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of .eh_frame: CIEs, and FDEs that belong to one. Bytes may be an attacker's: a cursor
 * that would run over fails, and what it gives from then on is 0.
 */
#pragma once

#include <glib.h>

/* DWARF pointer encodings (Linux Standard Base, "DWARF Extensions"). */
enum {
	GAIT_ENCODING_ABSOLUTE = 0x00,
	GAIT_ENCODING_UDATA4 = 0x03,
	GAIT_ENCODING_SDATA4 = 0x0b,
	GAIT_ENCODING_SDATA8 = 0x0c,
	GAIT_ENCODING_UDATA8 = 0x04,
	GAIT_ENCODING_FORMAT = 0x0f,
	GAIT_ENCODING_PC_RELATIVE = 0x10,
	GAIT_ENCODING_DATA_RELATIVE = 0x30,
	GAIT_ENCODING_BASE = 0x70,
	GAIT_ENCODING_INDIRECT = 0x80,
};

/* Little-endian reads over a copy of bytes that begins at vaddr. */
typedef struct {
	const guint8 *bytes;
	guint64 vaddr, size, position;
	gboolean failed;
} GaitCfiCursor;

/* An unsigned number of n_bytes <= 8. */
guint64 gait_cfi_take(GaitCfiCursor *cursor, guint n_bytes);
guint64 gait_cfi_take_leb128(GaitCfiCursor *cursor);
gint64 gait_cfi_take_signed_leb128(GaitCfiCursor *cursor);
/* data_base: what "data-relative" is relative to. */
guint64 gait_cfi_take_encoded(GaitCfiCursor *cursor, guint8 encoding, guint64 data_base);
/* A cursor over the next n_bytes alone, which are passed over. */
GaitCfiCursor gait_cfi_take_part(GaitCfiCursor *cursor, guint64 n_bytes);

typedef struct {
	guint64 code_factor, return_register;
	gint64 data_factor;
	guint8 encoding; /* of addresses */
	gboolean has_augmentation_data;
	GaitCfiCursor program;
} GaitCfiCie;

typedef struct {
	GaitCfiCie cie;
	guint64 start, end; /* the code it covers: not empty */
	GaitCfiCursor program;
} GaitCfiFde;

typedef enum {
	GAIT_RECORD_FDE,
	GAIT_RECORD_OTHER, /* a CIE, or an FDE that cannot be made sense of */
	GAIT_RECORD_END,   /* there are no more */
	GAIT_RECORD_N_,
} GaitRecordKind;

/* Reads the record at cursor, and moves to the next one. Borrows the bytes. */
GaitRecordKind gait_cfi_take_record(GaitCfiCursor *cursor, GaitCfiFde *fde);
