/* SPDX-License-Identifier: Apache-2.0 */
/* `sysgait graph`: draws a model. Options and output; what is drawn is graph.c's. */
#include "sysgait/command.h"
#include "sysgait/error.h"
#include "sysgait/graph.h"
#include "sysgait/output.h"

#include <string.h>

static const char summary[] =
    "Draws a model as DOT text, SVG or PNG; without a view, the whole of it: for each program\n"
    "its kinds of task (roles) as lanes, their phases with the calls allowed in each, and a table\n"
    "of its libraries. Then go into a library with --library.";

static const char description[] =
    "Examples:\n"
    "  sysgait graph nginx.gait -o nginx.svg\n"
    "  sysgait graph --diff old.gait nginx.gait -o changes.svg\n"
    "  sysgait graph nginx.gait --library libc.so.6 --role main -o libc.png\n"
    "  sysgait graph nginx.gait --roles | dot -Tpdf >roles.pdf\n"
    "\n"
    "A program, library or role is named in full or by the beginning of its name. Where the name\n"
    "fits none, or several, they are listed, and the exit status is 2.";

typedef struct {
	char *library, *program, *role, *fold, *before, *dialect, *format, *output;
	gboolean phases, roles, full;
	char **files;
} Arguments;

static void
arguments_clear(Arguments *arguments)
{
	g_free(arguments->library);
	g_free(arguments->program);
	g_free(arguments->role);
	g_free(arguments->fold);
	g_free(arguments->before);
	g_free(arguments->dialect);
	g_free(arguments->format);
	g_free(arguments->output);
	g_strfreev(arguments->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static gboolean
parse(int argc, char **argv, Arguments *arguments, GError **error)
{
	const GOptionEntry entries[] = {
	    {"library", 'l', 0, G_OPTION_ARG_STRING, &arguments->library,
	     "Draw one library's automaton", "NAME"},
	    {"phases", 'p', 0, G_OPTION_ARG_NONE, &arguments->phases, "Draw roles and phases alone",
	     NULL},
	    {"roles", 'r', 0, G_OPTION_ARG_NONE, &arguments->roles,
	     "Draw who creates and executes whom", NULL},
	    {"program", 0, 0, G_OPTION_ARG_STRING, &arguments->program, "Only this program",
	     "PATH"},
	    {"role", 0, 0, G_OPTION_ARG_STRING, &arguments->role, "Only this role", "NAME"},
	    {"fold", 0, 0, G_OPTION_ARG_STRING, &arguments->fold,
	     "With --library: one box for all sites of a syscall, of a function, or for each "
	     "(none, "
	     "the default)",
	     "syscall|function|none"},
	    {"diff", 0, 0, G_OPTION_ARG_FILENAME, &arguments->before,
	     "Draw what changed since this older model", "OLD"},
	    {"dialect", 0, 0, G_OPTION_ARG_STRING, &arguments->dialect,
	     "With --library: write the DOT that the kernel's runtime verification tools read",
	     "rv"},
	    {"full", 0, 0, G_OPTION_ARG_NONE, &arguments->full,
	     "With --library: a box for each call, instead of one for a straight run of them",
	     NULL},
	    {"type", 'T', 0, G_OPTION_ARG_STRING, &arguments->format,
	     "dot, svg or png; else what the name of the output ends with, else dot", "FORMAT"},
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &arguments->output,
	     "Write to FILE instead of standard output", "FILE"},
	    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->files, NULL, NULL},
	    G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("MODEL");

	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	return gait_command_parse(context, entries, &argc, &argv, error);
}

#define SEE_HELP "see `sysgait graph --help`"

/* What rv reads is one automaton, and no picture. */
static gboolean
check_dialect(const Arguments *arguments, GError **error)
{
	if (!arguments->dialect)
		return TRUE;
	if (strcmp(arguments->dialect, "rv") != 0)
		return gait_error_usage(error, "--dialect %s: the one other dialect is rv",
		                        arguments->dialect);
	if (!arguments->library || arguments->full || arguments->before)
		return gait_error_usage(
		    error, "--dialect rv is for --library, without --full and --diff; " SEE_HELP);
	if (arguments->format && strcmp(arguments->format, "dot") != 0)
		return gait_error_usage(error, "--dialect rv is text: leave out -T; " SEE_HELP);
	if (arguments->fold && strcmp(arguments->fold, "function") == 0)
		return gait_error_usage(
		    error, "--dialect rv has no room for names of functions: fold by syscall, or "
		           "not at all");
	return TRUE;
}

static gboolean
check(const Arguments *arguments, GError **error)
{
	if (!arguments->files || !arguments->files[0])
		return gait_error_usage(error, "which model?; " SEE_HELP);
	if (arguments->files[1])
		return gait_error_usage(
		    error, "one model at a time; `sysgait merge` makes one of several; " SEE_HELP);
	if ((arguments->library != NULL) + arguments->phases + arguments->roles > 1)
		return gait_error_usage(
		    error, "--library, --phases and --roles are different drawings; " SEE_HELP);
	if (arguments->full && !arguments->library)
		return gait_error_usage(error, "--full is for --library; " SEE_HELP);
	if (arguments->fold && !arguments->library)
		return gait_error_usage(error, "--fold is for --library; " SEE_HELP);
	if (arguments->before && arguments->roles)
		return gait_error_usage(
		    error, "--diff draws phases and libraries, and their roles: leave out "
		           "--roles; " SEE_HELP);
	if (arguments->roles && arguments->role)
		return gait_error_usage(error,
		                        "--roles draws all roles: leave out --role; " SEE_HELP);
	return TRUE;
}

/* The format of that name; GAIT_GRAPH_FORMAT_N_ where it is none. */
static GaitGraphFormat
find_format(const char *name)
{
	for (GaitGraphFormat i = 0; i < GAIT_GRAPH_FORMAT_N_; i++)
		if (strcmp(name, gait_graph_format_name(i)) == 0)
			return i;
	return GAIT_GRAPH_FORMAT_N_;
}

static gboolean
choose_format(const Arguments *arguments, GaitGraphFormat *format, GError **error)
{
	const char *ending = arguments->output ? strrchr(arguments->output, '.') : NULL;

	if (arguments->format) {
		*format = find_format(arguments->format);
		if (*format != GAIT_GRAPH_FORMAT_N_)
			return TRUE;
		return gait_error_usage(error,
		                        "-T %s: the formats are dot, svg and png; `sysgait graph … "
		                        "| dot -T%s` may render it",
		                        arguments->format, arguments->format);
	}
	*format = ending ? find_format(ending + 1) : GAIT_GRAPH_DOT;
	if (*format == GAIT_GRAPH_FORMAT_N_)
		*format = GAIT_GRAPH_DOT;
	return TRUE;
}

static gboolean
choose_fold(const Arguments *arguments, GaitGraphFold *fold, GError **error)
{
	*fold = GAIT_GRAPH_FOLD_NONE;
	if (!arguments->fold)
		return TRUE;
	for (*fold = 0; *fold < GAIT_GRAPH_FOLD_N_; (*fold)++)
		if (strcmp(arguments->fold, gait_graph_fold_name(*fold)) == 0)
			return TRUE;
	return gait_error_usage(
	    error, "--fold %s: sites are folded by syscall, by function, or not at all (none)",
	    arguments->fold);
}

static GaitGraphView
choose_view(const Arguments *arguments)
{
	if (arguments->library)
		return GAIT_GRAPH_LIBRARY;
	if (arguments->phases)
		return GAIT_GRAPH_PHASES;
	return arguments->roles ? GAIT_GRAPH_ROLES : GAIT_GRAPH_OVERVIEW;
}

static int
run(int argc, char **argv, GError **error)
{
	g_auto(Arguments) arguments = {0};
	GaitGraphFormat format;
	GaitGraphFold fold;

	if (!parse(argc, argv, &arguments, error) || !check(&arguments, error) ||
	    !check_dialect(&arguments, error) || !choose_format(&arguments, &format, error) ||
	    !choose_fold(&arguments, &fold, error))
		return GAIT_EXIT_USAGE;
	GaitGraphOptions options = {.view = choose_view(&arguments),
	                            .format = format,
	                            .fold = fold,
	                            .is_rv = arguments.dialect != NULL,
	                            .program = arguments.program,
	                            .library = arguments.library,
	                            .role = arguments.role,
	                            .is_full = arguments.full};
	g_autoptr(GaitModel) model = gait_model_load(arguments.files[0], error);
	if (!model)
		return GAIT_EXIT_FAILURE;
	g_autoptr(GaitModel) before =
	    arguments.before ? gait_model_load(arguments.before, error) : NULL;
	if (arguments.before && !before)
		return GAIT_EXIT_FAILURE;
	options.before = before;
	options.names[0] = arguments.before;
	options.names[1] = arguments.files[0];
	g_autoptr(GString) text = gait_graph_print(model, &options, error);
	if (!text)
		return GAIT_EXIT_FAILURE; /* main makes it 2 where an option names nothing */
	return gait_output_write(arguments.output, text, error) ? GAIT_EXIT_OK : GAIT_EXIT_FAILURE;
}

const GaitCommand gait_command_graph = {
    .name = "graph",
    .summary = "draw a model: phases, libraries, roles",
    .run = run,
};
