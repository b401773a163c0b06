/* SPDX-License-Identifier: Apache-2.0 */
/* Issuer, library and site of a recorded call: as attribution found them, or by another runtime
 * set. */
#include "learn/site.h"

#include <string.h>

gboolean
gait_runtime_contains(const char *const *runtime, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash && slash[1] ? slash + 1 : path;

	for (; *runtime; runtime++) {
		gsize length = strlen(*runtime);

		if (length && (*runtime)[length - 1] == '*'
		        ? strncmp(name, *runtime, length - 1) == 0
		        : strcmp(name, *runtime) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Index of the first frame outside another runtime set than the recorded one; n_frames where it
 * cannot be told. */
static guint32
find_site(const GaitTraceReader *reader, const GaitTraceStack *stack, const char *const *runtime)
{
	guint32 site = 0;

	while (site < stack->n_frames &&
	       gait_runtime_contains(
	           runtime, gait_trace_reader_get_module(reader, stack->frames[site].module)->path))
		site++;
	/* Nothing but runtime, and nothing else when it was recorded: the instruction's own module.
	 */
	if (site == stack->n_frames && stack->site == 0)
		return 0;
	return site;
}

void
gait_site_from_shape(GaitSite *site, const GaitTraceReader *reader, const GaitShape *shape,
                     const char *const *runtime)
{
	const GaitTraceStack *stack;
	guint32 at;

	*site = (GaitSite){.module = G_MAXUINT32, .issuer_module = G_MAXUINT32};
	if (shape->stack == G_MAXUINT32)
		return;
	stack = gait_trace_reader_get_stack(reader, shape->stack);
	if (stack->n_frames == 0)
		return;
	site->issuer_module = stack->frames[0].module;
	site->issuer_offset = stack->frames[0].offset;
	site->issuer_function = stack->frames[0].function;
	site->issuer_delta = stack->frames[0].delta;
	at = stack->site;
	if (runtime && stack->status != 2)
		at = find_site(reader, stack, runtime);
	if (at >= stack->n_frames)
		return;
	site->module = stack->frames[at].module;
	site->site = stack->frames[at].offset;
	site->function = stack->frames[at].function;
	site->delta = stack->frames[at].delta;
}
