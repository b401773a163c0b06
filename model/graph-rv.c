/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library's automaton for the kernel's runtime verification tools (rvgen, once dot2k), which read
 * a restricted DOT line by line: nodes first, then the initial state, then the rest, all names C
 * identifiers.
 *
 * Such an automaton is deterministic, has one initial state and no stack. Ours is deterministic as
 * it is, for an event (a call from a site) is the name of the state it leads to. What it has beyond
 * that is refused or said: calls in signal handlers, which interrupt and resume, are refused; a
 * task that inherits its creator's state begins in the initial one, which so has what may follow
 * any of the inherited ones; a call that does not move a walker loops in every state.
 */
#include "graph-private.h"
#include "sysgait/contexts.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"
#include "sysgait/walk-table.h"

#include <string.h>

/* The kernel keeps 32 bytes of a name (MAX_DA_NAME_LEN of include/linux/rv.h), 24 in older ones.
 * States and events become enumerators of one scope, so a state has a prefix. */
#define MAX_NAME     31
#define STATE_PREFIX "at_"
#define INITIAL      "start"

typedef struct {
	const GaitModel *model;
	const GaitLibrary *library;
	guint32 library_index, role;
	GaitGraphFold fold;
	GPtrArray *events; /* char*: of each symbol of the library that the role makes, else NULL */
	GPtrArray *states; /* char*: distinct names of events that lead to a state, in order */
	GPtrArray *loops;  /* char*: distinct names of events that lead nowhere */
	GHashTable *names; /* of an event, to itself */
	GHashTable *follows; /* "from\nto" → itself, names of events; from INITIAL, too */
	GPtrArray *edges;    /* the same, in order */
} Monitor;

static gboolean
stays(const Monitor *monitor, const GaitSymbol *symbol)
{
	const char *name = gait_model_module_name(monitor->model, monitor->library->module);

	return gait_walk_symbol_flags(symbol->nr, name) & (GAIT_WALK_STAYS | GAIT_WALK_CONTINUES);
}

