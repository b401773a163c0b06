/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the in-kernel tier tells of, in the order in which it happened. Records come through a ring;
 * calls that have gathered in their task's slot and were not sent off yet are read there. Each
 * task's are in order in themselves. Those of several tasks are put in order by their times:
 * stretches of one task that nobody else's call falls into are handed over as they are, which is
 * nearly all, and the others are sorted.
 */
#include "kernel/tier-private.h"

#include "sysgait/error.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Calls of one task, one after the other. */
typedef struct {
	guint32 slot;
	guint32 n;
	gboolean is_brief;         /* struct gait_tier_brief; otherwise one call or raw */
	gsize at;                  /* of the first, in bytes */
	guint64 first_ns, last_ns; /* never before what the task did before */
} Stretch;

/* One of them. */
typedef struct {
	guint64 time_ns;
	guint32 slot;
	gboolean is_brief;
	gsize at;
} Call;

/* What is known of a slot's task. */
typedef struct {
	guint32 n_sent;  /* batches of its that have come */
	guint32 n_taken; /* calls of the next one that were read in its slot */
	guint64 last_ns;
} Followed;

/* What was read in a slot. */
typedef struct {
	guint64 state;
	guint32 slot;
	gsize at; /* of all of the batch's calls, in bytes */
} Rest;

struct _GaitTierInbox {
	struct ring_buffer *ring;
	const volatile guint64 *produced, *consumed; /* bytes; a page of the ring's map each */
	GByteArray *bytes;
	GArray *stretches, *calls, *rests;
	Followed followed[GAIT_TIER_MAX_TASKS];
	gsize size; /* of records, since a drain began */
};

/* --- gathering ----------------------------------------------------------------------------------
 */

static const struct gait_tier_brief *
get_brief(const GaitTierInbox *inbox, gsize at)
{
	return (const void *)(inbox->bytes->data + at);
}

static const struct gait_tier_call *
get_call(const GaitTierInbox *inbox, gsize at)
{
	return (const void *)(inbox->bytes->data + at);
}

static gsize
keep(GaitTierInbox *inbox, const void *data, gsize size)
{
	gsize at = inbox->bytes->len;

	g_byte_array_append(inbox->bytes, data, (guint)size);
	return at;
}

static void
add_stretch(GaitTierInbox *inbox, Stretch *stretch)
{
	Followed *followed = &inbox->followed[stretch->slot];

	/* The kernel's quick clock may be a little late on another processor. */
	stretch->first_ns = MAX(stretch->first_ns, followed->last_ns);
	stretch->last_ns = MAX(stretch->last_ns, stretch->first_ns);
	followed->last_ns = stretch->last_ns;
	g_array_append_val(inbox->stretches, *stretch);
}

/* Calls of a batch, but for those that were taken before. */
static void
add_batch(GaitTierInbox *inbox, guint32 slot, guint32 n, gsize at)
{
	Followed *followed = &inbox->followed[slot];
	Stretch stretch = {.slot = slot, .is_brief = TRUE};

	if (n <= followed->n_taken)
		return;
	stretch.n = n - followed->n_taken;
	stretch.at = at + followed->n_taken * sizeof(struct gait_tier_brief);
	stretch.first_ns = get_brief(inbox, stretch.at)->time_ns;
	stretch.last_ns = get_brief(inbox, at + (n - 1) * sizeof(struct gait_tier_brief))->time_ns;
	add_stretch(inbox, &stretch);
}

static void
on_batch(GaitTierInbox *inbox, const struct gait_tier_batch *batch)
{
	guint32 n = GAIT_TIER_STATE_N(batch->state);
	Followed *followed;

	g_assert(batch->slot < GAIT_TIER_MAX_TASKS && n <= GAIT_TIER_N_GATHERED);
	followed = &inbox->followed[batch->slot];
	add_batch(inbox, batch->slot, n, keep(inbox, batch->calls, n * sizeof(batch->calls[0])));
	followed->n_sent = GAIT_TIER_STATE_SENT(batch->state) + 1;
	followed->n_taken = 0;
}

static void
on_single(GaitTierInbox *inbox, const struct gait_tier_call *call, gsize size)
{
	g_assert(call->slot < GAIT_TIER_MAX_TASKS);
	add_stretch(inbox, &(Stretch){.slot = call->slot,
	                              .n = 1,
	                              .at = keep(inbox, call, size),
	                              .first_ns = call->time_ns,
	                              .last_ns = call->time_ns});
}

