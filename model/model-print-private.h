/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that print a model share. */
#pragma once

#include "model/json-writer.h"
#include "model/model-names.h"

typedef struct {
	GString *out;
	const GaitModel *model;
	GPtrArray *modules; /* names of its modules */
	const GaitProgram *program;
	GPtrArray *calls;   /* names of the program's calls */
	GPtrArray *symbols; /* per library: names of its symbols */
} GaitPrinter;

static inline const char *
name_at(const GPtrArray *names, guint32 i)
{
	return g_ptr_array_index(names, i);
}

/* ["LIBRARY", "SYMBOL"], or null. */
void gait_printer_print_ref(GaitPrinter *printer, GaitSymbolRef ref);
void gait_printer_print_role(GaitPrinter *printer, const GaitRole *role);
