/* SPDX-License-Identifier: Apache-2.0 */
/* Function symbols of an image, for people. */
#pragma once

#include "process/image.h"

typedef struct _GaitSymbols GaitSymbols;

/* Reads .symtab, else .dynsym; empty where there is none. Never NULL; keeps nothing of image. */
GaitSymbols *gait_symbols_new(GaitImage *image);
void gait_symbols_free(GaitSymbols *symbols);
/* Bytes it occupies. */
gsize gait_symbols_get_size(const GaitSymbols *symbols);
/* The function that holds the byte before a file offset, which is a return address. */
gboolean gait_symbols_find(const GaitSymbols *symbols, guint64 offset, const char **name,
                           guint64 *delta);
