/* SPDX-License-Identifier: Apache-2.0 */
/* In place of notify-asleep.c where sysgait is built without libbpf or clang: see kernel/absent.c.
 */
#include "enforce/notify-asleep.h"

#include "sysgait/error.h"

GaitAsleep *
gait_asleep_new(GError **error)
{
	g_set_error_literal(error, GAIT_ENFORCE_ERROR, GAIT_ERROR_UNSUPPORTED,
	                    "sysgait was built without libbpf (or clang)");
	return NULL;
}

void
gait_asleep_free(GaitAsleep *asleep)
{
	g_assert(!asleep);
}

int
gait_asleep_add(GaitAsleep *asleep, pid_t tid)
{
	return -1;
}

void
gait_asleep_remove(GaitAsleep *asleep, int slot, pid_t tid)
{
}

gboolean
gait_asleep_get(const GaitAsleep *asleep, int slot, pid_t tid, guint64 spent, GaitAsleepNote *note)
{
	return FALSE;
}
