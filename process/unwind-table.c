// SPDX-License-Identifier: Apache-2.0
/*
 * Unwind tables, laid together of what is known of a module's code, each layer over the one before:
 *
 * - the program's first instructions have no caller, whether or not CFI says so (that of ld.so has
 *   none at all);
 * - CFI; and where it ends right before a system call instruction, it holds on for that
 *   instruction: glibc's clone and clone3 leave it out because in the child it would be wrong;
 * - Go's function table, which says it for Go code;
 * - code that is known by its bytes: the trampoline that returns from a signal handler, and the
 *   function that a context starts under. A return address into these was never called from.
 *
 * Images may be an attacker's: the work is bounded, whatever they say.
 */
#include "process/unwind-table.h"

#include "process/row-layer.h"
#include "process/unwind-rules.h"

#include <string.h>

enum {
	MAX_ENTRY_SIZE = 256, /* so long the first instructions may be */
	SYSCALL_SIZE = 2,
	GO_RETURN_REGISTER = 12, /* see unwind.c */
	WINDOW = 64 * 1024,
	MAX_PATTERN = 16,
};
/* Instructions of CFI, steps of Go's tables. (libc has 55,000.) */
static const guint64 MAX_WORK = 32 * 1024 * 1024;
static const guint64 MAX_ROW_WORK = 64 * 1024; /* of one row by itself */
static const guint64 MAX_CODE = 256 * 1024 * 1024;

/* Code known by its bytes: what is said from `before` bytes before it on, `size` bytes long. */
typedef struct {
	guint8 bytes[MAX_PATTERN];
	gsize n_bytes;
	guint64 before, size;
	struct gait_unwind_row row;
} Pattern;

static const Pattern patterns[] = {
    /* mov $15,%rax; syscall. The kernel put its address on the stack, so what looks like the call
       is the byte before. */
    {{0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05},
     9,
     1,
     1,
     {.cfa = GAIT_CFA_SIGNAL, .flags = GAIT_UNWIND_NO_CALLER}},
    /* mov %rbx,%rsp; mov (%rsp),%rdi: nobody has called it, whatever its CFI says. */
    {{0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24},
     7,
     1,
     28,
     {.cfa = GAIT_CFA_END, .flags = GAIT_UNWIND_NO_CALLER}},
};

typedef struct {
	GaitImage *image;
	GaitRowLayer *layer; /* that is being made */
	guint64 budget;
} Maker;

/* By link-time addresses, within one segment. */
static void
add(Maker *maker, guint64 start, guint64 end, const struct gait_unwind_row *row)
{
	guint64 offset, n_left;

	if (gait_image_get_offset(maker->image, start, &offset, &n_left))
		gait_row_layer_add(maker->layer, offset, offset + MIN(end - start, n_left), row);
}

static void
make_entry(Maker *maker)
{
	static const struct gait_unwind_row end = {.cfa = GAIT_CFA_END};
	guint64 entry = maker->image->entry;

	if (entry != 0 && entry <= G_MAXUINT64 - MAX_ENTRY_SIZE)
		add(maker, entry, entry + MAX_ENTRY_SIZE, &end);
}

static void
add_cfi_row(guint64 start, guint64 end, const GaitCfiState *state, gpointer data)
{
	struct gait_unwind_row row;

	gait_unwind_row_from_state(&row, state);
	add(data, start, end, &row);
}

static void
make_cfi(Maker *maker, const GaitCfi *cfi)
{
	guint64 n_functions = gait_cfi_get_table(cfi)->n_entries;
	GaitCfiFde fde;

	for (guint64 i = 0; i < n_functions && maker->budget > 0; i++) {
		maker->budget--;
		if (gait_cfi_get_function(cfi, i, &fde))
			gait_cfi_run(&fde, &maker->budget, add_cfi_row, maker);
		if (gait_row_layer_is_full(maker->layer))
			break;
	}
}

