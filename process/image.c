// SPDX-License-Identifier: Apache-2.0
/*
 * ELF images through libelf, which checks headers against the size of the file. Files are read and
 * never mapped: a mapped file that its owner truncates is a SIGBUS for whoever looks at it.
 */
#include "process/image.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_NOTE_SIZE = 64 * 1024,
	MAX_BUILD_ID = 256,
	MAX_SECTIONS = 65536,
	NOTE_GO_BUILD_ID = 4,
	HASH_CHUNK = 64 * 1024,
};
/* Hashing a file without a build-id stands in for one; larger ones have none. */
static const guint64 MAX_HASHED_SIZE = 256 * 1024 * 1024;

static void
read_program_headers(GaitImage *image)
{
	gsize n_headers;

	if (elf_getphdrnum(image->elf, &n_headers) != 0)
		return;
	for (gsize i = 0; i < MIN(n_headers, 1024); i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(image->elf, (int)i, &header))
			return;
		if (header.p_offset > image->size ||
		    header.p_filesz > image->size - header.p_offset ||
		    header.p_vaddr > G_MAXUINT64 - header.p_filesz)
			continue;
		if (header.p_type == PT_LOAD && image->n_segments < GAIT_IMAGE_MAX_SEGMENTS)
			image->segments[image->n_segments++] =
			    (GaitSegment){header.p_vaddr, header.p_offset, header.p_filesz,
			                  (header.p_flags & PF_X) != 0};
		if (header.p_type == PT_GNU_EH_FRAME)
			image->eh_frame_hdr =
			    (GaitSection){header.p_vaddr, header.p_offset, header.p_filesz};
	}
}

/* Takes elf; leaves the image without one where it is not for this machine. */
static void
take_elf(GaitImage *image, Elf *elf)
{
	GElf_Ehdr header;

	if (!elf)
		return;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
	    gelf_getclass(elf) != ELFCLASS64 || header.e_machine != EM_X86_64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB) {
		elf_end(elf);
		return;
	}
	image->elf = elf;
	image->entry = header.e_entry;
	read_program_headers(image);
}

GaitImage *
gait_image_new_for_fd(int fd)
{
	GaitImage *image = g_new0(GaitImage, 1);
	struct stat status;

	elf_version(EV_CURRENT);
	image->fd = fd;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
		image->size = (guint64)status.st_size;
		take_elf(image, elf_begin(fd, ELF_C_READ, NULL));
	}
	return image;
}

GaitImage *
gait_image_new_for_memory(guint8 *memory, gsize size)
{
	GaitImage *image = g_new0(GaitImage, 1);

	elf_version(EV_CURRENT);
	image->fd = -1;
	image->memory = memory;
	image->size = size;
	if (size > 0)
		take_elf(image, elf_memory((char *)memory, size));
	return image;
}

void
gait_image_close(GaitImage *image)
{
	elf_end(image->elf);
	image->elf = NULL;
	if (image->fd >= 0)
		close(image->fd);
	image->fd = -1;
	image->size = 0;
	g_clear_pointer(&image->memory, g_free);
}

gboolean
gait_image_is_closed(const GaitImage *image)
{
	return image->fd < 0 && !image->memory;
}

void
gait_image_free(GaitImage *image)
{
	if (!image)
		return;
	gait_image_close(image);
	g_free(image);
}

gboolean
gait_image_read(GaitImage *image, guint64 offset, gsize size, void *buffer)
{
	gsize done = 0;

	if (offset > image->size || size > image->size - offset)
		return FALSE;
	if (image->memory) {
		memcpy(buffer, image->memory + offset, size);
		return TRUE;
	}
	while (done < size) {
		gssize n = TEMP_FAILURE_RETRY(
		    pread(image->fd, (guint8 *)buffer + done, size - done, (off_t)(offset + done)));

		if (n <= 0)
			return FALSE;
		done += (gsize)n;
	}
	return TRUE;
}

gboolean
gait_image_get_vaddr(const GaitImage *image, guint64 offset, guint64 *vaddr)
{
	for (guint i = 0; i < image->n_segments; i++) {
		const GaitSegment *segment = &image->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->size) {
			*vaddr = segment->vaddr + (offset - segment->offset);
			return TRUE;
		}
	}
	return FALSE;
}

