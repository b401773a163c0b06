/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and measurements of attribution. */
#pragma once

#include "sysgait/attribute.h"

/* From now on libunwind alone is asked. */
void gait_attributor_distrust_tables(GaitAttributor *attributor);
