/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A violation log as the distinct violations in it. What is kept is bounded, and so is all memory:
 * a log grows for as long as a program is watched, what is distinct in it does not. Lines are
 * log-lines.c's, and what is in one log-record.c's.
 */
#include "model/violation-log-private.h"
#include "sysgait/error.h"
#include "sysgait/syscall.h"

#include <string.h>

#define MAX_ACTIONS 8
#define MAX_MODELS  64
#define MAX_TASKS   65536

struct _GaitViolationLog {
	GPtrArray *groups;   /* GaitLogGroup */
	GHashTable *by_key;  /* key → GaitLogGroup */
	GHashTable *models;  /* digest → number of lines */
	GHashTable *refused; /* tid → Refusal: what a task was refused last */
	GChecksum *checksum;
	gsize n_kept; /* bytes of lines that are kept */
	guint64 n_lines, n_violations, n_torn;
	gboolean is_sorted;
};

typedef struct {
	const GaitLogGroup *group;
	double time_s;
} Refusal;

static void
group_free(gpointer data)
{
	GaitLogGroup *group = data;

	g_ptr_array_unref(group->variants);
	g_ptr_array_unref(group->actions);
	g_free(group);
}

GaitViolationLog *
gait_violation_log_new(void)
{
	GaitViolationLog *log = g_new0(GaitViolationLog, 1);

	log->groups = g_ptr_array_new_with_free_func(group_free);
	log->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	log->models = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	log->refused = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	log->checksum = g_checksum_new(G_CHECKSUM_SHA256);
	return log;
}

void
gait_violation_log_free(GaitViolationLog *log)
{
	if (!log)
		return;
	g_ptr_array_unref(log->groups);
	g_hash_table_unref(log->by_key);
	g_hash_table_unref(log->models);
	g_hash_table_unref(log->refused);
	g_checksum_free(log->checksum);
	g_free(log);
}

const GaitLogRecord *
gait_log_group_get(const GaitLogGroup *group)
{
	return g_ptr_array_index(group->variants, 0);
}

/* --- what is distinct ------------------------------------------------------------------------ */

static gboolean
is_same_symbol(const GaitLogSymbol *a, const GaitLogSymbol *b)
{
	if (!a || !b)
		return a == b;
	return a->nr == b->nr && a->klass == b->klass && a->site == b->site &&
	       strcmp(a->library, b->library) == 0 && strcmp(a->build_id, b->build_id) == 0;
}

static gboolean
is_same_list(const GPtrArray *a, const GPtrArray *b)
{
	gboolean is_same = a->len == b->len;

	for (guint i = 0; i < a->len && is_same; i++)
		is_same = strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) == 0;
	return is_same;
}

static gboolean
is_same_place(const GaitLogRecord *a, const GaitLogRecord *b)
{
	return is_same_list(a->possible, b->possible) && a->phase == b->phase &&
	       a->n_phases == b->n_phases && a->is_loose == b->is_loose && a->state == b->state &&
	       is_same_symbol(a->from, b->from) && is_same_symbol(a->since, b->since) &&
	       is_same_symbol(a->until, b->until) && strcmp(a->model, b->model) == 0;
}

static void
note_action(GaitLogGroup *group, const char *action)
{
	if (!action || group->actions->len >= MAX_ACTIONS)
		return;
	for (guint i = 0; i < group->actions->len; i++)
		if (strcmp(g_ptr_array_index(group->actions, i), action) == 0)
			return;
	g_ptr_array_add(group->actions, g_strdup(action));
}

static void
count_record(GaitLogGroup *group, const GaitLogRecord *record)
{
	note_action(group, record->action);
	group->n_times += 1 + record->n_repeats;
	group->first_s = group->n_times == 1 + record->n_repeats
	                     ? record->time_s
	                     : MIN(group->first_s, record->time_s);
	group->last_s = MAX(group->last_s, record->time_s);
}

static gboolean
keep(GaitViolationLog *log, gsize size, GError **error)
{
	log->n_kept += size;
	if (log->n_kept <= GAIT_LOG_MAX_BYTES && log->groups->len <= GAIT_LOG_MAX_DISTINCT)
		return TRUE;
	g_set_error(error, GAIT_MODEL_ERROR, GAIT_ERROR_TOO_LARGE,
	            "more than %u distinct violations, or %u MiB of them: what was learned has "
	            "little to do with what ran; train again",
	            GAIT_LOG_MAX_DISTINCT, GAIT_LOG_MAX_BYTES >> 20);
	return FALSE;
}

