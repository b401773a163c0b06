/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of a model file: their place in the tree, phases, and the relations as rows of digits. */
#include "model/model-load-private.h"

#include <string.h>

#define fail(place, ...) gait_place_fail(place, GAIT_ERROR_MALFORMED, __VA_ARGS__)
#define KEYS(...)        ((const char *const[]){__VA_ARGS__, NULL})

/* 64-bit words of one relation over a whole model: there are four, so 128 MiB. */
#define MAX_RELATION_WORDS (4u << 20)

void
gait_loader_read_role_head(GaitLoader *loader, JsonObject *object, gpointer unused)
{
	GaitPlace *place = loader->place;
	GaitSymbolRef creation = gait_loader_get_ref(loader, object, "creation");
	guint32 parent = GAIT_NONE;
	GaitRole *role;

	gait_json_check_keys(place, object,
	                     KEYS("name", "parent", "creation", "thread", "instances", "starts",
	                          "whole", "runs", "time_ns", "events", "phases", "symbols",
	                          "amended", "candidates", "in_rounds", "led"));
	if (gait_json_has(object, "parent"))
		parent = gait_loader_find(loader, loader->roles, "parent",
		                          gait_json_get_text(place, object, "parent"),
		                          "role before this one");
	role = gait_program_add_role(loader->program, parent, creation);
	role->name = gait_json_dup_raw(place, object, "name");
	role->is_thread = gait_json_get_flag(place, object, "thread");
	role->n_instances = gait_json_get_number(place, object, "instances", GAIT_MAX_COUNTER);
	role->n_starts = gait_json_get_number(place, object, "starts", GAIT_MAX_COUNTER);
	role->n_whole = gait_json_get_number(place, object, "whole", GAIT_MAX_COUNTER);
	role->n_runs = (guint32)gait_json_get_number(place, object, "runs", G_MAXUINT32 - 1);
	role->time_ns = gait_json_get_number(place, object, "time_ns", GAIT_MAX_COUNTER);
	role->n_events = gait_json_get_number(place, object, "events", GAIT_MAX_COUNTER);
	gait_loader_name(loader, loader->roles, gait_json_get_text(place, object, "name"),
	                 loader->program->roles->len - 1);
}

/* --- symbols and candidates --- */

static void
read_role_symbols(GaitLoader *loader, JsonObject *object, GaitRole *role)
{
	GaitPlace *place = loader->place;
	JsonArray *list = gait_json_get_list(place, object, "symbols");
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !place->error; i++) {
		GaitSymbolRef ref = gait_loader_ref_from(
		    loader, gait_json_list_list(place, list, i, 2, "symbols"), "symbols");

		/* Sorted as they have to be, a symbol is found by bisection. */
		if (!place->error && i > 0 &&
		    gait_symbol_ref_compare(&g_array_index(role->symbols, GaitSymbolRef, i - 1),
		                            &ref) >= 0)
			fail(place, "symbols[%u] is there twice, or out of order", i);
		g_array_append_val(role->symbols, ref);
	}
}

/* The index of ref among the role's symbols; GAIT_NONE after a failure. */
static guint32
find_role_symbol(GaitLoader *loader, const char *key, const GaitRole *role, GaitSymbolRef ref)
{
	guint found;

	if (g_array_binary_search(role->symbols, &ref, (GCompareFunc)gait_symbol_ref_compare,
	                          &found))
		return found;
	fail(loader->place, "\"%s\" is not one of the role's symbols", key);
	return GAIT_NONE;
}

/* The index among the role's symbols of the one that key names; GAIT_NONE for null and failures. */
static guint32
get_role_symbol(GaitLoader *loader, JsonObject *object, const char *key, const GaitRole *role)
{
	GaitSymbolRef ref = gait_loader_get_ref(loader, object, key);

	return ref.library == GAIT_NONE ? GAIT_NONE : find_role_symbol(loader, key, role, ref);
}

static void
read_amended(GaitLoader *loader, JsonObject *object, const GaitRole *role)
{
	JsonArray *list = gait_json_get_list(loader->place, object, "amended");
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !loader->place->error; i++) {
		GaitSymbolRef ref = gait_loader_ref_from(
		    loader, gait_json_list_list(loader->place, list, i, 2, "amended"), "amended");
		guint32 found = find_role_symbol(loader, "amended", role, ref);

		if (found != GAIT_NONE)
			gait_bit_set(role->amended, found);
	}
}

static void
read_row(GaitLoader *loader, JsonObject *object, const char *key, const GaitRole *role,
         guint64 *row)
{
	const char *text = gait_json_get_text(loader->place, object, key);
	gsize length = strlen(text);

	if (length != 0 && length != ((gsize)role->symbols->len + 3) / 4) {
		fail(loader->place,
		     "\"%s\" has %" G_GSIZE_FORMAT " digits, not one for each four "
		     "of the role's %u symbols",
		     key, length, role->symbols->len);
		return;
	}
	for (gsize i = 0; i < length; i++) {
		if (!g_ascii_isxdigit(text[i])) {
			fail(loader->place, "\"%s\" is not a row of hexadecimal digits", key);
			return;
		}
		row[i / 16] |= (guint64)g_ascii_xdigit_value(text[i]) << (i % 16 * 4);
	}
}

static void
read_rows(GaitLoader *loader, JsonObject *object, const GaitRole *role, guint32 c)
{
	read_row(loader, object, "after", role, gait_role_row(role, role->after, c));
	read_row(loader, object, "before", role, gait_role_row(role, role->before, c));
	read_row(loader, object, "after_twice", role, gait_role_row(role, role->after_twice, c));
	read_row(loader, object, "before_twice", role, gait_role_row(role, role->before_twice, c));
}

