// SPDX-License-Identifier: Apache-2.0
/*
 * Call frame information: the .eh_frame and .eh_frame_hdr of an image, copied, with their bounds.
 * It does not interpret them: libunwind does. Where the header is missing or of a form without a
 * search table (linkers may leave it out, strippers damage it), the table is built here from the
 * records themselves, and lies after everything else in the image's address range.
 */
#include "process/cfi.h"

#include <string.h>

enum {
	/* .eh_frame_hdr: version 1, then the encodings of: pointer to .eh_frame, number of entries,
	   entries. */
	HEADER_VERSION = 1,
	HEADER_SIZE = 4,
	ENTRY_SIZE = 8,
	/* DWARF pointer encodings (Linux Standard Base, "DWARF Extensions"). */
	ENCODING_ABSOLUTE = 0x00,
	ENCODING_UDATA4 = 0x03,
	ENCODING_SDATA4 = 0x0b,
	ENCODING_SDATA8 = 0x0c,
	ENCODING_UDATA8 = 0x04,
	ENCODING_FORMAT = 0x0f,
	ENCODING_PC_RELATIVE = 0x10,
	ENCODING_DATA_RELATIVE = 0x30,
	ENCODING_BASE = 0x70,
	ENCODING_INDIRECT = 0x80,
	MAX_CHUNKS = 3,
	MAX_ENTRIES = 4 * 1024 * 1024,
};
static const guint64 MAX_CFI_SIZE = 128 * 1024 * 1024;
/* Images that lie higher cannot be placed side by side (see unwind.c). */
static const guint64 MAX_VADDR = G_GUINT64_CONSTANT(1) << 38;

/* Bytes of the image; vaddr and size are multiples of 8. */
typedef struct {
	guint64 vaddr, size;
	guint8 *bytes;
} Chunk;

struct _GaitCfi {
	guint n_chunks;
	Chunk chunks[MAX_CHUNKS];
	GaitCfiTable table;
};

/* Fixed-size little-endian reads over a copy: a cursor that fails rather than runs over. */
typedef struct {
	const guint8 *bytes;
	guint64 vaddr, size, position;
	gboolean failed;
} Cursor;

static guint64
take(Cursor *cursor, guint n_bytes)
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

