/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawings: graphviz itself reads them back (dot -Tdot_json, which lays nothing out), and what it
 * read is compared with the model.
 */
#include "unit.h"

#include "model/graph-private.h"
#include "model/sketch-private.h"
#include "sysgait/syscall.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

static const char hostile[] = "\"]; x -> y [label=<b>&quot;\\N\\\" \n\x01\xff\xe2\x80\xae</B>";

/* --- models -------------------------------------------------------------------------------------
 */

typedef struct {
	guint32 from, to;
	guint32 n_runs;
	guint64 in_main, in_child;
} EdgeSpec;

/* Two roles, one library; the calls differ in their site only. */
static GaitModel *
make_model(guint n_symbols, const EdgeSpec *edges, guint n_edges)
{
	GaitModel *model = gait_model_new();
	guint32 module = gait_model_add_module(model, "/usr/bin/walk", "0123456789abcdef", FALSE);
	GaitProgram *program = gait_model_add_program(model, "/usr/bin/walk");
	GaitLibrary *library = gait_program_add_library(program, module);
	GaitSymbolRef none = {GAIT_NONE, 0}, creation = {0, 0};
	GaitRole *roles[2];

	for (guint i = 0; i < 2; i++) {
		g_autofree char *id = g_strnfill(64, i ? 'b' : 'a');

		gait_model_add_run(model, id, i ? "walk 2" : "walk 1", 10, FALSE);
	}
	program->module = module;
	program->n_runs = 2;
	for (guint i = 0; i < n_symbols; i++) {
		guint32 nr = (guint32)gait_syscall_from_name(i == 0 ? "clone" : "read");
		GaitSymbol *symbol = gait_library_add_symbol(library, nr, 0, 0x1000 + i, "work", i);

		symbol->count = 5;
		symbol->n_runs = 2;
	}
	roles[0] = gait_program_add_role(program, GAIT_NONE, none);
	roles[1] = gait_program_add_role(program, 0, creation);
	roles[0]->name = g_strdup("main");
	roles[1]->name = g_strdup("main/work");
	for (guint r = 0; r < 2; r++) {
		roles[r]->n_instances = roles[r]->n_runs = 2;
		gait_role_add_phase(roles[r], GAIT_NONE)->time_share = 1;
		for (guint32 i = 0; i < n_symbols; i++)
			g_array_append_val(roles[r]->symbols, ((GaitSymbolRef){0, i}));
		gait_role_alloc_relations(roles[r]);
	}
	for (guint i = 0; i < n_edges; i++) {
		GaitEdge *edge = gait_library_add_edge(library, edges[i].from, edges[i].to);
		GaitRoleCount counts[] = {{0, edges[i].n_runs, edges[i].in_main},
		                          {1, edges[i].n_runs, edges[i].in_child}};

		edge->n_runs = edges[i].n_runs;
		for (guint r = 0; r < 2; r++) {
			edge->count += counts[r].count;
			if (counts[r].count)
				g_array_append_val(edge->roles, counts[r]);
		}
	}
	return model;
}

/* start → 0 → 1 → 2 → 3 → 1, 3 → 3; the child walks 2 → 1 too. */
static const EdgeSpec walk[] = {
    {0, 2, 2, 2, 0},    {2, 3, 2, 2, 2}, {3, 4, 2, 1200, 3}, {4, 3, 2, 0, 7},
    {4, 5, 2, 1200, 0}, {5, 3, 1, 9, 0}, {5, 5, 2, 40, 0},
};

static GaitModel *
make_walk(void)
{
	return make_model(4, walk, G_N_ELEMENTS(walk));
}

/* --- reading back -------------------------------------------------------------------------------
 */

static JsonObject *
read_back(const GString *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *json = NULL, *complaints = NULL;
	g_autoptr(GSubprocess) dot =
	    g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
	                         G_SUBPROCESS_FLAGS_STDERR_PIPE,
	                     &error, "dot", "-Tdot_json", NULL);

	g_assert_no_error(error);
	g_assert_true(g_utf8_validate(text->str, (gssize)text->len, NULL));
	g_subprocess_communicate_utf8(dot, text->str, NULL, &json, &complaints, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(complaints, ==, "");
	g_assert_true(g_subprocess_get_successful(dot));
	json_parser_load_from_data(parser, json, -1, &error);
	g_assert_no_error(error);
	return json_object_ref(json_node_get_object(json_parser_get_root(parser)));
}

