/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that holds this one's BPF programs where they are attached until this one is gone
 * altogether. The kernel closes the descriptors of a process that dies before it kills whom that
 * process traces; in between nobody would look at their calls.
 */
#pragma once

#include <glib.h>

typedef struct _GaitKeeper GaitKeeper;

/* Holds what is there by now. */
GaitKeeper *gait_keeper_new(GError **error);
/* It lets go, soon. NULL is fine. */
void gait_keeper_free(GaitKeeper *keeper);