typedef struct {
	GaitRole *role;
	guint32 i;
} CandidateOwner;

static void
read_candidate(GaitLoader *loader, JsonObject *object, gpointer data)
{
	CandidateOwner *owner = data;
	GaitCandidate *candidate;

	if (owner->i == owner->role->candidates->len) {
		gait_json_check_keys(
		    loader->place, object,
		    KEYS("symbol", "after", "before", "after_twice", "before_twice"));
		if (gait_json_has(object, "symbol"))
			fail(loader->place, "the last candidate is null: what was never reached");
		read_rows(loader, object, owner->role, owner->i);
		return;
	}
	gait_json_check_keys(loader->place, object,
	                     KEYS("symbol", "instances", "time_ns", "events", "after", "before",
	                          "after_twice", "before_twice"));
	candidate = &g_array_index(owner->role->candidates, GaitCandidate, owner->i);
	candidate->symbol = get_role_symbol(loader, object, "symbol", owner->role);
	candidate->n_instances =
	    (guint32)gait_json_get_number(loader->place, object, "instances", G_MAXUINT32);
	candidate->time_ns =
	    gait_json_get_number(loader->place, object, "time_ns", GAIT_MAX_COUNTER);
	candidate->n_events =
	    gait_json_get_number(loader->place, object, "events", GAIT_MAX_COUNTER);
	read_rows(loader, object, owner->role, owner->i++);
}

static void
read_candidates(GaitLoader *loader, JsonObject *object, GaitRole *role)
{
	JsonArray *list = gait_json_get_list(loader->place, object, "candidates");
	guint n = list ? json_array_get_length(list) : 0;
	CandidateOwner owner = {role, 0};
	guint64 n_rows = n;

	if (n == 0) {
		fail(loader->place, "\"candidates\" lacks its last row");
		return;
	}
	if (role->symbols->len <= GAIT_MAX_LED)
		n_rows += role->symbols->len;
	loader->n_words += n_rows * ((role->symbols->len + 63) / 64);
	if (loader->n_words > MAX_RELATION_WORDS) {
		gait_place_fail(loader->place, GAIT_ERROR_TOO_LARGE,
		                "the model has more than %u million relations between symbols",
		                MAX_RELATION_WORDS / 1000000 * 64);
		return;
	}
	g_array_set_size(role->candidates, n - 1);
	gait_role_alloc_relations(role);
	gait_loader_each(loader, object, "candidates", read_candidate, &owner);
}

static void
read_led(GaitLoader *loader, JsonObject *object, gpointer data)
{
	GaitRole *role = data;
	guint32 symbol;

	gait_json_check_keys(loader->place, object, KEYS("symbol", "by"));
	symbol = get_role_symbol(loader, object, "symbol", role);
	if (symbol != GAIT_NONE)
		read_row(loader, object, "by", role, gait_role_row(role, role->led, symbol));
}

static void
read_rounds(GaitLoader *loader, JsonObject *object, GaitRole *role)
{
	read_row(loader, object, "in_rounds", role, role->in_rounds);
	if (role->led)
		gait_loader_each(loader, object, "led", read_led, role);
}

/* --- phases --- */

static void
read_phase_calls(GaitLoader *loader, JsonObject *object, const char *key, GArray *calls)
{
	JsonArray *list = gait_json_get_list(loader->place, object, key);
	guint n = list ? json_array_get_length(list) : 0;

	for (guint i = 0; i < n && !loader->place->error; i++) {
		guint32 call = gait_loader_find(loader, loader->calls, key,
		                                gait_json_list_text(loader->place, list, i, key),
		                                "call of this program");

		g_array_append_val(calls, call);
	}
}

typedef struct {
	const GaitRole *role;
	GaitPhase *phase;
} InterludeOwner;

static void
read_interlude(GaitLoader *loader, JsonObject *object, gpointer data)
{
	InterludeOwner *owner = data;
	GaitInterlude *interlude;

	gait_json_check_keys(loader->place, object, KEYS("entry", "calls"));
	interlude = gait_phase_add_interlude(owner->phase,
	                                     get_role_symbol(loader, object, "entry", owner->role));
	read_phase_calls(loader, object, "calls", interlude->calls);
}

static void
read_phase(GaitLoader *loader, JsonObject *object, gpointer data)
{
	GaitRole *role = data;
	GaitPhase *phase =
	    gait_role_add_phase(role, get_role_symbol(loader, object, "milestone", role));

	gait_json_check_keys(
	    loader->place, object,
	    KEYS("milestone", "time_share", "event_share", "allowed", "retained", "interludes"));
	phase->time_share = gait_json_get_share(loader->place, object, "time_share");
	phase->event_share = gait_json_get_share(loader->place, object, "event_share");
	read_phase_calls(loader, object, "allowed", phase->allowed);
	read_phase_calls(loader, object, "retained", phase->retained);
	if (gait_json_has(object, "interludes"))
		gait_loader_each(loader, object, "interludes", read_interlude,
		                 &(InterludeOwner){role, phase});
}

void
gait_loader_read_role_body(GaitLoader *loader, JsonObject *object, gpointer index)
{
	guint32 *i = index;
	GaitRole *role = gait_program_get_role(loader->program, (*i)++);

	read_role_symbols(loader, object, role);
	if (loader->place->error)
		return;
	read_candidates(loader, object, role);
	if (gait_json_has(object, "amended") && !loader->place->error)
		read_amended(loader, object, role);
	if (gait_json_has(object, "in_rounds") && !loader->place->error)
		read_rounds(loader, object, role);
	gait_loader_each(loader, object, "phases", read_phase, role);
}
