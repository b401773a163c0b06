/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes nearest to a violation among all that was learned. For each kind that is something
 * else: a call out of sequence has a way that leads to it, an unknown call site has known ones, a
 * call out of phase has its phases, an unknown program has programs that run it.
 */
#include "model/explain-private.h"

#include "model/model-private.h"
#include "sysgait/syscall.h"

#include <stdarg.h>
#include <string.h>

#define MAX_LISTED 4 /* of anything */
#define MAX_STEPS  6 /* of a way that are spelled out */

typedef struct {
	const GaitModel *model;
	const GaitProgram *program;
	const GaitLibrary *library; /* NULL: none of the program's */
	const GaitLogRecord *record;
	const GaitResolved *at;
	GPtrArray *out;
} Search;

static void G_GNUC_PRINTF(2, 3) say(const Search *search, const char *format, ...)
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
dup_state(const Search *search, guint32 state)
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
say_path(const Search *search, const GPtrArray *path)
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
	say(search,
	    "the shortest learned way from there to %s: after %s, %s; its rarest step was taken "
	    "%" G_GUINT64_FORMAT " times, %s",
	    search->record->kind == GAIT_VERDICT_SEQUENCE ? "it" : "a known call of this sort",
	    from, steps->str, weakest(path)->count, runs);
}

/* Whether a way was found from where the library stood to one of the targets. */
static gboolean
say_way(const Search *search, const guint8 *is_target)
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
static void
say_predecessors(const Search *search)
{
	g_autoptr(GPtrArray) edges = g_ptr_array_new();
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < search->library->edges->len; i++) {
		GaitEdge *edge = g_ptr_array_index(search->library->edges, i);

		if (edge->to == GAIT_STATE_FIRST + search->at->symbol)
			g_ptr_array_add(edges, edge);
	}
	g_ptr_array_sort(edges, compare_counts);
	for (guint i = 0; i < MIN(edges->len, MAX_LISTED); i++) {
		const GaitEdge *edge = g_ptr_array_index(edges, i);
		g_autofree char *from = dup_state(search, edge->from);
		g_autofree char *runs = gait_explain_dup_runs(search->model, edge->n_runs);

		g_string_append_printf(text, "%s%s (%" G_GUINT64_FORMAT " times, %s)",
		                       i ? "; " : "", from, edge->count, runs);
	}
	if (edges->len > MAX_LISTED)
		g_string_append_printf(text, "; and %u more", edges->len - MAX_LISTED);
	if (edges->len > 0)
		say(search, "in training it came after: %s", text->str);
}

static void
near_sequence(const Search *search)
{
	g_autofree guint8 *is_target = NULL;

	if (!search->library || search->at->symbol == GAIT_NONE)
		return;
	is_target = g_malloc0(search->library->symbols->len + 1);
	is_target[search->at->symbol] = TRUE;
	if (!say_way(search, is_target) && search->at->from != GAIT_NONE)
		say(search, "no learned way leads from there to it");
	say_predecessors(search);
}

/* --- places ---------------------------------------------------------------------------------- */

/* Symbols of a library that fit, as a list; returns how many. */
static guint
list_symbols(const Search *search, guint32 library, gboolean is_same_class, GString *text)
{
	const GaitLibrary *found = gait_program_get_library(search->program, library);
	guint n = 0;

	for (guint32 i = 0; i < found->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(found->symbols, i);
		g_autofree char *name = NULL, *runs = NULL;

		if (symbol->nr != search->record->nr ||
		    (symbol->klass == search->record->klass) != is_same_class)
			continue;
		if (n++ >= MAX_LISTED)
			continue;
		name = gait_explain_dup_symbol(search->model, search->program,
		                               (GaitSymbolRef){library, i});
		runs = gait_explain_dup_runs(search->model, symbol->n_runs);
		g_string_append_printf(text, "%s%s (%" G_GUINT64_FORMAT " times, %s)",
		                       n > 1 ? "; " : "", name, symbol->count, runs);
	}
	if (n > MAX_LISTED)
		g_string_append_printf(text, "; and %u more", n - MAX_LISTED);
	return n;
}

