/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Violations in words and in JSON. Everything that comes from outside (paths, symbols) is escaped
 * here; nothing here decides anything. Same violation, same bytes.
 *
 * The JSON line (DESIGN §5) has what `amend` needs to find the very place in the model again:
 * numbers and offsets beside the names. 64-bit values are strings in hex, since JSON readers keep
 * 53 bits.
 */
#include "sysgait/violation.h"

#include "model/allowed.h"
#include "model/walker-private.h"
#include "sysgait/syscall.h"
#include "sysgait/text.h"

#include <linux/audit.h>

typedef struct {
	const GaitViolation *violation;
	const GaitWalker *walker;
	const GaitModel *model;
	const GaitProgram *program;
	const GaitRole *role; /* NULL: not known */
	guint32 library;      /* of the program; GAIT_NONE: none of its */
	guint32 state;        /* of that library's automaton; GAIT_NONE: anywhere */
} Scene;

static void
set_scene(Scene *scene, const GaitViolation *violation, const GaitWalker *walker)
{
	const struct gait_walk_position *at = &walker->position;

	scene->violation = violation;
	scene->walker = walker;
	scene->model = walker->table->model;
	scene->program = gait_model_get_program(scene->model, at->program);
	scene->role =
	    at->role == GAIT_NONE ? NULL : gait_program_get_role(scene->program, at->role);
	scene->library = gait_allowed_library(walker, violation);
	scene->state = scene->library == GAIT_NONE
	                   ? GAIT_NONE
	                   : gait_contexts_row(&walker->contexts)[1 + scene->library];
}

/* "openat(O_RDONLY)", "call 5 of i386". */
static void
append_call(GString *out, const GaitViolation *violation)
{
	if (violation->arch == 0)
		gait_syscall_format(out, violation->event.nr, violation->event.klass);
	else if (violation->arch == AUDIT_ARCH_I386)
		g_string_append_printf(out, "call %u of i386", violation->event.nr);
	else if (violation->arch == AUDIT_ARCH_X86_64)
		g_string_append_printf(out, "call 0x%x of x32", violation->event.nr);
	else
		g_string_append_printf(out, "call %u of architecture 0x%x", violation->event.nr,
		                       violation->arch);
}

/* Symbol of the state, or what the state is called; raw. */
static char *
name_state(const Scene *scene)
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

/* --- JSON ------------------------------------------------------------------------------------ */

static void
json_string(GString *out, const char *key, const char *value)
{
	g_string_append_printf(out, ",\"%s\":", key);
	if (value)
		gait_text_append_json(out, value);
	else
		g_string_append(out, "null");
}

static void
json_hex(GString *out, const char *key, guint64 value)
{
	g_string_append_printf(out, "\"%s\":\"0x%" G_GINT64_MODIFIER "x\"", key, value);
}

static void
json_place(GString *out, const char *key, guint64 offset, const char *function, guint64 delta)
{
	g_string_append_printf(out, ",\"%s\":{", key);
	json_hex(out, "offset", offset);
	if (function) {
		json_string(out, "function", function);
		g_string_append_c(out, ',');
		json_hex(out, "delta", delta);
	}
	g_string_append_c(out, '}');
}

static void
json_call(GString *out, const GaitViolation *violation)
{
	g_autoptr(GString) call = g_string_new(NULL);

	append_call(call, violation);
	json_string(out, "call", call->str);
	if (violation->arch == 0)
		json_string(out, "syscall", gait_syscall_name(violation->event.nr));
	else
		g_string_append_printf(out, ",\"arch\":\"0x%x\"", violation->arch);
	g_string_append_printf(out, ",\"nr\":%u,\"class\":%u", violation->event.nr,
	                       violation->event.klass);
	if (!violation->args)
		return;
	g_string_append(out, ",\"args\":[");
	for (guint i = 0; i < 6; i++)
		g_string_append_printf(out, "%s\"0x%" G_GINT64_MODIFIER "x\"", i ? "," : "",
		                       violation->args[i]);
	g_string_append_c(out, ']');
}

static void
json_state(GString *out, const Scene *scene)
{
	g_autofree char *name = name_state(scene);
	const GaitSymbol *symbol;

	json_string(out, "state", name);
	if (scene->state == GAIT_NONE || scene->state < GAIT_STATE_FIRST)
		return;
	symbol = gait_program_get_symbol(
	    scene->program, (GaitSymbolRef){scene->library, scene->state - GAIT_STATE_FIRST});
	g_string_append_printf(out, ",\"from\":{\"syscall\":\"%s\",\"class\":%u,",
	                       gait_syscall_name(symbol->nr), symbol->klass);
	json_hex(out, "site", symbol->site);
	g_string_append_c(out, '}');
}

static void
json_allowed(GString *out, const Scene *scene)
{
	g_auto(GaitAllowed) allowed = {0};

	gait_allowed_init(&allowed, scene->walker, scene->violation);
	g_string_append(out, ",\"allowed\":[");
	for (guint i = 0; i < allowed.names->len; i++) {
		if (i)
			g_string_append_c(out, ',');
		gait_text_append_json(out, g_ptr_array_index(allowed.names, i));
	}
	g_string_append_printf(out, "],\"n_allowed\":%u", allowed.n_total);
}

void
gait_violation_print_json(const GaitViolation *violation, const GaitWalker *walker, GString *out)
{
	const struct gait_walk_event *event = &violation->event;
	Scene scene;

	set_scene(&scene, violation, walker);
	g_string_append_printf(out, "{\"time\":%.6f,\"pid\":%d,\"tid\":%d", violation->time_s,
	                       violation->pid, violation->tid);
	json_string(out, "kind", gait_verdict_name(violation->verdict));
	json_string(out, "action", violation->action);
	json_string(out, "program", scene.program->path);
	json_string(out, "role", scene.role ? scene.role->name : NULL);
	g_string_append_printf(out, ",\"phase\":%u", walker->position.phase + 1);
	json_call(out, violation);
	if (violation->exec_path)
		json_string(out, "exec", violation->exec_path);
	json_string(out, "library", violation->library);
	if (violation->library)
		json_place(out, "site", event->site, violation->function, violation->delta);
	if (violation->issuer) {
		json_string(out, "issuer", violation->issuer);
		json_place(out, "instruction", event->issuer_offset, violation->issuer_function,
		           violation->issuer_delta);
	}
	json_state(out, &scene);
	json_allowed(out, &scene);
	if (violation->n_repeats > 0)
		g_string_append_printf(out, ",\"repeats\":%" G_GUINT64_FORMAT,
		                       violation->n_repeats);
	g_string_append(out, "}\n");
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
append_who(GString *out, const Scene *scene)
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

/* "never by this library", and the like: what makes it wrong. */
static void
append_why(GString *out, const Scene *scene)
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
		g_string_append(out, "never in this phase");
		break;
	case GAIT_VERDICT_SITE:
		g_string_append(out, "never from this call site");
		break;
	case GAIT_VERDICT_SEQUENCE:
		state = name_state(scene);
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
append_allowed(GString *out, const Scene *scene)
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
	Scene scene;

	set_scene(&scene, violation, walker);
	g_string_append_printf(out, "%s: ", gait_verdict_name(violation->verdict));
	append_who(out, &scene);
	g_string_append(out, ": ");
	append_call(out, violation);
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
