/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and measurements of attribution. */
#pragma once

#include "sysgait/attribute.h"

/* Forgets what unwinding came to, so that the next events are unwound anew; stacks stay. */
void gait_attributor_forget(GaitAttributor *attributor);
