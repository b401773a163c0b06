/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drawing in the DOT language, under construction. A thin face over libcgraph, so that its
 * headers stay in one file. Names of items are the caller's own ("s12"), never a target's; text
 * from a target goes through graph-text first.
 */
#pragma once

#include <glib.h>

typedef struct _GaitDot GaitDot;
/* The whole drawing, a cluster, a node or an edge; lives as long as its drawing. */
typedef struct _GaitDotItem GaitDotItem;

typedef enum {
	GAIT_DOT_GRAPH,
	GAIT_DOT_NODE,
	GAIT_DOT_EDGE,
	GAIT_DOT_N_,
} GaitDotKind;

GaitDot *gait_dot_new(const char *name);
void gait_dot_free(GaitDot *dot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GaitDot, gait_dot_free)

/* What all items of a kind have that do not say otherwise. Set before the items are made. */
void gait_dot_set_default(GaitDot *dot, GaitDotKind kind, const char *attribute, const char *value);

GaitDotItem *gait_dot_get_root(GaitDot *dot);
/* parent: the root or a cluster. A frame is drawn around what is added to it. */
GaitDotItem *gait_dot_add_cluster(GaitDot *dot, GaitDotItem *parent, const char *name);
GaitDotItem *gait_dot_add_node(GaitDot *dot, GaitDotItem *parent, const char *name);
GaitDotItem *gait_dot_add_edge(GaitDot *dot, GaitDotItem *from, GaitDotItem *to);

void gait_dot_set(GaitDotItem *item, const char *attribute, const char *value);
void gait_dot_setf(GaitDotItem *item, const char *attribute, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* An HTML-like label, without the outermost angle brackets. */
void gait_dot_set_html(GaitDotItem *item, const char *attribute, const char *value);

/* The text. The same items in the same order give the same bytes. */
GString *gait_dot_print(GaitDot *dot);
/*
 * Laid out and rendered by graphviz: format "svg" or "png". The bytes, or NULL with
 * GAIT_ERROR_UNSUPPORTED and what graphviz said. The drawing can be printed afterwards. Not
 * thread-safe, as graphviz is not.
 */
GString *gait_dot_render(GaitDot *dot, const char *format, GError **error);
