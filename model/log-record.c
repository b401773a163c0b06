/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a violation log as a record: the reader of what violation-json.c writes. It is
 * generous with members that it does not know, so that a log of a newer sysgait can be read, and
 * strict with those that it does.
 */
#include "model/json-reader.h"
#include "model/model-private.h"
#include "model/violation-log-private.h"

#include <string.h>

#define MAX_ALLOWED 64 /* names that are kept */

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)

static void
symbol_free(gpointer data)
{
	GaitLogSymbol *symbol = data;

	if (!symbol)
		return;
	g_free(symbol->library);
	g_free(symbol->build_id);
	g_free(symbol);
}

static void
place_clear(GaitLogPlace *place)
{
	g_free(place->module);
	g_free(place->build_id);
	g_free(place->function);
}

void
gait_log_record_free(GaitLogRecord *record)
{
	if (!record)
		return;
	g_free(record->action);
	g_free(record->program);
	g_free(record->role);
	g_ptr_array_unref(record->possible);
	g_ptr_array_unref(record->created_by);
	symbol_free(record->since);
	symbol_free(record->until);
	g_free(record->call);
	g_free(record->exec_path);
	place_clear(&record->site);
	place_clear(&record->issuer);
	g_free(record->state_name);
	symbol_free(record->from);
	g_ptr_array_unref(record->allowed);
	g_free(record->model);
	g_free(record);
}

/* A trace does not last three years. */
gboolean
gait_log_is_unix_time(double time_s)
{
	return time_s > 1e8;
}

/* --- members --- */

static double
get_time(GaitPlace *place, JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "time");
	double time_s;

	if (!node || !JSON_NODE_HOLDS_VALUE(node) ||
	    (json_node_get_value_type(node) != G_TYPE_DOUBLE &&
	     json_node_get_value_type(node) != G_TYPE_INT64)) {
		fail(place, "\"time\" has to be a number");
		return 0;
	}
	time_s = json_node_get_double(node);
	/* What a date can be made of. */
	if (!(time_s >= 0 && time_s < 253402300800.0)) {
		fail(place, "\"time\" is not a time");
		return 0;
	}
	return time_s;
}

/* A string, or NULL where it is missing or null. */
static char *
dup_optional(GaitPlace *place, JsonObject *object, const char *key)
{
	return gait_json_has(object, key) ? gait_json_dup_raw(place, object, key) : NULL;
}

static char *
dup_build_id(GaitPlace *place, JsonObject *object)
{
	char *build_id = dup_optional(place, object, "build_id");

	if (build_id && !gait_model_is_build_id(build_id))
		fail(place, "\"build_id\" is not a build-id");
	return build_id ? build_id : g_strdup("");
}

static guint32
get_u32(GaitPlace *place, JsonObject *object, const char *key)
{
	return (guint32)gait_json_get_number(place, object, key, G_MAXUINT32);
}

static JsonObject *
get_object(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonNode *node = json_object_get_member(object, key);

	if (node && JSON_NODE_HOLDS_OBJECT(node))
		return json_node_get_object(node);
	fail(place, "\"%s\" has to be an object", key);
	return NULL;
}

static GaitLogSymbol *
read_symbol(GaitPlace *place, JsonObject *object)
{
	GaitLogSymbol *symbol = g_new0(GaitLogSymbol, 1);

	symbol->library = gait_json_dup_raw(place, object, "library");
	symbol->build_id = dup_build_id(place, object);
	symbol->nr = get_u32(place, object, "nr");
	symbol->klass = get_u32(place, object, "class");
	symbol->site = gait_json_get_hex(place, object, "site");
	return symbol;
}

static GaitLogSymbol *
read_optional_symbol(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonObject *found;

	if (!gait_json_has(object, key))
		return NULL;
	found = get_object(place, object, key);
	return found ? read_symbol(place, found) : NULL;
}

