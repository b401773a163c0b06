/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usher: takes the listener from a child that is being launched and lets pass what the child
 * does between its filter and its exec. A thread of its own, because launching waits for the exec.
 */
#pragma once

#include "enforce/listener.h"

typedef struct _GaitUsher GaitUsher;

/* listener is borrowed; until gait_usher_dismiss() it is the usher's alone. */
GaitUsher *gait_usher_new(GaitListener *listener, GError **error);
/*
 * Ends the usher and frees it. To be called while the child is stopped at its exec, before it has
 * run anything of its own program; or once the launch has failed. FALSE with error where the
 * listener could not be taken.
 */
gboolean gait_usher_dismiss(GaitUsher *usher, GError **error);