static GString *
print(const GaitModel *model, const GaitGraphOptions *options)
{
	g_autoptr(GError) error = NULL;
	GString *text = gait_graph_print(model, options, &error);

	g_assert_no_error(error);
	g_assert_nonnull(text);
	return text;
}

static JsonObject *
draw(const GaitModel *model, const GaitGraphOptions *options)
{
	g_autoptr(GString) text = print(model, options);

	return read_back(text);
}

static JsonObject *
find_object(JsonObject *graph, const char *name)
{
	JsonArray *objects = json_object_get_array_member(graph, "objects");

	for (guint i = 0; i < json_array_get_length(objects); i++) {
		JsonObject *object = json_array_get_object_element(objects, i);

		if (strcmp(json_object_get_string_member(object, "name"), name) == 0)
			return object;
	}
	return NULL;
}

static JsonObject *
find_edge(JsonObject *graph, const char *tail, const char *head)
{
	JsonArray *edges = json_object_get_array_member(graph, "edges");
	JsonObject *from = find_object(graph, tail), *to = find_object(graph, head);

	g_assert_nonnull(from);
	g_assert_nonnull(to);
	for (guint i = 0; i < json_array_get_length(edges); i++) {
		JsonObject *edge = json_array_get_object_element(edges, i);

		if (json_object_get_int_member(edge, "tail") ==
		        json_object_get_int_member(from, "_gvid") &&
		    json_object_get_int_member(edge, "head") ==
		        json_object_get_int_member(to, "_gvid"))
			return edge;
	}
	return NULL;
}

static const char *
attribute(JsonObject *object, const char *name)
{
	g_assert_nonnull(object);
	return json_object_get_string_member_with_default(object, name, "");
}

static void
assert_contains(const char *haystack, const char *needle)
{
	if (!strstr(haystack, needle))
		g_error("\"%s\" is not in \"%s\"", needle, haystack);
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void
test_full_library(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitGraphOptions options = {
	    .view = GAIT_GRAPH_LIBRARY, .library = "walk", .role = "main", .is_full = TRUE};
	JsonObject *graph = draw(model, &options);
	JsonArray *edges = json_object_get_array_member(graph, "edges");

	/* Each state has its node; each edge of the role its line, but the loop. */
	for (guint i = 2; i < 6; i++) {
		g_autofree char *name = g_strdup_printf("r0s%u", i);
		g_autofree char *site = g_strdup_printf("work+0x%x", i - 2);
		const char *label = attribute(find_object(graph, name), "label");

		assert_contains(label, i == 2 ? "<B>clone" : "<B>read</B>");
		assert_contains(label, site);
	}
	g_assert_cmpuint(json_array_get_length(edges), ==, 5);
	assert_contains(attribute(find_object(graph, "r0s5"), "label"), "↻ 40");
	g_assert_cmpstr(attribute(find_object(graph, "r0s0"), "label"), ==, "start");
	/* clone is dangerous, read is not. */
	g_assert_cmpstr(attribute(find_object(graph, "r0s2"), "color"), ==, GAIT_GRAPH_DANGER);
	g_assert_cmpstr(attribute(find_object(graph, "r0s3"), "color"), !=, GAIT_GRAPH_DANGER);

	JsonObject *often = find_edge(graph, "r0s3", "r0s4");
	JsonObject *seldom = find_edge(graph, "r0s2", "r0s3");
	/* A step back is drawn downwards, its arrow head above. */
	JsonObject *rare = find_edge(graph, "r0s3", "r0s5");
	g_assert_cmpstr(attribute(often, "xlabel"), ==, "1,200");
	g_assert_cmpstr(attribute(seldom, "xlabel"), ==, "2");
	g_assert_cmpfloat(g_ascii_strtod(attribute(often, "penwidth"), NULL), >,
	                  g_ascii_strtod(attribute(seldom, "penwidth"), NULL));
	g_assert_cmpstr(attribute(rare, "style"), ==, "dashed");
	g_assert_cmpstr(attribute(rare, "dir"), ==, "back");
	g_assert_cmpstr(attribute(often, "style"), !=, "dashed");
	json_object_unref(graph);
}

static void
test_roles_apart(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitGraphOptions options = {.view = GAIT_GRAPH_LIBRARY, .library = "walk", .is_full = TRUE};
	JsonObject *graph = draw(model, &options);

	/* Each role has its own counts. The child goes both ways: one line with two heads. */
	g_assert_cmpstr(attribute(find_edge(graph, "r0s3", "r0s4"), "xlabel"), ==, "1,200");
	g_assert_cmpstr(attribute(find_edge(graph, "r1s3", "r1s4"), "xlabel"), ==, "3 / 7");
	g_assert_cmpstr(attribute(find_edge(graph, "r1s3", "r1s4"), "dir"), ==, "both");
	g_assert_null(find_edge(graph, "r1s4", "r1s3"));
	/* What the child never walked has no place in it. */
	g_assert_null(find_object(graph, "r1s0"));
	assert_contains(attribute(find_object(graph, "unsequenced"), "label"), "work+0x3");
	json_object_unref(graph);
}

static void
test_folded(void)
{
	static const EdgeSpec straight[] = {
	    {0, 2, 2, 2, 0}, {2, 3, 2, 2, 0}, {3, 4, 2, 2, 0}, {4, 5, 2, 2, 0}};
	g_autoptr(GaitModel) model = make_model(4, straight, G_N_ELEMENTS(straight));
	GaitGraphOptions options = {.view = GAIT_GRAPH_LIBRARY, .library = "walk", .role = "main"};
	JsonObject *graph = draw(model, &options);
	const char *label = attribute(find_object(graph, "r0s2"), "label");
	const char *last = label;

	/* One box, with all sites in order. */
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(graph, "edges")), ==,
	                 1);
	for (guint i = 0; i < 4; i++) {
		g_autofree char *site = g_strdup_printf("work+0x%x<", i);

		last = strstr(last, site);
		g_assert_nonnull(last);
	}
	g_assert_null(find_object(graph, "r0s3"));
	json_object_unref(graph);
}

