/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Violations in words. Everything that comes from outside (paths, symbols) is escaped here; nothing
 * here decides anything. Same violation, same bytes. The JSON line is violation-json.c's.
 */
#include "model/violation-private.h"

#include "model/syscall-arch.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <linux/audit.h>

void
gait_scene_init(GaitScene *scene, const GaitViolation *violation, const GaitWalker *walker)
{
	const struct gait_walk_position *at = &walker->position;

	scene->violation = violation;
	scene->walker = walker;
	scene->model = walker->table->model;
	scene->program = gait_model_get_program(scene->model, at->program);
	scene->role =
	    at->role == GAIT_NONE ? NULL : gait_program_get_role(scene->program, at->role);
	scene->library = gait_allowed_library(walker, violation);
	scene->state = gait_allowed_state(walker, violation);
}

void
gait_syscall_format_arch(GString *out, guint32 arch, guint32 nr, guint32 klass)
{
	if (arch == 0)
		gait_syscall_format(out, nr, klass);
	else if (arch == AUDIT_ARCH_I386)
		g_string_append_printf(out, "call %u of i386", nr);
	else if (arch == AUDIT_ARCH_X86_64)
		g_string_append_printf(out, "call 0x%x of x32", nr);
	else
		g_string_append_printf(out, "call %u of architecture 0x%x", nr, arch);
}

char *
gait_scene_name_state(const GaitScene *scene)
{
	g_autoptr(GString) name = NULL;

	if (scene->state == GAIT_NONE)
		return g_strdup("anywhere");
	if (scene->state == GAIT_STATE_START)
		return g_strdup("start");
	if (scene->state == GAIT_STATE_SIGNAL)
		return g_strdup("signal");
	name = g_string_new(NULL);
	gait_allowed_append_symbol(
	    name, scene->model, scene->program,
	    (GaitSymbolRef){scene->library, scene->state - GAIT_STATE_FIRST});
	return g_string_free(g_steal_pointer(&name), FALSE);
}

/* --- text ------------------------------------------------------------------------------------ */

static void
append_place(GString *out, const char *module, guint64 offset, const char *function, guint64 delta)
{
	gait_text_append(out, gait_text_basename(module));
	if (function) {
		g_string_append(out, " (");
		gait_text_append(out, function);
		g_string_append_printf(out, "+0x%" G_GINT64_MODIFIER "x)", delta);
	} else if (offset) {
		g_string_append_printf(out, "+0x%" G_GINT64_MODIFIER "x", offset);
	}
}

/* "nginx 1234/1235, main/ngx_spawn_process in phase 2" */
static void
append_who(GString *out, const GaitScene *scene)
{
	const GaitViolation *violation = scene->violation;

	gait_text_append(out, gait_text_basename(scene->program->path));
	g_string_append_printf(out, " %d", violation->pid);
	if (violation->tid != violation->pid)
		g_string_append_printf(out, "/%d", violation->tid);
	g_string_append(out, ", ");
	gait_text_append(out, scene->role ? scene->role->name : "role unknown");
	if (scene->role && scene->role->phases->len > 1)
		g_string_append_printf(
		    out, " in phase %u%s of %u", scene->walker->position.phase + 1,
		    scene->walker->position.is_loose ? " or later" : "", scene->role->phases->len);
}

static void
append_why_phase(GString *out, const GaitScene *scene)
{
	GaitSymbolRef entry = gait_allowed_entry(scene->walker, scene->violation);
	g_autoptr(GString) name = g_string_new(NULL);

	if (entry.library == GAIT_NONE) {
		g_string_append(out, "never in this phase");
		return;
	}
	gait_allowed_append_symbol(name, scene->model, scene->program, entry);
	g_string_append(out, "in this phase only after ");
	gait_text_append(out, name->str);
	g_string_append(out, " and before it waits again");
}

