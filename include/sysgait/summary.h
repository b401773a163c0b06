/* SPDX-License-Identifier: Apache-2.0 */
/* A model at a glance: what `learn` shows when it is done, and `print MODEL`. */
#pragma once

#include "sysgait/model.h"

/* Appends tables of programs, roles with their phases, and libraries, at most 100 columns wide. */
void gait_model_print_summary(const GaitModel *model, GString *out);
/* The same as one JSON object and a newline. */
void gait_model_print_summary_json(const GaitModel *model, GString *out);

/*
 * Appends "interludes":[{"entry":NAME,"calls":N}…]: what the phase allows now and then only, where
 * it begins, and how many system calls it adds.
 */
void gait_model_print_interludes_json(const GaitModel *model, const GaitProgram *program,
                                      const GaitRole *role, const GaitPhase *phase, GString *out);

/* "recvmsg in ngx_read_channel, nginx". Safe for a terminal. */
char *gait_model_dup_symbol_name(const GaitModel *model, const GaitProgram *program,
                                 GaitSymbolRef ref);
/* What enters a phase (index into role->phases): "start", "listen in ngx_open_listening_sockets,
 * nginx". Safe for a terminal. */
char *gait_model_dup_phase_name(const GaitModel *model, const GaitProgram *program,
                                const GaitRole *role, guint32 index);
