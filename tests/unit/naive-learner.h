/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learner's oracle: the definitions of model.h and DESIGN §6, computed in the dullest way from
 * all events at once. It keeps every occurrence, shares no code with the learner, and tells what it
 * found as lines of text.
 */
#pragma once

#include "tests/unit/random-trace.h"

#include "sysgait/model.h"

typedef struct {
	const char *symbol; /* "library call/class@site"; interned */
	guint64 position, time_ns;
	gboolean is_incidental, waits;
	guint n_gaps; /* in the instance before it */
} NaiveOccurrence;

/* A task in one role, from start to end. */
typedef struct {
	char *role; /* "program: main>symbol>symbol" */
	GPtrArray *occurrences;
	guint64 start_ns, end_ns, n_events, n_known;
	gboolean is_start_seen, is_whole, is_thread;
	guint n_gaps;
} NaiveInstance;

typedef struct {
	gboolean is_gone;
	const char *program;
	NaiveInstance *instance;
	const char *last; /* last symbol that creates tasks or executes, or NULL */
	gboolean is_last_exec;
	GPtrArray *contexts;  /* GHashTable: library → state */
	GPtrArray *fallbacks; /* state of libraries that are not in the table */
} NaiveTask;

typedef struct {
	const RandomOptions *options;
	GPtrArray *tasks;
	GPtrArray *instances;
	GHashTable *counts; /* line → count */
} Naive;

static const char *
naive_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void
naive_count(Naive *naive, char *line)
{
	guint64 *count = g_hash_table_lookup(naive->counts, line);

	if (!count) {
		count = g_new0(guint64, 1);
		g_hash_table_insert(naive->counts, g_strdup(line), count);
	}
	++*count;
	g_free(line);
}

static const char *
naive_symbol(const Naive *naive, const RandomShape *shape)
{
	gboolean has_site = !naive->options->is_stackless;
	const char *path = has_site ? random_modules[shape->module].path : "[unknown]";
	guint32 nr = random_nr(shape);
	g_autofree char *text =
	    g_strdup_printf("%s %s/%u@%" G_GINT64_MODIFIER "x", naive_name(path), shape->call,
	                    gait_syscall_class(nr, shape->args), has_site ? shape->site : 0);

	return g_intern_string(text);
}

static void
naive_push(NaiveTask *task, const char *fallback)
{
	g_ptr_array_add(task->contexts, g_hash_table_new(g_str_hash, g_str_equal));
	g_ptr_array_add(task->fallbacks, (char *)fallback);
}

static void
naive_pop(NaiveTask *task)
{
	if (task->contexts->len == 1)
		return;
	g_ptr_array_set_size(task->contexts, (gint)task->contexts->len - 1);
	g_ptr_array_set_size(task->fallbacks, (gint)task->fallbacks->len - 1);
}

static void
naive_forget(NaiveTask *task)
{
	for (guint i = 0; i < task->contexts->len; i++) {
		g_hash_table_remove_all(g_ptr_array_index(task->contexts, i));
		task->fallbacks->pdata[i] = NULL;
	}
}

static NaiveInstance *
naive_instance(Naive *naive, NaiveTask *task, const char *role, guint64 time_ns, gboolean is_seen)
{
	NaiveInstance *instance = g_new0(NaiveInstance, 1);

	instance->role = g_strdup(role);
	instance->occurrences = g_ptr_array_new_with_free_func(g_free);
	instance->start_ns = instance->end_ns = time_ns;
	instance->is_start_seen = is_seen;
	instance->n_known = is_seen ? G_MAXUINT64 : 0;
	g_ptr_array_add(naive->instances, instance);
	task->instance = instance;
	task->last = NULL;
	return instance;
}

static NaiveTask *
naive_task(Naive *naive, guint32 index, const char *fallback)
{
	NaiveTask *task = g_new0(NaiveTask, 1);

	g_assert_cmpuint(index, ==, naive->tasks->len);
	g_ptr_array_add(naive->tasks, task);
	task->contexts = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
	task->fallbacks = g_ptr_array_new();
	naive_push(task, fallback);
	return task;
}

