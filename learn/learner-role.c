/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles and their instances: which symbols occur in a role, and in which order they first occur,
 * kept as the bit matrices that phases are derived from (model.h).
 *
 * While an instance lives only the first and the last position of each symbol are kept; its end
 * turns them into bits: a sweep in order of first positions gives `before`, one from the back gives
 * `after`, a row operation a symbol. The rows of symbols that cannot be milestones any more are
 * dropped.
 *
 * An instance that is cut off (the recording ended, or events were lost) still counts for what it
 * did: what it did before the cut is exact, candidates that it did not reach lie at infinity, and
 * it vetoes no candidate.
 */
#include "learn/learner-private.h"
#include "model/model-private.h"

#include "sysgait/error.h"

#include <string.h>

static LearnRole *
new_role(LearnProgram *program, LearnRole *parent, LearnSymbol *creation)
{
	LearnRole *role = g_new0(LearnRole, 1);
	GaitSymbolRef ref = {GAIT_NONE, GAIT_NONE};

	if (creation)
		ref = (GaitSymbolRef){creation->library, creation->state - GAIT_STATE_FIRST};
	role->program = program;
	role->parent = parent;
	role->creation = creation;
	role->index = program->roles->len;
	role->role =
	    gait_program_add_role(program->program, parent ? parent->index : GAIT_NONE, ref);
	role->children = g_hash_table_new(NULL, NULL);
	role->members = g_array_new(FALSE, TRUE, sizeof(LearnMember));
	g_ptr_array_add(program->roles, role);
	return role;
}

LearnRole *
gait_learn_role_main(LearnProgram *program)
{
	return new_role(program, NULL, NULL);
}

LearnRole *
gait_learn_role_child(LearnRole *role, LearnSymbol *creation, GError **error)
{
	guint depth = 0;
	LearnRole *child;

	for (LearnRole *r = role; r; r = r->parent, depth++)
		if (r->creation == creation)
			return r;
	child = g_hash_table_lookup(role->children, creation);
	if (child)
		return child;
	if (role->program->roles->len >= GAIT_MAX_ROLES || depth >= GAIT_MAX_ROLE_DEPTH) {
		g_set_error(error, GAIT_LEARN_ERROR, GAIT_ERROR_TOO_LARGE,
		            "%s: the tasks of %s are of more than %d roles, or %d deep",
		            role->program->learner->name, role->program->program->path,
		            GAIT_MAX_ROLES, GAIT_MAX_ROLE_DEPTH);
		return NULL;
	}
	child = new_role(role->program, role, creation);
	g_hash_table_insert(role->children, creation, child);
	return child;
}

static void
drop_rows(LearnMember *member)
{
	g_clear_pointer(&member->after, g_free);
	g_clear_pointer(&member->before, g_free);
	member->is_candidate = FALSE;
}

void
gait_learn_role_free(LearnRole *role)
{
	for (guint i = 0; i < role->members->len; i++) {
		LearnMember *member = &g_array_index(role->members, LearnMember, i);

		drop_rows(member);
		g_free(member->led);
	}
	g_array_unref(role->members);
	g_hash_table_unref(role->children);
	g_free(role->local);
	g_free(role->known);
	g_free(role->unknown);
	g_free(role);
}

static guint64 *
widen(guint64 *row, guint32 from_words, guint32 to_words)
{
	row = g_renew(guint64, row, to_words);
	memset(row + from_words, 0, (to_words - from_words) * sizeof *row);
	return row;
}

/* Makes every row wide enough for one more member. */
static void
reserve_member(LearnRole *role)
{
	guint32 n_words = MAX(4, role->row_words * 2);

	if (role->members->len < role->row_words * 64)
		return;
	for (guint i = 0; i < role->members->len; i++) {
		LearnMember *member = &g_array_index(role->members, LearnMember, i);

		if (member->led)
			member->led = widen(member->led, role->row_words, n_words);
		if (!member->is_candidate)
			continue;
		member->after = widen(member->after, role->row_words, n_words);
		member->before = widen(member->before, role->row_words, n_words);
	}
	role->known = widen(role->known, role->row_words, n_words);
	role->unknown = widen(role->unknown, role->row_words, n_words);
	role->row_words = n_words;
}

