// SPDX-License-Identifier: Apache-2.0
/*
 * Unwind tables against two oracles, libdw and libunwind, at every row: whoever steps from it has
 * to come to the same caller. Where they differ, it has to be for one of the reasons in a table
 * here.
 */
#include "unit.h"
#include "unwind-oracles.h"

#include "process/source.h"
#include "process/unwind-table.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

/* --- the table under test -----------------------------------------------------------------------
 */

#include "sysgait/unwind-step.h"

typedef struct {
	const struct gait_unwind_row *rows;
	guint32 n_rows;
} Table;

static inline int
gait_unwind_read(void *context, __u64 address, __u64 *word)
{
	*word = oracle_get_word(address);
	return 0;
}

static inline int
gait_unwind_read_register(void *context, __u32 number, __u64 *value)
{
	*value = oracle_get_register(number);
	return 0;
}

static inline const struct gait_unwind_row *
gait_unwind_get_row(void *context, __u32 i)
{
	const Table *table = context;

	return i < table->n_rows ? &table->rows[i] : NULL;
}

/* --- images -------------------------------------------------------------------------------------
 */

typedef struct {
	GaitImage *image;
	GaitCfi *cfi;
	Dwarf_CFI *dw;
	unw_addr_space_t unw_space;
	GaitGoTable *go;
	Table table;
	guint n_explained[8];
} Subject;

static void
subject_init(Subject *subject, GaitImage *image)
{
	*subject = (Subject){.image = image};
	subject->cfi = gait_cfi_new(image);
	subject->go = gait_go_table_new(image);
	subject->dw = image->elf ? dwarf_getcfi_elf(image->elf) : NULL;
	subject->unw_space = oracle_new_unw_space();
	subject->table.rows =
	    gait_unwind_table_new(image, subject->cfi, subject->go, &subject->table.n_rows);
}

static void
subject_clear(Subject *subject)
{
	g_free((gpointer)subject->table.rows);
	unw_destroy_addr_space(subject->unw_space);
	dwarf_cfi_end(subject->dw);
	gait_cfi_free(subject->cfi);
	gait_go_table_free(subject->go);
	gait_image_free(subject->image);
}

static OracleCaller
ask_table(const Subject *subject, guint64 offset, guint64 vaddr)
{
	/* PLT rules look at the pc, which file offset and address agree on where it counts. */
	struct gait_unwind_frame frame = {vaddr,
	                                  oracle_get_register(GAIT_REGISTER_RSP),
	                                  oracle_get_register(GAIT_REGISTER_RBP),
	                                  1,
	                                  1,
	                                  1,
	                                  {0}};
	void *context = (void *)&subject->table;
	const struct gait_unwind_row *row =
	    gait_unwind_find(context, 0, subject->table.n_rows, offset);

	switch (gait_unwind_step(context, row, &frame)) {
	case GAIT_STEP_CALLER:
		return (OracleCaller){ORACLE_CALLER, frame.pc, frame.sp, frame.rbp, frame.has_rbp};
	case GAIT_STEP_END:
		return (OracleCaller){.result = ORACLE_END};
	case GAIT_STEP_NO_RULE:
	case GAIT_STEP_NEEDS_REGISTER:
	case GAIT_STEP_UNREADABLE:
	case GAIT_STEP_BACKWARD:
	case GAIT_STEP_N_:
		break;
	}
	return (OracleCaller){.result = ORACLE_NOTHING};
}

/* --- differences --------------------------------------------------------------------------------
 */

typedef struct {
	const Subject *subject;
	guint64 offset, vaddr;
	OracleCaller table, oracle;
} Probe;

static gboolean
is_same(const OracleCaller *a, const OracleCaller *b)
{
	if (a->result != ORACLE_CALLER || b->result != ORACLE_CALLER)
		return a->result == b->result;
	return a->pc == b->pc && a->sp == b->sp && a->has_rbp == b->has_rbp &&
	       (!a->has_rbp || a->rbp == b->rbp);
}

static gboolean
has_code(const Probe *probe, guint64 offset, const void *bytes, gsize size)
{
	guint8 code[16];

	return gait_image_read(probe->subject->image, offset, size, code) &&
	       memcmp(code, bytes, size) == 0;
}