/* Lengths are the kernel's own; a record of a kind that is not known is of another build. */
static int
on_record(void *data, void *record, size_t size)
{
	GaitTier *tier = data;
	GaitTierInbox *inbox = tier->inbox;
	const struct gait_tier_call *call = record;

	switch (call->kind) {
	case GAIT_TIER_BATCH:
		g_assert(size >= offsetof(struct gait_tier_batch, calls));
		on_batch(inbox, record);
		break;
	case GAIT_TIER_CALL:
		g_assert(size >= sizeof(*call));
		on_single(inbox, record, sizeof(*call));
		break;
	case GAIT_TIER_RAW_CALL:
		g_assert(size >= sizeof(struct gait_tier_raw));
		on_single(inbox, record, sizeof(struct gait_tier_raw));
		break;
	case GAIT_TIER_VIOLATION:
		g_assert(size >= sizeof(struct gait_tier_raw));
		tier->callbacks.violation(record, tier->data);
		break;
	case GAIT_TIER_STRANGER:
		g_assert(size >= sizeof(*call));
		tier->callbacks.stranger((pid_t)call->tid, call->time_ns, tier->data);
		break;
	default:
		g_assert_not_reached();
	}
	/* What was in the ring at first has come by then. Who fills it as fast as it is read does
	   not keep its reader. */
	inbox->size += size + BPF_RINGBUF_HDR_SZ;
	return inbox->size < tier->config.ring_size ? 0 : -ECANCELED;
}

/* --- what has gathered in slots -----------------------------------------------------------------
 */

static void
read_slot(GaitTier *tier, guint32 index)
{
	GaitTierInbox *inbox = tier->inbox;
	const struct gait_tier_batch *batch = &gait_tier_get_slot(tier, index)->batch;
	Rest rest = {.slot = index, .state = __atomic_load_n(&batch->state, __ATOMIC_ACQUIRE)};
	guint32 n = GAIT_TIER_STATE_N(rest.state);

	if (n == 0 || n > GAIT_TIER_N_GATHERED)
		return;
	rest.at = keep(inbox, batch->calls, n * sizeof(batch->calls[0]));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	/* Else it is in the ring. */
	if (GAIT_TIER_STATE_SENT(__atomic_load_n(&batch->state, __ATOMIC_RELAXED)) ==
	    GAIT_TIER_STATE_SENT(rest.state))
		g_array_append_val(inbox->rests, rest);
}

/* After the ring was read: of what was read there meanwhile it has come out. */
static void
take_rests(GaitTierInbox *inbox)
{
	for (guint i = 0; i < inbox->rests->len; i++) {
		const Rest *rest = &g_array_index(inbox->rests, Rest, i);
		Followed *followed = &inbox->followed[rest->slot];

		if (followed->n_sent != GAIT_TIER_STATE_SENT(rest->state))
			continue;
		add_batch(inbox, rest->slot, GAIT_TIER_STATE_N(rest->state), rest->at);
		followed->n_taken = MAX(followed->n_taken, GAIT_TIER_STATE_N(rest->state));
	}
}

/* --- handing over -------------------------------------------------------------------------------
 */

static void
hand_over(GaitTier *tier, guint32 slot, gboolean is_brief, gsize at)
{
	const struct gait_tier_call *call = get_call(tier->inbox, at);
	const struct gait_tier_brief *brief = get_brief(tier->inbox, at);
	struct gait_tier_call long_one;

	if (!is_brief) {
		tier->callbacks.call(
		    call, call->kind == GAIT_TIER_RAW_CALL ? (const void *)call : NULL, tier->data);
		return;
	}
	long_one = (struct gait_tier_call){
	    .kind = GAIT_TIER_CALL,
	    .slot = slot,
	    .nr = brief->nr,
	    .time_ns = brief->time_ns,
	    .stack = brief->stack,
	    .arch = AUDIT_ARCH_X86_64,
	};
	for (guint i = 0; i < G_N_ELEMENTS(long_one.args); i++)
		long_one.args[i] = brief->args[i];
	tier->callbacks.call(&long_one, NULL, tier->data);
}

static void
hand_over_stretch(GaitTier *tier, const Stretch *stretch)
{
	for (guint32 i = 0; i < stretch->n; i++)
		hand_over(tier, stretch->slot, stretch->is_brief,
		          stretch->at + i * sizeof(struct gait_tier_brief));
}

