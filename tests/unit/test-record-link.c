/* SPDX-License-Identifier: Apache-2.0 */
/* What the two processes of a recording session say to each other arrives, whoever goes first. */
#include "learn/record-link.h"

#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

static void
assert_receives(int link, gboolean wait, guint32 type, gint32 value)
{
	GaitLinkMessage message;

	g_assert_true(gait_link_receive(link, wait, &message));
	g_assert_cmpuint(message.type, ==, type);
	if (type != GAIT_LINK_N_)
		g_assert_cmpint(message.value, ==, value);
}

/* The worker is through, and gone, while the other asks it to detach. */
static void
test_unread(gconstpointer data)
{
	gboolean wait = GPOINTER_TO_INT(data);
	GaitLinkMessage message;
	int links[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, links), ==, 0);
	g_assert_true(gait_link_send(links[1], GAIT_LINK_ENDED, 2, NULL));
	g_assert_true(gait_link_send(links[0], GAIT_LINK_DETACH, 0, NULL));
	g_assert_true(gait_link_send(links[1], GAIT_LINK_DONE, 0, NULL));
	close(links[1]);
	assert_receives(links[0], wait, GAIT_LINK_ENDED, 2);
	assert_receives(links[0], wait, GAIT_LINK_DONE, 0);
	g_assert_false(gait_link_receive(links[0], wait, &message));
	g_assert_false(gait_link_send(links[0], GAIT_LINK_FLUSH, 0, NULL));
	close(links[0]);
}

static void
test_nothing(void)
{
	int links[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, links), ==, 0);
	assert_receives(links[0], FALSE, GAIT_LINK_N_, 0);
	close(links[0]);
	close(links[1]);
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_data_func("/record-link/unread", GINT_TO_POINTER(FALSE), test_unread);
	g_test_add_data_func("/record-link/unread-waiting", GINT_TO_POINTER(TRUE), test_unread);
	g_test_add_func("/record-link/nothing", test_nothing);
	return g_test_run();
}
