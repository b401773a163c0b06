/* SPDX-License-Identifier: Apache-2.0 */
/* What attribution needs of a space beyond its public face. */
#pragma once

#include "sysgait/space.h"

/* Whether a file of the runtime set is mapped: if not, the program is static. */
gboolean gait_space_has_runtime(GaitSpace *space, pid_t task);
/* FALSE while a change of mapped code is under way: the generation means nothing then. */
gboolean gait_space_is_settled(GaitSpace *space, pid_t task);