static gboolean
is_syscall(GaitImage *image, guint64 offset)
{
	static const guint8 syscall[SYSCALL_SIZE] = {0x0f, 0x05};
	guint8 code[SYSCALL_SIZE];

	return gait_image_read(image, offset, SYSCALL_SIZE, code) &&
	       memcmp(code, syscall, SYSCALL_SIZE) == 0;
}

static void
extend_over_syscall(guint64 start, guint64 end, const struct gait_unwind_row *before, gpointer data)
{
	Maker *maker = data;

	if (end - start >= SYSCALL_SIZE && is_syscall(maker->image, start))
		gait_row_layer_add(maker->layer, start, start + SYSCALL_SIZE, before);
}

static struct gait_unwind_row
make_go_row(const GaitGoFunction *function)
{
	struct gait_unwind_row row = {.rbp = GAIT_RBP_LOST, .flags = GAIT_UNWIND_NOT_CFI};

	if (function->kind == GAIT_GO_SYSCALL)
		row.flags |= GAIT_UNWIND_GO_SYSCALL;
	if (function->kind == GAIT_GO_RUNTIME)
		row.flags |= GAIT_UNWIND_GO_RUNTIME;
	if (function->frame_size == GAIT_GO_POPPED) {
		row.cfa = GAIT_CFA_LINK;
		row.number = GO_RETURN_REGISTER;
	} else if (function->frame_size != GAIT_GO_NO_SIZE) {
		row.cfa = GAIT_CFA_RSP;
		row.cfa_offset = (gint32)function->frame_size + 8;
	} else {
		row.flags &= (guint8)~GAIT_UNWIND_NOT_CFI;
	}
	return row;
}

static void
add_go_range(const GaitGoFunction *function, guint64 start, guint64 end, gpointer data)
{
	struct gait_unwind_row row = make_go_row(function);

	add(data, start, end, &row);
}

static void
make_go(Maker *maker, const GaitGoTable *go)
{
	for (guint64 i = 0; !gait_row_layer_is_full(maker->layer); i++)
		if (!gait_go_table_foreach_range(go, i, &maker->budget, add_go_range, maker))
			break;
}

/* Where a pattern begins in [*at, size). */
static gboolean
find(const Pattern *pattern, const guint8 *code, gsize size, gsize *at)
{
	const guint8 *found = memmem(code + *at, size - *at, pattern->bytes, pattern->n_bytes);

	if (found)
		*at = (gsize)(found - code);
	return found != NULL;
}

static void
scan(Maker *maker, const guint8 *code, gsize size, guint64 offset)
{
	for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++)
		for (gsize at = 0; find(&patterns[i], code, size, &at); at++) {
			guint64 start = offset + at - MIN(offset + at, patterns[i].before);

			gait_row_layer_add(maker->layer, start, start + patterns[i].size,
			                   &patterns[i].row);
		}
}

/* Windows overlap, so that no pattern is missed between two; found twice, it is one. */
static void
make_patterns(Maker *maker)
{
	g_autofree guint8 *code = g_malloc(WINDOW);
	guint64 n_left = MAX_CODE;

	for (guint i = 0; i < maker->image->n_segments; i++) {
		const GaitSegment *segment = &maker->image->segments[i];

		for (guint64 at = 0; segment->is_executable && at < segment->size && n_left > 0;
		     at += WINDOW - MAX_PATTERN) {
			gsize size = (gsize)MIN(WINDOW, segment->size - at);

			if (!gait_image_read(maker->image, segment->offset + at, size, code))
				break;
			scan(maker, code, size, segment->offset + at);
			n_left -= MIN(n_left, size);
		}
	}
}

/* Lays what was made over the table. */
static void
lay_over(GaitRowLayer **table, Maker *maker)
{
	g_autoptr(GaitRowLayer) under = *table;
	g_autoptr(GaitRowLayer) over = g_steal_pointer(&maker->layer);

	gait_row_layer_settle(over);
	*table = gait_row_layer_cover(under, over);
	maker->layer = gait_row_layer_new();
}

