/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where all tasks stand: in a line for the terminal's status, and in full for SIGUSR1. What is read
 * here is the walkers themselves, so nobody may move them meanwhile.
 */
#include "enforce/in-kernel.h"

#include "sysgait/text.h"

#include <string.h>

#define MAX_TASKS  64 /* that are printed in full */
#define MAX_GROUPS 8  /* of tasks in the same phase, on the status line */

static gint
compare_tasks(gconstpointer a, gconstpointer b)
{
	const GaitTask *const *left = a, *const *right = b;

	return (*left)->tid < (*right)->tid ? -1 : (*left)->tid > (*right)->tid;
}

static GPtrArray *
sort_tasks(GaitEnforcer *enforcer)
{
	GPtrArray *tasks = g_ptr_array_new();
	GHashTableIter iterator;
	gpointer key;

	g_hash_table_iter_init(&iterator, enforcer->tasks);
	while (g_hash_table_iter_next(&iterator, &key, NULL))
		g_ptr_array_add(tasks, key);
	g_ptr_array_sort(tasks, compare_tasks);
	return tasks;
}

static guint64
count_violations(const GaitEnforcer *enforcer)
{
	guint64 n = 0;

	for (guint i = 0; i < GAIT_VERDICT_N_; i++)
		n += gait_log_get_n_violations(enforcer->log, i);
	return n;
}

static void
print_task(GaitEnforcer *enforcer, const GaitTask *task, GString *out)
{
	const GaitSupervised *supervised = task->data;

	gait_in_kernel_take(enforcer, task);
	g_string_append_printf(out, "%d", task->pid);
	if (task->tid != task->pid)
		g_string_append_printf(out, "/%d", task->tid);
	g_string_append_printf(out,
	                       ", %" G_GUINT64_FORMAT " violation%s: ", supervised->n_violations,
	                       supervised->n_violations == 1 ? "" : "s");
	if (supervised->walker)
		gait_walker_print(supervised->walker, out);
	else
		g_string_append(out, "a program outside the model, held by the floor alone\n");
}

void
gait_enforcer_print_walkers(GaitEnforcer *enforcer, GString *out)
{
	g_autoptr(GPtrArray) tasks = sort_tasks(enforcer);
	guint64 n_violations = count_violations(enforcer);
	GaitEnforcerStats stats;

	gait_enforcer_get_stats(enforcer, &stats);
	g_string_append_printf(out,
	                       "sysgait enforce: %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT
	                       " violation%s, %u task%s:\n",
	                       stats.n_events, n_violations, n_violations == 1 ? "" : "s",
	                       tasks->len, tasks->len == 1 ? "" : "s");
	for (guint i = 0; i < MIN(tasks->len, MAX_TASKS); i++)
		print_task(enforcer, g_ptr_array_index(tasks, i), out);
	if (tasks->len > MAX_TASKS)
		g_string_append_printf(out, "and %u more\n", tasks->len - MAX_TASKS);
}

/* --- the status line ------------------------------------------------------------------------- */

/* Tasks in the same place. */
typedef struct {
	guint32 program, role, phase;
	guint n_tasks;
} Group;

static gint
compare_groups(gconstpointer a, gconstpointer b)
{
	const Group *left = a, *right = b;

	if (left->program != right->program)
		return left->program < right->program ? -1 : 1;
	if (left->role != right->role)
		return left->role < right->role ? -1 : 1;
	return left->phase < right->phase ? -1 : left->phase > right->phase;
}

static GArray *
group_tasks(GaitEnforcer *enforcer)
{
	GArray *groups = g_array_new(FALSE, FALSE, sizeof(Group));
	GHashTableIter iterator;
	gpointer key;
	guint n = 0;

	g_hash_table_iter_init(&iterator, enforcer->tasks);
	while (g_hash_table_iter_next(&iterator, &key, NULL)) {
		const GaitSupervised *supervised = ((const GaitTask *)key)->data;
		Group group = {.n_tasks = 1};

		if (!supervised->walker)
			continue;
		gait_in_kernel_take(enforcer, key);
		group.program = gait_walker_get_program(supervised->walker);
		group.role = gait_walker_get_role(supervised->walker);
		group.phase = gait_walker_get_phase(supervised->walker);
		g_array_append_val(groups, group);
	}
	g_array_sort(groups, compare_groups);
	for (guint i = 0; i < groups->len; i++) {
		Group group = g_array_index(groups, Group, i);

		if (n > 0 && compare_groups(&group, &g_array_index(groups, Group, n - 1)) == 0)
			g_array_index(groups, Group, n - 1).n_tasks++;
		else
			g_array_index(groups, Group, n++) = group;
	}
	g_array_set_size(groups, n);
	return groups;
}

/* "nginx ngx_spawn_process 2/3 x4" */
static void
print_group(const GaitEnforcer *enforcer, const Group *group, GString *out)
{
	const GaitProgram *program = gait_model_get_program(enforcer->model, group->program);

	gait_text_append(out, gait_text_basename(program->path));
	if (group->role != GAIT_NONE) {
		const GaitRole *role = gait_program_get_role(program, group->role);

		g_string_append_c(out, ' ');
		gait_text_append(out, gait_text_basename(role->name));
		g_string_append_printf(out, " %u/%u", group->phase + 1, role->phases->len);
	}
	if (group->n_tasks > 1)
		g_string_append_printf(out, " x%u", group->n_tasks);
}

void
gait_enforcer_print_status(GaitEnforcer *enforcer, double events_per_s, GString *out)
{
	g_autoptr(GArray) groups = group_tasks(enforcer);
	guint64 n_violations = count_violations(enforcer);
	guint n_tasks = g_hash_table_size(enforcer->tasks);

	g_string_append_printf(
	    out, "sysgait: %.0f events/s, %u task%s, %" G_GUINT64_FORMAT " violation%s",
	    events_per_s, n_tasks, n_tasks == 1 ? "" : "s", n_violations,
	    n_violations == 1 ? "" : "s");
	for (guint i = 0; i < MIN(groups->len, MAX_GROUPS); i++) {
		g_string_append(out, i == 0 ? "; " : ", ");
		print_group(enforcer, &g_array_index(groups, Group, i), out);
	}
	if (groups->len > MAX_GROUPS)
		g_string_append(out, ", …");
}