static void
test_ring(void)
{
	/* Nothing enters it: a joined task, say. No state may get lost, and folding must end. */
	static const EdgeSpec ring[] = {{2, 3, 2, 2, 0}, {3, 4, 2, 2, 0}, {4, 2, 2, 2, 0}};
	g_autoptr(GaitModel) model = make_model(3, ring, G_N_ELEMENTS(ring));
	g_autoptr(GaitSketch) sketch =
	    gait_sketch_new(model, gait_model_get_program(model, 0), 0,
	                    &(GaitGraphLibraryOptions){.has_runs = TRUE});
	guint n_first = 0, n_visible = 0;

	for (guint i = 0; i < sketch->states->len; i++)
		n_first += gait_sketch_get_state(sketch, i)->previous == GAIT_NONE;
	for (guint i = 0; i < sketch->lines->len; i++)
		n_visible += !gait_sketch_get_line(sketch, i)->is_hidden;
	g_assert_cmpuint(n_first, ==, 1);
	g_assert_cmpuint(n_visible, ==, 1);
}

/* Folding may neither lose nor invent a step: what is hidden is exactly what the runs say. */
static void
test_random_folding(void)
{
	for (guint round = 0; round < 200; round++) {
		guint n_symbols = (guint)g_test_rand_int_range(1, 12);
		guint n_states = GAIT_STATE_FIRST + n_symbols;
		g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(EdgeSpec));

		for (guint32 from = 0; from < n_states; from++)
			for (guint32 to = GAIT_STATE_FIRST; to < n_states; to++)
				if (g_test_rand_int_range(0, (int)n_symbols) == 0)
					g_array_append_val(
					    edges, ((EdgeSpec){from, to,
					                       (guint32)g_test_rand_int_range(1, 3),
					                       1, 0}));
		g_autoptr(GaitModel) model =
		    make_model(n_symbols, (EdgeSpec *)(void *)edges->data, edges->len);
		g_autoptr(GaitSketch) sketch =
		    gait_sketch_new(model, gait_model_get_program(model, 0), 0,
		                    &(GaitGraphLibraryOptions){.has_runs = TRUE});
		guint n_loops = 0, n_within = 0, n_hidden = 0, n_both = 0;

		for (guint i = 0; i < sketch->states->len; i++) {
			const GaitSketchState *state = gait_sketch_get_state(sketch, i);

			n_loops += state->n_loops > 0;
			if (state->next == GAIT_NONE)
				continue;
			n_within++;
			g_assert_cmpuint(gait_sketch_get_state(sketch, state->next)->previous, ==,
			                 i);
			g_assert_cmpuint(state->n_out, ==, 1);
		}
		for (guint i = 0; i < sketch->lines->len; i++) {
			n_hidden += gait_sketch_get_line(sketch, i)->is_hidden;
			n_both += gait_sketch_get_line(sketch, i)->back_count > 0;
		}
		g_assert_cmpuint(n_loops + sketch->lines->len, ==, edges->len);
		g_assert_cmpuint(n_hidden, ==, n_within + n_both);
	}
}

