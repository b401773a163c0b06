/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from a sorted model besides phases: the calls that a program and its libraries
 * issue, and the names of roles.
 */
#include "model/model-private.h"
#include "sysgait/syscall.h"

#include <string.h>

#define MAX_COMPONENT 48 /* bytes of one component of a role's name */

/* Adds to sums the calls of one library: its own counts where it has them, else those of its
 * symbols. */
static GArray *
derive_library_calls(const GaitLibrary *library)
{
	GArray *calls = g_array_new(FALSE, FALSE, sizeof(GaitCall));

	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		GaitCall *last =
		    calls->len ? &g_array_index(calls, GaitCall, calls->len - 1) : NULL;

		if (!last || last->nr != symbol->nr || last->klass != symbol->klass) {
			GaitCall call = {symbol->nr, symbol->klass, symbol->n_runs};

			g_array_append_val(calls, call);
		} else {
			last->n_runs = MAX(last->n_runs, symbol->n_runs);
		}
	}
	return calls;
}

/* Takes over the counts that old has for calls that are in both. */
static void
keep_counts(GArray *calls, const GArray *old)
{
	for (guint32 i = 0; i < calls->len; i++) {
		GaitCall *call = &g_array_index(calls, GaitCall, i);
		guint32 found = gait_calls_find(old, call->nr, call->klass);

		if (found != GAIT_NONE)
			call->n_runs = g_array_index(old, GaitCall, found).n_runs;
	}
}

static void
replace_calls(GArray **calls, GArray *fresh)
{
	g_array_sort(*calls, (GCompareFunc)gait_call_compare);
	keep_counts(fresh, *calls);
	g_array_unref(*calls);
	*calls = fresh;
}

/* Sorts calls and makes one of equal ones, with the largest count. */
static void
unite_calls(GArray *calls)
{
	guint32 n = 0;

	g_array_sort(calls, (GCompareFunc)gait_call_compare);
	for (guint32 i = 0; i < calls->len; i++) {
		GaitCall *call = &g_array_index(calls, GaitCall, i);
		GaitCall *last = n ? &g_array_index(calls, GaitCall, n - 1) : NULL;

		if (last && gait_call_compare(last, call) == 0)
			last->n_runs = MAX(last->n_runs, call->n_runs);
		else
			g_array_index(calls, GaitCall, n++) = *call;
	}
	g_array_set_size(calls, n);
}

void
gait_program_derive_calls(GaitProgram *program)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(GaitCall));

	for (guint32 i = 0; i < program->libraries->len; i++) {
		GaitLibrary *library = gait_program_get_library(program, i);

		replace_calls(&library->calls, derive_library_calls(library));
		g_array_append_vals(all, library->calls->data, library->calls->len);
	}
	unite_calls(all);
	replace_calls(&program->calls, all);
}

/* --- names of roles --- */

/* The last part of function ("net/http.Serve" is "http.Serve"), short and printable. */
static void
append_component(GString *out, const GaitSymbol *symbol)
{
	const char *slash = symbol->function ? strrchr(symbol->function, '/') : NULL;
	const char *function = slash ? slash + 1 : symbol->function;
	const char *end;

	if (!function || !function[0] || !g_utf8_validate(function, -1, NULL)) {
		g_string_append(out, gait_syscall_name(symbol->nr));
		if (symbol->site)
			g_string_append_printf(out, "@%" G_GINT64_MODIFIER "x", symbol->site);
		return;
	}
	end = strlen(function) > MAX_COMPONENT
	          ? g_utf8_find_prev_char(function, function + MAX_COMPONENT + 1)
	          : function + strlen(function);
	for (const char *c = function; c < end; c++)
		g_string_append_c(out, g_ascii_iscntrl(*c) || *c == ' ' ? '_' : *c);
}

/* "PARENT/FUNCTION", or with the site, or numbered, until it is one that used does not have. */
static char *
name_role(const char *parent, const GaitSymbol *symbol, GHashTable *used)
{
	g_autoptr(GString) name = g_string_new(parent);
	gsize length;

	g_string_append_c(name, '/');
	append_component(name, symbol);
	if (g_hash_table_contains(used, name->str) && symbol->function && symbol->site)
		g_string_append_printf(name, "@%" G_GINT64_MODIFIER "x", symbol->site);
	length = name->len;
	for (guint i = 2; g_hash_table_contains(used, name->str); i++) {
		g_string_truncate(name, length);
		g_string_append_printf(name, "#%u", i);
	}
	return g_string_free(g_steal_pointer(&name), FALSE);
}

void
gait_program_derive_names(GaitProgram *program)
{
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < program->roles->len; i++) {
		GaitRole *role = gait_program_get_role(program, i);
		const GaitSymbol *creation = gait_program_get_symbol(program, role->creation);

		g_free(role->name);
		role->name = NULL;
		if (role->parent == GAIT_NONE || !creation)
			role->name = g_strdup("main");
		else
			role->name = name_role(gait_program_get_role(program, role->parent)->name,
			                       creation, used);
		g_hash_table_add(used, role->name);
	}
}