static void
lay_cfi(GaitRowLayer **table, Maker *maker, const GaitCfi *cfi)
{
	Maker extension = {maker->image, gait_row_layer_new(), 0};

	make_entry(maker);
	lay_over(table, maker);
	make_cfi(maker, cfi);
	gait_row_layer_settle(maker->layer);
	gait_row_layer_foreach_gap(maker->layer, extend_over_syscall, &extension);
	lay_over(table, maker);
	lay_over(table, &extension);
	gait_row_layer_free(extension.layer);
}

struct gait_unwind_row *
gait_unwind_table_new(GaitImage *image, const GaitCfi *cfi, const GaitGoTable *go, guint32 *n_rows)
{
	g_autoptr(GaitRowLayer) table = gait_row_layer_new();
	Maker maker = {image, gait_row_layer_new(), MAX_WORK};

	*n_rows = 0;
	if (cfi)
		lay_cfi(&table, &maker, cfi);
	if (go) {
		make_go(&maker, go);
		lay_over(&table, &maker);
	}
	make_patterns(&maker);
	lay_over(&table, &maker);
	gait_row_layer_free(maker.layer);
	return gait_row_layer_dup_rows(table, n_rows);
}

/* --- one row by itself ---------------------------------------------------------------------------
 */

typedef struct {
	guint64 vaddr;
	struct gait_unwind_row row;
} RowSearch;

static void
match_cfi_row(guint64 start, guint64 end, const GaitCfiState *state, gpointer data)
{
	RowSearch *search = data;

	if (search->vaddr >= start && search->vaddr < end)
		gait_unwind_row_from_state(&search->row, state);
}

/* FALSE where no function's CFI covers the address. */
static gboolean
find_cfi_row(const GaitCfi *cfi, guint64 vaddr, struct gait_unwind_row *row)
{
	RowSearch search = {.vaddr = vaddr};
	guint64 budget = MAX_ROW_WORK;
	GaitCfiFde fde;

	if (!gait_cfi_find_function(cfi, vaddr, &fde))
		return FALSE;
	gait_cfi_run(&fde, &budget, match_cfi_row, &search);
	*row = search.row;
	return TRUE;
}

/* What is said where CFI ends: the first instructions, and a system call right after a function. */
static gboolean
find_uncovered_row(GaitImage *image, const GaitCfi *cfi, guint64 offset, guint64 vaddr,
                   struct gait_unwind_row *row)
{
	if (image->entry != 0 && vaddr - image->entry < MAX_ENTRY_SIZE) {
		row->cfa = GAIT_CFA_END;
		return TRUE;
	}
	if (vaddr == 0 || !find_cfi_row(cfi, vaddr - 1, row))
		return FALSE;
	if (!is_syscall(image, offset))
		*row = (struct gait_unwind_row){0};
	return TRUE;
}

gboolean
gait_unwind_table_find(GaitImage *image, const GaitCfi *cfi, const GaitGoTable *go, guint64 offset,
                       struct gait_unwind_row *row)
{
	gboolean is_covered = FALSE;
	GaitGoFunction function;
	guint64 vaddr;

	*row = (struct gait_unwind_row){0};
	if (!gait_image_get_vaddr(image, offset, &vaddr))
		return FALSE;
	if (cfi)
		is_covered = find_cfi_row(cfi, vaddr, row) ||
		             find_uncovered_row(image, cfi, offset, vaddr, row);
	if (go && gait_go_table_find(go, vaddr, &function)) {
		struct gait_unwind_row of_go = make_go_row(&function);

		if (of_go.cfa != GAIT_CFA_NONE || row->cfa == GAIT_CFA_NONE)
			*row = of_go;
		row->flags |= of_go.flags;
		is_covered |= of_go.cfa != GAIT_CFA_NONE;
	}
	return is_covered;
}
