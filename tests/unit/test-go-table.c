// SPDX-License-Identifier: Apache-2.0
/* Go's function table: packages by name, and a program's functions with and without a symbol table.
 */
#include "unit.h"

#include "process/go-table.h"

#include <fcntl.h>
#include <string.h>

typedef struct {
	const char *name;
	GaitGoKind kind;
} NameCase;

static const NameCase names[] = {
    {"syscall.write", GAIT_GO_SYSCALL},
    {"syscall.RawSyscall6", GAIT_GO_SYSCALL},
    {"runtime/internal/syscall.Syscall6", GAIT_GO_SYSCALL},
    {"internal/runtime/syscall.Syscall6", GAIT_GO_SYSCALL},
    {"internal/syscall/unix.GetRandom", GAIT_GO_SYSCALL},
    {"golang.org/x/sys/unix.EpollWait", GAIT_GO_SYSCALL},
    {"vendor/golang.org/x/sys/unix.Read", GAIT_GO_SYSCALL},
    {"example.org/a/vendor/golang.org/x/sys/unix.Read", GAIT_GO_SYSCALL},
    {"runtime.futex", GAIT_GO_RUNTIME},
    {"runtime.(*mheap).grow", GAIT_GO_RUNTIME},
    {"runtime.main.func2", GAIT_GO_RUNTIME},
    {"runtime/internal/atomic.Cas", GAIT_GO_RUNTIME},
    {"internal/runtime/maps.(*Map).Get", GAIT_GO_RUNTIME},
    {"runtime/debug.FreeOSMemory", GAIT_GO_PLAIN},
    {"main.main", GAIT_GO_PLAIN},
    {"internal/poll.(*FD).Write", GAIT_GO_PLAIN},
    {"internal/poll.runtime_pollOpen", GAIT_GO_PLAIN},
    {"os.(*File).Write", GAIT_GO_PLAIN},
    {"main.apply[go.shape.struct { syscall.Stat_t }]", GAIT_GO_PLAIN},
    {"example.org/syscall.Do", GAIT_GO_PLAIN},
    {"example.org/runtime.Do", GAIT_GO_PLAIN},
    {"notvendor/golang.org/x/sys/unix.Read", GAIT_GO_PLAIN},
    {"syscall", GAIT_GO_PLAIN},
    {"", GAIT_GO_PLAIN},
    {"/", GAIT_GO_PLAIN},
    {"(", GAIT_GO_PLAIN},
};

static void
test_names(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_test_message("%s", names[i].name);
		g_assert_cmpint(gait_go_get_kind(names[i].name), ==, names[i].kind);
	}
}

static GaitImage *
open_fixture(const char *name)
{
	g_autofree char *path = g_build_filename(g_getenv("BUILD") ? g_getenv("BUILD") : "build",
	                                         "fixtures", name, NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return gait_image_new_for_fd(fd);
}

/* Every function is found from its start on. */
static void
test_program(gconstpointer data)
{
	g_autoptr(GaitImage) image = open_fixture(data);
	GaitGoTable *table = gait_go_table_new(image);
	GaitSection text;
	GaitGoFunction function;
	guint n_functions = 0, n_sized = 0;
	gboolean has_main = FALSE;
	guint64 last = 0;

	g_assert_nonnull(table);
	g_assert_true(gait_image_find_section(image, ".text", &text));
	g_assert_false(gait_go_table_find(table, text.vaddr - 1, &function));
	g_assert_false(gait_go_table_find(table, text.vaddr + text.size + 4096, &function));
	g_assert_false(gait_go_table_find(table, G_MAXUINT64, &function));
	for (guint64 vaddr = text.vaddr; vaddr < text.vaddr + text.size; vaddr++) {
		if (!gait_go_table_find(table, vaddr, &function) || function.start == last)
			continue;
		g_assert_cmpuint(function.start, ==, vaddr);
		last = vaddr;
		n_functions++;
		/* Nothing has been pushed yet. */
		n_sized += function.frame_size == 0;
		has_main |= strcmp(function.name, "main.main") == 0;
	}
	g_assert_cmpuint(n_functions, >, 500);
	g_assert_cmpuint(n_sized, >, n_functions * 9 / 10);
	g_assert_true(has_main);
	gait_go_table_free(table);
}

static void
test_other(void)
{
	g_autoptr(GaitImage) image = open_fixture("attr-static");

	g_assert_null(gait_go_table_new(image));
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/go-table/names", test_names);
	g_test_add_data_func("/go-table/program", "attr-go", test_program);
	g_test_add_data_func("/go-table/stripped", "attr-go-stripped", test_program);
	g_test_add_func("/go-table/other", test_other);
	return g_test_run();
}
