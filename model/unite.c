/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two models as one. The old one's rebuilt files get the new one's identity, and their call sites,
 * where diff's labels match, the new offsets; then all that is left to do is to merge. What the new
 * file has no match for keeps its offset, or gets one behind all others where that is taken.
 */
#include "model/unite-private.h"

#include "sysgait/text.h"

#include <string.h>

/* --- names --------------------------------------------------------------------------------------
 */

char *
gait_union_dup_library_key(const GaitModel *model, const GaitProgram *program,
                           const GaitLibrary *library)
{
	const GaitModelModule *module = g_ptr_array_index(model->modules, library->module);

	if (!*module->build_id)
		return g_strdup_printf("%s\n%s", program->path, module->path);
	return g_strdup_printf("%s\n%s %s", program->path, gait_text_basename(module->path),
	                       module->build_id);
}

static char *
dup_site_key(const GaitSymbol *symbol)
{
	return g_strdup_printf("%u:%x@%" G_GINT64_MODIFIER "x", symbol->nr, symbol->klass,
	                       symbol->site);
}

char *
gait_union_dup_symbol_key(const char *library_key, const GaitSymbol *symbol)
{
	g_autofree char *site = dup_site_key(symbol);

	return g_strdup_printf("%s\n%s", library_key, site);
}

static void
note_parts(GHashTable *parts, const GaitModel *model)
{
	for (guint32 p = 0; p < model->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(model, p);

		for (guint32 l = 0; l < program->libraries->len; l++) {
			const GaitLibrary *library = gait_program_get_library(program, l);
			char *key = gait_union_dup_library_key(model, program, library);

			for (guint32 s = 0; s < library->symbols->len; s++)
				g_hash_table_insert(
				    parts,
				    gait_union_dup_symbol_key(
				        key, g_ptr_array_index(library->symbols, s)),
				    GUINT_TO_POINTER(s + 1));
			g_hash_table_insert(parts, key, GUINT_TO_POINTER(l + 1));
		}
	}
}

/* --- into the new one's terms -------------------------------------------------------------------
 */

static void
take_site(GaitSymbol *symbol, const GaitSymbol *from)
{
	char *function = g_strdup(from->function);

	g_free(symbol->function);
	symbol->function = function;
	symbol->site = from->site;
	symbol->delta = from->delta;
}

/* Notes the sites of symbols; returns the one after the last of them. */
static guint64
note_sites(const GPtrArray *symbols, GHashTable *taken)
{
	guint64 last = 0;

	for (guint32 i = 0; i < symbols->len; i++) {
		const GaitSymbol *symbol = g_ptr_array_index(symbols, i);

		last = MAX(last, symbol->site);
		if (taken)
			g_hash_table_add(taken, dup_site_key(symbol));
	}
	return last + 1;
}

/* symbols: of a copy of old; what new has keeps its places to itself. */
static void
translate_symbols(GPtrArray *symbols, const GaitDiffLibrary *old, const GaitDiffLibrary *new)
{
	g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint64 free_site =
	    MAX(note_sites(symbols, NULL), note_sites(new->library->symbols, taken));

	for (guint32 i = 0; i < symbols->len; i++) {
		GaitSymbol *symbol = g_ptr_array_index(symbols, i);
		const GaitSymbol *match =
		    gait_diff_library_find(new, g_ptr_array_index(old->labels, i));
		char *key;

		if (match) {
			take_site(symbol, match);
			continue;
		}
		while (key = dup_site_key(symbol), g_hash_table_contains(taken, key)) {
			g_free(key);
			symbol->site = free_site++;
		}
		g_hash_table_add(taken, key);
	}
}

static void
translate_libraries(GaitModel *copy, const GaitDiffIndex *old, const GaitDiffIndex *new)
{
	for (guint32 p = 0; p < copy->programs->len; p++) {
		const GaitProgram *program = gait_model_get_program(copy, p);
		const GaitDiffProgram *from = g_ptr_array_index(old->programs, p);
		const GaitDiffProgram *to = g_hash_table_lookup(new->by_path, program->path);

		for (guint32 l = 0; to && l < program->libraries->len; l++) {
			const GaitLibrary *library = gait_program_get_library(program, l);
			const char *key = g_ptr_array_index(old->module_keys, library->module);
			const GaitDiffLibrary *match = g_hash_table_lookup(to->by_module, key);

			if (match && g_hash_table_contains(old->rebuilt, key))
				translate_symbols(library->symbols,
				                  g_ptr_array_index(from->libraries, l), match);
		}
	}
}