static gboolean
is_same_function(const GaitSymbol *symbol, const GaitLogPlace *site)
{
	return symbol->function && site->function && strcmp(symbol->function, site->function) == 0;
}

/* Other calls that the function at the site makes. */
static void
say_neighbours(const Search *search)
{
	g_autoptr(GString) text = g_string_new(NULL);
	guint n = 0;

	for (guint32 i = 0; i < search->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(search->library->symbols, i);
		g_autofree char *name = NULL;

		if (!is_same_function(symbol, &search->record->site) || n++ >= MAX_LISTED)
			continue;
		name = gait_explain_dup_symbol(search->model, search->program,
		                               (GaitSymbolRef){search->at->library, i});
		g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", name);
	}
	if (n > 0)
		say(search, "what %s was seen to call: %s%s", search->record->site.function,
		    text->str, n > MAX_LISTED ? " and more" : "");
	else if (search->record->site.function)
		say(search, "%s made no system call in any training run",
		    search->record->site.function);
}

static gboolean
say_nearest_place(const Search *search, gboolean is_same_class)
{
	g_autofree guint8 *is_target = g_malloc0(search->library->symbols->len + 1);

	for (guint32 i = 0; i < search->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(search->library->symbols, i);

		is_target[i] = symbol->nr == search->record->nr &&
		               (symbol->klass == search->record->klass) == is_same_class;
	}
	return say_way(search, is_target);
}

/* Where this library makes the call; else with other arguments. */
static gboolean
near_in_library(const Search *search)
{
	for (int same = 1; same >= 0 && search->library; same--) {
		g_autoptr(GString) text = g_string_new(NULL);

		if (list_symbols(search, search->at->library, same, text) == 0)
			continue;
		say(search, "this library makes %s: %s",
		    same ? "this call" : "it with other arguments", text->str);
		return TRUE;
	}
	return FALSE;
}

/* Where else the library makes the call is what was allowed. */
static void
near_site(const Search *search)
{
	if (!search->library)
		return;
	if (!say_nearest_place(search, TRUE))
		near_in_library(search);
	say_neighbours(search);
}

/* Which other libraries of the program make the call. */
static gboolean
near_in_program(const Search *search, gboolean is_same_class)
{
	guint n = 0;

	for (guint32 l = 0; l < search->program->libraries->len; l++) {
		const GaitLibrary *library = gait_program_get_library(search->program, l);
		g_autoptr(GString) text = g_string_new(NULL);

		if (l == search->at->library || list_symbols(search, l, is_same_class, text) == 0 ||
		    n++ >= MAX_LISTED)
			continue;
		say(search, "%s makes it%s: %s",
		    gait_model_module_name(search->model, library->module),
		    is_same_class ? "" : " with other arguments", text->str);
	}
	return n > 0;
}

static void
near_library(const Search *search)
{
	if (!search->library)
		say(search, "in training this library made no call at all in this program");
	else if (!near_in_library(search))
		say(search, "this library never made it with other arguments either");
	near_in_program(search, TRUE);
}

/* Whether some other program of the model makes the call. */
static void
near_in_model(const Search *search)
{
	for (guint i = 0; i < search->model->programs->len; i++) {
		const GaitProgram *other = gait_model_get_program(search->model, i);

		if (other != search->program && gait_calls_find(other->calls, search->record->nr,
		                                                search->record->klass) != GAIT_NONE)
			say(search, "%s, which the model knows too, makes this call", other->path);
	}
}

static void
near_syscall(const Search *search)
{
	gboolean is_near = near_in_library(search);

	is_near = near_in_program(search, FALSE) || is_near;
	if (!is_near)
		say(search, "nothing: the program never made %s with other arguments either",
		    gait_syscall_name(search->record->nr));
	near_in_model(search);
}

/* --- phases, instructions, programs, tasks --------------------------------------------------- */

