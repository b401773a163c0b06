/* SPDX-License-Identifier: Apache-2.0 */
/* Acts, and payloads against a model made by hand: order, phases and padding. */
#include "tests/unit/app-model.h"
#include "tests/unit/unit.h"

#include "model/payload.h"
#include "sysgait/syscall.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const struct {
	guint32 nr, klass;
	GaitAct act;
	gboolean does;
} cases[] = {
    {SYS_openat, O_RDONLY, GAIT_ACT_OPEN_READ, TRUE},
    {SYS_openat, O_RDONLY, GAIT_ACT_OPEN_WRITE, FALSE},
    {SYS_openat, O_RDONLY | O_TRUNC, GAIT_ACT_OPEN_WRITE, TRUE},
    {SYS_openat, O_RDWR, GAIT_ACT_OPEN_READ, TRUE},
    {SYS_openat, O_RDWR, GAIT_ACT_OPEN_WRITE, TRUE},
    {SYS_openat, O_WRONLY, GAIT_ACT_OPEN_READ, FALSE},
    {SYS_openat2, 0, GAIT_ACT_OPEN_WRITE, TRUE},
    {SYS_creat, 0, GAIT_ACT_OPEN_WRITE, TRUE},
    {SYS_execveat, 0, GAIT_ACT_EXECUTE, TRUE},
    {SYS_mmap, PROT_READ | PROT_WRITE, GAIT_ACT_MAP_CODE, FALSE},
    {SYS_mprotect, PROT_READ | PROT_EXEC, GAIT_ACT_MAP_CODE, TRUE},
    {SYS_socket, AF_INET6 | SOCK_STREAM << 16, GAIT_ACT_SOCKET, TRUE},
    {SYS_socket, AF_INET | SOCK_RAW << 16, GAIT_ACT_SOCKET, FALSE},
    {SYS_socket, AF_INET | SOCK_RAW << 16, GAIT_ACT_RAW_SOCKET, TRUE},
    {SYS_socket, AF_NETLINK | SOCK_DGRAM << 16, GAIT_ACT_RAW_SOCKET, TRUE},
    {SYS_socket, AF_UNIX | SOCK_STREAM << 16, GAIT_ACT_RAW_SOCKET, FALSE},
    {SYS_fcntl, F_DUPFD_CLOEXEC, GAIT_ACT_DUPLICATE, TRUE},
    {SYS_fcntl, F_SETFD, GAIT_ACT_DUPLICATE, FALSE},
    {SYS_getpid, 0, GAIT_ACT_READ, FALSE},
};

static void
test_acts(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_assert_cmpint(gait_act_matches(cases[i].act, cases[i].nr, cases[i].klass), ==,
		                cases[i].does);
		g_assert_cmpint(gait_act_mask(cases[i].nr, cases[i].klass) >> cases[i].act & 1, ==,
		                cases[i].does);
	}
}

/* The classes of real registers are what acts are told by. */
static void
test_acts_of_registers(void)
{
	guint64 map[6] = {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE};
	guint64 socket[6] = {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0};

	g_assert_true(
	    gait_act_matches(GAIT_ACT_MAP_CODE, SYS_mmap, gait_syscall_class(SYS_mmap, map)));
	g_assert_true(
	    gait_act_matches(GAIT_ACT_SOCKET, SYS_socket, gait_syscall_class(SYS_socket, socket)));
}

static void
test_danger(void)
{
	guint64 all = 0;

	for (GaitAct act = 0; act < GAIT_ACT_N_; act++) {
		g_assert_cmpfloat(gait_act_danger(act), >, 0);
		g_assert_cmpfloat(gait_act_danger(act), <=, 1);
		all |= G_GUINT64_CONSTANT(1) << act;
	}
	g_assert_cmpfloat(gait_act_danger(GAIT_ACT_EXECUTE), ==, 1);
	g_assert_cmpfloat(gait_act_surface(0), ==, 0);
	g_assert_cmpfloat(gait_act_surface(all), >, gait_act_surface(all >> 1));
}