static guint64
take_leb128(Cursor *cursor)
{
	guint64 value = 0, byte;
	guint shift = 0;

	do {
		byte = take(cursor, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !cursor->failed);
	return value;
}

static guint64
take_encoded(Cursor *cursor, guint8 encoding, guint64 data_base)
{
	guint64 base = 0, value;

	if ((encoding & ENCODING_BASE) == ENCODING_PC_RELATIVE)
		base = cursor->vaddr + cursor->position;
	else if ((encoding & ENCODING_BASE) == ENCODING_DATA_RELATIVE)
		base = data_base;
	else if ((encoding & ENCODING_BASE) != 0)
		cursor->failed = TRUE;
	switch (encoding & ENCODING_FORMAT) {
	case ENCODING_UDATA4:
		value = take(cursor, 4);
		break;
	case ENCODING_SDATA4:
		value = (guint64)(gint64)(gint32)take(cursor, 4);
		break;
	case ENCODING_ABSOLUTE:
	case ENCODING_UDATA8:
	case ENCODING_SDATA8:
		value = take(cursor, 8);
		break;
	default:
		cursor->failed = TRUE;
		return 0;
	}
	if (encoding & ENCODING_INDIRECT)
		cursor->failed = TRUE;
	return base + value;
}

/* Copies what the file has of [vaddr, vaddr + size) into a chunk of its own. */
static Chunk *
add_chunk(GaitCfi *cfi, GaitImage *image, guint64 vaddr, guint64 size)
{
	guint64 offset, n_left, skew = vaddr & 7;
	g_autofree guint8 *bytes = NULL;
	Chunk *chunk;

	if (cfi->n_chunks == MAX_CHUNKS || vaddr >= MAX_VADDR ||
	    !gait_image_get_offset(image, vaddr, &offset, &n_left))
		return NULL;
	size = MIN(size, n_left);
	if (size == 0 || size > MAX_CFI_SIZE)
		return NULL;
	bytes = g_try_malloc0(skew + size + 16);
	if (!bytes || !gait_image_read(image, offset, size, bytes + skew))
		return NULL;
	chunk = &cfi->chunks[cfi->n_chunks++];
	*chunk = (Chunk){vaddr - skew, (skew + size + 7) & ~G_GUINT64_CONSTANT(7),
	                 g_steal_pointer(&bytes)};
	return chunk;
}

static gboolean
use_header_table(GaitCfi *cfi, const GaitSection *header, Cursor *cursor, guint8 count_encoding,
                 guint8 table_encoding)
{
	guint64 n_entries = take_encoded(cursor, count_encoding, header->vaddr);

	/* The form that every linker writes, and the only one that can be searched. */
	if (cursor->failed || table_encoding != (ENCODING_DATA_RELATIVE | ENCODING_SDATA4) ||
	    n_entries == 0 || n_entries > (cursor->size - cursor->position) / ENTRY_SIZE)
		return FALSE;
	cfi->table = (GaitCfiTable){header->vaddr, cursor->vaddr + cursor->position, n_entries};
	return TRUE;
}

/*
 * Reads .eh_frame_hdr: *frame is where .eh_frame begins, if it says so. Returns whether its table
 * will do.
 */
static gboolean
read_header(GaitCfi *cfi, GaitImage *image, guint64 *frame)
{
	const GaitSection *header = &image->eh_frame_hdr;
	guint8 pointer_encoding, count_encoding, table_encoding;
	const Chunk *chunk;
	Cursor cursor;

	if (header->size < HEADER_SIZE ||
	    !(chunk = add_chunk(cfi, image, header->vaddr, header->size)))
		return FALSE;
	/* The padding before and after the bytes proper is no part of the header. */
	cursor = (Cursor){.bytes = chunk->bytes + (header->vaddr & 7),
	                  .vaddr = header->vaddr,
	                  .size = MIN(header->size, chunk->size - (header->vaddr & 7))};
	if (take(&cursor, 1) != HEADER_VERSION)
		return FALSE;
	pointer_encoding = (guint8)take(&cursor, 1);
	count_encoding = (guint8)take(&cursor, 1);
	table_encoding = (guint8)take(&cursor, 1);
	*frame = take_encoded(&cursor, pointer_encoding, header->vaddr);
	if (cursor.failed) {
		*frame = 0;
		return FALSE;
	}
	return use_header_table(cfi, header, &cursor, count_encoding, table_encoding);
}

/* How the CIE at a position of the frame encodes addresses; 0xff where it cannot be told. */
static guint8
get_address_encoding(const Chunk *frame, guint64 position)
{
	Cursor cursor = {frame->bytes, frame->vaddr, frame->size, position, FALSE};
	const char *augmentation;
	guint8 version;

	if (take(&cursor, 4) == G_MAXUINT32)
		take(&cursor, 8);
	take(&cursor, 4);
	version = (guint8)take(&cursor, 1);
	augmentation = (const char *)cursor.bytes + cursor.position;
	while (take(&cursor, 1) != 0)
		if (cursor.failed)
			return 0xff;
	take_leb128(&cursor);
	take_leb128(&cursor);
	if (version == 1)
		take(&cursor, 1);
	else
		take_leb128(&cursor);
	if (cursor.failed || *augmentation == '\0')
		return cursor.failed ? 0xff : ENCODING_ABSOLUTE;
	if (*augmentation++ != 'z')
		return 0xff;
	take_leb128(&cursor);
	for (; *augmentation; augmentation++) {
		guint8 encoding;

		if (*augmentation == 'S' || *augmentation == 'B')
			continue;
		encoding = (guint8)take(&cursor, 1);
		if (*augmentation == 'R')
			return cursor.failed ? 0xff : encoding;
		if (*augmentation == 'P')
			take_encoded(&cursor, encoding & (ENCODING_FORMAT | ENCODING_PC_RELATIVE),
			             0);
		else if (*augmentation != 'L')
			return 0xff;
	}
	return ENCODING_ABSOLUTE;
}

typedef struct {
	gint32 start, fde;
} Entry;

static gint
compare_entries(gconstpointer a, gconstpointer b)
{
	const Entry *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* The record at cursor: an entry of the table if it is an FDE. FALSE at the end. */
static gboolean
scan_record(const Chunk *frame, Cursor *cursor, GArray *entries)
{
	guint64 record = cursor->position, length = take(cursor, 4), id_position, id, start;
	guint8 encoding;

	if (length == G_MAXUINT32)
		length = take(cursor, 8);
	id_position = cursor->position;
	if (cursor->failed || length == 0 || length > cursor->size - id_position)
		return FALSE;
	id = take(cursor, 4);
	if (id != 0 && id <= id_position) {
		encoding = get_address_encoding(frame, id_position - id);
		if (encoding != 0xff) {
			start = take_encoded(cursor, encoding, 0) - frame->vaddr;
			if (!cursor->failed && (gint64)start == (gint32)start &&
			    record <= G_MAXINT32) {
				Entry entry = {(gint32)start, (gint32)record};

				g_array_append_val(entries, entry);
			}
		}
	}
	cursor->failed = FALSE;
	cursor->position = id_position + length;
	return entries->len < MAX_ENTRIES;
}

static gboolean
build_table(GaitCfi *cfi, const Chunk *frame)
{
	Cursor cursor = {frame->bytes, frame->vaddr, frame->size, 0, FALSE};
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
	Chunk *chunk;

	while (cursor.position < cursor.size && scan_record(frame, &cursor, entries))
		;
	if (entries->len == 0 || cfi->n_chunks == MAX_CHUNKS)
		return FALSE;
	g_array_sort(entries, compare_entries);
	chunk = &cfi->chunks[cfi->n_chunks++];
	*chunk = (Chunk){MAX_VADDR, (guint64)entries->len * ENTRY_SIZE, NULL};
	cfi->table = (GaitCfiTable){frame->vaddr, chunk->vaddr, entries->len};
	chunk->bytes = (guint8 *)g_array_free(g_steal_pointer(&entries), FALSE);
	return TRUE;
}

GaitCfi *
gait_cfi_new(GaitImage *image)
{
	g_autoptr(GaitCfi) cfi = g_new0(GaitCfi, 1);
	GaitSection section;
	guint64 frame_vaddr = 0;
	const Chunk *frame;
	gboolean has_table;

	if (!image->elf)
		return NULL;
	has_table = read_header(cfi, image, &frame_vaddr);
	if (!gait_image_find_section(image, ".eh_frame", &section) ||
	    (frame_vaddr != 0 && section.vaddr != frame_vaddr))
		/* Without section headers: to the end of the segment. */
		section = (GaitSection){frame_vaddr, 0, G_MAXUINT64};
	if (section.vaddr == 0 || !(frame = add_chunk(cfi, image, section.vaddr, section.size)))
		return NULL;
	if (!has_table && !build_table(cfi, frame))
		return NULL;
	return g_steal_pointer(&cfi);
}

gsize
gait_cfi_get_size(const GaitCfi *cfi)
{
	gsize size = sizeof(*cfi);

	for (guint i = 0; i < cfi->n_chunks; i++)
		size += cfi->chunks[i].size;
	return size;
}

void
gait_cfi_free(GaitCfi *cfi)
{
	if (!cfi)
		return;
	for (guint i = 0; i < cfi->n_chunks; i++)
		g_free(cfi->chunks[i].bytes);
	g_free(cfi);
}

const GaitCfiTable *
gait_cfi_get_table(const GaitCfi *cfi)
{
	return &cfi->table;
}

gboolean
gait_cfi_read(const GaitCfi *cfi, guint64 vaddr, guint64 *word)
{
	for (guint i = 0; i < cfi->n_chunks; i++) {
		const Chunk *chunk = &cfi->chunks[i];

		if (vaddr - chunk->vaddr < chunk->size &&
		    chunk->size - (vaddr - chunk->vaddr) >= 8) {
			memcpy(word, chunk->bytes + (vaddr - chunk->vaddr), 8);
			return TRUE;
		}
	}
	return FALSE;
}

static const Chunk *
find_chunk(const GaitCfi *cfi, guint64 vaddr)
{
	for (guint i = 0; i < cfi->n_chunks; i++)
		if (vaddr - cfi->chunks[i].vaddr < cfi->chunks[i].size)
			return &cfi->chunks[i];
	return NULL;
}

/* What an FDE says that it covers. */
static gboolean
read_bounds(const GaitCfi *cfi, guint64 fde, guint64 *start, guint64 *end)
{
	const Chunk *chunk = find_chunk(cfi, fde);
	guint64 id_position, id;
	guint8 encoding;
	Cursor cursor;

	if (!chunk || !chunk->bytes)
		return FALSE;
	cursor = (Cursor){chunk->bytes, chunk->vaddr, chunk->size, fde - chunk->vaddr, FALSE};
	if (take(&cursor, 4) == G_MAXUINT32)
		take(&cursor, 8);
	id_position = cursor.position;
	id = take(&cursor, 4);
	if (cursor.failed || id == 0 || id > id_position)
		return FALSE;
	encoding = get_address_encoding(chunk, id_position - id);
	if (encoding == 0xff)
		return FALSE;
	*start = take_encoded(&cursor, encoding, 0);
	*end = *start + take_encoded(&cursor, encoding & ENCODING_FORMAT, 0);
	return !cursor.failed && *end > *start;
}

gboolean
gait_cfi_find_function(const GaitCfi *cfi, guint64 vaddr, guint64 *start, guint64 *end)
{
	guint64 low = 0, high = cfi->table.n_entries;
	guint64 word;
	Entry entry;

	/* The last entry that starts at vaddr or before. */
	while (low < high) {
		guint64 middle = low + (high - low) / 2;

		if (!gait_cfi_read(cfi, cfi->table.vaddr + middle * ENTRY_SIZE, &word))
			return FALSE;
		memcpy(&entry, &word, sizeof(entry));
		if (cfi->table.base + (guint64)(gint64)entry.start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !gait_cfi_read(cfi, cfi->table.vaddr + (low - 1) * ENTRY_SIZE, &word))
		return FALSE;
	memcpy(&entry, &word, sizeof(entry));
	return read_bounds(cfi, cfi->table.base + (guint64)(gint64)entry.fde, start, end) &&
	       *start <= vaddr && vaddr < *end;
}