static void
naive_main(Naive *naive, NaiveTask *task, const GaitEvent *event, gboolean is_seen)
{
	g_autofree char *role = NULL;

	task->program = random_modules[event->program].path;
	role = g_strdup_printf("%s: main", task->program);
	naive_instance(naive, task, role, event->time_ns, is_seen);
}

/* The last call, if it was one that executes, or one that creates. */
static const char *
naive_creation(const NaiveTask *task, gboolean is_exec)
{
	return task->last && task->is_last_exec == is_exec ? task->last : NULL;
}

/* The chain with one creation more, cut back where it is there already. */
static char *
naive_child_role(const char *role, const char *creation)
{
	g_autofree char *link = g_strdup_printf(">%s", creation);
	g_auto(GStrv) links = g_strsplit(role, ">", -1);

	for (guint i = 1; links[i]; i++)
		if (g_str_equal(links[i], creation)) {
			g_clear_pointer(&links[i + 1], g_free);
			return g_strjoinv(">", links);
		}
	return g_strconcat(role, link, NULL);
}

static void
naive_fork(Naive *naive, NaiveTask *parent, const GaitEvent *event)
{
	gboolean is_thread = (event->flags & GAIT_TASK_THREAD) != 0;
	NaiveTask *task = naive_task(naive, event->child, "start");
	const char *creation = naive_creation(parent, FALSE);
	g_autofree char *role = creation ? naive_child_role(parent->instance->role, creation)
	                                 : g_strdup(parent->instance->role);

	task->program = parent->program;
	naive_instance(naive, task, role, event->time_ns, creation != NULL)->is_thread = is_thread;
	if (is_thread)
		return;
	g_ptr_array_set_size(task->contexts, 0);
	g_ptr_array_set_size(task->fallbacks, 0);
	for (guint i = 0; i < parent->contexts->len; i++) {
		GHashTableIter iter;
		gpointer library, state;

		naive_push(task, g_ptr_array_index(parent->fallbacks, i));
		g_hash_table_iter_init(&iter, g_ptr_array_index(parent->contexts, i));
		while (g_hash_table_iter_next(&iter, &library, &state))
			g_hash_table_insert(g_ptr_array_index(task->contexts, i), library, state);
	}
}

static void
naive_edge(Naive *naive, NaiveTask *task, const RandomShape *shape, const char *symbol)
{
	guint top = task->contexts->len - 1;
	GHashTable *states = g_ptr_array_index(task->contexts, top);
	gboolean is_return = g_str_equal(shape->call, "rt_sigreturn");
	const char *library = g_intern_string(naive_name(
	    naive->options->is_stackless ? "[unknown]" : random_modules[shape->module].path));
	const char *from = g_hash_table_contains(states, library)
	                       ? g_hash_table_lookup(states, library)
	                       : g_ptr_array_index(task->fallbacks, top);

	if (from && is_return && top == 0)
		from = "start";
	if (from)
		naive_count(naive, g_strdup_printf("edge %s: %s -> %s by %s", task->program, from,
		                                   symbol, task->instance->role));
	g_hash_table_insert(states, (gpointer)library, (gpointer)symbol);
	if (is_return && top == 0)
		naive_forget(task);
	else if (is_return)
		naive_pop(task);
}

static void
naive_syscall(Naive *naive, NaiveTask *task, const GaitEvent *event)
{
	const RandomShape *shape = &random_shapes[event->shape];
	NaiveInstance *instance = task->instance;
	NaiveOccurrence *occurrence;
	const char *symbol;

	instance->end_ns = event->time_ns;
	if (shape->is_foreign || g_str_equal(shape->call, "restart_syscall"))
		return;
	symbol = naive_symbol(naive, shape);
	naive_count(naive, g_strdup_printf("symbol %s: %s", task->program, symbol));
	occurrence = g_new0(NaiveOccurrence, 1);
	*occurrence = (NaiveOccurrence){.symbol = symbol,
	                                .position = ++instance->n_events,
	                                .time_ns = event->time_ns - instance->start_ns,
	                                .is_incidental = g_str_equal(shape->call, "futex") ||
	                                                 g_str_equal(shape->call, "brk") ||
	                                                 g_str_equal(shape->call, "clock_gettime"),
	                                .waits = g_str_equal(shape->call, "poll"),
	                                .n_gaps = instance->n_gaps};
	g_ptr_array_add(instance->occurrences, occurrence);
	if (gait_syscall_is_creation(random_nr(shape)) || gait_syscall_is_exec(random_nr(shape))) {
		task->last = symbol;
		task->is_last_exec = gait_syscall_is_exec(random_nr(shape));
	}
	if (!occurrence->is_incidental)
		naive_edge(naive, task, shape, symbol);
}

