/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of a command's options: GLib's, and what it lets pass that is a mistake. */
#include "sysgait/command.h"

#include "sysgait/error.h"

#include <string.h>

static gboolean
takes_value(const GOptionEntry *entry)
{
	return entry->arg != G_OPTION_ARG_NONE && !(entry->flags & G_OPTION_FLAG_NO_ARG);
}

static const GOptionEntry *
find_long(const GOptionEntry *entries, const char *name, gsize length)
{
	for (; entries->long_name; entries++)
		if (strlen(entries->long_name) == length &&
		    strncmp(entries->long_name, name, length) == 0)
			return entries;
	return NULL;
}

/* Whether the last of some short options that stand together takes the next argument. */
static gboolean
takes_next(const GOptionEntry *entries, const char *letters)
{
	for (; *letters; letters++)
		for (const GOptionEntry *entry = entries; entry->long_name; entry++)
			if (entry->short_name == *letters && takes_value(entry))
				return letters[1] == '\0';
	return FALSE;
}

/* GLib takes "--quiet=3" for "--quiet". */
static gboolean
check_values(const GOptionEntry *entries, int argc, char **argv, gboolean is_posix, GError **error)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *arg = argv[i], *equals = strchr(arg, '=');
		const GOptionEntry *entry;

		if (arg[0] != '-' || arg[1] == '\0') {
			if (is_posix)
				return TRUE;
			continue;
		}
		if (arg[1] != '-') {
			i += takes_next(entries, arg + 1);
			continue;
		}
		entry = find_long(entries, arg + 2,
		                  equals ? (gsize)(equals - arg - 2) : strlen(arg + 2));
		if (entry && equals && !takes_value(entry))
			return gait_error_usage(error, "--%s takes no value, but there is '%s'",
			                        entry->long_name, equals + 1);
		i += entry && !equals && takes_value(entry);
	}
	return TRUE;
}

gboolean
gait_command_parse(GOptionContext *context, const GOptionEntry *entries, int *argc, char ***argv,
                   GError **error)
{
	g_option_context_add_main_entries(context, entries, NULL);
	return check_values(entries, *argc, *argv, g_option_context_get_strict_posix(context),
	                    error) &&
	       g_option_context_parse(context, argc, argv, error);
}