guint32
gait_learn_role_add(LearnRole *role, LearnSymbol *symbol)
{
	LearnMember member = {.symbol = symbol};
	guint32 index = role->members->len;

	if (index >= GAIT_LEARN_MAX_SYMBOLS)
		return GAIT_NONE;
	if (symbol->id >= role->n_local) {
		guint32 n = MAX(role->program->symbols->len, role->n_local * 2);

		role->local = g_renew(guint32, role->local, n);
		for (guint32 i = role->n_local; i < n; i++)
			role->local[i] = GAIT_NONE;
		role->n_local = n;
	}
	if (role->local[symbol->id] != GAIT_NONE)
		return role->local[symbol->id];
	reserve_member(role);
	/* No whole instance was without it yet. All that instances did so far came before it; where
	 * their past is not known they may have passed it. */
	member.is_candidate = role->role->n_whole == 0;
	if (member.is_candidate) {
		member.after = g_memdup2(role->unknown, role->row_words * sizeof *role->unknown);
		member.before = g_memdup2(role->known, role->row_words * sizeof *role->known);
	}
	g_array_append_val(role->members, member);
	return role->local[symbol->id] = index;
}

void
gait_learn_instance_start(LearnTask *task, LearnRole *role, guint64 time_ns, gboolean is_start_seen)
{
	task->role = role;
	task->program = role->program;
	task->start_ns = task->last_ns = time_ns;
	task->n_events = 0;
	task->n_known = is_start_seen ? G_MAXUINT64 : 0;
	task->last_creation = NULL;
	g_clear_pointer(&task->occurrences, g_free);
	task->n_occurrences = 0;
	gait_learn_round_lose(task);
	role->role->n_instances++;
	role->role->n_runs = 1;
	if (is_start_seen)
		role->role->n_starts++;
}

typedef struct {
	guint64 position;
	guint32 member;
} Position;

static int
compare_positions(gconstpointer a, gconstpointer b)
{
	const Position *x = a, *y = b;

	return x->position < y->position ? -1 : x->position > y->position;
}

/* The members that occurred, by first or by last position; those before the gap only, or all. */
static GArray *
sort_positions(const LearnTask *task, gboolean by_last, guint64 n_known)
{
	GArray *positions = g_array_new(FALSE, FALSE, sizeof(Position));

	for (guint32 i = 0; i < task->n_occurrences; i++) {
		const LearnOccurrence *at = &task->occurrences[i];
		Position position = {by_last ? at->last : at->first, i};

		if (at->first && at->first <= n_known)
			g_array_append_val(positions, position);
	}
	g_array_sort(positions, compare_positions);
	return positions;
}

static void
or_row(guint64 *row, const guint64 *other, guint32 n_words)
{
	for (guint32 w = 0; w < n_words; w++)
		row[w] |= other[w];
}

static void
learn_before(LearnRole *role, const LearnTask *task)
{
	g_autoptr(GArray) firsts = sort_positions(task, FALSE, task->n_known);
	g_autofree guint64 *seen = g_new0(guint64, role->row_words);

	for (guint i = 0; i < firsts->len; i++) {
		guint32 index = g_array_index(firsts, Position, i).member;
		LearnMember *member = &g_array_index(role->members, LearnMember, index);
		const LearnOccurrence *at = &task->occurrences[index];

		if (member->is_candidate) {
			or_row(member->before, seen, role->row_words);
			member->n_instances++;
			member->time_ns = gait_counter_add(member->time_ns, at->time_ns);
			member->n_events = gait_counter_add(member->n_events, at->first - 1);
		}
		gait_bit_set(seen, index);
	}
	for (guint i = 0; i < role->members->len; i++) {
		LearnMember *member = &g_array_index(role->members, LearnMember, i);

		if (member->is_candidate && !gait_bit_test(seen, i))
			or_row(member->before, seen, role->row_words);
	}
	or_row(role->known, seen, role->row_words);
}