static void
naive_exec(Naive *naive, NaiveTask *task, const GaitEvent *event)
{
	char *line =
	    g_strdup_printf("exec %s: %s", task->program, random_modules[event->program].path);

	const char *creation = naive_creation(task, TRUE);
	gboolean is_again = g_str_equal(task->program, random_modules[event->program].path);

	g_hash_table_insert(naive->counts, line, NULL);
	task->instance->end_ns = event->time_ns;
	task->instance->is_whole = TRUE;
	g_ptr_array_set_size(task->contexts, 0);
	g_ptr_array_set_size(task->fallbacks, 0);
	naive_push(task, "start");
	if (is_again && creation) {
		g_autofree char *role = naive_child_role(task->instance->role, creation);

		naive_instance(naive, task, role, event->time_ns, TRUE);
	} else {
		naive_main(naive, task, event, !is_again);
	}
}

static void
naive_event(Naive *naive, const GaitEvent *event)
{
	gboolean is_joined = (event->flags & GAIT_TASK_JOINED) != 0;
	NaiveTask *task =
	    event->task < naive->tasks->len ? g_ptr_array_index(naive->tasks, event->task) : NULL;

	switch (event->kind) {
	case GAIT_EVENT_SYSCALL:
		naive_syscall(naive, task, event);
		break;
	case GAIT_EVENT_START:
		task = naive_task(naive, event->task, is_joined ? NULL : "start");
		naive_main(naive, task, event, !is_joined);
		break;
	case GAIT_EVENT_FORK:
		naive_fork(naive, task, event);
		break;
	case GAIT_EVENT_EXEC:
		naive_exec(naive, task, event);
		break;
	case GAIT_EVENT_SIGNAL:
		naive_push(task, "signal");
		break;
	case GAIT_EVENT_UNWIND:
		for (guint64 i = 0; i < event->count; i++)
			naive_pop(task);
		break;
	case GAIT_EVENT_EXIT:
		task->instance->end_ns = event->time_ns;
		/* Not by SIGKILL, not by SIGSEGV. */
		task->instance->is_whole =
		    (event->status & 0x7f) != 9 && (event->status & 0x7f) != 11;
		break;
	case GAIT_EVENT_LOST:
		naive_forget(task);
		task->last = NULL;
		task->instance->n_gaps++;
		task->instance->n_known = MIN(task->instance->n_known, task->instance->n_events);
		break;
	case GAIT_EVENT_N_:
		g_assert_not_reached();
	}
}

/* --- roles ----------------------------------------------------------------------------------- */

static const NaiveOccurrence *
naive_occurrence(const NaiveInstance *instance, guint i)
{
	return g_ptr_array_index(instance->occurrences, i);
}

/* First or last occurrence; NULL: none. */
static const NaiveOccurrence *
naive_find(const NaiveInstance *instance, const char *symbol, gboolean is_last)
{
	const NaiveOccurrence *found = NULL;

	for (guint i = 0; i < instance->occurrences->len && (is_last || !found); i++) {
		const NaiveOccurrence *occurrence = naive_occurrence(instance, i);

		if (g_str_equal(occurrence->symbol, symbol))
			found = occurrence;
	}
	return found;
}

static gboolean
naive_is_whole(const NaiveInstance *instance)
{
	return instance->is_whole && instance->n_known == G_MAXUINT64;
}

