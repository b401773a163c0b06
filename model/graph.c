/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawings of a model: resolves what is to be drawn (a program, a library, a role, by names that a
 * person types) and hands it to the view. Draws nothing itself.
 */
#include "graph-private.h"
#include "sysgait/text.h"

#include <string.h>

/* How well a name fits what was asked for: a better fit rules out all lesser ones. */
typedef enum {
	FIT_NONE,
	FIT_PREFIX,
	FIT_NAME,
	FIT_EXACT,
} Fit;

static Fit
fit_name(const char *asked, const char *path)
{
	const char *name = gait_text_basename(path);

	if (strcmp(path, asked) == 0)
		return FIT_EXACT;
	if (strcmp(name, asked) == 0)
		return FIT_NAME;
	if (*asked && (g_str_has_prefix(name, asked) || g_str_has_prefix(path, asked)))
		return FIT_PREFIX;
	return FIT_NONE;
}

/* A thing that a name may mean: roles and libraries belong to a program. */
typedef struct {
	guint32 program, index;
	const char *name;     /* path of a program or module, or a role's name */
	const char *build_id; /* of a module, else NULL */
} Candidate;

static GArray *
collect_libraries(const GaitModel *model, guint32 program)
{
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

	for (guint32 i = 0; i < model->programs->len; i++) {
		const GaitProgram *p = gait_model_get_program(model, i);

		for (guint32 l = 0; l < p->libraries->len && (program == GAIT_NONE || program == i);
		     l++) {
			const GaitModelModule *module = g_ptr_array_index(
			    model->modules, gait_program_get_library(p, l)->module);
			Candidate candidate = {i, l, module->path, module->build_id};

			g_array_append_val(candidates, candidate);
		}
	}
	return candidates;
}

static GArray *
collect_roles(const GaitModel *model, guint32 program)
{
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

	for (guint32 i = 0; i < model->programs->len; i++) {
		const GaitProgram *p = gait_model_get_program(model, i);

		for (guint32 r = 0; r < p->roles->len && (program == GAIT_NONE || program == i);
		     r++) {
			Candidate candidate = {i, r, gait_program_get_role(p, r)->name, NULL};

			g_array_append_val(candidates, candidate);
		}
	}
	return candidates;
}

static GArray *
collect_programs(const GaitModel *model)
{
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

	for (guint32 i = 0; i < model->programs->len; i++) {
		Candidate candidate = {i, i, gait_model_get_program(model, i)->path, NULL};

		g_array_append_val(candidates, candidate);
	}
	return candidates;
}

static Fit
fit_candidate(const char *asked, const Candidate *candidate)
{
	Fit fit = fit_name(asked, candidate->name);

	/* Two builds of a library have one name. */
	if (fit == FIT_NONE && candidate->build_id && strlen(asked) >= 6 &&
	    g_str_has_prefix(candidate->build_id, asked))
		return FIT_PREFIX;
	return fit;
}

static void
append_candidate(GString *list, const GaitModel *model, const Candidate *candidate)
{
	g_string_append(list, "\n  ");
	gait_graph_append_plain(list, candidate->name, GAIT_GRAPH_MAX_TIP);
	if (candidate->build_id && *candidate->build_id)
		g_string_append_printf(list, "  (build-id %.12s)", candidate->build_id);
	if (candidate->name != gait_model_get_program(model, candidate->program)->path) {
		g_string_append(list, "  in ");
		gait_graph_append_plain(list,
		                        gait_model_get_program(model, candidate->program)->path,
		                        GAIT_GRAPH_MAX_TIP);
	}
}

/*
 * The one candidate that asked means; NULL with error where there is none, or more than one. what
 * is "library", say; hint says how to choose.
 */
static const Candidate *
choose(const GaitModel *model, GArray *candidates, const char *what, const char *asked,
       const char *hint, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);
	Fit best = FIT_NONE;
	guint n_best = 0;
	const Candidate *chosen = NULL;

	for (guint i = 0; i < candidates->len; i++) {
		const Candidate *candidate = &g_array_index(candidates, Candidate, i);
		Fit fit = fit_candidate(asked, candidate);

		if (fit > best) {
			best = fit;
			n_best = 0;
		}
		if (fit == best && fit != FIT_NONE) {
			chosen = candidate;
			n_best++;
		}
	}
	if (n_best == 1)
		return chosen;
	for (guint i = 0; i < candidates->len; i++) {
		const Candidate *candidate = &g_array_index(candidates, Candidate, i);

		if (fit_candidate(asked, candidate) == best)
			append_candidate(list, model, candidate);
	}
	if (n_best == 0)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		            "the model has no %s '%s'; it has:%s", what, asked, list->str);
	else
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		            "'%s' means more than one %s; %s:%s", asked, what, hint, list->str);
	return NULL;
}

typedef struct {
	guint32 program, library, role;
} Selection;