static void
learn_after(LearnRole *role, const LearnTask *task)
{
	g_autoptr(GArray) firsts = sort_positions(task, FALSE, G_MAXUINT64);
	g_autoptr(GArray) lasts = sort_positions(task, TRUE, G_MAXUINT64);
	g_autofree guint64 *seen = g_new0(guint64, role->row_words);
	g_autofree guint64 *unknown = g_new0(guint64, role->row_words);
	guint n_lasts = lasts->len;

	for (guint i = lasts->len; i-- > 0;) {
		const Position *last = &g_array_index(lasts, Position, i);

		if (last->position <= task->n_known)
			break;
		gait_bit_set(unknown, last->member);
	}
	for (guint i = firsts->len; i-- > 0;) {
		const Position *first = &g_array_index(firsts, Position, i);
		LearnMember *member = &g_array_index(role->members, LearnMember, first->member);

		while (n_lasts > 0 &&
		       g_array_index(lasts, Position, n_lasts - 1).position >= first->position)
			gait_bit_set(seen, g_array_index(lasts, Position, --n_lasts).member);
		if (member->is_candidate)
			or_row(member->after, seen, role->row_words);
	}
	for (guint i = 0; i < role->members->len; i++) {
		LearnMember *member = &g_array_index(role->members, LearnMember, i);

		if (member->is_candidate && !gait_bit_test(seen, i))
			or_row(member->after, unknown, role->row_words);
	}
	or_row(role->unknown, unknown, role->row_words);
}

/* A whole instance takes those that it did not need out of the candidates. */
static void
veto_candidates(LearnRole *role, const LearnTask *task)
{
	for (guint i = 0; i < role->members->len; i++)
		if (i >= task->n_occurrences || task->occurrences[i].first == 0)
			drop_rows(&g_array_index(role->members, LearnMember, i));
}

void
gait_learn_instance_end(LearnTask *task, guint64 time_ns, gboolean is_whole)
{
	LearnRole *role = task->role;
	GaitRole *model = role->role;

	model->time_ns = gait_counter_add(model->time_ns, time_ns - MIN(time_ns, task->start_ns));
	model->n_events = gait_counter_add(model->n_events, task->n_events);
	if (is_whole && task->n_known == G_MAXUINT64) {
		veto_candidates(role, task);
		model->n_whole++;
	}
	if (role->members->len == 0)
		return;
	learn_before(role, task);
	learn_after(role, task);
}

static void
finish_rows(LearnRole *role)
{
	GaitRole *model = role->role;
	gsize last;

	gait_role_alloc_relations(model);
	for (guint32 c = 0; c < model->candidates->len; c++) {
		guint32 index = g_array_index(model->candidates, GaitCandidate, c).symbol;
		const LearnMember *member = &g_array_index(role->members, LearnMember, index);
		gsize row = (gsize)c * model->row_words;

		memcpy(model->after + row, member->after, model->row_words * sizeof(guint64));
		memcpy(model->before + row, member->before, model->row_words * sizeof(guint64));
	}
	for (guint32 i = 0; i < role->members->len; i++) {
		const LearnMember *member = &g_array_index(role->members, LearnMember, i);

		if (member->is_in_rounds)
			gait_bit_set(model->in_rounds, i);
		if (member->led && model->led)
			memcpy(gait_role_row(model, model->led, i), member->led,
			       model->row_words * sizeof(guint64));
	}
	last = (gsize)model->candidates->len * model->row_words;
	if (model->row_words) {
		memcpy(model->after + last, role->unknown, model->row_words * sizeof(guint64));
		memcpy(model->before + last, role->known, model->row_words * sizeof(guint64));
	}
}

void
gait_learn_role_finish(LearnRole *role)
{
	GaitRole *model = role->role;

	for (guint32 i = 0; i < role->members->len; i++) {
		const LearnMember *member = &g_array_index(role->members, LearnMember, i);
		GaitSymbolRef ref = {member->symbol->library,
		                     member->symbol->state - GAIT_STATE_FIRST};
		GaitCandidate candidate = {
		    .symbol = i,
		    .n_instances = member->n_instances,
		    .time_ns = member->time_ns,
		    .n_events = member->n_events,
		};

		g_array_append_val(model->symbols, ref);
		if (member->is_candidate)
			g_array_append_val(model->candidates, candidate);
	}
	finish_rows(role);
}
