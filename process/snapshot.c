// SPDX-License-Identifier: Apache-2.0
/*
 * Stack snapshots. A read of another process costs about the same for 8 bytes and for 256, so the
 * first piece is small and the next ones are much larger. Bytes once read stay as they are, even if
 * another thread of the target writes there meanwhile: an attribution sees one stack.
 */
#include "process/snapshot.h"

#include "process/space-private.h"

#include <string.h>

static const gsize steps[] = {256, 4096, 65536, GAIT_SNAPSHOT_MAX};

void
gait_snapshot_init(GaitSnapshot *snapshot)
{
	*snapshot = (GaitSnapshot){.bytes = g_malloc(GAIT_SNAPSHOT_MAX)};
}

void
gait_snapshot_clear(GaitSnapshot *snapshot)
{
	g_clear_pointer(&snapshot->bytes, g_free);
}

void
gait_snapshot_begin(GaitSnapshot *snapshot, GaitSpace *space, pid_t task, guint64 base)
{
	snapshot->space = space;
	snapshot->task = task;
	snapshot->base = base;
	snapshot->size = 0;
	snapshot->is_gone = snapshot->is_whole = snapshot->is_past = FALSE;
}

void
gait_snapshot_put(GaitSnapshot *snapshot, const guint8 *bytes, gsize size)
{
	memcpy(snapshot->bytes, bytes, size);
	snapshot->size = size;
}

gsize
gait_snapshot_read(GaitSnapshot *snapshot, guint64 address, gsize size, void *buffer)
{
	gssize n_read = gait_space_read(snapshot->space, snapshot->task, address, size, buffer);

	snapshot->is_gone |= n_read < 0;
	return n_read < 0 ? 0 : (gsize)n_read;
}

gboolean
gait_snapshot_need(GaitSnapshot *snapshot, gsize n_bytes)
{
	gsize wanted = 0, n_read;

	if (n_bytes <= snapshot->size)
		return TRUE;
	if (n_bytes > GAIT_SNAPSHOT_MAX || snapshot->is_whole)
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(steps) && wanted < n_bytes; i++)
		wanted = steps[i];
	n_read = gait_snapshot_read(snapshot, snapshot->base + snapshot->size,
	                            wanted - snapshot->size, snapshot->bytes + snapshot->size);
	snapshot->size += n_read;
	snapshot->is_whole = snapshot->size < wanted;
	return n_bytes <= snapshot->size;
}

gboolean
gait_snapshot_get(GaitSnapshot *snapshot, guint64 offset, guint64 *word)
{
	if (offset > GAIT_SNAPSHOT_MAX - 8 || !gait_snapshot_need(snapshot, offset + 8))
		return FALSE;
	memcpy(word, snapshot->bytes + offset, 8);
	return TRUE;
}