static gboolean
select_program(const GaitModel *model, const GaitGraphOptions *options, Selection *selection,
               GError **error)
{
	g_autoptr(GArray) programs = collect_programs(model);
	const Candidate *chosen;

	if (!options->program)
		return TRUE;
	chosen = choose(model, programs, "program", options->program, "give its path", error);
	if (!chosen)
		return FALSE;
	selection->program = chosen->program;
	return TRUE;
}

static gboolean
select_library(const GaitModel *model, const GaitGraphOptions *options, Selection *selection,
               GError **error)
{
	g_autoptr(GArray) libraries = collect_libraries(model, selection->program);
	const Candidate *chosen;

	if (options->view != GAIT_GRAPH_LIBRARY)
		return TRUE;
	g_assert(options->library);
	chosen = choose(model, libraries, "library", options->library,
	                "give its path, its build-id or --program", error);
	if (!chosen)
		return FALSE;
	selection->program = chosen->program;
	selection->library = chosen->index;
	return TRUE;
}

static gboolean
select_role(const GaitModel *model, const GaitGraphOptions *options, Selection *selection,
            GError **error)
{
	g_autoptr(GArray) roles = collect_roles(model, selection->program);
	const Candidate *chosen;

	if (!options->role)
		return TRUE;
	chosen =
	    choose(model, roles, "role", options->role, "give its whole name or --program", error);
	if (!chosen)
		return FALSE;
	selection->program = chosen->program;
	selection->role = chosen->index;
	return TRUE;
}

static GString *
print_rv(const GaitModel *model, const GaitGraphOptions *options, Selection *selection,
         GError **error)
{
	const GaitProgram *program = gait_model_get_program(model, selection->program);
	g_autoptr(GArray) roles = collect_roles(model, selection->program);
	g_autoptr(GString) list = g_string_new(NULL);

	if (selection->role == GAIT_NONE && roles->len > 1) {
		for (guint i = 0; i < roles->len; i++)
			append_candidate(list, model, &g_array_index(roles, Candidate, i));
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		            "an automaton of rv is of one kind of task; choose with --role:%s",
		            list->str);
		return NULL;
	}
	return gait_graph_print_rv(model, program, selection->library,
	                           selection->role == GAIT_NONE ? 0 : selection->role,
	                           options->fold, error);
}

static GaitDot *
draw(const GaitModel *model, const GaitGraphOptions *options, const Selection *selection,
     const GaitUnion *both)
{
	const GaitGraphLibraryOptions detail = {.role = selection->role,
	                                        .fold = options->fold,
	                                        .has_runs = !options->is_full,
	                                        .both = both};

	switch (options->view) {
	case GAIT_GRAPH_OVERVIEW:
	case GAIT_GRAPH_PHASES:
		return gait_graph_draw_phases(model, selection->program, selection->role,
		                              options->view == GAIT_GRAPH_OVERVIEW, both);
	case GAIT_GRAPH_LIBRARY:
		return gait_graph_draw_library(model,
		                               gait_model_get_program(model, selection->program),
		                               selection->library, &detail);
	case GAIT_GRAPH_ROLES:
		return gait_graph_draw_roles(model, selection->program);
	case GAIT_GRAPH_N_:
		break;
	}
	g_assert_not_reached();
}

const char *
gait_graph_format_name(GaitGraphFormat format)
{
	static const char *const names[GAIT_GRAPH_FORMAT_N_] = {
	    [GAIT_GRAPH_DOT] = "dot",
	    [GAIT_GRAPH_SVG] = "svg",
	    [GAIT_GRAPH_PNG] = "png",
	};

	return names[format];
}

const char *
gait_graph_fold_name(GaitGraphFold fold)
{
	static const char *const names[GAIT_GRAPH_FOLD_N_] = {
#define NAME(value, name) [value] = name,
	    GAIT_GRAPH_FOLDS(NAME)
#undef NAME
	};

	return names[fold];
}

GString *
gait_graph_print(const GaitModel *model, const GaitGraphOptions *options, GError **error)
{
	Selection selection = {GAIT_NONE, GAIT_NONE, GAIT_NONE};
	g_autoptr(GaitUnion) both = NULL;

	if (options->before) {
		both = gait_union_new(options->before, model, options->names, error);
		if (!both)
			return NULL;
		model = both->model;
	}
	/* In this order: each narrows the next. */
	if (!select_program(model, options, &selection, error) ||
	    !select_library(model, options, &selection, error) ||
	    !select_role(model, options, &selection, error))
		return NULL;
	if (options->is_rv)
		return print_rv(model, options, &selection, error);
	g_autoptr(GaitDot) dot = draw(model, options, &selection, both);
	if (options->format == GAIT_GRAPH_DOT)
		return gait_dot_print(dot);
	return gait_dot_render(dot, gait_graph_format_name(options->format), error);
}