/* A system call instruction right after the CFI ends: what holds before it holds on. */
static gboolean
is_uncovered_syscall(const Probe *probe)
{
	guint64 distance = has_code(probe, probe->offset, "\x0f\x05", 2) ? 0 : 1, end;
	OracleCaller before = oracle_ask_dw(probe->subject->dw, probe->vaddr - distance - 1, &end);

	return probe->oracle.result == ORACLE_NOTHING &&
	       has_code(probe, probe->offset - distance, "\x0f\x05", 2) &&
	       end == probe->vaddr - distance && is_same(&before, &probe->table);
}

static gboolean
is_entry(const Probe *probe)
{
	return probe->oracle.result == ORACLE_NOTHING && probe->table.result == ORACLE_END &&
	       probe->vaddr - probe->subject->image->entry < 256;
}

static gboolean
is_context_start(const Probe *probe)
{
	static const guint8 code[] = {0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24};

	if (probe->table.result != ORACLE_END)
		return FALSE;
	for (guint64 i = 0; i < 28; i++)
		if (has_code(probe, probe->offset + 1 - i, code, sizeof(code)))
			return TRUE;
	return FALSE;
}

/* longjmp and setcontext, when they are about to leave: the return address is not where it is. */
static gboolean
is_leaving(const Probe *probe)
{
	return probe->table.result == ORACLE_NOTHING && probe->oracle.result == ORACLE_CALLER &&
	       probe->oracle.pc != oracle_get_word(probe->oracle.sp - 8);
}

/* libunwind takes a function that gives rbp up for the outermost one. */
static gboolean
is_without_rbp(const Probe *probe)
{
	guint64 end;
	OracleCaller caller = oracle_ask_dw(probe->subject->dw, probe->vaddr, &end);

	return probe->oracle.result == ORACLE_END && !probe->table.has_rbp &&
	       probe->table.result == ORACLE_CALLER && is_same(&caller, &probe->table);
}

typedef struct {
	const char *reason;
	gboolean (*applies)(const Probe *probe);
	guint max; /* so many probes of one image at most */
} Explanation;

/* Bits of what a test expects to meet. */
enum {
	UNCOVERED = 1 << 0,
	ENTRY = 1 << 1,
	CONTEXT = 1 << 2,
	LEAVING = 1 << 3,
	WITHOUT_RBP = 1 << 4,
};

static const Explanation explanations[] = {
    {"a system call instruction that CFI leaves out", is_uncovered_syscall, 64},
    {"code that starts a program", is_entry, 512},
    {"code that starts a context", is_context_start, 128},
    {"a jump to another stack", is_leaving, 64},
    {"an rbp that is given up", is_without_rbp, 8},
};

static void
explain(Subject *subject, const Probe *probe, const char *oracle)
{
	for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++)
		if (explanations[i].applies(probe)) {
			subject->n_explained[i]++;
			return;
		}
	g_test_message(
	    "at %#" G_GINT64_MODIFIER "x, %s: %d %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER
	    "x %d %" G_GINT64_MODIFIER "x, the table: %d %" G_GINT64_MODIFIER
	    "x %" G_GINT64_MODIFIER "x %d %" G_GINT64_MODIFIER "x",
	    probe->vaddr, oracle, probe->oracle.result, probe->oracle.pc, probe->oracle.sp,
	    probe->oracle.has_rbp, probe->oracle.rbp, probe->table.result, probe->table.pc,
	    probe->table.sp, probe->table.has_rbp, probe->table.rbp);
	g_test_fail();
}

/* Returns where libdw says something else next; vaddr + 1 where it says nothing. */
static guint64
check_at(Subject *subject, guint64 vaddr)
{
	Probe probe = {.subject = subject, .vaddr = vaddr};
	guint64 end, n_left;

	g_assert_true(gait_image_get_offset(subject->image, vaddr, &probe.offset, &n_left));
	probe.table = ask_table(subject, probe.offset, vaddr);
	probe.oracle = oracle_ask_dw(subject->dw, vaddr, &end);
	if (!is_same(&probe.table, &probe.oracle))
		explain(subject, &probe, "libdw");
	probe.oracle = oracle_ask_unwind(subject->unw_space, subject->cfi, vaddr);
	if (!is_same(&probe.table, &probe.oracle))
		explain(subject, &probe, "libunwind");
	return end > vaddr ? end : vaddr + 1;
}

