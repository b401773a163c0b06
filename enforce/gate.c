/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A big-reader lock: a mutex for each worker, and who wants to be alone takes them all. Since
 * workers come back to theirs within microseconds and mutexes are not fair, they look at the
 * turnstile first, where who wants to be alone stands in the meantime.
 */
#include "enforce/gate.h"

#include <pthread.h>
#include <stdlib.h>

/* A cache line of its own. */
typedef struct {
	pthread_mutex_t mutex;
	guint8 padding[64 - sizeof(pthread_mutex_t)];
} Lane;

struct _GaitGate {
	guint n_workers;
	gint is_closed;            /* somebody is, or wants to be, alone */
	pthread_mutex_t turnstile; /* held by that one */
	Lane *lanes;
};

GaitGate *
gait_gate_new(guint n_workers)
{
	GaitGate *gate = g_new0(GaitGate, 1);

	gate->n_workers = n_workers;
	pthread_mutex_init(&gate->turnstile, NULL);
	gate->lanes = aligned_alloc(sizeof(Lane), n_workers * sizeof(Lane));
	g_assert(gate->lanes);
	for (guint i = 0; i < n_workers; i++)
		pthread_mutex_init(&gate->lanes[i].mutex, NULL);
	return gate;
}

void
gait_gate_free(GaitGate *gate)
{
	if (!gate)
		return;
	for (guint i = 0; i < gate->n_workers; i++)
		pthread_mutex_destroy(&gate->lanes[i].mutex);
	free(gate->lanes);
	pthread_mutex_destroy(&gate->turnstile);
	g_free(gate);
}

void
gait_gate_enter(GaitGate *gate, guint worker)
{
	while (G_UNLIKELY(g_atomic_int_get(&gate->is_closed))) {
		pthread_mutex_lock(&gate->turnstile);
		pthread_mutex_unlock(&gate->turnstile);
	}
	pthread_mutex_lock(&gate->lanes[worker].mutex);
}

void
gait_gate_leave(GaitGate *gate, guint worker)
{
	pthread_mutex_unlock(&gate->lanes[worker].mutex);
}

void
gait_gate_enter_alone(GaitGate *gate)
{
	pthread_mutex_lock(&gate->turnstile);
	g_atomic_int_set(&gate->is_closed, TRUE);
	for (guint i = 0; i < gate->n_workers; i++)
		pthread_mutex_lock(&gate->lanes[i].mutex);
}

void
gait_gate_leave_alone(GaitGate *gate)
{
	for (guint i = 0; i < gate->n_workers; i++)
		pthread_mutex_unlock(&gate->lanes[i].mutex);
	g_atomic_int_set(&gate->is_closed, FALSE);
	pthread_mutex_unlock(&gate->turnstile);
}