/* symbol NULL: one that no instance ever reached. */
static void
naive_relate(Naive *naive, const NaiveInstance *in, const char *candidate, const char *symbol)
{
	const NaiveOccurrence *c = candidate ? naive_find(in, candidate, FALSE) : NULL;
	const NaiveOccurrence *first = naive_find(in, symbol, FALSE);
	const NaiveOccurrence *last = naive_find(in, symbol, TRUE);
	const char *name = candidate ? candidate : "never";

	if (!first)
		return;
	if (first->position <= in->n_known &&
	    (!c || c->position > in->n_known || first->position < c->position))
		g_hash_table_insert(naive->counts,
		                    g_strdup_printf("before %s: %s | %s", in->role, name, symbol),
		                    NULL);
	if (c ? last->position >= c->position : last->position > in->n_known)
		g_hash_table_insert(naive->counts,
		                    g_strdup_printf("after %s: %s | %s", in->role, name, symbol),
		                    NULL);
}

static void
naive_candidate(Naive *naive, GPtrArray *instances, const char *symbol)
{
	guint64 n_instances = 0, time_ns = 0, n_events = 0;
	const NaiveInstance *any = g_ptr_array_index(instances, 0);

	for (guint i = 0; i < instances->len; i++) {
		const NaiveInstance *instance = g_ptr_array_index(instances, i);
		const NaiveOccurrence *first = naive_find(instance, symbol, FALSE);

		if (!first || first->position > instance->n_known)
			continue;
		n_instances++;
		time_ns += first->time_ns;
		n_events += first->position - 1;
	}
	g_hash_table_insert(naive->counts,
	                    g_strdup_printf("candidate %s: %s n=%u t=%u e=%u", any->role, symbol,
	                                    (guint)n_instances, (guint)time_ns, (guint)n_events),
	                    NULL);
}

/* Where the round begins that occurrence i is in; G_MAXUINT: it is in none. */
static guint
naive_round(const NaiveInstance *in, guint i)
{
	for (guint k = i; k-- > 0;) {
		const NaiveOccurrence *occurrence = naive_occurrence(in, k);

		if (occurrence->n_gaps != naive_occurrence(in, i)->n_gaps)
			break;
		if (occurrence->waits)
			return k + 1;
	}
	return G_MAXUINT;
}

/* Whether entry (NULL: anything) came before occurrence i in its round. */
static gboolean
naive_comes_before(const NaiveInstance *in, guint i, const char *entry)
{
	for (guint k = naive_round(in, i); k < i; k++) {
		const NaiveOccurrence *occurrence = naive_occurrence(in, k);

		if (!occurrence->is_incidental && g_str_equal(occurrence->symbol, entry))
			return TRUE;
	}
	return FALSE;
}

/* Whether symbol was in rounds at all and, unless entry is NULL, always after entry. */
static gboolean
naive_is_led(const GPtrArray *instances, const char *symbol, const char *entry)
{
	gboolean is_any = FALSE;

	for (guint i = 0; i < instances->len; i++) {
		const NaiveInstance *in = g_ptr_array_index(instances, i);

		for (guint k = 0; k < in->occurrences->len; k++) {
			const NaiveOccurrence *occurrence = naive_occurrence(in, k);

			if (occurrence->is_incidental || !g_str_equal(occurrence->symbol, symbol) ||
			    naive_round(in, k) == G_MAXUINT)
				continue;
			is_any = TRUE;
			if (entry && !naive_comes_before(in, k, entry))
				return FALSE;
		}
	}
	return is_any;
}

static void
naive_rounds(Naive *naive, const char *role, const GPtrArray *instances, gpointer *symbols, guint n)
{
	for (guint s = 0; s < n; s++) {
		if (!naive_is_led(instances, symbols[s], NULL))
			continue;
		g_hash_table_insert(
		    naive->counts, g_strdup_printf("round %s: %s", role, (char *)symbols[s]), NULL);
		for (guint e = 0; e < n; e++)
			if (naive_is_led(instances, symbols[s], symbols[e]))
				g_hash_table_insert(naive->counts,
				                    g_strdup_printf("led %s: %s | %s", role,
				                                    (char *)symbols[s],
				                                    (char *)symbols[e]),
				                    NULL);
	}
}

