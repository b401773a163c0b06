/* SPDX-License-Identifier: Apache-2.0 */
/* System call instructions that are one and the same to a model. */
#pragma once

#include "process/module-private.h"

/*
 * The instruction that stands for the one at offset (file offsets after the instruction): the first
 * in its function that is loaded with the same constant number; itself where there is none before,
 * or where function or number cannot be told.
 */
guint64 gait_issuer_find_first(GaitModule *module, guint64 offset);
