/* SPDX-License-Identifier: Apache-2.0 */
/* What attribution needs of a space beyond its public face. */
#pragma once

#include "sysgait/space.h"

/*
 * Reads memory. Returns how many bytes: fewer than size where a page is not there; -1 where the
 * task, or the whole space, is gone.
 */
gssize gait_space_read(const GaitSpace *space, pid_t task, guint64 address, gsize size,
                       void *buffer);
/* Whether what is known of it is all there is to know, so that looking things up changes nothing.
 */
gboolean gait_space_is_settled(const GaitSpace *space);
/* Whether a file of the runtime set is mapped: if not, the program is static. */
gboolean gait_space_has_runtime(GaitSpace *space, pid_t task);
/* Like gait_space_find(), for addresses that need not be code: NULL also where nobody has looked.
 */
GaitModule *gait_space_find_known(GaitSpace *space, pid_t task, guint64 address, guint64 *offset);