/* module: the key of the path, at: that of the object with the rest. */
static void
read_place(GaitPlace *place, JsonObject *object, const char *module, const char *at,
           GaitLogPlace *out)
{
	JsonObject *found;

	out->module = dup_optional(place, object, module);
	out->build_id = NULL;
	if (out->module && (found = get_object(place, object, at))) {
		out->build_id = dup_build_id(place, found);
		out->offset = gait_json_get_hex(place, found, "offset");
		out->function = dup_optional(place, found, "function");
		if (out->function)
			out->delta = gait_json_get_hex(place, found, "delta");
	}
	if (!out->build_id)
		out->build_id = g_strdup("");
}

/* The first max strings of a list. */
static void
read_texts(GaitPlace *place, JsonObject *object, const char *key, guint max, GPtrArray *out)
{
	JsonArray *list = gait_json_get_list(place, object, key);
	guint n = list ? MIN(json_array_get_length(list), max) : 0;

	for (guint i = 0; i < n && !place->error; i++)
		g_ptr_array_add(out, gait_json_list_dup_raw(place, list, i, key));
}

/* --- parts --- */

static void
read_role(GaitPlace *place, JsonObject *object, GaitLogRecord *record)
{
	JsonArray *list;

	record->role = dup_optional(place, object, "role");
	if (!record->role) {
		if (gait_json_has(object, "possible"))
			read_texts(place, object, "possible", GAIT_LOG_MAX_POSSIBLE,
			           record->possible);
		return;
	}
	record->phase = get_u32(place, object, "phase");
	record->n_phases = get_u32(place, object, "phases");
	if (record->phase == 0 || record->phase > record->n_phases)
		fail(place, "\"phase\" is %u of %u", record->phase, record->n_phases);
	record->phase -= record->phase > 0;
	record->is_loose =
	    gait_json_has(object, "loose") && gait_json_get_flag(place, object, "loose");
	record->since = read_optional_symbol(place, object, "since");
	record->until = read_optional_symbol(place, object, "until");
	if (!gait_json_has(object, "created_by"))
		return;
	list = gait_json_get_list(place, object, "created_by");
	if (list && json_array_get_length(list) > GAIT_MAX_ROLE_DEPTH)
		fail(place, "\"created_by\" has more than %d calls", GAIT_MAX_ROLE_DEPTH);
	for (guint i = 0; list && i < json_array_get_length(list) && !place->error; i++) {
		JsonObject *symbol = gait_json_list_object(place, list, i);

		if (symbol)
			g_ptr_array_add(record->created_by, read_symbol(place, symbol));
	}
}

static void
read_call(GaitPlace *place, JsonObject *object, GaitLogRecord *record)
{
	record->call = gait_json_dup_raw(place, object, "call");
	record->nr = get_u32(place, object, "nr");
	record->klass = get_u32(place, object, "class");
	if (gait_json_has(object, "arch"))
		record->arch = (guint32)gait_json_get_hex(place, object, "arch");
	record->exec_path = dup_optional(place, object, "exec");
}

static void
read_state(GaitPlace *place, JsonObject *object, GaitLogRecord *record)
{
	record->state_name = gait_json_dup_raw(place, object, "state");
	record->from = read_optional_symbol(place, object, "from");
	if (record->from)
		record->state = GAIT_LOG_SYMBOL;
	else if (strcmp(record->state_name, "start") == 0)
		record->state = GAIT_LOG_START;
	else if (strcmp(record->state_name, "signal") == 0)
		record->state = GAIT_LOG_SIGNAL;
	else if (strcmp(record->state_name, "anywhere") == 0)
		record->state = GAIT_LOG_ANYWHERE;
	else
		fail(place, "\"state\" is a call, but \"from\" does not say which");
}

