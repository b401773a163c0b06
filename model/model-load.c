/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON text to a model. Names are resolved to indices here, and whatever would make that
 * ambiguous or impossible is refused; validate.c then checks the result as a whole. Libraries and
 * roles have files of their own.
 */
#include "model/model-load-private.h"
#include "model/model-names.h"
#include "model/validate-private.h"

#include <string.h>

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)
#define KEYS(...)        ((const char *const[]){__VA_ARGS__, NULL})

/* --- names --- */

void
gait_loader_name(GaitLoader *loader, GHashTable *table, const char *name, guint32 i)
{
	if (!g_hash_table_insert(table, (gpointer)name, GUINT_TO_POINTER(i + 1)))
		fail(loader->place, "\"%s\" is there twice", name);
}

guint32
gait_loader_find(GaitLoader *loader, GHashTable *table, const char *key, const char *name,
                 const char *what)
{
	guint found = table ? GPOINTER_TO_UINT(g_hash_table_lookup(table, name)) : 0;

	if (found)
		return found - 1;
	fail(loader->place, "\"%s\" names \"%s\", but there is no such %s", key, name, what);
	return GAIT_NONE;
}

void
gait_loader_each(GaitLoader *loader, JsonObject *object, const char *key, GaitLoaderRead read,
                 gpointer data)
{
	JsonArray *list = gait_json_get_list(loader->place, object, key);
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !loader->place->error; i++) {
		gsize mark = gait_place_enter(loader->place, key, i);
		JsonObject *element = gait_json_list_object(loader->place, list, i);

		if (element)
			read(loader, element, data);
		gait_place_leave(loader->place, mark);
	}
}

GaitSymbolRef
gait_loader_ref_from(GaitLoader *loader, JsonArray *pair, const char *what)
{
	GaitSymbolRef ref = {GAIT_NONE, 0};
	const char *library, *symbol;

	if (!pair)
		return ref;
	library = gait_json_list_text(loader->place, pair, 0, what);
	symbol = gait_json_list_text(loader->place, pair, 1, what);
	ref.library = gait_loader_find(loader, loader->libraries, what, library, "library");
	if (ref.library != GAIT_NONE)
		ref.symbol =
		    gait_loader_find(loader, g_ptr_array_index(loader->symbols, ref.library), what,
		                     symbol, "symbol of that library");
	return ref;
}

GaitSymbolRef
gait_loader_get_ref(GaitLoader *loader, JsonObject *object, const char *key)
{
	JsonNode *node = json_object_get_member(object, key);

	if (node && JSON_NODE_HOLDS_NULL(node))
		return (GaitSymbolRef){GAIT_NONE, 0};
	if (node && JSON_NODE_HOLDS_ARRAY(node) &&
	    json_array_get_length(json_node_get_array(node)) == 2)
		return gait_loader_ref_from(loader, json_node_get_array(node), key);
	fail(loader->place, "\"%s\" has to be [\"LIBRARY\", \"SYMBOL\"] or null", key);
	return (GaitSymbolRef){GAIT_NONE, 0};
}

guint32
gait_loader_get_runs(GaitLoader *loader, JsonObject *object)
{
	return (guint32)gait_json_get_number(loader->place, object, "runs", G_MAXUINT32 - 1);
}

/* The index of the module that a member names. */
guint32
gait_loader_get_module(GaitLoader *loader, JsonObject *object)
{
	const char *name = gait_json_get_text(loader->place, object, "module");

	return gait_loader_find(loader, loader->modules, "module", name, "module");
}

/* --- runs and modules --- */

static void
read_run(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitPlace *place = loader->place;
	const char *id = gait_json_get_text(place, object, "id");
	g_autofree char *command = gait_json_dup_raw(place, object, "command");
	guint64 n_events = gait_json_get_number(place, object, "events", GAIT_MAX_COUNTER);
	gboolean is_partial = gait_json_get_flag(place, object, "partial");

	gait_json_check_keys(place, object, KEYS("id", "command", "events", "partial"));
	if (strlen(id) >= sizeof((GaitRun *)NULL)->id)
		fail(place, "its id is too long");
	else
		gait_model_add_run(loader->model, id, command, n_events, is_partial);
}

