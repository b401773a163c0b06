/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities that are needed no more once the programs in the kernel are loaded and the target
 * has been started: maps and links are held by their descriptors, for which no capability is asked.
 * Those that are kept:
 *
 *   - CAP_SYS_PTRACE: memory, maps and registers of tasks of other users, or with capabilities of
 *     their own, and to join them;
 *   - CAP_KILL: signals to them;
 *   - CAP_DAC_READ_SEARCH: their files, descriptors and directories, to read;
 *   - CAP_CHECKPOINT_RESTORE: the very file that is mapped, though its name may now be another's.
 *
 * What a recorder writes to is open by then.
 *
 * Without CAP_SYS_PTRACE the kernel shows us no task that has a capability which we have not. Then
 * those are kept, too, that the target was given by us: of an ordinary user's the ambient ones, of
 * root's all.
 *
 * A program that root executes would get all of the bounding set again, so that goes, too.
 */
#include "sysgait/privileges.h"

#include "sysgait/error.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (1ull << (capability))
#define KEPT                                                                                       \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_KILL) | BIT(CAP_DAC_READ_SEARCH) |                          \
	 BIT(CAP_CHECKPOINT_RESTORE))

static guint64
find_kept(guint64 permitted)
{
	guint64 kept = KEPT;

	if (permitted & BIT(CAP_SYS_PTRACE))
		return kept;
	if (geteuid() == 0)
		return G_MAXUINT64;
	for (unsigned i = 0; i < 64; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			kept |= BIT(i);
	return kept;
}

/* Who may not (it takes CAP_SETPCAP) has nothing of it to gain but what a file would give to
 * anybody. */
static int
drop_bounding(guint64 kept)
{
	for (unsigned i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (!(kept & BIT(i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno != EPERM)
			return errno;
	return 0;
}

typedef struct {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
} Capabilities;

static int
get(Capabilities *capabilities)
{
	*capabilities = (Capabilities){.header.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capget, &capabilities->header, capabilities->sets) == 0 ? 0 : errno;
}

static int
reduce(Capabilities *capabilities, guint64 kept)
{
	int failure = drop_bounding(kept);

	for (guint i = 0; i < G_N_ELEMENTS(capabilities->sets); i++) {
		struct __user_cap_data_struct *set = &capabilities->sets[i];

		set->permitted &= (guint32)(kept >> 32 * i);
		set->effective &= set->permitted;
		/* And with that the ambient ones. */
		set->inheritable = 0;
	}
	if (failure == 0 && syscall(SYS_capset, &capabilities->header, capabilities->sets) != 0)
		failure = errno;
	return failure;
}

gboolean
gait_privileges_drop(GError **error)
{
	Capabilities own;
	int failure = get(&own);

	if (failure == 0)
		failure = reduce(
		    &own, find_kept(own.sets[0].permitted | (guint64)own.sets[1].permitted << 32));
	return failure == 0 ||
	       gait_error_system(error, GAIT_PROCESS_ERROR, failure, "giving up capabilities");
}

int
gait_privileges_drop_all(void)
{
	Capabilities own;
	int failure = get(&own);

	return failure ? failure : reduce(&own, 0);
}
