/* SPDX-License-Identifier: Apache-2.0 */
/* Which violations of a log are meant: by number, by id, by kind, or all. */
#pragma once

#include "sysgait/violation-log.h"

/*
 * Those of groups (GaitLogGroup*) that are chosen, in their order; borrowed from it. numbers and
 * kinds: lists with commas, NULL for none; "3", "2-5" and ids are numbers. What names nothing is a
 * G_OPTION_ERROR.
 */
GPtrArray *gait_choose(const GPtrArray *groups, gboolean is_all, char **numbers, char **kinds,
                       GError **error);