static void
read_amendment(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitPlace *place = loader->place;
	const char *id = gait_json_get_text(place, object, "id");
	const char *log = gait_json_get_text(place, object, "log");
	g_autofree char *date = gait_json_dup_raw(place, object, "date");
	g_autofree char *reason = gait_json_dup_raw(place, object, "reason");
	JsonArray *list = gait_json_get_list(place, object, "accepted");
	GaitAmendment *amendment;

	gait_json_check_keys(place, object, KEYS("id", "log", "date", "reason", "accepted"));
	if (strlen(id) >= sizeof amendment->id || strlen(log) >= sizeof amendment->log) {
		fail(place, "its id or its log is too long");
		return;
	}
	amendment = gait_model_add_amendment(loader->model, id, log, date, reason);
	for (guint i = 0; list && i < json_array_get_length(list) && !place->error; i++)
		g_ptr_array_add(amendment->accepted,
		                gait_json_list_dup_raw(place, list, i, "accepted"));
}

static void
read_module(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitPlace *place = loader->place;
	g_autofree char *path = gait_json_dup_raw(place, object, "path");
	const char *build_id = gait_json_get_text(place, object, "build_id");
	gboolean is_runtime = gait_json_get_flag(place, object, "runtime");

	gait_json_check_keys(place, object, KEYS("id", "path", "build_id", "runtime"));
	gait_loader_name(loader, loader->modules, gait_json_get_text(place, object, "id"),
	                 gait_model_add_module(loader->model, path, build_id, is_runtime));
}

/* --- programs --- */

static void
read_call(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitPlace *place = loader->place;
	GaitCall call = {0};

	gait_json_check_keys(place, object, KEYS("id", "nr", "class", "runs"));
	call.nr = (guint32)gait_json_get_number(place, object, "nr", G_MAXUINT32);
	call.klass = (guint32)gait_json_get_number(place, object, "class", G_MAXUINT32);
	call.n_runs = gait_loader_get_runs(loader, object);
	g_array_append_val(loader->program->calls, call);
	gait_loader_name(loader, loader->calls, gait_json_get_text(place, object, "id"),
	                 loader->program->calls->len - 1);
}

/* "name" is for people only. */
static void
read_issuer(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitIssuer issuer = {0};

	gait_json_check_keys(loader->place, object, KEYS("nr", "name", "module", "offset", "runs"));
	issuer.nr = (guint32)gait_json_get_number(loader->place, object, "nr", G_MAXUINT32);
	issuer.module = gait_loader_get_module(loader, object);
	issuer.offset = gait_json_get_hex(loader->place, object, "offset");
	issuer.n_runs = gait_loader_get_runs(loader, object);
	g_array_append_val(loader->program->issuers, issuer);
}

static void
read_execs(GaitLoader *loader, JsonObject *object, const char *key, GArray *execs)
{
	JsonArray *list = gait_json_get_list(loader->place, object, key);
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !loader->place->error; i++) {
		const char *path = gait_json_list_text(loader->place, list, i, key);
		guint32 exec = gait_loader_find(loader, loader->programs, key, path, "program");

		g_array_append_val(execs, exec);
	}
}

static void
begin_program(GaitLoader *loader, GaitProgram *program)
{
	loader->program = program;
	loader->calls = g_hash_table_new(g_str_hash, g_str_equal);
	loader->roles = g_hash_table_new(g_str_hash, g_str_equal);
	loader->libraries = g_hash_table_new(g_str_hash, g_str_equal);
	loader->symbols = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
}

static void
end_program(GaitLoader *loader)
{
	g_clear_pointer(&loader->calls, g_hash_table_unref);
	g_clear_pointer(&loader->roles, g_hash_table_unref);
	g_clear_pointer(&loader->libraries, g_hash_table_unref);
	g_clear_pointer(&loader->symbols, g_ptr_array_unref);
}

/* What names what decides the order: edges name roles, and roles the symbols that create them. */
static void
read_program(GaitLoader *loader, JsonObject *object, gpointer index)
{
	guint32 *i = index, library = 0, role = 0;

	begin_program(loader, gait_model_get_program(loader->model, (*i)++));
	gait_json_check_keys(loader->place, object,
	                     KEYS("path", "module", "runs", "execs", "amended_execs", "calls",
	                          "issuers", "libraries", "roles"));
	if (gait_json_has(object, "module"))
		loader->program->module = gait_loader_get_module(loader, object);
	loader->program->n_runs = gait_loader_get_runs(loader, object);
	read_execs(loader, object, "execs", loader->program->execs);
	if (gait_json_has(object, "amended_execs"))
		read_execs(loader, object, "amended_execs", loader->program->amended_execs);
	gait_loader_each(loader, object, "calls", read_call, NULL);
	gait_loader_each(loader, object, "issuers", read_issuer, NULL);
	gait_loader_each(loader, object, "libraries", gait_loader_read_library_head, NULL);
	gait_loader_each(loader, object, "roles", gait_loader_read_role_head, NULL);
	if (!loader->place->error)
		gait_loader_each(loader, object, "libraries", gait_loader_read_library_edges,
		                 &library);
	if (!loader->place->error)
		gait_loader_each(loader, object, "roles", gait_loader_read_role_body, &role);
	end_program(loader);
}

