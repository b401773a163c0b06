/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about ways through a library's automaton and about the places that a call is made from:
 * the parts of what is nearest that several kinds of violation share. */
#include "model/explain-private.h"

#include <stdarg.h>
#include <string.h>

#define MAX_STEPS 6 /* of a way that are spelled out */

void
gait_near_say(const GaitNear *search, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(search->out, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

char *
gait_explain_dup_runs(const GaitModel *model, guint32 n_runs)
{
	guint n = model->runs->len;

	if (n_runs == 0)
		return g_strdup("accepted by hand");
	if (n == 1)
		return g_strdup("in the one training run");
	if (n_runs == n)
		return g_strdup_printf("in all %u training runs", n);
	return g_strdup_printf("in %u of %u training runs", n_runs, n);
}

static const char *
state_name(guint32 state)
{
	return state == GAIT_STATE_START ? "the start" : "the start of a handler";
}

static char *
dup_state(const GaitNear *search, guint32 state)
{
	if (state < GAIT_STATE_FIRST)
		return g_strdup(state_name(state));
	return gait_explain_dup_symbol(
	    search->model, search->program,
	    (GaitSymbolRef){search->at->library, state - GAIT_STATE_FIRST});
}

/* --- ways ------------------------------------------------------------------------------------ */

/* What a way rests on: the step that the fewest runs took, then the rarest. */
static const GaitEdge *
weakest(const GPtrArray *path)
{
	const GaitEdge *found = g_ptr_array_index(path, 0);

	for (guint i = 1; i < path->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(path, i);

		if (edge->n_runs < found->n_runs ||
		    (edge->n_runs == found->n_runs && edge->count < found->count))
			found = edge;
	}
	return found;
}

/* "from X: A, then B, then C; each step in all 3 training runs" */
static void
say_path(const GaitNear *search, const GPtrArray *path)
{
	g_autoptr(GString) steps = g_string_new(NULL);
	g_autofree char *from = dup_state(search, ((GaitEdge *)g_ptr_array_index(path, 0))->from);
	g_autofree char *runs = gait_explain_dup_runs(search->model, weakest(path)->n_runs);

	for (guint i = 0; i < path->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(path, i);
		g_autofree char *to = dup_state(search, edge->to);

		if (path->len > MAX_STEPS && i == MAX_STEPS - 2)
			g_string_append_printf(steps, ", then %u more", path->len - MAX_STEPS + 1);
		if (path->len > MAX_STEPS && i >= MAX_STEPS - 2 && i + 1 < path->len)
			continue;
		g_string_append_printf(steps, "%s%s", i ? ", then " : "", to);
	}
	gait_near_say(
	    search,
	    "the shortest learned way from there to %s: after %s, %s; its rarest step was taken "
	    "%" G_GUINT64_FORMAT " times, %s",
	    search->record->kind == GAIT_VERDICT_SEQUENCE ? "it" : "a known call of this sort",
	    from, steps->str, weakest(path)->count, runs);
}

/* Whether a way was found from where the library stood to one of the targets. */
gboolean
gait_near_say_way(const GaitNear *search, const guint8 *is_target)
{
	g_autoptr(GPtrArray) path = NULL;

	if (search->at->from == GAIT_NONE)
		return FALSE;
	path = gait_explain_find_path(search->library, search->at->from, is_target);
	if (path)
		say_path(search, path);
	return path != NULL;
}

static int
compare_counts(gconstpointer a, gconstpointer b)
{
	guint64 x = (*(GaitEdge *const *)a)->count, y = (*(GaitEdge *const *)b)->count;

	return (x < y) - (x > y);
}

/* What the symbol was seen to follow, the most frequent first. */
void
gait_near_say_predecessors(const GaitNear *search)
{
	g_autoptr(GPtrArray) edges = g_ptr_array_new();
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < search->library->edges->len; i++) {
		GaitEdge *edge = g_ptr_array_index(search->library->edges, i);

		if (edge->to == GAIT_STATE_FIRST + search->at->symbol)
			g_ptr_array_add(edges, edge);
	}
	g_ptr_array_sort(edges, compare_counts);
	for (guint i = 0; i < MIN(edges->len, GAIT_NEAR_MAX_LISTED); i++) {
		const GaitEdge *edge = g_ptr_array_index(edges, i);
		g_autofree char *from = dup_state(search, edge->from);
		g_autofree char *runs = gait_explain_dup_runs(search->model, edge->n_runs);

		g_string_append_printf(text, "%s%s (%" G_GUINT64_FORMAT " times, %s)",
		                       i ? "; " : "", from, edge->count, runs);
	}
	if (edges->len > GAIT_NEAR_MAX_LISTED)
		g_string_append_printf(text, "; and %u more", edges->len - GAIT_NEAR_MAX_LISTED);
	if (edges->len > 0)
		gait_near_say(search, "in training it came after: %s", text->str);
}

/* --- places ---------------------------------------------------------------------------------- */

/* Symbols of a library that fit, as a list; returns how many. */
static guint
list_symbols(const GaitNear *search, guint32 library, gboolean is_same_class, GString *text)
{
	const GaitLibrary *found = gait_program_get_library(search->program, library);
	guint n = 0;

	for (guint32 i = 0; i < found->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(found->symbols, i);
		g_autofree char *name = NULL, *runs = NULL;

		if (symbol->nr != search->record->nr ||
		    (symbol->klass == search->record->klass) != is_same_class)
			continue;
		if (n++ >= GAIT_NEAR_MAX_LISTED)
			continue;
		name = gait_explain_dup_symbol(search->model, search->program,
		                               (GaitSymbolRef){library, i});
		runs = gait_explain_dup_runs(search->model, symbol->n_runs);
		g_string_append_printf(text, "%s%s (%" G_GUINT64_FORMAT " times, %s)",
		                       n > 1 ? "; " : "", name, symbol->count, runs);
	}
	if (n > GAIT_NEAR_MAX_LISTED)
		g_string_append_printf(text, "; and %u more", n - GAIT_NEAR_MAX_LISTED);
	return n;
}

static gboolean
is_same_function(const GaitSymbol *symbol, const GaitLogPlace *site)
{
	return symbol->function && site->function && strcmp(symbol->function, site->function) == 0;
}

/* Other calls that the function at the site makes. */
void
gait_near_say_neighbours(const GaitNear *search)
{
	g_autoptr(GString) text = g_string_new(NULL);
	guint n = 0;

	for (guint32 i = 0; i < search->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(search->library->symbols, i);
		g_autofree char *name = NULL;

		if (!is_same_function(symbol, &search->record->site) || n++ >= GAIT_NEAR_MAX_LISTED)
			continue;
		name = gait_explain_dup_symbol(search->model, search->program,
		                               (GaitSymbolRef){search->at->library, i});
		g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", name);
	}
	if (n > 0)
		gait_near_say(search, "what %s was seen to call: %s%s",
		              search->record->site.function, text->str,
		              n > GAIT_NEAR_MAX_LISTED ? " and more" : "");
	else if (search->record->site.function)
		gait_near_say(search, "%s made no system call in any training run",
		              search->record->site.function);
}

gboolean
gait_near_say_nearest_place(const GaitNear *search, gboolean is_same_class)
{
	g_autofree guint8 *is_target = g_malloc0(search->library->symbols->len + 1);

	for (guint32 i = 0; i < search->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(search->library->symbols, i);

		is_target[i] = symbol->nr == search->record->nr &&
		               (symbol->klass == search->record->klass) == is_same_class;
	}
	return gait_near_say_way(search, is_target);
}

/* Where this library makes the call; else with other arguments. */
gboolean
gait_near_in_library(const GaitNear *search)
{
	for (int same = 1; same >= 0 && search->library; same--) {
		g_autoptr(GString) text = g_string_new(NULL);

		if (list_symbols(search, search->at->library, same, text) == 0)
			continue;
		gait_near_say(search, "this library makes %s: %s",
		              same ? "this call" : "it with other arguments", text->str);
		return TRUE;
	}
	return FALSE;
}

/* Which other libraries of the program make the call. */
gboolean
gait_near_in_program(const GaitNear *search, gboolean is_same_class)
{
	guint n = 0;

	for (guint32 l = 0; l < search->program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(search->program, l);
		g_autoptr(GString) text = g_string_new(NULL);

		if (l == search->at->library || list_symbols(search, l, is_same_class, text) == 0 ||
		    n++ >= GAIT_NEAR_MAX_LISTED)
			continue;
		gait_near_say(search, "%s makes it%s: %s",
		              gait_model_module_name(search->model, library->module),
		              is_same_class ? "" : " with other arguments", text->str);
	}
	return n > 0;
}