/* "never by this library", and the like: what makes it wrong. */
static void
append_why(GString *out, const GaitScene *scene)
{
	const GaitViolation *violation = scene->violation;
	g_autofree char *state = NULL;

	switch (violation->verdict) {
	case GAIT_VERDICT_SYSCALL:
		g_string_append(out, "this program never makes this call");
		break;
	case GAIT_VERDICT_ISSUER:
		g_string_append(out, "never by the instruction in ");
		append_place(out, violation->issuer ? violation->issuer : "[unknown]",
		             violation->event.issuer_offset, violation->issuer_function,
		             violation->issuer_delta);
		break;
	case GAIT_VERDICT_LIBRARY:
		g_string_append(out, "never on behalf of this library");
		break;
	case GAIT_VERDICT_PHASE:
		append_why_phase(out, scene);
		break;
	case GAIT_VERDICT_SITE:
		g_string_append(out, "never from this call site");
		break;
	case GAIT_VERDICT_SEQUENCE:
		state = gait_scene_name_state(scene);
		g_string_append(out, "never after ");
		gait_text_append(out, state);
		break;
	case GAIT_VERDICT_EXEC:
		g_string_append(out, "this program never runs ");
		gait_text_append(out, violation->exec_path ? violation->exec_path : "that one");
		break;
	case GAIT_VERDICT_ROLE:
		g_string_append(out, "never made a task here");
		break;
	case GAIT_VERDICT_ALLOW:
	case GAIT_VERDICT_N_:
		break;
	}
}

static void
append_allowed(GString *out, const GaitScene *scene)
{
	static const char *const heads[GAIT_VERDICT_N_] = {
	    [GAIT_VERDICT_SYSCALL] = "it may call",
	    [GAIT_VERDICT_ISSUER] = "this call is issued by",
	    [GAIT_VERDICT_LIBRARY] = "this call is made for",
	    [GAIT_VERDICT_PHASE] = "this phase allows",
	    [GAIT_VERDICT_SITE] = "this library makes the call as",
	    [GAIT_VERDICT_SEQUENCE] = "what may follow",
	    [GAIT_VERDICT_EXEC] = "it may run",
	    [GAIT_VERDICT_ROLE] = "tasks are made by",
	};
	g_auto(GaitAllowed) allowed = {0};

	gait_allowed_init(&allowed, scene->walker, scene->violation);
	g_string_append_printf(out, "    %s: ", heads[scene->violation->verdict]);
	for (guint i = 0; i < allowed.names->len; i++) {
		if (i)
			g_string_append(out, ", ");
		gait_text_append(out, g_ptr_array_index(allowed.names, i));
	}
	if (allowed.n_total == 0)
		g_string_append(out, "nothing");
	else if (allowed.n_total > allowed.names->len)
		g_string_append_printf(out, " and %u more", allowed.n_total - allowed.names->len);
	g_string_append_c(out, '\n');
}

void
gait_violation_print_text(const GaitViolation *violation, const GaitWalker *walker, GString *out)
{
	GaitScene scene;

	gait_scene_init(&scene, violation, walker);
	g_string_append_printf(out, "%s: ", gait_verdict_name(violation->verdict));
	append_who(out, &scene);
	g_string_append(out, ": ");
	gait_syscall_format_arch(out, violation->arch, violation->event.nr, violation->event.klass);
	if (violation->exec_path && violation->verdict != GAIT_VERDICT_EXEC) {
		g_string_append(out, " of ");
		gait_text_append(out, violation->exec_path);
	}
	if (violation->library) {
		g_string_append(out, " for ");
		append_place(out, violation->library, violation->event.site, violation->function,
		             violation->delta);
	}
	g_string_append(out, ": ");
	append_why(out, &scene);
	if (violation->action) {
		g_string_append(out, " [");
		gait_text_append(out, violation->action);
		g_string_append_c(out, ']');
	}
	g_string_append_c(out, '\n');
	append_allowed(out, &scene);
}