/* What is folded is neither lost nor invented: each site has one box, and all steps are there. */
static void
test_random_sites(void)
{
	for (guint round = 0; round < 200; round++) {
		guint n_symbols = (guint)g_test_rand_int_range(1, 12);
		guint n_states = GAIT_STATE_FIRST + n_symbols;
		GaitGraphFold fold = (GaitGraphFold)g_test_rand_int_range(0, GAIT_GRAPH_FOLD_N_);
		g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(EdgeSpec));
		guint64 n_steps = 0, n_drawn = 0;
		guint n_sites = 0;

		for (guint32 from = 0; from < n_states; from++) {
			for (guint32 to = GAIT_STATE_FIRST; to < n_states; to++) {
				EdgeSpec edge = {from, to, 2, 1 + from * 7 + to, 0};

				if (g_test_rand_int_range(0, 3) > 0)
					continue;
				g_array_append_val(edges, edge);
				n_steps += edge.in_main;
			}
		}
		g_autoptr(GaitModel) model =
		    make_model(n_symbols, (EdgeSpec *)(void *)edges->data, edges->len);
		GaitLibrary *library =
		    gait_program_get_library(gait_model_get_program(model, 0), 0);
		for (guint i = 0; i < n_symbols; i++) {
			GaitSymbol *symbol = g_ptr_array_index(library->symbols, i);

			g_free(symbol->function);
			symbol->function = i % 4 == 3 ? NULL : g_strdup(i % 4 ? "walk" : "work");
		}
		g_autoptr(GaitSketch) sketch =
		    gait_sketch_new(model, gait_model_get_program(model, 0), 0,
		                    &(GaitGraphLibraryOptions){.fold = fold});
		for (guint i = 0; i < sketch->states->len; i++) {
			const GaitSketchState *state = gait_sketch_get_state(sketch, i);
			guint n = 0;

			n_drawn += state->n_loops;
			if (state->state < GAIT_STATE_FIRST)
				continue;
			for (const GaitSketchSite *site = gait_sketch_first_site(sketch, state);
			     site; site = gait_sketch_next_site(sketch, site), n++) {
				const GaitSymbol *a = gait_sketch_get_symbol(sketch, state);
				const GaitSymbol *b = gait_sketch_site_symbol(sketch, site);

				g_assert_cmpuint(a->nr, ==, b->nr);
				if (fold == GAIT_GRAPH_FOLD_FUNCTION)
					g_assert_cmpstr(a->function, ==, b->function);
				else if (fold == GAIT_GRAPH_FOLD_NONE)
					g_assert_true(a == b);
			}
			g_assert_cmpuint(n, ==, state->n_sites);
			n_sites += n;
		}
		for (guint i = 0; i < sketch->lines->len; i++)
			n_drawn += gait_sketch_get_line(sketch, i)->count;
		g_assert_cmpuint(n_sites, ==, n_symbols);
		g_assert_cmpuint(n_drawn, ==, n_steps);
	}
}

