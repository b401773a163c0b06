/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expectations: the model's own estimate (sysgait/metrics.h), summed up to each strictness, because
 * that is what one chooses. A violation that is expected is a false alarm, and where the policy
 * acts on it, a program that breaks.
 */
#include "enforce/expectation.h"

#include "sysgait/metrics.h"

/* Fewer runs than this say nothing about the next one. */
#define MIN_RUNS 3
/* Violations a run that are as good as none: one run of twenty meets one. */
#define NEGLIGIBLE 0.05

/* Expected violations of a run that the kinds up to this one make. */
static double
sum_up_to(const double expected[GAIT_VERDICT_N_], GaitVerdict strict)
{
	double sum = 0;

	for (guint i = GAIT_VERDICT_ALLOW + 1; i < GAIT_VERDICT_N_; i++)
		if (gait_verdict_rank(i) <= gait_verdict_rank(strict))
			sum += expected[i];
	return sum;
}

/* From the innermost: the kinds from sequence to syscall are those one can be strict up to. */
void
gait_expectation_describe(const GaitModel *model, GString *out)
{
	double expected[GAIT_VERDICT_N_], last = -1;
	gboolean is_first = TRUE;

	gait_metrics_expected(model, expected, GAIT_VERDICT_N_);
	g_string_append_printf(out, "after %u run%s%s the model expects ", model->runs->len,
	                       model->runs->len == 1 ? "" : "s",
	                       model->runs->len < MIN_RUNS ? ", too few to tell," : "");
	if (sum_up_to(expected, GAIT_VERDICT_SEQUENCE) < 0.005) {
		g_string_append(out, "no violations a run");
		return;
	}
	for (GaitVerdict kind = GAIT_VERDICT_SEQUENCE; kind >= GAIT_VERDICT_SYSCALL; kind--) {
		double sum = sum_up_to(expected, kind);

		/* By what is printed, which has two digits. */
		if (!is_first && last - sum < 0.005)
			continue;
		g_string_append_printf(out,
		                       is_first ? "%.2f violations a run at %s" : ", %.2f at %s",
		                       sum, gait_verdict_name(kind));
		is_first = FALSE;
		last = sum;
	}
}

gboolean
gait_expectation_advise(const GaitModel *model, const GaitPolicy *policy, GString *out)
{
	double expected[GAIT_VERDICT_N_], acted_on = 0;
	GaitVerdict bearable = GAIT_VERDICT_SEQUENCE;

	gait_metrics_expected(model, expected, GAIT_VERDICT_N_);
	for (guint i = GAIT_VERDICT_ALLOW + 1; i < GAIT_VERDICT_N_; i++)
		if (policy->actions[i].kind != GAIT_ACTION_LOG)
			acted_on += expected[i];
	if (acted_on < NEGLIGIBLE)
		return FALSE;
	while (bearable >= GAIT_VERDICT_SYSCALL && sum_up_to(expected, bearable) >= NEGLIGIBLE)
		bearable--;
	g_string_append_printf(out,
	                       "%.2f of these would be acted on in a run that does nothing "
	                       "wrong: train more, or until then ",
	                       acted_on);
	if (bearable >= GAIT_VERDICT_SYSCALL && model->runs->len >= MIN_RUNS)
		g_string_append_printf(out, "say --strict %s (%.2f) or ",
		                       gait_verdict_name(bearable), sum_up_to(expected, bearable));
	g_string_append(out, "--on-violation log");
	return TRUE;
}
