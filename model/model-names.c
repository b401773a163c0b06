/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names by which one line of a model file refers to another: "nginx", "openat(O_RDONLY)",
 * "openat(O_RDONLY)@4a1b2". Indices would do for a machine, but one new symbol would shift them all
 * and a review could not see what changed. A reader gives them no meaning beyond being equal; they
 * follow from the content in canonical order, so the same model always has the same ones.
 */
#include "model/model-names.h"

#include "sysgait/syscall.h"

#include <string.h>

/* Takes name; adds it to names, numbered where it is taken already. */
static void
add_unique(GPtrArray *names, GHashTable *used, char *name)
{
	g_autofree char *base = name;

	name = g_strdup(base);
	for (guint i = 2; g_hash_table_contains(used, name); i++) {
		g_free(name);
		name = g_strdup_printf("%s#%u", base, i);
	}
	g_hash_table_add(used, name);
	g_ptr_array_add(names, name);
}

/* The file's name; where several have it, with the build-id or the whole path. */
GPtrArray *
gait_model_name_modules(const GaitModel *model)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < model->modules->len; i++) {
		const char *name = gait_model_module_name(model, i);
		guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name));

		g_hash_table_insert(counts, (gpointer)name, GUINT_TO_POINTER(n + 1));
	}
	for (guint32 i = 0; i < model->modules->len; i++) {
		const GaitModelModule *module = g_ptr_array_index(model->modules, i);
		const char *name = gait_model_module_name(model, i);

		if (GPOINTER_TO_UINT(g_hash_table_lookup(counts, name)) < 2)
			add_unique(names, used, g_strdup(name));
		else if (module->build_id[0])
			add_unique(names, used, g_strdup_printf("%s#%s", name, module->build_id));
		else
			add_unique(names, used, g_strdup(module->path));
	}
	return names;
}

GPtrArray *
gait_program_name_calls(const GaitProgram *program)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < program->calls->len; i++) {
		const GaitCall *call = &g_array_index(program->calls, GaitCall, i);
		g_autoptr(GString) name = g_string_new(NULL);

		gait_syscall_format(name, call->nr, call->klass);
		add_unique(names, used, g_strdup(name->str));
	}
	return names;
}

GPtrArray *
gait_library_name_symbols(const GaitProgram *program, const GaitLibrary *library,
                          const GPtrArray *calls)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < library->symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);
		guint32 call = gait_calls_find(program->calls, symbol->nr, symbol->klass);

		add_unique(names, used,
		           g_strdup_printf("%s@%" G_GINT64_MODIFIER "x",
		                           (const char *)g_ptr_array_index(calls, call),
		                           symbol->site));
	}
	return names;
}

/* --- bytes as text --- */

char *
gait_text_encode(const char *raw)
{
	g_autoptr(GString) out = NULL;
	const char *end;

	if (!strchr(raw, '\\') && g_utf8_validate(raw, -1, NULL))
		return g_strdup(raw);
	out = g_string_new(NULL);
	while (*raw) {
		if (*raw == '\\') {
			g_string_append(out, "\\\\");
			raw++;
			continue;
		}
		if (g_utf8_get_char_validated(raw, -1) < 0x110000) {
			end = g_utf8_next_char(raw);
			g_string_append_len(out, raw, end - raw);
			raw = end;
			continue;
		}
		g_string_append_printf(out, "\\x%02x", (guint8)*raw++);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
gait_text_decode(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (; *text; text++) {
		if (*text != '\\') {
			g_string_append_c(out, *text);
		} else if (text[1] == '\\') {
			g_string_append_c(out, '\\');
			text++;
		} else if (text[1] == 'x' && g_ascii_isxdigit(text[2]) &&
		           g_ascii_isxdigit(text[3])) {
			int byte =
			    g_ascii_xdigit_value(text[2]) * 16 + g_ascii_xdigit_value(text[3]);

			if (byte == 0)
				return NULL;
			g_string_append_c(out, (char)byte);
			text += 3;
		} else {
			return NULL;
		}
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}
