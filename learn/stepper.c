/* SPDX-License-Identifier: Apache-2.0 */
/* From the shapes of a trace to the events that a walker steps by: each is looked up once. */
#include "learn/stepper.h"

#include "learn/site.h"

#include <linux/audit.h>
#include <string.h>

#define X32_SYSCALL_BIT 0x40000000u

typedef struct {
	guint32 index;
	gboolean is_stale, is_known;
} Module;

void
gait_stepper_init(GaitStepper *stepper, GaitTraceReader *reader, const GaitWalkTable *table,
                  const char *const *runtime)
{
	stepper->reader = reader;
	stepper->table = table;
	stepper->runtime = runtime;
	stepper->shapes = g_array_new(FALSE, TRUE, sizeof(GaitStep));
	stepper->modules = g_array_new(FALSE, TRUE, sizeof(Module));
}

void
gait_stepper_clear(GaitStepper *stepper)
{
	g_clear_pointer(&stepper->shapes, g_array_unref);
	g_clear_pointer(&stepper->modules, g_array_unref);
}

static const Module *
find_module(GaitStepper *stepper, guint32 index)
{
	const GaitTraceModule *module;
	Module *found;

	if (index >= stepper->modules->len)
		g_array_set_size(stepper->modules, index + 1);
	found = &g_array_index(stepper->modules, Module, index);
	if (found->is_known)
		return found;
	module = gait_trace_reader_get_module(stepper->reader, index);
	found->is_known = TRUE;
	found->index = gait_walk_table_find_module(stepper->table, module->path, module->build_id,
	                                           &found->is_stale);
	/* Imported logs have no build-ids, and neither have models of them: then the path is all
	 * the identity there is, on both sides. */
	if (found->is_stale && !*module->build_id) {
		const GaitModelModule *known = g_ptr_array_index(
		    gait_walk_table_get_model(stepper->table)->modules, found->index);

		found->is_stale = *known->build_id || strcmp(known->path, module->path) != 0;
	}
	return found;
}

static void
set_attribution(GaitStepper *stepper, const GaitShape *shape, struct gait_walk_event *event)
{
	const Module *module;
	gboolean is_stale;
	GaitSite site;

	gait_site_from_shape(&site, stepper->reader, shape, stepper->runtime);
	event->issuer_module = event->module = GAIT_WALK_NONE;
	event->site = site.site;
	event->issuer_offset = site.issuer_offset;
	if (site.issuer_module == G_MAXUINT32) {
		event->flags |= GAIT_WALK_STALE_ISSUER;
	} else {
		module = find_module(stepper, site.issuer_module);
		event->issuer_module = module->index;
		event->flags |= module->is_stale ? GAIT_WALK_STALE_ISSUER : 0;
	}
	if (site.module == G_MAXUINT32) {
		event->module =
		    gait_walk_table_find_module(stepper->table, "[unknown]", "", &is_stale);
	} else {
		module = find_module(stepper, site.module);
		event->module = module->index;
		event->flags |= module->is_stale ? GAIT_WALK_STALE_SITES : 0;
	}
}

const GaitStep *
gait_stepper_get(GaitStepper *stepper, guint32 index)
{
	const GaitShape *shape;
	GaitStep *found;

	if (index >= stepper->shapes->len) {
		if (index >= gait_trace_reader_get_n_shapes(stepper->reader))
			return NULL;
		g_array_set_size(stepper->shapes, index + 1);
	}
	found = &g_array_index(stepper->shapes, GaitStep, index);
	if (found->is_known)
		return found;
	shape = gait_trace_reader_get_shape(stepper->reader, index);
	found->is_known = TRUE;
	found->event.nr = shape->nr;
	found->event.klass = shape->klass;
	if (shape->arch != AUDIT_ARCH_X86_64 || (shape->nr & X32_SYSCALL_BIT))
		found->arch = shape->arch;
	if (gait_trace_reader_get_info(stepper->reader)->has_stacks)
		set_attribution(stepper, shape, &found->event);
	else
		found->event.flags = GAIT_WALK_NO_STACK;
	return found;
}
