/* SPDX-License-Identifier: Apache-2.0 */
/* The tier, as its files know each other. */
#pragma once

#include "kernel/tier.h"

#include <bpf/libbpf.h>

#define GAIT_TIER_MAX_ROWS (1u << 18)

/* Slots that are mapped at once: whole pages, since a value is some words. */
#define GAIT_TIER_PIECE 512

/* What the program was told of files; tier-files.c. */
typedef struct {
	GaitWalkTable *table; /* NULL: none */
	GHashTable *indices;  /* GaitModule → 1 + index */
	GPtrArray *modules;   /* by index */
	GHashTable *devices; /* st_dev → whether maps have the numbers that stat has: Agreement */
	GPtrArray *mappings; /* one page of each, so that its inode stays */
	guint32 n_files, n_rows;
} GaitTierFiles;

typedef struct _GaitTierInbox GaitTierInbox;

/* In which generation an address space's ranges were told; tier-ranges.c. */
typedef struct {
	guint64 mm;
	guint32 generation;
} GaitTierTold;

struct _GaitTier {
	struct bpf_object *object;
	struct bpf_link *fork_link; /* NULL: does not enforce */
	struct bpf_link *link, *exit_link;
	GaitTierInbox *inbox; /* tier-records.c */
	struct gait_tier_config config;
	/* Shared with the program, mapped piece by piece as they come into use. */
	struct gait_tier_slot *slots[GAIT_TIER_MAX_TASKS / GAIT_TIER_PIECE];
	guint32 *states;
	struct gait_tier_space *spaces;
	GaitTierTold told[GAIT_TIER_N_SPACES];
	guint64 inodes[GAIT_TIER_MAX_FILES]; /* the kernel's, by file; 0: not known */
	guint32 n_inodes;                    /* files when that was looked up */
	gsize slots_size /* of a piece */, states_size, spaces_size;
	gboolean reads_directly;
	GQueue free; /* slots, the one that was used longest ago first */
	guint16 used[GAIT_TIER_MAX_TASKS],
	    at_used[GAIT_TIER_MAX_TASKS]; /* the others; where there */
	guint n_used;
	GaitModules *modules;
	GaitTierFiles files;
	GaitTierCallbacks callbacks;
	gpointer data;
};

/* The programs, opened and not loaded; NULL with errno. */
struct bpf_object *gait_tier_open(void);
/* Of the program; there is one of this name. */
struct bpf_map *gait_tier_find_map(GaitTier *tier, const char *name);
gboolean gait_tier_set_value(GaitTier *tier, const char *map, guint32 key, const void *value,
                             GError **error);
/* GAIT_ERROR_UNSUPPORTED in an inner PID namespace. */
gboolean gait_tier_is_outermost(GError **error);
/* FALSE, with what kept a program from being loaded. */
gboolean gait_tier_fail_to_load(int code, GError **error);

/* Maps what the loaded program and we both write; tier-slots.c. FALSE with error. */
gboolean gait_tier_share(GaitTier *tier, GError **error);
/* Undoes as much of it as was done. */
void gait_tier_unshare(GaitTier *tier);

/* Maps the loaded program's ring. FALSE with error. */
gboolean gait_tier_open_inbox(GaitTier *tier, GError **error);
void gait_tier_close_inbox(GaitTier *tier);
/* A slot has another task. */
void gait_tier_follow(GaitTier *tier, guint32 index);

void gait_tier_files_init(GaitTierFiles *files, const GaitWalkTable *table);
void gait_tier_files_clear(GaitTierFiles *files);
void gait_tier_learn_vdso(GaitTier *tier);
/* Tells the program. FALSE: it is not to be had, or was not found. */
gboolean gait_tier_find_direct_map(GaitTier *tier);
/* The module that a file of a record's frames is, borrowed; NULL: the tier does not know it. */
GaitModule *gait_tier_get_module(const GaitTier *tier, guint32 file);
