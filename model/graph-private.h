/* SPDX-License-Identifier: Apache-2.0 */
/* What the drawings share: text, colours, and where in a role's life a symbol belongs. */
#pragma once

#include "dot-private.h"
#include "model/unite.h"
#include "sysgait/graph.h"
#include "sysgait/palette.h"

/* --- text (graph-text.c) ------------------------------------------------------------------------
 *
 * A target chooses its symbol names and paths. They become printable UTF-8 of bounded length: what
 * is not is shown as \xNN, the middle of what is long as an ellipsis.
 */
#define GAIT_GRAPH_MAX_TEXT 48 /* characters of a name in a label */
#define GAIT_GRAPH_MAX_TIP  400

void gait_graph_append_plain(GString *out, const char *text, guint max_chars);
/* The same inside an HTML-like label. */
void gait_graph_append_html(GString *out, const char *text, guint max_chars);
/* The same in a plain label or tooltip, where backslash and ampersand have a meaning. */
void gait_graph_append_escaped(GString *out, const char *text, guint max_chars);

/* "7", "1,234", "12.3k", "4.5M". */
void gait_graph_append_count(GString *out, guint64 n);
/* "42%", "&lt;1%": a share in [0, 1], for HTML-like labels. */
void gait_graph_append_share(GString *out, double share);
/* "ngx_open_file+0x1c", "0x4711" or "[unknown site]"; plain, not yet made harmless. */
char *gait_graph_dup_site(const GaitSymbol *symbol);

/* --- danger and life (graph-style.c) ------------------------------------------------------------
 */

gboolean gait_graph_is_dangerous(guint32 nr);

/* Fonts and spacing that all drawings have; title is shown above (HTML-like). */
GaitDot *gait_graph_new_dot(const char *name, const char *title_html);

/* Index into role->symbols, or GAIT_NONE. */
guint32 gait_graph_find_in_role(const GaitRole *role, GaitSymbolRef ref);
/*
 * The phase of role in which a symbol (index into role->symbols) may first be reached: the earliest
 * one whose end some instance met only after the symbol.
 */
guint gait_graph_first_phase(const GaitRole *role, guint32 symbol);
/* The role that issues execve or execveat, where it is exactly one; else GAIT_NONE. */
guint32 gait_graph_find_exec_role(const GaitProgram *program);
/*
 * Where a symbol is, for a reader who does not see its library: "ngx_open_file+0x1c" in the program
 * itself, "EVP_init+0x5, libcrypto.so.3" elsewhere, "libssl.so.3+0x278ca" without a function.
 * Plain.
 */
char *gait_graph_dup_place(const GaitModel *model, const GaitProgram *program, GaitSymbolRef ref);

/* --- sets of calls (graph-calls.c) --------------------------------------------------------------
 */

/* Distinct syscall numbers (guint32) of an array of indices into the program's calls. */
GArray *gait_graph_distinct_syscalls(const GaitProgram *program, const GArray *indices);
/* Those of an array of GaitCall. */
guint gait_graph_count_syscalls(const GArray *calls);
/* Their names in lines, the dangerous ones first; sorts the numbers. color: of those that are not,
 * or NULL. */
void gait_graph_append_syscalls(GString *label, GArray *numbers, const char *color);
/* A bar of all calls: dark what is allowed, light what may still come. */
void gait_graph_append_bar(GString *label, guint n_allowed, guint n_retained, guint n_all,
                           const GaitGraphColor *color);

/* --- changes (graph-change.c) -------------------------------------------------------------------
 */

/* mark NULL: SAME. */
GaitGraphChange gait_graph_change(const GaitUnionMark *mark);
/* From GAIT_SIDE_…. */
GaitGraphChange gait_graph_change_of_sides(guint sides);
/* "+ ", "− ", "~ " or "". */
const char *gait_graph_change_sign(GaitGraphChange change);
/* What the colours mean, and which models these are, as rows of a title's table. */
void gait_graph_append_legend(GString *title, const GaitUnion *both);
/* "phase 3", or "phase 2–3" of a union; in bold. both may be NULL. */
void gait_graph_append_phase(GString *label, const GaitUnion *both, const GaitPhase *phase,
                             guint index);
/* What a phase of a role allows, and what of it changed, as rows of its box. */
void gait_graph_append_changes(GString *label, const GaitUnion *both, const GaitProgram *program,
                               const GaitRole *role, guint32 phase);
/* A table of what changed in the program's libraries, as an HTML-like label; NULL: nothing did. */
char *gait_graph_dup_change_table(const GaitUnion *both, const GaitProgram *program);

/* --- the views ----------------------------------------------------------------------------------
 */

/* How a library is drawn. */
typedef struct {
	guint32 role; /* GAIT_NONE: all, side by side */
	GaitGraphFold fold;
	gboolean has_runs;     /* a straight run of calls is one box */
	const GaitUnion *both; /* whose model is drawn, with its changes; else NULL */
} GaitGraphLibraryOptions;

GaitDot *gait_graph_draw_library(const GaitModel *model, const GaitProgram *program,
                                 guint32 library, const GaitGraphLibraryOptions *options);
/*
 * program GAIT_NONE: all of them. has_libraries adds a table of each program's libraries. both: as
 * above.
 */
GaitDot *gait_graph_draw_phases(const GaitModel *model, guint32 program, guint32 role,
                                gboolean has_libraries, const GaitUnion *both);
/* Makes node the box of a role's phase. both: as above. */
void gait_graph_draw_phase(const GaitProgram *program, const GaitRole *role, guint32 phase,
                           const GaitUnion *both, GaitDotItem *node);
/* A role's automaton as the text that rv's tools read; NULL with error where it cannot be one. */
GString *gait_graph_print_rv(const GaitModel *model, const GaitProgram *program, guint32 library,
                             guint32 role, GaitGraphFold fold, GError **error);
GaitDot *gait_graph_draw_roles(const GaitModel *model, guint32 program);
/* A table of the program's libraries, as an HTML-like label. */
char *gait_graph_dup_library_table(const GaitModel *model, const GaitProgram *program);
/* Names of the dangerous calls that a library makes; of a union's, those from places that are new.
 * both may be NULL. */
void gait_graph_append_dangers(GString *label, const GaitLibrary *library, const GaitUnion *both);
