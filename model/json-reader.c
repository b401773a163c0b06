/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON through json-glib, for files that are not trusted. json-glib parses recursively and builds a
 * tree before anybody can look, so depth and number of values are counted beforehand on the bare
 * text, outside of strings.
 */
#include "model/json-reader.h"

#include "model/model-names.h"

#include <string.h>

#define MAX_DEPTH  32
#define MAX_VALUES 6000000 /* json-glib takes up to 80 bytes for each, so half a gigabyte */
#define OBJECT     4       /* values that an object counts for: it is a hash table */

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)

/* --- before parsing --- */

/* The end of the string that begins at data[i] with a quote; size where there is none. */
static gsize
skip_string(GaitPlace *place, const char *data, gsize size, gsize i)
{
	for (i++; i < size && data[i] != '"'; i++) {
		if (data[i] != '\\')
			continue;
		if (size - i > 5 && memcmp(data + i, "\\u0000", 6) == 0)
			fail(place, "byte %" G_GSIZE_FORMAT ": a string holds a NUL", i);
		i++;
	}
	return i;
}

static gboolean
check_shape(GaitPlace *place, const char *data, gsize size)
{
	gsize depth = 0, n_values = 1;

	for (gsize i = 0; i < size && !place->error; i++) {
		char c = data[i];

		if (c == '"') {
			i = skip_string(place, data, size, i);
		} else if (c == '[' || c == '{') {
			n_values += c == '{' ? OBJECT : 1;
			if (++depth > MAX_DEPTH)
				return gait_place_fail(place, GAIT_ERROR_TOO_LARGE,
				                       "byte %" G_GSIZE_FORMAT
				                       ": it nests deeper than %d",
				                       i, MAX_DEPTH);
		} else if (c == ']' || c == '}') {
			depth -= depth > 0;
		} else if (c == ',') {
			n_values++;
		}
		if (n_values > MAX_VALUES)
			return gait_place_fail(place, GAIT_ERROR_TOO_LARGE,
			                       "it has more than %d values", MAX_VALUES);
	}
	return !place->error;
}

/* json-glib begins with "<data>:LINE:COLUMN: ", for it does not know the file. */
static const char *
say_where(const char *message)
{
	return g_str_has_prefix(message, "<data>:") ? message + strlen("<data>:") : message;
}

JsonParser *
gait_json_parse(GaitPlace *place, const char *data, gsize size)
{
	g_autoptr(JsonParser) parser = NULL;
	g_autoptr(GError) error = NULL;
	const char *end = NULL;

	if (size == 0) {
		fail(place, "there is nothing in it");
		return NULL;
	}
	if (!g_utf8_validate_len(data, size, &end)) {
		fail(place,
		     "it is not a model: byte %" G_GSIZE_FORMAT
		     " is not UTF-8 text (`sysgait learn` makes models of traces)",
		     (gsize)(end - data));
		return NULL;
	}
	if (!check_shape(place, data, size))
		return NULL;
	parser = json_parser_new_immutable();
	if (!json_parser_load_from_data(parser, data, (gssize)size, &error)) {
		fail(place, "it is not JSON: line %s", say_where(error->message));
		return NULL;
	}
	return g_steal_pointer(&parser);
}

/* --- members --- */

static const char *
describe(JsonNode *node)
{
	if (!node || JSON_NODE_HOLDS_NULL(node))
		return "nothing";
	if (JSON_NODE_HOLDS_OBJECT(node))
		return "an object";
	if (JSON_NODE_HOLDS_ARRAY(node))
		return "a list";
	switch (json_node_get_value_type(node)) {
	case G_TYPE_STRING:
		return "a string";
	case G_TYPE_BOOLEAN:
		return "true or false";
	default:
		return "a number";
	}
}

