/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON that somebody else may have written: bounds before parsing, and getters that name
 * the place of what is missing or of the wrong type. Failures are sticky: after the first one (see
 * place->error) getters return 0, NULL or an empty list, so callers look when it matters: before an
 * index is used, and at the end.
 */
#pragma once

#include "model/place.h"

#include <json-glib/json-glib.h>

/*
 * Parses text that is UTF-8, nests at most 32 deep and has at most 6 million values, which bounds
 * what json-glib allocates (an empty object is 2 bytes of text and some 300 of memory). NULL with
 * place->error set.
 */
JsonParser *gait_json_parse(GaitPlace *place, const char *data, gsize size);

/* Members of an object. All but _has fail where it is missing or of another type. */
gboolean gait_json_has(JsonObject *object, const char *key);
guint64 gait_json_get_number(GaitPlace *place, JsonObject *object, const char *key, guint64 max);
gboolean gait_json_get_flag(GaitPlace *place, JsonObject *object, const char *key);
double gait_json_get_share(GaitPlace *place, JsonObject *object, const char *key);
/* "0x1a2b" */
guint64 gait_json_get_hex(GaitPlace *place, JsonObject *object, const char *key);
/* As it stands in the file, borrowed; "" on failure. */
const char *gait_json_get_text(GaitPlace *place, JsonObject *object, const char *key);
/* The bytes it stands for (gait_text_decode); to free. Never NULL. */
char *gait_json_dup_raw(GaitPlace *place, JsonObject *object, const char *key);
/* NULL on failure. */
JsonArray *gait_json_get_list(GaitPlace *place, JsonObject *object, const char *key);

/* Elements of a list; what names the list in messages. */
JsonObject *gait_json_list_object(GaitPlace *place, JsonArray *list, guint i);
JsonArray *gait_json_list_list(GaitPlace *place, JsonArray *list, guint i, guint length,
                               const char *what);
const char *gait_json_list_text(GaitPlace *place, JsonArray *list, guint i, const char *what);
/* As gait_json_dup_raw(). */
char *gait_json_list_dup_raw(GaitPlace *place, JsonArray *list, guint i, const char *what);
guint64 gait_json_list_number(GaitPlace *place, JsonArray *list, guint i, guint64 max,
                              const char *what);

/* Fails on a member that is not among keys (NULL-terminated): a typing error would go unseen. */
void gait_json_check_keys(GaitPlace *place, JsonObject *object, const char *const *keys);
