/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GaitDot on libcgraph, which does the quoting and the nesting, and libgvc, which lays out and
 * renders. The only file that includes their headers: they define TRUE, FALSE and NIL. Knows
 * nothing of models.
 *
 * libcgraph takes char * where it means const char *: it interns every string and writes to none.
 */
#include "dot-private.h"

#include "sysgait/error.h"

#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>

struct _GaitDot {
	Agraph_t *graph;
	Agiodisc_t io; /* agwrite() into memory */
	Agdisc_t disciplines;
};

/*
 * Ids in order of creation. libcgraph's own are addresses of names, and it writes subgraphs in the
 * order of their ids: differently each time.
 */
typedef struct {
	Agraph_t *graph;
	GHashTable *ids;  /* name → id */
	GPtrArray *names; /* by id; NULL: without a name. Interned by libcgraph, which looks for
	                     flags in front of them */
} Ids;

static void *
ids_open(Agraph_t *graph, Agdisc_t *disciplines)
{
	Ids *ids = g_new(Ids, 1);

	ids->graph = graph;
	ids->ids = g_hash_table_new(g_str_hash, g_str_equal);
	ids->names = g_ptr_array_new();
	return ids;
}

static void
ids_close(void *state)
{
	Ids *ids = state;

	g_hash_table_unref(ids->ids);
	g_ptr_array_unref(ids->names);
	g_free(ids);
}

static long
ids_map(void *state, int kind, char *name, IDTYPE *id, int is_creating)
{
	Ids *ids = state;
	gpointer known;

	if (name && g_hash_table_lookup_extended(ids->ids, name, NULL, &known)) {
		*id = GPOINTER_TO_UINT(known);
		return TRUE;
	}
	if (!is_creating)
		return FALSE;
	*id = ids->names->len;
	g_ptr_array_add(ids->names, name ? agstrdup(ids->graph, name) : NULL);
	if (name)
		g_hash_table_insert(ids->ids, g_ptr_array_index(ids->names, *id),
		                    GUINT_TO_POINTER((guint)*id));
	return TRUE;
}

/* For callers that choose ids themselves: there are none. */
static long
ids_alloc(void *state, int kind, IDTYPE id)
{
	return FALSE;
}

static void
ids_free(void *state, int kind, IDTYPE id)
{
}

static char *
ids_print(void *state, int kind, IDTYPE id)
{
	Ids *ids = state;

	return id < ids->names->len ? g_ptr_array_index(ids->names, id) : NULL;
}

static void
ids_register(void *state, int kind, void *object)
{
}

static Agiddisc_t id_discipline = {
    .open = ids_open,
    .map = ids_map,
    .alloc = ids_alloc,
    .free = ids_free,
    .print = ids_print,
    .close = ids_close,
    .idregister = ids_register,
};

static int
put_string(void *chan, const char *text)
{
	g_string_append(chan, text);
	return 0;
}

static int
put_flush(void *chan)
{
	return 0;
}

GaitDot *
gait_dot_new(const char *name)
{
	GaitDot *dot = g_new0(GaitDot, 1);

	dot->io = (Agiodisc_t){.afread = AgIoDisc.afread, .putstr = put_string, .flush = put_flush};
	dot->disciplines = (Agdisc_t){.mem = &AgMemDisc, .id = &id_discipline, .io = &dot->io};
	dot->graph = agopen((char *)name, Agdirected, &dot->disciplines);
	g_assert(dot->graph != NULL);
	return dot;
}

void
gait_dot_free(GaitDot *dot)
{
	if (!dot)
		return;
	agclose(dot->graph);
	g_free(dot);
}

void
gait_dot_set_default(GaitDot *dot, GaitDotKind kind, const char *attribute, const char *value)
{
	static const int kinds[GAIT_DOT_N_] = {
	    [GAIT_DOT_GRAPH] = AGRAPH,
	    [GAIT_DOT_NODE] = AGNODE,
	    [GAIT_DOT_EDGE] = AGEDGE,
	};

	agattr(dot->graph, kinds[kind], (char *)attribute, (char *)value);
}