static gboolean
is_value(JsonNode *node, GType type)
{
	return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

/* The member if it is a value of this type, else NULL after a failure. */
static JsonNode *
get_value(GaitPlace *place, JsonObject *object, const char *key, GType type, const char *expected)
{
	JsonNode *node = object ? json_object_get_member(object, key) : NULL;

	if (is_value(node, type))
		return node;
	fail(place, "\"%s\" has to be %s, but it is %s", key, expected, describe(node));
	return NULL;
}

static guint64
check_number(GaitPlace *place, JsonNode *node, const char *what, guint64 max)
{
	gint64 value = json_node_get_int(node);

	if (value < 0 || (guint64)value > max) {
		fail(place, "\"%s\" is not between 0 and %" G_GUINT64_FORMAT, what, max);
		return 0;
	}
	return (guint64)value;
}

gboolean
gait_json_has(JsonObject *object, const char *key)
{
	JsonNode *node = object ? json_object_get_member(object, key) : NULL;

	return node && !JSON_NODE_HOLDS_NULL(node);
}

guint64
gait_json_get_number(GaitPlace *place, JsonObject *object, const char *key, guint64 max)
{
	JsonNode *node = get_value(place, object, key, G_TYPE_INT64, "a whole number");

	return node ? check_number(place, node, key, max) : 0;
}

gboolean
gait_json_get_flag(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonNode *node = get_value(place, object, key, G_TYPE_BOOLEAN, "true or false");

	return node && json_node_get_boolean(node);
}

double
gait_json_get_share(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonNode *node = object ? json_object_get_member(object, key) : NULL;
	double value;

	if (!is_value(node, G_TYPE_INT64) && !is_value(node, G_TYPE_DOUBLE)) {
		fail(place, "\"%s\" has to be a number, but it is %s", key, describe(node));
		return 0;
	}
	value = json_node_get_double(node);
	if (!(value >= 0 && value <= 1)) {
		fail(place, "\"%s\" is not between 0 and 1", key);
		return 0;
	}
	return value;
}

const char *
gait_json_get_text(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonNode *node = get_value(place, object, key, G_TYPE_STRING, "a string");

	return node ? json_node_get_string(node) : "";
}

guint64
gait_json_get_hex(GaitPlace *place, JsonObject *object, const char *key)
{
	const char *text = gait_json_get_text(place, object, key);
	guint64 value = 0;

	if (place->error)
		return 0;
	if (!g_str_has_prefix(text, "0x") ||
	    !g_ascii_string_to_unsigned(text + 2, 16, 0, G_MAXUINT64, &value, NULL))
		fail(place, "\"%s\" has to be a number like \"0x1a2b\"", key);
	return value;
}

char *
gait_json_dup_raw(GaitPlace *place, JsonObject *object, const char *key)
{
	char *raw = gait_text_decode(gait_json_get_text(place, object, key));

	if (raw)
		return raw;
	fail(place, "\"%s\" has a backslash that is neither \\\\ nor \\x and two digits", key);
	return g_strdup("");
}

JsonArray *
gait_json_get_list(GaitPlace *place, JsonObject *object, const char *key)
{
	JsonNode *node = object ? json_object_get_member(object, key) : NULL;

	if (node && JSON_NODE_HOLDS_ARRAY(node))
		return json_node_get_array(node);
	fail(place, "\"%s\" has to be a list, but it is %s", key, describe(node));
	return NULL;
}

/* --- elements --- */

JsonObject *
gait_json_list_object(GaitPlace *place, JsonArray *list, guint i)
{
	JsonNode *node = json_array_get_element(list, i);

	if (JSON_NODE_HOLDS_OBJECT(node))
		return json_node_get_object(node);
	fail(place, "it has to be an object, but it is %s", describe(node));
	return NULL;
}

JsonArray *
gait_json_list_list(GaitPlace *place, JsonArray *list, guint i, guint length, const char *what)
{
	JsonNode *node = json_array_get_element(list, i);

	if (JSON_NODE_HOLDS_ARRAY(node) &&
	    json_array_get_length(json_node_get_array(node)) == length)
		return json_node_get_array(node);
	fail(place, "%s[%u] has to be a list of %u", what, i, length);
	return NULL;
}

const char *
gait_json_list_text(GaitPlace *place, JsonArray *list, guint i, const char *what)
{
	JsonNode *node = json_array_get_element(list, i);

	if (is_value(node, G_TYPE_STRING))
		return json_node_get_string(node);
	fail(place, "%s[%u] has to be a string, but it is %s", what, i, describe(node));
	return "";
}

char *
gait_json_list_dup_raw(GaitPlace *place, JsonArray *list, guint i, const char *what)
{
	char *raw = gait_text_decode(gait_json_list_text(place, list, i, what));

	if (raw)
		return raw;
	fail(place, "%s[%u] has a backslash that is neither \\\\ nor \\x and two digits", what, i);
	return g_strdup("");
}

guint64
gait_json_list_number(GaitPlace *place, JsonArray *list, guint i, guint64 max, const char *what)
{
	JsonNode *node = json_array_get_element(list, i);

	if (is_value(node, G_TYPE_INT64))
		return check_number(place, node, what, max);
	fail(place, "%s[%u] has to be a whole number, but it is %s", what, i, describe(node));
	return 0;
}

void
gait_json_check_keys(GaitPlace *place, JsonObject *object, const char *const *keys)
{
	JsonObjectIter iter;
	const char *key;

	if (!object)
		return;
	json_object_iter_init(&iter, object);
	while (json_object_iter_next(&iter, &key, NULL))
		if (!g_strv_contains(keys, key))
			fail(place, "\"%s\" is not a member that a model has here", key);
}