static void
test_folded_sites(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitGraphOptions options = {.view = GAIT_GRAPH_LIBRARY,
	                            .library = "walk",
	                            .role = "main",
	                            .is_full = TRUE,
	                            .fold = GAIT_GRAPH_FOLD_SYSCALL};
	JsonObject *graph = draw(model, &options);

	/* The clone, and the three reads as one, which follows itself as often as all of them. */
	assert_contains(attribute(find_object(graph, "r0s3"), "label"), "work, 3 sites");
	assert_contains(attribute(find_object(graph, "r0s3"), "label"), "↻ 2,449");
	assert_contains(attribute(find_object(graph, "r0s3"), "tooltip"), "work+0x3");
	assert_contains(attribute(graph, "label"), "folded by syscall: 2 states stand for 4");
	g_assert_cmpstr(attribute(find_edge(graph, "r0s2", "r0s3"), "xlabel"), ==, "2");
	g_assert_null(find_object(graph, "r0s4"));
	json_object_unref(graph);
}

/* What changed is coloured and signed, in the library and in its phases; the rest is grey. */
static void
test_changes(void)
{
	static const EdgeSpec before[] = {
	    {0, 2, 2, 2, 0}, {2, 3, 2, 2, 2}, {3, 4, 2, 30, 3}, {3, 2, 2, 70, 0}, {4, 3, 2, 0, 7}};
	static const EdgeSpec after[] = {
	    {0, 2, 2, 2, 0}, {2, 3, 2, 2, 2}, {3, 4, 2, 70, 3}, {3, 2, 2, 30, 0}, {4, 5, 2, 5, 0}};
	g_autoptr(GaitModel) old = make_model(3, before, G_N_ELEMENTS(before));
	g_autoptr(GaitModel) new = make_model(4, after, G_N_ELEMENTS(after));
	GaitGraphOptions options = {.view = GAIT_GRAPH_LIBRARY,
	                            .library = "walk",
	                            .role = "main",
	                            .is_full = TRUE,
	                            .before = old,
	                            .names = {"a<b>.gait", "new.gait"}};
	const char *green = gait_graph_change_color(GAIT_GRAPH_NEW)->line;
	const char *grey = gait_graph_change_color(GAIT_GRAPH_SAME)->line;

	/* Which sorts the reads before the clone. */
	gait_model_normalize(old);
	gait_model_normalize(new);
	JsonObject *graph = draw(new, &options);
	assert_contains(attribute(find_object(graph, "r0s4"), "label"), "+ <B>read");
	g_assert_cmpstr(attribute(find_object(graph, "r0s4"), "color"), ==, green);
	g_assert_cmpstr(attribute(find_object(graph, "r0s2"), "color"), ==, grey);
	g_assert_cmpstr(attribute(find_edge(graph, "r0s3", "r0s4"), "xlabel"), ==, "+ 5");
	g_assert_cmpstr(attribute(find_edge(graph, "r0s2", "r0s3"), "xlabel"), ==, "32% → 71%");
	g_assert_cmpstr(attribute(find_edge(graph, "r0s0", "r0s5"), "xlabel"), ==, "");
	assert_contains(attribute(graph, "label"), "1 new and 0 gone states");
	assert_contains(attribute(graph, "label"), "a&lt;b&gt;.gait");
	json_object_unref(graph);

	/* The other way round it is gone. */
	options.before = new;
	graph = draw(old, &options);
	assert_contains(attribute(find_object(graph, "r0s4"), "label"), "− <B><S>read");
	g_assert_cmpstr(attribute(find_edge(graph, "r0s3", "r0s4"), "style"), ==, "dashed");
	json_object_unref(graph);

	options.view = GAIT_GRAPH_OVERVIEW;
	options.role = NULL;
	graph = draw(old, &options);
	assert_contains(attribute(find_object(graph, "cluster_p0libraries"), "label"), "− 1");
	json_object_unref(graph);
}