static GaitLogGroup *
get_group(GaitViolationLog *log, const GaitLogRecord *record)
{
	g_autofree char *key = gait_log_record_dup_key(record);
	GaitLogGroup *group = g_hash_table_lookup(log->by_key, key);
	g_autofree char *digest = NULL;

	if (group)
		return group;
	group = g_new0(GaitLogGroup, 1);
	group->variants = g_ptr_array_new_with_free_func((GDestroyNotify)gait_log_record_free);
	group->actions = g_ptr_array_new_with_free_func(g_free);
	digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
	g_strlcpy(group->id, digest, sizeof group->id);
	g_ptr_array_add(log->groups, group);
	g_hash_table_insert(log->by_key, g_steal_pointer(&key), group);
	return group;
}

static void
count_model(GaitViolationLog *log, const char *model)
{
	guint64 *count = g_hash_table_lookup(log->models, model);

	if (!count) {
		if (g_hash_table_size(log->models) >= MAX_MODELS)
			return;
		count = g_new0(guint64, 1);
		g_hash_table_insert(log->models, g_strdup(model), count);
	}
	++*count;
}

/* A refusal changes what a program does next. */
static void
note_cause(GaitViolationLog *log, GaitLogGroup *group, const GaitLogRecord *record)
{
	Refusal *last = g_hash_table_lookup(log->refused, GINT_TO_POINTER(record->tid));

	if (group->variants->len == 0 && last && last->group != group &&
	    record->time_s - last->time_s < 1 && record->time_s >= last->time_s)
		group->cause = last->group;
	if (!record->action || !g_str_has_prefix(record->action, "errno"))
		return;
	if (!last) {
		if (g_hash_table_size(log->refused) >= MAX_TASKS)
			return;
		last = g_new0(Refusal, 1);
		g_hash_table_insert(log->refused, GINT_TO_POINTER(record->tid), last);
	}
	*last = (Refusal){group, record->time_s};
}

gboolean
gait_violation_log_add(GaitViolationLog *log, GaitLogRecord *record, gsize size, GError **error)
{
	GaitLogGroup *group = get_group(log, record);

	log->is_sorted = FALSE;
	log->n_lines++;
	log->n_violations += 1 + record->n_repeats;
	note_cause(log, group, record);
	count_model(log, record->model);
	count_record(group, record);
	for (guint i = 0; i < group->variants->len; i++)
		if (is_same_place(g_ptr_array_index(group->variants, i), record)) {
			gait_log_record_free(record);
			return TRUE;
		}
	if (group->variants->len >= GAIT_LOG_MAX_VARIANTS) {
		group->n_dropped++;
		gait_log_record_free(record);
		return TRUE;
	}
	g_ptr_array_add(group->variants, record);
	return keep(log, size, error);
}

void
gait_violation_log_count_torn(GaitViolationLog *log)
{
	log->n_torn++;
}

void
gait_violation_log_update_digest(GaitViolationLog *log, const guint8 *bytes, gsize size)
{
	g_checksum_update(log->checksum, bytes, (gssize)size);
}

/* --- what is in it --------------------------------------------------------------------------- */

static int
compare_groups(gconstpointer a, gconstpointer b)
{
	const GaitLogRecord *x = gait_log_group_get(*(GaitLogGroup *const *)a);
	const GaitLogRecord *y = gait_log_group_get(*(GaitLogGroup *const *)b);
	guint rank_x = gait_verdict_rank(x->kind), rank_y = gait_verdict_rank(y->kind);
	double danger_x = gait_syscall_danger(x->nr), danger_y = gait_syscall_danger(y->nr);
	g_autofree char *key_x = NULL, *key_y = NULL;

	if (rank_x != rank_y)
		return rank_x < rank_y ? -1 : 1;
	if (danger_x != danger_y)
		return danger_x > danger_y ? -1 : 1;
	key_x = gait_log_record_dup_key(x);
	key_y = gait_log_record_dup_key(y);
	return strcmp(key_x, key_y);
}

const GPtrArray *
gait_violation_log_get_groups(GaitViolationLog *log)
{
	if (!log->is_sorted)
		g_ptr_array_sort(log->groups, compare_groups);
	log->is_sorted = TRUE;
	return log->groups;
}

guint64
gait_violation_log_get_n_lines(const GaitViolationLog *log)
{
	return log->n_lines;
}

guint64
gait_violation_log_get_n_violations(const GaitViolationLog *log)
{
	return log->n_violations;
}

guint64
gait_violation_log_get_n_torn(const GaitViolationLog *log)
{
	return log->n_torn;
}

guint64
gait_violation_log_count_foreign(const GaitViolationLog *log, const char *digest)
{
	const guint64 *own = g_hash_table_lookup(log->models, digest);

	return log->n_lines - (own ? *own : 0);
}

char *
gait_violation_log_dup_digest(const GaitViolationLog *log)
{
	g_autoptr(GChecksum) copy = g_checksum_copy(log->checksum);

	return g_strdup(g_checksum_get_string(copy));
}