/* Any program may exec any other one, so their paths come first. */
static void
read_program_path(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	g_autofree char *path = gait_json_dup_raw(loader->place, object, "path");

	gait_model_add_program(loader->model, path);
	gait_loader_name(loader, loader->programs,
	                 gait_json_get_text(loader->place, object, "path"),
	                 loader->model->programs->len - 1);
}

/* --- the whole --- */

static gboolean
check_version(GaitPlace *place, JsonObject *root)
{
	guint64 version;

	if (strcmp(gait_json_get_text(place, root, "format"), "sysgait-model") != 0) {
		g_clear_error(&place->error);
		return fail(place, "it is not a sysgait model (no \"format\": \"sysgait-model\")");
	}
	version = gait_json_get_number(place, root, "version", G_MAXINT64);
	if (version > GAIT_MODEL_VERSION)
		return gait_place_fail(place, GAIT_ERROR_VERSION,
		                       "it is of format version %" G_GUINT64_FORMAT
		                       ", and this sysgait reads up to %d: use a newer one",
		                       version, GAIT_MODEL_VERSION);
	if (version == 0)
		return fail(place, "\"version\" has to be at least 1");
	return TRUE;
}

static void
read_model(GaitLoader *loader, JsonObject *root)
{
	GaitPlace *place = loader->place;
	guint32 program = 0;

	gait_json_check_keys(place, root,
	                     KEYS("format", "version", "kernel", "arch", "max_syscall", "stackless",
	                          "amended", "runs", "amendments", "modules", "programs"));
	g_free(loader->model->kernel);
	loader->model->kernel = gait_json_dup_raw(place, root, "kernel");
	g_free(loader->model->arch);
	loader->model->arch = gait_json_dup_raw(place, root, "arch");
	loader->model->max_syscall =
	    (guint32)gait_json_get_number(place, root, "max_syscall", G_MAXINT32);
	loader->model->is_stackless = gait_json_get_flag(place, root, "stackless");
	loader->model->is_amended = gait_json_get_flag(place, root, "amended");
	gait_loader_each(loader, root, "runs", read_run, NULL);
	if (gait_json_has(root, "amendments"))
		gait_loader_each(loader, root, "amendments", read_amendment, NULL);
	gait_loader_each(loader, root, "modules", read_module, NULL);
	gait_loader_each(loader, root, "programs", read_program_path, NULL);
	if (!place->error)
		gait_loader_each(loader, root, "programs", read_program, &program);
}

static GaitModel *
parse(GaitPlace *place, const char *data, gsize size)
{
	g_autoptr(JsonParser) parser = gait_json_parse(place, data, size);
	g_autoptr(GHashTable) modules = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) programs = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GaitModel) model = gait_model_new();
	GaitLoader loader = {
	    .place = place, .model = model, .modules = modules, .programs = programs};
	JsonNode *root = parser ? json_parser_get_root(parser) : NULL;

	if (!parser)
		return NULL;
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		fail(place, "it is not a sysgait model: not a JSON object");
		return NULL;
	}
	if (check_version(place, json_node_get_object(root)))
		read_model(&loader, json_node_get_object(root));
	return place->error ? NULL : g_steal_pointer(&model);
}

GaitModel *
gait_model_parse(const char *name, const char *data, gsize size, GError **error)
{
	g_auto(GaitPlace) place = {0};
	g_autoptr(GaitModel) model = NULL;

	gait_place_init(&place, name);
	if (size > GAIT_MAX_MODEL_SIZE)
		gait_place_fail(&place, GAIT_ERROR_TOO_LARGE,
		                "it is larger than a model may be (%u MiB)",
		                GAIT_MAX_MODEL_SIZE >> 20);
	else
		model = parse(&place, data, size);
	if (!gait_place_finish(&place, error) || !gait_model_validate_named(model, name, error))
		return NULL;
	return g_steal_pointer(&model);
}