static void
translate_modules(GaitModel *copy, const GaitDiffIndex *old, const GaitDiffIndex *new)
{
	g_autoptr(GHashTable) by_key = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint32 i = 0; i < new->module_keys->len; i++)
		g_hash_table_insert(by_key, g_ptr_array_index(new->module_keys, i),
		                    g_ptr_array_index(new->model->modules, i));
	for (guint32 i = 0; i < old->module_keys->len; i++) {
		const char *key = g_ptr_array_index(old->module_keys, i);
		GaitModelModule *module = g_ptr_array_index(copy->modules, i);
		const GaitModelModule *match = g_hash_table_lookup(by_key, key);

		if (!match || !g_hash_table_contains(old->rebuilt, key))
			continue;
		g_free(module->path);
		g_free(module->build_id);
		module->path = g_strdup(match->path);
		module->build_id = g_strdup(match->build_id);
	}
}

/* Runs that both learned from are to count on both sides. */
static void
rename_runs(GaitModel *copy)
{
	for (guint32 i = 0; i < copy->runs->len; i++) {
		GaitRun *run = g_ptr_array_index(copy->runs, i);
		g_autofree char *name = g_strdup_printf("old %s", run->id);
		g_autofree char *id = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

		g_strlcpy(run->id, id, sizeof run->id);
	}
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static gboolean
unite(GaitUniter *uniter, GError **error)
{
	g_autoptr(GString) text = gait_model_print(uniter->models[0]);
	g_autoptr(GaitModel) copy =
	    gait_model_parse(uniter->both->names[0], text->str, text->len, error);
	GaitModel *models[2] = {copy, (GaitModel *)uniter->models[1]};

	if (!copy)
		return FALSE;
	translate_libraries(copy, uniter->indices[0], uniter->indices[1]);
	translate_modules(copy, uniter->indices[0], uniter->indices[1]);
	/* Under the new names, but the old indices. */
	note_parts(uniter->parts[0], copy);
	note_parts(uniter->parts[1], uniter->models[1]);
	rename_runs(copy);
	gait_model_normalize(copy);
	uniter->both->model = gait_model_merge(models, 2, error);
	return uniter->both->model != NULL;
}

static void
phase_free(gpointer data)
{
	GaitUnionPhase *phase = data;

	for (guint i = 0; i < 2; i++)
		g_hash_table_unref(phase->calls[i]);
	g_array_unref(phase->untied);
	g_free(phase);
}

GaitUnion *
gait_union_new(const GaitModel *old, const GaitModel *new, const char *const names[2],
               GError **error)
{
	g_autoptr(GaitUnion) both = g_new0(GaitUnion, 1);
	g_autoptr(GaitDiffIndex) in_old = gait_diff_index_new(old, new);
	g_autoptr(GaitDiffIndex) in_new = gait_diff_index_new(new, old);
	GaitUniter uniter = {both, {old, new}, {in_old, in_new}, {NULL, NULL}};
	gboolean is_united;

	both->names[0] = names[0];
	both->names[1] = names[1];
	both->marks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	both->phases = g_hash_table_new_full(NULL, NULL, NULL, phase_free);
	for (guint i = 0; i < 2; i++)
		uniter.parts[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	is_united = unite(&uniter, error);
	if (is_united)
		gait_uniter_mark(&uniter);
	for (guint i = 0; i < 2; i++)
		g_hash_table_unref(uniter.parts[i]);
	return is_united ? g_steal_pointer(&both) : NULL;
}

void
gait_union_free(GaitUnion *both)
{
	if (!both)
		return;
	gait_model_free(both->model);
	g_hash_table_unref(both->marks);
	g_hash_table_unref(both->phases);
	g_free(both);
}

const GaitUnionMark *
gait_union_get_mark(const GaitUnion *both, gconstpointer part)
{
	return g_hash_table_lookup(both->marks, part);
}

const GaitUnionPhase *
gait_union_get_phase(const GaitUnion *both, const GaitPhase *phase)
{
	return g_hash_table_lookup(both->phases, phase);
}

guint
gait_union_find_call(const GaitUnionPhase *phase, guint32 nr, guint32 klass)
{
	gint64 key = gait_diff_pack_call(nr, klass);
	guint sides = 0;

	for (guint i = 0; i < 2; i++)
		if (g_hash_table_contains(phase->calls[i], &key))
			sides |= 1u << i;
	return sides;
}