static void
read_record(GaitPlace *place, JsonObject *object, GaitLogRecord *record)
{
	const char *kind = gait_json_get_text(place, object, "kind");

	record->time_s = get_time(place, object);
	record->pid = (gint32)gait_json_get_number(place, object, "pid", G_MAXINT32);
	record->tid = (gint32)gait_json_get_number(place, object, "tid", G_MAXINT32);
	record->kind = gait_verdict_from_name(kind);
	if (record->kind == GAIT_VERDICT_ALLOW || record->kind == GAIT_VERDICT_N_)
		fail(place, "\"kind\" is not a kind of violation");
	record->action = dup_optional(place, object, "action");
	record->program = gait_json_dup_raw(place, object, "program");
	read_role(place, object, record);
	read_call(place, object, record);
	read_place(place, object, "library", "site", &record->site);
	read_place(place, object, "issuer", "instruction", &record->issuer);
	read_state(place, object, record);
	read_texts(place, object, "allowed", MAX_ALLOWED, record->allowed);
	record->n_allowed = get_u32(place, object, "n_allowed");
	record->model = dup_optional(place, object, "model");
	if (!record->model)
		record->model = g_strdup("");
	if (gait_json_has(object, "repeats"))
		record->n_repeats =
		    gait_json_get_number(place, object, "repeats", GAIT_MAX_COUNTER);
}

static GaitLogRecord *
record_new(void)
{
	GaitLogRecord *record = g_new0(GaitLogRecord, 1);

	record->created_by = g_ptr_array_new_with_free_func(symbol_free);
	record->possible = g_ptr_array_new_with_free_func(g_free);
	record->allowed = g_ptr_array_new_with_free_func(g_free);
	return record;
}

GaitLogRecord *
gait_log_record_parse(const char *name, const char *line, gsize size, GError **error)
{
	g_auto(GaitPlace) place = {0};
	g_autoptr(GaitLogRecord) record = record_new();
	g_autoptr(JsonParser) parser = NULL;
	JsonNode *root;

	gait_place_init(&place, name);
	if (!g_utf8_validate_len(line, size, NULL))
		fail(&place, "it is not UTF-8 text");
	else
		parser = gait_json_parse(&place, line, size);
	root = parser ? json_parser_get_root(parser) : NULL;
	if (root && JSON_NODE_HOLDS_OBJECT(root))
		read_record(&place, json_node_get_object(root), record);
	else
		fail(&place, "it is not a JSON object");
	if (!gait_place_finish(&place, error))
		return NULL;
	return g_steal_pointer(&record);
}

/* --- what makes it distinct ------------------------------------------------------------------ */

/* Quoted, so that no name can end its own field. */
static void
append_field(GString *key, const char *text)
{
	g_autofree char *quoted = g_strescape(text ? text : "", NULL);

	g_string_append_printf(key, "%s\"%s\" ", text ? "" : "-", quoted);
}

static void
append_number(GString *key, guint64 number)
{
	g_string_append_printf(key, "%" G_GINT64_MODIFIER "x ", number);
}

/* As GaitModelModule's identity: the same file may be at several paths. */
static void
append_module(GString *key, const char *path, const char *build_id)
{
	const char *slash = build_id[0] ? strrchr(path, '/') : NULL;

	append_field(key, slash && slash[1] ? slash + 1 : path);
	append_field(key, build_id);
}

static void
append_symbol(GString *key, const GaitLogSymbol *symbol)
{
	append_module(key, symbol->library, symbol->build_id);
	append_number(key, symbol->nr);
	append_number(key, symbol->klass);
	append_number(key, symbol->site);
}

static void
append_place(GString *key, const GaitLogPlace *place)
{
	append_module(key, place->module ? place->module : "", place->build_id);
	append_number(key, place->offset);
}

char *
gait_log_record_dup_key(const GaitLogRecord *record)
{
	g_autoptr(GString) key = g_string_new(NULL);

	append_field(key, record->program);
	if (record->role && record->created_by->len == 0)
		append_field(key, record->role);
	else
		append_number(key, record->created_by->len);
	for (guint i = 0; i < record->created_by->len; i++)
		append_symbol(key, g_ptr_array_index(record->created_by, i));
	append_place(key, &record->site);
	append_number(key, record->arch);
	append_number(key, record->nr);
	append_number(key, record->klass);
	append_field(key, record->exec_path);
	append_number(key, record->kind);
	if (record->kind == GAIT_VERDICT_ISSUER)
		append_place(key, &record->issuer);
	if (record->kind == GAIT_VERDICT_SEQUENCE) {
		append_number(key, record->state);
		if (record->from)
			append_symbol(key, record->from);
	}
	return g_string_free(g_steal_pointer(&key), FALSE);
}
