/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: what a task does between two waits, which is what its main loop does once. For each
 * symbol the set is kept of those that came before it in every round it was in. Nearly all sets are
 * empty after a few rounds and then cost nothing.
 */
#include "learn/learner-private.h"
#include "model/model-private.h"

#include <string.h>

static void
widen_round(LearnTask *task)
{
	guint32 n_words = task->role->row_words;

	task->round = g_renew(guint64, task->round, n_words);
	memset(task->round + task->round_words, 0,
	       (n_words - task->round_words) * sizeof *task->round);
	task->round_words = n_words;
}

/* The first time: all that has come. Later: what has come this time, too. */
static void
note_led(LearnTask *task, LearnMember *member)
{
	guint64 any = 0;

	if (!member->is_in_rounds) {
		member->is_in_rounds = TRUE;
		member->led =
		    g_memdup2(task->round, (gsize)task->role->row_words * sizeof *task->round);
	}
	if (!member->led)
		return;
	for (guint32 w = 0; w < task->role->row_words; w++)
		any |= member->led[w] &= task->round[w];
	if (!any || task->role->members->len > GAIT_MAX_LED)
		g_clear_pointer(&member->led, g_free);
}

void
gait_learn_round(LearnTask *task, guint32 index)
{
	LearnMember *member = &g_array_index(task->role->members, LearnMember, index);

	if (!task->has_waited)
		return;
	if (G_UNLIKELY(task->round_words < task->role->row_words))
		widen_round(task);
	if (member->led || !member->is_in_rounds)
		note_led(task, member);
	gait_bit_set(task->round, index);
}

void
gait_learn_round_end(LearnTask *task)
{
	task->has_waited = TRUE;
	if (task->round)
		memset(task->round, 0, (gsize)task->round_words * sizeof *task->round);
}

void
gait_learn_round_lose(LearnTask *task)
{
	task->has_waited = FALSE;
	g_clear_pointer(&task->round, g_free);
	task->round_words = 0;
}
