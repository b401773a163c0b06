/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tasks are held back, and for how long. Some orders of events come only when somebody is
 * late: a worker that finds a connection and a message of its master at once, a child that exits
 * before its parent looks. They are legal, come in production, come the more under a supervisor
 * that slows the program down, and a calm machine shows them in one run of a hundred.
 *
 * So tasks have spells of slowness, as in the chaos mode of rr (O'Callahan, 2016) and the priority
 * changes of probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010). Whether few or
 * most of the spells are slow is drawn once a run: one late task among quick ones and a program
 * that is late as a whole (for its clients) show different orders.
 */
#include "learn/perturb.h"

#define MEAN_SPELL     64   /* calls */
#define MAX_HOLD_US    3000 /* more than a round trip on a loaded machine */
#define SLOW_HOLD_RATE 4    /* one call in so many is held in a slow spell, */
#define CALM_HOLD_RATE 128  /* and outside of one */

struct _GaitPerturb {
	GRand *random;
	double slow_share; /* of spells */
};

GaitPerturb *
gait_perturb_new(guint32 seed)
{
	static const double slow_shares[] = {0.125, 0.75};
	GaitPerturb *perturb = g_new0(GaitPerturb, 1);

	perturb->random = g_rand_new_with_seed(seed);
	perturb->slow_share = slow_shares[g_rand_boolean(perturb->random)];
	return perturb;
}

void
gait_perturb_free(GaitPerturb *perturb)
{
	if (!perturb)
		return;
	g_rand_free(perturb->random);
	g_free(perturb);
}

guint
gait_perturb_get_hold(GaitPerturb *perturb, GaitPerturbTask *task)
{
	GRand *random = perturb->random;

	if (task->n_left == 0) {
		task->n_left = (guint32)g_rand_int_range(random, 1, 2 * MEAN_SPELL);
		task->is_slow = g_rand_double(random) < perturb->slow_share;
	}
	task->n_left--;
	if (g_rand_int_range(random, 0, task->is_slow ? SLOW_HOLD_RATE : CALM_HOLD_RATE) != 0)
		return 0;
	return (guint)g_rand_int_range(random, 1, MAX_HOLD_US);
}