/* Where there are no loops, every line leads onward, wherever the walk began. */
static void
test_random_order(void)
{
	for (guint round = 0; round < 200; round++) {
		guint n_symbols = (guint)g_test_rand_int_range(2, 14);
		guint n_states = GAIT_STATE_FIRST + n_symbols;
		g_autofree guint32 *place = g_new(guint32, n_states);
		g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(EdgeSpec));

		for (guint32 i = 0; i < n_states; i++)
			place[i] = (guint32)g_test_rand_int();
		for (guint32 from = 0; from < n_states; from++)
			for (guint32 to = GAIT_STATE_FIRST; to < n_states; to++)
				if ((from == 0 || place[from] < place[to]) &&
				    g_test_rand_int_range(0, 4) == 0)
					g_array_append_val(
					    edges,
					    ((EdgeSpec){from, to, 2,
					                (guint64)g_test_rand_int_range(1, 99), 0}));
		g_autoptr(GaitModel) model =
		    make_model(n_symbols, (EdgeSpec *)(void *)edges->data, edges->len);
		g_autoptr(GaitSketch) sketch =
		    gait_sketch_new(model, gait_model_get_program(model, 0), 0,
		                    &(GaitGraphLibraryOptions){.has_runs = TRUE});

		for (guint i = 0; i < sketch->lines->len; i++) {
			const GaitSketchLine *line = gait_sketch_get_line(sketch, i);
			const GaitSketchState *from = gait_sketch_get_state(sketch, line->from);
			const GaitSketchState *to = gait_sketch_get_state(sketch, line->to);

			if (from->state >= GAIT_STATE_FIRST)
				g_assert_cmpuint(from->order, <, to->order);
		}
	}
}

static void
test_phase_clusters(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitRole *role = gait_program_get_role(gait_model_get_program(model, 0), 0);
	GaitGraphOptions options = {
	    .view = GAIT_GRAPH_LIBRARY, .library = "walk", .role = "main", .is_full = TRUE};
	GaitCandidate candidate = {.symbol = 2};

	/* Symbols 0 and 1 came before symbol 2, which starts the second phase; symbol 3 did not. */
	g_array_append_val(role->candidates, candidate);
	gait_role_alloc_relations(role);
	gait_bit_set(role->before, 0);
	gait_bit_set(role->before, 1);
	gait_role_add_phase(role, 2);
	g_assert_cmpuint(gait_graph_first_phase(role, 1), ==, 0);
	g_assert_cmpuint(gait_graph_first_phase(role, 2), ==, 1);
	g_assert_cmpuint(gait_graph_first_phase(role, 3), ==, 1);

	JsonObject *graph = draw(model, &options);
	/* The second has an echo of symbol 1, which a line leads back to. */
	static const guint expected[] = {2, 3};
	for (guint p = 0; p < 2; p++) {
		g_autofree char *name = g_strdup_printf("cluster_r0p%u", p);
		JsonObject *cluster = find_object(graph, name);

		g_assert_nonnull(cluster);
		g_assert_cmpuint(
		    json_array_get_length(json_object_get_array_member(cluster, "nodes")), ==,
		    expected[p]);
		g_assert_cmpstr(attribute(cluster, "color"), ==, gait_graph_phase_color(p)->line);
	}
	assert_contains(attribute(find_object(graph, "cluster_r0p1"), "label"), "work+0x2");
	g_assert_nonnull(find_edge(graph, "r0s3", "r0s4"));
	g_assert_cmpstr(attribute(find_edge(graph, "r0p1s3", "r0s5"), "dir"), ==, "back");
	/* The second phase hangs below the first. */
	g_assert_nonnull(find_edge(graph, "r0s3", "r0p0end"));
	g_assert_nonnull(find_edge(graph, "r0p0end", "r0s4"));
	json_object_unref(graph);
}

static void
test_phases(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitProgram *program = gait_model_get_program(model, 0);
	GaitRole *role = gait_program_get_role(program, 0);
	guint32 clone_nr = (guint32)gait_syscall_from_name("clone");
	guint32 read_nr = (guint32)gait_syscall_from_name("read");
	GaitCall calls[] = {{MIN(clone_nr, read_nr), 0, 2}, {MAX(clone_nr, read_nr), 0, 2}};
	GaitGraphOptions options = {.view = GAIT_GRAPH_PHASES};
	GaitCandidate candidate = {.symbol = 1};

	g_array_append_vals(program->calls, calls, 2);
	g_array_append_val(role->candidates, candidate);
	gait_role_alloc_relations(role);
	gait_role_add_phase(role, 1);
	GaitPhase *first = g_ptr_array_index(role->phases, 0);
	g_array_append_val(first->allowed, ((guint32){1}));
	g_array_append_vals(first->retained, ((guint32[]){0, 1}), 2);

	JsonObject *graph = draw(model, &options);
	const char *label = attribute(find_object(graph, "p0r0p0"), "label");
	assert_contains(label, "allows <B>1</B> syscalls, <B>2</B> may still come");
	assert_contains(label, "<B>clone</B>");
	g_assert_null(strstr(label, "read"));
	assert_contains(attribute(find_edge(graph, "p0r0p0", "p0r0p1"), "label"), "work+0x1");
	/* The child is created by symbol 0. */
	assert_contains(attribute(find_edge(graph, "p0r0p1", "p0r1p0"), "label"), "clone");
	json_object_unref(graph);

	options.role = "main/work";
	graph = draw(model, &options);
	g_assert_null(find_object(graph, "p0r0p0"));
	g_assert_nonnull(find_object(graph, "p0r1p0"));
	json_object_unref(graph);
}

