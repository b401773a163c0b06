/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries of a model file: first their symbols, which roles name, then their edges, which name
 * roles. */
#include "model/model-load-private.h"

#include <string.h>

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static gboolean
get_amended(GaitLoader *loader, JsonObject *object)
{
	return gait_json_has(object, "amended") &&
	       gait_json_get_flag(loader->place, object, "amended");
}

/* The call that a member names, without its counts. */
static const GaitCall *
find_call(GaitLoader *loader, const char *key, const char *name)
{
	guint32 i = gait_loader_find(loader, loader->calls, key, name, "call of this program");

	return i == GAIT_NONE ? NULL : &g_array_index(loader->program->calls, GaitCall, i);
}

static void
read_symbol(GaitLoader *loader, JsonObject *object, gpointer data)
{
	GaitPlace *place = loader->place;
	GaitLibrary *library = data;
	GHashTable *names = g_ptr_array_index(loader->symbols, loader->symbols->len - 1);
	const GaitCall *call = find_call(loader, "call", gait_json_get_text(place, object, "call"));
	g_autofree char *function = NULL;
	GaitSymbol *symbol;

	gait_json_check_keys(
	    place, object,
	    KEYS("id", "call", "site", "function", "delta", "count", "runs", "amended"));
	if (gait_json_has(object, "function"))
		function = gait_json_dup_raw(place, object, "function");
	if (!call)
		return;
	symbol = gait_library_add_symbol(library, call->nr, call->klass,
	                                 gait_json_get_hex(place, object, "site"), function, 0);
	if (function)
		symbol->delta = gait_json_get_number(place, object, "delta", GAIT_MAX_COUNTER);
	symbol->count = gait_json_get_number(place, object, "count", GAIT_MAX_COUNTER);
	symbol->n_runs = gait_loader_get_runs(loader, object);
	symbol->is_amended = get_amended(loader, object);
	gait_loader_name(loader, names, gait_json_get_text(place, object, "id"),
	                 library->symbols->len - 1);
}

static void
read_library_calls(GaitLoader *loader, JsonObject *object, GaitLibrary *library)
{
	GaitPlace *place = loader->place;
	JsonArray *list = gait_json_get_list(place, object, "calls");
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !place->error; i++) {
		JsonArray *pair = gait_json_list_list(place, list, i, 2, "calls");
		const GaitCall *found =
		    pair ? find_call(loader, "calls", gait_json_list_text(place, pair, 0, "calls"))
		         : NULL;
		GaitCall call;

		if (!found)
			return;
		call = *found;
		call.n_runs =
		    (guint32)gait_json_list_number(place, pair, 1, G_MAXUINT32 - 1, "calls");
		g_array_append_val(library->calls, call);
	}
}

/* A library without its edges, which name roles. */
void
gait_loader_read_library_head(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitLibrary *library;
	guint32 module = gait_loader_get_module(loader, object);

	gait_json_check_keys(loader->place, object, KEYS("module", "calls", "symbols", "edges"));
	if (module == GAIT_NONE)
		return;
	library = gait_program_add_library(loader->program, module);
	gait_loader_name(loader, loader->libraries,
	                 gait_json_get_text(loader->place, object, "module"),
	                 loader->program->libraries->len - 1);
	g_ptr_array_add(loader->symbols, g_hash_table_new(g_str_hash, g_str_equal));
	read_library_calls(loader, object, library);
	gait_loader_each(loader, object, "symbols", read_symbol, library);
}

static guint32
get_state(GaitLoader *loader, JsonObject *object, const char *key, GHashTable *names)
{
	const char *name = gait_json_get_text(loader->place, object, key);
	guint32 symbol;

	if (strcmp(name, "start") == 0)
		return GAIT_STATE_START;
	if (strcmp(name, "signal") == 0)
		return GAIT_STATE_SIGNAL;
	symbol = gait_loader_find(loader, names, key, name, "symbol of this library");
	return symbol == GAIT_NONE ? GAIT_STATE_START : GAIT_STATE_FIRST + symbol;
}

static void
read_edge_roles(GaitLoader *loader, JsonObject *object, GaitEdge *edge)
{
	GaitPlace *place = loader->place;
	JsonArray *list = gait_json_get_list(place, object, "roles");
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !place->error; i++) {
		JsonArray *entry = gait_json_list_list(place, list, i, 3, "roles");
		GaitRoleCount count = {0};

		if (!entry)
			return;
		count.role = gait_loader_find(loader, loader->roles, "roles",
		                              gait_json_list_text(place, entry, 0, "roles"),
		                              "role of this program");
		count.count = gait_json_list_number(place, entry, 1, GAIT_MAX_COUNTER, "roles");
		count.n_runs =
		    (guint32)gait_json_list_number(place, entry, 2, G_MAXUINT32 - 1, "roles");
		g_array_append_val(edge->roles, count);
	}
}

typedef struct {
	GaitLibrary *library;
	GHashTable *names;
} EdgeOwner;

static void
read_edge(GaitLoader *loader, JsonObject *object, gpointer data)
{
	const EdgeOwner *owner = data;
	guint32 from = get_state(loader, object, "from", owner->names);
	guint32 to = get_state(loader, object, "to", owner->names);
	GaitEdge *edge = gait_library_add_edge(owner->library, from, to);

	gait_json_check_keys(loader->place, object,
	                     KEYS("from", "to", "count", "runs", "amended", "roles"));
	edge->count = gait_json_get_number(loader->place, object, "count", GAIT_MAX_COUNTER);
	edge->n_runs = gait_loader_get_runs(loader, object);
	edge->is_amended = get_amended(loader, object);
	read_edge_roles(loader, object, edge);
}

void
gait_loader_read_library_edges(GaitLoader *loader, JsonObject *object, gpointer index)
{
	guint32 *i = index;
	EdgeOwner owner = {gait_program_get_library(loader->program, *i),
	                   g_ptr_array_index(loader->symbols, *i)};

	++*i;
	gait_loader_each(loader, object, "edges", read_edge, &owner);
}