/*
 * That the row is what is made by itself, too. What code that is known by its bytes adds is for
 * tables only, and so is the second byte of a system call instruction without CFI.
 */
static void
check_single(const Subject *subject, const struct gait_unwind_row *row, guint64 offset,
             guint64 vaddr)
{
	struct gait_unwind_row single;
	GaitCfiFde fde;

	if ((row->flags & GAIT_UNWIND_NO_CALLER) ||
	    (offset > row->start && subject->cfi &&
	     !gait_cfi_find_function(subject->cfi, vaddr, &fde)))
		return;
	gait_unwind_table_find(subject->image, subject->cfi, subject->go, offset, &single);
	single.start = row->start;
	g_assert_cmpmem(&single, sizeof(single), row, sizeof(*row));
}

/* At the row's first byte, and at its last. */
static void
check_singles(const Subject *subject, const struct gait_unwind_row *row, guint64 vaddr)
{
	guint32 last = row[1].start - row[0].start - 1;

	check_single(subject, row, row->start, vaddr);
	check_single(subject, row, row->start + last, vaddr + last);
}

/* At the first and the last byte of every row. */
static void
check_rows(Subject *subject)
{
	const struct gait_unwind_row *rows = subject->table.rows;
	guint64 vaddr;

	for (guint32 i = 0; i + 1 < subject->table.n_rows; i++) {
		g_assert_cmpuint(rows[i].start, <, rows[i + 1].start);
		g_assert_true(gait_image_get_vaddr(subject->image, rows[i].start, &vaddr));
		check_at(subject, vaddr);
		check_at(subject, vaddr + rows[i + 1].start - rows[i].start - 1);
		check_singles(subject, &rows[i], vaddr);
	}
}

/* Wherever libdw changes its mind, and at every byte that it says nothing of. */
static void
check_code(Subject *subject)
{
	for (guint i = 0; i < subject->image->n_segments; i++) {
		const GaitSegment *segment = &subject->image->segments[i];

		for (guint64 at = segment->vaddr;
		     segment->is_executable && at < segment->vaddr + segment->size;)
			at = check_at(subject, at);
	}
}

static void
check_subject(GaitImage *image, guint min_rows, guint expected)
{
	Subject subject;

	subject_init(&subject, image);
	g_assert_nonnull(subject.dw);
	g_assert_cmpuint(subject.table.n_rows, >=, min_rows);
	check_rows(&subject);
	check_code(&subject);
	g_test_message("%u rows", subject.table.n_rows);
	for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
		g_test_message("%u probes: %s", subject.n_explained[i], explanations[i].reason);
		g_assert_cmpuint(subject.n_explained[i], <=, explanations[i].max);
		g_assert_cmpint(subject.n_explained[i] > 0, ==, expected >> i & 1);
	}
	subject_clear(&subject);
}

/* --- tests --------------------------------------------------------------------------------------
 */

static GaitImage *
open_image(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return gait_image_new_for_fd(fd);
}

static char *
dup_fixture_path(const char *name)
{
	return g_build_filename(g_getenv("BUILD") ? g_getenv("BUILD") : "build", "fixtures", name,
	                        NULL);
}

static int
find_library(struct dl_phdr_info *info, size_t size, void *data)
{
	const char **path = data;

	if (!g_str_has_suffix(info->dlpi_name, *path))
		return 0;
	*path = info->dlpi_name;
	return 1;
}

/* Those that this process has loaded itself. */
static GaitImage *
open_library(const char *name)
{
	const char *path = name;

	g_assert_cmpint(dl_iterate_phdr(find_library, &path), ==, 1);
	return open_image(path);
}

static void
test_libc(void)
{
	check_subject(open_library("/libc.so.6"), 20000, UNCOVERED | ENTRY | CONTEXT | LEAVING);
}

static void
test_loader(void)
{
	check_subject(open_library("/ld-linux-x86-64.so.2"), 2000, ENTRY | LEAVING);
}

static void
test_static(void)
{
	g_autofree char *path = dup_fixture_path("attr-static");

	check_subject(open_image(path), 5000, UNCOVERED | ENTRY | CONTEXT | LEAVING);
}

/* The forms that these do not use. */
static void
test_forms(void)
{
	g_autofree char *path = dup_fixture_path("libcfi.so");

	check_subject(open_image(path), 20, UNCOVERED | WITHOUT_RBP);
}

