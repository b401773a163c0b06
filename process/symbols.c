// SPDX-License-Identifier: Apache-2.0
/*
 * Symbol tables by libelf, sorted by file offset. Names serve people; nothing is decided by them.
 * Where several names share an address the plainest is taken ("write" rather than "__write"), so
 * that the choice does not depend on the order in the file.
 */
#include "process/symbols.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_SECTIONS = 65536,
	MAX_SYMBOLS = 4 * 1024 * 1024,
	MAX_NAME = 4096,
};
static const guint64 MAX_TABLE_SIZE = 256 * 1024 * 1024;

typedef struct {
	guint64 offset, size;
	guint32 name; /* in names */
} Symbol;

struct _GaitSymbols {
	GArray *symbols;
	GString *names;
};

static Elf_Scn *
find_table(Elf *elf, guint32 type, GElf_Shdr *header)
{
	Elf_Scn *scn = NULL;

	for (guint i = 0; i < MAX_SECTIONS && (scn = elf_nextscn(elf, scn)); i++)
		if (gelf_getshdr(scn, header) && header->sh_type == type &&
		    header->sh_size <= MAX_TABLE_SIZE && header->sh_entsize == sizeof(Elf64_Sym))
			return scn;
	return NULL;
}

static void
add_symbol(GaitSymbols *symbols, GaitImage *image, const GElf_Sym *elf_symbol, const char *name)
{
	guint type = GELF_ST_TYPE(elf_symbol->st_info);
	Symbol symbol = {.size = elf_symbol->st_size, .name = (guint32)symbols->names->len};
	guint64 n_left;
	gsize length;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || elf_symbol->st_shndx == SHN_UNDEF ||
	    !name || !*name ||
	    !gait_image_get_offset(image, elf_symbol->st_value, &symbol.offset, &n_left))
		return;
	length = strnlen(name, MAX_NAME);
	/* "name@@VERSION" in tables of some linkers. */
	if (memchr(name + 1, '@', length - 1))
		length = (gsize)((const char *)memchr(name + 1, '@', length - 1) - name);
	if (symbols->names->len > MAX_TABLE_SIZE - length - 1)
		return;
	g_string_append_len(symbols->names, name, (gssize)length);
	g_string_append_c(symbols->names, '\0');
	g_array_append_val(symbols->symbols, symbol);
}

static gint
compare_symbols(gconstpointer a, gconstpointer b, gpointer data)
{
	const Symbol *left = a, *right = b;
	const char *names = data;
	const char *left_name = names + left->name, *right_name = names + right->name;
	gsize left_bars = strspn(left_name, "_"), right_bars = strspn(right_name, "_");

	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	/* Of equal ones the search below takes the last. */
	if (left_bars != right_bars)
		return left_bars > right_bars ? -1 : 1;
	return -strcmp(left_name, right_name);
}

GaitSymbols *
gait_symbols_new(GaitImage *image)
{
	GaitSymbols *symbols = g_new0(GaitSymbols, 1);
	GElf_Shdr header, strings;
	Elf_Scn *scn = NULL;
	Elf_Data *data;

	symbols->symbols = g_array_new(FALSE, FALSE, sizeof(Symbol));
	symbols->names = g_string_new(NULL);
	if (image->elf && !(scn = find_table(image->elf, SHT_SYMTAB, &header)))
		scn = find_table(image->elf, SHT_DYNSYM, &header);
	/* libelf loads the whole string table at the first name. */
	if (!scn || !gelf_getshdr(elf_getscn(image->elf, header.sh_link), &strings) ||
	    strings.sh_type != SHT_STRTAB || strings.sh_size > MAX_TABLE_SIZE ||
	    !(data = elf_getdata(scn, NULL)))
		return symbols;
	for (gsize i = 0; i < MIN(data->d_size / sizeof(Elf64_Sym), MAX_SYMBOLS); i++) {
		GElf_Sym symbol;

		if (gelf_getsym(data, (int)i, &symbol))
			add_symbol(symbols, image, &symbol,
			           elf_strptr(image->elf, header.sh_link, symbol.st_name));
	}
	g_array_sort_with_data(symbols->symbols, compare_symbols, symbols->names->str);
	return symbols;
}

gsize
gait_symbols_get_size(const GaitSymbols *symbols)
{
	return symbols->symbols->len * sizeof(Symbol) + symbols->names->len;
}

void
gait_symbols_free(GaitSymbols *symbols)
{
	if (!symbols)
		return;
	g_array_unref(symbols->symbols);
	g_string_free(symbols->names, TRUE);
	g_free(symbols);
}

gboolean
gait_symbols_find(const GaitSymbols *symbols, guint64 offset, const char **name, guint64 *delta)
{
	const Symbol *all = (const Symbol *)(gpointer)symbols->symbols->data, *found;
	gsize low = 0, high = symbols->symbols->len;

	/* A call may be its function's last instruction: the address before decides. */
	while (low < high) {
		gsize middle = low + (high - low) / 2;

		if (all[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return FALSE;
	found = &all[low - 1];
	/* Beyond the end lies another function, whose name is not in the table. */
	if (found->size > 0 && offset - found->offset > found->size)
		return FALSE;
	*name = symbols->names->str + found->name;
	*delta = offset - found->offset;
	return TRUE;
}
