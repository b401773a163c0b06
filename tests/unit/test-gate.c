/* SPDX-License-Identifier: Apache-2.0 */
/* Workers are in the gate together; who is alone is so; and who wants to be comes to be. */
#include "enforce/gate.h"

#include "unit.h"

#define N_WORKERS 4
#define N_TURNS   2000

static GaitGate *gate;
static gint n_inside, is_over;
static guint64 shared[2]; /* equal, but while somebody changes them alone */

static void
change_alone(void)
{
	gait_gate_enter_alone(gate);
	g_assert_cmpint(g_atomic_int_get(&n_inside), ==, 0);
	shared[0]++;
	shared[1]++;
	gait_gate_leave_alone(gate);
}

/* Looks, and now and then changes; never stands still, so that who wants to be alone has to insist.
 */
static gpointer
work(gpointer data)
{
	guint worker = GPOINTER_TO_UINT(data);

	for (guint turn = 0; !g_atomic_int_get(&is_over); turn++) {
		gait_gate_enter(gate, worker);
		g_atomic_int_inc(&n_inside);
		g_assert_cmpuint(shared[0], ==, shared[1]);
		g_atomic_int_add(&n_inside, -1);
		gait_gate_leave(gate, worker);
		if (turn % 64 == worker)
			change_alone();
	}
	return NULL;
}

static void
test_alone(void)
{
	GThread *threads[N_WORKERS];

	gate = gait_gate_new(N_WORKERS);
	for (guint i = 0; i < N_WORKERS; i++)
		threads[i] = g_thread_new("worker", work, GUINT_TO_POINTER(i));
	for (guint turn = 0; turn < N_TURNS; turn++)
		change_alone();
	g_atomic_int_set(&is_over, TRUE);
	for (guint i = 0; i < N_WORKERS; i++)
		g_thread_join(threads[i]);
	g_assert_cmpuint(shared[0], ==, shared[1]);
	g_assert_cmpuint(shared[0], >=, N_TURNS);
	gait_gate_free(gate);
}

/* Each in its own lane: one that stays inside does not keep the others out. */
static void
test_together(void)
{
	g_autoptr(GaitGate) own = gait_gate_new(2);

	gait_gate_enter(own, 0);
	gait_gate_enter(own, 1);
	gait_gate_leave(own, 0);
	gait_gate_leave(own, 1);
	gait_gate_enter_alone(own);
	gait_gate_leave_alone(own);
	gait_gate_enter(own, 0);
	gait_gate_leave(own, 0);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/gate/alone", test_alone);
	g_test_add_func("/gate/together", test_together);
	return g_test_run();
}
