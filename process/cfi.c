// SPDX-License-Identifier: Apache-2.0
/*
 * Call frame information: the .eh_frame and .eh_frame_hdr of an image, copied, with their bounds.
 * It does not interpret them: libunwind does, and cfi-program.c. Where the header is missing or of
 * a form without a search table (linkers may leave it out, strippers damage it), the table is built
 * here from the records themselves, and lies after everything else in the image's address range.
 */
#include "process/cfi.h"

#include <string.h>

enum {
	/* .eh_frame_hdr: version 1, then the encodings of: pointer to .eh_frame, number of entries,
	   entries. */
	HEADER_VERSION = 1,
	HEADER_SIZE = 4,
	ENTRY_SIZE = 8,
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
use_header_table(GaitCfi *cfi, const GaitSection *header, GaitCfiCursor *cursor,
                 guint8 count_encoding, guint8 table_encoding)
{
	guint64 n_entries = gait_cfi_take_encoded(cursor, count_encoding, header->vaddr);

	/* The form that every linker writes, and the only one that can be searched. */
	if (cursor->failed ||
	    table_encoding != (GAIT_ENCODING_DATA_RELATIVE | GAIT_ENCODING_SDATA4) ||
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
	GaitCfiCursor cursor;

	if (header->size < HEADER_SIZE ||
	    !(chunk = add_chunk(cfi, image, header->vaddr, header->size)))
		return FALSE;
	/* The padding before and after the bytes proper is no part of the header. */
	cursor = (GaitCfiCursor){.bytes = chunk->bytes + (header->vaddr & 7),
	                         .vaddr = header->vaddr,
	                         .size = MIN(header->size, chunk->size - (header->vaddr & 7))};
	if (gait_cfi_take(&cursor, 1) != HEADER_VERSION)
		return FALSE;
	pointer_encoding = (guint8)gait_cfi_take(&cursor, 1);
	count_encoding = (guint8)gait_cfi_take(&cursor, 1);
	table_encoding = (guint8)gait_cfi_take(&cursor, 1);
	*frame = gait_cfi_take_encoded(&cursor, pointer_encoding, header->vaddr);
	if (cursor.failed) {
		*frame = 0;
		return FALSE;
	}
	return use_header_table(cfi, header, &cursor, count_encoding, table_encoding);
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
scan_record(const Chunk *frame, GaitCfiCursor *cursor, GArray *entries)
{
	guint64 record = cursor->position, start;
	GaitCfiFde fde;
	GaitRecordKind kind = gait_cfi_take_record(cursor, &fde);

	if (kind == GAIT_RECORD_FDE && record <= G_MAXINT32) {
		start = fde.start - frame->vaddr;
		if ((gint64)start == (gint32)start) {
			Entry entry = {(gint32)start, (gint32)record};

			g_array_append_val(entries, entry);
		}
	}
	return kind != GAIT_RECORD_END && entries->len < MAX_ENTRIES;
}

static gboolean
build_table(GaitCfi *cfi, const Chunk *frame)
{
	GaitCfiCursor cursor = {frame->bytes, frame->vaddr, frame->size, 0, FALSE};
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

static gboolean
get_entry(const GaitCfi *cfi, guint64 i, Entry *entry)
{
	guint64 word;

	if (i >= cfi->table.n_entries ||
	    !gait_cfi_read(cfi, cfi->table.vaddr + i * ENTRY_SIZE, &word))
		return FALSE;
	memcpy(entry, &word, sizeof(*entry));
	return TRUE;
}

static const Chunk *
find_chunk(const GaitCfi *cfi, guint64 vaddr)
{
	for (guint i = 0; i < cfi->n_chunks; i++)
		if (vaddr - cfi->chunks[i].vaddr < cfi->chunks[i].size)
			return &cfi->chunks[i];
	return NULL;
}

gboolean
gait_cfi_get_function(const GaitCfi *cfi, guint64 i, GaitCfiFde *fde)
{
	const Chunk *chunk;
	guint64 vaddr;
	Entry entry;

	if (!get_entry(cfi, i, &entry))
		return FALSE;
	vaddr = cfi->table.base + (guint64)(gint64)entry.fde;
	chunk = find_chunk(cfi, vaddr);
	if (!chunk || chunk->vaddr == MAX_VADDR)
		return FALSE;
	return gait_cfi_take_record(&(GaitCfiCursor){chunk->bytes, chunk->vaddr, chunk->size,
	                                             vaddr - chunk->vaddr, FALSE},
	                            fde) == GAIT_RECORD_FDE;
}

gboolean
gait_cfi_find_function(const GaitCfi *cfi, guint64 vaddr, GaitCfiFde *fde)
{
	guint64 low = 0, high = cfi->table.n_entries;
	Entry entry;

	/* The last entry that starts at vaddr or before. */
	while (low < high) {
		guint64 middle = low + (high - low) / 2;

		if (!get_entry(cfi, middle, &entry))
			return FALSE;
		if (cfi->table.base + (guint64)(gint64)entry.start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && gait_cfi_get_function(cfi, low - 1, fde) && fde->start <= vaddr &&
	       vaddr < fde->end;
}