static void
test_roles(void)
{
	g_autoptr(GaitModel) model = make_walk();
	GaitGraphOptions options = {.view = GAIT_GRAPH_ROLES};
	GaitProgram *other = gait_model_add_program(model, "/bin/other");
	GaitRole *role = gait_program_add_role(other, GAIT_NONE, (GaitSymbolRef){GAIT_NONE, 0});

	role->name = g_strdup("main");
	gait_role_add_phase(role, GAIT_NONE);
	g_array_append_val(gait_model_get_program(model, 0)->execs, ((guint32){1}));

	JsonObject *graph = draw(model, &options);
	assert_contains(attribute(find_edge(graph, "p0r0", "p0r1"), "label"), "<B>clone</B>");
	g_assert_cmpstr(attribute(find_edge(graph, "p0r0", "p1r0"), "label"), ==, "executes");
	json_object_unref(graph);
}

/* No name, wherever it stands, may become anything but text. */
static void
test_hostile_names(void)
{
	for (guint view = 0; view < GAIT_GRAPH_N_; view++) {
		g_autoptr(GaitModel) model = make_walk();
		GaitProgram *program = gait_model_get_program(model, 0);
		GaitModelModule *module = g_ptr_array_index(model->modules, 0);
		GaitGraphOptions options = {.view = (GaitGraphView)view, .library = hostile};

		g_free(program->path);
		program->path = g_strdup(hostile);
		g_free(module->path);
		module->path = g_strdup(hostile);
		for (guint r = 0; r < 2; r++) {
			g_free(gait_program_get_role(program, r)->name);
			gait_program_get_role(program, r)->name = g_strdup(hostile);
		}
		for (guint i = 0; i < 4; i++) {
			GaitSymbol *symbol =
			    g_ptr_array_index(gait_program_get_library(program, 0)->symbols, i);

			g_free(symbol->function);
			symbol->function = g_strdup(hostile);
		}
		JsonObject *graph = draw(model, &options);
		g_assert_null(find_object(graph, "x"));
		g_assert_null(find_object(graph, "y"));
		json_object_unref(graph);
	}
}

static void
test_same_bytes(void)
{
	for (guint view = 0; view < GAIT_GRAPH_N_; view++) {
		GaitGraphOptions options = {.view = (GaitGraphView)view, .library = "walk"};
		g_autoptr(GaitModel) one = make_walk(), two = make_walk();
		g_autoptr(GString) a = print(one, &options), b = print(two, &options);

		g_assert_true(g_string_equal(a, b));
	}
}

static void
test_selection(void)
{
	static const struct {
		GaitGraphOptions options;
		const char *complaint; /* NULL: fits */
	} cases[] = {
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "libc"}, "more than one library"},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "libc.so.6"}, NULL},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "libca"}, NULL},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "/lib/libcap.so.2"}, NULL},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "cafe00"}, NULL},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = ""}, "/lib/libcap.so.2"},
	    {{.view = GAIT_GRAPH_LIBRARY, .library = "libz"}, "/lib/libc.so.6"},
	    {{.view = GAIT_GRAPH_PHASES, .role = "main"}, NULL},
	    {{.view = GAIT_GRAPH_PHASES, .role = "idle"}, "main/work"},
	    {{.view = GAIT_GRAPH_PHASES, .program = "wal"}, NULL},
	    {{.view = GAIT_GRAPH_PHASES, .program = "run"}, "/usr/bin/walk"},
	};
	g_autoptr(GaitModel) model = make_walk();
	GaitProgram *program = gait_model_get_program(model, 0);

	gait_program_add_library(program,
	                         gait_model_add_module(model, "/lib/libc.so.6", "aa", TRUE));
	gait_program_add_library(
	    program, gait_model_add_module(model, "/lib/libcap.so.2", "cafe0001", FALSE));
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		GString *text = gait_graph_print(model, &cases[i].options, &error);

		if (!cases[i].complaint) {
			g_assert_no_error(error);
			g_string_free(text, TRUE);
			continue;
		}
		g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
		assert_contains(error->message, cases[i].complaint);
		g_assert_null(text);
	}
}