static gint
compare_calls(gconstpointer a, gconstpointer b, gpointer data)
{
	const Call *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

static void
add_calls(GaitTierInbox *inbox, const Stretch *stretch)
{
	Call call = {stretch->first_ns, stretch->slot, stretch->is_brief, stretch->at};

	for (guint32 i = 0; i < stretch->n; i++) {
		if (i > 0) {
			call.at += sizeof(struct gait_tier_brief);
			call.time_ns = MAX(call.time_ns, get_brief(inbox, call.at)->time_ns);
		}
		g_array_append_val(inbox->calls, call);
	}
}

/* n stretches, each of which another one's calls fall into. */
static void
hand_over_mixed(GaitTier *tier, const Stretch *stretches, guint n)
{
	GaitTierInbox *inbox = tier->inbox;

	g_array_set_size(inbox->calls, 0);
	for (guint i = 0; i < n; i++)
		add_calls(inbox, &stretches[i]);
	/* What came first stays first, so that a task's calls stay in order. */
	g_qsort_with_data(inbox->calls->data, (gint)inbox->calls->len, sizeof(Call), compare_calls,
	                  NULL);
	for (guint i = 0; i < inbox->calls->len; i++) {
		const Call *call = &g_array_index(inbox->calls, Call, i);

		hand_over(tier, call->slot, call->is_brief, call->at);
	}
}

static gint
compare_stretches(gconstpointer a, gconstpointer b, gpointer data)
{
	const Stretch *x = a, *y = b;

	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

static void
hand_over_all(GaitTier *tier)
{
	GArray *all = tier->inbox->stretches;
	guint64 last_ns;

	g_qsort_with_data(all->data, (gint)all->len, sizeof(Stretch), compare_stretches, NULL);
	for (guint i = 0, n; i < all->len; i += n) {
		const Stretch *stretches = &g_array_index(all, Stretch, i);

		last_ns = stretches->last_ns;
		for (n = 1; i + n < all->len && stretches[n].first_ns < last_ns; n++)
			last_ns = MAX(last_ns, stretches[n].last_ns);
		if (n == 1)
			hand_over_stretch(tier, stretches);
		else
			hand_over_mixed(tier, stretches, n);
	}
}

/* --- the inbox ----------------------------------------------------------------------------------
 */

static const volatile guint64 *
map_position(int ring, guint page)
{
	gsize size = (gsize)sysconf(_SC_PAGESIZE);
	void *position = mmap(NULL, size, PROT_READ, MAP_SHARED, ring, (off_t)(page * size));

	return position == MAP_FAILED ? NULL : position;
}

gboolean
gait_tier_open_inbox(GaitTier *tier, GError **error)
{
	GaitTierInbox *inbox = tier->inbox = g_new0(GaitTierInbox, 1);
	int fd = bpf_map__fd(gait_tier_find_map(tier, "ring"));

	inbox->bytes = g_byte_array_new();
	inbox->stretches = g_array_new(FALSE, FALSE, sizeof(Stretch));
	inbox->calls = g_array_new(FALSE, FALSE, sizeof(Call));
	inbox->rests = g_array_new(FALSE, FALSE, sizeof(Rest));
	inbox->ring = ring_buffer__new(fd, on_record, tier, NULL);
	inbox->consumed = map_position(fd, 0);
	inbox->produced = map_position(fd, 1);
	return (inbox->ring && inbox->consumed && inbox->produced) ||
	       gait_error_system(error, GAIT_PROCESS_ERROR, errno, "mmap of a BPF ring");
}

static void
unmap_position(const volatile guint64 *position)
{
	if (position)
		munmap((void *)position, (gsize)sysconf(_SC_PAGESIZE));
}

void
gait_tier_close_inbox(GaitTier *tier)
{
	GaitTierInbox *inbox = g_steal_pointer(&tier->inbox);

	if (!inbox)
		return;
	ring_buffer__free(inbox->ring);
	unmap_position(inbox->consumed);
	unmap_position(inbox->produced);
	g_byte_array_unref(inbox->bytes);
	g_array_unref(inbox->stretches);
	g_array_unref(inbox->calls);
	g_array_unref(inbox->rests);
	g_free(inbox);
}

void
gait_tier_follow(GaitTier *tier, guint32 index)
{
	tier->inbox->followed[index] = (Followed){0};
}

int
gait_tier_get_fd(const GaitTier *tier)
{
	return ring_buffer__epoll_fd(tier->inbox->ring);
}

void
gait_tier_drain(GaitTier *tier)
{
	GaitTierInbox *inbox = tier->inbox;
	guint64 end;

	inbox->size = 0;
	g_byte_array_set_size(inbox->bytes, 0);
	g_array_set_size(inbox->stretches, 0);
	g_array_set_size(inbox->rests, 0);
	for (guint i = 0; tier->config.is_recording && i < tier->n_used; i++)
		read_slot(tier, tier->used[i]);
	/* A record that is just being written holds up those behind it. What a slot refers to was
	   told of before. */
	end = __atomic_load_n(inbox->produced, __ATOMIC_ACQUIRE);
	while (ring_buffer__consume(inbox->ring) >= 0 &&
	       (gint64)(__atomic_load_n(inbox->consumed, __ATOMIC_ACQUIRE) - end) < 0)
		sched_yield();
	take_rests(inbox);
	hand_over_all(tier);
}
