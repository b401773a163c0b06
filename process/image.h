/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF image: a file, or a copy of what a process has of it in memory. The one place that reads
 * such bytes. They may be an attacker's: every read is checked against the size.
 */
#pragma once

#include <glib.h>
#include <libelf.h>

enum { GAIT_IMAGE_MAX_SEGMENTS = 64 };

/* What a PT_LOAD header says. */
typedef struct {
	guint64 vaddr, offset, size; /* size: of the part in the file */
	gboolean is_executable;
} GaitSegment;

typedef struct {
	guint64 vaddr, offset, size;
} GaitSection;

typedef struct {
	int fd;         /* or -1: */
	guint8 *memory; /* owned */
	guint64 size;
	Elf *elf; /* NULL where it is not an x86-64 ELF file; all else is empty then */
	guint n_segments;
	GaitSegment segments[GAIT_IMAGE_MAX_SEGMENTS];
	guint64 entry;            /* vaddr; 0: none */
	GaitSection eh_frame_hdr; /* size 0: none */
} GaitImage;

/* Takes fd. Never NULL. */
GaitImage *gait_image_new_for_fd(int fd);
/* Takes memory: a file's bytes, 0 where they are not known. */
GaitImage *gait_image_new_for_memory(guint8 *memory, gsize size);
void gait_image_free(GaitImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitImage, gait_image_free)

/* Keeps what the fields above say and nothing to read from. */
void gait_image_close(GaitImage *image);
gboolean gait_image_is_closed(const GaitImage *image);

/* Copies [offset, offset + size). FALSE where it is not all there. */
gboolean gait_image_read(GaitImage *image, guint64 offset, gsize size, void *buffer);
/* Between file offsets and link-time addresses. FALSE where no segment has it. */
gboolean gait_image_get_vaddr(const GaitImage *image, guint64 offset, guint64 *vaddr);
/* *n_left: bytes from there to the end of the segment's part in the file. */
gboolean gait_image_get_offset(const GaitImage *image, guint64 vaddr, guint64 *offset,
                               guint64 *n_left);
/* FALSE where there is none, or it is not within the file. */
gboolean gait_image_find_section(GaitImage *image, const char *name, GaitSection *section);
/* Build-id as gait_module_get_build_id() describes it. Never NULL. */
char *gait_image_dup_build_id(GaitImage *image);