static void
naive_role(Naive *naive, const char *role)
{
	g_autoptr(GPtrArray) instances = g_ptr_array_new();
	g_autoptr(GHashTable) symbols = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree gpointer *keys = NULL;
	guint64 n_whole = 0, n_starts = 0, n_events = 0, time_ns = 0;
	gboolean is_thread = FALSE;
	guint n_symbols;

	for (guint i = 0; i < naive->instances->len; i++) {
		NaiveInstance *instance = g_ptr_array_index(naive->instances, i);

		if (!g_str_equal(instance->role, role))
			continue;
		g_ptr_array_add(instances, instance);
		n_whole += naive_is_whole(instance);
		n_starts += instance->is_start_seen;
		n_events += instance->n_events;
		time_ns += instance->end_ns - instance->start_ns;
		is_thread |= instance->is_thread;
		for (guint k = 0; k < instance->occurrences->len; k++)
			g_hash_table_add(symbols, (gpointer)naive_occurrence(instance, k)->symbol);
	}
	g_hash_table_insert(
	    naive->counts,
	    g_strdup_printf("role %s n=%u starts=%u whole=%u events=%u time=%u thread=%d", role,
	                    instances->len, (guint)n_starts, (guint)n_whole, (guint)n_events,
	                    (guint)time_ns, is_thread),
	    NULL);
	keys = g_hash_table_get_keys_as_array(symbols, &n_symbols);
	naive_rounds(naive, role, instances, keys, n_symbols);
	for (guint c = 0; c <= n_symbols; c++) {
		gboolean is_candidate = TRUE;

		for (guint i = 0; c < n_symbols && i < instances->len; i++) {
			const NaiveInstance *instance = g_ptr_array_index(instances, i);

			if (naive_is_whole(instance) && !naive_find(instance, keys[c], FALSE))
				is_candidate = FALSE;
		}
		if (!is_candidate)
			continue;
		if (c < n_symbols)
			naive_candidate(naive, instances, keys[c]);
		for (guint s = 0; s < n_symbols; s++)
			for (guint i = 0; i < instances->len; i++)
				naive_relate(naive, g_ptr_array_index(instances, i),
				             c < n_symbols ? keys[c] : NULL, keys[s]);
	}
}

static void
naive_task_free(gpointer data)
{
	NaiveTask *task = data;

	g_ptr_array_unref(task->contexts);
	g_ptr_array_unref(task->fallbacks);
	g_free(task);
}

static void
naive_instance_free(gpointer data)
{
	NaiveInstance *instance = data;

	g_free(instance->role);
	g_ptr_array_unref(instance->occurrences);
	g_free(instance);
}

static int
naive_compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts lines and makes one text of them. */
static char *
naive_join(GPtrArray *lines)
{
	g_ptr_array_sort(lines, naive_compare);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

/* All that there is to say about the events of some runs together, one fact a line. */
static char *
naive_learn(GArray *const *runs, guint n_runs, const RandomOptions *options)
{
	Naive naive = {.options = options,
	               .tasks = g_ptr_array_new_with_free_func(naive_task_free),
	               .instances = g_ptr_array_new_with_free_func(naive_instance_free),
	               .counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
	g_autoptr(GHashTable) roles = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer line, count;

	for (guint r = 0; r < n_runs; r++) {
		g_ptr_array_set_size(naive.tasks, 0);
		for (guint i = 0; i < runs[r]->len; i++)
			naive_event(&naive, &g_array_index(runs[r], GaitEvent, i));
	}
	for (guint i = 0; i < naive.instances->len; i++) {
		NaiveInstance *instance = g_ptr_array_index(naive.instances, i);

		if (g_hash_table_add(roles, instance->role))
			naive_role(&naive, instance->role);
	}
	g_hash_table_iter_init(&iter, naive.counts);
	while (g_hash_table_iter_next(&iter, &line, &count))
		g_ptr_array_add(lines, count ? g_strdup_printf("%s = %u", (char *)line,
		                                               (guint) * (guint64 *)count)
		                             : g_strdup(line));
	g_ptr_array_unref(naive.tasks);
	g_ptr_array_unref(naive.instances);
	g_hash_table_unref(naive.counts);
	return naive_join(lines);
}