gboolean
gait_image_get_offset(const GaitImage *image, guint64 vaddr, guint64 *offset, guint64 *n_left)
{
	for (guint i = 0; i < image->n_segments; i++) {
		const GaitSegment *segment = &image->segments[i];

		if (vaddr >= segment->vaddr && vaddr - segment->vaddr < segment->size) {
			*offset = segment->offset + (vaddr - segment->vaddr);
			*n_left = segment->size - (vaddr - segment->vaddr);
			return TRUE;
		}
	}
	return FALSE;
}

gboolean
gait_image_find_section(GaitImage *image, const char *name, GaitSection *section)
{
	gsize names;
	Elf_Scn *scn = NULL;

	if (!image->elf || elf_getshdrstrndx(image->elf, &names) != 0)
		return FALSE;
	for (guint i = 0; i < MAX_SECTIONS && (scn = elf_nextscn(image->elf, scn)); i++) {
		const char *found;
		GElf_Shdr header;

		if (!gelf_getshdr(scn, &header))
			return FALSE;
		found = elf_strptr(image->elf, names, header.sh_name);
		if (!found || strcmp(found, name) != 0)
			continue;
		*section = (GaitSection){header.sh_addr, header.sh_offset, header.sh_size};
		return header.sh_type != SHT_NOBITS && !(header.sh_flags & SHF_COMPRESSED) &&
		       header.sh_offset <= image->size &&
		       header.sh_size <= image->size - header.sh_offset;
	}
	return FALSE;
}

static char *
dup_hex(const guint8 *bytes, gsize size)
{
	static const char digits[] = "0123456789abcdef";
	char *hex = g_malloc(2 * size + 1);

	for (gsize i = 0; i < size; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * size] = '\0';
	return hex;
}

/* The note of that owner and type in one PT_NOTE segment, as hex; or NULL. */
static char *
find_note(Elf_Data *data, const char *owner, guint32 type)
{
	gsize offset = 0, name_offset, desc_offset;
	GElf_Nhdr note;

	while (offset < data->d_size &&
	       (offset = gelf_getnote(data, offset, &note, &name_offset, &desc_offset)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type == type && note.n_namesz == 4 &&
		    memcmp(bytes + name_offset, owner, 4) == 0 && note.n_descsz > 0 &&
		    note.n_descsz <= MAX_BUILD_ID)
			return dup_hex((const guint8 *)bytes + desc_offset, note.n_descsz);
	}
	return NULL;
}

static char *
find_note_anywhere(GaitImage *image, const char *owner, guint32 type)
{
	gsize n_headers;

	if (!image->elf || elf_getphdrnum(image->elf, &n_headers) != 0)
		return NULL;
	for (gsize i = 0; i < MIN(n_headers, 1024); i++) {
		GElf_Phdr header;
		Elf_Data *data;
		char *found;

		if (!gelf_getphdr(image->elf, (int)i, &header))
			return NULL;
		if (header.p_type != PT_NOTE || header.p_filesz > MAX_NOTE_SIZE ||
		    header.p_offset > image->size ||
		    header.p_filesz > image->size - header.p_offset)
			continue;
		/* gelf_getnote() takes 8-byte aligned notes for what they are by the data's type.
		 */
		data = elf_getdata_rawchunk(image->elf, (gint64)header.p_offset, header.p_filesz,
		                            header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		found = data ? find_note(data, owner, type) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static char *
hash_file(GaitImage *image)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_autofree guint8 *chunk = g_malloc(HASH_CHUNK);

	if (image->fd < 0 || image->size == 0 || image->size > MAX_HASHED_SIZE)
		return g_strdup("");
	for (guint64 offset = 0; offset < image->size; offset += HASH_CHUNK) {
		gsize size = (gsize)MIN(HASH_CHUNK, image->size - offset);

		if (!gait_image_read(image, offset, size, chunk))
			return g_strdup("");
		g_checksum_update(checksum, chunk, (gssize)size);
	}
	return g_strconcat("sha1:", g_checksum_get_string(checksum), NULL);
}

char *
gait_image_dup_build_id(GaitImage *image)
{
	char *build_id = find_note_anywhere(image, "GNU", NT_GNU_BUILD_ID);

	if (!build_id)
		build_id = find_note_anywhere(image, "Go\0", NOTE_GO_BUILD_ID);
	return build_id ? build_id : hash_file(image);
}