static void
test_text(void)
{
	static const struct {
		const char *text;
		guint max;
		const char *plain, *html, *escaped;
	} cases[] = {
	    {"open", 10, "open", "open", "open"},
	    {"a<b>&\"c", 10, "a<b>&\"c", "a&lt;b&gt;&amp;&quot;c", "a<b>&amp;\"c"},
	    {"a\\N", 10, "a\\\\N", "a\\\\N", "a\\\\\\\\N"},
	    {"a\nb\x7f", 20, "a\\nb\\x7f", "a\\nb\\x7f", "a\\\\nb\\\\x7f"},
	    {"\xff\xc3", 20, "\\xff\\xc3", "\\xff\\xc3", "\\\\xff\\\\xc3"},
	    /* right-to-left override */
	    {"\xe2\x80\xae", 20, "\\xe2\\x80\\xae", "\\xe2\\x80\\xae", "\\\\xe2\\\\x80\\\\xae"},
	    {"größe", 5, "größe", "größe", "größe"},
	    {"abcdefghij", 5, "ab…ij", "ab…ij", "ab…ij"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) plain = g_string_new(NULL), html = g_string_new(NULL),
		                   escaped = g_string_new(NULL);

		gait_graph_append_plain(plain, cases[i].text, cases[i].max);
		gait_graph_append_html(html, cases[i].text, cases[i].max);
		gait_graph_append_escaped(escaped, cases[i].text, cases[i].max);
		g_assert_cmpstr(plain->str, ==, cases[i].plain);
		g_assert_cmpstr(html->str, ==, cases[i].html);
		g_assert_cmpstr(escaped->str, ==, cases[i].escaped);
	}
	/* Length is bounded before anything is made of the text. */
	g_autofree char *long_text = g_strnfill(10 << 20, '\xff');
	g_autoptr(GString) out = g_string_new(NULL);
	gait_graph_append_plain(out, long_text, 40);
	g_assert_cmpint(g_utf8_strlen(out->str, -1), ==, 40);
}

static void
test_counts(void)
{
	static const struct {
		guint64 n;
		const char *text;
	} cases[] = {
	    {0, "0"},          {999, "999"},        {1000, "1,000"},      {9999, "9,999"},
	    {12345, "12.3k"},  {99949, "99.9k"},    {99950, "100k"},      {123456, "123k"},
	    {1234567, "1.2M"}, {999499999, "999M"}, {5000000000, "5.0G"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		gait_graph_append_count(out, cases[i].n);
		g_assert_cmpstr(out->str, ==, cases[i].text);
	}
}

int
main(int argc, char **argv)
{
	unit_init(argc, argv);
	g_test_add_func("/graph/library/full", test_full_library);
	g_test_add_func("/graph/library/roles-apart", test_roles_apart);
	g_test_add_func("/graph/library/folded", test_folded);
	g_test_add_func("/graph/library/ring", test_ring);
	g_test_add_func("/graph/library/random-folding", test_random_folding);
	g_test_add_func("/graph/library/folded-sites", test_folded_sites);
	g_test_add_func("/graph/library/random-sites", test_random_sites);
	g_test_add_func("/graph/library/random-order", test_random_order);
	g_test_add_func("/graph/library/phase-clusters", test_phase_clusters);
	g_test_add_func("/graph/changes", test_changes);
	g_test_add_func("/graph/phases", test_phases);
	g_test_add_func("/graph/roles", test_roles);
	g_test_add_func("/graph/hostile-names", test_hostile_names);
	g_test_add_func("/graph/same-bytes", test_same_bytes);
	g_test_add_func("/graph/selection", test_selection);
	g_test_add_func("/graph/text", test_text);
	g_test_add_func("/graph/counts", test_counts);
	return g_test_run();
}
