/* SPDX-License-Identifier: Apache-2.0 */
/* Names for parts of a model within its file, and bytes as text. Writer and reader share them. */
#pragma once

#include "model/model-private.h"

/* One name (char *) per module, call, symbol; each unique within its array. The caller frees. */
GPtrArray *gait_model_name_modules(const GaitModel *model);
GPtrArray *gait_program_name_calls(const GaitProgram *program);
GPtrArray *gait_library_name_symbols(const GaitProgram *program, const GaitLibrary *library,
                                     const GPtrArray *calls);

/*
 * Paths are bytes, JSON is UTF-8: what is not UTF-8 becomes \xNN, and a backslash two. Decoding
 * gives NULL for what encoding cannot have made.
 */
char *gait_text_encode(const char *raw);
char *gait_text_decode(const char *text);
