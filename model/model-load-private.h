/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read a model share. */
#pragma once

#include "model/json-reader.h"
#include "model/model-private.h"

/* Tables from a name in the file to index + 1; the names belong to the parsed JSON. */
typedef struct {
	GaitPlace *place;
	GaitModel *model;
	GHashTable *modules;
	GHashTable *programs;
	guint64 n_words; /* of relations, so far */
	/* Of the program that is being read. */
	GaitProgram *program;
	GHashTable *calls;
	GHashTable *roles;
	GHashTable *libraries; /* by the name of the module */
	GPtrArray *symbols;    /* per library: a table */
} GaitLoader;

/* Remembers name as index i of a table; fails where it is there already. */
void gait_loader_name(GaitLoader *loader, GHashTable *table, const char *name, guint32 i);
/* GAIT_NONE after a failure: `"KEY" names "NAME", but there is no such WHAT`. */
guint32 gait_loader_find(GaitLoader *loader, GHashTable *table, const char *key, const char *name,
                         const char *what);
/* Reads each object of a list, until one fails. */
typedef void (*GaitLoaderRead)(GaitLoader *loader, JsonObject *object, gpointer data);
void gait_loader_each(GaitLoader *loader, JsonObject *object, const char *key, GaitLoaderRead read,
                      gpointer data);
/* A member ["LIBRARY", "SYMBOL"], or null: GAIT_NONE, as on failure. */
GaitSymbolRef gait_loader_get_ref(GaitLoader *loader, JsonObject *object, const char *key);
/* The same from an element of a list. */
GaitSymbolRef gait_loader_ref_from(GaitLoader *loader, JsonArray *pair, const char *what);

/* Members "runs" and "module" (the index of the one that it names). */
guint32 gait_loader_get_runs(GaitLoader *loader, JsonObject *object);
guint32 gait_loader_get_module(GaitLoader *loader, JsonObject *object);

/* Libraries: first all of them with their symbols, then, roles being known, their edges. */
void gait_loader_read_library_head(GaitLoader *loader, JsonObject *object, gpointer unused);
void gait_loader_read_library_edges(GaitLoader *loader, JsonObject *object, gpointer index);
/* Roles: first all of them with their names, then, edges being read, what is in them. */
void gait_loader_read_role_head(GaitLoader *loader, JsonObject *object, gpointer unused);
void gait_loader_read_role_body(GaitLoader *loader, JsonObject *object, gpointer index);