static void
test_catalogue(void)
{
	guint n;
	const GaitPayload *payloads = gait_payloads(&n);
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	g_assert_cmpuint(n, >=, 40);
	for (guint i = 0; i < n; i++) {
		g_assert_true(g_hash_table_add(names, (gpointer)payloads[i].name));
		g_assert_cmpuint(payloads[i].n_acts, >, 0);
		g_assert_cmpuint(payloads[i].n_acts, <=, GAIT_MAX_PAYLOAD);
		g_assert_false(gait_payload_fits_mask(&payloads[i], 0));
		g_assert_true(gait_payload_fits_mask(&payloads[i], G_MAXUINT64));
	}
}

static GaitCover
cover(const Fixture *fixture, guint32 role, guint32 phase, const GaitAct *acts, guint n)
{
	GaitPayload payload = {.name = "test", .family = "test", .n_acts = n};

	memcpy(payload.acts, acts, n * sizeof *acts);
	return gait_payload_cover(gait_model_get_program(fixture->model, fixture->program), role,
	                          phase, &payload);
}

#define COVER(role, phase, ...)                                                                    \
	cover(fixture, role, phase, (const GaitAct[]){__VA_ARGS__},                                \
	      sizeof((GaitAct[]){__VA_ARGS__}) / sizeof(GaitAct))

/*
 * start → open → read ⇄ write, write → clone → read, write → unlink. Phases of main allow: open;
 * read, write, clone; read, write, unlink.
 */
static void
test_order(Fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(COVER(0, 0, GAIT_ACT_OPEN_READ), ==, GAIT_COVER_PLAIN);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_READ, GAIT_ACT_WRITE), ==, GAIT_COVER_PLAIN);
	g_assert_cmpint(COVER(0, 2, GAIT_ACT_WRITE, GAIT_ACT_REMOVE), ==, GAIT_COVER_PLAIN);
	/* Nothing follows unlink, padding or not; nothing runs programs. */
	g_assert_cmpint(COVER(0, 2, GAIT_ACT_REMOVE, GAIT_ACT_WRITE), ==, GAIT_COVER_NONE);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_EXECUTE), ==, GAIT_COVER_NONE);
}

static void
test_phases(Fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(COVER(0, 0, GAIT_ACT_WRITE), ==, GAIT_COVER_NONE);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_OPEN_READ), ==, GAIT_COVER_NONE);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_REMOVE), ==, GAIT_COVER_NONE);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_WRITE), ==, GAIT_COVER_PLAIN);
}

/* Two writes in a row need a read in between. */
static void
test_padding(Fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_WRITE, GAIT_ACT_WRITE), ==, GAIT_COVER_PADDED);
	g_assert_cmpint(COVER(0, 0, GAIT_ACT_OPEN_READ, GAIT_ACT_OPEN_READ), ==, GAIT_COVER_NONE);
}

/* After clone, main can only read; the child may write at once, which is what the attacker takes.
 */
static void
test_children(Fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_SPAWN, GAIT_ACT_READ), ==, GAIT_COVER_PLAIN);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_SPAWN, GAIT_ACT_WRITE), ==, GAIT_COVER_PLAIN);
	g_assert_cmpint(COVER(0, 1, GAIT_ACT_SPAWN, GAIT_ACT_REMOVE), ==, GAIT_COVER_NONE);
	g_assert_cmpint(COVER(0, 2, GAIT_ACT_SPAWN), ==, GAIT_COVER_NONE);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/payload/acts", test_acts);
	g_test_add_func("/payload/acts-of-registers", test_acts_of_registers);
	g_test_add_func("/payload/danger", test_danger);
	g_test_add_func("/payload/catalogue", test_catalogue);
#define CASE(name)                                                                                 \
	g_test_add("/payload/" #name, Fixture, NULL, fixture_set_up, test_##name, fixture_tear_down)
	CASE(order);
	CASE(phases);
	CASE(padding);
	CASE(children);
	return g_test_run();
}