static gboolean
copy_vdso(const GaitMapping *mapping, gpointer data)
{
	GaitImage **image = data;

	if (strcmp(mapping->path, "[vdso]") == 0)
		*image = gait_source_copy_range(getpid(), mapping->start, mapping->end);
	return TRUE;
}

static void
test_vdso(void)
{
	GaitImage *image = NULL;

	g_assert_true(gait_maps_foreach(getpid(), TRUE, copy_vdso, &image));
	g_assert_nonnull(image);
	check_subject(image, 10, 0);
}

/* Go's rows against Go's table. */
static void
check_go_row(const Subject *subject, const struct gait_unwind_row *row, guint64 vaddr)
{
	GaitGoFunction function;
	gboolean is_go = gait_go_table_find(subject->go, vaddr, &function);
	GaitGoKind kind = row->flags & GAIT_UNWIND_GO_SYSCALL   ? GAIT_GO_SYSCALL
	                  : row->flags & GAIT_UNWIND_GO_RUNTIME ? GAIT_GO_RUNTIME
	                                                        : GAIT_GO_PLAIN;

	if (row->flags & GAIT_UNWIND_NO_CALLER)
		return;
	g_assert_cmpint(kind, ==, is_go ? function.kind : GAIT_GO_PLAIN);
	g_assert_cmpint((row->flags & GAIT_UNWIND_NOT_CFI) != 0, ==,
	                is_go && function.frame_size != GAIT_GO_NO_SIZE);
	if (!(row->flags & GAIT_UNWIND_NOT_CFI))
		return;
	g_assert_cmpint(row->rbp, ==, GAIT_RBP_LOST);
	if (function.frame_size == GAIT_GO_POPPED)
		g_assert_true(row->cfa == GAIT_CFA_LINK && row->number == 12);
	else
		g_assert_true(row->cfa == GAIT_CFA_RSP &&
		              row->cfa_offset == function.frame_size + 8);
}

static void
test_go(gconstpointer data)
{
	g_autofree char *path = dup_fixture_path(data);
	const struct gait_unwind_row *rows;
	guint n_signal_frames = 0;
	Subject subject;
	guint64 vaddr;

	subject_init(&subject, open_image(path));
	rows = subject.table.rows;
	g_assert_nonnull(subject.go);
	g_assert_cmpuint(subject.table.n_rows, >, 1000);
	for (guint32 i = 0; i + 1 < subject.table.n_rows; i++) {
		g_assert_true(gait_image_get_vaddr(subject.image, rows[i].start, &vaddr));
		check_go_row(&subject, &rows[i], vaddr);
		check_go_row(&subject, &rows[i], vaddr + rows[i + 1].start - rows[i].start - 1);
		check_singles(&subject, &rows[i], vaddr);
		n_signal_frames += rows[i].cfa == GAIT_CFA_SIGNAL;
	}
	g_assert_cmpuint(n_signal_frames, ==, 1);
	subject_clear(&subject);
}

/* What has neither CFI nor a table of Go's: nothing is made up. */
static void
test_bare(void)
{
	g_autofree char *path = dup_fixture_path("attr-bare");
	Subject subject;

	subject_init(&subject, open_image(path));
	g_assert_null(subject.table.rows);
	g_assert_cmpuint(subject.table.n_rows, ==, 0);
	subject_clear(&subject);
}

/* --- the step -----------------------------------------------------------------------------------
 */

typedef struct {
	const char *what;
	struct gait_unwind_row row;
	struct gait_unwind_frame frame; /* pc 0x1000 */
	enum gait_unwind_result result;
} StepCase;

#define SP  0x10000
#define RBP 0x20000