static void
near_phase(const Search *search)
{
	guint32 call =
	    gait_calls_find(search->program->calls, search->record->nr, search->record->klass);
	const GaitRole *role;
	guint n = 0;

	if (search->at->role == GAIT_NONE || call == GAIT_NONE)
		return;
	role = gait_program_get_role(search->program, search->at->role);
	for (guint32 p = 0; p < role->phases->len; p++) {
		const GaitPhase *phase = g_ptr_array_index(role->phases, p);
		g_autofree char *since = NULL;

		if (!gait_numbers_contain(phase->allowed, call) || n++ >= MAX_LISTED)
			continue;
		since = phase->milestone == GAIT_NONE
		            ? g_strdup("its start")
		            : gait_explain_dup_symbol(
		                  search->model, search->program,
		                  g_array_index(role->symbols, GaitSymbolRef, phase->milestone));
		say(search,
		    "%s makes it in phase %u, which begins with %s and takes %.1f%% of its life",
		    role->name, p + 1, since, 100 * phase->time_share);
	}
	if (n == 0)
		say(search, "%s never makes it, in whichever phase; other roles do", role->name);
	near_in_library(search);
}

static void
near_issuer(const Search *search)
{
	const GArray *issuers = search->program->issuers;
	guint n = 0;

	for (guint i = 0; i < issuers->len; i++) {
		const GaitIssuer *issuer = &g_array_index(issuers, GaitIssuer, i);
		g_autofree char *runs = NULL;

		if (issuer->nr != search->record->nr || n++ >= MAX_LISTED)
			continue;
		runs = gait_explain_dup_runs(search->model, issuer->n_runs);
		say(search,
		    "it is issued by the instruction before %s+0x%" G_GINT64_MODIFIER "x, %s",
		    gait_model_module_name(search->model, issuer->module), issuer->offset, runs);
	}
	near_in_library(search);
}

static void
near_exec(const Search *search)
{
	const char *path = search->record->exec_path;
	guint32 exec = path ? gait_model_find_program(search->model, path) : GAIT_NONE;

	if (exec == GAIT_NONE) {
		say(search,
		    "no training run had %s in it, so the model does not know what it may do",
		    path ? path : "that program");
		return;
	}
	for (guint i = 0; i < search->model->programs->len; i++) {
		const GaitProgram *other = gait_model_get_program(search->model, i);

		if (gait_numbers_contain(other->execs, exec))
			say(search, "%s runs it", other->path);
	}
}

static void
near_role(const Search *search)
{
	for (guint32 r = 1; r < search->program->roles->len; r++) {
		const GaitRole *role = gait_program_get_role(search->program, r);
		const GaitRole *creator = gait_program_get_role(search->program, role->parent);
		g_autofree char *name = NULL, *runs = NULL;

		if (search->out->len >= MAX_LISTED)
			return;
		name = gait_explain_dup_symbol(search->model, search->program, role->creation);
		runs = gait_explain_dup_runs(search->model, role->n_runs);
		say(search, "%s makes %s by %s (%" G_GUINT64_FORMAT " times, %s)", creator->name,
		    role->name, name, role->n_instances, runs);
	}
	if (search->program->roles->len < 2)
		say(search, "in training the program made no task at all");
}

void
gait_explain_nearest(const GaitModel *model, const GaitLogRecord *record, const GaitResolved *at,
                     GPtrArray *nearest)
{
	static void (*const near[GAIT_VERDICT_N_])(const Search *search) = {
	    [GAIT_VERDICT_SYSCALL] = near_syscall, [GAIT_VERDICT_ISSUER] = near_issuer,
	    [GAIT_VERDICT_LIBRARY] = near_library, [GAIT_VERDICT_PHASE] = near_phase,
	    [GAIT_VERDICT_SITE] = near_site,       [GAIT_VERDICT_SEQUENCE] = near_sequence,
	    [GAIT_VERDICT_EXEC] = near_exec,       [GAIT_VERDICT_ROLE] = near_role,
	};
	Search search = {model, NULL, NULL, record, at, nearest};

	if (at->program == GAIT_NONE || record->arch || !near[record->kind])
		return;
	search.program = gait_model_get_program(model, at->program);
	if (at->library != GAIT_NONE && !at->is_stale)
		search.library = gait_program_get_library(search.program, at->library);
	near[record->kind](&search);
}
