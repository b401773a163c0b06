/* SPDX-License-Identifier: Apache-2.0 */
/* The colours of all pictures. */
#include "sysgait/palette.h"

/* Eight hues that stay apart for most colour-blind readers; red is not among them. */
static const GaitGraphColor colors[GAIT_GRAPH_N_COLORS] = {
    {"#3B6EA5", "#D9E6F4", "#F3F7FC"}, /* blue */
    {"#C9730C", "#FBE3C5", "#FEF6EC"}, /* orange */
    {"#3A8545", "#D5ECD7", "#F1F9F2"}, /* green */
    {"#7A52A8", "#E6DBF3", "#F8F4FC"}, /* purple */
    {"#19808C", "#CFEBEE", "#EFF9FA"}, /* teal */
    {"#8A6344", "#EBDDD1", "#F9F5F1"}, /* brown */
    {"#B1478A", "#F4D9EA", "#FCF3F9"}, /* pink */
    {"#7F7A16", "#ECEABF", "#F9F8E9"}, /* olive */
};

static const GaitGraphColor changes[GAIT_GRAPH_CHANGE_N_] = {
    [GAIT_GRAPH_SAME] = {"#9CA3AF", "#FFFFFF", "#FAFAFA"},
    [GAIT_GRAPH_NEW] = {"#2E7D32", "#CDEBD0", "#F1F9F2"},
    [GAIT_GRAPH_GONE] = {"#B45309", "#FBE3C5", "#FEF6EC"},
    [GAIT_GRAPH_WEIGHT] = {"#2B62A8", "#D9E6F4", "#F3F7FC"},
};

const GaitGraphColor *
gait_graph_change_color(GaitGraphChange change)
{
	return &changes[change];
}

const GaitGraphColor *
gait_graph_phase_color(guint phase)
{
	return &colors[phase % GAIT_GRAPH_N_COLORS];
}
