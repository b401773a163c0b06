/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all drawings have in common: danger, fonts, and the question in which phase of a role a
 * symbol belongs.
 */
#include "graph-private.h"
#include "model/life.h"
#include "sysgait/syscall.h"

gboolean
gait_graph_is_dangerous(guint32 nr)
{
	return gait_syscall_danger(nr) > 0.5;
}

GaitDot *
gait_graph_new_dot(const char *name, const char *title_html)
{
	static const struct {
		GaitDotKind kind;
		const char *attribute, *value;
	} defaults[] = {
	    {GAIT_DOT_GRAPH, "fontname", "Helvetica"}, {GAIT_DOT_GRAPH, "fontsize", "13"},
	    {GAIT_DOT_GRAPH, "labelloc", "t"},         {GAIT_DOT_GRAPH, "labeljust", "l"},
	    {GAIT_DOT_GRAPH, "bgcolor", "white"},      {GAIT_DOT_GRAPH, "pad", "0.3"},
	    {GAIT_DOT_NODE, "fontname", "Helvetica"},  {GAIT_DOT_NODE, "fontsize", "11"},
	    {GAIT_DOT_NODE, "shape", "plain"},         {GAIT_DOT_EDGE, "fontname", "Helvetica"},
	    {GAIT_DOT_EDGE, "fontsize", "9"},          {GAIT_DOT_EDGE, "arrowsize", "0.7"},
	};
	GaitDot *dot = gait_dot_new(name);

	for (guint i = 0; i < G_N_ELEMENTS(defaults); i++)
		gait_dot_set_default(dot, defaults[i].kind, defaults[i].attribute,
		                     defaults[i].value);
	gait_dot_set_html(gait_dot_get_root(dot), "label", title_html);
	return dot;
}

static gint
compare_refs(gconstpointer a, gconstpointer b)
{
	const GaitSymbolRef *x = a, *y = b;

	if (x->library != y->library)
		return x->library < y->library ? -1 : 1;
	if (x->symbol != y->symbol)
		return x->symbol < y->symbol ? -1 : 1;
	return 0;
}

guint32
gait_graph_find_in_role(const GaitRole *role, GaitSymbolRef ref)
{
	guint index;

	if (!g_array_binary_search(role->symbols, &ref, compare_refs, &index))
		return GAIT_NONE;
	return index;
}

/* What some instance did before it reached this milestone. */
static const guint64 *
row_before(const GaitRole *role, guint32 milestone)
{
	guint32 candidate = gait_role_find_candidate(role, milestone);

	return candidate == GAIT_NONE ? NULL : role->before + (gsize)candidate * role->row_words;
}

guint
gait_graph_first_phase(const GaitRole *role, guint32 symbol)
{
	for (guint phase = 0; phase + 1 < role->phases->len; phase++) {
		const GaitPhase *next = g_ptr_array_index(role->phases, phase + 1);
		const guint64 *before = row_before(role, next->milestone);

		if (before && gait_bit_test(before, symbol))
			return phase;
	}
	return role->phases->len > 0 ? role->phases->len - 1 : 0;
}

static gboolean
role_execs(const GaitProgram *program, const GaitRole *role)
{
	for (guint i = 0; i < role->symbols->len; i++) {
		const GaitSymbol *symbol = gait_program_get_symbol(
		    program, g_array_index(role->symbols, GaitSymbolRef, i));

		if (symbol && gait_syscall_is_exec(symbol->nr))
			return TRUE;
	}
	return FALSE;
}

guint32
gait_graph_find_exec_role(const GaitProgram *program)
{
	guint32 found = GAIT_NONE;

	for (guint32 r = 0; r < program->roles->len; r++) {
		if (!role_execs(program, gait_program_get_role(program, r)))
			continue;
		if (found != GAIT_NONE)
			return GAIT_NONE;
		found = r;
	}
	return found;
}

char *
gait_graph_dup_place(const GaitModel *model, const GaitProgram *program, GaitSymbolRef ref)
{
	const GaitSymbol *symbol = gait_program_get_symbol(program, ref);
	g_autofree char *site = symbol ? gait_graph_dup_site(symbol) : NULL;
	guint32 module;
	const char *name;

	if (!site)
		return g_strdup("start");
	module = gait_program_get_library(program, ref.library)->module;
	name = gait_model_module_name(model, module);
	if (!symbol->function && symbol->site)
		return g_strdup_printf("%s+%s", name, site);
	if (module == program->module)
		return g_steal_pointer(&site);
	return g_strdup_printf("%s, %s", site, name);
}