/* "openat_241_442cb": number of the class where it has one, then the site. */
static char *
dup_event(const Monitor *monitor, const GaitSymbol *symbol, guint32 index)
{
	g_autoptr(GString) name = g_string_new(gait_syscall_name(symbol->nr));
	gsize room = MAX_NAME - strlen(STATE_PREFIX);

	if (symbol->klass)
		g_string_append_printf(name, "_%x", symbol->klass);
	if (monitor->fold == GAIT_GRAPH_FOLD_NONE)
		g_string_append_printf(name, "_%" G_GINT64_MODIFIER "x", symbol->site);
	g_strcanon(name->str, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');
	/* Too long a name ends with numbers that no other has; x and n are no digits of a site. */
	if (name->len > room && monitor->fold == GAIT_GRAPH_FOLD_NONE)
		return g_strdup_printf("%.12s_x%u", name->str, index);
	if (name->len > room)
		return g_strdup_printf("%.12s_n%u_%x", name->str, symbol->nr, symbol->klass);
	return g_string_free(g_steal_pointer(&name), FALSE);
}

static void
add_event(Monitor *monitor, guint32 index)
{
	const GaitSymbol *symbol = g_ptr_array_index(monitor->library->symbols, index);
	char *name = dup_event(monitor, symbol, index);
	char *known = g_hash_table_lookup(monitor->names, name);

	if (known) {
		g_free(name);
		name = known;
	} else {
		g_hash_table_add(monitor->names, name);
		g_ptr_array_add(stays(monitor, symbol) ? monitor->loops : monitor->states, name);
	}
	monitor->events->pdata[index] = name;
}

static void
add_events(Monitor *monitor, const GaitRole *role)
{
	for (guint32 i = 0; i < role->symbols->len; i++) {
		GaitSymbolRef ref = g_array_index(role->symbols, GaitSymbolRef, i);

		if (ref.library == monitor->library_index)
			add_event(monitor, ref.symbol);
	}
}

/* --- edges --------------------------------------------------------------------------------------
 */

static void
add_edge(Monitor *monitor, const char *from, const char *to)
{
	char *key = g_strdup_printf("%s\n%s", from, to);

	if (g_hash_table_contains(monitor->follows, key)) {
		g_free(key);
		return;
	}
	g_hash_table_add(monitor->follows, key);
	g_ptr_array_add(monitor->edges, key);
}

static gboolean
is_of_role(const GaitEdge *edge, guint32 role)
{
	/* One accepted by hand may have been seen in no role. */
	if (edge->roles->len == 0)
		return TRUE;
	for (guint i = 0; i < edge->roles->len; i++)
		if (g_array_index(edge->roles, GaitRoleCount, i).role == role)
			return TRUE;
	return FALSE;
}

/* Whether a state of the library is one that the role's own calls lead to. */
static gboolean
is_state(const Monitor *monitor, guint32 state)
{
	guint32 symbol = state - GAIT_STATE_FIRST;

	return state >= GAIT_STATE_FIRST && monitor->events->pdata[symbol] &&
	       !stays(monitor, g_ptr_array_index(monitor->library->symbols, symbol));
}

/* What follows a call that was accepted by hand is not known: anything may. */
static void
open_amended(Monitor *monitor)
{
	for (guint32 i = 0; i < monitor->library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(monitor->library->symbols, i);
		const char *from = monitor->events->pdata[i];

		if (!from || !symbol->is_amended || stays(monitor, symbol))
			continue;
		for (guint k = 0; k < monitor->states->len; k++)
			add_edge(monitor, from, monitor->states->pdata[k]);
	}
}

static gboolean
add_edges(Monitor *monitor, const GaitRole *role, GError **error)
{
	for (guint32 i = 0; i < monitor->library->edges->len; i++) {
		const GaitEdge *edge = g_ptr_array_index(monitor->library->edges, i);

		if (!is_state(monitor, edge->to) || !is_of_role(edge, monitor->role))
			continue;
		if (edge->from == GAIT_STATE_SIGNAL) {
			g_set_error(
			    error, GAIT_MODEL_ERROR, GAIT_ERROR_UNSUPPORTED,
			    "%s makes calls of this library in signal handlers, which "
			    "interrupt and resume: an automaton of rv has no stack for that",
			    role->name);
			return FALSE;
		}
		add_edge(monitor,
		         is_state(monitor, edge->from)
		             ? monitor->events->pdata[edge->from - GAIT_STATE_FIRST]
		             : INITIAL,
		         monitor->events->pdata[edge->to - GAIT_STATE_FIRST]);
	}
	open_amended(monitor);
	return TRUE;
}

/* --- text ---------------------------------------------------------------------------------------
 */

static void
append_state(GString *out, const char *event)
{
	if (event == NULL)
		g_string_append(out, "\"" INITIAL "\"");
	else
		g_string_append_printf(out, "\"" STATE_PREFIX "%s\"", event);
}

static void
print_nodes(const Monitor *monitor, GString *out)
{
	g_string_append(out, "digraph state_automaton {\n");
	for (guint i = 0; i < monitor->states->len; i++) {
		g_string_append(out, "\t{node [shape = circle] ");
		append_state(out, monitor->states->pdata[i]);
		g_string_append(out, "};\n");
	}
	g_string_append(
	    out, "\t{node [shape = plaintext, style=invis, label=\"\"] \"__init_" INITIAL "\"};\n"
	         "\t{node [shape = doublecircle] \"" INITIAL "\"};\n"
	         "\t{node [shape = circle] \"" INITIAL "\"};\n"
	         "\t\"__init_" INITIAL "\" -> \"" INITIAL "\";\n");
}

static void
append_event(GString *label, const char *event)
{
	g_string_append_printf(label, "%s%s", label->len ? "\\n" : "", event);
}

/* What leads from a state (NULL: the initial one) to itself. */
static void
print_loops(const Monitor *monitor, const char *state, GString *out)
{
	g_autofree char *key = state ? g_strdup_printf("%s\n%s", state, state) : NULL;
	g_autoptr(GString) label = g_string_new(NULL);

	if (key && g_hash_table_contains(monitor->follows, key))
		append_event(label, state);
	for (guint i = 0; i < monitor->loops->len; i++)
		append_event(label, monitor->loops->pdata[i]);
	g_string_append_c(out, '\t');
	append_state(out, state);
	g_string_append(out, " [label = ");
	append_state(out, state);
	g_string_append(out, "];\n");
	if (label->len == 0)
		return;
	g_string_append_c(out, '\t');
	append_state(out, state);
	g_string_append(out, " -> ");
	append_state(out, state);
	g_string_append_printf(out, " [ label = \"%s\" ];\n", label->str);
}

static void
print_edges(const Monitor *monitor, GString *out)
{
	print_loops(monitor, NULL, out);
	for (guint i = 0; i < monitor->states->len; i++)
		print_loops(monitor, monitor->states->pdata[i], out);
	for (guint i = 0; i < monitor->edges->len; i++) {
		g_auto(GStrv) ends = g_strsplit(monitor->edges->pdata[i], "\n", 2);

		if (g_str_equal(ends[0], ends[1]))
			continue;
		g_string_append_c(out, '\t');
		append_state(out, g_str_equal(ends[0], INITIAL) ? NULL : ends[0]);
		g_string_append(out, " -> ");
		append_state(out, ends[1]);
		g_string_append_printf(out, " [ label = \"%s\" ];\n", ends[1]);
	}
	g_string_append(out, "\t{ rank = min ;\n\t\t\"__init_" INITIAL "\";\n\t\t\"" INITIAL
	                     "\";\n\t}\n}\n");
}

GString *
gait_graph_print_rv(const GaitModel *model, const GaitProgram *program, guint32 library,
                    guint32 role, GaitGraphFold fold, GError **error)
{
	Monitor monitor = {.model = model,
	                   .library = gait_program_get_library(program, library),
	                   .library_index = library,
	                   .role = role,
	                   .fold = fold};
	const GaitRole *of = gait_program_get_role(program, role);
	g_autoptr(GString) out = g_string_new(NULL);
	gboolean is_done;

	monitor.events = g_ptr_array_new();
	g_ptr_array_set_size(monitor.events, (gint)monitor.library->symbols->len);
	monitor.states = g_ptr_array_new();
	monitor.loops = g_ptr_array_new();
	monitor.edges = g_ptr_array_new();
	monitor.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	monitor.follows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	add_events(&monitor, of);
	is_done = add_edges(&monitor, of, error);
	if (is_done && monitor.edges->len == 0) {
		is_done = FALSE;
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "%s makes no sequence of calls in this library", of->name);
	}
	if (is_done) {
		print_nodes(&monitor, out);
		print_edges(&monitor, out);
	}
	g_ptr_array_unref(monitor.events);
	g_ptr_array_unref(monitor.states);
	g_ptr_array_unref(monitor.loops);
	g_ptr_array_unref(monitor.edges);
	g_hash_table_unref(monitor.names);
	g_hash_table_unref(monitor.follows);
	return is_done ? g_steal_pointer(&out) : NULL;
}