static const StepCase step_cases[] = {
    {"outward", {.cfa = GAIT_CFA_RSP, .cfa_offset = 8}, {.sp = SP}, GAIT_STEP_CALLER},
    {"in place", {.cfa = GAIT_CFA_RSP}, {.sp = SP}, GAIT_STEP_BACKWARD},
    {"inward", {.cfa = GAIT_CFA_RSP, .cfa_offset = -8}, {.sp = SP}, GAIT_STEP_BACKWARD},
    {"rbp", {.cfa = GAIT_CFA_RBP}, {.sp = SP, .rbp = RBP, .has_rbp = 1}, GAIT_STEP_CALLER},
    {"no rbp", {.cfa = GAIT_CFA_RBP}, {.sp = SP, .rbp = RBP}, GAIT_STEP_NEEDS_REGISTER},
    {"no rbp to read at", {.cfa = GAIT_CFA_RBP_WORD}, {.sp = SP}, GAIT_STEP_NEEDS_REGISTER},
    {"rbp below", {.cfa = GAIT_CFA_RBP}, {.sp = SP, .rbp = 64, .has_rbp = 1}, GAIT_STEP_BACKWARD},
    {"register",
     {.cfa = GAIT_CFA_REGISTER, .number = 3},
     {.sp = SP, .is_first = 1},
     GAIT_STEP_CALLER},
    {"register of a caller",
     {.cfa = GAIT_CFA_REGISTER, .number = 3},
     {.sp = SP},
     GAIT_STEP_NEEDS_REGISTER},
    {"link", {.cfa = GAIT_CFA_LINK, .number = 5}, {.sp = SP, .is_first = 1}, GAIT_STEP_CALLER},
    {"link of a caller", {.cfa = GAIT_CFA_LINK, .number = 5}, {.sp = SP}, GAIT_STEP_NEEDS_REGISTER},
    {"signal frame", {.cfa = GAIT_CFA_SIGNAL}, {.sp = SP}, GAIT_STEP_CALLER},
    {"end", {.cfa = GAIT_CFA_END}, {.sp = SP}, GAIT_STEP_END},
    {"nothing", {.cfa = GAIT_CFA_NONE}, {.sp = SP}, GAIT_STEP_NO_RULE},
    {"no such rule", {.cfa = GAIT_CFA_N_}, {.sp = SP}, GAIT_STEP_NO_RULE},
};

static void
test_step(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(step_cases); i++) {
		struct gait_unwind_frame frame = step_cases[i].frame;

		g_test_message("%s", step_cases[i].what);
		g_assert_cmpint(gait_unwind_step(NULL, &step_cases[i].row, &frame), ==,
		                step_cases[i].result);
		if (step_cases[i].result != GAIT_STEP_CALLER)
			g_assert_cmpmem(&frame, sizeof(frame), &step_cases[i].frame, sizeof(frame));
		else
			g_assert_cmpint(frame.is_exact, ==,
			                step_cases[i].row.cfa == GAIT_CFA_SIGNAL);
	}
	g_assert_cmpint(gait_unwind_step(NULL, NULL, &(struct gait_unwind_frame){0}), ==,
	                GAIT_STEP_NO_RULE);
}

/* Rows of random distances, at every offset, against looking at one after the other. */
static void
test_find(void)
{
	for (guint32 n = 0; n < 40; n++) {
		g_autofree struct gait_unwind_row *rows = g_new0(struct gait_unwind_row, n + 2);
		Table table = {rows, n + 2};
		guint32 at = 0, expected = 0;

		/* Those around it belong to others. */
		for (guint32 i = 1; i <= n; i++)
			rows[i].start = at += 1 + (guint32)g_test_rand_int_range(0, 4);
		rows[n + 1].start = 1;
		for (guint32 offset = 0; offset < at + 3; offset++) {
			while (expected < n && rows[expected + 1].start <= offset)
				expected++;
			g_assert_true(gait_unwind_find(&table, 1, n, offset) ==
			              (expected ? &rows[expected] : NULL));
		}
	}
	/* The largest table. */
	g_assert_cmpuint(1u << (GAIT_UNWIND_MAX_PROBES - 1), >=, GAIT_UNWIND_MAX_ROWS);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/unwind-table/libc", test_libc);
	g_test_add_func("/unwind-table/ld.so", test_loader);
	g_test_add_func("/unwind-table/vdso", test_vdso);
	g_test_add_func("/unwind-table/static", test_static);
	g_test_add_func("/unwind-table/forms", test_forms);
	g_test_add_data_func("/unwind-table/go", "attr-go", test_go);
	g_test_add_data_func("/unwind-table/go-stripped", "attr-go-stripped", test_go);
	g_test_add_func("/unwind-table/bare", test_bare);
	g_test_add_func("/unwind-table/step", test_step);
	g_test_add_func("/unwind-table/find", test_find);
	return g_test_run();
}