GaitDotItem *
gait_dot_get_root(GaitDot *dot)
{
	return (GaitDotItem *)dot->graph;
}

GaitDotItem *
gait_dot_add_cluster(GaitDot *dot, GaitDotItem *parent, const char *name)
{
	/* The layouts know a cluster by its name alone. */
	g_autofree char *cluster = g_strdup_printf("cluster_%s", name);

	return (GaitDotItem *)agsubg((Agraph_t *)parent, cluster, 1);
}

GaitDotItem *
gait_dot_add_node(GaitDot *dot, GaitDotItem *parent, const char *name)
{
	return (GaitDotItem *)agnode((Agraph_t *)parent, (char *)name, 1);
}

GaitDotItem *
gait_dot_add_edge(GaitDot *dot, GaitDotItem *from, GaitDotItem *to)
{
	return (GaitDotItem *)agedge(dot->graph, (Agnode_t *)from, (Agnode_t *)to, NULL, 1);
}

void
gait_dot_set(GaitDotItem *item, const char *attribute, const char *value)
{
	agsafeset(item, (char *)attribute, (char *)value, (char *)"");
}

void
gait_dot_setf(GaitDotItem *item, const char *attribute, const char *format, ...)
{
	g_autofree char *value = NULL;
	va_list args;

	va_start(args, format);
	value = g_strdup_vprintf(format, args);
	va_end(args);
	gait_dot_set(item, attribute, value);
}

void
gait_dot_set_html(GaitDotItem *item, const char *attribute, const char *value)
{
	Agraph_t *graph = agraphof(item);
	/* Marks the interned string as HTML; agsafeset() then finds that very string. */
	char *html = agstrdup_html(graph, (char *)value);

	agsafeset(item, (char *)attribute, html, (char *)"");
	agstrfree(graph, html);
}

GString *
gait_dot_print(GaitDot *dot)
{
	GString *out = g_string_new(NULL);

	agwrite(dot->graph, out);
	return out;
}

/* --- rendering ----------------------------------------------------------------------------------
 */

/* What graphviz has to say comes in pieces; one drawing is rendered at a time. */
static GString *complaints;

static int
complain(char *text)
{
	g_string_append(complaints, text);
	return 0;
}

static GString *
render(GVC_t *context, GaitDot *dot, const char *format)
{
	g_autoptr(GString) out = NULL;
	char *data = NULL;
	unsigned size = 0;

	if (gvLayout(context, dot->graph, "dot") != 0)
		return NULL;
	if (gvRenderData(context, dot->graph, format, &data, &size) == 0 && data) {
		out = g_string_new_len(data, size);
		gvFreeRenderData(data);
	}
	gvFreeLayout(context, dot->graph);
	/* Graphviz gives each font its own element, and to a browser spaces at their ends mean
	 * nothing: words would stick together. */
	if (out && g_str_equal(format, "svg"))
		g_string_replace(out, "<text ", "<text xml:space=\"preserve\" ", 0);
	return g_steal_pointer(&out);
}

/*
 * One for all drawings, and never freed: graphviz 2.42's pango plugin remembers the name of the
 * last font beyond the context that it belongs to, and reads it at the next drawing.
 */
static GVC_t *
get_context(void)
{
	static GVC_t *context;

	if (!context)
		context = gvContext();
	return context;
}

GString *
gait_dot_render(GaitDot *dot, const char *format, GError **error)
{
	agusererrf previous;
	GString *out;

	complaints = g_string_new(NULL);
	previous = agseterrf(complain);
	out = render(get_context(), dot, format);
	agseterrf(previous);
	if (!out)
		g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_UNSUPPORTED,
		            "graphviz cannot make %s of it: %s; `-T dot` gives the text that other "
		            "tools render",
		            format,
		            complaints->len ? g_strstrip(complaints->str) : "no reason given");
	g_string_free(g_steal_pointer(&complaints), TRUE);
	return out;
}
